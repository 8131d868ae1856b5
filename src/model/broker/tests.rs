use super::*;
use crate::blob::Blob;
use crate::id::MessageId;
use crate::model::bench::Bench;
use crate::model::message::{Acks, BatchId, Entry, Identity, ProducerId};
use Message::{Committed, Fetched, OffsetFetched, Produced};
use Verdict::{Refused, Stored};

mod acks;
mod cleanup;
mod dedup;
mod fingerprints;
mod snapshots;

const P: PartitionId = PartitionId(0);
const G: GroupId = GroupId(0);
const LOG: FileId = FileId(1);
const OUT_OF_RANGE: Reading = Reading::OutOfRange { start: 0 };

const POLICY: Policy = Policy::new(2, 2);

fn boot(bench: &mut Bench, policy: Policy) -> Broker {
    bench.boot(|_, disk| Broker::boot(policy, disk))
}

fn entry(bench: &mut Bench, number: u32) -> Entry {
    let body: Blob = bench.desk.blobs.put(&number.to_le_bytes());
    Entry::new(MessageId::new(NodeId(1), number), 0, body)
}

/// A request of producer 1 in epoch 0: the sequence is the number of the message.
fn produce(bench: &mut Bench, sequence: u32) -> Message {
    named(bench, sequence, batch(0, sequence))
}

/// A request to append the message of this number by this name.
fn named(bench: &mut Bench, number: u32, identity: Identity) -> Message {
    let produce = Produce { entry: entry(bench, number), identity };
    Message::Produce { partition: P, acks: Acks::All, produce }
}

/// A batch of producer 1.
fn batch(epoch: u32, sequence: u32) -> Identity {
    Identity::Batch(BatchId { producer: ProducerId(1), epoch, sequence })
}

fn produced(number: u32, verdict: Verdict) -> Message {
    Produced { message: MessageId::new(NodeId(1), number), partition: P, verdict }
}

fn fetch(request: u64, offset: u64, wait_ms: u64) -> Message {
    let wait_max = Span::millis(wait_ms);
    Message::Fetch { request, partition: P, offset, batch: 10, wait_max }
}

fn fetched(request: u64, base: u64, entries: &[Entry]) -> Message {
    Fetched { request, partition: P, base, reading: Reading::Entries(entries.to_vec()) }
}

/// Delivers the batches of producer 1 with these sequences, and ends every sync.
fn append(bench: &mut Bench, broker: &mut Broker, sequences: &[u32]) {
    for &sequence in sequences {
        let request = produce(bench, sequence);
        bench.deliver(broker, 1, request);
        while !bench.syncs.is_empty() {
            bench.end_sync(broker, Ok(()));
        }
    }
}

/// Ends the oldest sync of one file.
fn end_sync_of(
    bench: &mut Bench,
    broker: &mut Broker,
    file: FileId,
    result: Result<(), DiskError>,
) -> Vec<Message> {
    let oldest = bench.syncs.iter().position(|&(synced, _, _)| synced == file);
    let sync = bench.syncs.remove(oldest.expect("a sync of that file is under way"));
    bench.syncs.insert(0, sync);
    bench.end_sync(broker, result)
}

fn fingerprint(broker: &Broker) -> u64 {
    let mut digest = Digest::new();
    broker.fingerprint(&mut digest);
    digest.value()
}

#[test]
fn an_entry_is_acknowledged_and_read_only_once_it_is_durable() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    let request = produce(&mut bench, 0);
    assert_eq!(bench.deliver(&mut broker, 1, request), []);
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 0, 0)), [fetched(7, 0, &[])]);
    let acknowledged = bench.end_sync(&mut broker, Ok(()));
    assert_eq!(acknowledged, [produced(0, Stored { offset: 0 })]);
    let expected = fetched(8, 0, &[entry(&mut bench, 0)]);
    assert_eq!(bench.deliver(&mut broker, 2, fetch(8, 0, 0)), [expected]);
}

#[test]
fn what_arrives_during_a_sync_is_covered_by_the_next() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    for sequence in 0..3 {
        let request = produce(&mut bench, sequence);
        bench.deliver(&mut broker, 1, request);
    }
    assert_eq!(bench.syncs.len(), 1);
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [produced(0, Stored { offset: 0 })]);
    let rest = [produced(1, Stored { offset: 1 }), produced(2, Stored { offset: 2 })];
    assert_eq!(bench.end_sync(&mut broker, Ok(())), rest);
}

