use super::*;
use crate::id::GroupId;
use crate::model::bench::{Bench, PRODUCER};
use crate::model::broker::Verify;
use crate::model::consumer::CommitPolicy;
use crate::model::message::{Reading, Refusal};
use crate::model::producer::OnTimeout;
use WritePolicy::{DatabaseFirst, LogFirst, PublishThenCommit};

mod local;
mod outbox;

const P: PartitionId = PartitionId(0);
const SINK: SinkId = SinkId(2);
const GROUP: GroupId = GroupId(2);

fn policy(write: WritePolicy) -> ServicePolicy {
    let (broker, timeout, on_timeout) = (NodeId(0), Span::millis(50), OnTimeout::Resend);
    let (commit, checksum) = (CommitPolicy::Answered, Verify::Verify);
    let (group, batch, wait_max) = (GROUP, 10, Span::ZERO);
    let fetch =
        FetchPolicy { broker, group, batch, timeout, wait_max, commit, on_timeout, checksum };
    ServicePolicy { write, producer: PRODUCER, fetch, sink: SINK, local: None, outbox: None }
}

fn id(number: u32) -> MessageId {
    MessageId::new(NodeId(1), number)
}

/// A service that is to carry out so many operations, at once.
fn boot(bench: &mut Bench, write: WritePolicy, operations: u32) -> Service {
    bench.plan = (0..operations).map(|number| Planned::new(NodeId(1), number)).collect();
    bench.boot(|seat, disk| Service::boot(policy(write), seat, disk))
}

fn entry(bench: &mut Bench, number: u32) -> Entry {
    let body = bench.desk.blobs.put(&body_of(id(number)));
    Entry::new(id(number), 0, body)
}

fn produced(number: u32, verdict: Verdict) -> Message {
    Message::Produced { message: id(number), partition: P, verdict }
}

fn stored(number: u32) -> Message {
    produced(number, Verdict::Stored { offset: u64::from(number) })
}

/// The numbers of the messages that are published among what was sent.
fn published(sent: &[Message]) -> Vec<u32> {
    let number = |message: &Message| match message {
        Message::Produce { produce, .. } => produce.entry.message.planned().map(|(_, n)| n),
        _ => None,
    };
    sent.iter().filter_map(number).collect()
}

/// The numbers of the messages whose effects are on the disk.
fn effects(bench: &mut Bench) -> Vec<u32> {
    let mut effects = Vec::new();
    for (_, stored) in bench.file(STORE).records() {
        stored.intact().into_iter().for_each(|record| record.effects(&mut effects));
    }
    assert!(effects.iter().all(|effect| effect.sink == SINK));
    effects.iter().filter_map(|effect| effect.message.planned()).map(|(_, n)| n).collect()
}

/// The numbers of the operations that were begun, and of those that were acknowledged.
fn history(bench: &mut Bench) -> (Vec<u32>, Vec<u32>) {
    let (mut begun, mut acknowledged) = (Vec::new(), Vec::new());
    for event in std::mem::take(&mut bench.events) {
        let number = event.message().and_then(MessageId::planned).map(|(_, n)| n);
        match event {
            Event::SendInvoke { .. } => begun.extend(number),
            Event::SendOk { .. } => acknowledged.extend(number),
            _ => {}
        }
    }
    (begun, acknowledged)
}

#[test]
fn database_first_publishes_what_is_durable_and_begins_once() {
    let mut bench = Bench::machine(1);
    let mut service = boot(&mut bench, DatabaseFirst, 2);
    assert_eq!(history(&mut bench), (vec![0, 1], vec![]));
    assert_eq!(published(&bench.take_sent()), [] as [u32; 0]);
    assert_eq!(published(&bench.end_sync(&mut service, Ok(()))), [0]);
    assert_eq!(published(&bench.end_sync(&mut service, Ok(()))), [1]);
    assert_eq!(effects(&mut bench), [0, 1]);
    bench.deliver(&mut service, 0, stored(0));
    assert_eq!(history(&mut bench), (vec![], vec![0]));
}

#[test]
fn a_crash_after_the_commit_leaves_a_row_that_nobody_hears_of() {
    for (undone, left) in [(None, vec![0]), (Some(9), vec![])] {
        let mut bench = Bench::machine(1);
        boot(&mut bench, DatabaseFirst, 1);
        assert_eq!(published(&bench.take_sent()), [] as [u32; 0]);
        bench.crash(undone);
        // The plan of the next incarnation is without it, for it was begun.
        let service = boot(&mut bench, DatabaseFirst, 0);
        assert_eq!((published(&bench.take_sent()), effects(&mut bench)), (vec![], left.clone()));
        let rows: Vec<_> = service.store.rows(STATE).map(|(_, row)| row.message).collect();
        assert_eq!(rows, left.into_iter().map(id).collect::<Vec<_>>());
    }
}

