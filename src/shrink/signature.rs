//! What kind of failure one is, so that the failures of a sweep read as the few bugs that they are.

use super::Shrunk;
use crate::choice::{Actor, Choice, Key, Site};
use crate::id::NodeId;
use crate::run::Subject;
use crate::schedule::{Fault, Schedule, Trouble};
use crate::seed::Seed;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The rule that a failure breaks, or the place of its panic, and what kinds of steps it takes:
/// `duplicate-effect: crash of consumer + loss of broker→producer Produced`.
///
/// Machines are named by what they do, so that it does not matter which consumer died, and neither
/// does when. Which values the knobs had is left out too: they are the system that fails, and not
/// what happened to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    group: String,
    kinds: BTreeSet<String>,
}

/// The failures of one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distinct {
    /// What they have in common.
    pub signature: Signature,
    /// How many there are.
    pub count: u64,
    /// The seeds that they were found with, in the order in which they came.
    pub seeds: Vec<Seed>,
    /// The smallest of them, by its [`Size`](super::Size); of equals the one that came first.
    pub smallest: Shrunk,
}

impl Signature {
    /// The signature of a failure.
    pub fn of(shrunk: &Shrunk, subject: &dyn Subject) -> Self {
        let Schedule { faults, decisions, .. } = &shrunk.schedule;
        let machines = Machines(subject);
        let faults = faults.iter().map(|fault| machines.fault(fault));
        let decisions = decisions.iter().map(|(&key, &choice)| machines.decision(key, choice));
        Self {
            group: shrunk.run.outcome.group(),
            kinds: faults.map(Some).chain(decisions).flatten().collect(),
        }
    }

    /// The rule, or the place of the panic.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The kinds of steps in one phrase: `crash of consumer + loss of broker→producer Produced`.
    pub fn told(&self) -> String {
        let kinds: Vec<&str> = self.kinds().collect();
        if kinds.is_empty() { "the workload alone".to_owned() } else { kinds.join(" + ") }
    }

    /// The kinds of steps in words, in alphabetical order; none if the workload fails by itself.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().map(String::as_str)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.group, self.told())
    }
}

/// Failures told apart as distinct bugs, the most frequent first.
pub fn distinct(
    failures: impl IntoIterator<Item = Shrunk>,
    subject: &dyn Subject,
) -> Vec<Distinct> {
    let mut bugs = BTreeMap::<Signature, (Vec<Seed>, Shrunk)>::new();
    for failure in failures {
        let signature = Signature::of(&failure, subject);
        match bugs.get_mut(&signature) {
            None => _ = bugs.insert(signature, (vec![failure.run.seed], failure)),
            Some((seeds, smallest)) => {
                seeds.push(failure.run.seed);
                if failure.size < smallest.size {
                    *smallest = failure;
                }
            }
        }
    }
    let mut bugs: Vec<_> = bugs
        .into_iter()
        .map(|(signature, (seeds, smallest))| Distinct {
            signature,
            count: seeds.len() as u64,
            seeds,
            smallest,
        })
        .collect();
    bugs.sort_by_key(|bug| std::cmp::Reverse(bug.count));
    bugs
}

/// The machines of a system, by what they do.
struct Machines<'a>(&'a dyn Subject);

impl Machines<'_> {
    fn fault(&self, fault: &Fault) -> String {
        match &fault.what {
            Trouble::Crash { node, .. } => format!("crash of {}", self.role(*node)),
            Trouble::PowerCut { node, .. } => format!("power cut of {}", self.role(*node)),
            Trouble::Pause { node, .. } => format!("pause of {}", self.role(*node)),
            Trouble::Disconnect { node } => format!("disconnect of {}", self.role(*node)),
            Trouble::Cut { from, to, .. } => {
                format!("cut {}→{}", self.roles(from), self.roles(to))
            }
            Trouble::Hold { from, to, .. } => format!("hold {}", self.link(*from, *to)),
            Trouble::Grey { from, to, .. } => format!("grey link {}", self.link(*from, *to)),
            Trouble::ClockStep { node, .. } => format!("clock step of {}", self.role(*node)),
            Trouble::FullDisk { node, .. } => format!("full disk of {}", self.role(*node)),
            Trouble::BitRot { node, .. } => format!("bit rot on {}", self.role(*node)),
        }
    }

    /// Nothing for what is a part of the crash that it belongs to, or of the system.
    fn decision(&self, key: Key, choice: Choice) -> Option<String> {
        let who = match key.actor() {
            Actor::Link(from, to) => self.link(from, to),
            Actor::Node(node, _) => self.role(node).to_owned(),
            Actor::Run => "run".to_owned(),
        };
        let what = match key.site() {
            Site::Message => format!("{} of {who}{}", message_way(choice), self.kind(key)),
            Site::Break => format!("data cut off {who}"),
            Site::Notice => format!("late notice {who}"),
            Site::Timer => format!("late timer of {who}"),
            Site::Sync => format!("{} sync of {who}", sync_way(choice)),
            Site::Append => format!("{} write of {who}", write_way(choice)),
            Site::Node => format!("choice of {who}"),
            Site::Drift => format!("clock drift of {who}"),
            Site::Offset => format!("clock offset of {who}"),
            Site::PowerCut | Site::Tear | Site::CrashPoint | Site::Knob => return None,
        };
        Some(what)
    }

    fn role(&self, node: NodeId) -> &'static str {
        self.0.machines().get(node.index()).map_or("unknown machine", |machine| machine.role)
    }

    fn roles(&self, nodes: &[NodeId]) -> String {
        let roles: BTreeSet<_> = nodes.iter().map(|&node| self.role(node)).collect();
        roles.into_iter().collect::<Vec<_>>().join(" and ")
    }

    fn link(&self, from: NodeId, to: NodeId) -> String {
        format!("{}→{}", self.role(from), self.role(to))
    }

    /// The kind of a message, with a space before it, from the words for its key: a subject tells
    /// of kinds nowhere else.
    fn kind(&self, key: Key) -> String {
        let told = self.0.tell_key(key);
        let kind = told.split(' ').nth(1).filter(|word| !word.starts_with('#'));
        kind.map_or_else(String::new, |kind| format!(" {kind}"))
    }
}

const fn message_way(choice: Choice) -> &'static str {
    match choice {
        Choice::Lost => "loss",
        Choice::Twice { .. } => "duplicate",
        Choice::Corrupted { .. } | Choice::Garbled { .. } => "corruption",
        _ => "lateness",
    }
}

const fn sync_way(choice: Choice) -> &'static str {
    match choice {
        Choice::Failed(_) => "failed",
        Choice::Lied(_) => "lying",
        _ => "slow",
    }
}

const fn write_way(choice: Choice) -> &'static str {
    match choice {
        Choice::Misdirected(_) => "misdirected",
        _ => "lost",
    }
}
