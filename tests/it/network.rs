//! Links and ends, seen through the plainest system there is: a client that says each thing once.

use postulate::check::Rule;
use postulate::choice::{Actor, Choice, Key, Site};
use postulate::prelude::*;
use postulate::profile::LinkRule;
use postulate::run::{Inspection, Outcome, Pulse};
use postulate::schedule::{Deed, Fault, Occasion, Schedule, Trigger, Trouble};
use std::sync::Arc;

const HEARER: NodeId = NodeId(0);
const TELLER: NodeId = NodeId(1);

/// Tells everything when it is due and waits for echoes, without a timer.
#[derive(Debug)]
struct Teller(Vec<Planned>);

/// Echoes what it hears: at once, or all of it so long after the last.
#[derive(Debug)]
struct Hearer {
    thinks: Span,
    heard: Vec<(NodeId, MessageId)>,
}

#[derive(Clone, Debug)]
enum Said {
    Thing(MessageId),
    Echo(MessageId),
}

struct Talk {
    machines: Vec<Machine>,
    profile: Profile,
    plan: Vec<Planned>,
    hearer_thinks: Span,
}

type Ctx<'a> = Context<'a, Said, MessageId>;

impl Message for Said {
    fn kind(&self) -> u8 {
        matches!(self, Self::Echo(_)).into()
    }

    fn kind_name(kind: u8) -> &'static str {
        ["Thing", "Echo"][kind as usize]
    }

    fn fingerprint(&self, digest: &mut Digest) {
        let (Self::Thing(message) | Self::Echo(message)) = self;
        digest.word(self.kind().into()).word(message.word());
    }

    fn size(&self) -> u32 {
        1_000
    }
}

impl Node for Teller {
    type Message = Said;
    type Record = MessageId;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        for (planned, number) in self.0.iter().zip(0..) {
            ctx.record(Event::invoke(planned.message, planned.key, 0));
            if planned.at > Span::ZERO {
                ctx.set_timer(TimerId(number), planned.at, Work::Progress);
            } else {
                ctx.send(HEARER, Said::Thing(planned.message));
            }
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        ctx.send(HEARER, Said::Thing(self.0[timer.index()].message));
    }

    fn deliver(&mut self, _from: NodeId, said: Said, ctx: &mut Ctx<'_>) {
        if let Said::Echo(message) = said {
            ctx.record(Event::acknowledged(message));
        }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.0.len() as u64);
    }
}

impl Node for Hearer {
    type Message = Said;
    type Record = MessageId;

    fn deliver(&mut self, from: NodeId, said: Said, ctx: &mut Ctx<'_>) {
        let Said::Thing(message) = said else { return };
        if self.thinks == Span::ZERO {
            return ctx.reply(Said::Echo(message));
        }
        self.heard.push((from, message));
        ctx.set_timer(TimerId(0), self.thinks, Work::Progress);
    }

    fn wake(&mut self, _timer: TimerId, ctx: &mut Ctx<'_>) {
        for (from, message) in self.heard.drain(..) {
            ctx.answer(from, Said::Echo(message));
        }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.heard.iter().for_each(|(_, message)| _ = digest.word(message.word()));
    }
}

impl System for Talk {
    type Node = Box<dyn Node<Message = Said, Record = MessageId>>;

    fn name(&self) -> &'static str {
        "talk"
    }

    fn machines(&self) -> &[Machine] {
        &self.machines
    }

    fn boot(&self, seat: &Seat<'_>, _disk: Journals<'_, MessageId>) -> Self::Node {
        match seat.id {
            HEARER => Box::new(Hearer { thinks: self.hearer_thinks, heard: Vec::new() }),
            _ => Box::new(Teller(seat.plan.to_vec())),
        }
    }

    fn plan(&self, _knobs: &[u64], plan: &mut Vec<Planned>) {
        plan.extend_from_slice(&self.plan);
    }

    fn promises(&self) -> &[Promise] {
        &[]
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }
}

fn talk(things: u32, profile: Profile, schedule: &Schedule) -> Inspection {
    let plan = (0..things).map(|number| Planned::new(TELLER, number)).collect();
    talk_of((plan, Span::ZERO), profile, schedule)
}

fn talk_of(
    (plan, hearer_thinks): (Vec<Planned>, Span),
    profile: Profile,
    schedule: &Schedule,
) -> Inspection {
    let machines = vec![Machine::new("hearer", "hearer"), Machine::new("teller", "teller")];
    let talk = Arc::new(Talk { machines, profile, plan, hearer_thinks });
    talk.worker(Arc::new(Pulse::default())).inspect(schedule)
}

