//! Each fault by itself, under an explicit schedule: what happens, in which order, and how it ends.

use crate::toy::{Quirk, SERVER, Toy, survivable};
use postulate::choice::{Actor, Choice, Key, Site};
use postulate::history::{DownCause, EndCause, Event, Operation};
use postulate::id::{FileId, MessageId, NodeId};
use postulate::profile::{Envelope, FaultClass, Transport};
use postulate::run::{Inspection, Pulse, Subject};
use postulate::schedule::{Fault, Input, Part, Schedule, Trigger, Trouble};
use postulate::sim::World;
use postulate::time::{Instant, Span};
use std::sync::Arc;

const CLIENT: NodeId = NodeId(1);

fn inspect(quirk: Quirk, transport: Transport, schedule: &Schedule) -> Inspection {
    let toy = Toy::new(quirk, transport, survivable());
    Arc::new(toy).worker(Arc::new(Pulse::default())).inspect(schedule)
}

fn quiet(faults: Vec<Fault>, decisions: Vec<(Key, Choice)>) -> Schedule {
    let part = vec![Part::Client(NodeId(2))];
    let decisions = decisions.into_iter().collect();
    Schedule { faults, decisions, omit: part, ..Schedule::quiet() }
}

fn at(millis: u64, what: Trouble) -> Fault {
    Fault { when: Trigger::At(Instant::START + Span::millis(millis)), what }
}

fn put(occurrence: u32) -> Key {
    Key::new(Site::Message, Actor::Link(CLIENT, SERVER), 0, occurrence)
}

fn events(inspection: &Inspection, wanted: impl Fn(&Event) -> bool) -> Vec<Operation> {
    let operations = inspection.history.operations();
    operations.iter().filter(|operation| wanted(&operation.event)).copied().collect()
}

/// The story of a run, up to the line that `until` names.
fn story(inspection: &Inspection, until: &str) -> String {
    let mut text = String::new();
    for event in &inspection.trace {
        text.push_str(event.to_string().trim_end());
        text.push('\n');
        if event.text.contains(until) {
            break;
        }
    }
    text
}

#[test]
fn a_quiet_run_does_nothing_but_the_workload() {
    let inspection = inspect(Quirk::None, Transport::Stream, &quiet(vec![], vec![]));
    assert_eq!(inspection.run.stats.cause, Some(EndCause::Settled));
    assert_eq!((inspection.run.stats.sent, inspection.run.stats.delivered), (12, 12));
    assert!(inspection.rewritten.decisions.is_empty() && inspection.rewritten.faults.is_empty());
}

#[test]
fn a_lost_message_on_a_stream_breaks_its_connection() {
    let schedule = quiet(vec![], vec![(put(1), Choice::Lost)]);
    insta::assert_snapshot!(story(&inspect(Quirk::None, Transport::Stream, &schedule), "m1.2"));
}

#[test]
fn a_lost_datagram_waits_for_the_retry() {
    let schedule = quiet(vec![], vec![(put(1), Choice::Lost)]);
    insta::assert_snapshot!(story(&inspect(Quirk::None, Transport::Datagram, &schedule), "m1.2"));
}

#[test]
fn a_doubled_datagram_arrives_twice() {
    let twice = Choice::Twice { late: Span::ZERO, again: Span::millis(2) };
    let inspection =
        inspect(Quirk::None, Transport::Datagram, &quiet(vec![], vec![(put(0), twice)]));
    assert_eq!(inspection.run.stats.delivered, inspection.run.stats.sent + 1);
    assert_eq!(inspection.run.coverage.reached(postulate::id::SiteId(0)), 1);
}

#[test]
fn a_crash_after_the_first_action_tears_the_callback() {
    let crash = at(0, Trouble::Crash { node: SERVER, down: Span::millis(5) });
    let key = Key::new(Site::CrashPoint, Actor::Node(SERVER, 0), 0, 0);
    let schedule = quiet(vec![crash], vec![(key, Choice::AfterAction(1))]);
    let inspection = inspect(Quirk::None, Transport::Datagram, &schedule);
    // The append is made and the sync is not; the page cache survives the process.
    let effect = events(&inspection, |event| matches!(event, Event::Effect { .. }))[0];
    let down = events(&inspection, |event| matches!(event, Event::Down { .. }))[0];
    assert_eq!(effect.at, down.at);
    assert_eq!(down.event, Event::Down { cause: DownCause::Crash });
    insta::assert_snapshot!(story(&inspection, "fires"));
}

