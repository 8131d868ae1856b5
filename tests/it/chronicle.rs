//! What led to what, as the world tells it.

use postulate::history::Event;
use postulate::id::{FileId, NodeId};
use postulate::run::{Chronicle, Examined, Moment, MomentKind, PassageFate, Subject, Worker};
use postulate::scenario::{Entry, catalogue};
use postulate::schedule::{Deed, Fault, Schedule, Strategy, Trigger, Trouble};
use postulate::seed::Seed;
use postulate::time::Span;
use postulate::zoo::zoo;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Every scenario and every specimen.
fn subjects() -> Vec<Arc<dyn Subject>> {
    let scenarios = catalogue().iter().map(|entry| entry.scenario().unwrap().subject().unwrap());
    scenarios.chain(zoo().iter().map(|specimen| specimen.subject().unwrap())).collect()
}

fn worker(subject: &Arc<dyn Subject>) -> Box<dyn Worker> {
    Arc::clone(subject).worker(Arc::default())
}

/// Calls `check` with each subject and some of its seeds under every strategy.
fn each(check: impl Fn(&Arc<dyn Subject>, &mut dyn Worker, &Schedule)) {
    for subject in subjects() {
        let mut worker = worker(&subject);
        for seed in 0..2 {
            for strategy in Strategy::ALL {
                let schedule = Schedule::seeded(Seed(seed)).ordered(strategy);
                check(&subject, worker.as_mut(), &schedule);
            }
        }
    }
}

#[test]
fn a_run_is_the_same_whoever_looks_on() {
    each(|subject, worker, schedule| {
        let run = worker.run(schedule);
        let Examined { inspection, .. } = worker.examine(schedule);
        assert_eq!(inspection.run, run, "{} {}", subject.name(), schedule.seed);
        let inspected = worker.inspect(schedule);
        assert_eq!(inspected.trace, inspection.trace);
        assert_eq!(inspected.rewritten, inspection.rewritten);
    });
}

#[test]
fn every_moment_is_led_to_by_what_came_before_it() {
    each(|subject, worker, schedule| {
        let Examined { inspection, chronicle } = worker.examine(schedule);
        let place = format!("{} {}", subject.name(), schedule.seed);
        for (number, moment) in chronicle.moments.iter().enumerate() {
            assert!(moment.causes.iter().all(|&cause| cause < number), "{place}: {moment:?}");
            let needs_none = matches!(
                moment.kind,
                MomentKind::Boot
                    | MomentKind::Fault
                    | MomentKind::Heal
                    | MomentKind::End
                    | MomentKind::Input
            );
            assert!(needs_none || !moment.causes.is_empty(), "{place}: {moment:?}");
        }
        for moment in &chronicle.moments {
            let Some(line) = moment.line else { continue };
            let told = &inspection.trace[line];
            assert_eq!(told.at, moment.at, "{place}: {moment:?}");
            assert!(told.text.ends_with(&moment.text), "{place}: {told} for {moment:?}");
        }
        check_messages(&chronicle, &place);
        check_lives(&chronicle, &place);
        check_pasts(&chronicle, &place);
        check_pauses(&chronicle, &place);
        assert_eq!(chronicle.entered.len(), inspection.history.operations().len());
        for (operation, entered) in inspection.history.operations().iter().zip(&chronicle.entered) {
            if matches!(operation.event, Event::Plan { .. }) {
                assert_eq!(*entered, None);
                continue;
            }
            let moment = &chronicle.moments[entered.expect("somebody entered it")];
            assert!(moment.at <= operation.at, "{place}: {operation:?} at {moment:?}");
            if !matches!(operation.event, Event::Heal | Event::End { .. }) {
                let who = (Some(operation.process), operation.incarnation);
                assert_eq!((moment.node, moment.incarnation), who, "{place}: {operation:?}");
            }
        }
    });
}

/// The kinds of moments that a process lives through.
fn is_lived(kind: MomentKind) -> bool {
    use MomentKind::{
        Boot, Crash, Dead, Drop, End, Exit, Fault, Heal, Input, Lift, Message, Notice, PowerCut,
        Resume, Sync, Timer, Void,
    };
    match kind {
        Boot | Message | Timer | Sync | Notice | Input | Resume | Crash | PowerCut | Exit => true,
        Drop | Void | Dead | Fault | Lift | Heal | End => false,
    }
}

