use super::*;
use crate::id::{MessageId, NodeId, Position, SinkId};
use crate::model::bench::Bench;
use Isolation::{ReadCommitted, Serializable};

const FILE: FileId = FileId(0);
const A: TableId = TableId(0);
const B: TableId = TableId(1);
const NUMBERS: SequenceId = SequenceId(0);

fn open(bench: &Bench, isolation: Isolation) -> Store {
    Store::open(FILE, isolation, Journals::new(&bench.files))
}

fn commit(bench: &mut Bench, store: &mut Store, transaction: &Transaction) -> Decision {
    bench.with(|ctx| store.commit(transaction, ctx))
}

fn id(number: u64) -> MessageId {
    MessageId::new(NodeId(1), number as u32)
}

fn row(version: u64) -> Row {
    Row { message: id(version), version, payload: version }
}

fn insert(table: TableId, key: u64) -> Write {
    Write::Insert { table, key, row: row(0) }
}

fn upsert(table: TableId, key: u64, version: u64) -> Write {
    Write::Upsert { table, key, row: row(version) }
}

fn newer(table: TableId, key: u64, version: u64) -> Write {
    Write::UpsertIfNewer { table, key, row: row(version) }
}

fn delete(table: TableId, key: u64) -> Write {
    Write::Delete { table, key }
}

fn writes(writes: &[Write]) -> Transaction {
    Transaction { writes: writes.to_vec(), ..Transaction::default() }
}

fn committed(changed: u16) -> Decision {
    Decision::Committed { changed }
}

fn conflict(table: TableId, key: u64) -> Decision {
    Decision::Conflict(UniqueViolation { table, key })
}

/// The keys and versions of a table.
fn table(store: &Store, table: TableId) -> Vec<(u64, u64)> {
    store.rows(table).map(|(key, row)| (key, row.version)).collect()
}

/// What a store with row 5 of version 7 in A decides about one transaction, and holds then: in
/// memory, and again after a crash.
#[track_caller]
fn check(of: &[Write], decision: Decision, left: &[(u64, u64)]) {
    let mut bench = Bench::machine(1);
    let mut store = open(&bench, Serializable);
    assert_eq!(commit(&mut bench, &mut store, &writes(&[upsert(A, 5, 7)])), committed(1));
    assert_eq!(commit(&mut bench, &mut store, &writes(of)), decision);
    assert_eq!(table(&store, A), left);
    bench.crash(None);
    let found = open(&bench, Serializable);
    assert_eq!((table(&found, A), found.view(A)), (left.to_vec(), store.view(A)));
}

#[test]
fn writes_do_what_they_say() {
    check(&[insert(A, 6)], committed(1), &[(5, 7), (6, 0)]);
    check(&[insert(A, 5)], conflict(A, 5), &[(5, 7)]);
    check(&[insert(B, 5)], committed(1), &[(5, 7)]);
    check(&[upsert(A, 5, 3)], committed(1), &[(5, 3)]);
    check(&[newer(A, 5, 8)], committed(1), &[(5, 8)]);
    check(&[newer(A, 5, 7)], committed(0), &[(5, 7)]);
    check(&[newer(A, 5, 6)], committed(0), &[(5, 7)]);
    check(&[newer(A, 6, 0)], committed(1), &[(5, 7), (6, 0)]);
    check(&[delete(A, 5)], committed(1), &[]);
    check(&[delete(A, 6)], committed(0), &[(5, 7)]);
    check(&[], committed(0), &[(5, 7)]);
}

#[test]
fn a_write_sees_those_before_it_in_its_transaction() {
    check(&[delete(A, 5), insert(A, 5)], committed(1), &[(5, 0)]);
    check(&[insert(A, 6), insert(A, 6)], conflict(A, 6), &[(5, 7)]);
    check(&[upsert(A, 5, 9), newer(A, 5, 8)], committed(1), &[(5, 9)]);
    check(&[insert(A, 6), delete(A, 6)], committed(1), &[(5, 7)]);
}

#[test]
fn a_taken_key_undoes_the_whole_transaction() {
    let mut bench = Bench::machine(1);
    let mut store = open(&bench, ReadCommitted);
    commit(&mut bench, &mut store, &writes(&[insert(B, 1)]));
    let both = writes(&[insert(A, 1), delete(B, 1), insert(B, 2), insert(A, 1)]);
    assert_eq!(commit(&mut bench, &mut store, &both), conflict(A, 1));
    assert_eq!((table(&store, A), table(&store, B)), (vec![], vec![(1, 0)]));
    assert_eq!(bench.file(FILE).end().0, 1);
    assert_eq!(bench.reached(Moment::UniqueRefused.site()), 1);
}

