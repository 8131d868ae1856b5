//! Failures explained: what is said of every specimen, and whether it is true.

use crate::toy::{Quirk, Toy};
use postulate::explain::{Effort, Explanation, NotExplained, explain};
use postulate::profile::{Envelope, Transport};
use postulate::report::{Account, Explained, Paint, explained_text};
use postulate::run::{MomentKind, Subject, Worker};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::zoo::{Specimen, zoo};
use std::sync::Arc;

/// Enough for all but the fine print of the curve.
const BRIEF: Effort = Effort { points: 12, redraws: 20, varied: 24 };

fn worker(subject: &Arc<dyn Subject>) -> Box<dyn Worker> {
    Arc::clone(subject).worker(Arc::default())
}

fn explained(subject: &Arc<dyn Subject>, schedule: &Schedule, effort: Effort) -> Explanation {
    let mut worker = worker(subject);
    explain(worker.as_mut(), subject.as_ref(), schedule, effort).unwrap()
}

/// The witness of a specimen, explained.
fn witness(specimen: &Specimen, effort: Effort) -> (Arc<dyn Subject>, Explanation) {
    let subject = specimen.subject().unwrap();
    let explanation = explained(&subject, &specimen.witness_schedule().unwrap(), effort);
    (subject, explanation)
}

fn account(name: &str, explanation: Explanation) -> Account {
    let (scenario, replay) = (name.to_owned(), format!("postulate replay {name}.json --explain"));
    Account { scenario, explanation, before: None, replay }
}

/// The first failing seed of a specimen, from `from` on.
fn failing(specimen: &Specimen, subject: &Arc<dyn Subject>, from: u64) -> Schedule {
    let mut worker = worker(subject);
    let rule = specimen.breaks.slug();
    let mut schedules = (from..).map(|seed| Schedule::seeded(Seed(seed)));
    schedules.find(|schedule| worker.run(schedule).outcome.group() == rule).unwrap()
}

#[test]
fn every_specimen_is_explained_in_words() {
    for specimen in zoo() {
        let (subject, explanation) = witness(specimen, Effort::default());
        let account = account(specimen.id, explanation);
        let text = explained_text(&account, subject.as_ref(), Paint::Plain);
        insta::assert_snapshot!(specimen.id, text);
    }
}

#[test]
fn a_whole_run_with_all_its_steps_fits_on_the_screen() {
    for specimen in zoo().iter().take(6) {
        let subject = specimen.subject().unwrap();
        let schedule = failing(specimen, &subject, 0);
        let explanation = explained(&subject, &schedule, BRIEF);
        assert!(explanation.steps.len() > 1, "{}", specimen.id);
        let account = account(specimen.id, explanation);
        let text = explained_text(&account, subject.as_ref(), Paint::Plain);
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", specimen.id);
        }
        assert!(text.lines().count() < 500, "{}: {} lines", specimen.id, text.lines().count());
        let painted = explained_text(&account, subject.as_ref(), Paint::Ansi);
        assert!(painted.contains("\x1b[") && !text.contains('\x1b'));
    }
}

#[test]
fn an_explanation_is_the_same_each_time() {
    for specimen in zoo() {
        let (subject, one) = witness(specimen, BRIEF);
        let (_, other) = witness(specimen, BRIEF);
        let told = |explanation| {
            let account = account(specimen.id, explanation);
            Explained::of(&account, subject.as_ref()).json()
        };
        assert_eq!(told(one), told(other), "{}", specimen.id);
    }
}

