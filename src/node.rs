//! The contract between a machine's program and the world it runs in.

use crate::blob::{Blob, Blobs};
use crate::check::Promise;
use crate::choice::{Actor, Decider, Key, Site};
use crate::clock::Clock;
use crate::coverage::Coverage;
use crate::digest::Digest;
use crate::history::{Effect, Event};
use crate::id::{FileId, KnobId, MessageId, NodeId, Position, SiteId, Ticket, TimerId};
use crate::journal::Journals;
use crate::profile::{FaultClass, Knob, Profile};
use crate::seed::Ratio;
use crate::time::{Instant, Span};
pub use message::{Garbled, Message, Record};
use std::collections::VecDeque;
use std::fmt;

mod message;

/// A machine's program, sans-IO: it has no clock, no socket and no thread, and what it does are the
/// *actions* it leaves in its [`Context`], carried out in order after the callback returns.
///
/// A crash may fall after any action, so two actions are never atomic. Memory is lost with the
/// process: [`System::boot`] makes the next one from the disk.
pub trait Node: fmt::Debug {
    /// What links carry.
    type Message: Message;
    /// What the disk holds.
    type Record: Record;

    /// The process has started.
    fn start(&mut self, _ctx: &mut Context<'_, Self::Message, Self::Record>) {}
    /// A message has arrived.
    fn deliver(
        &mut self,
        from: NodeId,
        message: Self::Message,
        ctx: &mut Context<'_, Self::Message, Self::Record>,
    );
    /// A timer has fired.
    fn wake(&mut self, _timer: TimerId, _ctx: &mut Context<'_, Self::Message, Self::Record>) {}
    /// A sync has ended.
    fn synced(
        &mut self,
        _ticket: Ticket,
        _result: Result<(), DiskError>,
        _ctx: &mut Context<'_, Self::Message, Self::Record>,
    ) {
    }
    /// The connection with `peer` is gone; what was sent over it may or may not have arrived.
    fn disconnected(&mut self, _peer: NodeId, _ctx: &mut Context<'_, Self::Message, Self::Record>) {
    }
    /// Bytes have come from outside the simulation.
    fn input(
        &mut self,
        _connection: u32,
        _bytes: &[u8],
        _ctx: &mut Context<'_, Self::Message, Self::Record>,
    ) {
    }
    /// Takes the whole state into the digest: two states that behave differently must differ in it.
    fn fingerprint(&self, digest: &mut Digest);
    /// The replicated state, if there is one: the value of a
    /// [`SetDigest`](crate::digest::SetDigest) over (message, payload), or another digest that
    /// equal replicas agree on.
    fn view(&self) -> Option<u64> {
        None
    }
}

/// Programs of several types run in one system as trait objects.
impl<M: Message, R: Record> Node for Box<dyn Node<Message = M, Record = R>> {
    type Message = M;
    type Record = R;

    fn start(&mut self, ctx: &mut Context<'_, M, R>) {
        (**self).start(ctx);
    }
    fn deliver(&mut self, from: NodeId, message: M, ctx: &mut Context<'_, M, R>) {
        (**self).deliver(from, message, ctx);
    }
    fn wake(&mut self, timer: TimerId, ctx: &mut Context<'_, M, R>) {
        (**self).wake(timer, ctx);
    }
    fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Context<'_, M, R>,
    ) {
        (**self).synced(ticket, result, ctx);
    }
    fn disconnected(&mut self, peer: NodeId, ctx: &mut Context<'_, M, R>) {
        (**self).disconnected(peer, ctx);
    }
    fn input(&mut self, connection: u32, bytes: &[u8], ctx: &mut Context<'_, M, R>) {
        (**self).input(connection, bytes, ctx);
    }
    fn fingerprint(&self, digest: &mut Digest) {
        (**self).fingerprint(digest);
    }
    fn view(&self) -> Option<u64> {
        (**self).view()
    }
}

/// Why a sync failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// The write failed; what the sync covered will never be written by a later one.
    #[error("the write failed")]
    Failed,
    /// The disk was full when a covered record was appended.
    #[error("no space is left")]
    Full,
}

/// Whether a timer means that something is under way.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub enum Work {
    /// Heartbeats, idle polls: a run with nothing but these is quiescent.
    Background,
    /// Anything that a client waits for.
    #[default]
    Progress,
}

