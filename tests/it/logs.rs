//! A run as events of `tracing`: what its own nodes say is stamped too.

use crate::toy::{Line, Note, Program, Quirk, Toy, survivable};
use postulate::check::Promise;
use postulate::digest::Digest;
use postulate::history::Effect;
use postulate::id::{NodeId, Ticket, TimerId};
use postulate::journal::Journals;
use postulate::node::{Context, DiskError, Machine, Node, Planned, Seat, System};
use postulate::profile::{FaultClass, Profile, Transport};
use postulate::run::{MomentKind, Outcome, Subject, Worker};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context as Scope, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// A toy whose programs say in each callback who they are and what their clock shows.
#[derive(Debug)]
struct Talkative(Toy);

#[derive(Debug)]
struct Talker {
    program: Program,
    name: String,
    incarnation: u16,
}

impl Talkative {
    fn new(quirk: Quirk) -> Arc<Self> {
        // A program that is to tell the time of the world needs a clock that does not drift.
        let envelope = survivable().without(FaultClass::ClockDrift);
        Arc::new(Self(Toy::new(quirk, Transport::Stream, envelope)))
    }
}

impl System for Talkative {
    type Node = Talker;

    fn name(&self) -> &'static str {
        "toy"
    }

    fn machines(&self) -> &[Machine] {
        System::machines(&self.0)
    }

    fn boot(&self, seat: &Seat<'_>, disk: Journals<'_, Line>) -> Talker {
        let name = System::machines(&self.0)[seat.id.index()].name.clone();
        let incarnation = seat.incarnation;
        tracing::info!(who = name, again = incarnation, "reads its disk");
        Talker { program: self.0.boot(seat, disk), name, incarnation }
    }

    fn plan(&self, knobs: &[u64], plan: &mut Vec<Planned>) {
        self.0.plan(knobs, plan);
    }

    fn effects(&self, record: &Line, effects: &mut Vec<Effect>) {
        System::effects(&self.0, record, effects);
    }

    fn promises(&self) -> &[Promise] {
        System::promises(&self.0)
    }

    fn profile(&self) -> &Profile {
        System::profile(&self.0)
    }

    fn sites(&self) -> &'static [&'static str] {
        System::sites(&self.0)
    }
}

impl Talker {
    fn says(&self, ctx: &mut Context<'_, Note, Line>, what: &str) {
        let at_ns = ctx.now().nanos();
        tracing::info!(who = self.name, again = self.incarnation, at_ns, "{what}");
    }
}

impl Node for Talker {
    type Message = Note;
    type Record = Line;

    fn start(&mut self, ctx: &mut Context<'_, Note, Line>) {
        self.says(ctx, "starts");
        self.program.start(ctx);
    }

    fn deliver(&mut self, from: NodeId, note: Note, ctx: &mut Context<'_, Note, Line>) {
        self.says(ctx, "takes a note");
        self.program.deliver(from, note, ctx);
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Context<'_, Note, Line>) {
        self.says(ctx, "wakes");
        self.program.wake(timer, ctx);
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Context<'_, Note, Line>) {
        self.says(ctx, "is cut off");
        self.program.disconnected(peer, ctx);
    }

    fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Context<'_, Note, Line>,
    ) {
        self.says(ctx, "has synced");
        self.program.synced(ticket, result, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.program.fingerprint(digest);
    }
}

/// Keeps what is said.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<Said>>>);

/// An event: the fields of it, and those of the spans that it stands in, the innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    target: String,
    level: tracing::Level,
    fields: Fields,
    stamps: Vec<Fields>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Ear {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, scope: Scope<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        scope.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, scope: Scope<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = scope.event_scope(event).into_iter().flatten();
        let stamps = spans.map(|span| span.extensions().get::<Fields>().unwrap().clone());
        self.0.lock().unwrap().push(Said {
            target: event.metadata().target().to_owned(),
            level: *event.metadata().level(),
            fields,
            stamps: stamps.collect(),
        });
    }
}

/// What is said while `work` is done; nothing that was entered stays so.
fn heard<T>(work: impl FnOnce() -> T) -> (T, Vec<Said>) {
    let ear = Ear::default();
    let end = tracing::subscriber::with_default(Registry::default().with(ear.clone()), || {
        let end = work();
        assert!(tracing::Span::current().is_none(), "a span is still entered");
        end
    });
    let said = ear.0.lock().unwrap().clone();
    (end, said)
}

