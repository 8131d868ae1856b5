use super::*;
use crate::history::Effect;
use crate::id::{MessageId, Position, SinkId, TimerId};
use crate::model::bench::Bench;
use crate::model::site::Moment;
use crate::model::store::{Decision, Row, Seen, UniqueViolation, Write};
use DatabaseMessage::{Select, Selected, Transact, Transacted};

const INBOX: TableId = TableId(0);
const BALANCE: TableId = TableId(1);
const SERVER: NodeId = NodeId(0);

fn boot(bench: &mut Bench) -> DatabaseServer {
    bench.boot(|_, disk| DatabaseServer::boot(Isolation::Serializable, disk))
}

fn message(number: u32) -> MessageId {
    MessageId::new(NodeId(1), number)
}

fn row(number: u32) -> Row {
    Row { message: message(number), version: u64::from(number), payload: 5 }
}

/// Applies a message once: its effect, and a row in the inbox.
fn apply(number: u32) -> Transaction {
    let (message, row) = (message(number), row(number));
    Transaction::default()
        .write(Write::Insert { table: INBOX, key: message.word(), row })
        .write(Write::Upsert { table: BALANCE, key: 0, row })
        .effect(Effect { message, sink: SinkId(0), payload: 5 })
}

fn transact(request: u64, transaction: Transaction) -> Message {
    Message::Database(Transact { request, transaction: Box::new(transaction) })
}

fn transacted(request: u64, decision: Decision) -> Message {
    Message::Database(Transacted { request, decision })
}

fn select(request: u64, key: u64) -> Message {
    Message::Database(Select { request, keys: Box::new([(BALANCE, key)]) })
}

fn selected(request: u64, seen: Seen) -> Message {
    Message::Database(Selected { request, seen: Box::new([seen]) })
}

fn seen(found: Option<(u32, u64)>) -> Seen {
    let row = found.map(|(number, _)| row(number));
    Seen { table: BALANCE, key: 0, row, revision: found.map_or(0, |(_, revision)| revision) }
}

fn committed(changed: u16) -> Decision {
    Decision::Committed { changed }
}

fn taken(number: u32) -> UniqueViolation {
    UniqueViolation { table: INBOX, key: message(number).word() }
}

/// How many effects the disk of `bench` holds.
fn effects(bench: &mut Bench) -> usize {
    let mut effects = Vec::new();
    for (_, stored) in bench.file(STORE).records() {
        stored.intact().into_iter().for_each(|record| record.effects(&mut effects));
    }
    effects.len()
}

#[test]
fn nothing_is_answered_before_what_the_answer_goes_by_is_durable() {
    let mut bench = Bench::machine(0);
    let mut server = boot(&mut bench);
    assert_eq!(bench.deliver(&mut server, 1, select(1, 0)), [selected(1, seen(None))]);
    assert_eq!(bench.deliver(&mut server, 1, transact(2, apply(0))), []);
    // A row that may yet be gone is shown to nobody, and no ground for a refusal either.
    assert_eq!(bench.deliver(&mut server, 2, select(3, 0)), []);
    assert_eq!(bench.deliver(&mut server, 2, transact(4, apply(0))), []);
    assert_eq!(bench.deliver(&mut server, 2, transact(5, apply(1))), []);
    let first = [
        transacted(2, committed(2)),
        selected(3, seen(Some((0, 1)))),
        transacted(4, Decision::Conflict(taken(0))),
    ];
    assert_eq!(bench.end_sync(&mut server, Ok(())), first);
    assert_eq!(bench.end_sync(&mut server, Ok(())), [transacted(5, committed(2))]);
    assert_eq!(bench.deliver(&mut server, 2, select(6, 0)), [selected(6, seen(Some((1, 2))))]);
}

#[test]
fn a_power_cut_takes_back_only_what_nobody_was_told_of() {
    for (synced, left) in [(0, 0), (1, 1), (2, 3)] {
        let mut bench = Bench::machine(0);
        let mut server = boot(&mut bench);
        (0..3).for_each(|n| _ = bench.deliver(&mut server, 1, transact(n.into(), apply(n))));
        let told: usize = (0..synced).map(|_| bench.end_sync(&mut server, Ok(())).len()).sum();
        bench.crash(Some(9));
        assert_eq!((told, effects(&mut bench)), (left, left));
        let mut server = boot(&mut bench);
        let last = left.checked_sub(1).map(|last| (last as u32, left as u64));
        assert_eq!(bench.deliver(&mut server, 1, select(9, 0)), [selected(9, seen(last))]);
    }
}

