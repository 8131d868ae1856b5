use super::*;
use crate::id::{GroupId, MessageId, SinkId};
use crate::model::bench::Bench;
use crate::model::broker::Verify;
use crate::model::message::Reading;
use crate::model::producer::OnTimeout;

pub(super) fn policy(settle: Settle, dedup: Dedup) -> ConsumerPolicy {
    ConsumerPolicy {
        fetch: FetchPolicy {
            broker: NodeId(0),
            group: GroupId(0),
            batch: 10,
            timeout: Span::millis(50),
            wait_max: Span::ZERO,
            commit: CommitPolicy::Answered,
            on_timeout: OnTimeout::Resend,
            checksum: Verify::Verify,
        },
        partitions: 1,
        member: 0,
        members: 1,
        sink: SinkId(0),
        settle,
        dedup,
        inbox_expiry: InboxExpiry::Never,
        apply: Apply::Insert,
        target: Target::Own,
        guard: Guard::Version,
        handling: HandlingPolicy::SMOOTH,
        resume: Resume::Committed,
        rebuild: Rebuild::Never,
        enough: None,
    }
}

pub(super) fn boot(bench: &mut Bench, policy: ConsumerPolicy) -> Consumer {
    bench.boot(|seat, disk| Consumer::boot(policy, seat, disk))
}

pub(super) fn entries(bench: &mut Bench, numbers: std::ops::Range<u32>) -> Vec<Entry> {
    let mut entry = |number: u32| {
        let body = bench.desk.blobs.put(&number.to_le_bytes());
        Entry::new(MessageId::new(NodeId(1), number), 0, body)
    };
    numbers.map(&mut entry).collect()
}

/// Answers what the consumer asks of its broker, until it polls beyond `log` or waits for its disk.
/// Returns the offsets that it committed; what it asks of others stays unanswered.
pub(super) fn serve(
    bench: &mut Bench,
    consumer: &mut Consumer,
    log: &[Entry],
    committed: u64,
) -> Vec<u64> {
    let mut commits = Vec::new();
    let mut others = Vec::new();
    let mut asked = bench.take_sent();
    while let Some(message) = asked.pop() {
        let answer = match message {
            Message::OffsetFetch { request, partition, .. } => {
                Message::OffsetFetched { request, partition, offset: committed }
            }
            Message::Fetch { request, partition, offset, .. } => match log.get(offset as usize..) {
                Some([_, ..]) => {
                    let reading = Reading::Entries(log[offset as usize..].to_vec());
                    Message::Fetched { request, partition, base: offset, reading }
                }
                _ => continue,
            },
            Message::Commit { request: Some(request), partition, offset, .. } => {
                commits.push(offset);
                Message::Committed { request, partition }
            }
            other => {
                others.push((None, other));
                continue;
            }
        };
        asked.extend(bench.deliver(consumer, 0, answer));
    }
    bench.sent = others;
    commits
}

/// The messages on the disk that mean an effect.
pub(super) fn effects(bench: &mut Bench) -> Vec<MessageId> {
    let mut effects = Vec::new();
    for (_, stored) in bench.file(DATABASE).records() {
        stored.intact().into_iter().for_each(|record| record.effects(&mut effects));
    }
    effects.iter().map(|effect| effect.message).collect()
}

#[test]
fn after_it_settles_once_the_effect_is_durable() {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..3);
    let mut consumer = boot(&mut bench, policy(Settle::After, Dedup::Inbox));
    assert!(serve(&mut bench, &mut consumer, &log, 0).is_empty());
    assert_eq!(effects(&mut bench).len(), 3);
    bench.sent = bench.end_sync(&mut consumer, Ok(())).into_iter().map(|m| (None, m)).collect();
    assert_eq!(serve(&mut bench, &mut consumer, &log, 0), [3]);
}

#[test]
fn before_it_settles_before_the_effect() {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..3);
    let mut consumer = boot(&mut bench, policy(Settle::Before, Dedup::Inbox));
    let asked = bench.take_sent();
    assert!(matches!(asked[..], [Message::OffsetFetch { .. }]));
    bench.sent = asked.into_iter().map(|message| (None, message)).collect();
    let commits = serve(&mut bench, &mut consumer, &log, 0);
    assert_eq!((commits, bench.syncs.len()), (vec![3], 1), "the effects are not durable yet");
}

