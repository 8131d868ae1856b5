//! A machine's disk: numbered files, each synced by itself.

use super::network::scaled;
use super::swarm::Rates;
use crate::choice::{Actor, Answer, Choice, Decider, Key, Site, below};
use crate::coverage::Coverage;
use crate::digest::fold;
use crate::id::{FileId, NodeId, Position};
use crate::journal::{Extent, Journal, Journals, Stored};
use crate::node::DiskError;
use crate::profile::{DiskProfile, FaultClass};
use crate::time::Span;

/// How a sync will end, and after how long.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Syncing {
    pub(super) key: Key,
    pub(super) takes: Span,
    /// How long it would take on a quiet disk.
    pub(super) quiet: Span,
    pub(super) end: SyncEnd,
    pub(super) extent: Extent,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum SyncEnd {
    Written,
    Lied,
    Failed(DiskError),
}

/// Who asks, and who answers: what every disk operation needs of the world.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    pub(super) node: NodeId,
    pub(super) incarnation: u16,
    pub(super) decider: &'a mut Decider,
    pub(super) coverage: &'a mut Coverage,
    pub(super) rates: &'a Rates,
}

#[derive(Copy, Clone, Debug, Default)]
struct Usage {
    appends: u32,
    syncs: u32,
    /// Something was appended while the disk was full.
    refused: bool,
}

#[derive(Debug)]
pub(super) struct Disk<R> {
    profile: DiskProfile,
    journals: Vec<Journal<R>>,
    usage: Vec<Usage>,
    /// How many faults keep it full.
    pub(super) full: u32,
    used: usize,
}

impl<R> Disk<R> {
    pub(super) fn new(profile: DiskProfile) -> Self {
        Self { profile, journals: Vec::new(), usage: Vec::new(), full: 0, used: 0 }
    }

    /// A blank disk that keeps its memory.
    pub(super) fn clear(&mut self) {
        self.journals[..self.used].iter_mut().for_each(Journal::clear);
        self.usage.fill(Usage::default());
        self.full = 0;
        self.used = 0;
    }