#[test]
fn a_power_cut_loses_what_was_not_synced_and_a_crash_does_not() {
    let key = Key::new(Site::CrashPoint, Actor::Node(SERVER, 0), 0, 0);
    let undo = Key::new(Site::PowerCut, Actor::Node(SERVER, 0), 0, 0);
    let decisions = vec![(key, Choice::AfterAction(2)), (undo, Choice::Undone(1))];
    let down = Span::millis(5);
    let ended = |what| {
        let schedule = quiet(vec![at(0, what)], decisions.clone());
        let inspection = inspect(Quirk::None, Transport::Datagram, &schedule);
        let first = events(&inspection, |event| matches!(event, Event::Effect { .. }))[0];
        let down = events(&inspection, |event| matches!(event, Event::Down { .. }))[0];
        (first.at <= down.at, inspection.run.coverage.bites(FaultClass::PowerCut))
    };
    assert_eq!(ended(Trouble::Crash { node: SERVER, down }), (true, 0));
    assert_eq!(ended(Trouble::PowerCut { node: SERVER, down }), (false, 1));
}

#[test]
fn a_crashed_client_leaves_its_open_send_unknown_and_the_next_goes_on() {
    let crash = at(1, Trouble::Crash { node: CLIENT, down: Span::millis(5) });
    let inspection = inspect(Quirk::None, Transport::Stream, &quiet(vec![crash], vec![]));
    let ends =
        events(&inspection, |event| matches!(event, Event::SendInfo { .. } | Event::SendOk { .. }));
    assert_eq!(ends[0].event, Event::SendInfo { message: MessageId::new(CLIENT, 0), attempt: 0 });
    assert!(ends[1..].iter().all(|operation| operation.incarnation == 1));
    assert_eq!(ends.len(), 6);
}

#[test]
fn a_paused_machine_handles_afterwards_what_has_waited() {
    let pause = at(1, Trouble::Pause { node: SERVER, lasting: Span::millis(80) });
    let inspection = inspect(Quirk::None, Transport::Datagram, &quiet(vec![pause], vec![]));
    insta::assert_snapshot!(story(&inspection, "Done"));
    assert_eq!(inspection.run.coverage.bites(FaultClass::Pause), 1);
}

#[test]
fn a_cut_is_one_way_unless_there_are_two() {
    let one_way = Trouble::Cut { from: vec![SERVER], to: vec![CLIENT], lasting: Span::millis(60) };
    let inspection =
        inspect(Quirk::None, Transport::Datagram, &quiet(vec![at(0, one_way)], vec![]));
    insta::assert_snapshot!(story(&inspection, "Done"));
    assert!(inspection.run.coverage.bites(FaultClass::Cut) > 0);
}

#[test]
fn a_held_link_releases_what_it_held() {
    let hold = Trouble::Hold { from: CLIENT, to: SERVER, lasting: Span::millis(20) };
    let inspection = inspect(Quirk::None, Transport::Stream, &quiet(vec![at(2, hold)], vec![]));
    insta::assert_snapshot!(story(&inspection, "m1.2"));
}

#[test]
fn a_full_disk_fails_the_sync_and_the_server_restarts() {
    let full = Trouble::FullDisk { node: SERVER, lasting: Span::millis(1) };
    let inspection = inspect(Quirk::None, Transport::Datagram, &quiet(vec![at(1, full)], vec![]));
    insta::assert_snapshot!(story(&inspection, "fires"));
    assert_eq!(inspection.run.coverage.bites(FaultClass::FullDisk), 1);
}

