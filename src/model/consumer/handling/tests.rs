use super::*;
use crate::choice::{Actor, Choice, Key, Site};
use crate::history::{Effect, Event};
use crate::id::{FileId, GroupId, NodeId};
use crate::model::bench::Bench;
use crate::model::consumer::tests::{boot, effects, entries, policy, serve};
use crate::model::consumer::{ConsumerPolicy, Guard, HandlingPolicy, InboxExpiry};
use crate::node::{DiskError, Node};
use crate::projection::{Row, view};
use crate::seed::{Ratio, Seed};

const POLITE: HandlingPolicy = HandlingPolicy {
    backoff: Span::millis(10),
    retries: 2,
    dead_letters: SinkId(7),
    ..HandlingPolicy::SMOOTH
};
/// The timer of the first lane's handling, behind the client's two.
const TIMER: u8 = 2;

/// Lets syncs end and timers fire, `syncs` and `timers` of them at most, and answers what is asked.
/// Returns the offsets that were committed.
fn live(
    bench: &mut Bench,
    consumer: &mut Consumer,
    log: &[Entry],
    (mut syncs, mut timers): (usize, usize),
) -> Vec<u64> {
    let mut commits = serve(bench, consumer, log, 0);
    loop {
        let sent = if syncs > 0 && !bench.syncs.is_empty() {
            syncs -= 1;
            bench.end_sync(consumer, Ok(()))
        } else if timers > 0 && bench.timers.iter().any(|(timer, _)| timer.0 >= TIMER) {
            timers -= 1;
            let set = bench.timers.iter().position(|(timer, _)| timer.0 >= TIMER).unwrap();
            let (timer, after) = bench.timers.remove(set);
            bench.now += after;
            bench.wake(consumer, timer.0)
        } else {
            return commits;
        };
        bench.sent.extend(sent.into_iter().map(|message| (None, message)));
        commits.extend(serve(bench, consumer, log, 0));
    }
}

const ALL: (usize, usize) = (1_000, 1_000);

/// Decides that the `occurrence`-th handling of this incarnation fails.
fn fail(bench: &mut Bench, occurrence: u32) {
    let actor = Actor::Node(bench.station.node, bench.station.incarnation);
    let key = Key::new(Site::Node, actor, FAILING, occurrence);
    bench.desk.decider.reset(Seed(0), false, [(key, Choice::Value(1))].into_iter(), false);
}

/// The effects of one message whose consumer loses power after so many syncs, and goes on.
#[track_caller]
fn check_split(dedup: Dedup, syncs: usize, applied: usize) {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..1);
    let policy =
        ConsumerPolicy { inbox_expiry: InboxExpiry::Entries(9), ..policy(Settle::After, dedup) };
    let mut consumer = boot(&mut bench, policy);
    live(&mut bench, &mut consumer, &log, (syncs, 0));
    bench.crash(Some(u32::MAX));
    let mut consumer = boot(&mut bench, policy);
    assert_eq!(live(&mut bench, &mut consumer, &log, ALL), [1], "{dedup:?}, {syncs}");
    assert_eq!(effects(&mut bench).len(), applied, "{dedup:?}, {syncs}");
}

#[test]
fn a_crash_between_two_commits_doubles_or_swallows_and_one_commit_has_no_between() {
    for (syncs, inbox, after, before) in [(0, 1, 1, 1), (1, 1, 2, 0), (2, 1, 1, 1)] {
        check_split(Dedup::Inbox, syncs, inbox);
        check_split(Dedup::InboxAfterEffect, syncs, after);
        check_split(Dedup::InboxBeforeEffect, syncs, before);
    }
}

/// How often a message takes effect whose first handling fails.
#[track_caller]
fn check_failing(dedup: Dedup, applied: usize) {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..1);
    let handling = HandlingPolicy { failing: Ratio::new(1, 9).unwrap(), ..POLITE };
    fail(&mut bench, 0);
    let mut consumer =
        boot(&mut bench, ConsumerPolicy { handling, ..policy(Settle::After, dedup) });
    assert_eq!(live(&mut bench, &mut consumer, &log, ALL), [1]);
    assert_eq!(effects(&mut bench).len(), applied, "{dedup:?}");
    assert_eq!(bench.reached(Moment::HandlingFailed.site()), 1);
}

