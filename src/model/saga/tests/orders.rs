use super::*;
use Act::{Confirm, Confirmed, Do, Done, Refused, Undo, Undone};
use SagaStyle::{Choreographed, Orchestrated, Tcc};

/// A service that is to accept so many orders, at once.
fn started(mut bench: Bench, policy: SagaPolicy, orders: u32) -> Trial<Orders> {
    bench.plan = (0..orders).map(|number| Planned::new(NodeId(1), number)).collect();
    Trial::new(bench, policy, Orders::boot)
}

fn through() -> Bench {
    Bench::machine(1).write_through()
}

fn accepted(trial: &Trial<Orders>) -> usize {
    trial.bench.events.iter().filter(|event| matches!(event, Event::SendOk { .. })).count()
}

const ACCEPTED: SinkId = SINKS.accepted();
const CLOSED: SinkId = SINKS.closed();
const CANCELLED: SinkId = SINKS.cancelled();

#[test]
fn an_order_is_accepted_and_begun_once_it_is_durable() {
    let mut trial = started(Bench::machine(1), policy(Orchestrated), 2);
    assert_eq!((trial.posted(), accepted(&trial)), (vec![], 0));
    assert_eq!(trial.sync(), [(0, 0, Do)]);
    assert_eq!(accepted(&trial), 1);
    assert_eq!(trial.sync(), [(1, 0, Do)]);
    assert_eq!(accepted(&trial), 2);
    assert_eq!(trial.effects(), [ACCEPTED, ACCEPTED]);
}

#[test]
fn an_order_is_closed_by_the_last_step_or_by_the_last_undoing() {
    let mut trial = started(through(), policy(Orchestrated), 1);
    assert_eq!(trial.posted(), [(0, 0, Do)]);
    assert_eq!(trial.hand(&[letter(0, 0, Done)]), [(0, 1, Do)]);
    assert_eq!(trial.hand(&[letter(0, 0, Done), letter(0, 1, Done)]), [(0, 2, Do)]);
    assert_eq!(trial.bench.reached(Moment::AnswerUnawaited.site()), 1);
    assert_eq!(trial.hand(&[letter(0, 2, Done)]), []);
    assert_eq!(trial.effects(), [ACCEPTED, CLOSED]);
    assert_eq!(trial.hand(&[letter(0, 2, Done)]), [], "it is over");

    let mut trial = started(through(), policy(Orchestrated), 1);
    trial.hand(&[letter(0, 0, Done)]);
    assert_eq!(trial.hand(&[letter(0, 1, Refused)]), [(0, 0, Undo)]);
    assert_eq!(trial.hand(&[letter(0, 0, Undone)]), []);
    assert_eq!(trial.effects(), [ACCEPTED, CLOSED, CANCELLED]);
}

#[test]
fn an_answer_to_another_service_is_none_of_its_business() {
    let mut trial = started(through(), policy(Choreographed), 1);
    let other = Letter { order: MessageId::new(NodeId(2), 0), step: 2, act: Done };
    trial.hand(&[other]);
    assert_eq!(trial.effects(), [ACCEPTED]);
    assert_eq!(trial.asked[&replies(STEPS).0].1, 1, "and it is past it");
}

#[test]
fn who_waits_too_long_calls_the_order_off() {
    for (style, undone) in [
        (Orchestrated, vec![(0, 1, Undo)]),
        (Choreographed, vec![(0, 2, Undo)]),
        (Tcc, vec![(0, 0, Undo), (0, 1, Undo), (0, 2, Undo)]),
    ] {
        let mut trial = started(through(), policy(style), 1);
        let patience = trial.node.patience();
        assert_eq!(trial.bench.timers.iter().rfind(|set| set.0 == patience).unwrap().1, TIMEOUT);
        trial.bench.now += Span::millis(20);
        trial.hand(&[letter(0, 0, Done)]);
        assert_eq!(trial.fire(patience.0), undone);
        assert_eq!(trial.bench.reached(Moment::StepOverdue.site()), 1);
        assert!(!trial.bench.timers.iter().any(|set| set.0 == patience), "what is undone has time");
        assert_eq!(trial.hand(&[letter(0, 1, Done), letter(0, 2, Done)]), []);
        assert_eq!(trial.effects(), [ACCEPTED]);
    }
    let patient = SagaPolicy { timeout: None, ..policy(Orchestrated) };
    let trial = started(through(), patient, 1);
    let patience = trial.node.patience();
    assert!(!trial.bench.timers.iter().any(|set| set.0 == patience));
}

