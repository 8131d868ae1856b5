//! Relays before a database of their own: who publishes, what is marked, and when.

use super::*;
use crate::id::PartitionId;
use crate::model::bench::{Bench, PRODUCER};
use crate::model::database_server::{DatabaseServer, SessionPolicy};
use crate::model::message::{DatabaseMessage, Refusal};
use crate::model::producer::ProducerPolicy;
use crate::model::store::{Isolation, TableId};

const LOG: u16 = 0;
const DATABASE: u16 = 1;
const OUTBOX: TableId = TableId(0);
const LEDGER: TableId = TableId(1);
/// The timers: a partition and the pace of the producer, then the relay's own.
const POLL: u8 = 2;
/// That of the first lane of the database.
const SILENCE: u8 = 3;
const TICK: Span = Span::millis(10);
const LEASE_TIME: Span = Span::millis(150);

fn policy(read: ReadBy) -> RelayPolicy {
    let producer = ProducerPolicy { attempts: u16::MAX, ..PRODUCER };
    RelayPolicy {
        producer,
        session: SessionPolicy { server: NodeId(DATABASE), timeout: Span::millis(150) },
        outbox: OUTBOX,
        ledger: LEDGER,
        read,
        mark: MarkWhen::Confirmed,
        poll: TICK,
        batch: 10,
        ownership: Ownership::Lease,
        lease: LEASE_TIME,
    }
}

fn id(number: u32) -> MessageId {
    MessageId::new(NodeId(9), number)
}

/// A relay and its machine.
struct Post {
    bench: Bench,
    policy: RelayPolicy,
    relay: Relay,
}

/// A database, and relays that hear from it at once unless a test has it otherwise.
struct Office {
    bench: Bench,
    database: DatabaseServer,
    posts: Vec<Post>,
}

impl Office {
    fn new(policy: RelayPolicy, relays: u16) -> Self {
        let mut bench = Bench::machine(DATABASE).write_through();
        let open = |_: &Seat<'_>, disk: Journals<'_, Record>| {
            DatabaseServer::boot(Isolation::Serializable, disk)
        };
        let database = bench.boot(open);
        let posts = (0..relays).map(|n| {
            let mut bench = Bench::machine(2 + n);
            let relay = bench.boot(|seat, disk| Relay::boot(policy, seat, disk));
            Post { bench, policy, relay }
        });
        let posts = posts.collect();
        Self { bench, database, posts }
    }

    /// One that has the lease of an empty outbox.
    fn opened(policy: RelayPolicy) -> Self {
        let mut office = Self::new(policy, 1);
        assert_eq!(office.runs(0), NOTHING);
        assert!(office.posts[0].relay.held.is_some());
        office
    }

    /// What the database says to a machine.
    fn asked(&mut self, from: u16, message: Message) -> Vec<Message> {
        let mut said = self.bench.deliver(&mut self.database, from, message);
        while !self.bench.syncs.is_empty() {
            said.append(&mut self.bench.end_sync(&mut self.database, Ok(())));
        }
        said
    }

    /// A service commits these rows, each with its number and what it speaks of.
    fn commits(&mut self, rows: &[(u64, u32)]) {
        let mut transaction = Transaction::default();
        for &(key, number) in rows {
            let row = Row { message: id(number), version: 0, payload: 7 };
            transaction = transaction.write(Write::Insert { table: OUTBOX, key, row });
        }
        let transaction = Box::new(transaction);
        let change = DatabaseMessage::Transact { request: 1, transaction };
        assert_eq!(self.asked(9, Message::Database(change)).len(), 1);
    }

    /// A relay and the database speak until they have nothing more to say. Returns what it
    /// publishes.
    fn runs(&mut self, n: usize) -> Vec<u32> {
        let (to_log, mut to_database) = self.posts[n].said();
        let mut published = to_log;
        while !to_database.is_empty() {
            for message in std::mem::take(&mut to_database) {
                let answers = self.asked(2 + n as u16, message);
                for answer in answers {
                    let Post { bench, relay, .. } = &mut self.posts[n];
                    bench.with(|ctx| relay.deliver(NodeId(DATABASE), answer, ctx));
                }
            }
            let (mut more, asked) = self.posts[n].said();
            published.append(&mut more);
            to_database = asked;
        }
        published
    }

    /// Time passes until a relay looks again. Returns what it publishes.
    fn polls(&mut self, n: usize) -> Vec<u32> {
        self.posts[n].wakes(POLL);
        self.runs(n)
    }

