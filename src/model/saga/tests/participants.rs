use super::*;
use crate::model::saga::participant::{FAILING, REFUSING};
use Act::{Confirm, Confirmed, Do, Done, Refused, Undo, Undone};
use SagaStyle::{Chain, Choreographed, Orchestrated, Tcc};

type Participants = Trial<Participant>;

/// The second of three participants, on a disk that writes through.
fn started(policy: SagaPolicy) -> Participants {
    Trial::new(Bench::machine(3).write_through(), policy, |policy, seat, disk| {
        Participant::boot(policy, 1, seat, disk)
    })
}

/// What a participant does upon letters about an order, one after another: what it publishes, and
/// where that shows.
#[track_caller]
fn check(policy: SagaPolicy, acts: &[Act], posted: &[(u8, Act)], sinks: &[SinkId]) {
    let mut trial = started(policy);
    let answers = acts.iter().flat_map(|&act| trial.hand(&[letter(0, 1, act)]));
    let answers: Vec<_> = answers.map(|(_, step, act)| (step, act)).collect();
    assert_eq!(answers, posted);
    assert_eq!(trial.effects(), sinks);
}

const DOES: SinkId = SINKS.does(1);
const UNDOES: SinkId = SINKS.undoes(1);
const CONFIRMS: SinkId = SINKS.confirms(1);

#[test]
fn a_step_is_taken_once_and_undone_once() {
    let unique = policy(Orchestrated);
    check(unique, &[Do, Do], &[(1, Done)], &[DOES]);
    check(unique, &[Do, Undo, Undo, Do], &[(1, Done), (1, Undone)], &[DOES, UNDOES]);
    let repeated = SagaPolicy { steps_are: StepsAre::Repeated, ..unique };
    check(repeated, &[Do, Do], &[(1, Done), (1, Done)], &[DOES, DOES]);
    check(
        repeated,
        &[Do, Undo, Undo],
        &[(1, Done), (1, Undone), (1, Undone)],
        &[DOES, UNDOES, UNDOES],
    );
}

#[test]
fn an_undoing_that_outruns_its_step_leaves_a_tombstone() {
    let kept = policy(Orchestrated);
    check(kept, &[Undo, Do], &[(1, Undone)], &[]);
    check(kept, &[Undo, Undo, Do, Do], &[(1, Undone)], &[]);
    let none = SagaPolicy { tombstone: Tombstone::None, ..kept };
    check(none, &[Undo, Do], &[(1, Undone), (1, Done)], &[DOES]);
    check(none, &[Do, Undo, Do], &[(1, Done), (1, Undone)], &[DOES, UNDOES]);
    // A service that calls itself off in vain still hears that nothing is left.
    let mut trial = started(kept);
    trial.hand(&[letter(0, 1, Undo)]);
    trial.hand(&[letter(0, 1, Do)]);
    assert_eq!(trial.bench.reached(Moment::UndoneUntaken.site()), 1);
    assert_eq!(trial.bench.reached(Moment::LateStepRefused.site()), 1);
}

#[test]
fn what_is_reserved_is_confirmed_once() {
    let tcc = policy(Tcc);
    check(tcc, &[Do, Confirm, Confirm], &[(1, Done), (1, Confirmed)], &[DOES, CONFIRMS]);
    check(tcc, &[Confirm, Undo, Confirm], &[(1, Undone)], &[]);
    check(tcc, &[Do, Undo, Confirm], &[(1, Done), (1, Undone)], &[DOES, UNDOES]);
    check(tcc, &[Do, Confirm, Undo], &[(1, Done), (1, Confirmed)], &[DOES, CONFIRMS]);
    let repeated = SagaPolicy { steps_are: StepsAre::Repeated, ..tcc };
    check(
        repeated,
        &[Do, Confirm, Confirm],
        &[(1, Done), (1, Confirmed), (1, Confirmed)],
        &[DOES, CONFIRMS, CONFIRMS],
    );
}

#[test]
fn choreographed_steps_tell_their_neighbours() {
    check(policy(Choreographed), &[Do, Undo], &[(2, Do), (0, Undo)], &[DOES, UNDOES]);
    check(policy(Choreographed), &[Undo, Do], &[(0, Undo)], &[]);
    check(policy(Chain), &[Do, Do], &[(2, Do)], &[DOES]);
    for (step, told) in [(0, [(1, Do), (0, Undone)]), (2, [(2, Done), (1, Undo)])] {
        let boot = match step {
            0 => |policy, seat: &Seat<'_>, disk: Journals<'_, Record>| {
                Participant::boot(policy, 0, seat, disk)
            },
            _ => |policy, seat: &Seat<'_>, disk: Journals<'_, Record>| {
                Participant::boot(policy, 2, seat, disk)
            },
        };
        let bench = Bench::machine(3).write_through();
        let mut trial = Trial::new(bench, policy(Choreographed), boot);
        for (act, (step_told, act_told)) in [Do, Undo].into_iter().zip(told) {
            assert_eq!(trial.hand(&[letter(0, step, act)]), [(0, step_told, act_told)]);
        }
    }
}

