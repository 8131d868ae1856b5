//! What the history says of each message's sends: plan, attempts, outcome.

use super::index::{Index, Slot};
use crate::history::Operation;
use crate::id::{MessageId, NodeId, PartitionId};

/// What is known of all messages, and how many things are still owed.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    index: Index,
    tally: Tally,
}

/// What is counted over all messages.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The later attempts that differ from the first one, with their keys and payloads.
    resent: Vec<(Slot, u64, u64)>,
    invocations: u32,
    failures: u32,
    /// Planned messages that nobody has invoked, attempts without an answer, and effects that
    /// acknowledged messages wait for.
    pub(super) owed: u32,
    /// What some replicas hold, or a log is known to hold, and other replicas have yet to take in.
    pub(super) behind: u32,
}

/// What is known of a message. Every checker keeps its part here, so that an operation costs one
/// look-up; long histories have millions of them, so it is small.
#[derive(Copy, Clone, Debug)]
pub(super) struct Entry {
    pub(super) message: MessageId,
    /// The payload of the first attempt.
    payload: u64,
    /// The routing key of the first attempt.
    pub(super) key: u64,
    /// The offset where it was found first, if it was; kept by the log.
    offset: u64,
    /// How many attempts were invoked.
    pub(super) attempts: u32,
    /// How many of them have no answer.
    pub(super) open: u32,
    /// The place of the first attempt among all invocations.
    pub(super) invoked: u32,
    /// Who invoked the last attempt.
    pub(super) process: NodeId,
    /// In which incarnation.
    pub(super) incarnation: u16,
    /// The partition where it was found first, if it was.
    partition: PartitionId,
    found: bool,
    /// The first sinks where it has an effect, as bits; kept by delivery.
    pub(super) landed: u8,
    answer: Outcome,
    planned: bool,
    differs: bool,
}

const _: () = assert!(size_of::<Entry>() <= 56, "what is kept of a message has grown");

/// A place in a log.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) partition: PartitionId,
    pub(super) offset: u64,
}

/// What came of a message's sends, the stronger the greater.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// There was no attempt.
    Unsent,
    /// Every attempt definitely failed.
    Fail,
    /// No attempt is known to have succeeded, and one may have.
    Info,
    /// An attempt succeeded.
    Ok,
}

impl Entry {
    pub(super) const fn new(message: MessageId) -> Self {
        Self {
            message,
            payload: 0,
            key: 0,
            offset: 0,
            attempts: 0,
            open: 0,
            invoked: 0,
            process: NodeId(0),
            incarnation: 0,
            partition: PartitionId(0),
            found: false,
            landed: 0,
            answer: Outcome::Unsent,
            planned: false,
            differs: false,
        }
    }

    /// Where it was found first.
    #[inline]
    pub(super) fn found(&self) -> Option<Place> {
        let Self { partition, offset, .. } = *self;
        self.found.then_some(Place { partition, offset })
    }

    /// It is found for the first time.
    #[inline]
    pub(super) fn find(&mut self, place: Place) {
        self.found = true;
        self.partition = place.partition;
        self.offset = place.offset;
    }

    /// The outcome; an attempt without an answer counts as info.
    pub(super) fn outcome(&self) -> Outcome {
        if self.open > 0 { self.answer.max(Outcome::Info) } else { self.answer }
    }

    /// Whether an attempt was acknowledged.
    #[inline]
    pub(super) fn is_acknowledged(&self) -> bool {
        self.answer == Outcome::Ok
    }

    /// Whether the message was planned and is yet to be sent.
    pub(super) fn is_unsent(&self) -> bool {
        self.planned && self.attempts == 0
    }
}

impl Entry {
    /// The message is planned.
    #[inline]
    pub(super) fn plan(&mut self, tally: &mut Tally) {
        tally.owed += u32::from(!self.planned && self.attempts == 0);
        self.planned = true;
    }

