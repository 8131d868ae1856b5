//! A bench to drive a node by hand: callbacks in, actions out, one at a time.

use super::message::Acks;
use super::producer::{
    EpochBump, IdentityPolicy, MessageIdPolicy, OnTimeout, Partitioner, ProducerPolicy, Restart,
};
use super::{Message, Record};
use crate::history::Event;
use crate::id::{FileId, NodeId, SiteId, Ticket, TimerId};
use crate::journal::{Extent, Journal, Journals};
use crate::node::{Action, Context, Desk, DiskError, Node, Planned, Seat, Station};
use crate::time::{Instant, Span};

/// How the machines on a bench publish, unless their tests are about that: as one session of an
/// idempotent producer, to one partition of the log on machine 0.
pub(super) const PRODUCER: ProducerPolicy = ProducerPolicy {
    broker: NodeId(0),
    partitions: 1,
    partitioner: Partitioner::Key,
    identity: IdentityPolicy::Idempotent,
    message_id: MessageIdPolicy::Logical,
    restart: Restart::Bump,
    bump: EpochBump::Drain,
    acks: Acks::All,
    in_flight: 5,
    timeout: Span::millis(50),
    deadline: Span::secs(120),
    attempts: 1,
    backoff: None,
    on_timeout: OnTimeout::Resend,
    journal: None,
};

/// A machine without a world: its disk, its clock and what it did.
#[derive(Debug, Default)]
pub(super) struct Bench {
    pub(super) now: Instant,
    pub(super) station: Station,
    pub(super) desk: Desk<Message, Record>,
    pub(super) files: Vec<Journal<Record>>,
    pub(super) plan: Vec<Planned>,
    /// Since it was last looked at.
    pub(super) sent: Vec<(Option<NodeId>, Message)>,
    pub(super) events: Vec<Event>,
    pub(super) timers: Vec<(TimerId, Span)>,
    pub(super) syncs: Vec<(FileId, Ticket, Extent)>,
    pub(super) disconnects: usize,
    pub(super) exits: Vec<Option<Span>>,
}

impl Bench {
    pub(super) fn machine(node: u16) -> Self {
        let station = Station { node: NodeId(node), ..Station::default() };
        Self { station, ..Self::default() }
    }

    pub(super) fn write_through(mut self) -> Self {
        self.station.write_through = true;
        self
    }

    /// Boots a node from the disk and starts it.
    pub(super) fn boot<N>(&mut self, boot: impl FnOnce(&Seat<'_>, Journals<'_, Record>) -> N) -> N
    where
        N: Node<Message = Message, Record = Record>,
    {
        self.station.ends = self.files.iter().map(Journal::end).collect();
        let (id, incarnation) = (self.station.node, self.station.incarnation);
        let seat = Seat { id, incarnation, plan: &self.plan, knobs: &[] };
        let mut node = boot(&seat, Journals::new(&self.files));
        self.with(|ctx| node.start(ctx));
        node
    }

    /// The process dies; the machine boots it again later. `undone` operations are undone in each
    /// file, if the power went.
    pub(super) fn crash(&mut self, undone: Option<u32>) {
        for file in &mut self.files {
            match undone {
                Some(undone) => _ = file.power_cut(undone, false, &mut Vec::new()),
                None => file.crash(&mut Vec::new()),
            }
        }
        self.station.incarnation += 1;
        self.syncs.clear();
    }

    /// Runs a callback and carries out what it asked for.
    pub(super) fn with<T>(
        &mut self,
        callback: impl FnOnce(&mut Context<'_, Message, Record>) -> T,
    ) -> T {
        let station = &mut self.station;
        let out = callback(&mut Context { now: self.now, station, desk: &mut self.desk });
        self.events.append(&mut self.desk.events);
        for action in std::mem::take(&mut self.desk.actions) {
            self.carry_out(action);
        }
        out
    }

    fn carry_out(&mut self, action: Action) {
        let through = self.station.write_through;
        match action {
            Action::Send(to, parcel) | Action::Answer(to, parcel) => {
                self.sent.push((Some(to), self.desk.parcels.take(parcel)));
            }
            Action::Reply(parcel) => self.sent.push((None, self.desk.parcels.take(parcel))),
            Action::Disconnect(_) => self.disconnects += 1,
            Action::SetTimer(timer, after, _) => self.timers.push((timer, after)),
            Action::Cancel(timer) => self.timers.retain(|&(set, _)| set != timer),
            Action::Append(file) => {
                let record = self.desk.records.pop_front().expect("a record an append");
                if through {
                    self.file(file).append_through(record);
                } else {
                    self.file(file).append(record);
                }
            }
            Action::Truncate(file, from) => self.file(file).truncate(from, through),
            Action::Discard(file, before) => self.file(file).discard(before, through),
            Action::Sync(file, ticket) => {
                let extent = self.file(file).extent();
                self.syncs.push((file, ticket, extent));
            }
            Action::Record => {}
            Action::Exit => self.exits.push(None),
            Action::Restart(after) => self.exits.push(Some(after)),
        }
    }

    pub(super) fn file(&mut self, file: FileId) -> &mut Journal<Record> {
        if self.files.len() <= file.index() {
            self.files.resize_with(file.index() + 1, Journal::default);
        }
        &mut self.files[file.index()]
    }

    /// Delivers a message from a machine, and returns what was sent.
    pub(super) fn deliver<N>(&mut self, node: &mut N, from: u16, message: Message) -> Vec<Message>
    where
        N: Node<Message = Message, Record = Record>,
    {
        self.with(|ctx| node.deliver(NodeId(from), message, ctx));
        self.take_sent()
    }

    /// Fires a timer, and returns what was sent.
    pub(super) fn wake<N>(&mut self, node: &mut N, timer: u8) -> Vec<Message>
    where
        N: Node<Message = Message, Record = Record>,
    {
        self.with(|ctx| node.wake(TimerId(timer), ctx));
        self.take_sent()
    }

    /// Ends the oldest sync under way, and returns what was sent.
    pub(super) fn end_sync<N>(
        &mut self,
        node: &mut N,
        result: Result<(), DiskError>,
    ) -> Vec<Message>
    where
        N: Node<Message = Message, Record = Record>,
    {
        let (file, ticket, extent) = self.syncs.remove(0);
        let journal = self.file(file);
        match result {
            Ok(()) => journal.sync(extent, &mut Vec::new()),
            Err(_) => _ = journal.forget(extent),
        }
        self.with(|ctx| node.synced(ticket, result, ctx));
        self.take_sent()
    }

    pub(super) fn take_sent(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.sent).into_iter().map(|(_, message)| message).collect()
    }

    pub(super) fn reached(&self, site: SiteId) -> u32 {
        self.desk.coverage.reached(site)
    }
}
