//! The consumer client: the protocol by which any node reads a log and settles what it has read.

use crate::digest::Digest;
use crate::history::Event;
use crate::id::{GroupId, NodeId, PartitionId, TimerId};
use crate::model::broker::Verify;
use crate::model::message::{Entry, Message, Reading};
use crate::model::producer::OnTimeout;
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::node::{Context, Work};
use crate::time::Span;
use auto::AutoCommit;
use serde::Deserialize;

mod auto;

/// Whether a commit of an offset waits for the broker's answer.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitPolicy {
    /// It is repeated until the broker has confirmed it (`commitSync`).
    #[default]
    Answered,
    /// It is sent and forgotten (`commitAsync`).
    Unanswered,
    /// The consumer asks for none: each poll commits, unanswered, what the polls before it
    /// returned, if the last such commit is so long ago. That is Kafka's `enable.auto.commit` with
    /// `auto.commit.interval.ms`; it loses nothing as long as what a poll returned is handled
    /// before the next one.
    Every(Span),
    /// The consumer asks for none: a timer commits, unanswered, what was handed to the consumer,
    /// handled or not. That is librdkafka's `enable.auto.commit` with `enable.auto.offset.store`.
    Background(Span),
}

/// How a consumer client behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct FetchPolicy {
    /// Where the log is.
    pub broker: NodeId,
    /// The group whose offsets are committed.
    pub group: GroupId,
    /// The most entries of a fetch.
    pub batch: u16,
    /// How long an answer may take.
    pub timeout: Span,
    /// How long the broker may wait for data; shorter than the timeout.
    pub wait_max: Span,
    /// Whether commits are answered.
    pub commit: CommitPolicy,
    /// What a late answer leads to.
    pub on_timeout: OnTimeout,
    /// Whether bodies are checked.
    pub checksum: Verify,
}

/// A consumer client. It uses one timer a partition that it reads and one more, from the first it
/// was given on.
#[derive(Clone, Debug)]
pub struct ConsumerClient {
    policy: FetchPolicy,
    timer: TimerId,
    lanes: Vec<Lane>,
    requests: u64,
    auto: AutoCommit,
}

/// A partition that the client reads; it does one thing at a time there.
#[derive(Copy, Clone, Debug)]
struct Lane {
    partition: PartitionId,
    /// The next offset to read.
    next: u64,
    /// The request whose answer is awaited.
    request: u64,
    phase: Phase,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// The owner is at work, or nothing more is wanted.
    Idle,
    Locating,
    Polling,
    Committing,
}

/// What a message means to the owner of a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing.
    None,
    /// Entries to handle, the first at offset `base`. The lane is idle until the owner polls again.
    Handed {
        /// The place of the partition among those that the client reads.
        lane: usize,
        /// The partition.
        partition: PartitionId,
        /// The offset of the first entry.
        base: u64,
        /// The entries, one offset after another.
        entries: Vec<Entry>,
    },
    /// The commit is confirmed, and the lane idle.
    Settled {
        /// The place of the partition among those that the client reads.
        lane: usize,
    },
}

type Ctx<'a> = Context<'a, Message, Record>;

impl ConsumerClient {
    /// A client that reads `partitions` and whose timers are those from `timer` on. Its requests
    /// are told apart from those of earlier incarnations.
    pub fn new(
        policy: FetchPolicy,
        partitions: impl Iterator<Item = PartitionId>,
        timer: TimerId,
        incarnation: u16,
    ) -> Self {
        let idle = |partition| Lane { partition, next: 0, request: 0, phase: Phase::Idle };
        let lanes = partitions.map(idle).collect();
        let auto = AutoCommit::default();
        Self { policy, timer, lanes, requests: u64::from(incarnation) << 32, auto }
    }

    /// How many timers the client uses.
    pub fn timers(&self) -> u8 {
        self.lanes.len() as u8 + 1
    }

