//! The judge: all promises of a system in one pass over a history.

use super::aside::Aside;
use super::convergence::Convergence;
use super::delivery::Delivery;
use super::evidence::{select, things};
use super::ledger::{Ledger, Place};
use super::log::Log;
use super::{Checker, Promise, Verdict, Violation, progress};
use crate::history::{EndCause, Event, History, Operation, Recorded};
use crate::id::MessageId;
use crate::time::Instant;

/// Judges a history by a list of promises, operation by operation.
///
/// A world asks it after each operation whether to go on; [`judge`] folds a finished history. Both
/// give the same verdict.
#[derive(Debug)]
pub struct Judge {
    ledger: Ledger,
    delivery: Delivery,
    log: Log,
    convergence: Convergence,
    aside: Aside,
    custom: Vec<Box<dyn Checker>>,
    /// Whether there is anything in `aside` or `custom`.
    more: bool,
    operations: u64,
    counts: Counts,
    broken: bool,
    end: Option<(EndCause, Instant)>,
}

/// How many operations of some kinds a judge has observed.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sends invoked.
    pub invoked: u64,
    /// Sends acknowledged.
    pub acknowledged: u64,
    /// Effects committed.
    pub effects: u64,
}

/// Judges a finished history.
///
/// # Panics
/// If the promises about delivery name more than [`SINKS_MAX`](super::SINKS_MAX) sinks.
///
/// ```
/// use postulate::check::{Promise, Rule, Verdict, judge};
/// use postulate::history::{Event, History, Operation};
/// use postulate::id::{MessageId, NodeId, SinkId};
/// use postulate::time::{Instant, Span};
///
/// let (message, sink) = (MessageId::new(NodeId(0), 4), SinkId(0));
/// let at = |millis, event| {
///     let at = Instant::START + Span::millis(millis);
///     Operation { at, process: NodeId(0), incarnation: 0, event }
/// };
/// let history = History::new(vec![
///     at(1, Event::SendInvoke { message, key: 0, attempt: 0, payload: 9 }),
///     at(2, Event::Effect { message, sink, payload: 9 }),
///     at(8, Event::Effect { message, sink, payload: 9 }),
/// ]);
/// let promise = Promise::ExactlyOnce { sinks: vec![sink] };
/// let Verdict::Violated(violation) = judge(&history, &[promise]) else { panic!() };
/// assert_eq!(violation.rule, Rule::DuplicateEffect);
/// assert_eq!(violation.observed, "it took effect twice: at 2 ms and 8 ms");
/// ```
pub fn judge(history: &History, promises: &[Promise]) -> Verdict {
    let mut judge = Judge::new(promises);
    for operation in history.operations() {
        judge.observe(operation);
    }
    judge.conclude(history)
}

impl Judge {
    /// A judge of these promises, before the first operation.
    ///
    /// # Panics
    /// If the promises about delivery name more than [`SINKS_MAX`](super::SINKS_MAX) sinks.
    pub fn new(promises: &[Promise]) -> Self {
        let custom = promises.iter().filter_map(|promise| match promise {
            Promise::Custom(custom) => Some(custom.checker()),
            _ => None,
        });
        let custom: Vec<Box<dyn Checker>> = custom.collect();
        let aside = Aside::new(promises);
        Self {
            ledger: Ledger::default(),
            delivery: Delivery::new(promises),
            log: Log::new(promises),
            convergence: Convergence::new(promises),
            more: aside.is_promised() || !custom.is_empty(),
            aside,
            custom,
            operations: 0,
            counts: Counts::default(),
            broken: false,
            end: None,
        }
    }

    /// Back to the state before the first operation; keeps its memory.
    pub fn reset(&mut self) {
        self.ledger.reset();
        self.delivery.reset();
        self.log.reset();
        self.convergence.reset();
        self.aside.reset();
        for checker in &mut self.custom {
            checker.reset();
        }
        self.operations = 0;
        self.counts = Counts::default();
        self.broken = false;
        self.end = None;
    }