fn worker(quirk: Quirk) -> Box<dyn Worker> {
    Talkative::new(quirk).worker(Arc::default())
}

/// Whether it was said by a program.
fn is_own(said: &Said) -> bool {
    said.target.starts_with("it::")
}

/// Asserts that each event stands in one stamp alone, and that what a program says of itself and of
/// the time agrees with it.
#[track_caller]
fn check_stamps(said: &[Said]) {
    for said in said {
        let [Fields(stamp)] = &said.stamps[..] else { panic!("{said:?}") };
        let Fields(fields) = &said.fields;
        let pairs = [("who", "name"), ("again", "incarnation"), ("at_ns", "at_ns")];
        for (word, own) in pairs.iter().filter_map(|(own, of)| Some((&stamp[of], fields.get(own)?)))
        {
            assert_eq!(word, own, "{said:?}");
        }
    }
}

#[test]
fn what_programs_say_is_stamped_with_their_machine_and_its_time() {
    let mut worker = worker(Quirk::None);
    let (mut own, mut again) = (0, 0);
    for seed in 0..40 {
        let schedule = Schedule::seeded(Seed(seed));
        let (examined, said) = heard(|| worker.examine(&schedule));
        check_stamps(&said);
        own += said.iter().filter(|said| is_own(said)).count();
        let starts = |said: &&Said| is_own(said) && said.fields.0["message"] == "reads its disk";
        again += said.iter().filter(starts).filter(|said| said.fields.0["again"] != "0").count();

        // What the world says is the chronicle, and no program says anything before its moment.
        let moments = said.iter().filter(|said| said.fields.0.contains_key("kind"));
        let told = moments.map(|said| {
            let (Fields(fields), Fields(stamp)) = (&said.fields, &said.stamps[0]);
            (stamp["at_ns"].parse().unwrap(), fields["kind"].as_str(), fields["message"].as_str())
        });
        let chronicle = examined.chronicle.moments.iter();
        let chronicle: Vec<_> =
            chronicle.map(|it| (it.at.nanos(), it.kind.slug(), it.text.as_str())).collect();
        assert_eq!(told.collect::<Vec<(u64, &str, &str)>>(), chronicle, "seed {seed}");
        assert_eq!(examined.inspection.run, worker.run(&schedule), "seed {seed}");
    }
    assert!(own > 1_000 && again > 20, "{own} words of programs, {again} of them after a crash");
}

#[test]
fn faults_warn_and_deeds_are_for_those_who_debug() {
    let mut worker = worker(Quirk::None);
    let (examined, said) = heard(|| worker.examine(&Schedule::seeded(Seed(5))));
    let number = |level| said.iter().filter(|said| said.level == level && !is_own(said)).count();
    let chronicle = examined.chronicle;
    let deeds: usize = chronicle.moments.iter().map(|moment| moment.does.len()).sum();
    let lost = chronicle.moments.iter();
    let lost = lost.filter(|it| matches!(it.kind, MomentKind::Drop | MomentKind::Void)).count();
    assert_eq!(number(tracing::Level::DEBUG), deeds + chronicle.messages.len() - lost);
    assert_eq!(
        number(tracing::Level::WARN) + number(tracing::Level::INFO),
        chronicle.moments.len()
    );
    let warns = |said: &&Said| said.level == tracing::Level::WARN;
    let kinds = said.iter().filter(warns).map(|said| said.fields.0["kind"].as_str());
    let kinds: std::collections::BTreeSet<_> = kinds.collect();
    assert!(kinds.contains("fault") && !kinds.contains("message"), "{kinds:?}");
}

#[test]
fn other_runs_say_nothing_themselves() {
    let mut worker = worker(Quirk::None);
    let schedule = Schedule::seeded(Seed(5));
    let ((), said) = heard(|| {
        worker.run(&schedule);
        worker.inspect(&schedule);
        worker.probe(&schedule);
        worker.observe(&schedule);
    });
    assert!(said.len() > 100);
    assert!(said.iter().all(|said| is_own(said) && said.stamps.is_empty()));
}

#[test]
fn a_panic_leaves_no_stamp_behind() {
    let mut worker = worker(Quirk::Panics);
    let (examined, said) = heard(|| worker.examine(&Schedule::quiet()));
    assert!(matches!(examined.inspection.run.outcome, Outcome::Panicked(_)));
    check_stamps(&said);
    let last = said.last().unwrap();
    assert_eq!(last.fields.0["message"], "takes a note");
    assert_eq!(last.stamps[0].0["name"], "server");
}