/// One of several commits over two tables, each with an effect.
fn transfer(number: u64) -> Transaction {
    writes(&[upsert(A, 0, number), insert(B, number), delete(B, number - 1)]).effect(Effect {
        message: id(number),
        sink: SinkId(0),
        payload: number,
    })
}

#[test]
fn a_commit_over_several_tables_is_found_whole_or_not_at_all() {
    for undone in 0..=3 {
        let mut bench = Bench::machine(1);
        let mut store = open(&bench, Serializable);
        (1..=3).for_each(|number| _ = commit(&mut bench, &mut store, &transfer(number)));
        bench.crash(Some(undone));
        let store = open(&bench, Serializable);
        let last = u64::from(3 - undone);
        let (version, left) = (table(&store, A).pop().unwrap_or_default().1, table(&store, B));
        assert_eq!(version, last);
        assert_eq!(left, if last == 0 { vec![] } else { vec![(last, 0)] });
        let mut effects = Vec::new();
        for (_, stored) in bench.file(FILE).records() {
            stored.intact().into_iter().for_each(|record| record.effects(&mut effects));
        }
        let numbers: Vec<_> = effects.iter().map(|effect| effect.payload).collect();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
        let mut fold = SetDigest::new();
        for effect in effects {
            fold.insert(effect.message.word(), effect.payload);
        }
        assert_eq!(store.effects(), fold.value());
    }
}

#[test]
fn a_durable_commit_that_is_damaged_makes_the_store_unusable_and_a_torn_one_is_cut_off() {
    for (damaged, usable) in [(0, false), (1, false), (2, true)] {
        let mut bench = Bench::machine(1);
        let mut store = open(&bench, Serializable);
        (1..=3).for_each(|number| _ = commit(&mut bench, &mut store, &transfer(number)));
        bench.crash(None);
        bench.file(FILE).damage(Position(damaged));
        bench.station.ends = vec![Position(3)];
        let mut store = open(&bench, Serializable);
        assert_eq!(bench.with(|ctx| store.start(ctx)), usable);
        if usable {
            assert_eq!((table(&store, B), bench.file(FILE).end().0), (vec![(2, 0)], 2));
        }
    }
}

/// What two transactions do that both look before either commits: `first` is committed, then
/// `second`.
#[track_caller]
fn check_pair(first: fn([Seen; 2]) -> Transaction, second: fn([Seen; 2]) -> Transaction) {
    for (isolation, permitted) in [(ReadCommitted, true), (Serializable, false)] {
        let mut bench = Bench::machine(1);
        let mut store = open(&bench, isolation);
        commit(&mut bench, &mut store, &writes(&[upsert(A, 1, 1)]));
        let seen = [store.look(A, 1), store.look(A, 2)];
        let one = commit(&mut bench, &mut store, &first(seen));
        assert!(matches!(one, Decision::Committed { .. }), "{one:?}");
        let other = commit(&mut bench, &mut store, &second(seen));
        let is_committed = matches!(other, Decision::Committed { .. });
        let is_aborted = matches!(other, Decision::Aborted(_));
        assert_eq!((is_committed, is_aborted), (permitted, !permitted), "{isolation:?}");
        let aborted = bench.reached(Moment::SerializationAborted.site());
        assert_eq!(aborted, u32::from(!permitted));
    }
}

#[test]
fn read_committed_loses_an_update_and_serializable_refuses_it() {
    let add = |seen: [Seen; 2]| {
        let version = seen[0].row.map_or(0, |row| row.version);
        Transaction::default().read(&seen[0]).write(upsert(A, 1, version + 1))
    };
    check_pair(add, add);
}

#[test]
fn read_committed_lets_writes_skew_and_serializable_refuses_them() {
    // Each relies on what the other writes.
    check_pair(
        |seen| Transaction::default().read(&seen[1]).write(upsert(A, 1, 9)),
        |seen| Transaction::default().read(&seen[0]).write(upsert(A, 2, 9)),
    );
}

#[test]
fn read_committed_lets_a_check_before_an_insert_prove_nothing() {
    // Nobody is on duty: the first to see so takes it, under a key of his own.
    let take = |seen: [Seen; 2]| {
        let free = seen[1].row.is_none();
        assert!(free);
        Transaction::default().read(&seen[1]).write(upsert(A, 2, 1))
    };
    check_pair(take, take);
}

#[test]
fn a_unique_key_decides_at_every_level() {
    for isolation in [ReadCommitted, Serializable] {
        let mut bench = Bench::machine(1);
        let mut store = open(&bench, isolation);
        assert_eq!(commit(&mut bench, &mut store, &writes(&[insert(A, 1)])), committed(1));
        assert_eq!(commit(&mut bench, &mut store, &writes(&[insert(A, 1)])), conflict(A, 1));
    }
}

