use super::super::machine::Completion;
use super::*;
use crate::choice::Choice;
use crate::id::{FileId, Ticket};
use crate::node::{Desk, Work};
use crate::profile::Envelope;
use crate::schedule::Strategy;
use crate::seed::Seed;
use proptest::prelude::*;
use proptest::strategy::Strategy as _;

const WINDOW: Span = Span::nanos_of(100);

fn decider(seed: u64) -> Decider {
    let mut decider = Decider::default();
    decider.reset(Seed(seed), true, [].into_iter(), true);
    decider
}

fn race(order: Order, field: Field) -> Race {
    Race { on: true, order, window: WINDOW, field, changes: vec![3, 9], ..Race::default() }
}

/// An event of one of these kinds: a message of a stream, a datagram, a timer, a sync.
#[derive(Copy, Clone, Debug)]
struct Entrant {
    kind: u8,
    stream: u32,
    due: u64,
}

fn enter(race: &mut Race, number: u32, Entrant { kind, stream, due }: Entrant) {
    let node = NodeId((stream % 2) as u16);
    let actor = Actor::Node(node, 0);
    let (site, what) = match kind {
        0 | 1 => {
            let via = if kind == 0 { Via(stream) } else { Via::DATAGRAM };
            (
                Site::Message,
                What::Arrival {
                    from: NodeId(7),
                    via,
                    parcel: Desk::<(), ()>::default().parcels.put(()),
                },
            )
        }
        2 => (Site::Timer, What::Timer(TimerId(number as u8))),
        _ => (Site::Sync, What::Synced(completion())),
    };
    let quiet = Instant::from_nanos(due);
    let key = Key::new(site, actor, 0, number);
    let happening = Happening { node, work: Work::Progress, what };
    let origin = Origin { key, instance: Instance::First, quiet };
    race.push(Turn::new(quiet, number), Instant::START, (happening, origin));
}

fn completion() -> Completion {
    use super::super::disk::SyncEnd;
    Completion {
        incarnation: 0,
        ticket: Ticket(0),
        file: FileId(0),
        end: SyncEnd::Written,
        extent: crate::journal::Journal::<u8>::default().extent(),
    }
}

/// Runs the race to its end: who went when, with its place in the list of entrants.
fn run(race: &mut Race, decider: &Decider) -> Vec<(Instant, Runner)> {
    let mut now = Instant::START;
    let mut went = Vec::new();
    while let Some((place, at)) = race.pick(now, decider) {
        now = at;
        went.push((at, race.take(place)));
    }
    went
}

fn entrants() -> impl proptest::strategy::Strategy<Value = Vec<Entrant>> {
    let one = (0_u8..4, 0_u32..3, 1_u64..600).prop_map(|(kind, stream, due)| Entrant {
        kind,
        stream,
        due,
    });
    prop::collection::vec(one, 1..40)
}

fn orders() -> impl proptest::strategy::Strategy<Value = Order> {
    prop_oneof![Just(Order::Pct), Just(Order::Pos), Just(Order::Walk)]
}

proptest! {
    #[test]
    fn everyone_goes_once_in_its_window_and_streams_keep_their_order(
        entrants in entrants(),
        order in orders(),
        seed: u64,
        messages: bool,
        timers: bool,
        syncs: bool,
    ) {
        let field = Field { messages, timers, syncs };
        let mut race = race(order, field);
        for (number, entrant) in entrants.iter().enumerate() {
            enter(&mut race, number as u32, *entrant);
        }
        let went = run(&mut race, &decider(seed));
        let mut numbers: Vec<_> =
            went.iter().map(|(_, runner)| runner.origin.key.occurrence()).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (0..entrants.len() as u32).collect::<Vec<_>>());
        let mut before = Instant::START;
        for (place, (at, runner)) in went.iter().enumerate() {
            let due = runner.turn.at();
            if field.has(runner.happening.what) {
                prop_assert_eq!(*at, due.max(before + Span::NANO));
            } else {
                prop_assert_eq!(*at, due);
            }
            for (_, later) in &went[place + 1..] {
                prop_assert!(due <= (later.turn.at() + WINDOW).max(before + Span::NANO));
                if runner.stream().is_some() && runner.stream() == later.stream() {
                    prop_assert!(runner.turn < later.turn);
                }
            }
            before = *at;
        }
    }

    #[test]
    fn without_a_window_time_order_is_kept(entrants in entrants(), order in orders(), seed: u64) {
        let field = Field { messages: true, timers: true, syncs: true };
        let mut race = Race { window: Span::ZERO, ..race(order, field) };
        // One event an instant, far enough from the next.
        let mut dues: Vec<u64> = entrants.iter().map(|entrant| entrant.due * 50).collect();
        dues.sort_unstable();
        dues.dedup();
        for (number, (&due, entrant)) in dues.iter().zip(&entrants).enumerate() {
            enter(&mut race, number as u32, Entrant { due, ..*entrant });
        }
        for (at, runner) in run(&mut race, &decider(seed)) {
            prop_assert_eq!(at, runner.turn.at());
        }
    }
}

