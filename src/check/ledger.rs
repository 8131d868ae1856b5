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
    /// How many attempts have no answer.
    pub(super) open: u32,
    /// The place of the first attempt among all invocations.
    pub(super) invoked: u32,
    /// Who invoked the last attempt.
    pub(super) process: NodeId,
    /// In which incarnation.
    pub(super) incarnation: u16,
    /// The partition where it was found first, if it was.
    partition: PartitionId,
    /// The first sinks where it has an effect, as bits; kept by delivery.
    pub(super) landed: u8,
    marks: Marks,
}

const _: () = assert!(size_of::<Entry>() <= 48, "what is kept of a message has grown");

/// What is so or is not of a message, as bits.
#[derive(Copy, Clone, Debug)]
struct Marks(u8);

impl Marks {
    const NONE: Self = Self(0);
    const PLANNED: Self = Self(1);
    const SENT: Self = Self(1 << 1);
    const SENT_AGAIN: Self = Self(1 << 2);
    /// A later attempt had another key or payload than the first.
    const DIFFERS: Self = Self(1 << 3);
    const FOUND: Self = Self(1 << 4);
    /// An attempt failed.
    const FAIL: Self = Self(1 << 5);
    /// Nobody knows how an attempt ended.
    const INFO: Self = Self(1 << 6);
    /// An attempt was acknowledged.
    const OK: Self = Self(1 << 7);

    #[inline]
    fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    #[inline]
    fn set(&mut self, mark: Self) {
        self.0 |= mark.0;
    }
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
            offset: 0,
            open: 0,
            invoked: 0,
            process: NodeId(0),
            incarnation: 0,
            partition: PartitionId(0),
            landed: 0,
            marks: Marks::NONE,
        }
    }

    /// Where it was found first.
    #[inline]
    pub(super) fn found(&self) -> Option<Place> {
        let Self { partition, offset, .. } = *self;
        self.marks.has(Marks::FOUND).then_some(Place { partition, offset })
    }

    /// It is found for the first time.
    #[inline]
    pub(super) fn find(&mut self, place: Place) {
        self.marks.set(Marks::FOUND);
        self.partition = place.partition;
        self.offset = place.offset;
    }

    /// The outcome; an attempt without an answer counts as info.
    pub(super) fn outcome(&self) -> Outcome {
        if self.is_acknowledged() {
            Outcome::Ok
        } else if self.open > 0 || self.marks.has(Marks::INFO) {
            Outcome::Info
        } else if self.marks.has(Marks::FAIL) {
            Outcome::Fail
        } else {
            Outcome::Unsent
        }
    }

    /// Whether an attempt was acknowledged.
    #[inline]
    pub(super) fn is_acknowledged(&self) -> bool {
        self.marks.has(Marks::OK)
    }

    /// Whether there was an attempt.
    #[inline]
    pub(super) fn is_sent(&self) -> bool {
        self.marks.has(Marks::SENT)
    }

    /// Whether there was one attempt.
    #[inline]
    pub(super) fn is_sent_once(&self) -> bool {
        self.is_sent() && !self.is_sent_again()
    }

    /// Whether there was more than one attempt.
    #[inline]
    pub(super) fn is_sent_again(&self) -> bool {
        self.marks.has(Marks::SENT_AGAIN)
    }

    /// Whether the message was planned and is yet to be sent.
    pub(super) fn is_unsent(&self) -> bool {
        self.marks.has(Marks::PLANNED) && !self.is_sent()
    }
}

impl Entry {
    /// The message is planned.
    #[inline]
    pub(super) fn plan(&mut self, tally: &mut Tally) {
        tally.owed += u32::from(!self.marks.has(Marks::PLANNED) && !self.is_sent());
        self.marks.set(Marks::PLANNED);
    }

    /// An attempt begins.
    #[inline]
    pub(super) fn invoke(
        &mut self,
        (slot, tally): (Slot, &mut Tally),
        operation: &Operation,
        (key, payload): (u64, u64),
    ) {
        if self.is_sent() {
            self.marks.set(Marks::SENT_AGAIN);
            if (self.key, self.payload) != (key, payload) {
                self.marks.set(Marks::DIFFERS);
                tally.resent.push((slot, key, payload));
            }
        } else {
            self.marks.set(Marks::SENT);
            tally.owed -= u32::from(self.marks.has(Marks::PLANNED));
            self.payload = payload;
            self.key = key;
            self.invoked = tally.invocations;
        }
        self.process = operation.process;
        self.incarnation = operation.incarnation;
        self.open += 1;
        tally.invocations += 1;
        tally.owed += 1;
    }

    /// An attempt is acknowledged. Returns whether it is the first that is.
    #[inline]
    pub(super) fn acknowledge(&mut self, tally: &mut Tally) -> bool {
        self.close(tally);
        let first = !self.is_acknowledged();
        self.marks.set(Marks::OK);
        first
    }

    /// An attempt fails.
    #[inline]
    pub(super) fn fail(&mut self, tally: &mut Tally) {
        self.close(tally);
        self.marks.set(Marks::FAIL);
        tally.failures += 1;
    }

    /// An attempt ends, and nobody knows how.
    #[inline]
    pub(super) fn inform(&mut self, tally: &mut Tally) {
        self.close(tally);
        self.marks.set(Marks::INFO);
    }

    /// Whether an attempt so far carried `payload`.
    #[inline]
    pub(super) fn was_sent_as(&self, (slot, tally): (Slot, &Tally), payload: u64) -> bool {
        (self.payload == payload && self.is_sent())
            || (self.marks.has(Marks::DIFFERS)
                && tally.resent.iter().any(|again| (again.0, again.2) == (slot, payload)))
    }

    /// Whether an attempt so far was made under `key`.
    #[inline]
    pub(super) fn was_sent_under(&self, (slot, tally): (Slot, &Tally), key: u64) -> bool {
        (self.key == key && self.is_sent()) || self.keys_of_retries(slot, tally).any(|k| k == key)
    }

    /// The keys of the attempts so far, one of them several times perhaps.
    pub(super) fn keys(&self, (slot, tally): (Slot, &Tally)) -> impl Iterator<Item = u64> {
        let first = (self.is_sent()).then_some(self.key);
        first.into_iter().chain(self.keys_of_retries(slot, tally))
    }

    fn keys_of_retries(&self, slot: Slot, tally: &Tally) -> impl Iterator<Item = u64> {
        let again = if self.marks.has(Marks::DIFFERS) { &tally.resent[..] } else { &[] };
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
