//! A run whose rest is drawn anew.

use super::swarm;
use super::world::World;
use crate::id::NodeId;
use crate::node::System;
use crate::seed::Seed;
use crate::time::Span;

impl<S: System> World<S> {
    /// Runs the first `keep` events; then `seed` draws anew.
    pub(crate) fn run_redrawn(&mut self, keep: u64, seed: Seed) {
        while self.stats.events < keep && self.step() {}
        if self.stats.cause.is_none() && !self.settle.healed {
            self.redraw(seed);
        }
        self.run();
    }

    /// What the schedule has left to say is forgotten: faults that have not struck, choices that
    /// were not asked for, the time of heal. What lasts is lifted, and what is down restarts, when
    /// it was to.
    fn redraw(&mut self, seed: Seed) {
        if self.race.on {
            self.end_race();
        }
        self.desk.decider.redraw(seed);
        // Without a fault that it has waited for, the run would have been over.
        self.faults.forget_coming(self.settle.awaited_faults);
        let profile = self.system.profile();
        let mut faults = Vec::new();
        let drawn = swarm::draw(profile, self.system.machines(), &self.desk.decider, &mut faults);
        self.rates = drawn.rates;
        self.network.redraw(drawn.rates);
        self.faults.add(faults, self.now);
        self.settle.heal_at = drawn.heal_at.max(self.now + Span::NANO);
        self.faults.at(self.settle.heal_at, super::faults::Turnabout::Heal);
        for number in 0..self.machines.len() {
            self.arm_strikes(NodeId(number as u16));
        }
    }
}