    /// So much later a relay looks again.
    fn later(&mut self, n: usize, by: Span) -> Vec<u32> {
        for post in &mut self.posts {
            post.bench.now += by;
        }
        self.polls(n)
    }

    /// The log has a message of a relay. Returns what the relay publishes next.
    fn confirms(&mut self, n: usize, number: u32) -> Vec<u32> {
        self.posts[n].hears(number, Verdict::Stored { offset: number.into() });
        self.runs(n)
    }

    /// The process of a relay dies and boots again.
    fn crash(&mut self, n: usize) -> Vec<u32> {
        self.posts[n].crash();
        self.runs(n)
    }

    fn rows(&mut self, keys: &[(TableId, u64)]) -> Vec<Seen> {
        let look = DatabaseMessage::Select { request: 1, keys: keys.into() };
        match self.asked(9, Message::Database(look)).remove(0) {
            Message::Database(DatabaseMessage::Selected { seen, .. }) => seen.into(),
            other => unreachable!("{other:?} is no answer"),
        }
    }

    /// Which of the rows of the outbox are left.
    fn left(&mut self) -> Vec<u64> {
        let keys: Vec<_> = (1..10).map(|key| (OUTBOX, key)).collect();
        let rows = self.rows(&keys).into_iter().filter(|seen| seen.row.is_some());
        rows.map(|seen| seen.key).collect()
    }

    /// Up to which message it is marked that all is published.
    fn marked(&mut self) -> Option<u32> {
        let row = self.rows(&[(LEDGER, PLACE)])[0].row;
        row.and_then(|row| row.message.planned()).map(|(_, number)| number)
    }

    /// Who holds the lease, and with which token.
    fn holder(&mut self) -> Option<(NodeId, u64)> {
        let row = self.rows(&[(LEDGER, LEASE)])[0].row?;
        row.message.planned().map(|(node, _)| (node, row.version))
    }
}

impl Post {
    /// What the relay has said: what it publishes, and what it wants of the database.
    fn said(&mut self) -> (Vec<u32>, Vec<Message>) {
        let (mut published, mut asked) = (Vec::new(), Vec::new());
        for message in self.bench.take_sent() {
            match message {
                Message::Produce { produce, .. } => {
                    published.extend(produce.entry.message.planned().map(|(_, number)| number));
                }
                Message::Database(_) => asked.push(message),
                other => unreachable!("a relay does not say {other:?}"),
            }
        }
        (published, asked)
    }

    fn wakes(&mut self, timer: u8) {
        assert!(self.bench.timers.iter().any(|(set, _)| set.0 == timer), "it is not set");
        self.bench.timers.retain(|(set, _)| set.0 != timer);
        let relay = &mut self.relay;
        self.bench.with(|ctx| relay.wake(TimerId(timer), ctx));
    }

    fn hears(&mut self, number: u32, verdict: Verdict) {
        let partition = PartitionId(0);
        let answer = Message::Produced { message: id(number), partition, verdict };
        let relay = &mut self.relay;
        self.bench.with(|ctx| relay.deliver(NodeId(LOG), answer, ctx));
    }

    /// The relay learns that the lease is another one's.
    fn loses(&mut self) {
        let relay = &mut self.relay;
        self.bench.with(|ctx| relay.lose(ctx));
    }

    fn crash(&mut self) {
        self.bench.crash(None);
        self.bench.timers.clear();
        self.bench.take_sent();
        let policy = self.policy;
        self.relay = self.bench.boot(|seat, disk| Relay::boot(policy, seat, disk));
    }

    fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        self.relay.fingerprint(&mut digest);
        digest.value()
    }
}

const NOTHING: [u32; 0] = [];
const READINGS: [ReadBy; 3] = [ReadBy::CommitOrder, ReadBy::PollUnsent, ReadBy::PollSequence];

#[test]
fn what_is_committed_is_published_once_and_marked_when_the_log_has_it() {
    for read in READINGS {
        let mut office = Office::opened(policy(read));
        office.commits(&[(1, 0)]);
        office.commits(&[(2, 1)]);
        assert_eq!(office.polls(0), [0, 1], "{read:?}");
        assert_eq!((office.marked(), office.left()), (None, vec![1, 2]));
        assert_eq!(office.confirms(0, 0), NOTHING);
        if read.keeps_place() {
            assert_eq!((office.marked(), office.left()), (Some(0), vec![1, 2]));
        } else {
            assert_eq!((office.marked(), office.left()), (None, vec![2]));
        }
        assert_eq!(office.confirms(0, 1), NOTHING);
        assert_eq!(office.polls(0), NOTHING, "{read:?}");
    }
}

