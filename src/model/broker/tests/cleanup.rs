//! Retention and compaction.

use super::*;
use crate::id::Position;

const SNAPSHOTS: FileId = FileId(3);
const CLEANED: FileId = FileId(5);
const NEWEST_TWO: Policy =
    Policy { cleanup: Cleanup::Delete { age: None, records: Some(2) }, ..POLICY };
const YOUNG: Policy =
    Policy { cleanup: Cleanup::Delete { age: Some(Span::millis(100)), records: None }, ..POLICY };
const FORGETFUL: Policy = Policy { producer_state_kept: StateKept::WithLog, ..NEWEST_TWO };
const COMPACT: Policy = Policy { cleanup: Cleanup::Compact, ..POLICY };

fn judge(bench: &mut Bench, broker: &mut Broker, sequence: u32) -> Vec<Message> {
    let request = produce(bench, sequence);
    bench.deliver(broker, 1, request)
}

/// Fires the housekeeping timer and ends the syncs that follow, until there are none.
fn keep_house(bench: &mut Bench, broker: &mut Broker) {
    for _ in 0..3 {
        bench.wake(broker, HOUSEKEEPING.0);
        while !bench.syncs.is_empty() {
            bench.end_sync(broker, Ok(()));
        }
    }
}

fn offset_out_of_range(request: u64, base: u64, start: u64) -> [Message; 1] {
    [Fetched { request, partition: P, base, reading: Reading::OutOfRange { start } }]
}

/// The batches 0 to 5 with the keys 0, 1, 2, 0, 1, 0.
fn append_keyed(bench: &mut Bench, broker: &mut Broker) {
    for (sequence, key) in (0..).zip([0, 1, 2, 0, 1, 0]) {
        let entry = Entry { key, ..entry(bench, sequence) };
        let produce = Produce { entry, identity: batch(0, sequence) };
        bench.deliver(broker, 1, Message::Produce { partition: P, acks: Acks::All, produce });
        bench.end_sync(broker, Ok(()));
    }
}

/// The offsets that a reader finds from `offset` on, and where it ends.
fn read_through(bench: &mut Bench, broker: &mut Broker, mut offset: u64) -> (Vec<(u64, u32)>, u64) {
    let mut found = Vec::new();
    loop {
        let answer = bench.deliver(broker, 2, fetch(7, offset, 0));
        let [Fetched { base, reading: Reading::Entries(entries), .. }] = &answer[..] else {
            panic!("{answer:?}")
        };
        found.extend((*base..).zip(entries.iter().map(|entry| entry.message.planned().unwrap().1)));
        match entries.len() as u64 {
            0 => return (found, offset),
            count => offset = base + count,
        }
    }
}

#[test]
fn the_oldest_records_are_deleted_and_the_log_says_where_it_starts() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, NEWEST_TWO);
    append(&mut bench, &mut broker, &[0, 1, 2, 3, 4]);
    assert_eq!(bench.timers, [(HOUSEKEEPING, POLICY.housekeeping)]);
    keep_house(&mut bench, &mut broker);
    let below = offset_out_of_range(7, 2, 3);
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 2, 0)), below);
    assert_eq!(read_through(&mut bench, &mut broker, 3), (vec![(3, 3), (4, 4)], 5));
    bench.crash(Some(9));
    let mut broker = boot(&mut bench, NEWEST_TWO);
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 2, 0)), below);
    assert_eq!(read_through(&mut bench, &mut broker, 3).0, [(3, 3), (4, 4)]);
    let beyond = offset_out_of_range(7, 6, 3);
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 6, 0)), beyond);
}