    /// An attempt begins.
    #[inline]
    pub(super) fn invoke(
        &mut self,
        (slot, tally): (Slot, &mut Tally),
        operation: &Operation,
        (key, payload): (u64, u64),
    ) {
        if self.attempts == 0 {
            tally.owed -= u32::from(self.planned);
            self.payload = payload;
            self.key = key;
            self.invoked = tally.invocations;
        } else if (self.key, self.payload) != (key, payload) {
            self.differs = true;
            tally.resent.push((slot, key, payload));
        }
        self.process = operation.process;
        self.incarnation = operation.incarnation;
        self.attempts += 1;
        self.open += 1;
        tally.invocations += 1;
        tally.owed += 1;
    }

    /// An attempt is acknowledged. Returns whether it is the first that is.
    #[inline]
    pub(super) fn acknowledge(&mut self, tally: &mut Tally) -> bool {
        self.close(tally);
        let first = self.answer != Outcome::Ok;
        self.answer = Outcome::Ok;
        first
    }

    /// An attempt fails.
    #[inline]
    pub(super) fn fail(&mut self, tally: &mut Tally) {
        self.close(tally);
        self.answer = self.answer.max(Outcome::Fail);
        tally.failures += 1;
    }

    /// An attempt ends, and nobody knows how.
    #[inline]
    pub(super) fn inform(&mut self, tally: &mut Tally) {
        self.close(tally);
        self.answer = self.answer.max(Outcome::Info);
    }

    /// Whether an attempt so far carried `payload`.
    #[inline]
    pub(super) fn was_sent_as(&self, (slot, tally): (Slot, &Tally), payload: u64) -> bool {
        (self.payload == payload && self.attempts > 0)
            || (self.differs
                && tally.resent.iter().any(|again| (again.0, again.2) == (slot, payload)))
    }

    /// Whether an attempt so far was made under `key`.
    #[inline]
    pub(super) fn was_sent_under(&self, (slot, tally): (Slot, &Tally), key: u64) -> bool {
        (self.key == key && self.attempts > 0)
            || self.keys_of_retries(slot, tally).any(|k| k == key)
    }

    /// The keys of the attempts so far, one of them several times perhaps.
    pub(super) fn keys(&self, (slot, tally): (Slot, &Tally)) -> impl Iterator<Item = u64> {
        let first = (self.attempts > 0).then_some(self.key);
        first.into_iter().chain(self.keys_of_retries(slot, tally))
    }

    fn keys_of_retries(&self, slot: Slot, tally: &Tally) -> impl Iterator<Item = u64> {
        let again = if self.differs { &tally.resent[..] } else { &[] };
        again.iter().filter(move |again| again.0 == slot).map(|again| again.1)
    }

    /// An answer to nothing comes in foreign histories only; it closes nothing.
    #[inline]
    fn close(&mut self, tally: &mut Tally) {
        let closes = u32::from(self.open > 0);
        self.open -= closes;
        tally.owed -= closes;
    }
}

impl Ledger {
    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.index.reset();
        self.tally.resent.clear();
        self.tally.invocations = 0;
        self.tally.failures = 0;
        self.tally.owed = 0;
        self.tally.behind = 0;
    }

    /// How many things are owed.
    #[inline]
    pub(super) fn owed(&self) -> u32 {
        self.tally.owed
    }

    /// How many things replicas are behind by.
    #[inline]
    pub(super) fn behind(&self) -> u32 {
        self.tally.behind
    }

    /// How many attempts were invoked.
    pub(super) fn invocations(&self) -> u32 {
        self.tally.invocations
    }

    /// What is counted over all messages.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether any send failed.
    pub(super) fn has_failures(&self) -> bool {
        self.tally.failures > 0
    }

    /// What is known of `message`, and what is counted over all.
    #[inline]
    pub(super) fn open(&mut self, message: MessageId) -> (Slot, &mut Entry, &mut Tally) {
        let slot = self.index.slot(message);
        (slot, self.index.entry_mut(slot), &mut self.tally)
    }

    /// What is known of the message with the number `slot`.
    pub(super) fn entry(&self, slot: Slot) -> &Entry {
        self.index.entry(slot)
    }

    /// All messages, in the order in which the history names them first.
    pub(super) fn all(&self) -> &[Entry] {
        self.index.entries()
    }
}