    /// The files as a boot finds them.
    pub(super) fn journals(&self) -> Journals<'_, R> {
        Journals::new(&self.journals[..self.used])
    }

    /// Appends a record. True if it is durable at once.
    #[inline]
    pub(super) fn append(&mut self, file: FileId, record: R) -> bool {
        let full = self.full > 0;
        let write_through = self.profile.write_through;
        let (journal, usage) = self.file(file);
        usage.appends += 1;
        if write_through {
            journal.append_through(record);
        } else {
            usage.refused |= full;
            journal.append(record);
        }
        write_through
    }

    /// Decides whether the newest record of `file` reaches its place.
    pub(super) fn misplace(&mut self, file: FileId, asker: &mut Asker<'_>) {
        let (journal, usage) = self.file(file);
        let key = asker.key(Site::Append, file, usage.appends - 1);
        let choice = match asker.decider.ask(key) {
            Answer::Quiet => return,
            Answer::Draw(draw) => match drawn_append(draw, asker.rates) {
                Some(choice) => choice,
                None => return,
            },
            Answer::Decided(choice) => choice,
        };
        let at = Position(journal.end().0 - 1);
        match choice {
            Choice::Missed => asker.coverage.bite(FaultClass::LostWrite),
            Choice::Misdirected(back) => {
                journal.damage(Position(at.0.saturating_sub(u64::from(back))));
                asker.coverage.bite(FaultClass::MisdirectedWrite);
            }
            _ => return,
        }
        journal.damage(at);
        asker.decider.took(key, choice);
    }

    pub(super) fn truncate(&mut self, file: FileId, from: Position) {
        let through = self.profile.write_through;
        self.file(file).0.truncate(from, through);
    }

    pub(super) fn discard(&mut self, file: FileId, before: Position) {
        let through = self.profile.write_through;
        self.file(file).0.discard(before, through);
    }

    /// Asks for what was done to `file` so far to be made durable.
    pub(super) fn sync(&mut self, file: FileId, asker: &mut Asker<'_>) -> Syncing {
        let profile = self.profile;
        let (journal, usage) = self.file(file);
        let key = asker.key(Site::Sync, file, usage.syncs);
        usage.syncs += 1;
        let extent = journal.extent();
        let refused = std::mem::take(&mut usage.refused);
        let choice = match asker.decider.ask(key) {
            Answer::Quiet => Choice::Late(Span::ZERO),
            Answer::Draw(draw) => drawn_sync(draw, &profile, asker.rates),
            Answer::Decided(choice) => choice,
        };
        let (late, end) = match choice {
            Choice::Failed(late) => (late, SyncEnd::Failed(DiskError::Failed)),
            Choice::Lied(late) => (late, SyncEnd::Lied),
            Choice::Late(late) => (late, SyncEnd::Written),
            _ => (Span::ZERO, SyncEnd::Written),
        };
        if choice != Choice::Late(Span::ZERO) {
            asker.decider.took(key, choice);
        }
        if late > profile.jitter {
            asker.coverage.bite(FaultClass::SlowSync);
        }
        let end = if refused { SyncEnd::Failed(DiskError::Full) } else { end };
        Syncing { key, takes: profile.sync + late, quiet: profile.sync, end, extent }
    }

    /// A sync ends. The records that became durable go to `durable`.
    pub(super) fn synced(
        &mut self,
        file: FileId,
        (end, extent): (SyncEnd, Extent),
        durable: &mut Vec<Position>,
        coverage: &mut Coverage,
    ) -> Result<(), DiskError> {
        let journal = self.file(file).0;
        match end {
            SyncEnd::Written => journal.sync(extent, durable),
            SyncEnd::Lied => {
                if journal.unsynced() > 0 {
                    coverage.bite(FaultClass::LyingSync);
                }
            }
            SyncEnd::Failed(error) => {
                if journal.forget(extent) {
                    coverage.bite(match error {
                        DiskError::Failed => FaultClass::FailedSync,
                        DiskError::Full => FaultClass::FullDisk,
                    });
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// The process died: the cache is written.
    pub(super) fn crash(&mut self, mut durable: impl FnMut(FileId, &Journal<R>, &[Position])) {
        let mut positions = Vec::new();
        for (number, journal) in self.journals[..self.used].iter_mut().enumerate() {
            journal.crash(&mut positions);
            durable(FileId(number as u8), journal, &positions);
            positions.clear();
        }
    }

    /// The power is cut: some unsynced operations are undone, and the last record left may be torn.
    pub(super) fn power_cut(
        &mut self,
        asker: &mut Asker<'_>,
        mut durable: impl FnMut(FileId, &Journal<R>, &[Position]),
    ) {
        let mut positions = Vec::new();
        for (number, journal) in self.journals[..self.used].iter_mut().enumerate() {
            let number = FileId(number as u8);
            let unsynced = journal.unsynced() as u64;
            let undone = asker.undone(number, unsynced);
            let torn = undone < unsynced && asker.tears(number);
            let (lost, tore) = journal.power_cut(undone as u32, torn, &mut positions);
            if lost > 0 {
                asker.coverage.bite(FaultClass::PowerCut);
            }
            if tore {
                asker.coverage.bite(FaultClass::TornWrite);
            }
            durable(number, journal, &positions);
            positions.clear();
        }
    }

    /// The record `back` before the newest durable one goes bad. True if it was intact.
    pub(super) fn rot(&mut self, file: FileId, back: u32) -> bool {
        let Some(journal) = self.journals[..self.used].get_mut(file.index()) else { return false };
        let durable = journal.end().0.saturating_sub(journal.unsynced() as u64);
        match durable.checked_sub(u64::from(back) + 1) {
            Some(position) => journal.damage(Position(position)),
            None => false,
        }
    }

    /// The record at `position`, if it is there and intact.
    #[inline]
    pub(super) fn record(&self, file: FileId, position: Position) -> Option<&R> {
        self.journals.get(file.index())?.get(position).and_then(Stored::intact)
    }

    /// The newest record of `file`, if it is intact.
    #[inline]
    pub(super) fn newest(&self, file: FileId) -> Option<&R> {
        self.journals[file.index()].newest()
    }

    /// Where the next record of each file goes.
    pub(super) fn ends(&self) -> impl Iterator<Item = Position> {
        self.journals[..self.used].iter().map(Journal::end)
    }

    #[inline]
    fn file(&mut self, file: FileId) -> (&mut Journal<R>, &mut Usage) {
        if self.used <= file.index() {
            self.create(file);
        }
        (&mut self.journals[file.index()], &mut self.usage[file.index()])
    }

    #[cold]
    fn create(&mut self, file: FileId) {
        self.used = file.index() + 1;
        while self.journals.len() < self.used {
            self.journals.push(Journal::default());
            self.usage.push(Usage::default());
        }
    }
}

impl Asker<'_> {
    #[inline]
    fn key(&self, site: Site, file: FileId, occurrence: u32) -> Key {
        Key::new(site, Actor::Node(self.node, self.incarnation), file.0, occurrence)
    }

    fn undone(&mut self, file: FileId, unsynced: u64) -> u64 {
        let key = self.key(Site::PowerCut, file, 0);
        let undone = match self.decider.ask_among(unsynced + 1, key) {
            Answer::Draw(draw) => below(draw, unsynced + 1),
            Answer::Decided(Choice::Undone(undone)) => u64::from(undone).min(unsynced),
            Answer::Quiet | Answer::Decided(_) => 0,
        };
        if undone > 0 {
            self.decider.took(key, Choice::Undone(undone as u32));
        }
        undone
    }

    fn tears(&mut self, file: FileId) -> bool {
        let key = self.key(Site::Tear, file, 0);
        let torn = match self.decider.ask(key) {
            Answer::Draw(draw) => self.rates.torn_write && draw & 1 == 1,
            Answer::Decided(choice) => choice == Choice::Torn,
            Answer::Quiet => false,
        };
        if torn {
            self.decider.took(key, Choice::Torn);
        }
        torn
    }
}

fn drawn_append(draw: u64, rates: &Rates) -> Option<Choice> {
    let low = draw as u32;
    if low < rates.lost_write {
        Some(Choice::Missed)
    } else if low < rates.lost_write.saturating_add(rates.misdirected_write) {
        Some(Choice::Misdirected(1 + below(draw, 8) as u32))
    } else {
        None
    }
}

fn drawn_sync(draw: u64, profile: &DiskProfile, rates: &Rates) -> Choice {
    let low = draw as u32;
    let jitter = if rates.sync_jitter { scaled(draw, profile.jitter.nanos()) } else { 0 };
    let late = Span::nanos_of(jitter);
    let failed = rates.failed_sync;
    let lied = failed.saturating_add(rates.lying_sync);
    let slow = lied.saturating_add(rates.slow_sync);
    if low < failed {
        Choice::Failed(late)
    } else if low < lied {
        Choice::Lied(late)
    } else if low < slow {
        let other = fold(draw ^ 0x5851_f42d_4c95_7f2d, 0x1405_7b7e_f767_814f);
        Choice::Late(profile.jitter + Span::nanos_of(1 + scaled(other, rates.sync_span)))
    } else {
        Choice::Late(late)
    }
}