#[test]
fn a_retry_is_swallowed_if_the_message_was_entered_before_its_effect() {
    check_failing(Dedup::MemoryBeforeEffect, 0);
    check_failing(Dedup::InboxBeforeEffect, 0);
    for dedup in [Dedup::Inbox, Dedup::InboxAfterEffect, Dedup::Memory, Dedup::None] {
        check_failing(dedup, 1);
    }
}

/// What becomes of three messages of which the second is poison: the effects, and the commits.
fn poisoned(on_failure: OnFailure, settle: Settle) -> (Bench, Vec<Effect>, Vec<u64>) {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..3);
    let handling = HandlingPolicy { poison: Some(2), on_failure, ..POLITE };
    let policy = ConsumerPolicy { handling, ..policy(settle, Dedup::Inbox) };
    let mut consumer = boot(&mut bench, policy);
    let commits = live(&mut bench, &mut consumer, &log, (1_000, 20));
    let mut effects = Vec::new();
    for (_, stored) in bench.file(FileId(0)).records() {
        stored.intact().into_iter().for_each(|record| record.effects(&mut effects));
    }
    (bench, effects, commits)
}

#[test]
fn what_always_fails_blocks_is_skipped_or_is_parked() {
    for (on_failure, sinks, commits, tries) in [
        (OnFailure::Retry, &[0][..], &[][..], 21),
        (OnFailure::Skip, &[0, 0], &[3], 3),
        (OnFailure::Park, &[0, 7, 0], &[3], 3),
    ] {
        let (bench, effects, committed) = poisoned(on_failure, Settle::After);
        let landed: Vec<_> = effects.iter().map(|effect| effect.sink.0).collect();
        assert_eq!((&landed[..], &committed[..]), (sinks, commits), "{on_failure:?}");
        assert_eq!(bench.reached(Moment::HandlingFailed.site()), tries, "{on_failure:?}");
    }
}

#[test]
fn a_dead_letter_and_the_position_behind_it_are_one_commit() {
    let (mut bench, effects, _) = poisoned(OnFailure::Park, Settle::Atomic);
    assert_eq!(effects.len(), 3);
    let parked = bench.file(FileId(0)).records().filter_map(|(_, stored)| match stored.intact() {
        Some(crate::model::Record::Handled(handled)) => Some(handled.tables),
        _ => None,
    });
    let parked: Vec<_> = parked.filter(|tables| tables.has(Tables::dead_letters())).collect();
    assert_eq!(parked, [Tables::POISONED.and(Tables::POSITIONS)]);
}

#[test]
fn a_dead_letter_that_comes_again_is_not_parked_again() {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..1);
    let handling =
        HandlingPolicy { poison: Some(1), on_failure: OnFailure::Park, retries: 0, ..POLITE };
    let policy = ConsumerPolicy { handling, ..policy(Settle::After, Dedup::Inbox) };
    for _ in 0..2 {
        let mut consumer = boot(&mut bench, policy);
        assert_eq!(live(&mut bench, &mut consumer, &log, ALL), [1]);
        bench.crash(None);
    }
    assert_eq!(effects(&mut bench), [log[0].message]);
}

/// How often a message takes effect that comes again after the clock has stepped by `step`.
#[track_caller]
fn check_step(inbox_expiry: InboxExpiry, step: Span, applied: usize) {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..1);
    let policy = ConsumerPolicy { inbox_expiry, ..policy(Settle::After, Dedup::Inbox) };
    for _ in 0..2 {
        let mut consumer = boot(&mut bench, policy);
        live(&mut bench, &mut consumer, &log, ALL);
        bench.crash(None);
        bench.station.clock.step(step.nanos().cast_signed());
    }
    assert_eq!(effects(&mut bench).len(), applied, "{inbox_expiry:?}, {step}");
}

#[test]
fn a_clock_that_steps_makes_a_row_expire_and_an_offset_does_not_step() {
    let clock = InboxExpiry::Clock(Span::secs(2));
    check_step(clock, Span::secs(1), 1);
    check_step(clock, Span::secs(3), 2);
    check_step(InboxExpiry::Entries(9), Span::secs(3), 1);
}

/// How often a message takes effect that stands in both partitions of a consumer, whose handling
/// takes its time.
#[track_caller]
fn check_two_lanes(dedup: Dedup, applied: usize) {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..1);
    let handling = HandlingPolicy { work: Span::millis(5), ..POLITE };
    let policy = ConsumerPolicy { handling, partitions: 2, ..policy(Settle::After, dedup) };
    let mut consumer = boot(&mut bench, policy);
    let commits = live(&mut bench, &mut consumer, &log, ALL);
    assert_eq!((commits.len(), effects(&mut bench).len()), (2, applied), "{dedup:?}");
}