#[test]
fn serializable_goes_by_commits_and_not_by_values() {
    let mut bench = Bench::machine(1);
    let mut store = open(&bench, Serializable);
    commit(&mut bench, &mut store, &writes(&[upsert(A, 1, 1)]));
    let seen = store.look(A, 1);
    let relies = Transaction::default().read(&seen).write(upsert(B, 1, 1));
    // It was written anew, and holds the same.
    commit(&mut bench, &mut store, &writes(&[upsert(A, 1, 1)]));
    let stale = Read { table: A, key: 1, revision: seen.revision };
    assert_eq!(commit(&mut bench, &mut store, &relies), Decision::Aborted(stale));
    let relies = Transaction::default().read(&store.look(A, 1)).write(upsert(B, 1, 1));
    assert_eq!(commit(&mut bench, &mut store, &relies), committed(1));
    // What is missing is as it was, whatever happened in between.
    let missing = Transaction::default().read(&store.look(A, 2)).write(upsert(B, 2, 1));
    commit(&mut bench, &mut store, &writes(&[insert(A, 2)]));
    commit(&mut bench, &mut store, &writes(&[delete(A, 2)]));
    assert_eq!(commit(&mut bench, &mut store, &missing), committed(1));
}

#[test]
fn revisions_outlive_a_restart() {
    let mut bench = Bench::machine(1);
    let mut store = open(&bench, Serializable);
    commit(&mut bench, &mut store, &writes(&[upsert(A, 1, 1)]));
    commit(&mut bench, &mut store, &writes(&[upsert(A, 2, 1)]));
    let seen = [store.look(A, 1), store.look(A, 2)];
    bench.crash(None);
    let store = open(&bench, Serializable);
    assert_eq!([store.look(A, 1), store.look(A, 2)], seen);
    assert_ne!(seen[0].revision, seen[1].revision);
}

#[test]
fn a_sequence_never_gives_a_value_twice() {
    // After so many values the process dies, or the power goes before any of it was synced.
    for values in [1, 32, 33, 34, 70] {
        for undone in [None, Some(9)] {
            let mut bench = Bench::machine(1);
            let mut store = open(&bench, Serializable);
            let next = |bench: &mut Bench, store: &mut Store| {
                bench.with(|ctx| store.next_value(NUMBERS, ctx))
            };
            let first: Vec<u64> = (0..values).map(|_| next(&mut bench, &mut store)).collect();
            assert_eq!(first, (1..=values).collect::<Vec<_>>());
            let logged = bench.file(FILE).end().0;
            assert_eq!(logged, values.div_ceil(LOGGED_AHEAD + 1));
            bench.crash(undone);
            let mut store = open(&bench, Serializable);
            let again = next(&mut bench, &mut store);
            match undone {
                // Values that were logged and not handed out are skipped.
                None => assert_eq!(again, logged * (LOGGED_AHEAD + 1) + 1),
                // Nobody can have seen what they were used for: it is gone as well.
                Some(_) => assert_eq!(again, 1),
            }
        }
    }
}

#[test]
fn an_abort_gives_no_value_back() {
    let mut bench = Bench::machine(1);
    let mut store = open(&bench, Serializable);
    commit(&mut bench, &mut store, &writes(&[insert(A, 1)]));
    let first = bench.with(|ctx| store.next_value(NUMBERS, ctx));
    let refused = writes(&[insert(B, first), insert(A, 1)]);
    assert_eq!(commit(&mut bench, &mut store, &refused), conflict(A, 1));
    let second = bench.with(|ctx| store.next_value(NUMBERS, ctx));
    assert_eq!((first, second), (1, 2));
    let other = bench.with(|ctx| store.next_value(SequenceId(1), ctx));
    assert_eq!(other, 1);
}

#[test]
fn states_that_differ_have_other_fingerprints() {
    let print = |of: &[Write], values: u64| {
        let mut bench = Bench::machine(1).write_through();
        let mut store = open(&bench, Serializable);
        commit(&mut bench, &mut store, &writes(of));
        (0..values).for_each(|_| _ = bench.with(|ctx| store.next_value(NUMBERS, ctx)));
        let mut digest = Digest::new();
        store.fingerprint(&mut digest);
        digest.value()
    };
    let states: std::collections::BTreeSet<u64> = [
        print(&[], 0),
        print(&[], 1),
        print(&[], 2),
        print(&[insert(A, 1)], 0),
        print(&[insert(A, 2)], 0),
        print(&[insert(B, 1)], 0),
        print(&[upsert(A, 1, 1)], 0),
        print(&[insert(A, 1), insert(A, 2)], 0),
    ]
    .into();
    assert_eq!(states.len(), 8);
}
