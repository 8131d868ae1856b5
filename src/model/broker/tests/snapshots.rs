//! Snapshots of what is remembered, in files of their own.

use super::*;

const SNAPSHOTS: FileId = FileId(3);
const EVERY_TWO: Policy = Policy { snapshot_every: Some(2), ..POLICY };
const AHEAD: Policy = Policy { snapshot_of: SnapshotOf::Memory, ..EVERY_TWO };

fn judge(bench: &mut Bench, broker: &mut Broker, sequence: u32) -> Vec<Message> {
    let request = produce(bench, sequence);
    bench.deliver(broker, 1, request)
}

#[test]
fn a_snapshot_is_taken_of_the_durable_log_and_replaces_the_older_one() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, EVERY_TWO);
    append(&mut bench, &mut broker, &[0]);
    assert_eq!(bench.file(SNAPSHOTS).end().0, 0);
    judge(&mut bench, &mut broker, 1);
    assert_eq!(bench.file(SNAPSHOTS).end().0, 0, "the second record is not durable yet");
    end_sync_of(&mut bench, &mut broker, LOG, Ok(()));
    let head = Some(&Record::Volume { count: 2, end: 2 });
    assert_eq!(bench.file(SNAPSHOTS).get(crate::id::Position(0)).unwrap().intact(), head);
    end_sync_of(&mut bench, &mut broker, SNAPSHOTS, Ok(()));
    append(&mut bench, &mut broker, &[2, 3]);
    assert_eq!(bench.file(SNAPSHOTS).start().0, 3, "the older one is gone");
    bench.crash(None);
    let mut broker = boot(&mut bench, EVERY_TWO);
    assert_eq!(bench.reached(Moment::SnapshotRead.site()), 1);
    assert_eq!(judge(&mut bench, &mut broker, 1), [produced(1, Stored { offset: 1 })]);
    assert_eq!(judge(&mut bench, &mut broker, 3), [produced(3, Stored { offset: 3 })]);
    let early = [produced(5, Refused(Refusal::OutOfOrder))];
    assert_eq!(judge(&mut bench, &mut broker, 5), early);
}

#[test]
fn a_boot_remembers_the_same_with_and_without_snapshots() {
    for undone in [None, Some(0), Some(1), Some(2), Some(3)] {
        let mut answers = Vec::new();
        for policy in [POLICY, EVERY_TWO] {
            let mut bench = Bench::machine(0);
            let mut broker = boot(&mut bench, policy);
            append(&mut bench, &mut broker, &[0, 1, 2, 3]);
            judge(&mut bench, &mut broker, 4);
            judge(&mut bench, &mut broker, 5);
            end_sync_of(&mut bench, &mut broker, LOG, Ok(()));
            end_sync_of(&mut bench, &mut broker, LOG, Ok(()));
            // The third snapshot is not durable.
            bench.crash(undone);
            let mut broker = boot(&mut bench, policy);
            for sequence in [0, 1, 4, 5, 8] {
                answers.push((policy == POLICY, judge(&mut bench, &mut broker, sequence)));
            }
        }
        let (without, with): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(plain, _)| *plain);
        let told = |answers: Vec<(bool, Vec<Message>)>| -> Vec<_> {
            answers.into_iter().map(|(_, told)| told).collect()
        };
        assert_eq!(told(without), told(with), "{undone:?}");
    }
}

#[test]
fn half_a_snapshot_is_cut_off_and_the_older_one_read() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, EVERY_TWO);
    append(&mut bench, &mut broker, &[0, 1]);
    judge(&mut bench, &mut broker, 2);
    judge(&mut bench, &mut broker, 3);
    end_sync_of(&mut bench, &mut broker, LOG, Ok(()));
    end_sync_of(&mut bench, &mut broker, LOG, Ok(()));
    assert_eq!(bench.file(SNAPSHOTS).end().0, 8);
    bench.crash(Some(1));
    let mut broker = boot(&mut bench, EVERY_TWO);
    assert_eq!(bench.file(SNAPSHOTS).end().0, 3);
    for sequence in [0, 3] {
        let stored = [produced(sequence, Stored { offset: sequence.into() })];
        assert_eq!(judge(&mut bench, &mut broker, sequence), stored);
    }
}

