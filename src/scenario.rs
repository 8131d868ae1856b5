//! Scenarios: built-in systems assembled from data.
//!
//! What a scenario file may say is on the page [`mod@reference`].
//!
//! # A machine of your own beside the built-in broker
//!
//! A scenario may name programs that code supplies. Their machines run under the same faults as the
//! built-in ones; they speak the built-in messages and their own, and keep records of their own.
//!
//! Below, an auditor reads the broker's log by the built-in `Fetch` and hands every entry to an
//! archive by a message of its own. It goes on once the archive has the entry on disk; the archive
//! tells by its disk what it has been given before. That each acknowledged message is archived
//! exactly once is promised in code, since the file knows nothing of the archive:
//!
//! ```
//! use postulate::check::Rule;
//! use postulate::harness::Harness;
//! use postulate::model::message::{Message as Wire, Reading};
//! use postulate::model::{OwnRecord, Record as Stored};
//! use postulate::prelude::*;
//! use postulate::scenario::Scenario;
//! use std::collections::BTreeSet;
//!
//! const PIPE: &str = r#"
//!     name = "audited-pipe"
//!     promises = ["exactly-once"]
//!     workload = { producers = 2, messages = 5 }
//!     broker = { unknown_producer = "refuse" }
//!     run = { envelope = ["loss", "delay", "crash", "power-cut"] }
//!     program = [
//!         { name = "auditor", machine = "auditor" },
//!         { name = "archive", machine = "archive" },
//!     ]
//! "#;
//! // The broker is machine 0, then come two producers, a consumer and the programs.
//! const BROKER: NodeId = NodeId(0);
//! const AUDITOR: NodeId = NodeId(4);
//! const ARCHIVE: NodeId = NodeId(5);
//! const PAGES: SinkId = SinkId(9);
//! type Ctx<'a> = Context<'a, Wire, Stored>;
//!
//! // What the two say to each other.
//! #[derive(Clone, Debug, PartialEq)] enum Audit { Keep(Page), Kept(MessageId) }
//! impl Message for Audit {
//!     fn kind(&self) -> u8 { matches!(self, Self::Kept(_)).into() }
//!     fn kind_name(kind: u8) -> &'static str { ["Keep", "Kept"][kind as usize] }
//!     fn fingerprint(&self, digest: &mut Digest) {
//!         match self {
//!             Self::Keep(page) => page.fingerprint(digest),
//!             Self::Kept(message) => _ = digest.word(!message.word()),
//!         }
//!     }
//! }
//! // What the archive's disk holds; once it is durable, the message is archived.
//! #[derive(Clone, Debug, PartialEq)] struct Page { message: MessageId, payload: u64 }
//! impl Record for Page {
//!     fn fingerprint(&self, digest: &mut Digest) {
//!         digest.word(self.message.word()).word(self.payload);
//!     }
//! }
//! impl OwnRecord for Page {
//!     fn effects(&self, effects: &mut Vec<Effect>) {
//!         effects.push(Effect { message: self.message, sink: PAGES, payload: self.payload });
//!     }
//! }
//! // What the auditor's disk holds: how far it has come. It means no effect.
//! #[derive(Clone, Debug, PartialEq)] struct Next(u64);
//! impl Record for Next {
//!     fn fingerprint(&self, digest: &mut Digest) { digest.word(self.0); }
//! }
//! impl OwnRecord for Next {}
//!
//! #[derive(Debug)] struct Auditor { next: u64, open: Option<Page> }
//! impl Node for Auditor {
//!     type Message = Wire;
//!     type Record = Stored;
//!     fn start(&mut self, ctx: &mut Ctx) { self.wake(TimerId(0), ctx); }
//!     fn wake(&mut self, again: TimerId, ctx: &mut Ctx) {
//!         let (offset, partition) = (self.next, PartitionId(0));
//!         let (to, wire, work) = match &self.open {
//!             Some(page) => (ARCHIVE, Wire::custom(Audit::Keep(page.clone())), Work::Progress),
//!             None => {
//!                 let (request, batch, wait_max) = (offset, 1, Span::ZERO);
//!                 let fetch = Wire::Fetch { request, partition, offset, batch, wait_max };
//!                 (BROKER, fetch, Work::Background)
//!             }
//!         };
//!         ctx.send(to, wire);
//!         ctx.set_timer(again, Span::millis(25), work);
//!     }
//!     fn deliver(&mut self, _: NodeId, wire: Wire, ctx: &mut Ctx) {
//!         match (&wire, wire.as_custom(), &self.open) {
//!             (Wire::Fetched { base, reading: Reading::Entries(found), .. }, None, None)
//!                 if *base == self.next && !found.is_empty() =>
//!             {
//!                 let (message, payload) = (found[0].message, found[0].body.fingerprint());
//!                 self.open = Some(Page { message, payload });
//!             }
//!             (_, Some(Audit::Kept(message)), Some(page)) if page.message == *message => {
//!                 (self.next, self.open) = (self.next + 1, None);
//!                 ctx.append(FileId(0), Stored::custom(Next(self.next)));
//!             }
//!             _ => return,
//!         }
//!         self.wake(TimerId(0), ctx);
//!     }
//!     fn fingerprint(&self, digest: &mut Digest) {
//!         digest.word(self.next).word(self.open.is_some().into());
//!     }
//! }
//! #[derive(Debug)] struct Archive { kept: BTreeSet<MessageId>, waiting: Vec<(Ticket, MessageId)> }
//! impl Node for Archive {
//!     type Message = Wire;
//!     type Record = Stored;
//!     fn deliver(&mut self, _: NodeId, wire: Wire, ctx: &mut Ctx) {
//!         let Some(Audit::Keep(page)) = wire.as_custom() else { return };
//!         if self.kept.insert(page.message) {
//!             ctx.append(FileId(0), Stored::custom(page.clone()));
//!         }
//!         let ticket = ctx.sync(FileId(0)).expect("this disk does not write through");
//!         self.waiting.push((ticket, page.message));
//!     }
//!     fn synced(&mut self, done: Ticket, _: Result<(), DiskError>, ctx: &mut Ctx) {
//!         for (_, message) in self.waiting.extract_if(.., |waiting| waiting.0 == done) {
//!             ctx.send(AUDITOR, Wire::custom(Audit::Kept(message)));
//!         }
//!     }
//!     fn fingerprint(&self, digest: &mut Digest) {
//!         self.kept.iter().for_each(|message| _ = digest.word(message.word()));
//!     }
//! }
//!
//! let audited = |remembers: bool| {
//!     let scenario = Scenario::from_toml("audited-pipe.toml", PIPE)?;
//!     scenario
//!         .promise(Promise::ExactlyOnce { sinks: vec![PAGES] })
//!         .attach("auditor", |_, disk| {
//!             let next = disk.intact(FileId(0)).last().and_then(Stored::as_custom);
//!             Box::new(Auditor { next: next.map_or(0, |next: &Next| next.0), open: None })
//!         })?
//!         .attach("archive", move |_, disk| {
//!             let found = disk.intact(FileId(0)).filter(|_| remembers);
//!             let pages = found.filter_map(|record| record.as_custom::<Page>());
//!             let kept = pages.map(|page| page.message).collect();
//!             Box::new(Archive { kept, waiting: Vec::new() })
//!         })?
//!         .subject()
//! };
//! let swept = Harness::new(audited(true)?).schedules(500).run();
//! // An effect in the consumer's table and one in the archive.
//! assert!(swept.tally.effects >= 2 * swept.tally.acknowledged);
//! // An archive that forgets with every restart archives twice.
//! let forgetful = Harness::new(audited(false)?).schedules(2_000);
//! forgetful.expect_violation(Rule::DuplicateEffect).run();
//! # Ok::<(), postulate::scenario::ScenarioError>(())
//! ```

