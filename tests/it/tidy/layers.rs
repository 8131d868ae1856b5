//! A module imports strictly lower layers and its own subtree only.

use super::Source;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

/// Every top-level module, from the bottom up.
const LAYERS: &[&[&str]] = &[
    // Values. These may see each other, though not in a circle.
    &[
        "blob",
        "choice",
        "clock",
        "coverage",
        "digest",
        "figures",
        "files",
        "id",
        "journal",
        "profile",
        "projection",
        "schedule",
        "seed",
        "time",
    ],
    &["history"],
    &["check"],
    &["node"],
    // They know the contract and not each other.
    &["sim", "model"],
    &["run"],
    &["scenario"],
    &["shrink", "regression"],
    &["explore"],
    &["zoo", "matrix", "explain"],
    &["report"],
    &["harness", "cli", "property"],
];

/// The layer of a top-level module.
pub fn layer(module: &str) -> Option<u8> {
    let layer = LAYERS.iter().position(|modules| modules.contains(&module))?;
    u8::try_from(layer).ok()
}

pub fn check(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut values = BTreeMap::<String, BTreeSet<String>>::new();
    for source in sources {
        let Some(module) = source.module() else { continue };
        let (path, home) = (&source.path, module[0]);
        let Some(own) = layer(home) else {
            complaints.push(format!("{path}: `{home}` belongs to no layer"));
            continue;
        };
        for Import { to, line } in imports(source.tokens(), module.len()) {
            if to == home {
                continue;
            }
            match layer(&to) {
                Some(0) if own == 0 => {
                    values.entry(home.to_owned()).or_default().insert(to);
                }
                Some(other) if other < own => {}
                Some(other) => complaints.push(format!(
                    "{path}:{line}: `{home}` in layer {own} imports `{to}` in layer {other}"
                )),
                None => complaints.push(format!("{path}:{line}: `{to}` belongs to no layer")),
            }
        }
    }
    complaints.extend(circle(&values).map(|names| format!("src: values in a circle: {names}")));
    complaints
}

#[derive(Debug, PartialEq, Eq)]
struct Import {
    to: String,
    line: usize,
}

/// Every path that starts at the crate root, as `crate::a` or by enough `super`s, in code and
/// macros. `depth` is how many modules below the root the tokens stand.
fn imports(tokens: TokenStream, depth: usize) -> Vec<Import> {
    let mut found = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    let mut is_module_next = false;
    let mut is_path = false;
    while let Some(token) = tokens.next() {
        let after_colons = std::mem::take(&mut is_path);
        match token {
            TokenTree::Ident(word) if word == "mod" => {
                // The name, and the body if it stands here.
                tokens.next();
                is_module_next = true;
                continue;
            }
            TokenTree::Ident(word) if word == "crate" => {
                if eat_colons(&mut tokens) {
                    found.extend(targets(&mut tokens));
                }
            }
            TokenTree::Ident(word) if word == "super" && !after_colons => {
                let mut supers = 1;
                while eat_colons(&mut tokens) {
                    if eat_super(&mut tokens) {
                        supers += 1;
                    } else {
                        if supers >= depth {
                            found.extend(targets(&mut tokens));
                        }
                        break;
                    }
                }
            }
            TokenTree::Punct(punct) => is_path = punct.as_char() == ':',
            TokenTree::Group(group) => {
                let is_module = is_module_next && group.delimiter() == Delimiter::Brace;
                found.extend(imports(group.stream(), depth + usize::from(is_module)));
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
        is_module_next = false;
    }
    found
}

type Tokens = Peekable<proc_macro2::token_stream::IntoIter>;

fn eat_colons(tokens: &mut Tokens) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ':');
    tokens.next_if(is_colon).is_some() && tokens.next_if(is_colon).is_some()
}

fn eat_super(tokens: &mut Tokens) -> bool {
    tokens.next_if(|token| matches!(token, TokenTree::Ident(word) if word == "super")).is_some()
}

