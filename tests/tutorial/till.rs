use std::collections::BTreeSet;

#[derive(Debug)]
struct Till { booked: BTreeSet<MessageId>, due: Vec<(Ticket, NodeId, MessageId)> }

impl Node for Till {
    type Message = Wire;
    type Record = MessageId;

    fn deliver(&mut self, payer: NodeId, wire: Wire, ctx: &mut Ctx) {
        let Wire::Pay(payment) = wire else { return };
        if self.booked.contains(&payment) {
            ctx.send(payer, Wire::Booked(payment)); // It has missed our answer.
            return;
        }
        self.booked.insert(payment);
        ctx.append(FileId(0), payment);
        let ticket = ctx.sync(FileId(0)).expect("this disk does not write through");
        self.due.push((ticket, payer, payment));
    }

    fn synced(&mut self, done: Ticket, _: Result<(), DiskError>, ctx: &mut Ctx) {
        for (_, payer, payment) in self.due.extract_if(.., |due| due.0 == done) {
            ctx.send(payer, Wire::Booked(payment));
        }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.booked.iter().for_each(|payment| _ = digest.word(payment.word()));
    }
}