/// When each thing was acknowledged, in microseconds.
fn echoes(inspection: &Inspection) -> Vec<u64> {
    let operations = inspection.history.operations().iter();
    operations
        .filter(|operation| matches!(operation.event, Event::SendOk { .. }))
        .map(|operation| operation.at.nanos() / 1_000)
        .collect()
}

fn thing(occurrence: u32) -> Key {
    Key::new(Site::Message, Actor::Link(TELLER, HEARER), 0, occurrence)
}

fn decided(decisions: &[(Key, Choice)]) -> Schedule {
    Schedule { decisions: decisions.iter().copied().collect(), ..Schedule::quiet() }
}

#[test]
fn a_wait_without_a_timer_is_a_deadlock_and_no_livelock() {
    let schedule = decided(&[(thing(1), Choice::Lost)]);
    let profile = Profile { transport: Transport::Datagram, ..Profile::default() };
    let Outcome::Violated(violation) = talk(3, profile, &schedule).run.outcome else { panic!() };
    assert_eq!(violation.rule, Rule::Deadlock);
    assert!(violation.observed.contains("m1.1"), "{}", violation.observed);
}

#[test]
fn a_bounded_link_sends_one_message_after_another() {
    let link = Link { bandwidth: Some(1_024_000), ..Link::default() };
    let slow = LinkRule { from: Some(TELLER), to: None, link };
    let profile = Profile { links: vec![slow], ..Profile::default() };
    let inspection = talk(3, profile, &Schedule::quiet());
    // 1 000 bytes at 1 000 KiB/s take 976.6 µs; each way takes 1 ms besides.
    assert_eq!(echoes(&inspection), [2_976, 3_953, 4_929]);
}

#[test]
fn datagrams_overtake_and_streams_do_not() {
    let schedule = decided(&[(thing(0), Choice::Late(Span::millis(5)))]);
    let run = |transport| {
        let profile = Profile { transport, ..Profile::default() };
        echoes(&talk(3, profile, &schedule))
    };
    assert_eq!(run(Transport::Datagram), [2_000, 2_000, 7_000]);
    assert_eq!(run(Transport::Stream), [7_000, 7_000, 7_000]);
}

/// What was sent before the lost message arrives, what comes after it does not.
#[test]
fn a_stream_delivers_a_prefix_of_what_was_in_flight() {
    let schedule = decided(&[(thing(2), Choice::Lost)]);
    let inspection = talk(5, Profile::default(), &schedule);
    assert_eq!(echoes(&inspection).len(), 0, "the way back is broken too");
    assert_eq!(inspection.run.stats.delivered, 2);

    let link = Key::new(Site::Break, Actor::Link(TELLER, HEARER), 0, 0);
    let none = Choice::OnlyWithin(Span::micros(10));
    let schedule = decided(&[(thing(2), Choice::Lost), (link, none)]);
    assert_eq!(talk(5, Profile::default(), &schedule).run.stats.delivered, 0);
}

/// What nobody was there to take is no gap that a later message jumps over: the stream is broken.
#[test]
fn a_stream_to_a_machine_that_is_down_is_broken() {
    let at = |number, ms| Planned { at: Span::millis(ms), ..Planned::new(TELLER, number) };
    let down = Trouble::Crash { node: HEARER, down: Span::millis(5) };
    let fault = Fault { when: Trigger::At(Instant::START), what: down };
    let notice = Key::new(Site::Notice, Actor::Link(HEARER, TELLER), 0, 0);
    let learns_late = decided(&[(notice, Choice::Late(Span::millis(40)))]);
    let schedule = Schedule { faults: vec![fault], ..learns_late };
    let things = vec![at(0, 2), at(1, 10)];
    let inspection = talk_of((things, Span::ZERO), Profile::default(), &schedule);
    assert_eq!(inspection.run.stats.delivered, 0);
    let learnt: Vec<_> = inspection.trace.iter().filter(|e| e.text.contains("learns")).collect();
    assert_eq!(learnt.len(), 1, "the teller may say all of it again over a new connection");
    assert_eq!((learnt[0].node, learnt[0].at.nanos() / 1_000_000), (Some(TELLER), 44));
}