use crate::check::Promise;
use crate::id::{NodeId, SinkId};
use crate::journal::Journals;
use crate::model::consumer::Apply;
use crate::model::saga::SagaSinks;
use crate::model::service::WritePolicy;
use crate::model::worker::WorkerPolicy;
use crate::model::{CustomNode, Record};
use crate::node::{Machine, Seat};
use crate::profile::{DiskProfile, Envelope, FaultClass, Link, Profile, Swarm};
use problem::{Origin, Problem};
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;

pub use bounded::{Backwards, Between, Bounded, NoTime, OutOfBounds, Positive};
pub use catalogue::{Entry, catalogue};
#[cfg(feature = "cli")]
pub(crate) use nearest::nearest;
pub use pipe::Pipe;
pub use problem::{Place, ScenarioError};
pub use sections::{
    BrokerSection, ClockSection, ConsumerSection, DatabaseSection, DiskSection, Expect,
    ExternalSection, FsyncPolicy, HalfSection, Heartbeat, IntakeName, NetworkSection,
    ProducerSection, Program, PromiseName, QueueSection, RelaySection, Retries, RunSection,
    SagaSection, ServiceSection, Until, VarySection, WorkerSection, Workload,
};

mod advice;
mod bounded;
mod catalogue;
mod check;
mod nearest;
mod pipe;
mod policies;
mod problem;
pub mod reference;
mod sections;

