//! What the history says of each message's sends: plan, attempts, outcome.

use super::index::{Index, Slot};
use crate::history::Operation;
use crate::id::{MessageId, NodeId, PartitionId};

/// What is known of all messages, and how many things are still owed.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    index: Index,
    /// The payloads of later attempts that differ from the first one's.
    resent: Vec<(Slot, u64)>,
    invocations: u32,
    failures: u32,
    /// Planned messages that nobody has invoked, attempts without an answer, and effects that
    /// acknowledged messages wait for.
    owed: u32,
}

/// What is known of a message. Every checker keeps its part here, so that an operation costs one
/// look-up.
#[derive(Copy, Clone, Debug)]
pub(super) struct Entry {
    pub(super) message: MessageId,
    /// The payload of the first attempt.
    payload: u64,
    /// The routing key of the last attempt.
    pub(super) key: u64,
    /// The sinks where it has an effect, as bits; kept by delivery.
    pub(super) landed: u64,
    /// Where it was found first; kept by the log.
    pub(super) found: Option<Place>,
    /// How many attempts were invoked.
    pub(super) attempts: u32,
    /// How many of them have no answer.
    pub(super) open: u32,
    /// The place of the last attempt among all invocations.
    pub(super) invoked: u32,
    /// Who invoked the last attempt.
    pub(super) process: NodeId,
    /// In which incarnation.
    pub(super) incarnation: u16,
    answer: Outcome,
    planned: bool,
    differs: bool,
}

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
            landed: 0,
            found: None,
            attempts: 0,
            open: 0,
            invoked: 0,
            process: NodeId(0),
            incarnation: 0,
            answer: Outcome::Unsent,
            planned: false,
            differs: false,
        }
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

impl Ledger {
    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.index.reset();
        self.resent.clear();
        self.invocations = 0;
        self.failures = 0;
        self.owed = 0;
    }

    /// How many things are owed.
    #[inline]
    pub(super) fn owed(&self) -> u32 {
        self.owed
    }

    /// How many attempts were invoked.
    pub(super) fn invocations(&self) -> u32 {
        self.invocations
    }

    /// Whether any send failed.
    pub(super) fn has_failures(&self) -> bool {
        self.failures > 0
    }

    /// The number of `message`.
    #[inline]
    pub(super) fn slot(&mut self, message: MessageId) -> Slot {
        self.index.slot(message)
    }

    /// What is known of a message.
    #[inline]
    pub(super) fn entry(&self, slot: Slot) -> &Entry {
        self.index.entry(slot)
    }

    /// What is known of a message.
    #[inline]
    pub(super) fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        self.index.entry_mut(slot)
    }

    /// All messages, in the order in which the history names them first.
    pub(super) fn all(&self) -> &[Entry] {
        self.index.entries()
    }

    /// So many effects more are owed.
    #[inline]
    pub(super) fn owe(&mut self, effects: u32) {
        self.owed += effects;
    }

    /// An effect that was owed has landed.
    #[inline]
    pub(super) fn settle_effect(&mut self) {
        self.owed -= 1;
    }

    /// Whether an attempt so far carried `payload`.
    #[inline]
    pub(super) fn was_sent_as(&self, slot: Slot, payload: u64) -> bool {
        let entry = self.entry(slot);
        (entry.payload == payload && entry.attempts > 0)
            || (entry.differs && self.resent.contains(&(slot, payload)))
    }

    /// A message is planned.
    #[inline]
    pub(super) fn plan(&mut self, message: MessageId) {
        let slot = self.slot(message);
        let entry = self.index.entry_mut(slot);
        self.owed += u32::from(!entry.planned && entry.attempts == 0);
        entry.planned = true;
    }

    /// An attempt begins.
    #[inline]
    pub(super) fn invoke(
        &mut self,
        operation: &Operation,
        message: MessageId,
        (key, payload): (u64, u64),
    ) {
        let slot = self.slot(message);
        let entry = self.index.entry_mut(slot);
        if entry.attempts == 0 {
            self.owed -= u32::from(entry.planned);
            entry.payload = payload;
        } else if entry.payload != payload {
            entry.differs = true;
            self.resent.push((slot, payload));
        }
        entry.key = key;
        entry.process = operation.process;
        entry.incarnation = operation.incarnation;
        entry.invoked = self.invocations;
        entry.attempts += 1;
        entry.open += 1;
        self.invocations += 1;
        self.owed += 1;
    }

    /// An attempt is acknowledged. Returns whether it is the first of its message that is.
    #[inline]
    pub(super) fn acknowledge(&mut self, slot: Slot) -> bool {
        let entry = self.close(slot);
        let first = entry.answer != Outcome::Ok;
        entry.answer = Outcome::Ok;
        first
    }

    /// An attempt fails.
    #[inline]
    pub(super) fn fail(&mut self, slot: Slot) {
        let entry = self.close(slot);
        entry.answer = entry.answer.max(Outcome::Fail);
        self.failures += 1;
    }

    /// An attempt ends, and nobody knows how.
    #[inline]
    pub(super) fn inform(&mut self, slot: Slot) {
        let entry = self.close(slot);
        entry.answer = entry.answer.max(Outcome::Info);
    }

    /// An answer to nothing comes in foreign histories only; it closes nothing.
    #[inline]
    fn close(&mut self, slot: Slot) -> &mut Entry {
        let entry = self.index.entry_mut(slot);
        let closes = u32::from(entry.open > 0);
        entry.open -= closes;
        self.owed -= closes;
        entry
    }
}