/// A server that has lost its client in the meantime does not call it.
#[test]
fn an_answer_goes_over_the_clients_connection_or_nowhere() {
    let run = |transport, breaks: bool| {
        let what = Trouble::Disconnect { node: HEARER };
        let fault = Fault { when: Trigger::After { node: HEARER, events: 1 }, what };
        let faults = if breaks { vec![fault] } else { Vec::new() };
        let schedule = Schedule { faults, ..Schedule::quiet() };
        let things = (vec![Planned::new(TELLER, 0)], Span::millis(7));
        echoes(&talk_of(things, Profile { transport, ..Profile::default() }, &schedule))
    };
    assert_eq!(run(Transport::Stream, false), [9_000]);
    assert_eq!(run(Transport::Stream, true).len(), 0);
    assert_eq!(run(Transport::Datagram, true), [9_000]);
}

#[test]
fn each_end_learns_late_of_a_broken_connection() {
    let notice = Key::new(Site::Notice, Actor::Link(HEARER, TELLER), 0, 0);
    let late = Choice::Late(Span::millis(40));
    let schedule = decided(&[(thing(0), Choice::Lost), (notice, late)]);
    let inspection = talk(1, Profile::default(), &schedule);
    let learnt = inspection.trace.iter().filter(|event| event.text.contains("learns"));
    let at: Vec<_> = learnt.map(|event| (event.node, event.at.nanos() / 1_000_000)).collect();
    assert_eq!(at, [(Some(HEARER), 1), (Some(TELLER), 41)]);
}

#[test]
fn a_grey_link_is_slower_while_it_lasts() {
    let grey = |lasting| {
        let what = Trouble::Grey {
            from: HEARER,
            to: TELLER,
            slower: Span::millis(3),
            loss: postulate::seed::Ratio::NEVER,
            duplicate: postulate::seed::Ratio::NEVER,
            lasting,
        };
        let fault = Fault { when: Trigger::After { node: HEARER, events: 1 }, what };
        Schedule { faults: vec![fault], ..Schedule::quiet() }
    };
    let run = |lasting| echoes(&talk(2, Profile::default(), &grey(lasting)));
    assert_eq!(run(Span::millis(10)), [2_000, 5_000]);
    assert_eq!(run(Span::ZERO), [2_000, 2_000]);
}

/// Three things arrive at once; the hearer loses its power upon the second, or as it echoes it.
#[test]
fn a_fault_strikes_upon_what_a_machine_handles_or_does() {
    let run = |when, down| {
        let what = Trouble::PowerCut { node: HEARER, down };
        let schedule = Schedule { faults: vec![Fault { when, what }], ..Schedule::quiet() };
        let profile = Profile { transport: Transport::Datagram, ..Profile::default() };
        let inspection = talk(3, profile, &schedule);
        assert_eq!(inspection.rewritten.faults, schedule.faults);
        assert_eq!(inspection.rewritten.steps(), 1);
        (inspection.run.stats.delivered, inspection.run.stats.sent, echoes(&inspection))
    };
    let what = Occasion::Message { from: TELLER, kind: 0 };
    let upon = |nth| Trigger::Upon { node: HEARER, what, nth };
    assert_eq!(run(upon(2), Span::millis(5)), (4, 5, vec![2_000, 2_000]));
    let what = Deed::Send { to: TELLER, kind: 1 };
    let done = |nth| Trigger::Done { node: HEARER, what, nth };
    assert_eq!(run(done(1), Span::millis(5)), (2, 4, vec![2_000]));
}

/// What was drawn to strike after so many events or actions is told by what these were.
#[test]
fn a_rewritten_fault_says_upon_what_it_struck() {
    let rewritten = |decisions: &[(Key, Choice)]| {
        let what = Trouble::Crash { node: HEARER, down: Span::millis(5) };
        let when = Trigger::After { node: HEARER, events: 1 };
        let never = Trigger::After { node: HEARER, events: 99 };
        let faults = [when, never].map(|when| Fault { when, what: what.clone() }).to_vec();
        let profile = Profile { transport: Transport::Datagram, ..Profile::default() };
        talk(3, profile, &Schedule { faults, ..decided(decisions) }).rewritten
    };
    let what = Occasion::Message { from: TELLER, kind: 0 };
    let at_once = rewritten(&[]);
    assert_eq!(at_once.faults.len(), 1, "the other never struck");
    assert_eq!(at_once.faults[0].when, Trigger::Upon { node: HEARER, what, nth: 1 });
    let point = Key::new(Site::CrashPoint, Actor::Node(HEARER, 0), 0, 0);
    let later = rewritten(&[(point, Choice::AfterAction(2))]);
    let what = Deed::Send { to: TELLER, kind: 1 };
    assert_eq!(later.faults[0].when, Trigger::Done { node: HEARER, what, nth: 3 });
    assert_eq!(later.steps(), 1, "that says it all");
}