/// The most bytes that the text of a scenario has.
pub const BYTES_MAX: usize = 1 << 20;

/// Makes the program of a machine, at each of its boots.
pub type Factory = Arc<dyn Fn(&Seat<'_>, Journals<'_, Record>) -> CustomNode + Send + Sync>;

/// A system as data: what a scenario file holds, and what code may change before it runs.
///
/// ```
/// use postulate::model::consumer::Dedup;
/// use postulate::scenario::Scenario;
///
/// let mut scenario = Scenario::named("exactly-once-pipe")?;
/// scenario.consumer.dedup = Dedup::Memory;
/// let system = scenario.system()?;
/// # Ok::<(), postulate::scenario::ScenarioError>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it is about, in a line.
    #[serde(default)]
    pub about: String,
    /// What it promises.
    pub promises: Vec<PromiseName>,
    /// What it is there to show.
    #[serde(default)]
    pub expect: Expect,
    /// What is sent.
    pub workload: Workload,
    /// The log broker.
    #[serde(default)]
    pub broker: BrokerSection,
    /// A queue broker in the place of the log broker.
    pub queue: Option<QueueSection>,
    /// The producers.
    #[serde(default)]
    pub producer: ProducerSection,
    /// The consumers.
    #[serde(default)]
    pub consumer: ConsumerSection,
    /// What they do besides if they consume queues.
    #[serde(default)]
    pub worker: WorkerSection,
    /// A database on a machine of its own, for consumers or programs that use one.
    pub database: Option<DatabaseSection>,
    /// An external system, for consumers or programs that call one.
    pub external: Option<ExternalSection>,
    /// Services in the place of the producers.
    pub service: Option<ServiceSection>,
    /// A broker of half messages, for services that write by such.
    pub half: Option<HalfSection>,
    /// Relays, for services that write by an outbox.
    pub relay: Option<RelaySection>,
    /// Orders of several steps, in the place of producers and consumers.
    pub saga: Option<SagaSection>,
    /// The network.
    #[serde(default)]
    pub network: NetworkSection,
    /// The disks.
    #[serde(default)]
    pub disk: DiskSection,
    /// The clocks.
    #[serde(default)]
    pub clock: ClockSection,
    /// Faults, and when a run ends.
    #[serde(default)]
    pub run: RunSection,
    /// What seeds set otherwise.
    #[serde(default)]
    pub vary: VarySection,
    /// Machines whose programs code supplies.
    #[serde(default, rename = "program")]
    pub programs: Vec<Program>,
    #[serde(skip)]
    origin: Option<Origin>,
    #[serde(skip)]
    attached: Vec<Attached>,
    #[serde(skip)]
    own_promises: Vec<Promise>,
}