#[test]
fn a_record_is_deleted_once_it_is_so_old_by_the_wall_clock() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, YOUNG);
    append(&mut bench, &mut broker, &[0]);
    bench.now += Span::millis(50);
    append(&mut bench, &mut broker, &[1]);
    bench.now += Span::millis(49);
    keep_house(&mut bench, &mut broker);
    assert_eq!(bench.file(LOG).start().0, 0);
    bench.crash(None);
    bench.now += Span::millis(1);
    let mut broker = boot(&mut bench, YOUNG);
    keep_house(&mut bench, &mut broker);
    assert_eq!(bench.file(LOG).start().0, 1, "the time of the append is on the disk");
    bench.now += Span::millis(50);
    keep_house(&mut bench, &mut broker);
    assert_eq!((bench.file(LOG).start().0, bench.file(LOG).end().0), (2, 2));
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 0, 0)), offset_out_of_range(7, 0, 2));
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 2, 0)), [fetched(7, 2, &[])]);
    bench.crash(Some(9));
    let mut broker = boot(&mut bench, YOUNG);
    assert_eq!(judge(&mut bench, &mut broker, 2), []);
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [produced(2, Stored { offset: 2 })]);
}

#[test]
fn nothing_is_deleted_before_it_is_durable_and_before_a_snapshot_holds_what_is_remembered_of_it() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, NEWEST_TWO);
    append(&mut bench, &mut broker, &[0]);
    for sequence in 1..5 {
        judge(&mut bench, &mut broker, sequence);
    }
    bench.wake(&mut broker, HOUSEKEEPING.0);
    assert_eq!(bench.file(LOG).start().0, 0);
    end_sync_of(&mut bench, &mut broker, LOG, Ok(()));
    bench.wake(&mut broker, HOUSEKEEPING.0);
    assert_eq!(bench.file(LOG).start().0, 0, "the snapshot is not durable");
    end_sync_of(&mut bench, &mut broker, SNAPSHOTS, Ok(()));
    bench.wake(&mut broker, HOUSEKEEPING.0);
    assert_eq!(bench.file(LOG).start().0, 1, "so much is in the snapshot");
}

#[test]
fn the_start_of_the_log_moves_once_that_is_durable() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, FORGETFUL);
    append(&mut bench, &mut broker, &[0, 1, 2, 3]);
    bench.wake(&mut broker, HOUSEKEEPING.0);
    assert_eq!(read_through(&mut bench, &mut broker, 0).0.len(), 4);
    bench.crash(Some(1));
    let mut broker = boot(&mut bench, FORGETFUL);
    assert_eq!(read_through(&mut bench, &mut broker, 0).0.len(), 4, "a power cut undid it");
    keep_house(&mut bench, &mut broker);
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 0, 0)), offset_out_of_range(7, 0, 2));
}

#[test]
fn what_is_remembered_outlives_the_log_unless_the_policy_is_to_forget_it() {
    let outlives = Policy { cleanup: Cleanup::Delete { age: None, records: Some(1) }, ..POLICY };
    let forgets = Policy { producer_state_kept: StateKept::WithLog, ..outlives };
    for (policy, restarts) in
        [(outlives, false), (outlives, true), (forgets, false), (forgets, true)]
    {
        let mut bench = Bench::machine(0);
        let mut broker = boot(&mut bench, policy);
        append(&mut bench, &mut broker, &[0, 1]);
        let other = Identity::Batch(BatchId { producer: ProducerId(2), epoch: 0, sequence: 0 });
        let request = named(&mut bench, 9, other);
        bench.deliver(&mut broker, 1, request);
        bench.end_sync(&mut broker, Ok(()));
        keep_house(&mut bench, &mut broker);
        assert_eq!(bench.file(LOG).start().0, 2);
        if restarts {
            bench.crash(Some(0));
            broker = boot(&mut bench, policy);
        }
        let retried = judge(&mut bench, &mut broker, 1);
        if policy == outlives {
            assert_eq!(retried, [produced(1, Stored { offset: 1 })], "restarts: {restarts}");
        } else {
            assert_eq!(retried, [], "restarts: {restarts}");
            assert_eq!(bench.end_sync(&mut broker, Ok(())), [produced(1, Stored { offset: 3 })]);
        }
    }
}

#[test]
fn a_broker_that_never_syncs_does_so_before_it_deletes() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, Policy { fsync: Fsync::Never, ..FORGETFUL });
    append(&mut bench, &mut broker, &[0, 1, 2, 3]);
    bench.wake(&mut broker, HOUSEKEEPING.0);
    assert_eq!((bench.file(LOG).start().0, bench.syncs.len()), (0, 1));
    keep_house(&mut bench, &mut broker);
    assert_eq!(bench.file(LOG).start().0, 2);
}

