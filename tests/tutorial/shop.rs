struct Shop { machines: Vec<Machine>, promises: Vec<Promise>, profile: Profile }

fn shop() -> Shop {
    use FaultClass::{Crash, Delay, Loss, PowerCut, SlowSync};
    Shop {
        machines: vec![Machine::new("till", "till"), Machine::new("payer", "payer")],
        promises: vec![Promise::ExactlyOnce { sinks: vec![SinkId(0)] }],
        profile: Profile::under([Loss, Delay, Crash, PowerCut, SlowSync]),
    }
}

impl System for Shop {
    type Node = Box<dyn Node<Message = Wire, Record = MessageId>>;

    fn name(&self) -> &str { "shop" }
    fn machines(&self) -> &[Machine] { &self.machines }
    fn promises(&self) -> &[Promise] { &self.promises }
    fn profile(&self) -> &Profile { &self.profile }

    /// A process starts with what is on its disk, and nothing else.
    fn boot(&self, seat: &Seat, disk: Journals<MessageId>) -> Self::Node {
        let booked = disk.intact(FileId(0)).copied().collect();
        match seat.id {
            TILL => Box::new(Till { booked, due: Vec::new() }),
            _ => Box::new(Payer { plan: seat.plan.to_vec(), next: 0 }),
        }
    }

    /// What is to be sent: ten payments.
    fn plan(&self, _: &[u64], plan: &mut Vec<Planned>) {
        plan.extend((0..10).map(|number| Planned::new(PAYER, number)));
    }

    /// What a record means once it is durable: the payment is booked.
    fn effects(&self, &message: &MessageId, effects: &mut Vec<Effect>) {
        effects.push(Effect { message, sink: SinkId(0), payload: 0 });
    }
}