#[derive(Clone)]
struct Attached {
    program: String,
    factory: Factory,
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Scenario {
    /// The scenario that `text` spells out; errors call the text `file`.
    ///
    /// # Errors
    /// If the text is no scenario, or an impossible one; the error names the place.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, ScenarioError> {
        problem::refuse_long(file, text)?;
        problem::refuse_unnamed(file, text)?;
        let mut scenario: Self =
            toml::from_str(text).map_err(|error| ScenarioError::text(file, text, &error))?;
        check::check(&scenario).map_err(|problem| problem.locate(file, Some(text)))?;
        scenario.origin = Some(Origin::new(file, text));
        Ok(scenario)
    }

    /// The scenario that `text` spells out with one line changed: `key`, such as `consumer.dedup`,
    /// is `value` instead, written as in the file.
    ///
    /// # Errors
    /// If the text, the key or the value is no scenario's, or an impossible one comes of it.
    pub fn from_toml_changed(
        file: &str,
        text: &str,
        key: &str,
        value: &str,
    ) -> Result<Self, ScenarioError> {
        Self::from_toml_with(file, text, &[(key, value)])
    }

    /// The scenario that `text` spells out with some lines changed, each a key and its value.
    ///
    /// # Errors
    /// As [`from_toml_changed`](Self::from_toml_changed); only what comes of all changes together
    /// has to be possible.
    pub fn from_toml_with(
        file: &str,
        text: &str,
        changes: &[(&str, &str)],
    ) -> Result<Self, ScenarioError> {
        let wrong = |error: &toml::de::Error| ScenarioError::text(file, text, error);
        let mut document: toml::Table = toml::from_str(text).map_err(|error| wrong(&error))?;
        for (key, value) in changes {
            let change = format!("{key} = {value}");
            let change: toml::Table = toml::from_str(&change)
                .map_err(|error| ScenarioError::text(&change, &change, &error))?;
            overlay(&mut document, change, key.split('.').count());
        }
        let mut scenario = Self::deserialize(document).map_err(|error| wrong(&error))?;
        check::check(&scenario).map_err(|problem| problem.locate(file, None))?;
        scenario.origin = Some(Origin::new(file, text));
        Ok(scenario)
    }