    /// Takes in the next operation.
    #[inline]
    pub fn observe(&mut self, operation: &Operation) {
        self.operations += 1;
        match operation.event {
            Event::Plan { message, .. } => {
                let (_, entry, tally) = self.ledger.open(message);
                entry.plan(tally);
            }
            Event::SendInvoke { message, key, payload, .. } => {
                self.counts.invoked += 1;
                let (slot, entry, tally) = self.ledger.open(message);
                entry.invoke((slot, tally), operation, (key, payload));
                self.convergence.invoked();
            }
            Event::SendOk { message, partition, offset, .. } => {
                self.counts.acknowledged += 1;
                let place = offset.map(|offset| Place { partition, offset });
                self.acknowledged(operation, message, place);
            }
            Event::SendFail { message, .. } => {
                let (_, entry, tally) = self.ledger.open(message);
                entry.fail(tally);
            }
            Event::SendInfo { message, .. } => {
                let (_, entry, tally) = self.ledger.open(message);
                entry.inform(tally);
            }
            Event::Polled { message, key, partition, offset, payload, .. } => {
                self.polled(operation, message, Place { partition, offset }, (key, payload));
            }
            Event::Received { message, key, payload, .. } => {
                self.received(operation, message, (key, payload));
            }
            Event::Effect { message, sink, payload } => {
                self.counts.effects += 1;
                let effect = (message, sink, payload);
                self.broken |= self.delivery.effect(&mut self.ledger, operation, effect);
                if self.convergence.is_promised() {
                    let (slot, _, tally) = self.ledger.open(message);
                    self.convergence.effect((slot, tally), effect);
                }
            }
            Event::View { digest } => self.convergence.view(operation.process, digest),
            Event::End { cause } => self.end = Some((cause, operation.at)),
            Event::Returned { .. }
            | Event::Lapsed { .. }
            | Event::AckInvoke { .. }
            | Event::AckOk { .. }
            | Event::AckInfo { .. }
            | Event::Acting { .. }
            | Event::CommitInvoke { .. }
            | Event::CommitOk { .. }
            | Event::CommitInfo { .. }
            | Event::Boot
            | Event::Down { .. }
            | Event::Heal => {}
        }
        if self.more {
            self.observe_more(operation);
        }
    }

    /// How many things are still to happen: planned sends not invoked, sends without an answer,
    /// effects or readers that acknowledged messages wait for, what replicas are behind by, and
    /// what checkers of the system's own count.
    #[inline]
    pub fn owed(&self) -> u32 {
        self.due().saturating_add(self.ledger.behind())
    }

    /// What is owed, but for what replicas are behind by: at rest that shows in their views.
    #[inline]
    fn due(&self) -> u32 {
        let own = self.ledger.owed();
        self.custom.iter().fold(own, |sum, checker| sum.saturating_add(checker.owed()))
    }

    /// How many sends and effects were observed.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether a promise is broken so that no later operation can mend it.
    #[inline]
    pub fn broken(&self) -> bool {
        self.broken
    }

    /// The verdict on `history`, whose operations were all observed: the first broken rule by
    /// precedence; else, if the history does not tell enough, that it is unknown.
    ///
    /// What only time can tell (a lost message or record, diverged replicas, a deadlock) is judged
    /// if the run came to rest.
    pub fn conclude(&mut self, history: &dyn Recorded) -> Verdict {
        if self.operations == 0 {
            return unknown("the history is empty");
        }
        let custom: Vec<Verdict> = self.custom.iter_mut().map(conclude_custom).collect();
        let mut customs: Vec<Violation> = Vec::new();
        let mut why = None;
        for verdict in custom {
            match verdict {
                Verdict::Holds => {}
                Verdict::Violated(violation) => customs.push(with_evidence(*violation, history)),
                Verdict::Unknown { why: reason } => why = why.or(Some(reason)),
            }
        }
        let worst_custom = customs.into_iter().min_by_key(|violation| violation.rule);
        let candidates = [self.unsafe_act(history), worst_custom, self.unfinished(history)];
        match candidates.into_iter().flatten().min_by_key(|violation| violation.rule) {
            Some(violation) => Verdict::Violated(Box::new(violation)),
            None => match self.undecided(history).or(why) {
                Some(why) => Verdict::Unknown { why },
                None => Verdict::Holds,
            },
        }
    }

    #[inline]
    fn acknowledged(&mut self, operation: &Operation, message: MessageId, place: Option<Place>) {
        let (slot, entry, tally) = self.ledger.open(message);
        if entry.acknowledge(tally) {
            self.delivery.acknowledged(entry, tally);
        }
        if let Some(place) = place
            && self.log.is_promised()
        {
            self.broken |= self.log.found((slot, entry), operation, place);
        }
    }

    #[inline]
    fn polled(
        &mut self,
        operation: &Operation,
        message: MessageId,
        place: Place,
        read: (u64, u64),
    ) {
        if !self.delivery.is_promised() && !self.log.is_promised() {
            return;
        }
        let (slot, entry, tally) = self.ledger.open(message);
        self.broken |= self.delivery.read((slot, entry, tally), operation, read);
        if self.log.is_promised() {
            self.broken |= self.log.found((slot, entry), operation, place);
        }
    }

    fn received(&mut self, operation: &Operation, message: MessageId, read: (u64, u64)) {
        if self.delivery.is_promised() {
            let (slot, entry, tally) = self.ledger.open(message);
            self.broken |= self.delivery.read((slot, entry, tally), operation, read);
        }
    }