/// A machine remembers all that it lived through.
fn check_lives(chronicle: &Chronicle, place: &str) {
    let mut newest = BTreeMap::new();
    for (number, moment) in chronicle.moments.iter().enumerate() {
        let Some(node) = moment.node.filter(|_| is_lived(moment.kind)) else { continue };
        let Some((before, incarnation)) = newest.insert(node, (number, moment.incarnation)) else {
            assert_eq!((moment.kind, moment.incarnation), (MomentKind::Boot, 0), "{place}");
            continue;
        };
        assert!(moment.causes.contains(&before), "{place}: {moment:?}");
        let next = incarnation + u16::from(moment.kind == MomentKind::Boot);
        assert_eq!(moment.incarnation, next, "{place}: {moment:?}");
    }
}

/// A past lacks nothing that led to it, and has nothing else.
fn check_pasts(chronicle: &Chronicle, place: &str) {
    let all = chronicle.moments.len();
    for anchors in [vec![all - 1], vec![all / 2], vec![all / 3, 2 * all / 3]] {
        let place = format!("{place} {anchors:?}");
        let past = chronicle.past(&anchors);
        assert!(past.is_sorted() && anchors.iter().all(|anchor| past.contains(anchor)));
        let mut led = BTreeSet::new();
        for moment in past.iter().map(|&it| &chronicle.moments[it]) {
            led.extend(&moment.causes);
        }
        assert!(led.iter().all(|cause| past.binary_search(cause).is_ok()), "{place}");
        let is_reason = |it: &usize| led.contains(it) || anchors.contains(it);
        assert!(past.iter().all(is_reason), "{place}");
    }
}

/// What a callback does after a fault has struck in the middle of it is its own deed.
#[test]
fn a_fault_between_two_actions_takes_no_credit_for_the_second() {
    let subject =
        Entry::named("log-with-snapshots").unwrap().scenario().unwrap().subject().unwrap();
    let mut worker = worker(&subject);
    let broker = NodeId(0);
    let lasting = Span::millis(1);
    let struck = [
        Trouble::Pause { node: NodeId(1), lasting },
        Trouble::Hold { from: NodeId(1), to: NodeId(2), lasting },
    ];
    for what in struck {
        let when = Trigger::Done { node: broker, what: Deed::Append(FileId(1)), nth: 1 };
        let schedule = Schedule { faults: vec![Fault { when, what }], ..Schedule::quiet() };
        let Examined { chronicle, .. } = worker.examine(&schedule);
        let faults = (0..).zip(&chronicle.moments);
        let (strike, fault) = faults.into_iter().find(|(_, it)| it.fault.is_some()).unwrap();
        let [callback] = fault.causes[..] else { panic!("{fault:?}") };
        assert!(fault.does.is_empty(), "{fault:?}");
        let deeds = &chronicle.moments[callback].does;
        let append = deeds.iter().position(|deed| deed.text.starts_with("appends ")).unwrap();
        assert!(append + 1 < deeds.len(), "it does nothing afterwards: {deeds:?}");
        assert!(chronicle.messages.iter().all(|message| message.sent != strike));
        check_messages(&chronicle, subject.name());
    }
}

#[test]
fn a_pause_lasts_as_long_as_its_machine_stands_still() {
    let subject =
        Entry::named("log-with-snapshots").unwrap().scenario().unwrap().subject().unwrap();
    let mut worker = worker(&subject);
    let node = NodeId(0);
    let after = |events, what| Fault { when: Trigger::After { node, events }, what };
    let pause = |millis| Trouble::Pause { node, lasting: Span::millis(millis) };
    let crash = Trouble::Crash { node, down: Span::millis(2) };
    let at = Trigger::After { node: NodeId(1), events: 2 };
    let mut check = |faults: Vec<Fault>, ends: &[MomentKind]| {
        let schedule = Schedule { faults, ..Schedule::quiet() };
        let Examined { chronicle, .. } = worker.examine(&schedule);
        check_pauses(&chronicle, subject.name());
        let ended = chronicle.bands.iter().map(|band| chronicle.moments[band.to.unwrap()].kind);
        assert_eq!(ended.collect::<Vec<_>>(), ends, "{:?}", schedule.faults);
    };
    check(vec![after(1, pause(30))], &[MomentKind::Resume]);
    check(vec![after(1, pause(30)), after(1, pause(60))], &[MomentKind::Resume; 2]);
    let dies = Fault { when: at, what: crash.clone() };
    check(vec![after(1, pause(500)), dies], &[MomentKind::Crash]);
    check(vec![after(1, crash), after(1, pause(30))], &[]);
}

