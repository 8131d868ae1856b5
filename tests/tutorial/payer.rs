use postulate::prelude::*;

#[derive(Clone, Debug)]
enum Wire { Pay(MessageId), Booked(MessageId) }

impl Message for Wire {
    fn kind(&self) -> u8 { matches!(self, Self::Booked(_)).into() }
    fn kind_name(kind: u8) -> &'static str { ["Pay", "Booked"][kind as usize] }
    fn fingerprint(&self, digest: &mut Digest) {
        let (Self::Pay(payment) | Self::Booked(payment)) = self;
        digest.word(self.kind().into()).word(payment.word());
    }
}

/// What a program sees of the world. The disk of the till holds the payments that it has booked.
type Ctx<'a> = Context<'a, Wire, MessageId>;
const TILL: NodeId = NodeId(0);
const PAYER: NodeId = NodeId(1);

#[derive(Debug)]
struct Payer { plan: Vec<Planned>, next: usize }

impl Node for Payer {
    type Message = Wire;
    type Record = MessageId;

    fn start(&mut self, ctx: &mut Ctx) {
        if let Some(payment) = self.plan.get(self.next) {
            ctx.record(Event::invoke(payment.message, payment.key, 0));
            self.wake(TimerId(0), ctx);
        }
    }

    fn wake(&mut self, again: TimerId, ctx: &mut Ctx) {
        ctx.send(TILL, Wire::Pay(self.plan[self.next].message));
        ctx.set_timer(again, Span::millis(50), Work::Progress);
    }

    fn deliver(&mut self, _till: NodeId, wire: Wire, ctx: &mut Ctx) {
        let Wire::Booked(payment) = wire else { return };
        if self.plan.get(self.next).is_some_and(|open| open.message == payment) {
            ctx.record(Event::acknowledged(payment));
            ctx.cancel(TimerId(0));
            self.next += 1;
            self.start(ctx);
        }
    }

    fn fingerprint(&self, digest: &mut Digest) { digest.word(self.next as u64); }
}
