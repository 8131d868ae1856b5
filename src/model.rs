//! The built-in machines: a log broker, a queue broker, producers, consumers with a database, a
//! database and an external system on machines of their own, services, relays of their outboxes,
//! sagas, a broker of half messages, and a user's own nodes beside them. Protocol only: they know
//! the contract of a [`Node`], and no simulator.

use crate::digest::Digest;
use crate::id::{NodeId, Ticket, TimerId};
use crate::node::{Context, DiskError, Node};

pub use broker::{Broker, Fsync, ProducerState, UnknownProducer, Verify};
pub use consumer::{Consumer, ConsumerClient};
pub use custom::{CustomMessage, CustomNode, CustomRecord, OwnRecord};
pub use database::Database;
pub use database_server::{DatabaseClient, DatabaseServer};
pub use external::{External, ExternalClient};
pub use half::HalfBroker;
pub use message::Message;
pub use producer::{Producer, ProducerClient};
pub use queue::QueueBroker;
pub use record::Record;
pub use relay::Relay;
pub use saga::{Orders, Participant};
pub use service::Service;
pub use site::Moment;
pub use worker::Worker;

#[cfg(test)]
mod bench;
pub mod broker;
pub mod consumer;
mod custom;
mod database;
pub mod database_server;
pub mod external;
pub mod half;
pub mod message;
pub mod producer;
pub mod queue;
mod record;
pub mod relay;
pub mod saga;
pub mod service;
mod site;
pub mod store;
mod tail;
pub mod wire;
mod words;
pub mod worker;

/// The program of a machine of a built-in system.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "machines are few, and a pointer costs each callback"
)]
pub enum Machine {
    /// A log broker.
    Broker(Broker),
    /// A producer with its workload.
    Producer(Producer),
    /// A consumer with its database.
    Consumer(Consumer),
    /// A database that several machines share.
    Database(DatabaseServer),
    /// An external system.
    External(External),
    /// A service with a state and messages about it.
    Service(Box<Service>),
    /// A consumer of a queue.
    Worker(Box<Worker>),
    /// A queue broker.
    Queue(Box<QueueBroker>),
    /// A service that accepts orders of several steps.
    Orders(Box<Orders>),
    /// A machine that takes one of the steps.
    Participant(Box<Participant>),
    /// A broker of half messages.
    Half(Box<HalfBroker>),
    /// A relay of an outbox.
    Relay(Box<Relay>),
    /// A user's own node.
    Custom(CustomNode),
}

macro_rules! each {
    ($this:expr, $node:ident => $call:expr) => {
        match $this {
            Machine::Broker($node) => $call,
            Machine::Producer($node) => $call,
            Machine::Consumer($node) => $call,
            Machine::Database($node) => $call,
            Machine::External($node) => $call,
            Machine::Service($node) => $call,
            Machine::Worker($node) => $call,
            Machine::Queue($node) => $call,
            Machine::Orders($node) => $call,
            Machine::Participant($node) => $call,
            Machine::Half($node) => $call,
            Machine::Relay($node) => $call,
            Machine::Custom($node) => $call,
        }
    };
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Node for Machine {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        each!(self, node => node.start(ctx));
    }

    #[inline]
    fn deliver(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        each!(self, node => node.deliver(from, message, ctx));
    }

    #[inline]
    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        each!(self, node => node.wake(timer, ctx));
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        each!(self, node => node.synced(ticket, result, ctx));
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        each!(self, node => node.disconnected(peer, ctx));
    }

    fn input(&mut self, connection: u32, bytes: &[u8], ctx: &mut Ctx<'_>) {
        each!(self, node => node.input(connection, bytes, ctx));
    }

    fn fingerprint(&self, digest: &mut Digest) {
        each!(self, node => node.fingerprint(digest));
    }

    fn view(&self) -> Option<u64> {
        each!(self, node => node.view())
    }
}