#[test]
fn a_duplicate_is_acknowledged_only_once_its_original_is_durable() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    let request = produce(&mut bench, 0);
    bench.deliver(&mut broker, 1, request.clone());
    assert_eq!(bench.deliver(&mut broker, 1, request.clone()), []);
    let stored = produced(0, Stored { offset: 0 });
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [stored.clone(), stored.clone()]);
    assert_eq!(bench.deliver(&mut broker, 1, request), [stored]);
    assert_eq!(bench.file(LOG).end().0, 1);
    assert_eq!(bench.reached(Moment::DuplicateWaited.site()), 1);
}

#[test]
fn without_a_sync_before_it_an_acknowledgement_is_immediate_and_may_be_a_lie() {
    for fsync in [Fsync::Never, Fsync::Interval(Span::millis(5))] {
        let mut bench = Bench::machine(0);
        let policy = Policy { fsync, ..POLICY };
        let mut broker = boot(&mut bench, policy);
        let request = produce(&mut bench, 0);
        let stored = [produced(0, Stored { offset: 0 })];
        assert_eq!(bench.deliver(&mut broker, 1, request), stored);
        bench.crash(Some(1));
        let mut broker = boot(&mut bench, policy);
        let out_of_range = Fetched { request: 7, partition: P, base: 1, reading: OUT_OF_RANGE };
        assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 1, 0)), [out_of_range]);
    }
}

#[test]
fn an_interval_syncs_what_has_gathered() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, Policy { fsync: Fsync::Interval(Span::millis(5)), ..POLICY });
    append(&mut bench, &mut broker, &[0, 1]);
    assert_eq!(bench.timers, [(INTERVAL, Span::millis(5))]);
    bench.wake(&mut broker, INTERVAL.0);
    bench.end_sync(&mut broker, Ok(()));
    bench.crash(Some(9));
    assert_eq!(bench.file(LOG).end().0, 2);
}

#[test]
fn producer_state_is_rebuilt_from_the_log() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    append(&mut bench, &mut broker, &[0, 1, 2]);
    bench.crash(None);
    let mut broker = boot(&mut bench, POLICY);
    for (sequence, verdict) in [(1, Stored { offset: 1 }), (4, Refused(Refusal::OutOfOrder))] {
        let request = produce(&mut bench, sequence);
        let answer = bench.deliver(&mut broker, 1, request);
        assert_eq!(answer, [produced(sequence, verdict)]);
    }
}

#[test]
fn a_broker_without_producer_state_appends_a_retry_again() {
    let mut bench = Bench::machine(0).write_through();
    let policy = Policy { producer_state: ProducerState::None, ..POLICY };
    let mut broker = boot(&mut bench, policy);
    append(&mut bench, &mut broker, &[0, 0]);
    assert_eq!(bench.file(LOG).end().0, 2);
}

#[test]
fn a_body_that_went_bad_is_refused_unless_the_policy_is_to_trust() {
    for (checksum, verdict) in
        [(Verify::Verify, Refused(Refusal::Corrupt)), (Verify::Trust, Stored { offset: 0 })]
    {
        let mut bench = Bench::machine(0).write_through();
        let mut broker = boot(&mut bench, Policy { checksum, ..POLICY });
        let mut request = produce(&mut bench, 0);
        assert!(crate::node::Message::corrupt(&mut request, 3, &mut bench.desk.blobs));
        assert_eq!(bench.deliver(&mut broker, 1, request), [produced(0, verdict)]);
    }
}

#[test]
fn an_unknown_partition_is_refused() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    let produce = Produce { entry: entry(&mut bench, 0), identity: Identity::None };
    let request = Message::Produce { partition: PartitionId(9), acks: Acks::All, produce };
    let [Produced { verdict, .. }] = bench.deliver(&mut broker, 1, request)[..] else {
        panic!("no answer")
    };
    assert_eq!(verdict, Refused(Refusal::UnknownPartition));
}