    #[inline(never)]
    fn observe_more(&mut self, operation: &Operation) {
        self.broken |= self.aside.observe(operation, &mut self.ledger, &self.delivery);
        for checker in &mut self.custom {
            checker.observe(operation);
            self.broken |= checker.broken().is_some();
        }
    }

    /// What is broken whatever the rest of the run would have been.
    fn unsafe_act(&mut self, history: &dyn Recorded) -> Option<Violation> {
        let Self { ledger, delivery, log, aside, .. } = self;
        delivery
            .corrupted(ledger, history)
            .or_else(|| delivery.misrouted(history))
            .or_else(|| log.misrouted(ledger, history))
            .or_else(|| aside.reading.inconsistent(ledger, history))
            .or_else(|| log.duplicate_record(history))
            .or_else(|| log.order(ledger, history))
            .or_else(|| aside.reading.overtaken(ledger, history))
            .or_else(|| aside.reading.resurrected(history))
            .or_else(|| aside.patterns.settled.resurrected(ledger, history))
            .or_else(|| aside.reading.skipped(ledger, history))
            .or_else(|| aside.reading.rewound(history))
            .or_else(|| aside.ahead.committed_ahead(ledger, history))
            .or_else(|| aside.patterns.fences.breached(ledger, history))
            .or_else(|| delivery.phantom_effect(ledger, history))
            .or_else(|| delivery.duplicate_effect(history))
            .or_else(|| aside.patterns.overtaken.overtaken(ledger, history))
            .or_else(|| aside.patterns.backlogs.beyond_cap(history))
            .or_else(|| aside.patterns.accounts.twice(ledger, history))
    }

    /// What ought to have happened by the end.
    fn unfinished(&self, history: &dyn Recorded) -> Option<Violation> {
        let Self { ledger, delivery, convergence, aside, .. } = self;
        let (cause, end) = self.end?;
        let owed = self.due();
        match cause {
            EndCause::Settled | EndCause::Quiescent => aside
                .reading
                .lost_record(ledger, history)
                .or_else(|| aside.patterns.redelivery.unbounded(ledger, history))
                .or_else(|| aside.patterns.backlogs.unrecovered(history))
                .or_else(|| aside.patterns.torn.torn(ledger, history))
                .or_else(|| delivery.lost(ledger, history))
                .or_else(|| aside.unseen.unseen(ledger, history))
                .or_else(|| aside.patterns.accounts.missing(ledger, history))
                .or_else(|| aside.patterns.steps.uncompensated(ledger, history))
                .or_else(|| convergence.diverged(history))
                .or_else(|| aside.projected.stale(history))
                .or_else(|| (owed > 0).then(|| progress::deadlock(ledger, owed, end, history))),
            EndCause::Impatient => Some(progress::livelock(ledger, self.owed(), end, history)),
            EndCause::Broken | EndCause::Budget => None,
        }
    }

    /// Why the history does not tell whether the promises were kept.
    fn undecided(&self, history: &dyn Recorded) -> Option<String> {
        let owed = self.due();
        match self.end.map(|(cause, _)| cause) {
            Some(EndCause::Budget) => Some(format!(
                "the budget of the run was spent with {} still to happen",
                things(owed)
            )),
            Some(EndCause::Broken) => {
                Some("the run was stopped by a broken promise that is not judged here".to_owned())
            }
            None if owed > 0 => {
                Some(format!("the history stops with {} still to happen", things(owed)))
            }
            None if self.convergence.is_promised() || self.aside.projected.is_promised() => {
                Some("the history stops before the replicas could be compared".to_owned())
            }
            None if self.ledger.behind() > 0 => {
                let behind = things(self.ledger.behind());
                Some(format!("the history stops with {behind} still to happen"))
            }
            None => self.unexplained(history).map(str::to_owned),
            _ => {
                let silent = self.convergence.silent().or_else(|| self.aside.projected.silent());
                silent.map(|node| format!("{node:?} never reported its view"))
            }
        }
    }

    /// What may yet be explained if the history goes on.
    fn unexplained(&self, history: &dyn Recorded) -> Option<&'static str> {
        let Self { ledger, aside, .. } = self;
        if aside.reading.lost_record(ledger, history).is_some() {
            return Some("the history stops with a record passed over and not read");
        }
        let unbounded = aside.patterns.redelivery.unbounded(ledger, history);
        unbounded.map(|_| "the history stops before the cause of every delivery is known")
    }
}

fn conclude_custom(checker: &mut Box<dyn Checker>) -> Verdict {
    match checker.broken() {
        Some(violation) => Verdict::Violated(Box::new(violation)),
        None => checker.conclude(),
    }
}

fn with_evidence(mut violation: Violation, history: &dyn Recorded) -> Violation {
    if violation.operations.is_empty() {
        violation.operations = select(history, &violation.about, |_| false);
    }
    violation
}

fn unknown(why: &str) -> Verdict {
    Verdict::Unknown { why: why.to_owned() }
}