/// What is said of steps, curve and neighbour is put to the test by running it again.
#[test]
fn what_is_said_can_be_seen_by_running_it() {
    for specimen in zoo() {
        let (subject, explanation) = witness(specimen, BRIEF);
        let mut worker = worker(&subject);
        let group = explanation.group();
        let id = specimen.id;
        assert_eq!(worker.run(&explanation.schedule).outcome.group(), group, "{id}");
        for (step, lesser) in explanation.steps.iter().zip(explanation.schedule.lesser()) {
            assert!(step.is_needed, "{id}: a witness needs each of its steps, not {step:?}");
            assert_eq!(worker.run(&lesser).outcome.group(), step.without, "{id}");
        }
        let (first, last) = (explanation.curve[0], *explanation.curve.last().unwrap());
        assert_eq!(
            (first.keep, last.failed),
            (0, last.of),
            "{id}: all of it is kept, and it fails"
        );
        if let Some(rise) = explanation.rise {
            let after = worker.redraw(&explanation.schedule, rise.after.keep, Seed(1));
            assert_eq!(rise.after.keep, rise.before.keep + 1, "{id}: down to a single event");
            assert!(after.stats.events >= rise.after.keep.min(after.stats.events), "{id}");
        }
        let Some(nearest) = &explanation.nearest else { continue };
        let passing = worker.inspect(&nearest.schedule);
        assert_eq!(passing.run.outcome.group(), "holds", "{id}");
        let trace = &explanation.examined.inspection.trace;
        assert_eq!(trace[..nearest.common], passing.trace[..nearest.common], "{id}");
        assert_eq!(nearest.failing.as_ref(), trace.get(nearest.common), "{id}");
        assert_eq!(nearest.passing.as_ref(), passing.trace.get(nearest.common), "{id}");
        assert_ne!(nearest.failing, nearest.passing, "{id}");
    }
}

#[test]
fn steps_are_found_in_the_story() {
    for specimen in zoo() {
        let (_, explanation) = witness(specimen, BRIEF);
        let moments = &explanation.examined.chronicle.moments;
        for step in &explanation.steps {
            // What is drawn before anything happens.
            let told = format!("{:?}", step.step);
            let is_early = told.contains("Knob") || told.contains("Skew");
            assert_eq!(step.moments.is_empty(), is_early, "{}: {step:?}", specimen.id);
            assert!(step.moments.iter().all(|&it| explanation.is_past(it)), "{}", specimen.id);
        }
        for &anchor in &explanation.anchors {
            assert!(explanation.is_past(anchor) && anchor < moments.len());
        }
    }
}

#[test]
fn a_panic_is_explained_by_what_led_to_its_callback() {
    let toy = Toy::new(Quirk::Panics, Transport::Stream, Envelope::CALM);
    let subject: Arc<dyn Subject> = Arc::new(toy);
    let explanation = explained(&subject, &Schedule::quiet(), BRIEF);
    assert!(explanation.group().starts_with("panic at "), "{}", explanation.group());
    let [anchor] = explanation.anchors[..] else { panic!("{:?}", explanation.anchors) };
    let moment = &explanation.examined.chronicle.moments[anchor];
    assert_eq!((moment.node.unwrap().0, moment.kind), (0, MomentKind::Message));
    let account = account("toy", explanation);
    let text = explained_text(&account, subject.as_ref(), Paint::Plain);
    assert!(text.contains("toy seed 0x0 panics at "), "{text}");
    assert!(text.contains("observed   server panicked at "), "{text}");
    assert!(text.contains("the third is too much"), "{text}");
    assert!(text.contains("What it takes: nothing."), "{text}");
}

#[test]
fn what_does_not_fail_has_nothing_to_explain() {
    let twin = zoo()[0].fixed_twin().unwrap().subject().unwrap();
    let mut worker = worker(&twin);
    let end = explain(worker.as_mut(), twin.as_ref(), &Schedule::quiet(), BRIEF);
    assert_eq!(end.err(), Some(NotExplained::Holds));
    let cut_short = Schedule { events_max: Some(3), ..Schedule::quiet() };
    let end = explain(worker.as_mut(), twin.as_ref(), &cut_short, BRIEF);
    assert!(matches!(end, Err(NotExplained::Unknown { .. })), "{:?}", end.err());
}