#[test]
fn publish_then_commit_commits_what_is_acknowledged_and_a_crash_before_that_forgets_it() {
    let mut bench = Bench::machine(1);
    let mut service = boot(&mut bench, PublishThenCommit, 2);
    assert_eq!(published(&bench.take_sent()), [0, 1]);
    assert_eq!(effects(&mut bench), [] as [u32; 0]);
    bench.deliver(&mut service, 0, stored(0));
    bench.deliver(&mut service, 0, stored(0));
    bench.deliver(&mut service, 0, produced(1, Verdict::Refused(Refusal::UnknownPartition)));
    assert_eq!((effects(&mut bench), history(&mut bench)), (vec![0], (vec![0, 1], vec![0])));
    bench.crash(Some(9));
    boot(&mut bench, PublishThenCommit, 0);
    assert_eq!((published(&bench.take_sent()), effects(&mut bench)), (vec![], vec![]));
}

/// Answers the service's fetch with `log` from its offset on, and ends `syncs` syncs. Returns the
/// offset of the fetch.
fn serve(bench: &mut Bench, service: &mut Service, log: &[Entry], syncs: usize) -> u64 {
    let sent = bench.take_sent();
    let fetch = sent.iter().find_map(|message| match message {
        Message::Fetch { request, offset, .. } => Some((*request, *offset)),
        _ => None,
    });
    let (request, base) = fetch.expect("the service polls");
    let reading = Reading::Entries(log[base as usize..].to_vec());
    bench.with(|ctx| {
        service.deliver(NodeId(0), Message::Fetched { request, partition: P, base, reading }, ctx);
    });
    for _ in 0..syncs {
        let (file, ticket, extent) = bench.syncs.remove(0);
        bench.file(file).sync(extent, &mut Vec::new());
        bench.with(|ctx| service.synced(ticket, Ok(()), ctx));
    }
    base
}

#[test]
fn log_first_changes_its_state_by_what_it_reads_only() {
    let mut bench = Bench::machine(1);
    let mut service = boot(&mut bench, LogFirst, 2);
    let log = [entry(&mut bench, 0), entry(&mut bench, 7), entry(&mut bench, 0)];
    bench.deliver(&mut service, 0, stored(0));
    assert_eq!((effects(&mut bench), service.view()), (vec![], Some(0)));
    let mut service = boot(&mut bench, LogFirst, 0);
    bench.events.clear();
    assert_eq!(serve(&mut bench, &mut service, &log, 1), 0);
    // Another copy in the log changes nothing.
    assert_eq!(effects(&mut bench), [0, 7]);
    let offsets = |pick: fn(&Event) -> Option<u64>| {
        bench.events.iter().filter_map(pick).collect::<Vec<u64>>()
    };
    let polled = offsets(|event| match *event {
        Event::Polled { group: GROUP, offset, .. } => Some(offset),
        _ => None,
    });
    let committed = offsets(|event| match *event {
        Event::CommitOk { group: GROUP, offset, .. } => Some(offset),
        _ => None,
    });
    assert_eq!((polled, committed), (vec![0, 1, 2], vec![1, 2, 3]));
    let mut fold = crate::digest::SetDigest::new();
    log[..2].iter().for_each(|one| fold.insert(one.message.word(), one.body.fingerprint()));
    assert_eq!(service.view(), Some(fold.value()));
}

#[test]
fn state_and_position_survive_together_or_not_at_all() {
    for undone in 0..=3 {
        let mut bench = Bench::machine(1);
        let mut service = boot(&mut bench, LogFirst, 0);
        let log = [0, 1, 2].map(|number| entry(&mut bench, number));
        serve(&mut bench, &mut service, &log, 0);
        assert!(!bench.events.iter().any(|event| matches!(event, Event::CommitOk { .. })));
        bench.crash(Some(undone));
        let mut service = boot(&mut bench, LogFirst, 0);
        let left = 3 - u64::from(undone);
        let syncs = usize::from(undone > 0);
        assert_eq!(serve(&mut bench, &mut service, &log, syncs), left);
        assert_eq!(effects(&mut bench), [0, 1, 2]);
    }
}

#[test]
fn operations_begin_at_their_own_times() {
    for write in [LogFirst, DatabaseFirst, PublishThenCommit] {
        let mut bench = Bench::machine(1);
        let at = |number: u64| Span::millis(20 * number);
        bench.plan = (0..3)
            .map(|number| Planned { at: at(number.into()), ..Planned::new(NodeId(1), number) })
            .collect();
        let mut service = bench.boot(|seat, disk| Service::boot(policy(write), seat, disk));
        assert_eq!(history(&mut bench).0, [0]);
        bench.now += Span::millis(20);
        let due: Vec<_> = bench.timers.iter().filter(|(_, after)| *after == at(1)).collect();
        let timer = due[0].0;
        bench.wake(&mut service, timer.0);
        assert_eq!(history(&mut bench).0, [1], "{write:?}");
    }
}

#[test]
fn a_disk_that_fails_and_a_higher_epoch_end_the_process() {
    let mut bench = Bench::machine(1);
    let mut service = boot(&mut bench, DatabaseFirst, 1);
    assert_eq!(bench.end_sync(&mut service, Err(DiskError::Failed)), []);
    assert_eq!(bench.exits, [Some(DISK_FAILED)]);

    let mut bench = Bench::machine(1);
    let mut service = boot(&mut bench, LogFirst, 1);
    bench.deliver(&mut service, 0, produced(0, Verdict::Refused(Refusal::Fenced)));
    assert_eq!(bench.exits, [Some(FENCED)]);
}
