//! What a run was like, so that runs can be told apart by more than their verdicts.
//!
//! Computed only for those who ask: no other run pays for it.

use super::machine::{MachineState, Process};
use super::observe::Stats;
use crate::digest::Digest;
use crate::id::NodeId;
use crate::node::{Machine, System};
use crate::schedule::Occasion;

/// Abstract states and the order of events of one run.
#[derive(Debug, Default)]
pub(super) struct Novelty {
    states: Vec<u64>,
    /// Of each machine the last two things that it handled, and the digest of all of them in order.
    past: Vec<(u64, u64, Digest)>,
}

impl Novelty {
    pub(super) fn of(machines: usize) -> Self {
        Self { states: Vec::new(), past: vec![(0, 0, Digest::new()); machines] }
    }

    /// Machine `node` has handled `what`. Its state is made of its role, its incarnation up to the
    /// third, what it handled now and the two times before, by kind and by the role of the other
    /// side; how many machines are down and how many stand still; and of how many sends are open
    /// and how many messages are on their way, to a power of two.
    pub(super) fn handled<S: System>(
        &mut self,
        (node, what): (NodeId, Occasion),
        system: &S,
        machines: &[MachineState<S>],
        stats: Stats,
    ) {
        let role = |node: NodeId| role(system.machines(), node);
        let kind = match what {
            Occasion::Message { from, kind } => 1 << 8 | u64::from(kind) | role(from) << 16,
            Occasion::Timer(timer) => 2 << 8 | u64::from(timer.0),
            Occasion::Sync(file) => 3 << 8 | u64::from(file.0),
            Occasion::Notice(peer) => 4 << 8 | role(peer) << 16,
            Occasion::Input(_) => 5 << 8,
        };
        let (last, before, order) = &mut self.past[node.index()];
        let peer = match what {
            Occasion::Message { from, .. } | Occasion::Notice(from) => u64::from(from.0) + 1,
            Occasion::Timer(_) | Occasion::Sync(_) | Occasion::Input(_) => 0,
        };
        order.word(kind).word(peer);
        let down = machines.iter().filter(|machine| machine.process != Process::Up).count();
        let still = machines.iter().filter(|machine| machine.paused.is_some()).count();
        let life = machines[node.index()].station.incarnation.min(2);
        let bucket = |number: u64| u64::from(number.checked_ilog2().map_or(0, |log| log + 1));
        let open = stats.invoked.saturating_sub(stats.acknowledged);
        let away = stats.sent.saturating_sub(stats.delivered);
        let state = Digest::new()
            .word(role(node) << 32 | u64::from(life))
            .word(kind)
            .word(*last)
            .word(*before)
            .word((down as u64) << 32 | still as u64)
            .word(bucket(open) << 32 | bucket(away))
            .value();
        *before = *last;
        *last = kind;
        self.states.push(state);
    }

    /// The states, each once, and the partial order: which machine handled what in which order,
    /// whatever went on at others meanwhile.
    pub(super) fn told(mut self) -> (Vec<u64>, u64) {
        self.states.sort_unstable();
        self.states.dedup();
        let mut order = Digest::new();
        for (_, _, of_machine) in &self.past {
            order.word(of_machine.value());
        }
        (self.states, order.value())
    }
}

/// The number of the first machine of the same role: roles are told apart by it.
fn role(machines: &[Machine], node: NodeId) -> u64 {
    let role = machines[node.index()].role;
    machines.iter().position(|machine| machine.role == role).unwrap_or(0) as u64
}
