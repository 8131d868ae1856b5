use super::*;
use crate::id::{NodeId, Position};
use crate::model::bench::Bench;

const FILE: FileId = FileId(0);
const P: PartitionId = PartitionId(0);
const LAYOUT: Layout =
    Layout { sink: SinkId(3), partitions: 2, expiry: InboxExpiry::Never, guard: Guard::Version };

fn open(bench: &Bench) -> Database {
    Database::open(FILE, LAYOUT, Journals::new(&bench.files))
}

fn entry(bench: &mut Bench, number: u32) -> Entry {
    let body = bench.desk.blobs.put(&number.to_le_bytes());
    Entry::new(MessageId::new(NodeId(1), number), 0, body)
}

fn apply(bench: &mut Bench, database: &mut Database, number: u32) -> bool {
    let entry = entry(bench, number);
    let beside = Beside { inbox: true, position: Some((P, u64::from(number) + 1)) };
    bench.with(|ctx| database.apply(&entry, beside, ctx))
}

#[test]
fn a_commit_is_found_whole_or_not_at_all() {
    for (undone, applied) in [(0, 2), (1, 1), (2, 0)] {
        let mut bench = Bench::machine(1);
        let mut database = open(&bench);
        apply(&mut bench, &mut database, 0);
        apply(&mut bench, &mut database, 1);
        bench.crash(Some(undone));
        let mut database = open(&bench);
        assert_eq!(database.applied(), applied);
        assert_eq!(database.position(P), u64::from(applied));
        for number in 0..2 {
            let message = MessageId::new(NodeId(1), number);
            assert_eq!(database.had_applied(message), number < applied);
            assert_eq!(apply(&mut bench, &mut database, number), number >= applied);
        }
    }
}

#[test]
fn tables_that_hold_the_same_look_the_same_in_whatever_order_they_were_filled() {
    let (mut one, mut other) = (Bench::machine(1), Bench::machine(2));
    let (mut a, mut b) = (open(&one), open(&other));
    apply(&mut one, &mut a, 0);
    assert_ne!(a.view(), b.view());
    apply(&mut one, &mut a, 1);
    apply(&mut other, &mut b, 1);
    apply(&mut other, &mut b, 0);
    assert_eq!(a.view(), b.view());
    one.crash(None);
    assert_eq!(open(&one).view(), b.view());
}

#[test]
fn a_durable_commit_that_is_damaged_makes_the_database_unusable() {
    for (damaged, usable) in [(0, false), (1, true)] {
        let mut bench = Bench::machine(1);
        let mut database = open(&bench);
        apply(&mut bench, &mut database, 0);
        apply(&mut bench, &mut database, 1);
        bench.crash(None);
        bench.file(FILE).damage(Position(damaged));
        bench.station.ends = vec![Position(2)];
        let mut database = open(&bench);
        assert_eq!(bench.with(|ctx| database.start(ctx)), usable);
    }
}