/// What a node asks the world to do, in a few bytes: what is sent, appended or recorded lies on the
/// [`Desk`] in the same order.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Action {
    /// Send a message to a machine.
    Send(NodeId, Parcel),
    /// Send a message to the sender of what is being handled, over the same connection.
    Reply(Parcel),
    /// Send a message to a machine over the connection that it holds with this one, if it does.
    Answer(NodeId, Parcel),
    /// Close the connection with a machine.
    Disconnect(NodeId),
    /// Set a timer to fire after a length of the node's own monotonic time.
    SetTimer(TimerId, Span, Work),
    /// Stop a timer.
    Cancel(TimerId),
    /// Append the next of the records to a file.
    Append(FileId),
    /// Remove the records of a file from a position on.
    Truncate(FileId, Position),
    /// Remove the records of a file before a position.
    Discard(FileId, Position),
    /// Make the operations on a file so far durable.
    Sync(FileId, Ticket),
    /// Enter the next of the events in the history. It is no action of the machine's: no crash
    /// falls after it.
    Record,
    /// End the process for good.
    Exit,
    /// End the process; it starts again after a while.
    Restart(Span),
}

/// The place of a message that was sent and has not been taken in.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel(pub(crate) u32);

/// The messages that were sent and have not been taken in. They lie still while handles travel.
#[derive(Debug)]
pub(crate) struct Parcels<M> {
    messages: Vec<Option<M>>,
    free: Vec<u32>,
}

impl<M> Parcels<M> {
    #[inline]
    pub(crate) fn put(&mut self, message: M) -> Parcel {
        match self.free.pop() {
            Some(slot) => {
                // It was empty: there is nothing to drop, and no need to ask.
                std::mem::forget(self.messages[slot as usize].replace(message));
                Parcel(slot)
            }
            None => self.grow(message),
        }
    }

    /// The message in `parcel`, which is empty from then on.
    ///
    /// # Panics
    /// If it was taken before: that is a bug of the world.
    #[inline]
    pub(crate) fn take(&mut self, parcel: Parcel) -> M {
        self.free.push(parcel.0);
        self.messages[parcel.0 as usize].take().expect("a parcel is taken once")
    }

    /// The message in `parcel`.
    pub(crate) fn get(&self, parcel: Parcel) -> &M {
        self.messages[parcel.0 as usize].as_ref().expect("a parcel is full until it is taken")
    }

    /// The message in `parcel`.
    #[inline]
    pub(crate) fn get_mut(&mut self, parcel: Parcel) -> &mut M {
        self.messages[parcel.0 as usize].as_mut().expect("a parcel is full until it is taken")
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.free.clear();
    }

    #[cold]
    fn grow(&mut self, message: M) -> Parcel {
        self.messages.push(Some(message));
        Parcel((self.messages.len() - 1) as u32)
    }
}

/// A machine of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name in reports.
    pub name: String,
    /// What it does, for instance `broker`.
    pub role: &'static str,
    /// Where it stands: half of the cuts fall between zones, if there are several.
    pub zone: u8,
}

impl Machine {
    /// A machine in zone 0.
    pub fn new(name: impl Into<String>, role: &'static str) -> Self {
        Self { name: name.into(), role, zone: 0 }
    }
}

/// A planned operation of a client: to send `message`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The machine that is to send it.
    pub node: NodeId,
    /// The message.
    pub message: MessageId,
    /// Its routing key.
    pub key: u64,
    /// Not before this time.
    pub at: Span,
}

impl Planned {
    /// The `number`-th message of `node`, under key 0 and as soon as its client likes.
    pub const fn new(node: NodeId, number: u32) -> Self {
        Self { node, message: MessageId::new(node, number), key: 0, at: Span::ZERO }
    }
}

/// What a boot is told about itself.
#[derive(Copy, Clone, Debug)]
pub struct Seat<'a> {
    /// The machine.
    pub id: NodeId,
    /// How often it was started before.
    pub incarnation: u16,
    /// What it is to send and no earlier incarnation has invoked.
    pub plan: &'a [Planned],
    /// The values of the system's knobs.
    pub knobs: &'a [u64],
}

impl Seat<'_> {
    /// The value of a knob in this run.
    ///
    /// # Panics
    /// If the system has no such knob.
    pub fn knob(&self, knob: KnobId) -> u64 {
        self.knobs[knob.index()]
    }
}

/// What is tested: machines, their programs, the workload and the promises.
pub trait System: Send + Sync + 'static {
    /// The machines' program.
    type Node: Node;

    /// The name of the system.
    fn name(&self) -> &str;
    /// Its machines; a [`NodeId`] is an index into them.
    fn machines(&self) -> &[Machine];
    /// The program of a machine, made from its disk; everything volatile is empty.
    fn boot(&self, seat: &Seat<'_>, disk: Journals<'_, RecordOf<Self>>) -> Self::Node;
    /// What the clients are to send, in the order in which each is to send it.
    fn plan(&self, _knobs: &[u64], _plan: &mut Vec<Planned>) {}
    /// The effects that a record means once it is durable.
    fn effects(&self, _record: &RecordOf<Self>, _effects: &mut Vec<Effect>) {}
    /// What the system promises.
    fn promises(&self) -> &[Promise];
    /// Its surroundings.
    fn profile(&self) -> &Profile;
    /// The numbers that a seeded run may set otherwise.
    fn knobs(&self) -> &[Knob] {
        &[]
    }
    /// The names of its `sometimes` sites, at most [`SITES_MAX`](crate::coverage::SITES_MAX).
    fn sites(&self) -> &'static [&'static str] {
        &[]
    }
}

