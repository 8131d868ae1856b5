//! What a seed was found to do.

use crate::check::Violation;
use crate::id::NodeId;
use crate::run::{Inspection, Outcome, Panic, Run, Subject, TraceEvent};
use crate::seed::Seed;

/// Whatever keeps a seed from holding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A promise was broken.
    Violated(Box<Violation>),
    /// A node panicked.
    Panicked(Box<Panic>),
    /// A callback did not return.
    Hung {
        /// The machine whose callback it was.
        machine: String,
    },
    /// The seed did not run twice alike.
    Nondeterministic(Box<Divergence>),
    /// It cannot be told.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// Findings of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The rule, the place of the panic, the machine that hung, `nondeterministic` or `unknown`.
    pub name: String,
    /// In how many runs.
    pub count: u64,
    /// The lowest seed of these, in the order of the sweep.
    pub seed: Seed,
    /// What was found at that seed.
    pub finding: Finding,
    /// The lowest seeds, as many as are to be [looked into](super::Sweep::look_into).
    pub lowest: Vec<Seed>,
}

/// Two runs of one schedule that are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The digest in the sweep.
    pub swept: u64,
    /// The digest of another run of the same seed.
    pub again: u64,
    /// Where two runs part, if two more of them showed it.
    pub parting: Option<Parting>,
}

/// Where two runs of one schedule part. If all their events are alike, a machine has ended in
/// another state, of which it has sent nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// How many events they have in common.
    pub common: usize,
    /// The first event of one trace that is not in the other; none if it ended.
    pub one: Option<TraceEvent>,
    /// The event in its place; none if that trace ended.
    pub other: Option<TraceEvent>,
}

impl Finding {
    /// What `outcome` means for its seed.
    pub(super) fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Holds => None,
            Outcome::Violated(violation) => Some(Self::Violated(violation.clone())),
            Outcome::Unknown { why } => Some(Self::Unknown { why: why.clone() }),
            Outcome::Panicked(panic) => Some(Self::Panicked(panic.clone())),
        }
    }

    /// Whether the seed fails by it: all do but those without a verdict.
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }

    /// The name of its group.
    pub fn group(&self) -> String {
        match self {
            Self::Violated(violation) => violation.rule.slug().to_owned(),
            Self::Panicked(panic) => format!("panic at {}", panic.location),
            Self::Hung { machine } => format!("hung in {machine}"),
            Self::Nondeterministic(_) => "nondeterministic".to_owned(),
            Self::Unknown { .. } => "unknown".to_owned(),
        }
    }
}

impl Divergence {
    /// What tells `swept` and `again` apart, and where `more` runs part.
    pub(super) fn between(swept: &Run, again: &Run, more: &[Inspection; 2]) -> Self {
        Self { swept: swept.digest, again: again.digest, parting: Parting::of(more) }
    }
}

impl Parting {
    fn of([one, other]: &[Inspection; 2]) -> Option<Self> {
        if one.run.digest == other.run.digest {
            return None;
        }
        let (one, other) = (&one.trace, &other.trace);
        let common = one.iter().zip(other).take_while(|(one, other)| one == other).count();
        Some(Self { common, one: one.get(common).cloned(), other: other.get(common).cloned() })
    }
}

/// What reports call `node`.
pub(super) fn machine_name(subject: &dyn Subject, node: NodeId) -> String {
    match subject.machines().get(node.index()) {
        Some(machine) => machine.name.clone(),
        None => format!("{node:?}"),
    }
}