    /// The partitions, lane by lane.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionId> {
        self.lanes.iter().map(|lane| lane.partition)
    }

    /// The partition of a lane.
    #[inline]
    pub fn partition(&self, lane: usize) -> PartitionId {
        self.lanes[lane].partition
    }

    /// The next offset of a lane's partition to read.
    pub fn next(&self, lane: usize) -> u64 {
        self.lanes[lane].next
    }

    /// Asks where the group stands in a lane's partition and polls from there.
    pub fn locate(&mut self, lane: usize, ctx: &mut Ctx<'_>) {
        self.lanes[lane].phase = Phase::Locating;
        self.ask(lane, ctx);
    }

    /// Asks for entries from `next` on.
    #[inline]
    pub fn poll(&mut self, lane: usize, next: u64, ctx: &mut Ctx<'_>) {
        if let CommitPolicy::Every(interval) = self.policy.commit {
            self.commit_if_due(lane, next, interval, ctx);
        }
        let one = &mut self.lanes[lane];
        one.next = next;
        one.phase = Phase::Polling;
        self.requests += 1;
        one.request = self.requests;
        let (request, partition) = (one.request, one.partition);
        let FetchPolicy { broker, batch, wait_max, timeout, .. } = self.policy;
        ctx.send(broker, Message::Fetch { request, partition, offset: next, batch, wait_max });
        // It may go on for ever without anybody waiting for it.
        ctx.set_timer(self.timer_of(lane), timeout, Work::Background);
    }

    /// Commits `next`. Returns whether the owner may go on at once; otherwise
    /// [`Progress::Settled`] will come.
    #[inline]
    pub fn commit(&mut self, lane: usize, next: u64, ctx: &mut Ctx<'_>) -> bool {
        let one = &mut self.lanes[lane];
        one.next = next;
        match self.policy.commit {
            CommitPolicy::Unanswered => {
                self.send_commit(lane, next, ctx);
                true
            }
            CommitPolicy::Every(_) | CommitPolicy::Background(_) => true,
            CommitPolicy::Answered => {
                let (group, partition) = (self.policy.group, one.partition);
                ctx.record(Event::CommitInvoke { group, partition, offset: next });
                one.phase = Phase::Committing;
                self.ask(lane, ctx);
                false
            }
        }
    }

    /// Wants nothing more of a lane.
    pub fn stop(&mut self, lane: usize, ctx: &mut Ctx<'_>) {
        self.lanes[lane].phase = Phase::Idle;
        ctx.cancel(self.timer_of(lane));
    }

    /// Handles a message.
    #[inline]
    pub fn deliver(&mut self, message: Message, ctx: &mut Ctx<'_>) -> Progress {
        match message {
            Message::Fetched { request, partition, base, reading } => {
                let Some(lane) = self.awaiting(request, partition, Phase::Polling) else {
                    return Progress::None;
                };
                self.fetched(lane, base, reading, ctx)
            }
            Message::Committed { request, partition } => {
                let Some(lane) = self.awaiting(request, partition, Phase::Committing) else {
                    return Progress::None;
                };
                let Lane { next, .. } = self.lanes[lane];
                let group = self.policy.group;
                ctx.record(Event::CommitOk { group, partition, offset: next });
                self.lanes[lane].phase = Phase::Idle;
                ctx.cancel(self.timer_of(lane));
                Progress::Settled { lane }
            }
            Message::OffsetFetched { request, partition, offset } => {
                if let Some(lane) = self.awaiting(request, partition, Phase::Locating) {
                    if offset > 0 {
                        Moment::Resumed.note(ctx);
                    }
                    self.poll(lane, offset, ctx);
                }
                Progress::None
            }
            _ => Progress::None,
        }
    }

    /// Handles a timer. Returns whether it was the client's.
    pub fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) -> bool {
        let lane = timer.index().checked_sub(self.timer.index());
        let Some(lane) = lane.filter(|&lane| lane <= self.lanes.len()) else { return false };
        if lane == self.lanes.len() {
            self.commit_handed(ctx);
            return true;
        }
        if self.lanes[lane].phase != Phase::Idle {
            match self.policy.on_timeout {
                OnTimeout::Resend => self.ask_again(lane, ctx),
                OnTimeout::Disconnect => {
                    ctx.disconnect(self.policy.broker);
                    (0..self.lanes.len()).for_each(|lane| self.ask_again(lane, ctx));
                }
            }
        }
        true
    }

    /// A connection is gone: what was unanswered is asked again over the next one.
    pub fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        if peer == self.policy.broker {
            (0..self.lanes.len()).for_each(|lane| self.ask_again(lane, ctx));
        }
    }

    /// Takes the whole state into the digest.
    pub fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.requests);
        for lane in &self.lanes {
            digest.word(u64::from(lane.partition.0) << 8 | lane.phase as u64);
            digest.word(lane.next).word(lane.request);
        }
        self.auto.fingerprint(digest);
    }

    /// The lane of `partition`, if it is in `phase` and awaits the answer to `request`.
    #[inline]
    fn awaiting(&self, request: u64, partition: PartitionId, phase: Phase) -> Option<usize> {
        self.lanes.iter().position(|lane| {
            lane.partition == partition && lane.request == request && lane.phase == phase
        })
    }

    #[inline]
    fn fetched(
        &mut self,
        index: usize,
        base: u64,
        reading: Reading,
        ctx: &mut Ctx<'_>,
    ) -> Progress {
        let Lane { partition, next, .. } = self.lanes[index];
        match reading {
            Reading::Entries(entries) if entries.is_empty() => self.poll(index, next, ctx),
            // What went bad on the way comes whole when the timer asks again.
            Reading::Entries(entries)
                if self.policy.checksum == Verify::Verify
                    && !entries.iter().all(Entry::is_sound) =>
            {
                Moment::CorruptDiscarded.note(ctx);
            }
            Reading::Entries(entries) => {
                self.lanes[index].phase = Phase::Idle;
                if let CommitPolicy::Background(interval) = self.policy.commit {
                    self.note_handed(index, base + entries.len() as u64, interval, ctx);
                }
                return Progress::Handed { lane: index, partition, base, entries };
            }
            // `auto.offset.reset = earliest`: what is read twice can be told, what is skipped
            // cannot.
            Reading::OutOfRange { start } => self.poll(index, start, ctx),
            // The timer asks again, at leisure.
            Reading::Closed => {}
        }
        Progress::None
    }

    #[inline]
    fn send_commit(&self, lane: usize, offset: u64, ctx: &mut Ctx<'_>) {
        let (group, partition) = (self.policy.group, self.lanes[lane].partition);
        ctx.record(Event::CommitInvoke { group, partition, offset });
        let commit = Message::Commit { request: None, group, partition, offset };
        ctx.send(self.policy.broker, commit);
    }

    /// Asks what the phase of a lane is about.
    fn ask(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        let Lane { partition, next: offset, phase, .. } = self.lanes[index];
        if phase == Phase::Polling {
            return self.poll(index, offset, ctx);
        }
        self.requests += 1;
        let request = self.requests;
        self.lanes[index].request = request;
        let FetchPolicy { broker, group, timeout, .. } = self.policy;
        let message = match phase {
            Phase::Idle | Phase::Polling => return,
            Phase::Locating => Message::OffsetFetch { request, group, partition },
            Phase::Committing => {
                Message::Commit { request: Some(request), group, partition, offset }
            }
        };
        ctx.send(broker, message);
        ctx.set_timer(self.timer_of(index), timeout, Work::Progress);
    }

    fn ask_again(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        if self.lanes[index].phase != Phase::Idle {
            Moment::AskedAgain.note(ctx);
            self.ask(index, ctx);
        }
    }

    #[inline]
    fn timer_of(&self, lane: usize) -> TimerId {
        TimerId(self.timer.0 + lane as u8)
    }
}

#[cfg(test)]
mod tests;