#[test]
fn a_row_that_commits_behind_a_higher_number_is_seen_by_commits_and_not_by_numbers() {
    for (read, published) in
        [(ReadBy::CommitOrder, &[1][..]), (ReadBy::PollUnsent, &[1]), (ReadBy::PollSequence, &[])]
    {
        let mut office = Office::opened(policy(read));
        office.commits(&[(2, 0)]);
        assert_eq!(office.polls(0), [0]);
        office.confirms(0, 0);
        office.commits(&[(1, 1)]);
        assert_eq!(office.polls(0), published, "{read:?}");
        assert_eq!(office.polls(0), NOTHING, "{read:?}");
    }
}

#[test]
fn a_place_is_not_moved_over_what_the_log_does_not_have() {
    let mut office = Office::opened(policy(ReadBy::CommitOrder));
    office.commits(&[(1, 0)]);
    office.commits(&[(2, 1)]);
    assert_eq!(office.polls(0), [0, 1]);
    office.confirms(0, 1);
    assert_eq!(office.marked(), None);
    office.confirms(0, 0);
    assert_eq!(office.marked(), Some(1));
}

#[test]
fn what_a_crash_leaves_unmarked_is_published_again_alone_in_its_epoch() {
    for read in READINGS {
        let mut office = Office::opened(policy(read));
        office.commits(&[(1, 0)]);
        office.commits(&[(2, 1)]);
        assert_eq!(office.polls(0), [0, 1]);
        assert_eq!(office.crash(0), [0], "{read:?}");
        assert_eq!(office.confirms(0, 0), [1], "{read:?}");
        assert_eq!(office.posts[0].bench.reached(Moment::LetterRepublished.site()), 2);
        // What is committed from now on nobody can have published.
        office.confirms(0, 1);
        office.commits(&[(3, 2)]);
        office.commits(&[(4, 3)]);
        assert_eq!(office.polls(0), [2, 3], "{read:?}");
        assert_eq!(office.posts[0].bench.reached(Moment::LetterRepublished.site()), 2);
    }
}

#[test]
fn all_that_an_earlier_process_may_have_published_goes_again_however_few_rows_are_read_at_a_time() {
    for read in [ReadBy::CommitOrder, ReadBy::PollUnsent] {
        let mut office = Office::opened(RelayPolicy { batch: 1, ..policy(read) });
        office.commits(&[(2, 0)]);
        assert_eq!(office.polls(0), [0], "{read:?}");
        // In the order of numbers this one is before the other.
        office.commits(&[(1, 1)]);
        let mut published = office.crash(0);
        while let Some(&last) = published.last().filter(|_| published.len() < 2) {
            published.extend(office.confirms(0, last));
            published.extend(office.polls(0));
        }
        published.sort_unstable();
        assert_eq!(published, [0, 1], "{read:?}");
        let again = office.posts[0].bench.reached(Moment::LetterRepublished.site());
        assert_eq!(again, 2, "{read:?}");
    }
}

#[test]
fn marked_when_read_it_is_gone_with_the_process_that_had_read_it() {
    for (mark, again) in [(MarkWhen::Confirmed, &[0][..]), (MarkWhen::Read, &[])] {
        for read in READINGS {
            let mut office = Office::opened(RelayPolicy { mark, ..policy(read) });
            office.commits(&[(1, 0)]);
            assert_eq!(office.polls(0), [0]);
            assert_eq!(office.crash(0), again, "{mark:?} {read:?}");
        }
    }
}

#[test]
fn one_has_the_lease_until_it_is_silent_for_as_long_as_that_lasts() {
    let mut office = Office::new(policy(ReadBy::CommitOrder), 2);
    office.runs(0);
    office.runs(1);
    assert_eq!(office.holder(), Some((NodeId(2), 1)));
    office.commits(&[(1, 0)]);
    assert_eq!(office.polls(1), NOTHING);
    assert_eq!(office.polls(0), [0]);
    // It beats, so that the other one waits on.
    for _ in 0..6 {
        assert_eq!(office.later(0, Span::millis(50)), NOTHING);
        assert_eq!(office.polls(1), NOTHING);
    }
    assert_eq!(office.holder(), Some((NodeId(2), 1)));
    assert_eq!(office.later(1, LEASE_TIME - Span::NANO), NOTHING);
    assert_eq!(office.later(1, Span::NANO), [0]);
    assert_eq!(office.holder(), Some((NodeId(3), 2)));
    assert_eq!(office.posts[1].bench.reached(Moment::RelayTookOver.site()), 1);
}