/// A pause ends when its machine goes on, or dies; one of a machine that is down never begins.
fn check_pauses(chronicle: &Chronicle, place: &str) {
    for band in &chronicle.bands {
        let Trouble::Pause { node, .. } = band.what else { continue };
        let place = format!("{place}: {band:?}");
        let end = band.to.unwrap_or(chronicle.moments.len());
        let during = &chronicle.moments[band.from + 1..end];
        let lives = |moment: &&Moment| moment.node == Some(node) && is_lived(moment.kind);
        assert_eq!(during.iter().find(lives), None, "{place}");
        let Some(last) = band.to.map(|to| &chronicle.moments[to]) else { continue };
        let is_end = matches!(
            last.kind,
            MomentKind::Resume | MomentKind::Crash | MomentKind::PowerCut | MomentKind::Exit
        );
        assert!(last.kind == MomentKind::Heal || is_end && last.node == Some(node), "{place}");
    }
}

fn check_messages(chronicle: &Chronicle, place: &str) {
    for (number, passage) in chronicle.messages.iter().enumerate() {
        let at = |moment: usize| &chronicle.moments[moment];
        assert_eq!(at(passage.sent).node, Some(passage.from), "{place}: {passage:?}");
        let Some(ended) = passage.ended else {
            assert_eq!(passage.fate, PassageFate::Waiting, "{place}: {passage:?}");
            continue;
        };
        assert_eq!(at(ended).message, Some(number));
        assert!(at(ended).causes.contains(&passage.sent), "{place}: {passage:?}");
        let (node, kind) = match passage.fate {
            PassageFate::Delivered => (passage.to, MomentKind::Message),
            PassageFate::Dead => (passage.to, MomentKind::Dead),
            PassageFate::Lost => (passage.from, MomentKind::Drop),
            PassageFate::Void => (passage.from, MomentKind::Void),
            PassageFate::Waiting => panic!("{place}: {passage:?} waits and has ended"),
        };
        assert_eq!((at(ended).node, at(ended).kind), (Some(node), kind), "{place}: {passage:?}");
    }
}

#[test]
fn what_is_drawn_anew_is_a_run_like_another() {
    each(|subject, worker, schedule| {
        let run = worker.run(schedule);
        let quiet = worker.inspect(schedule).rewritten;
        for (keep, seed) in [(0, 7), (run.stats.events / 3, 8), (run.stats.events * 7 / 8, 9)] {
            let place = format!("{} {} after {keep}", subject.name(), schedule.seed);
            let redrawn = worker.redraw(&quiet, keep, Seed(seed));
            assert_eq!(worker.redraw(&quiet, keep, Seed(seed)), redrawn, "{place}");
            let rewritten = worker.redrawn(&quiet, keep, Seed(seed));
            let again = worker.run(&rewritten);
            assert_eq!(
                (again.digest, &again.outcome),
                (redrawn.digest, &redrawn.outcome),
                "{place}"
            );
            let (one, other) = (worker.inspect(&quiet).trace, worker.inspect(&rewritten).trace);
            let handled = |text: &str| !text.starts_with("world: ");
            let common = one.iter().zip(&other).take_while(|(one, other)| one == other);
            let common = common.filter(|(event, _)| handled(&event.text)).count() as u64;
            assert!(common >= keep.min(redrawn.stats.events), "{place}: {common}");
        }
        let all = worker.redraw(&quiet, run.stats.events, Seed(10));
        assert_eq!((all.digest, all.outcome), (run.digest, run.outcome), "{}", subject.name());
    });
}