/// The modules named right after the root: one word, or the first words of each entry of a group.
fn targets(tokens: &mut Tokens) -> Vec<Import> {
    match tokens.next() {
        Some(TokenTree::Ident(word)) => {
            vec![Import { to: word.to_string(), line: word.span().start().line }]
        }
        Some(TokenTree::Group(group)) => {
            let mut found = Vec::new();
            let mut is_start = true;
            for token in group.stream() {
                match token {
                    TokenTree::Ident(word) if is_start => {
                        let line = word.span().start().line;
                        found.push(Import { to: word.to_string(), line });
                        is_start = false;
                    }
                    TokenTree::Punct(punct) => is_start = punct.as_char() == ',',
                    _ => is_start = false,
                }
            }
            found
        }
        _ => Vec::new(),
    }
}

/// Names that import each other in a circle, if there are any.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let mut left = edges.clone();
    // What imports nothing that is left cannot be part of a circle.
    loop {
        let open: BTreeSet<_> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, targets| targets.iter().any(|target| open.contains(target)));
        if left.len() == before {
            break;
        }
    }
    let names: Vec<_> = left.into_keys().collect();
    (!names.is_empty()).then(|| names.join(", "))
}

mod tests {
    use super::super::check_complaints;
    use super::*;

    #[track_caller]
    fn check_layers(files: &[(&str, &str)], expected: &[&str]) {
        let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        check_complaints(&check(&sources), expected);
    }

    #[test]
    fn lower_layers_and_the_own_subtree_may_be_imported() {
        check_layers(&[("src/sim.rs", "use crate::node::Node; use crate::{id, time::Span};")], &[]);
        check_layers(&[("src/sim/disk.rs", "use crate::sim::queue; use super::queue::Q;")], &[]);
        check_layers(&[("src/lib.rs", "pub mod cli;"), ("src/main.rs", "use crate::cli;")], &[]);
        check_layers(&[("tests/it/a.rs", "use crate::cli;")], &[]);
    }

    #[test]
    fn higher_layers_may_not() {
        let upwards = &["src/sim/disk.rs:2: `sim` in layer 4 imports `run` in layer 5"];
        check_layers(&[("src/sim/disk.rs", "\nuse crate::run::Run;")], upwards);
        check_layers(&[("src/sim/disk.rs", "\nuse crate::{id::NodeId, run::Run};")], upwards);
        check_layers(&[("src/sim/disk.rs", "\nfn f() -> crate::run::Run { g() }")], upwards);
        check_layers(&[("src/sim/disk.rs", "m! {\n { crate::run::Run } }")], upwards);
        check_layers(&[("src/sim/disk.rs", "\nuse super::super::run::Run;")], upwards);
        let nested = "mod tests {\nuse super::super::super::run::Run; use super::super::Disk; }";
        check_layers(&[("src/sim/disk.rs", nested)], upwards);
    }

    #[test]
    fn neighbours_of_one_layer_may_not() {
        let complaint = &["src/sim.rs:1: `sim` in layer 4 imports `model` in layer 4"];
        check_layers(&[("src/sim.rs", "use crate::model::Broker;")], complaint);
        check_layers(&[("src/sim.rs", "use super::model::Broker;")], complaint);
    }

    #[test]
    fn values_may_see_each_other_but_not_in_a_circle() {
        let (id, digest) = ("use crate::digest::Digest;", "use crate::time::Span;");
        check_layers(&[("src/id.rs", id), ("src/digest.rs", digest)], &[]);
        let back = "use crate::id::NodeId;";
        let circle = &["src: values in a circle: digest, id"];
        check_layers(&[("src/id.rs", id), ("src/digest.rs", back)], circle);
    }

    #[test]
    fn a_module_without_a_layer_is_refused() {
        check_layers(&[("src/other.rs", "")], &["src/other.rs: `other` belongs to no layer"]);
        let complaint = &["src/sim.rs:1: `other` belongs to no layer"];
        check_layers(&[("src/sim.rs", "use crate::other::Thing;")], complaint);
    }
}