#[test]
fn failed_lying_and_slow_syncs_end_as_told() {
    let sync = |choice| {
        let key = Key::new(Site::Sync, Actor::Node(SERVER, 0), 0, 0);
        let inspection =
            inspect(Quirk::None, Transport::Datagram, &quiet(vec![], vec![(key, choice)]));
        let coverage = inspection.run.coverage.clone();
        let bites = |class| coverage.bites(class);
        (bites(FaultClass::FailedSync), bites(FaultClass::LyingSync), bites(FaultClass::SlowSync))
    };
    assert_eq!(sync(Choice::Failed(Span::ZERO)), (1, 0, 0));
    assert_eq!(sync(Choice::Lied(Span::ZERO)), (0, 1, 0));
    assert_eq!(sync(Choice::Late(Span::millis(7))), (0, 0, 1));
}

#[test]
fn rot_and_misplaced_writes_are_found_at_the_next_boot() {
    let append = Key::new(Site::Append, Actor::Node(SERVER, 0), 0, 1);
    let rot = Trouble::BitRot { node: SERVER, file: FileId(0), back: 0 };
    let crash = |millis| at(millis, Trouble::Crash { node: SERVER, down: Span::millis(1) });
    for (faults, decisions) in [
        (vec![at(30, rot), crash(31)], vec![]),
        (vec![crash(31)], vec![(append, Choice::Missed)]),
        (vec![crash(31)], vec![(append, Choice::Misdirected(1))]),
    ] {
        let toy = Toy::new(Quirk::None, Transport::Datagram, Envelope::CALM);
        let mut world = World::new(Arc::new(toy), Arc::default());
        world.reset(&quiet(faults, decisions));
        world.run();
        let bites: u32 = [FaultClass::BitRot, FaultClass::LostWrite, FaultClass::MisdirectedWrite]
            .iter()
            .map(|&class| world.coverage().bites(class))
            .sum();
        assert_eq!(bites, 1);
    }
}

#[test]
fn what_a_schedule_omits_is_left_out() {
    let sent = |omit| {
        let schedule = Schedule { omit, ..Schedule::quiet() };
        inspect(Quirk::None, Transport::Stream, &schedule).run.stats.invoked
    };
    assert_eq!(sent(vec![]), 12);
    assert_eq!(sent(vec![Part::Client(CLIENT)]), 6);
    assert_eq!(sent(vec![Part::Machine(CLIENT)]), 6);
    assert_eq!(sent(vec![Part::Operation(MessageId::new(CLIENT, 3))]), 11);
}

#[test]
fn a_budget_of_events_or_time_ends_a_run() {
    let cause = |schedule| inspect(Quirk::Deaf, Transport::Stream, &schedule).run.stats.cause;
    let events = Schedule { events_max: Some(50), ..Schedule::quiet() };
    assert_eq!(cause(events), Some(EndCause::Budget));
    let time = Schedule { time_max: Some(Span::millis(100)), ..Schedule::quiet() };
    assert_eq!(cause(time), Some(EndCause::Budget));
}

#[test]
fn a_busy_run_is_no_quiescent_one() {
    let cause = |quirk| inspect(quirk, Transport::Stream, &Schedule::quiet()).run.stats.cause;
    // The clients go on retrying: busy, and getting nowhere.
    assert_eq!(cause(Quirk::Deaf), Some(EndCause::Impatient));
    assert_eq!(cause(Quirk::Mute), Some(EndCause::Impatient));
    let schedule = Schedule { omit: vec![Part::Machine(CLIENT)], ..Schedule::quiet() };
    assert_eq!(
        inspect(Quirk::None, Transport::Stream, &schedule).run.stats.cause,
        Some(EndCause::Settled)
    );
}

#[test]
fn a_world_can_be_led_by_hand_and_fed_from_outside() {
    let toy = || Arc::new(Toy::new(Quirk::None, Transport::Stream, Envelope::CALM));
    let mut led = World::new(toy(), Arc::default());
    led.reset(&Schedule::quiet());
    led.advance_to(Instant::START + Span::micros(500));
    assert_eq!(led.now(), Instant::START + Span::micros(500));
    assert_eq!(led.next_at(), Instant::START + Span::millis(1));
    led.input(SERVER, 7, b"hello");
    led.run();

    let mut replayed = World::new(toy(), Arc::default());
    let input = Input {
        at: Instant::START + Span::micros(500),
        node: SERVER,
        connection: 7,
        bytes: b"hello".to_vec(),
    };
    replayed.reset(&Schedule { inputs: vec![input], ..Schedule::quiet() });
    replayed.run();
    assert_eq!(led.digest(), replayed.digest());

    let mut unfed = World::new(toy(), Arc::default());
    unfed.reset(&Schedule::quiet());
    unfed.run();
    assert_ne!(led.digest(), unfed.digest());
}

