//! Schedules made of bytes, as fuzzers supply them.

use super::exhaustive::{Alphabet, Step};
use crate::choice::Opening;
use crate::id::NodeId;
use crate::run::{Probe, Pulse, Run, Subject, Worker};
use crate::schedule::{Schedule, Trigger};
use crate::seed::Seed;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

mod menu;
mod stretch;

use menu::Menu;
use stretch::Measure;

/// How many bytes the seed takes: the first ones, the least significant first.
pub const SEED_BYTES: usize = 8;

/// How many bytes a record takes: two for a stream of openings, two for one of these, one for what
/// happens there, one for how much of it.
pub const RECORD_BYTES: usize = 6;

/// How many records count: the others are not read.
pub const RECORDS_MAX: usize = 16;

/// Makes schedules of bytes and runs them.
///
/// The first [`SEED_BYTES`] are the seed: 0 stands for the quiet run, any other for the run that it
/// grows. What is missing of them is 0. Each [`RECORD_BYTES`] after them add a fault or a decision
/// to the run of those before: the openings of that run, as far as an [`Alphabet`] has something to
/// try at them, are told apart by where they are, such as a kind of message on a link, and a record
/// names such a stream, the how-manieth of its openings, which of the steps to take there, and how
/// much its spans and numbers differ from those of the alphabet, within what a seed may draw.
/// Numbers too large begin again from 0, so all bytes are a schedule. The streams of the run
/// without records come first, those that records bring about after them: bytes that differ little
/// make schedules that differ little.
///
/// Steps that a later record has made void are left out; the others are all met by the run.
///
/// ```
/// use postulate::explore::Bytes;
/// use postulate::run::Outcome;
/// use postulate::zoo::Specimen;
///
/// let forgetful = Specimen::named("volatile-dedup-set").expect("a specimen of the zoo");
/// let mut bytes = Bytes::new(&forgetful.subject()?);
/// let (schedule, run) = bytes.run(&[]);
/// assert_eq!((schedule.steps(), run.outcome), (0, Outcome::Holds));
/// let mut outcome = |seed: u64| bytes.run(&seed.to_le_bytes()).1.outcome;
/// assert!((1..100).any(|seed| matches!(outcome(seed), Outcome::Violated(_))));
/// # Ok::<(), postulate::scenario::ScenarioError>(())
/// ```
pub struct Bytes {
    worker: Box<dyn Worker>,
    alphabet: Alphabet,
    measure: Measure,
    quiet: Probe,
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worker: _, alphabet, measure: _, quiet } = self;
        let openings = quiet.openings.len();
        f.debug_struct("Bytes").field("alphabet", alphabet).field("openings", &openings).finish()
    }
}

impl Bytes {
    /// Bytes are to be schedules of `subject`.
    pub fn new(subject: &Arc<dyn Subject>) -> Self {
        let mut worker = Arc::clone(subject).worker(Arc::new(Pulse::default()));
        let base = Schedule::quiet();
        let quiet = worker.probe(&base);
        let alphabet = Alphabet::of(subject.as_ref(), &base, Some(&quiet));
        let measure = Measure::of(subject.profile());
        Self { worker, alphabet, measure, quiet }
    }

    /// The schedule that `bytes` stand for.
    pub fn schedule(&mut self, bytes: &[u8]) -> Schedule {
        self.run(bytes).0
    }

    /// Runs the schedule that `bytes` stand for.
    pub fn run(&mut self, bytes: &[u8]) -> (Schedule, Run) {
        let (seed, records) = bytes.split_at(bytes.len().min(SEED_BYTES));
        let mut word = [0; SEED_BYTES];
        word[..seed.len()].copy_from_slice(seed);
        let mut schedule = match u64::from_le_bytes(word) {
            0 => Schedule::quiet(),
            seed => Schedule::seeded(Seed(seed)),
        };
        let mut probe = match schedule.seed {
            Seed(0) => self.quiet.clone(),
            _ => self.worker.probe(&schedule),
        };
        let mut menu = Menu::default();
        for record in records.chunks_exact(RECORD_BYTES).take(RECORDS_MAX) {
            menu.serve(&self.alphabet, &probe.openings);
            let Some(step) = self.step(&menu, record) else { break };
            if let Step::Fault(fault) = &step
                && schedule.faults.contains(fault)
            {
                continue;
            }
            step.join(&mut schedule);
            probe = self.worker.probe(&schedule);
            leave_out_void(&mut schedule, &probe.openings);
        }
        (schedule, probe.run)
    }

    /// What a record adds; nothing if there is nothing to add to.
    fn step(&self, menu: &Menu, record: &[u8]) -> Option<Step> {
        let [stream, place] = [0, 2].map(|at| u16::from_le_bytes([record[at], record[at + 1]]));
        let (opening, rounds) = menu.opening(stream, place)?;
        let mut steps = self.alphabet.steps_at(opening);
        // A start with many machines has room for more steps than a byte can tell.
        let which = rounds << 8 | usize::from(record[4]);
        let (_, step) = steps.swap_remove(which % steps.len());
        Some(self.measure.stretched(step, record[5], opening))
    }
}

/// Leaves out what nothing asked for and what never struck; without it the run is the same.
fn leave_out_void(schedule: &mut Schedule, openings: &[Opening]) {
    let (mut asked, mut handled) = (BTreeSet::new(), BTreeMap::<NodeId, u32>::new());
    for opening in openings {
        match *opening {
            Opening::Start => {}
            Opening::Asked { key, .. } => _ = asked.insert(key),
            Opening::Handled { node, events } => _ = handled.insert(node, events),
        }
    }
    schedule.decisions.retain(|key, _| asked.contains(key));
    schedule.faults.retain(|fault| match fault.when {
        Trigger::After { node, events } => handled.get(&node).is_some_and(|&most| events <= most),
        Trigger::At(_) | Trigger::Upon { .. } | Trigger::Done { .. } => true,
    });
}