#[test]
fn atomically_the_offset_is_found_beside_the_effect() {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..3);
    let policy = policy(Settle::Atomic, Dedup::None);
    let mut consumer = boot(&mut bench, policy);
    assert!(serve(&mut bench, &mut consumer, &log, 0).is_empty());
    bench.crash(Some(1));
    let mut consumer = boot(&mut bench, policy);
    let asked = bench.take_sent();
    assert!(matches!(asked[..], [Message::Fetch { offset: 2, .. }]), "{asked:?}");
    bench.sent = asked.into_iter().map(|message| (None, message)).collect();
    serve(&mut bench, &mut consumer, &log, 0);
    let all: Vec<_> = log.iter().map(|entry| entry.message).collect();
    assert_eq!(effects(&mut bench), all);
}

/// How often each of three messages is applied when a crash falls between effect and settlement.
#[track_caller]
fn check_redelivery(dedup: Dedup, applied: usize, moments: &[(Moment, u32)]) {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..3);
    let policy = policy(Settle::After, dedup);
    let mut consumer = boot(&mut bench, policy);
    serve(&mut bench, &mut consumer, &log, 0);
    bench.crash(None);
    let mut consumer = boot(&mut bench, policy);
    serve(&mut bench, &mut consumer, &log, 0);
    assert_eq!(effects(&mut bench).len(), applied);
    for &(moment, times) in moments {
        assert_eq!(bench.reached(moment.site()), times, "{moment:?}");
    }
}

#[test]
fn an_inbox_survives_a_crash_between_effect_and_settlement() {
    check_redelivery(Dedup::Inbox, 3, &[(Moment::Redelivered, 3), (Moment::InboxHit, 3)]);
}

#[test]
fn a_set_in_memory_does_not() {
    check_redelivery(Dedup::Memory, 6, &[(Moment::Redelivered, 3), (Moment::MemoryHit, 0)]);
    check_redelivery(Dedup::None, 6, &[(Moment::Redelivered, 3)]);
}

#[test]
fn a_set_in_memory_knows_what_this_incarnation_has_applied() {
    let mut bench = Bench::machine(1).write_through();
    let mut log = entries(&mut bench, 0..2);
    log.extend_from_slice(&log.clone());
    let mut consumer = boot(&mut bench, policy(Settle::After, Dedup::Memory));
    assert_eq!(serve(&mut bench, &mut consumer, &log, 0), [4]);
    assert_eq!((effects(&mut bench).len(), bench.reached(Moment::MemoryHit.site())), (2, 2));
}

#[test]
fn each_record_is_entered_as_polled() {
    let mut bench = Bench::machine(1).write_through();
    let log = entries(&mut bench, 0..2);
    let mut consumer = boot(&mut bench, policy(Settle::After, Dedup::Inbox));
    serve(&mut bench, &mut consumer, &log, 0);
    let polled: Vec<_> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Polled { message, offset, .. } => Some((*message, *offset)),
            _ => None,
        })
        .collect();
    assert_eq!(polled, [(log[0].message, 0), (log[1].message, 1)]);
}

#[test]
fn a_failed_sync_settles_nothing_and_starts_over() {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..2);
    let mut consumer = boot(&mut bench, policy(Settle::After, Dedup::Inbox));
    serve(&mut bench, &mut consumer, &log, 0);
    assert_eq!(bench.end_sync(&mut consumer, Err(DiskError::Full)), []);
    assert_eq!(bench.exits, [Some(DISK_FAILED)]);
    assert_eq!(effects(&mut bench), []);
}

#[test]
fn a_member_reads_its_share_of_the_partitions() {
    let mut bench = Bench::machine(1);
    let policy = policy(Settle::After, Dedup::Inbox);
    boot(&mut bench, ConsumerPolicy { partitions: 5, member: 1, members: 2, ..policy });
    let asked: Vec<_> = bench
        .take_sent()
        .iter()
        .map(|message| match message {
            Message::OffsetFetch { partition, .. } => partition.0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(asked, [1, 3]);
}

#[test]
fn it_reads_no_further_when_it_has_enough() {
    let mut bench = Bench::machine(1).write_through();
    let log = entries(&mut bench, 0..2);
    let policy = policy(Settle::After, Dedup::Inbox);
    let mut consumer = boot(&mut bench, ConsumerPolicy { enough: Some(2), ..policy });
    assert_eq!(serve(&mut bench, &mut consumer, &log, 0), [2]);
    assert_eq!(bench.wake(&mut consumer, 0), []);
    assert_eq!(bench.timers, []);
}