#[test]
fn the_heal_ends_faults_that_would_last_longer() {
    let cut = Trouble::Cut { from: vec![SERVER], to: vec![CLIENT], lasting: Span::secs(9) };
    let pause = Trouble::Pause { node: CLIENT, lasting: Span::secs(9) };
    let hold = Trouble::Hold { from: CLIENT, to: SERVER, lasting: Span::secs(9) };
    let crash = Trouble::Crash { node: SERVER, down: Span::secs(9) };
    for what in [cut, pause, hold, crash] {
        let schedule = Schedule {
            heal_at: Some(Instant::START + Span::millis(100)),
            ..quiet(vec![at(2, what.clone())], vec![])
        };
        let inspection = inspect(Quirk::None, Transport::Datagram, &schedule);
        let stats = inspection.run.stats;
        assert_eq!((stats.cause, stats.acknowledged), (Some(EndCause::Settled), 6), "{what:?}");
        assert!(stats.lasted < Span::secs(1), "{what:?} lasted {}", stats.lasted);
    }
}

#[test]
fn after_the_heal_nothing_is_drawn() {
    let toy = Toy::new(Quirk::Deaf, Transport::Datagram, survivable());
    let mut worker = Arc::new(toy).worker(Arc::new(Pulse::default()));
    let mut before = 0;
    for seed in 0..60 {
        let schedule = Schedule {
            time_max: Some(Span::secs(2)),
            ..Schedule::seeded(postulate::seed::Seed(seed))
        };
        let trace = worker.inspect(&schedule).trace;
        let heal = trace.iter().position(|event| event.text.contains("every fault is over"));
        let (faulty, healed) = trace.split_at(heal.expect("two seconds are past every heal"));
        let lost = |events: &[postulate::run::TraceEvent]| {
            events.iter().filter(|event| event.text.ends_with("is lost")).count()
        };
        before += lost(faulty);
        assert_eq!(lost(healed), 0, "seed {seed}");
    }
    assert!(before > 50, "{before} messages were lost before");
}

#[test]
fn the_sync_of_a_dead_process_is_nobody_elses() {
    let crash = at(0, Trouble::Crash { node: SERVER, down: Span::micros(10) });
    let key = Key::new(Site::CrashPoint, Actor::Node(SERVER, 0), 0, 0);
    let schedule = quiet(vec![crash], vec![(key, Choice::AfterAction(2))]);
    let inspection = inspect(Quirk::None, Transport::Datagram, &schedule);
    insta::assert_snapshot!(story(&inspection, "fires"));
}

#[test]
fn patience_counts_from_the_last_progress() {
    let hurried = Schedule {
        heal_at: Some(Instant::START),
        patience: Some(Span::millis(5)),
        ..quiet(vec![], vec![])
    };
    let ended = |quirk| {
        let stats = inspect(quirk, Transport::Datagram, &hurried).run.stats;
        (stats.cause, stats.acknowledged)
    };
    // Six sends of 2.2 ms each.
    assert_eq!(ended(Quirk::None), (Some(EndCause::Settled), 6));
    assert_eq!(ended(Quirk::Mute), (Some(EndCause::Impatient), 0));
}

#[test]
fn a_decision_about_what_comes_after_the_heal_is_void() {
    let schedule = Schedule {
        heal_at: Some(Instant::START + Span::millis(5)),
        ..quiet(vec![], vec![(put(1), Choice::Lost), (put(4), Choice::Lost)])
    };
    let inspection = inspect(Quirk::None, Transport::Datagram, &schedule);
    let lost = inspection.trace.iter().filter(|event| event.text.ends_with("is lost")).count();
    assert_eq!((lost, inspection.unmet.as_slice()), (1, [put(4)].as_slice()));
}
