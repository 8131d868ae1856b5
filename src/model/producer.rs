//! The producer machine: a workload driver that owns one producer client.

use super::message::Message;
use super::record::Record;
use crate::digest::Digest;
use crate::id::{NodeId, TimerId};
use crate::node::{Context, Node, Planned, Seat};
use crate::time::Span;
pub(super) use client::body_of;
pub use client::{IN_FLIGHT_MAX, IdentityPolicy, OnTimeout, ProducerClient, ProducerPolicy};

mod client;

/// How long a fenced producer is down: its next incarnation has a higher epoch.
const FENCED: Span = Span::millis(10);

/// A machine that sends what is planned for it.
#[derive(Clone, Debug)]
pub struct Producer {
    client: ProducerClient,
}

impl Producer {
    /// A producer that sends the plan of `seat`.
    pub fn boot(policy: ProducerPolicy, seat: &Seat<'_>) -> Self {
        let mut client = ProducerClient::new(policy, TimerId(0));
        client.expect(seat.plan.len());
        seat.plan.iter().for_each(|&planned: &Planned| client.enqueue(planned));
        Self { client }
    }
}

impl Node for Producer {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Context<'_, Message, Record>) {
        self.client.send_due(ctx);
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

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Context<'_, Message, Record>) {
        self.client.disconnected(peer, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.client.fingerprint(digest);
    }
}