    /// The scenario of this name in the [`catalogue`].
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        Entry::named(name)?.scenario()
    }

    /// Supplies the program that the scenario calls `name`; the page of the [module](self) has an
    /// example.
    ///
    /// # Errors
    /// If the scenario names no such program.
    pub fn attach(
        mut self,
        name: &str,
        factory: impl Fn(&Seat<'_>, Journals<'_, Record>) -> CustomNode + Send + Sync + 'static,
    ) -> Result<Self, ScenarioError> {
        if !self.programs.iter().any(|program| program.name == name) {
            let known: Vec<_> = self.programs.iter().map(|program| program.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let (file, program) = (self.name, name.to_owned());
            return Err(ScenarioError::NoSuchProgram { file, program, known });
        }
        self.attached.retain(|attached| attached.program != name);
        self.attached.push(Attached { program: name.to_owned(), factory: Arc::new(factory) });
        Ok(self)
    }

    /// Promises something besides what the scenario names: a sink of a program's own, for instance.
    /// The sinks of the consumer groups count from 0, then come those of the services, of an
    /// external system and of the groups' dead letters; promises may name at most
    /// [`SINKS_MAX`](crate::check::SINKS_MAX) in all.
    pub fn promise(mut self, promise: Promise) -> Self {
        self.own_promises.push(promise);
        self
    }

    /// The system, ready to be run.
    ///
    /// # Errors
    /// If code has made the scenario impossible, or left a program out.
    pub fn system(self) -> Result<Pipe, ScenarioError> {
        check::check(&self).map_err(|problem: Problem| problem.locate(&self.name, None))?;
        let unattached = self.programs.iter().find(|program| self.factory(&program.name).is_none());
        if let Some(program) = unattached {
            let (program, origin) = (program.name.clone(), self.origin.as_ref());
            let place =
                origin.map_or_else(|| Place::whole(&self.name), |origin| origin.program(&program));
            return Err(ScenarioError::Unattached { place: Box::new(place), program });
        }
        Ok(Pipe::new(&self))
    }

    /// The system, as everything runs it that runs schedules. What is generic in the engine is made
    /// here, so that it runs optimised even in an unoptimised test.
    ///
    /// # Errors
    /// As [`system`](Self::system).
    pub fn subject(self) -> Result<Arc<dyn crate::run::Subject>, ScenarioError> {
        Ok(Arc::new(self.system()?))
    }

    /// Why faults of a class make no difference to it, if they make none: such a class has no place
    /// in its envelope.
    pub fn impossible(&self, class: FaultClass) -> Option<&'static str> {
        check::impossible(self, class)
    }

    fn factory(&self, program: &str) -> Option<&Factory> {
        let mut attached = self.attached.iter();
        attached.find(|attached| attached.program == program).map(|attached| &attached.factory)
    }

    /// The machine of the database, if there is one.
    pub fn database_node(&self) -> Option<NodeId> {
        self.database.map(|_| self.shared_node())
    }

    /// The machine of the external system, if there is one.
    pub fn external_node(&self) -> Option<NodeId> {
        let place = self.shared_node().0 + u16::from(self.database.is_some());
        self.external.map(|_| NodeId(place))
    }

    /// The machine of the broker of half messages, if there is one.
    pub fn half_node(&self) -> Option<NodeId> {
        let shared = u16::from(self.database.is_some()) + u16::from(self.external.is_some());
        self.half.map(|_| NodeId(self.shared_node().0 + shared))
    }

    /// Whether it has services that write so.
    fn writes_by(&self, write: WritePolicy) -> bool {
        self.service.is_some_and(|service| service.write == write)
    }

    /// The machines: the broker, the producers or services, the consumers group by group or those
    /// that take the steps of orders, the database, the external system, the broker of half
    /// messages, the relays, those that take the dead letters, the programs.
    fn machines(&self) -> Vec<Machine> {
        let zoned = |n: u32| 1 + (n % 2) as u8;
        let machine = |name, role, zone| Machine { name, role, zone };
        let mut machines = vec![machine("broker".to_owned(), "broker", 0)];
        let producers = 1..=self.workload.producers.get();
        let sender = match (&self.service, &self.saga) {
            (Some(_), _) => "service",
            (None, Some(_)) => "order",
            (None, None) => "producer",
        };
        machines.extend(producers.map(|n| machine(format!("{sender}-{n}"), sender, zoned(n))));
        let steps = self.saga.iter().flat_map(|saga| &saga.steps).zip(1..);
        machines.extend(steps.map(|(step, n)| machine(step.clone(), "participant", zoned(n))));
        let consumer = if self.queue.is_some() { "worker" } else { "consumer" };
        for group in (1..=self.consumer.groups.get()).filter(|_| self.saga.is_none()) {
            for member in 1..=self.consumer.members.get() {
                let name = match self.consumer.members.get() {
                    1 => format!("{consumer}-{group}"),
                    _ => format!("{consumer}-{group}.{member}"),
                };
                machines.push(machine(name, consumer, zoned(group + member)));
            }
        }
        let shared = [
            ("database", self.database.is_some()),
            ("external", self.external.is_some()),
            ("half-broker", self.half.is_some()),
        ];
        let shared = shared.into_iter().filter(|&(_, present)| present);
        machines.extend(shared.map(|(role, _)| machine(role.to_owned(), role, 0)));
        let relays = 1..=self.relay.map_or(0, |section| section.count.get());
        machines.extend(relays.map(|n| machine(format!("relay-{n}"), "relay", zoned(n))));
        let undertakers = (1..=self.consumer.groups.get()).zip(self.undertakers());
        machines.extend(
            undertakers.map(|(n, _)| machine(format!("dead-letters-{n}"), "worker", zoned(n))),
        );
        let programs = self.programs.iter().zip(0..);
        machines.extend(programs.map(|(p, n)| machine(p.machine.clone(), "program", zoned(n))));
        machines
    }

    fn profile(&self) -> Profile {
        let Self { network, disk, run, .. } = self;
        let quiet = Profile::default();
        let sync = disk.sync.unwrap_or(Between::micros(200, 1_000));
        Profile {
            transport: network.transport,
            link: Link {
                latency: network.latency.least(),
                jitter: network.latency.width(),
                loss: network.loss,
                duplicate: network.duplicate,
                corrupt: network.corrupt,
                bandwidth: network.bandwidth.map(|bytes| u64::from(bytes.get())),
            },
            links: Vec::new(),
            framing: network.framing,
            disk: DiskProfile {
                write_through: disk.write_through,
                sync: sync.least(),
                jitter: sync.width(),
            },
            clock_tick: self.clock.tick.get(),
            swarm: run.swarm,
            envelope: self.envelope(),
            heal_at: run.heal_at.map_or(quiet.heal_at, Positive::get),
            patience: run.patience.map_or(quiet.patience, Positive::get),
            drain: run.drain.unwrap_or(quiet.drain),
            events_max: run.events_max.map_or(quiet.events_max, |max| u64::from(max.get())),
            time_max: run.time_max.map_or(quiet.time_max, Positive::get),
        }
    }

    fn envelope(&self) -> Envelope {
        let Self { network, run, .. } = self;
        if run.swarm == Swarm::On {
            return run.envelope.iter().copied().collect();
        }
        let stated = [
            (FaultClass::Loss, !network.loss.is_never()),
            (FaultClass::Duplicate, !network.duplicate.is_never()),
            (FaultClass::Corrupt, !network.corrupt.is_never()),
        ];
        stated.into_iter().filter(|&(_, occurs)| occurs).map(|(class, _)| class).collect()
    }

    /// Where what a group does takes effect.
    fn sink(&self, group: u16) -> SinkId {
        match self.consumer.apply {
            Apply::Insert | Apply::Upsert | Apply::Database => SinkId(group),
            Apply::External => self.external_sink(),
        }
    }

    /// Where what the external system does shows: behind the sinks of the groups and the services,
    /// or of the orders.
    fn external_sink(&self) -> SinkId {
        if let Some(saga) = &self.saga {
            return SagaSinks { steps: saga.steps.len() as u8 }.end();
        }
        let services = self.service.map_or(0, |_| self.workload.producers.get());
        SinkId((self.consumer.groups.get() + services) as u16)
    }

    /// Where the dead letters of a group land: behind all other sinks.
    fn dead_letters(&self, group: u16) -> SinkId {
        SinkId(self.external_sink().0 + 1 + group)
    }

    /// Where the acts of a group on its resource show: behind the sinks of what the queue broker
    /// drops.
    fn acts(&self, group: u16) -> SinkId {
        SinkId(self.dead_letters(2 * self.consumer.groups.get() as u16).0 + group)
    }

    /// Who takes the dead letters of the groups out of their queues, if there are such.
    fn undertakers(&self) -> impl Iterator<Item = WorkerPolicy> {
        let groups = self.queue.map_or(0, |_| self.consumer.groups.get() as u16);
        (0..groups).filter_map(|group| policies::undertaker(self, self.queue.as_ref()?, group))
    }

    /// How many machines stand where the consumers do.
    fn readers(&self) -> u32 {
        let consumers = self.consumer.groups.get() * self.consumer.members.get();
        self.saga.as_ref().map_or(consumers, |saga| saga.steps.len() as u32)
    }

    /// The first machine behind those.
    fn shared_node(&self) -> NodeId {
        NodeId((1 + self.workload.producers.get() + self.readers()) as u16)
    }

    /// The number of a consumer's machine; groups and members count from 0.
    fn consumer_node(&self, group: u32, member: u32) -> NodeId {
        let before = self.workload.producers.get() + group * self.consumer.members.get();
        NodeId((1 + before + member) as u16)
    }
}

/// Puts the values of `change` in the place of those of `table`, `depth` tables down: what stands
/// there is replaced as a whole, were it a table itself.
fn overlay(table: &mut toml::Table, change: toml::Table, depth: usize) {
    for (key, value) in change {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(change)) if depth > 1 => {
                overlay(inner, change, depth - 1);
            }
            (_, value) => _ = table.insert(key, value),
        }
    }
}

#[cfg(test)]
mod tests;