#[test]
fn a_failed_sync_ends_the_process_and_answers_nobody() {
    let mut bench = Bench::machine(0);
    let mut server = boot(&mut bench);
    bench.deliver(&mut server, 1, transact(1, apply(0)));
    assert_eq!(bench.end_sync(&mut server, Err(DiskError::Failed)), []);
    assert_eq!(bench.exits, [Some(DISK_FAILED)]);
    bench.crash(None);
    let mut server = boot(&mut bench);
    assert_eq!(bench.deliver(&mut server, 1, select(2, 0)), [selected(2, seen(None))]);
}

#[test]
fn a_database_that_has_lost_a_commit_is_closed() {
    for (damaged, closed) in [(0, true), (1, false)] {
        let mut bench = Bench::machine(0).write_through();
        let mut server = boot(&mut bench);
        (0..2).for_each(|n| _ = bench.deliver(&mut server, 1, transact(n.into(), apply(n))));
        bench.crash(None);
        bench.file(STORE).damage(Position(damaged));
        boot(&mut bench);
        assert_eq!(bench.exits.contains(&None), closed);
    }
}

/// A client on a machine, and the database on another.
struct Pair {
    near: Bench,
    client: DatabaseClient,
    far: Bench,
    server: DatabaseServer,
    heard: Vec<Reply>,
}

const POLICY: SessionPolicy = SessionPolicy { server: SERVER, timeout: Span::millis(50) };
const TIMEOUT: TimerId = TimerId(4);

impl Pair {
    fn new() -> Self {
        let mut far = Bench::machine(0).write_through();
        let server = boot(&mut far);
        let client = DatabaseClient::new(POLICY, 2, TIMEOUT, 3);
        Self { near: Bench::machine(1), client, far, server, heard: Vec::new() }
    }

    /// Passes on what was sent, and the answers. Returns the requests.
    fn deliver(&mut self, arrives: bool, returns: bool) -> Vec<Message> {
        let asked = self.near.take_sent();
        for message in asked.iter().filter(|_| arrives) {
            let answers = self.far.deliver(&mut self.server, 1, message.clone());
            for answer in answers.into_iter().filter(|_| returns) {
                self.hear(answer);
            }
        }
        asked
    }

    fn hear(&mut self, answer: Message) {
        let heard = self.near.with(|ctx| self.client.deliver(answer, ctx));
        self.heard.extend(heard.map(|(_, reply)| reply));
    }

    fn transact(&mut self, lane: usize, transaction: Transaction) {
        self.near.with(|ctx| self.client.transact(lane, transaction, ctx));
    }

    fn select(&mut self, lane: usize) {
        self.near.with(|ctx| self.client.select(lane, Box::new([(BALANCE, 0)]), ctx));
    }

    fn wake(&mut self, lane: u8) -> Vec<usize> {
        self.near.with(|ctx| self.client.wake(TimerId(TIMEOUT.0 + lane), ctx))
    }

    fn take_heard(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.heard)
    }
}

#[test]
fn a_client_hears_what_the_database_decides() {
    let mut pair = Pair::new();
    pair.select(0);
    pair.deliver(true, true);
    let Some(Reply::Rows(rows)) = pair.take_heard().pop() else { panic!("no rows") };
    assert_eq!(*rows, [seen(None)]);
    let relies = apply(0).read(&rows[0]);
    for (transaction, outcome) in [
        (relies.clone(), Outcome::Committed { changed: 2 }),
        (apply(0), Outcome::Conflict(taken(0))),
        (apply(1).read(&rows[0]), Outcome::Aborted(relies.reads[0])),
    ] {
        pair.transact(1, transaction);
        assert_eq!(pair.near.timers, [(TimerId(5), POLICY.timeout)]);
        pair.deliver(true, true);
        assert_eq!(pair.take_heard(), [Reply::Outcome(outcome)]);
        assert_eq!(pair.near.timers, []);
    }
}

