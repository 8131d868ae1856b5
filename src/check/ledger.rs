//! What the history says of each message's sends: plan, attempts, outcome.

use super::index::{Index, Slot};
use crate::history::Operation;
use crate::id::{MessageId, NodeId};

/// What is known of the sends of all messages, and how many of them are still to come.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    index: Index,
    sends: Vec<Sends>,
    /// The payloads of later attempts that differ from the first one's.
    resent: Vec<(Slot, u64)>,
    invocations: u32,
    /// Planned messages that nobody has invoked.
    unsent: u32,
    /// Attempts without an answer.
    open: u32,
}

/// What is known of the sends of one message.
#[derive(Copy, Clone, Debug)]
pub(super) struct Sends {
    /// The routing key of the last attempt.
    pub(super) key: u64,
    /// The payload of the first attempt.
    payload: u64,
    /// The place of the last attempt among all invocations.
    pub(super) invoked: u32,
    /// How many attempts were invoked.
    pub(super) attempts: u32,
    /// How many of them have no answer.
    pub(super) open: u32,
    /// Who invoked the last attempt.
    pub(super) process: NodeId,
    /// In which incarnation.
    pub(super) incarnation: u16,
    answer: Outcome,
    pub(super) planned: bool,
    differs: bool,
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

impl Sends {
    const NONE: Self = Self {
        key: 0,
        payload: 0,
        invoked: 0,
        attempts: 0,
        open: 0,
        process: NodeId(0),
        incarnation: 0,
        answer: Outcome::Unsent,
        planned: false,
        differs: false,
    };

    /// The outcome; an attempt without an answer counts as info.
    #[inline]
    pub(super) fn outcome(&self) -> Outcome {
        if self.open > 0 { self.answer.max(Outcome::Info) } else { self.answer }
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
        self.sends.clear();
        self.resent.clear();
        self.invocations = 0;
        self.unsent = 0;
        self.open = 0;
    }

    /// Planned messages that nobody has invoked, and attempts without an answer.
    #[inline]
    pub(super) fn owed(&self) -> u32 {
        self.unsent + self.open
    }

    /// The number of `message`.
    #[inline]
    pub(super) fn slot(&mut self, message: MessageId) -> Slot {
        let slot = self.index.slot(message);
        if slot as usize == self.sends.len() {
            self.sends.push(Sends::NONE);
        }
        slot
    }

    /// The message with the number `slot`.
    pub(super) fn message(&self, slot: Slot) -> MessageId {
        self.index.message(slot)
    }

    /// What is known of the sends of a message.
    #[inline]
    pub(super) fn sends(&self, slot: Slot) -> &Sends {
        &self.sends[slot as usize]
    }

    /// All messages, in the order in which the history names them first.
    pub(super) fn all(&self) -> impl Iterator<Item = (Slot, &Sends)> {
        self.sends.iter().enumerate().map(|(slot, sends)| (slot as Slot, sends))
    }

    /// Whether an attempt so far carried `payload`.
    #[inline]
    pub(super) fn was_sent_as(&self, slot: Slot, payload: u64) -> bool {
        let sends = self.sends(slot);
        (sends.payload == payload && sends.attempts > 0)
            || (sends.differs && self.resent.contains(&(slot, payload)))
    }

    /// A message is planned.
    #[inline]
    pub(super) fn plan(&mut self, message: MessageId) {
        let slot = self.slot(message);
        let sends = &mut self.sends[slot as usize];
        self.unsent += u32::from(!sends.planned && sends.attempts == 0);
        sends.planned = true;
    }

    /// An attempt begins.
    #[inline]
    pub(super) fn invoke(&mut self, operation: &Operation, message: MessageId, sent: (u64, u64)) {
        let (key, payload) = sent;
        let slot = self.slot(message);
        let sends = &mut self.sends[slot as usize];
        if sends.attempts == 0 {
            self.unsent -= u32::from(sends.planned);
            sends.payload = payload;
        } else if sends.payload != payload {
            sends.differs = true;
            self.resent.push((slot, payload));
        }
        sends.key = key;
        sends.process = operation.process;
        sends.incarnation = operation.incarnation;
        sends.invoked = self.invocations;
        sends.attempts += 1;
        sends.open += 1;
        self.invocations += 1;
        self.open += 1;
    }

    /// An attempt ends. Returns whether it is the first acknowledgement of its message.
    #[inline]
    pub(super) fn answer(&mut self, slot: Slot, outcome: Outcome) -> bool {
        let sends = &mut self.sends[slot as usize];
        // An answer to nothing comes in foreign histories only; it closes nothing.
        let closes = u32::from(sends.open > 0);
        sends.open -= closes;
        self.open -= closes;
        let first = outcome == Outcome::Ok && sends.answer != Outcome::Ok;
        sends.answer = sends.answer.max(outcome);
        first
    }
}
