//! What a partition keeps besides its log for the policies that ask for it: snapshots of what it
//! remembers, the memory of its durable part, the times of its appends, its compacted part.

use super::memory::{Memory, Noted};
use super::policy::{Cleanup, OnFailedSync, Policy, ProducerState, SnapshotOf};
use super::shelf::Shelf;
use crate::digest::Digest;
use crate::id::{FileId, NodeId};
use crate::journal::Journals;
use crate::model::message::{Entry, Identity};
use crate::model::{Message, Record};
use crate::node::Context;
use std::collections::{BTreeMap, VecDeque};

/// What a partition keeps besides its log.
#[derive(Clone, Debug)]
pub(super) struct Upkeep {
    /// What is remembered of the durable log.
    pub(super) durable: Memory,
    /// What was appended since, in order.
    pending: VecDeque<Noted>,
    /// When each record of the log was appended, if that is asked for.
    stamps: VecDeque<u32>,
    /// Who has produced to the partition, if that is asked for.
    producers: Vec<NodeId>,
    /// Snapshots of what is remembered.
    pub(super) snapshots: Shelf,
    /// The compacted part of the log.
    pub(super) cleaned: Shelf,
}

/// What a boot finds besides the log.
pub(super) struct Kept {
    pub(super) upkeep: Upkeep,
    /// What the newest snapshot remembers.
    pub(super) remembered: Vec<Noted>,
    /// What the compacted part of the log holds.
    pub(super) cleaned: Vec<(u64, Entry)>,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Upkeep {
    /// What the files `snapshots` and `cleaned` hold, if the policy asks for any of it.
    pub(super) fn open(
        policy: &Policy,
        [snapshots, cleaned]: [FileId; 2],
        disk: Journals<'_, Record>,
    ) -> Option<Kept> {
        let plain = policy.cleanup == Cleanup::Keep
            && policy.snapshot_every.is_none()
            && policy.on_failed_sync == OnFailedSync::Restart
            && matches!(policy.producer_state, ProducerState::FiveBatches | ProducerState::None);
        if plain {
            return None;
        }
        let (snapshots, remembered) = Shelf::open(snapshots, disk);
        let (cleaned, entries) = Shelf::open(cleaned, disk);
        let upkeep = Self {
            durable: Memory::new(policy),
            pending: VecDeque::new(),
            stamps: VecDeque::new(),
            producers: Vec::new(),
            snapshots,
            cleaned,
        };
        let remembered = remembered.iter().filter_map(noted_of).collect();
        Some(Kept { upkeep, remembered, cleaned: entries_of(&entries) })
    }

    /// Cuts off what is no whole volume. Returns whether what was durable is damaged.
    pub(super) fn start(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let damaged = [&mut self.snapshots, &mut self.cleaned].map(|shelf| shelf.start(ctx));
        damaged.contains(&true)
    }

    /// A boot found a record, durable as all that it finds.
    pub(super) fn found(&mut self, policy: &Policy, appended_ms: u32) {
        if policy.deletes_by_age() {
            self.stamps.push_back(appended_ms);
        }
    }

    /// A request was appended.
    pub(super) fn appended(&mut self, policy: &Policy, from: NodeId, noted: Noted) {
        self.pending.push_back(noted);
        if policy.deletes_by_age() {
            self.stamps.push_back(noted.appended_ms);
        }
        if policy.on_failed_sync == OnFailedSync::Truncate && !self.producers.contains(&from) {
            self.producers.push(from);
        }
    }

    /// The log is durable up to `end`.
    pub(super) fn advance(&mut self, end: u64) {
        let count = self.pending.partition_point(|noted| noted.offset < end);
        self.pending.drain(..count).for_each(|noted| self.durable.note(noted));
    }

    /// Takes a snapshot, unless one is on its way or there is nothing new in it.
    pub(super) fn snapshot(
        &mut self,
        of: SnapshotOf,
        memory: &Memory,
        (durable, end): (u64, u64),
        ctx: &mut Ctx<'_>,
    ) {
        let (memory, end) = match of {
            SnapshotOf::DurableLog => (&self.durable, durable),
            SnapshotOf::Memory => (memory, end),
        };
        if self.snapshots.is_writing() || self.snapshots.end() >= end {
            return;
        }
        let record = |noted: Noted| {
            let Noted { offset, identity, appended_ms } = noted;
            Record::Remembered { appended_ms, offset, identity }
        };
        let records = memory.noted().into_iter().map(record).collect();
        self.snapshots.write(end, records, ctx);
    }

    /// How many records from the start of the log on are older than `age_ms`.
    pub(super) fn aged(&self, age_ms: u32, now_ms: u32) -> u64 {
        let aged = |&&stamp: &&u32| now_ms.saturating_sub(stamp) >= age_ms;
        self.stamps.iter().take_while(aged).count() as u64
    }

    /// The log has lost its first records.
    pub(super) fn dropped(&mut self, count: usize) {
        self.stamps.drain(..count.min(self.stamps.len()));
    }

    /// The log has lost what was not durable; so many records are left. Gives the producers that
    /// are to be told.
    pub(super) fn roll_back(&mut self, left: usize) -> Vec<NodeId> {
        self.pending.clear();
        self.stamps.truncate(left);
        std::mem::take(&mut self.producers)
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.durable.fingerprint(digest);
        digest.word(self.pending.len() as u64).word(self.stamps.len() as u64);
        for Noted { offset, identity, appended_ms } in &self.pending {
            digest.word(*offset).word(u64::from(*appended_ms));
            identity.fingerprint(digest);
        }
        self.stamps.iter().for_each(|&stamp| _ = digest.word(u64::from(stamp)));
        self.producers.iter().for_each(|producer| _ = digest.word(u64::from(producer.0)));
        self.snapshots.fingerprint(digest);
        self.cleaned.fingerprint(digest);
    }
}

/// The entries that compaction leaves: the last of each key.
pub(super) fn compacted(entries: impl Iterator<Item = (u64, Entry)>) -> Vec<(u64, Entry)> {
    let mut last = BTreeMap::new();
    for (offset, entry) in entries {
        last.insert(entry.key, (offset, entry));
    }
    let mut kept: Vec<_> = last.into_values().collect();
    kept.sort_unstable_by_key(|&(offset, _)| offset);
    kept
}

/// A compacted log as records.
pub(super) fn records_of(entries: &[(u64, Entry)]) -> Vec<Record> {
    let pair = |&(offset, entry): &(u64, Entry)| {
        let entry = Record::Entry { appended_ms: 0, entry, identity: Identity::None };
        [Record::Kept { offset }, entry]
    };
    entries.iter().flat_map(pair).collect()
}

fn entries_of(records: &[Record]) -> Vec<(u64, Entry)> {
    let pair = |pair: &[Record]| match pair {
        &[Record::Kept { offset }, Record::Entry { entry, .. }] => Some((offset, entry)),
        _ => None,
    };
    records.chunks(2).filter_map(pair).collect()
}

fn noted_of(record: &Record) -> Option<Noted> {
    match *record {
        Record::Remembered { appended_ms, offset, identity } => {
            Some(Noted { offset, identity, appended_ms })
        }
        _ => None,
    }
}
