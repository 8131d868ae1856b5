//! The producer machine: a workload driver that owns one producer client.

use super::message::Message;
use super::record::Record;
use crate::digest::Digest;
use crate::id::{NodeId, Ticket, TimerId};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node, Planned, Seat};
use crate::time::Span;
pub use client::ProducerClient;
pub(super) use client::body_of;
pub use policy::{
    Backoff, EpochBump, IN_FLIGHT_MAX, IdentityPolicy, MessageIdPolicy, OnTimeout, Partitioner,
    ProducerPolicy, Restart, Unfinished,
};

mod client;
mod journal;
mod policy;

/// How long a fenced producer is down: its next incarnation has a higher epoch.
const FENCED: Span = Span::millis(10);

/// A machine that sends what is planned for it.
#[derive(Clone, Debug)]
pub struct Producer {
    client: ProducerClient,
}

impl Producer {
    /// A producer that sends the plan of `seat`, after what its journal says to be unfinished.
    pub fn boot(policy: ProducerPolicy, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        let mut client = ProducerClient::boot(policy, TimerId(0), seat, disk);
        client.expect(seat.plan.len());
        seat.plan.iter().for_each(|&planned: &Planned| client.enqueue(planned));
        Self { client }
    }
}

impl Node for Producer {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Context<'_, Message, Record>) {
        self.client.start(ctx);
    }

    #[inline]
    fn deliver(&mut self, _from: NodeId, message: Message, ctx: &mut Context<'_, Message, Record>) {
        self.client.deliver(&message, ctx);
        if self.client.is_fenced() {
            ctx.restart(FENCED);
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Context<'_, Message, Record>) {
        self.client.wake(timer, ctx);
    }

    fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Context<'_, Message, Record>,
    ) {
        self.client.synced(ticket, result, ctx);
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Context<'_, Message, Record>) {
        self.client.disconnected(peer, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.client.fingerprint(digest);
    }
}
