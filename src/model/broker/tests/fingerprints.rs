//! Brokers that behave differently have different fingerprints, whatever the policy.

use super::*;

type Step = fn(&mut Bench, &mut Broker);

/// A broker after `shared` and after `shared` and `further`.
#[track_caller]
fn differ(policy: Policy, shared: Step, further: Step) {
    let mut fingerprints = Vec::new();
    for steps in [&[shared][..], &[shared, further]] {
        let mut bench = Bench::machine(0);
        let mut broker = boot(&mut bench, policy);
        steps.iter().for_each(|step| step(&mut bench, &mut broker));
        fingerprints.push(fingerprint(&broker));
    }
    assert_ne!(fingerprints[0], fingerprints[1]);
}

fn send(bench: &mut Bench, broker: &mut Broker, number: u32, identity: Identity) {
    let request = named(bench, number, identity);
    bench.deliver(broker, 1, request);
}

fn first(bench: &mut Bench, broker: &mut Broker) {
    send(bench, broker, 0, batch(0, 0));
}

fn sync(bench: &mut Bench, broker: &mut Broker) {
    bench.end_sync(broker, Ok(()));
}

/// Brokers that have done the same but for the name of what they appended, or its time.
#[track_caller]
fn names_differ(policy: Policy, names: &[(Identity, u64)]) {
    let fingerprints = names.iter().map(|&(identity, at_ms)| {
        let mut bench = Bench::machine(0);
        let mut broker = boot(&mut bench, policy);
        bench.now = Instant::START + Span::millis(at_ms);
        send(&mut bench, &mut broker, 0, identity);
        sync(&mut bench, &mut broker);
        fingerprint(&broker)
    });
    let distinct: std::collections::BTreeSet<u64> = fingerprints.collect();
    assert_eq!(distinct.len(), names.len(), "{policy:?}");
}

#[test]
fn what_is_remembered_shows() {
    let other =
        Identity::Batch(BatchId { producer: ProducerId(1 << 24 | 1), epoch: 0, sequence: 0 });
    let batches = [(batch(0, 0), 1), (batch(0, 1), 1), (batch(1, 0), 1), (other, 1)];
    names_differ(POLICY, &batches);
    names_differ(Policy { producer_state: ProducerState::HighestSequence, ..POLICY }, &batches);
    let window = Policy {
        producer_state: ProducerState::IdWindow,
        dedup_window: Span::millis(10),
        ..POLICY
    };
    let ids = [(Identity::Message(1), 1), (Identity::Message(2), 1), (Identity::Message(1), 2)];
    names_differ(window, &ids);
    let age = Policy {
        cleanup: Cleanup::Delete { age: Some(Span::millis(10)), records: None },
        ..POLICY
    };
    names_differ(age, &[(batch(0, 0), 1), (batch(0, 0), 2)]);
}

#[test]
fn who_is_to_be_told_of_a_failed_sync_shows() {
    let fingerprints = [1, 3].map(|from| {
        let mut bench = Bench::machine(0);
        let truncates = Policy { on_failed_sync: OnFailedSync::Truncate, ..POLICY };
        let mut broker = boot(&mut bench, truncates);
        let request = produce(&mut bench, 0);
        bench.deliver(&mut broker, from, request);
        sync(&mut bench, &mut broker);
        fingerprint(&broker)
    });
    assert_ne!(fingerprints[0], fingerprints[1]);
}

#[test]
fn what_is_under_way_shows() {
    let highest = Policy { producer_state: ProducerState::HighestSequence, ..POLICY };
    differ(highest, first, sync);
    differ(highest, first, |bench, broker| {
        // Undecided or a duplicate: that hangs on what is durable.
        end_sync_of(bench, broker, LOG, Ok(()));
    });
    differ(Policy { snapshot_every: Some(1), ..POLICY }, sync_first, sync);
    let cut = Policy { cleanup: Cleanup::Delete { age: None, records: Some(1) }, ..POLICY };
    let forgets = Policy { producer_state_kept: StateKept::WithLog, ..cut };
    for policy in [cut, forgets, Policy { cleanup: Cleanup::Compact, ..POLICY }] {
        differ(policy, two, |bench, broker| _ = bench.wake(broker, HOUSEKEEPING.0));
        differ(policy, two_and_wake, sync);
    }
}

fn sync_first(bench: &mut Bench, broker: &mut Broker) {
    first(bench, broker);
    sync(bench, broker);
}

fn two(bench: &mut Bench, broker: &mut Broker) {
    append(bench, broker, &[0, 1]);
}

fn two_and_wake(bench: &mut Bench, broker: &mut Broker) {
    two(bench, broker);
    bench.wake(broker, HOUSEKEEPING.0);
}
