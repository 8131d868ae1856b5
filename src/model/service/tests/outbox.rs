//! Services that write an outbox: what they commit, together, and what they say when.

use super::*;
use crate::model::database_server::{DatabaseServer, SessionPolicy};
use crate::model::message::DatabaseMessage;
use crate::model::store::SequenceId;

const DATABASE: u16 = 5;
/// The timer of the first operation; those of the producer, the pace and the reader come before.
const SILENCE: u8 = 4;
const NUMBERED: TableId = TableId(1);

fn outbox(at_a_time: u16) -> ServicePolicy {
    let session = SessionPolicy { server: NodeId(DATABASE), timeout: Span::millis(150) };
    let (state, outbox, numbers) = (STATE, NUMBERED, SequenceId(0));
    let outbox = OutboxPolicy { session, state, outbox, numbers, at_a_time };
    ServicePolicy { outbox: Some(outbox), ..policy(WritePolicy::Outbox) }
}

/// A service and its database.
struct Trial {
    bench: Bench,
    service: Service,
    server: Bench,
    database: DatabaseServer,
}

impl Trial {
    /// A service that has so many operations to carry out, at once.
    fn new(policy: ServicePolicy, operations: u32) -> Self {
        let mut server = Bench::machine(DATABASE).write_through();
        let database = server.boot(|_, disk| DatabaseServer::boot(Isolation::Serializable, disk));
        let mut bench = Bench::machine(1);
        bench.plan = (0..operations).map(|number| Planned::new(NodeId(1), number)).collect();
        let service = bench.boot(|seat, disk| Service::boot(policy, seat, disk));
        Self { bench, service, server, database }
    }

    /// What the service asks of the database.
    fn asks(&mut self) -> Vec<Message> {
        let sent = self.bench.take_sent();
        assert!(sent.iter().all(|one| matches!(one, Message::Database(_))), "it publishes nothing");
        sent
    }

    /// What the database says to that.
    fn answer(&mut self, message: Message) -> Message {
        let mut said = self.server.deliver(&mut self.database, 1, message);
        while !self.server.syncs.is_empty() {
            said.append(&mut self.server.end_sync(&mut self.database, Ok(())));
        }
        said.remove(0)
    }

    /// One question is answered; the answer arrives.
    fn served(&mut self, message: Message) {
        let answer = self.answer(message);
        let service = &mut self.service;
        self.bench.with(|ctx| service.deliver(NodeId(DATABASE), answer, ctx));
    }

    /// The numbers of the messages in a table, by key.
    fn table(&mut self, table: TableId) -> Vec<(u64, u32)> {
        let keys: Box<[_]> = match table {
            STATE => (0..4).map(|number| (table, id(number).word())).collect(),
            _ => (1..5).map(|key| (table, key)).collect(),
        };
        let look = DatabaseMessage::Select { request: 9, keys };
        let Message::Database(DatabaseMessage::Selected { seen, .. }) =
            self.answer(Message::Database(look))
        else {
            unreachable!("a look is answered by what was seen")
        };
        let rows = seen.iter().filter_map(|seen| {
            let (_, number) = seen.row?.message.planned()?;
            Some((seen.key, number))
        });
        rows.collect()
    }

    fn states(&mut self) -> Vec<u32> {
        self.table(STATE).into_iter().map(|(_, number)| number).collect()
    }

    /// How often an operation shows in the sink of the services.
    fn effects(&mut self) -> Vec<u32> {
        let mut effects = Vec::new();
        for (_, stored) in self.server.file(FileId(0)).records() {
            stored.intact().into_iter().for_each(|record| record.effects(&mut effects));
        }
        assert!(effects.iter().all(|effect| effect.sink == SINK));
        effects.iter().filter_map(|effect| effect.message.planned()).map(|(_, n)| n).collect()
    }

    fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        self.service.fingerprint(&mut digest);
        digest.value()
    }
}

fn kinds(asked: &[Message]) -> Vec<&'static str> {
    let kind = |message: &Message| match message {
        Message::Database(DatabaseMessage::NextValue { .. }) => "number",
        Message::Database(DatabaseMessage::Transact { .. }) => "commit",
        other => unreachable!("{other:?} is not what such a service asks"),
    };
    asked.iter().map(kind).collect()
}