#[test]
fn a_long_poll_ends_with_data_or_with_its_wait() {
    let mut bench = Bench::machine(0).write_through();
    let mut broker = boot(&mut bench, POLICY);
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 0, 100)), []);
    assert_eq!(bench.timers, [(PARKED, Span::millis(100))]);
    let request = produce(&mut bench, 0);
    let found = [produced(0, Stored { offset: 0 }), fetched(7, 0, &[entry(&mut bench, 0)])];
    assert_eq!(bench.deliver(&mut broker, 1, request), found);
    assert_eq!(bench.timers, [], "nobody waits any more");

    assert_eq!(bench.deliver(&mut broker, 2, fetch(8, 1, 100)), []);
    bench.now += Span::millis(60);
    assert_eq!(bench.deliver(&mut broker, 3, fetch(9, 1, 100)), []);
    bench.now += Span::millis(40);
    bench.timers.clear();
    assert_eq!(bench.wake(&mut broker, PARKED.0), [fetched(8, 1, &[])]);
    assert_eq!(bench.timers, [(PARKED, Span::millis(60))]);
}

#[test]
fn a_torn_tail_is_cut_off_and_written_anew() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    append(&mut bench, &mut broker, &[0, 1]);
    bench.file(LOG).damage(crate::id::Position(1));
    bench.crash(None);
    let mut broker = boot(&mut bench, POLICY);
    assert_eq!(bench.reached(Moment::TailTruncated.site()), 1);
    let request = produce(&mut bench, 1);
    assert_eq!(bench.deliver(&mut broker, 1, request), []);
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [produced(1, Stored { offset: 1 })]);
}

#[test]
fn earlier_damage_closes_the_partition_loudly() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    append(&mut bench, &mut broker, &[0, 1]);
    bench.file(LOG).damage(crate::id::Position(0));
    bench.crash(None);
    let mut broker = boot(&mut bench, POLICY);
    let request = produce(&mut bench, 1);
    let refused = [produced(1, Refused(Refusal::Closed))];
    assert_eq!(bench.deliver(&mut broker, 1, request), refused);
    let closed = Fetched { request: 7, partition: P, base: 0, reading: Reading::Closed };
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 0, 0)), [closed]);
}

#[test]
fn damaged_group_offsets_stop_the_broker() {
    let mut bench = Bench::machine(0).write_through();
    let mut broker = boot(&mut bench, POLICY);
    let commit = |offset| Message::Commit { request: None, group: G, partition: P, offset };
    bench.deliver(&mut broker, 2, commit(1));
    bench.deliver(&mut broker, 2, commit(2));
    bench.file(OFFSETS).damage(crate::id::Position(0));
    boot(&mut bench, POLICY);
    assert_eq!(bench.exits, [None]);
}

#[test]
fn a_failed_sync_acknowledges_nothing_and_leaves_nothing_behind() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    append(&mut bench, &mut broker, &[0]);
    let request = produce(&mut bench, 1);
    bench.deliver(&mut broker, 1, request.clone());
    assert_eq!(bench.end_sync(&mut broker, Err(DiskError::Failed)), []);
    assert_eq!(bench.exits, [Some(DISK_FAILED)]);
    bench.crash(None);
    let mut broker = boot(&mut bench, POLICY);
    assert_eq!(bench.file(LOG).end().0, 1, "only what was durable is found");
    assert_eq!(bench.deliver(&mut broker, 1, request), []);
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [produced(1, Stored { offset: 1 })]);
}

#[test]
fn a_group_stands_where_its_last_durable_commit_put_it() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    let commit = |offset| Message::Commit { request: Some(offset), group: G, partition: P, offset };
    let locate = Message::OffsetFetch { request: 9, group: G, partition: P };
    let located = |offset| [OffsetFetched { request: 9, partition: P, offset }];
    assert_eq!(bench.deliver(&mut broker, 2, commit(5)), []);
    assert_eq!(bench.deliver(&mut broker, 2, locate.clone()), located(0));
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [Committed { request: 5, partition: P }]);
    bench.deliver(&mut broker, 2, commit(3));
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [Committed { request: 3, partition: P }]);
    bench.crash(Some(0));
    let mut broker = boot(&mut bench, POLICY);
    assert_eq!(bench.deliver(&mut broker, 2, locate), located(5));
}
