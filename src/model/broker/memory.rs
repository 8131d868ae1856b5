//! What a partition remembers of the requests that it has appended.

use super::highest::Highest;
use super::policy::{Policy, ProducerState};
use super::sequences::{Sequences, UnknownProducer};
use super::window::Window;
use crate::digest::Digest;
use crate::model::message::{Identity, Refusal};
use crate::time::Span;

/// What is remembered, by policy.
#[derive(Clone, Debug)]
pub(super) enum Memory {
    Batches(Sequences),
    Highest(Highest),
    Ids(Window),
    Nothing,
}

/// What a request is to a partition.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Fresh,
    /// It stands at this offset already.
    Duplicate(u64),
    /// It was appended before; nobody knows where it stands.
    Known,
    Refused(Refusal),
}

/// A request that was appended: all that any policy remembers of it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) offset: u64,
    pub(super) identity: Identity,
    pub(super) appended_ms: u32,
}

impl Memory {
    pub(super) fn new(policy: &Policy) -> Self {
        match policy.producer_state {
            ProducerState::FiveBatches => Self::Batches(Sequences::default()),
            ProducerState::HighestSequence | ProducerState::SequenceAdvancedBeforePersist => {
                Self::Highest(Highest::default())
            }
            ProducerState::IdWindow => Self::Ids(Window::new(policy.dedup_window)),
            ProducerState::None => Self::Nothing,
        }
    }

    /// Judges a request that comes at `now_ms` of the wall clock and would be appended at `end`.
    #[inline]
    pub(super) fn judge(
        &mut self,
        identity: Identity,
        unknown: UnknownProducer,
        (end, now_ms): (u64, u32),
    ) -> Judgement {
        match (self, identity) {
            (Self::Batches(known), Identity::Batch(batch)) => known.judge(batch, unknown, end),
            (Self::Highest(known), Identity::Batch(batch)) if known.has(batch) => Judgement::Known,
            (Self::Ids(known), Identity::Message(id)) => {
                known.find(id, now_ms).map_or(Judgement::Fresh, Judgement::Duplicate)
            }
            _ => Judgement::Fresh,
        }
    }

    /// Remembers a request that was appended.
    #[inline]
    pub(super) fn note(&mut self, noted: Noted) {
        match (self, noted.identity) {
            (Self::Batches(known), Identity::Batch(batch)) => known.note(batch, noted.offset),
            (Self::Highest(known), Identity::Batch(batch)) => known.note(batch),
            (Self::Ids(known), Identity::Message(id)) => {
                known.note(id, noted.offset, noted.appended_ms);
            }
            _ => {}
        }
    }

    /// Forgets what stood below `start`, as far as it goes by offset. Returns whether it did.
    pub(super) fn forget_below(&mut self, start: u64) -> bool {
        match self {
            Self::Batches(known) => known.forget_below(start),
            Self::Ids(known) => known.forget_below(start),
            // Pulsar's map knows no positions.
            Self::Highest(_) | Self::Nothing => false,
        }
    }

    /// All that is remembered, so that noting it again in this order remembers the same.
    pub(super) fn noted(&self) -> Vec<Noted> {
        match self {
            Self::Batches(known) => known.noted(),
            Self::Highest(known) => known.noted(),
            Self::Ids(known) => known.noted(),
            Self::Nothing => Vec::new(),
        }
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        match self {
            Self::Batches(known) => known.fingerprint(digest),
            Self::Highest(known) => known.fingerprint(digest),
            Self::Ids(known) => known.fingerprint(digest),
            Self::Nothing => {}
        }
    }
}

/// The milliseconds of a span, as stamps count them.
pub(super) fn millis(span: Span) -> u32 {
    u32::try_from(span.nanos() / 1_000_000).unwrap_or(u32::MAX)
}