/// What the links of `S` carry.
pub type MessageOf<S> = <<S as System>::Node as Node>::Message;
/// What the disks of `S` hold.
pub type RecordOf<S> = <<S as System>::Node as Node>::Record;

/// What callbacks of all machines share; emptied by the world after each.
#[derive(Debug)]
pub(crate) struct Desk<M, R> {
    pub(crate) actions: Vec<Action>,
    pub(crate) parcels: Parcels<M>,
    pub(crate) records: VecDeque<R>,
    pub(crate) events: Vec<Event>,
    pub(crate) blobs: Blobs,
    pub(crate) decider: Decider,
    pub(crate) coverage: Coverage,
    pub(crate) tickets: u32,
}

impl<M, R> Desk<M, R> {
    /// Drops the actions from the `done`-th on.
    #[cold]
    pub(crate) fn sweep_off(&mut self, done: usize) {
        for action in self.actions.drain(done..) {
            if let Action::Send(_, parcel) | Action::Reply(parcel) | Action::Answer(_, parcel) =
                action
            {
                drop(self.parcels.take(parcel));
            }
        }
        self.records.clear();
        self.events.clear();
    }

    /// Back to the start of a run.
    pub(crate) fn clear(&mut self) {
        self.actions.clear();
        self.parcels.clear();
        self.records.clear();
        self.events.clear();
        self.blobs.clear();
        self.coverage.clear();
        self.tickets = 0;
    }
}

/// What the world keeps of a machine on behalf of its node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Station {
    pub(crate) node: NodeId,
    pub(crate) incarnation: u16,
    pub(crate) clock: Clock,
    pub(crate) write_through: bool,
    /// Where the next record of each file goes, counting the appends of the running callback.
    pub(crate) ends: Vec<Position>,
    /// How often each own site was asked in this incarnation.
    pub(crate) chosen: Vec<u32>,
}

/// A node's hands during a callback.
#[derive(Debug)]
pub struct Context<'a, M, R> {
    pub(crate) now: Instant,
    pub(crate) station: &'a mut Station,
    pub(crate) desk: &'a mut Desk<M, R>,
}