#[test]
fn state_and_row_are_committed_together_under_a_number_allotted_before() {
    let mut trial = Trial::new(outbox(2), 1);
    let asked = trial.asks();
    assert_eq!(kinds(&asked), ["number"]);
    assert_eq!(history(&mut trial.bench), (vec![0], vec![]));
    asked.into_iter().for_each(|one| trial.served(one));
    let asked = trial.asks();
    assert_eq!(kinds(&asked), ["commit"]);
    assert_eq!((trial.states(), trial.table(NUMBERED)), (vec![], vec![]));
    asked.into_iter().for_each(|one| trial.served(one));
    assert_eq!((trial.states(), trial.table(NUMBERED)), (vec![0], vec![(1, 0)]));
    assert_eq!(trial.effects(), [0]);
    assert_eq!(history(&mut trial.bench), (vec![], vec![0]));
}

#[test]
fn a_lower_number_may_be_committed_after_a_higher_one() {
    let mut trial = Trial::new(outbox(2), 2);
    trial.asks().into_iter().for_each(|one| trial.served(one));
    let mut commits = trial.asks();
    assert_eq!(kinds(&commits), ["commit", "commit"]);
    let later = commits.remove(0);
    trial.served(commits.remove(0));
    assert_eq!(trial.table(NUMBERED), [(2, 1)]);
    trial.served(later);
    assert_eq!(trial.table(NUMBERED), [(1, 0), (2, 1)]);
    assert_eq!(history(&mut trial.bench), (vec![0, 1], vec![1, 0]));
}

#[test]
fn no_more_operations_are_carried_out_at_a_time_than_stated() {
    for at_a_time in 1..=3 {
        let mut trial = Trial::new(outbox(at_a_time), 3);
        let mut asked = trial.asks();
        assert_eq!(asked.len(), usize::from(at_a_time));
        let mut rounds = 0;
        while !asked.is_empty() {
            assert!(asked.len() <= usize::from(at_a_time));
            asked.into_iter().for_each(|one| trial.served(one));
            asked = trial.asks();
            rounds += 1;
        }
        assert_eq!(
            (trial.states(), rounds),
            (vec![0, 1, 2], 2 * 3_usize.div_ceil(at_a_time.into()))
        );
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_made_once() {
    for arrives in [false, true] {
        let mut trial = Trial::new(outbox(1), 1);
        trial.asks().into_iter().for_each(|one| trial.served(one));
        let lost = trial.asks().remove(0);
        if arrives {
            trial.answer(lost.clone());
        }
        assert_eq!(history(&mut trial.bench), (vec![0], vec![]));
        let service = &mut trial.service;
        trial.bench.with(|ctx| service.wake(TimerId(SILENCE), ctx));
        let again = trial.asks();
        assert_eq!((trial.bench.disconnects, kinds(&again)), (1, vec!["commit"]));
        again.into_iter().for_each(|one| trial.served(one));
        // The first one may still come after that.
        trial.answer(lost);
        assert_eq!((trial.states(), trial.table(NUMBERED)), (vec![0], vec![(1, 0)]));
        assert_eq!((trial.effects(), history(&mut trial.bench)), (vec![0], (vec![], vec![0])));
    }
}

#[test]
fn what_was_begun_is_not_begun_again_by_the_next_process() {
    for committed in [false, true] {
        let mut trial = Trial::new(outbox(1), 1);
        trial.asks().into_iter().for_each(|one| trial.served(one));
        let commit = trial.asks().remove(0);
        if committed {
            trial.answer(commit);
        }
        trial.bench.crash(None);
        trial.bench.plan.clear();
        trial.service = trial.bench.boot(|seat, disk| Service::boot(outbox(1), seat, disk));
        assert_eq!(trial.asks(), []);
        let left: &[u32] = if committed { &[0] } else { &[] };
        assert_eq!(trial.states(), left);
    }
}

#[test]
fn services_that_go_on_differently_have_different_fingerprints() {
    let mut digests = std::collections::BTreeSet::new();
    let steps: [fn(&mut Trial); 4] = [
        |_| (),
        |trial| trial.asks().into_iter().take(1).for_each(|one| trial.served(one)),
        |trial| trial.asks().into_iter().for_each(|one| trial.served(one)),
        |trial| {
            trial.asks().into_iter().for_each(|one| trial.served(one));
            trial.asks().into_iter().for_each(|one| trial.served(one));
        },
    ];
    for step in steps {
        let mut trial = Trial::new(outbox(2), 3);
        step(&mut trial);
        assert!(digests.insert(trial.digest()), "as before");
    }
}