#[test]
fn compaction_keeps_the_last_record_of_each_key_at_its_offset() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, COMPACT);
    append_keyed(&mut bench, &mut broker);
    keep_house(&mut bench, &mut broker);
    let left = vec![(2, 2), (4, 4), (5, 5)];
    assert_eq!(read_through(&mut bench, &mut broker, 0), (left.clone(), 6));
    assert_eq!(read_through(&mut bench, &mut broker, 3), (left[1..].to_vec(), 6));
    assert_eq!(bench.file(LOG).start().0, 6, "the log's own part is gone");
    let entry_6 = Entry { key: 1, ..entry(&mut bench, 6) };
    let produce = Produce { entry: entry_6, identity: batch(0, 6) };
    bench.deliver(&mut broker, 1, Message::Produce { partition: P, acks: Acks::All, produce });
    bench.end_sync(&mut broker, Ok(()));
    assert_eq!(read_through(&mut bench, &mut broker, 4).0, [(4, 4), (5, 5), (6, 6)]);
    keep_house(&mut bench, &mut broker);
    let left = vec![(2, 2), (5, 5), (6, 6)];
    assert_eq!(read_through(&mut bench, &mut broker, 0).0, left);
    assert_eq!(bench.file(CLEANED).start().0, 7, "the older part is gone");
    bench.crash(Some(9));
    let mut broker = boot(&mut bench, COMPACT);
    assert_eq!(read_through(&mut bench, &mut broker, 0).0, left);
    let known = [produced(3, Stored { offset: 3 })];
    assert_eq!(judge(&mut bench, &mut broker, 3), known, "also without its record");
}

/// Whatever a power cut leaves of the compaction, the log is the old one or the new one, and
/// nothing of what was remembered is lost.
#[test]
fn compaction_survives_a_crash_at_any_point() {
    let whole: Vec<_> = (0..6).map(|n| (u64::from(n), n)).collect();
    let compacted = vec![(2, 2), (4, 4), (5, 5)];
    let mut seen = [false; 2];
    for ended in 0..5 {
        for undone in [None].into_iter().chain((0..9).map(Some)) {
            let mut bench = Bench::machine(0);
            let mut broker = boot(&mut bench, COMPACT);
            append_keyed(&mut bench, &mut broker);
            for _ in 0..ended {
                if bench.syncs.is_empty() {
                    bench.wake(&mut broker, HOUSEKEEPING.0);
                } else {
                    bench.end_sync(&mut broker, Ok(()));
                }
            }
            let before = read_through(&mut bench, &mut broker, 0).0;
            bench.crash(undone);
            let mut broker = boot(&mut bench, COMPACT);
            let after = read_through(&mut bench, &mut broker, 0).0;
            assert!(after == whole || after == compacted, "{ended} {undone:?} {after:?}");
            assert!(before == whole || after == compacted, "what was dropped came back");
            seen[usize::from(after == compacted)] = true;
            assert_eq!(judge(&mut bench, &mut broker, 3), [produced(3, Stored { offset: 3 })]);
            keep_house(&mut bench, &mut broker);
            assert_eq!(read_through(&mut bench, &mut broker, 0).0, compacted);
            assert_eq!(
                (bench.file(LOG).start(), bench.file(LOG).end()),
                (Position(6), Position(6))
            );
        }
    }
    assert_eq!(seen, [true; 2]);
}

#[test]
fn a_log_without_superseded_records_is_left_alone() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, COMPACT);
    append(&mut bench, &mut broker, &[0]);
    keep_house(&mut bench, &mut broker);
    assert_eq!(bench.file(CLEANED).end().0, 0);
    assert_eq!(bench.reached(Moment::Compacted.site()), 0);
}

#[test]
fn damage_to_what_compaction_left_closes_the_partition() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, COMPACT);
    append_keyed(&mut bench, &mut broker);
    keep_house(&mut bench, &mut broker);
    bench.file(CLEANED).damage(Position(2));
    bench.crash(None);
    let mut broker = boot(&mut bench, COMPACT);
    let closed = Fetched { request: 7, partition: P, base: 0, reading: Reading::Closed };
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 0, 0)), [closed]);
}