impl<M, R> Context<'_, M, R> {
    /// The machine.
    #[inline]
    pub fn node(&self) -> NodeId {
        self.station.node
    }

    /// How often the machine was started before.
    #[inline]
    pub fn incarnation(&self) -> u16 {
        self.station.incarnation
    }

    /// What the machine's monotonic clock shows.
    #[inline]
    pub fn now(&mut self) -> Instant {
        if self.station.clock.drifts() {
            self.desk.coverage.bite(FaultClass::ClockDrift);
        }
        self.station.clock.monotonic(self.now)
    }

    /// What the machine's wall clock shows; it may be off, and it may step.
    pub fn wall(&mut self) -> Instant {
        if self.station.clock.is_off() {
            self.desk.coverage.bite(FaultClass::ClockStep);
        }
        self.station.clock.wall(self.now)
    }

    /// Sends `message` to `to`.
    #[inline]
    pub fn send(&mut self, to: NodeId, message: M) {
        let parcel = self.desk.parcels.put(message);
        self.desk.actions.push(Action::Send(to, parcel));
    }

    /// Answers what is being handled, over the connection it came by. Outside
    /// [`Node::deliver`] there is nobody to answer and nothing is sent.
    #[inline]
    pub fn reply(&mut self, message: M) {
        let parcel = self.desk.parcels.put(message);
        self.desk.actions.push(Action::Reply(parcel));
    }

    /// Sends `message` to the client `to`, which asked for it earlier, over the connection that it
    /// holds with this machine. If there is none any more, nothing is sent: a server does not call
    /// its clients.
    #[inline]
    pub fn answer(&mut self, to: NodeId, message: M) {
        let parcel = self.desk.parcels.put(message);
        self.desk.actions.push(Action::Answer(to, parcel));
    }

    /// Closes the connection with `peer`, and older ones that `peer` has given up and this machine
    /// has not: nothing that is on its way over them is heard any more. What was sent before may
    /// still arrive.
    pub fn disconnect(&mut self, peer: NodeId) {
        self.desk.actions.push(Action::Disconnect(peer));
    }

    /// Sets `timer` to fire `after` from now by the machine's monotonic clock, never early.
    #[inline]
    pub fn set_timer(&mut self, timer: TimerId, after: Span, work: Work) {
        self.desk.actions.push(Action::SetTimer(timer, after, work));
    }

    /// Stops `timer`.
    #[inline]
    pub fn cancel(&mut self, timer: TimerId) {
        self.desk.actions.push(Action::Cancel(timer));
    }

    /// Appends `record` to `file` and tells where it goes.
    #[expect(clippy::inline_always, reason = "one copy of the record less, measured")]
    #[inline(always)]
    pub fn append(&mut self, file: FileId, record: R) -> Position {
        let end = self.end_of(file);
        let position = *end;
        end.0 += 1;
        self.desk.records.push_back(record);
        self.desk.actions.push(Action::Append(file));
        position
    }

    /// Removes the records of `file` from `from` on.
    pub fn truncate(&mut self, file: FileId, from: Position) {
        let end = self.end_of(file);
        *end = from.min(*end);
        self.desk.actions.push(Action::Truncate(file, from));
    }

    /// Removes the records of `file` before `before`; the positions of the others stay.
    pub fn discard(&mut self, file: FileId, before: Position) {
        self.desk.actions.push(Action::Discard(file, before));
    }

    /// Asks for what was done to `file` so far to be made durable. [`Node::synced`] tells when,
    /// under the ticket returned; `None` means that the disk writes through and all of it is
    /// durable already.
    #[inline]
    #[must_use = "without a ticket nothing will be called: the work is durable already"]
    pub fn sync(&mut self, file: FileId) -> Option<Ticket> {
        if self.station.write_through {
            return None;
        }
        let ticket = Ticket(self.desk.tickets);
        self.desk.tickets += 1;
        self.desk.actions.push(Action::Sync(file, ticket));
        Some(ticket)
    }

    /// One of `bound` alternatives; 0 is the quiet one.
    pub fn choose(&mut self, site: u8, bound: u64) -> u64 {
        let key = self.next_key(site);
        self.desk.decider.alternative(key, bound)
    }

    /// Whether something happens whose probability is `ratio`; that it does not is the quiet
    /// choice.
    pub fn chance(&mut self, site: u8, ratio: Ratio) -> bool {
        let key = self.next_key(site);
        self.desk.decider.chance(key, ratio)
    }

    /// The key of the next choice at `site`.
    fn next_key(&mut self, site: u8) -> Key {
        let index = site as usize;
        if self.station.chosen.len() <= index {
            self.station.chosen.resize(index + 1, 0);
        }
        let occurrence = self.station.chosen[index];
        self.station.chosen[index] += 1;
        let actor = Actor::Node(self.station.node, self.station.incarnation);
        Key::new(Site::Node, actor, site, occurrence)
    }

    /// Notes that `site` was reached: a sweep tells which never were.
    #[inline]
    pub fn sometimes(&mut self, site: SiteId) {
        self.desk.coverage.reach(site);
    }

    /// Enters `event` in the history.
    #[inline]
    pub fn record(&mut self, event: Event) {
        self.desk.events.push(event);
        self.desk.actions.push(Action::Record);
    }

    /// Keeps a message body for this run.
    #[inline]
    pub fn blob(&mut self, bytes: &[u8]) -> Blob {
        self.desk.blobs.put(bytes)
    }

    /// The message bodies of this run, for a machine that reads frames by itself.
    pub fn blobs(&mut self) -> &mut Blobs {
        &mut self.desk.blobs
    }

    /// The bytes of a message body.
    pub fn bytes(&self, blob: Blob) -> &[u8] {
        self.desk.blobs.get(blob)
    }

    /// Ends the process after this callback; it stays down.
    pub fn exit(&mut self) {
        self.desk.actions.push(Action::Exit);
    }

    /// Ends the process after this callback; it starts again `after` that.
    pub fn restart(&mut self, after: Span) {
        self.desk.actions.push(Action::Restart(after));
    }

    #[inline]
    fn end_of(&mut self, file: FileId) -> &mut Position {
        let ends = &mut self.station.ends;
        if ends.len() <= file.index() {
            ends.resize(file.index() + 1, Position(0));
        }
        &mut ends[file.index()]
    }
}

impl<M, R> Default for Desk<M, R> {
    fn default() -> Self {
        Self {
            actions: Vec::new(),
            parcels: Parcels { messages: Vec::new(), free: Vec::new() },
            records: VecDeque::new(),
            events: Vec::new(),
            blobs: Blobs::default(),
            decider: Decider::default(),
            coverage: Coverage::default(),
            tickets: 0,
        }
    }
}