#[test]
fn a_former_holder_marks_nothing_and_stands_back() {
    for read in READINGS {
        let mut office = Office::new(policy(read), 2);
        office.runs(0);
        office.runs(1);
        office.commits(&[(1, 0)]);
        assert_eq!(office.polls(0), [0]);
        office.later(1, LEASE_TIME);
        // The log answers the one that stood still in between.
        assert_eq!(office.confirms(0, 0), NOTHING);
        assert_eq!((office.marked(), office.left()), (None, vec![1]), "{read:?}");
        assert_eq!(office.posts[0].bench.reached(Moment::RelayFenced.site()), 1);
        office.commits(&[(2, 1)]);
        assert_eq!(office.polls(0), NOTHING, "{read:?}");
        assert_eq!(office.holder(), Some((NodeId(3), 2)));
    }
}

#[test]
fn without_a_lease_every_relay_publishes() {
    let shared = RelayPolicy { ownership: Ownership::Everybody, ..policy(ReadBy::CommitOrder) };
    let mut office = Office::new(shared, 2);
    office.runs(0);
    office.runs(1);
    office.commits(&[(1, 0)]);
    assert_eq!((office.polls(0), office.polls(1)), (vec![0], vec![0]));
    assert_eq!(office.holder(), None);
}

#[test]
fn a_mark_whose_answer_is_lost_is_written_again() {
    let mut office = Office::opened(policy(ReadBy::PollUnsent));
    office.commits(&[(1, 0)]);
    office.polls(0);
    office.posts[0].hears(0, Verdict::Duplicate);
    // The mark is lost on its way.
    assert_eq!(office.posts[0].said().1.len(), 1);
    office.posts[0].wakes(SILENCE + 1);
    assert_eq!(office.posts[0].bench.disconnects, 1);
    assert_eq!(office.runs(0), NOTHING);
    assert_eq!(office.left(), [] as [u64; 0]);
}

#[test]
fn what_the_log_refuses_is_not_marked_and_a_higher_epoch_ends_the_process() {
    let mut office = Office::opened(policy(ReadBy::PollUnsent));
    office.commits(&[(1, 0)]);
    office.polls(0);
    office.posts[0].hears(0, Verdict::Refused(Refusal::Corrupt));
    assert_eq!((office.runs(0), office.left()), (vec![0], vec![1]));
    office.posts[0].hears(0, Verdict::Refused(Refusal::Fenced));
    assert_eq!(office.posts[0].bench.exits, [Some(FENCED)]);
    assert_eq!(office.left(), [1]);
}

#[test]
fn what_is_in_line_is_not_put_there_twice() {
    let mut office = Office::opened(policy(ReadBy::PollUnsent));
    office.commits(&[(1, 0)]);
    assert_eq!(office.polls(0), [0]);
    assert_eq!(office.polls(0), NOTHING);
    // Nor by one that has lost the lease and got it again.
    office.posts[0].loses();
    assert_eq!(office.later(0, LEASE_TIME), NOTHING);
    assert!(office.posts[0].relay.held.is_some());
    assert_eq!(office.confirms(0, 0), NOTHING);
    assert_eq!(office.left(), [] as [u64; 0]);
}

#[test]
fn relays_that_go_on_differently_have_different_fingerprints() {
    let steps: [fn(&mut Office); 7] = [
        |_| (),
        |office| _ = office.polls(0),
        |office| _ = office.confirms(0, 0),
        |office| _ = office.confirms(0, 1),
        |office| _ = office.later(0, Span::millis(50)),
        |office| _ = office.crash(0),
        |office| office.posts[0].loses(),
    ];
    let mut digests = BTreeSet::new();
    for step in steps {
        let mut office = Office::opened(policy(ReadBy::PollUnsent));
        office.commits(&[(1, 0)]);
        office.commits(&[(2, 1)]);
        office.polls(0);
        step(&mut office);
        assert!(digests.insert(office.posts[0].digest()), "as before");
    }
}