#[test]
fn a_snapshot_ahead_of_the_log_knows_what_is_not_there() {
    for (policy, retried) in [(EVERY_TWO, false), (AHEAD, true)] {
        let mut bench = Bench::machine(0);
        let mut broker = boot(&mut bench, policy);
        judge(&mut bench, &mut broker, 0);
        judge(&mut bench, &mut broker, 1);
        let early = bench.syncs.iter().any(|&(file, _, _)| file == SNAPSHOTS);
        assert_eq!(early, retried, "it is written before the log is durable");
        if early {
            end_sync_of(&mut bench, &mut broker, SNAPSHOTS, Ok(()));
        }
        bench.crash(Some(9));
        let mut broker = boot(&mut bench, policy);
        assert_eq!(bench.file(LOG).end().0, 0);
        // What the snapshot vouches for is answered at once, though it stands nowhere.
        let answer = retried.then(|| produced(0, Stored { offset: 0 }));
        assert_eq!(judge(&mut bench, &mut broker, 0), answer.into_iter().collect::<Vec<_>>());
        assert_eq!(bench.file(LOG).end().0, u64::from(!retried));
    }
}

#[test]
fn a_snapshot_beyond_the_log_is_dropped() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, EVERY_TWO);
    append(&mut bench, &mut broker, &[0, 1]);
    bench.file(LOG).truncate(crate::id::Position(1), true);
    bench.crash(None);
    let mut broker = boot(&mut bench, EVERY_TWO);
    assert_eq!(judge(&mut bench, &mut broker, 0), [produced(0, Stored { offset: 0 })]);
    assert_eq!(judge(&mut bench, &mut broker, 1), []);
    assert_eq!(bench.file(LOG).end().0, 2);
}

#[test]
fn a_damaged_snapshot_closes_the_partition() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, EVERY_TWO);
    append(&mut bench, &mut broker, &[0, 1]);
    bench.file(SNAPSHOTS).damage(crate::id::Position(1));
    bench.crash(None);
    let mut broker = boot(&mut bench, EVERY_TWO);
    let refused = [produced(2, Refused(Refusal::Closed))];
    assert_eq!(judge(&mut bench, &mut broker, 2), refused);
}

#[test]
fn a_failed_sync_of_a_snapshot_leaves_the_older_one() {
    for on_failed_sync in [OnFailedSync::Restart, OnFailedSync::Truncate] {
        let policy = Policy { on_failed_sync, ..EVERY_TWO };
        let mut bench = Bench::machine(0);
        let mut broker = boot(&mut bench, policy);
        append(&mut bench, &mut broker, &[0, 1]);
        judge(&mut bench, &mut broker, 2);
        judge(&mut bench, &mut broker, 3);
        end_sync_of(&mut bench, &mut broker, LOG, Ok(()));
        end_sync_of(&mut bench, &mut broker, LOG, Ok(()));
        end_sync_of(&mut bench, &mut broker, SNAPSHOTS, Err(DiskError::Failed));
        assert_eq!(bench.file(SNAPSHOTS).end().0, 3);
        assert_eq!(bench.exits.is_empty(), on_failed_sync == OnFailedSync::Truncate);
        bench.crash(None);
        let mut broker = boot(&mut bench, policy);
        assert_eq!(judge(&mut bench, &mut broker, 3), [produced(3, Stored { offset: 3 })]);
        append(&mut bench, &mut broker, &[4]);
        assert_eq!(bench.file(SNAPSHOTS).end().0, 8, "the next one is taken");
    }
}