#[test]
fn a_transaction_without_an_answer_is_unknown_and_never_sent_again_by_itself() {
    for arrives in [false, true] {
        let mut pair = Pair::new();
        pair.transact(0, apply(0));
        pair.deliver(arrives, false);
        assert_eq!(pair.wake(0), [0]);
        assert_eq!((pair.near.disconnects, pair.deliver(true, true)), (1, vec![]));
        assert_eq!(pair.near.reached(Moment::CommitUnknown.site()), 1);
        // The owner who asks finds out.
        pair.select(0);
        pair.deliver(true, true);
        let found = seen(arrives.then_some((0, 1)));
        assert_eq!(pair.take_heard(), [Reply::Rows(Box::new([found]))]);
        // And the unique key makes of two commits one, whether or not the owner has asked.
        pair.transact(0, apply(0));
        pair.deliver(true, true);
        let outcome =
            if arrives { Outcome::Conflict(taken(0)) } else { Outcome::Committed { changed: 2 } };
        assert_eq!(pair.take_heard(), [Reply::Outcome(outcome)]);
        assert_eq!(effects(&mut pair.far), 1);
    }
}

#[test]
fn without_a_unique_key_a_commit_that_is_repeated_is_committed_twice() {
    let mut pair = Pair::new();
    let blind = Transaction { writes: vec![], ..apply(0) };
    pair.transact(0, blind.clone());
    pair.deliver(true, false);
    assert_eq!(pair.near.with(|ctx| pair.client.disconnected(SERVER, ctx)), [0]);
    pair.transact(0, blind);
    pair.deliver(true, true);
    assert_eq!(pair.take_heard(), [Reply::Outcome(Outcome::Committed { changed: 0 })]);
    assert_eq!(effects(&mut pair.far), 2);
}

#[test]
fn a_commit_that_was_given_up_may_still_land_after_a_look_that_did_not_find_it() {
    let mut pair = Pair::new();
    pair.transact(0, apply(0));
    let late = pair.deliver(false, false).remove(0);
    assert_eq!(pair.wake(0), [0]);
    pair.select(0);
    pair.deliver(true, true);
    assert_eq!(pair.take_heard(), [Reply::Rows(Box::new([seen(None)]))]);
    let answer = pair.far.deliver(&mut pair.server, 1, late).remove(0);
    pair.hear(answer);
    assert_eq!((pair.take_heard(), effects(&mut pair.far)), (vec![], 1));
}

#[test]
fn a_look_is_repeated_until_it_is_answered() {
    let mut pair = Pair::new();
    pair.select(0);
    pair.transact(1, apply(0));
    pair.deliver(false, false);
    // The connection was both lanes'.
    assert_eq!(pair.wake(0), [1]);
    let asked = pair.deliver(true, false);
    assert!(matches!(asked[..], [Message::Database(Select { .. })]), "{asked:?}");
    assert_eq!(pair.near.with(|ctx| pair.client.disconnected(SERVER, ctx)), [] as [usize; 0]);
    let again = pair.deliver(true, true);
    assert_ne!(again, asked);
    assert_eq!(pair.take_heard(), [Reply::Rows(Box::new([seen(None)]))]);
    assert_eq!(pair.near.with(|ctx| pair.client.disconnected(NodeId(7), ctx)), [] as [usize; 0]);
    assert_eq!((pair.wake(0), pair.wake(1), pair.wake(2)), (vec![], vec![], vec![]));
    assert_eq!(pair.near.disconnects, 1);
}

#[test]
fn states_that_differ_have_other_fingerprints() {
    let print = |steps: &dyn Fn(&mut Bench, &mut DatabaseClient)| {
        let (mut bench, mut client) =
            (Bench::machine(1), DatabaseClient::new(POLICY, 2, TIMEOUT, 0));
        steps(&mut bench, &mut client);
        let mut digest = Digest::new();
        client.fingerprint(&mut digest);
        digest.value()
    };
    let look = |lane: usize, key: u64| {
        move |bench: &mut Bench, client: &mut DatabaseClient| {
            bench.with(|ctx| client.select(lane, Box::new([(BALANCE, key)]), ctx));
        }
    };
    let states: std::collections::BTreeSet<u64> = [
        print(&|_, _| {}),
        print(&look(0, 0)),
        print(&look(0, 1)),
        print(&look(1, 0)),
        print(&|bench, client| bench.with(|ctx| client.transact(0, apply(0), ctx))),
        print(&|bench, client| {
            bench.with(|ctx| client.transact(0, apply(0), ctx));
            bench.with(|ctx| client.disconnected(SERVER, ctx));
        }),
    ]
    .into();
    assert_eq!(states.len(), 6);

    // What is decided shows in the store; what is still to be said, in the answers.
    let waiting = |request| {
        let mut bench = Bench::machine(0);
        let mut server = boot(&mut bench);
        bench.deliver(&mut server, 1, transact(request, apply(0)));
        let mut digest = Digest::new();
        server.fingerprint(&mut digest);
        digest.value()
    };
    assert_ne!(waiting(1), waiting(2));
}