#[test]
fn two_lanes_that_looked_up_before_either_wrote_are_told_apart_by_a_unique_key_only() {
    check_two_lanes(Dedup::Checked, 2);
    check_two_lanes(Dedup::Inbox, 1);
    check_two_lanes(Dedup::Memory, 1);
    check_two_lanes(Dedup::None, 2);
}

#[test]
fn a_projection_holds_the_newest_of_each_key_if_a_guard_keeps_it() {
    for (guard, superseded) in [(Guard::Version, 1), (Guard::None, 0)] {
        let mut bench = Bench::machine(1);
        let log = entries(&mut bench, 0..3);
        let log = [log[0], log[2], log[1]];
        let policy =
            ConsumerPolicy { apply: Apply::Upsert, guard, ..policy(Settle::After, Dedup::None) };
        let mut consumer = boot(&mut bench, policy);
        assert_eq!(live(&mut bench, &mut consumer, &log, ALL), [3]);
        let row = |entry: &Entry| Row {
            key: entry.key,
            message: entry.message,
            payload: entry.body.fingerprint(),
        };
        let last = if guard == Guard::Version { &log[1] } else { &log[2] };
        assert_eq!(consumer.view(), Some(view([row(last)]).value()), "{guard:?}");
        assert_eq!(effects(&mut bench).len(), 3, "each update is applied");
        assert_eq!(bench.reached(Moment::UpdateSuperseded.site()), superseded);
        bench.crash(None);
        assert_eq!(boot(&mut bench, policy).view(), consumer.view(), "found again by a boot");
    }
}

#[test]
fn a_position_beside_the_effect_is_told_as_a_commit_once_it_is_durable() {
    for dedup in [Dedup::Inbox, Dedup::InboxAfterEffect, Dedup::None] {
        let mut bench = Bench::machine(1);
        let log = entries(&mut bench, 0..2);
        let mut consumer = boot(&mut bench, policy(Settle::Atomic, dedup));
        live(&mut bench, &mut consumer, &log, ALL);
        let (group, partition) = (GroupId(0), PartitionId(0));
        let invoke = |offset| Event::CommitInvoke { group, partition, offset };
        let ok = |offset| Event::CommitOk { group, partition, offset };
        let told: Vec<_> = bench
            .events
            .iter()
            .copied()
            .filter(|event| !matches!(event, Event::Polled { .. }))
            .collect();
        let expected = match dedup {
            Dedup::InboxAfterEffect => [invoke(1), ok(1), invoke(2), ok(2)],
            _ => [invoke(1), invoke(2), ok(1), ok(2)],
        };
        assert_eq!(told, expected, "{dedup:?}");
    }
}

#[test]
fn a_failed_sync_starts_a_handling_over() {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..1);
    let mut consumer = boot(&mut bench, policy(Settle::After, Dedup::InboxAfterEffect));
    serve(&mut bench, &mut consumer, &log, 0);
    assert_eq!(bench.end_sync(&mut consumer, Err(DiskError::Failed)), []);
    assert_eq!((bench.exits.len(), effects(&mut bench).len()), (1, 0));
}

#[test]
fn every_step_of_a_handling_shows_in_the_fingerprint() {
    let mut bench = Bench::machine(1);
    let log = entries(&mut bench, 0..2);
    let handling =
        HandlingPolicy { work: Span::millis(5), failing: Ratio::new(1, 9).unwrap(), ..POLITE };
    let policy = ConsumerPolicy { handling, ..policy(Settle::After, Dedup::InboxAfterEffect) };
    fail(&mut bench, 0);
    let mut consumer = boot(&mut bench, policy);
    serve(&mut bench, &mut consumer, &log, 0);
    let mut seen = Vec::new();
    let mut digest = Digest::new();
    while let Stage::Handling(task) = &consumer.lanes[0] {
        let mut now = Digest::new();
        task.fingerprint(&mut now);
        assert!(!seen.contains(&now), "{task:?}");
        seen.push(now);
        consumer.fingerprint(&mut digest);
        let (syncs, timers) = (bench.syncs.len(), 1 - bench.syncs.len());
        live(&mut bench, &mut consumer, &log, (syncs, timers));
    }
    // Working, backing off, working, two commits; then the same without the failure.
    assert_eq!(seen.len(), 5 + 3);
    assert_eq!(bench.station.node, NodeId(1));
}
