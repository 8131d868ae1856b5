//! Workers of which only one may act at a time, and their shared database.

use super::*;
use crate::model::database_server::{DatabaseServer, SessionPolicy};
use crate::model::message::DatabaseMessage;
use crate::model::store::{Row, TableId, Transaction, Write};

const SERVER: NodeId = NodeId(7);
const FENCED: SinkId = SinkId(5);

fn acting(times: u16, fence: Fence) -> WorkerPolicy {
    let session = SessionPolicy { server: SERVER, timeout: TIMEOUT };
    let acts = Some(Acts { times, sink: FENCED, fence });
    WorkerPolicy { target: Target::Database(session), acts, work: WORK, ..policy() }
}

/// A rig and its database.
struct Pair {
    rig: Rig,
    other: Bench,
    server: DatabaseServer,
    /// What was said to the queue.
    said: Vec<String>,
}

impl Pair {
    fn new(policy: WorkerPolicy) -> Self {
        let mut other = Bench::machine(SERVER.0).write_through();
        let server = other.boot(|_, disk| DatabaseServer::boot(Isolation::Serializable, disk));
        let mut rig = Rig::new(policy);
        rig.sent();
        Self { rig, other, server, said: Vec::new() }
    }

    fn push(&mut self, number: u32, attempt: u16) {
        let delivery = Box::new(self.rig.delivery(number, attempt));
        let message = Message::Queue(QueueMessage::Deliver(delivery));
        let sent = self.rig.bench.deliver(&mut self.rig.worker, BROKER, message);
        self.carry(sent);
    }

    fn work(&mut self) {
        let timers = &mut self.rig.bench.timers;
        let place = timers.iter().position(|&(_, set)| set == WORK).expect("work to do");
        let (timer, _) = timers.remove(place);
        let sent = self.rig.bench.wake(&mut self.rig.worker, timer.0);
        self.carry(sent);
    }

    fn carry(&mut self, sent: Vec<Message>) {
        for message in sent {
            if !matches!(message, Message::Database(_)) {
                self.said.push(told_one(&message));
                continue;
            }
            for answer in self.other.deliver(&mut self.server, 1, message) {
                let rig = &mut self.rig;
                let sent = rig.bench.deliver(&mut rig.worker, SERVER.0, answer);
                self.carry(sent);
            }
        }
    }

    /// Another client's act under this token of message 1.
    fn other_acts(&mut self, attempt: u64) {
        let message = MessageId::new(NodeId(9), 1);
        let row = Row { message, version: 1 << 16 | attempt, payload: 0 };
        self.other_writes(Write::Upsert { table: TableId(2), key: 0, row });
    }

    /// Another client enters a message in the inbox.
    fn other_handles(&mut self, number: u32) {
        let message = MessageId::new(NodeId(9), number);
        let row = Row { message, version: 0, payload: 0 };
        self.other_writes(Write::Insert { table: TableId(0), key: message.word(), row });
    }

    fn other_writes(&mut self, write: Write) {
        let transaction = Box::new(Transaction::default().write(write));
        let message = DatabaseMessage::Transact { request: 1, transaction };
        self.other.deliver(&mut self.server, 8, Message::Database(message));
    }

    fn acts(&self) -> usize {
        let mut effects = Vec::new();
        for journal in &self.other.files {
            let records = journal.records().filter_map(|(_, stored)| stored.intact());
            records.for_each(|record| record.effects(&mut effects));
        }
        effects.iter().filter(|effect| effect.sink == FENCED).count()
    }
}

#[test]
fn the_last_act_is_one_with_the_effect() {
    let mut pair = Pair::new(acting(3, Fence::Token));
    pair.push(1, 2);
    for acts in 1..=3 {
        assert!(pair.said.is_empty());
        pair.work();
        assert_eq!(pair.acts(), acts);
    }
    assert_eq!(pair.said, ["Ack 1.2"]);
    let events = pair.rig.events();
    assert_eq!(events, ["received 1.2", "acting 1.2", "acting 1.2", "acting 1.2", "ack-invoke 1"]);
}

#[test]
fn a_resource_refuses_a_lower_token_and_no_other() {
    for (fence, others, acts) in
        [(Fence::Token, 1, 2), (Fence::Token, 2, 2), (Fence::Token, 3, 1), (Fence::None, 3, 2)]
    {
        let mut pair = Pair::new(acting(2, fence));
        pair.push(1, 2);
        pair.work();
        pair.other_acts(others);
        pair.work();
        assert_eq!(pair.acts(), acts, "{fence:?} {others}");
        let said = if acts == 2 { "Ack 1.2" } else { "Requeue(0 s) 1.2" };
        assert_eq!(pair.said, [said], "{fence:?} {others}");
    }
}

#[test]
fn an_act_keeps_out_every_lower_token() {
    let mut pair = Pair::new(acting(2, Fence::Token));
    pair.push(11, 1);
    pair.work();
    pair.push(1, 1);
    assert_eq!(pair.said, ["Requeue(0 s) 1.1"]);
    pair.work();
    assert_eq!((pair.acts(), pair.said.len()), (2, 2));
}

#[test]
fn what_another_has_handled_meanwhile_holds_nothing_back() {
    for (is_handled, said) in [(true, "Ack 3.1"), (false, "Requeue(20 ms) 3.1")] {
        let failing = WorkerPolicy { poison: Some(4), setback: Setback::Requeue, ..policy() };
        let WorkerPolicy { target, work, .. } = acting(1, Fence::None);
        let mut pair = Pair::new(WorkerPolicy { target, work, ..failing });
        pair.push(3, 1);
        if is_handled {
            pair.other_handles(3);
        }
        pair.work();
        assert_eq!(pair.said, [said]);
    }
}

#[test]
fn a_lock_passes_from_hand_to_hand_until_it_has_been_held_often_enough() {
    let mut pair = Pair::new(WorkerPolicy { passes: 3, ..acting(1, Fence::Token) });
    for attempt in 1..=3 {
        pair.push(1, attempt);
        pair.work();
    }
    assert_eq!(pair.said, ["Requeue(0 s) 1.1", "Requeue(0 s) 1.2", "Ack 1.3"]);
    assert_eq!(pair.acts(), 3);
}
