//! Failures outlive edits that have nothing to do with them.

use postulate::digest::Digest;
use postulate::history::Effect;
use postulate::id::{NodeId, Ticket, TimerId};
use postulate::journal::Journals;
use postulate::model;
use postulate::node::{Context, DiskError, Machine, Message, Node, Planned, Seat, System, Work};
use postulate::profile::{Knob, Profile};
use postulate::run::{Outcome, Subject, Worker};
use postulate::scenario::Pipe;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::shrink::{Budget, shrink};
use postulate::time::Span;
use postulate::zoo::{Specimen, zoo};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is edited in every machine of a system, and is nothing to its protocol.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Edit {
    /// A message of a new kind goes to the first machine every 10 ms.
    Kind,
    /// A timer goes off every 7 ms.
    Timer,
    /// Whoever may send something sends a heartbeat before.
    Heartbeat,
}

const EDITS: [Edit; 3] = [Edit::Kind, Edit::Timer, Edit::Heartbeat];

struct Edited {
    pipe: Pipe,
    edit: Edit,
}

#[derive(Debug)]
struct Wrapped {
    machine: model::Machine,
    edit: Edit,
    is_first: bool,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Beat;

impl Message for Beat {
    fn kind(&self) -> u8 {
        0
    }

    fn kind_name(_kind: u8) -> &'static str {
        "Beat"
    }

    fn fingerprint(&self, digest: &mut Digest) {
        digest.word(0xbea7);
    }
}

type Ctx<'a> = Context<'a, model::Message, model::Record>;

const FIRST: NodeId = NodeId(0);
const ANOTHER: TimerId = TimerId(200);

impl Wrapped {
    fn beat(&self, ctx: &mut Ctx<'_>) {
        if self.edit == Edit::Heartbeat && !self.is_first {
            ctx.send(FIRST, model::Message::custom(Beat));
        }
    }

    fn set_another(&self, ctx: &mut Ctx<'_>) {
        let every = match self.edit {
            Edit::Kind => Span::millis(10),
            Edit::Timer => Span::millis(7),
            Edit::Heartbeat => return,
        };
        ctx.set_timer(ANOTHER, every, Work::Background);
    }
}

impl Node for Wrapped {
    type Message = model::Message;
    type Record = model::Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.set_another(ctx);
        self.beat(ctx);
        self.machine.start(ctx);
    }

    fn deliver(&mut self, from: NodeId, message: model::Message, ctx: &mut Ctx<'_>) {
        if message.as_custom::<Beat>().is_none() {
            self.beat(ctx);
            self.machine.deliver(from, message, ctx);
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        if timer != ANOTHER {
            self.beat(ctx);
            return self.machine.wake(timer, ctx);
        }
        if self.edit == Edit::Kind && !self.is_first {
            ctx.send(FIRST, model::Message::custom(Beat));
        }
        self.set_another(ctx);
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        self.beat(ctx);
        self.machine.synced(ticket, result, ctx);
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        self.beat(ctx);
        self.machine.disconnected(peer, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.machine.fingerprint(digest);
    }

    fn view(&self) -> Option<u64> {
        self.machine.view()
    }
}

impl System for Edited {
    type Node = Wrapped;

    fn name(&self) -> &str {
        System::name(&self.pipe)
    }

    fn machines(&self) -> &[Machine] {
        System::machines(&self.pipe)
    }

    fn boot(&self, seat: &Seat<'_>, disk: Journals<'_, model::Record>) -> Wrapped {
        let machine = self.pipe.boot(seat, disk);
        Wrapped { machine, edit: self.edit, is_first: seat.id == FIRST }
    }

    fn plan(&self, knobs: &[u64], plan: &mut Vec<Planned>) {
        self.pipe.plan(knobs, plan);
    }

    fn effects(&self, record: &model::Record, effects: &mut Vec<Effect>) {
        System::effects(&self.pipe, record, effects);
    }

    fn promises(&self) -> &[postulate::check::Promise] {
        System::promises(&self.pipe)
    }

    fn profile(&self) -> &Profile {
        System::profile(&self.pipe)
    }

    fn knobs(&self) -> &[Knob] {
        System::knobs(&self.pipe)
    }

    fn sites(&self) -> &'static [&'static str] {
        System::sites(&self.pipe)
    }
}

fn edited(specimen: &Specimen, edit: Edit) -> Box<dyn Worker> {
    let pipe = specimen.scenario().unwrap().system().unwrap();
    let subject: Arc<dyn Subject> = Arc::new(Edited { pipe, edit });
    subject.worker(Arc::default())
}

/// The failures of a specimen: each as its seed, as the run that was rewritten, and shrunk.
fn failures(specimen: &Specimen, wanted: usize) -> Vec<[Schedule; 3]> {
    let subject = specimen.subject().unwrap();
    let mut worker = Arc::clone(&subject).worker(Arc::default());
    let failing = (0..20_000).map(|seed| Schedule::seeded(Seed(seed))).filter_map(|schedule| {
        breaks(worker.as_mut(), &schedule, specimen).then(|| {
            let rewritten = worker.inspect(&schedule).rewritten;
            let watch = &mut |_: &_| ControlFlow::Continue(());
            let budget = Budget { runs: 2_000 };
            let shrunk = shrink(worker.as_mut(), subject.as_ref(), &rewritten, budget, watch);
            [schedule, rewritten, shrunk.unwrap().schedule]
        })
    });
    failing.take(wanted).collect()
}

fn breaks(worker: &mut dyn Worker, schedule: &Schedule, specimen: &Specimen) -> bool {
    match worker.run(schedule).outcome {
        Outcome::Violated(violation) => violation.rule == specimen.breaks,
        _ => false,
    }
}

/// How many of these failures of a specimen are left after an edit, in each of their forms.
fn left_after(edit: Edit, specimen: &Specimen, failures: &[[Schedule; 3]]) -> [usize; 3] {
    let mut worker = edited(specimen, edit);
    let mut left = [0; 3];
    for forms in failures {
        for (form, left) in forms.iter().zip(&mut left) {
            *left += usize::from(breaks(worker.as_mut(), form, specimen));
        }
    }
    left
}

/// How many failures of each specimen are looked at.
const FAILURES: usize = 5;

#[test]
fn failures_outlive_edits_that_have_nothing_to_do_with_them() {
    let mut all = 0;
    let mut left = [[0; 3]; EDITS.len()];
    for specimen in zoo() {
        let failures = failures(specimen, FAILURES);
        all += failures.len();
        for (edit, left) in EDITS.into_iter().zip(&mut left) {
            let these = left_after(edit, specimen, &failures);
            println!("{edit:?} {}: {these:?} of {}", specimen.id, failures.len());
            *left = std::array::from_fn(|form| left[form] + these[form]);
        }
    }
    println!("{EDITS:?}: {left:?} of {all}");
    for [seeds, rewritten, shrunk] in left {
        assert!(seeds * 2 > all && rewritten * 10 > all * 9 && shrunk * 10 > all * 9, "{left:?}");
    }
}