#[test]
fn who_refuses_a_step_has_nothing_to_undo() {
    for (style, answer) in [(Orchestrated, (0, 1, Refused)), (Choreographed, (0, 0, Undo))] {
        let mut trial = started(policy(style));
        trial.choose(REFUSING, 0);
        assert_eq!(trial.hand(&[letter(0, 1, Do)]), [answer]);
        // The copy is known. A service that calls the order off hears that nothing is left, once.
        assert_eq!(trial.hand(&[letter(0, 1, Do)]), []);
        let undone: &[_] = if style == Orchestrated { &[(0, 1, Undone)] } else { &[] };
        assert_eq!(trial.hand(&[letter(0, 1, Undo)]), undone);
        assert_eq!(trial.hand(&[letter(0, 1, Undo)]), []);
        assert_eq!(trial.effects(), []);
    }
}

#[test]
fn a_failed_handling_holds_its_topic_up_until_it_succeeds() {
    let mut trial = started(policy(Orchestrated));
    trial.choose(FAILING, 0);
    let again = trial.node.again(0).0;
    assert_eq!(trial.hand(&[letter(0, 1, Do), letter(1, 1, Do)]), []);
    assert_eq!(trial.asked.get(&2), None, "it reads no further meanwhile");
    assert_eq!(trial.hand(&[letter(1, 1, Undo)]), [(1, 1, Undone)], "the other topic goes on");
    assert_eq!(trial.fire(again), [(0, 1, Done)], "the second is called off by now");
    assert_eq!(trial.asked[&2].1, 2);
    assert_eq!(trial.effects(), [DOES]);
}

#[test]
fn a_failed_undoing_is_repeated_unless_the_first_effort_is_the_best() {
    for (compensation, sinks) in
        [(Compensation::Retried, vec![DOES, UNDOES]), (Compensation::BestEffort, vec![DOES])]
    {
        let mut trial = started(SagaPolicy { compensation, ..policy(Orchestrated) });
        trial.hand(&[letter(0, 1, Do)]);
        trial.choose(FAILING, 1);
        let mut answers = trial.hand(&[letter(0, 1, Undo)]);
        if compensation == Compensation::Retried {
            assert_eq!(answers, []);
            answers = trial.fire(trial.node.again(1).0);
        }
        assert_eq!(answers, [(0, 1, Undone)]);
        assert_eq!(trial.effects(), sinks);
    }
    // A step that fails is always repeated.
    let best = SagaPolicy { compensation: Compensation::BestEffort, ..policy(Orchestrated) };
    let mut trial = started(best);
    trial.choose(FAILING, 0);
    assert_eq!(trial.hand(&[letter(0, 1, Do)]), []);
    assert_eq!(trial.fire(trial.node.again(0).0), [(0, 1, Done)]);
}

#[test]
fn nothing_is_told_before_it_is_durable_and_all_of_it_is_told_in_the_end() {
    let all = vec![(0, 1, Done)];
    for (answer, republished) in [(Answers::Outbox, all), (Answers::AfterCommit, vec![])] {
        let policy = SagaPolicy { answer, ..policy(Orchestrated) };
        let mut trial = Trial::new(Bench::machine(3), policy, |policy, seat, disk| {
            Participant::boot(policy, 1, seat, disk)
        });
        assert_eq!(trial.hand(&[letter(0, 1, Do)]), []);
        assert_eq!(trial.asked.get(&2), None, "it reads on when that is durable");
        // The machine lives on, and what its process wrote with it.
        assert_eq!(trial.crash(policy), republished);
        assert_eq!(trial.asked[&2].1, 1, "it goes on behind it");
        trial.stored(letter(0, 1, Done));
        assert_eq!(trial.hand(&[letter(1, 1, Do)]), []);
        assert_eq!(trial.sync(), [(1, 1, Done)]);
        assert_eq!(trial.asked[&2].1, 2);
    }
}

#[test]
fn what_the_log_has_is_not_published_again() {
    let outbox = policy(Orchestrated);
    let mut trial = started(outbox);
    assert_eq!(trial.hand(&[letter(0, 1, Do), letter(1, 1, Do)]).len(), 2);
    trial.stored(letter(1, 1, Done));
    assert_eq!(trial.crash(outbox), [(0, 1, Done)]);
    assert_eq!(trial.bench.reached(Moment::LetterRepublished.site()), 1);
    trial.stored(letter(0, 1, Done));
    assert_eq!(trial.crash(outbox), []);
}

#[test]
fn a_machine_whose_disk_has_failed_it_starts_over() {
    let mut trial = Trial::new(Bench::machine(3), policy(Orchestrated), |policy, seat, disk| {
        Participant::boot(policy, 1, seat, disk)
    });
    trial.hand(&[letter(0, 1, Do)]);
    trial.bench.end_sync(&mut trial.node, Err(DiskError::Failed));
    assert_eq!(trial.bench.exits, [Some(Span::millis(10))]);
}

#[test]
fn all_that_it_knows_is_in_its_fingerprint() {
    let before = |acts: &[Act]| {
        let mut trial = started(policy(Tcc));
        for &act in acts {
            trial.hand(&[letter(0, 1, act)]);
        }
        trial.fingerprint()
    };
    let ways: [&[Act]; 5] = [&[], &[Do], &[Undo], &[Do, Undo], &[Do, Confirm]];
    let prints: std::collections::BTreeSet<u64> = ways.into_iter().map(before).collect();
    assert_eq!(prints.len(), ways.len());
    let stored = |is_stored: bool| {
        let mut trial = started(policy(Tcc));
        trial.hand(&[letter(0, 1, Do)]);
        if is_stored {
            trial.stored(letter(0, 1, Done));
        }
        trial.fingerprint()
    };
    assert_ne!(stored(false), stored(true));
}
