//! What machines held, packed for a page: each text as what differs from an earlier one.
//!
//! A machine says the same hundreds of lines over and over with one changed; a page of a thousand
//! events would otherwise carry megabytes of them.

use super::model::{Event, Explained};
use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::BTreeMap;

/// A text, as what differs from another.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Packed<'a> {
    /// The text that it is compared with; none if it stands by itself.
    base: Option<usize>,
    /// From the last line to the first: at which line, how many lines go, and which come.
    edits: Vec<(usize, usize, Vec<&'a str>)>,
}

/// The states of an explanation, in their order. The base of each comes before it.
pub(super) fn packed(explained: &Explained) -> Vec<Packed<'_>> {
    let bases = bases(explained);
    let lines: Vec<Vec<&str>> =
        explained.states.iter().map(|state| state.split('\n').collect()).collect();
    let states = bases.into_iter().zip(&lines);
    states
        .map(|(base, own)| Packed {
            base,
            edits: match base {
                None => vec![(0, 0, own.clone())],
                Some(base) => edits(&lines[base], own),
            },
        })
        .collect()
}

/// Of each state the one that its machine held before, when it came up first.
fn bases(explained: &Explained) -> Vec<Option<usize>> {
    let mut bases = vec![None; explained.states.len()];
    let mut newest = BTreeMap::new();
    for Event { machine, state, .. } in &explained.events {
        if let Some(state) = *state {
            let before = newest.insert(*machine, state);
            if let (Some(base @ None), Some(before)) = (bases.get_mut(state), before)
                && before < state
            {
                *base = Some(before);
            }
        }
    }
    bases
}

fn edits<'a>(base: &[&'a str], own: &[&'a str]) -> Vec<(usize, usize, Vec<&'a str>)> {
    let mut edits = Vec::new();
    // Where an insertion stands beside a deletion, what it says of the old lines is not to be
    // relied on.
    let mut line = 0;
    for operation in capture_diff_slices(Algorithm::Myers, base, own) {
        let (gone, come) = (operation.old_range().len(), operation.new_range());
        match operation {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete { .. } => edits.push((line, gone, Vec::new())),
            DiffOp::Insert { .. } => edits.push((line, 0, own[come].to_vec())),
            DiffOp::Replace { .. } => edits.push((line, gone, own[come].to_vec())),
        }
        line += gone;
    }
    edits.reverse();
    edits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a page makes of it.
    fn unpacked(base: &[&str], edits: &[(usize, usize, Vec<&str>)]) -> Vec<String> {
        let mut lines: Vec<String> = base.iter().map(|&line| line.to_owned()).collect();
        for (start, gone, come) in edits {
            lines.splice(start..&(start + gone), come.iter().map(|&line| line.to_owned()));
        }
        lines
    }

    #[test]
    fn what_comes_beside_what_goes_is_not_lost() {
        let base = ["a", "b", "b", "b", "a", "a"];
        let own = ["b", "b", "b", "b", "a", "a", "a", "a", "a"];
        assert_eq!(unpacked(&base, &edits(&base, &own)), own);
    }

    proptest! {
        #[test]
        fn what_is_packed_can_be_unpacked(
            base in prop::collection::vec("[ab]", 0..20),
            own in prop::collection::vec("[ab]", 0..20),
        ) {
            let base: Vec<&str> = base.iter().map(String::as_str).collect();
            let lines: Vec<&str> = own.iter().map(String::as_str).collect();
            prop_assert_eq!(unpacked(&base, &edits(&base, &lines)), own);
        }
    }
}
