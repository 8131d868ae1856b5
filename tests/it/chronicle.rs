//! What led to what, as the world tells it.

use postulate::history::Event;
use postulate::run::{Chronicle, Examined, MomentKind, PassageFate, Subject, Worker};
use postulate::scenario::catalogue;
use postulate::schedule::{Schedule, Strategy};
use postulate::seed::Seed;
use postulate::zoo::zoo;
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
        check_messages(&chronicle, &place);
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