#[test]
fn of_several_orders_only_what_is_overdue_is_called_off() {
    let mut bench = through();
    let late = Planned { at: Span::millis(30), ..Planned::new(NodeId(1), 1) };
    bench.plan = vec![Planned::new(NodeId(1), 0), late];
    let mut trial = Trial::new(bench, policy(Orchestrated), Orders::boot);
    let (pace, patience) = (trial.node.pace().0, trial.node.patience().0);
    assert_eq!(trial.posted(), [(0, 0, Do)]);
    assert_eq!(trial.fire(pace), [(1, 0, Do)]);
    assert_eq!(trial.fire(patience), [(0, 0, Undo)], "30 ms after the other one began");
    assert_eq!(trial.fire(patience), [(1, 0, Undo)]);
}

#[test]
fn what_was_decided_outlives_the_process_unless_it_is_in_memory() {
    let durable = vec![(0, 1, Do)];
    for (decision, rest) in [(Decisions::Durable, durable), (Decisions::InMemory, vec![])] {
        let policy = SagaPolicy { decision, ..policy(Orchestrated) };
        let mut trial = started(through(), policy, 1);
        trial.hand(&[letter(0, 0, Done)]);
        trial.stored(letter(0, 0, Do));
        trial.bench.plan.clear();
        assert_eq!(trial.crash(policy), rest);
        let resumed = u32::from(decision == Decisions::Durable);
        assert_eq!(trial.bench.reached(Moment::SagaResumed.site()), resumed);
        let next: &[_] = if resumed == 1 { &[(0, 2, Do)] } else { &[] };
        assert_eq!(trial.hand(&[letter(0, 1, Done)]), next);
        assert_eq!(trial.effects(), [ACCEPTED]);
    }
}

#[test]
fn reservations_are_confirmed_when_all_are_there() {
    let mut trial = started(through(), policy(Tcc), 1);
    assert_eq!(trial.posted(), [(0, 0, Do), (0, 1, Do), (0, 2, Do)]);
    assert_eq!(trial.hand(&[letter(0, 2, Done), letter(0, 0, Done)]), []);
    let all = [(0, 0, Confirm), (0, 1, Confirm), (0, 2, Confirm)];
    assert_eq!(trial.hand(&[letter(0, 1, Done)]), all);
    let patience = trial.node.patience();
    assert!(!trial.bench.timers.iter().any(|set| set.0 == patience), "there is no way back");
    let rest = [letter(0, 0, Confirmed), letter(0, 2, Confirmed), letter(0, 1, Confirmed)];
    assert_eq!(trial.hand(&rest[..2]), []);
    assert_eq!(trial.effects(), [ACCEPTED]);
    assert_eq!(trial.hand(&rest[2..]), []);
    assert_eq!(trial.effects(), [ACCEPTED, CLOSED]);
}

#[test]
fn letters_do_not_show_in_the_history() {
    let mut trial = started(through(), policy(Orchestrated), 1);
    trial.hand(&[letter(0, 0, Done)]);
    trial.stored(letter(0, 1, Do));
    let about: Vec<_> = trial.bench.events.iter().map(Event::message).collect();
    assert_eq!(about, [Some(order(0)); 2], "{:?}", trial.bench.events);
}

#[test]
fn all_that_it_knows_is_in_its_fingerprint() {
    let after = |letters: &[Letter]| {
        let mut trial = started(through(), policy(Tcc), 1);
        for &letter in letters {
            trial.hand(&[letter]);
        }
        trial.fingerprint()
    };
    let ways: [&[Letter]; 4] =
        [&[], &[letter(0, 0, Done)], &[letter(0, 1, Done)], &[letter(0, 0, Refused)]];
    let prints: std::collections::BTreeSet<u64> = ways.into_iter().map(after).collect();
    assert_eq!(prints.len(), ways.len());
}