/// In how many of 200 seeds the second of two events that are due one after the other goes first.
fn overtakes(order: Order) -> usize {
    let overtook = |&seed: &u64| {
        let mut race = race(order, Field { messages: true, timers: true, syncs: true });
        enter(&mut race, 0, Entrant { kind: 2, stream: 0, due: 10 });
        enter(&mut race, 1, Entrant { kind: 3, stream: 0, due: 90 });
        run(&mut race, &decider(seed))[0].1.origin.key.occurrence() == 1
    };
    (0..200).filter(overtook).count()
}

#[test]
fn either_of_two_goes_first_about_half_of_the_time() {
    for order in [Order::Pct, Order::Pos, Order::Walk] {
        let overtakes = overtakes(order);
        assert!((70..130).contains(&overtakes), "{order:?}: {overtakes} of 200");
    }
}

#[test]
fn a_lane_that_falls_back_waits_for_all_others() {
    let mut race = race(Order::Pct, Field { messages: true, timers: true, syncs: true });
    race.changes = vec![0];
    for number in 0..4 {
        enter(&mut race, number, Entrant { kind: 3, stream: 0, due: 10 });
        enter(&mut race, 100 + number, Entrant { kind: 2, stream: 1, due: 10 });
    }
    let lanes: Vec<_> = run(&mut race, &decider(3)).iter().map(|(_, one)| one.lane()).collect();
    assert_eq!(lanes.iter().filter(|&&lane| lane == lanes[0]).count(), 4);
    assert!(lanes[1..5].iter().all(|&lane| lane != lanes[0]), "the first lane fell back");
}

#[test]
fn what_may_not_be_late_is_not_raced() {
    let profile = |classes: &[FaultClass]| Profile {
        envelope: classes.iter().copied().collect::<Envelope>(),
        ..Profile::default()
    };
    let drawn = |profile: &Profile, strategy| {
        let mut race = Race::default();
        race.draw(strategy, profile, &decider(1));
        race
    };
    assert!(!drawn(&profile(&[]), Strategy::Pos).on, "nothing may be late");
    let lazy = drawn(&profile(&[FaultClass::TimerLate]), Strategy::Pos);
    assert!(lazy.on && lazy.field.timers && !lazy.field.messages && !lazy.field.syncs);
    let late = drawn(&profile(&[FaultClass::Delay]), Strategy::Pos);
    assert!(late.field.messages && !late.field.timers && !late.field.syncs);
    let steady = Profile { swarm: Swarm::Off, ..profile(&[FaultClass::Delay]) };
    assert!(!drawn(&steady, Strategy::Mix).on, "stated rates keep the order of time");
    assert!(drawn(&steady, Strategy::Pct).on, "unless another is asked for");
    assert!(!drawn(&steady, Strategy::Time).on);
}

#[test]
fn what_happened_later_than_was_drawn_corrects_the_decision() {
    let mut decider = decider(1);
    let key = |n| Key::new(Site::Message, Actor::Run, 0, n);
    let ms = Span::millis;
    decider.took(key(0), Choice::Late(ms(1)));
    decider.took(key(1), Choice::Twice { late: ms(1), again: ms(2) });
    decider.took(key(2), Choice::Corrupted { bit: 5, late: ms(1) });
    decider.happened(key(0), Instance::First, ms(3));
    decider.happened(key(1), Instance::Again, ms(4));
    decider.happened(key(1), Instance::First, ms(5));
    decider.happened(key(2), Instance::First, ms(6));
    decider.happened(key(3), Instance::First, ms(7));
    decider.happened(key(4), Instance::First, Span::ZERO);
    // The end of a connection may come no later than its data, which were late themselves.
    decider.took(key(5), Choice::Late(ms(1)));
    decider.happened(key(5), Instance::First, Span::ZERO);
    let expected = [
        (key(0), Choice::Late(ms(3))),
        (key(1), Choice::Twice { late: ms(5), again: ms(4) }),
        (key(2), Choice::Corrupted { bit: 5, late: ms(6) }),
        (key(3), Choice::Late(ms(7))),
    ];
    assert_eq!(decider.taken().unwrap(), expected);
}
