//! An explained failure as a trace for <https://ui.perfetto.dev>.
//!
//! The format is Chrome's *trace event format*, in so far as Perfetto reads it: slices of one
//! thread must not overlap; flows bind to the slice that is open on their thread, and their ids are
//! numbers; names of threads go by `tid` alone, so that no two processes may share one.

use super::model::{Band, Event, Explained, Message};
use serde::Serialize;

/// A handler takes no time, but a slice needs some to be seen: so much, if nothing follows before.
const SLICE_NS: u64 = 100_000;

/// The distance of slices on one track, which happened at the same time.
const STEP_NS: u64 = 100;

/// Between the end of a slice and the next one, so that no rounding makes them overlap.
const GAP_NS: u64 = 10;

/// The process of what concerns the whole world; 0 is the idle process of an operating system.
const WORLD: usize = 1;

/// The whole run of `explained` as a trace.
pub(super) fn trace(explained: &Explained) -> String {
    let starts = starts(explained);
    let mut tracer = Tracer { explained, starts, records: Vec::new() };
    tracer.names();
    for event in &explained.events {
        tracer.event(event);
    }
    for message in &explained.messages {
        tracer.flow(message);
    }
    for band in &explained.bands {
        tracer.band(band);
    }
    tracer.curve();
    tracer.records.sort_by_key(|record| (record.start, record.rank()));
    let trace = Trace {
        display_time_unit: "ns",
        other_data: Facts::of(explained),
        records: tracer.records,
    };
    serde_json::to_string(&trace).expect("a trace is made of strings, numbers and lists")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace<'a> {
    display_time_unit: &'static str,
    other_data: Facts<'a>,
    #[serde(rename = "traceEvents")]
    records: Vec<Record<'a>>,
}

/// What is said of the run as a whole.
#[derive(Serialize)]
struct Facts<'a> {
    postulate: &'a str,
    scenario: &'a str,
    seed: &'a str,
    group: &'a str,
    expected: &'a str,
    observed: &'a str,
    replay: &'a str,
    digest: &'a str,
    knobs: String,
    steps: String,
}

impl<'a> Facts<'a> {
    fn of(explained: &'a Explained) -> Self {
        let knobs = explained.knobs.iter().map(|knob| format!("{} {}", knob.name, knob.value));
        let steps = explained.steps.iter().map(|step| step.text.clone());
        Self {
            postulate: &explained.postulate,
            scenario: &explained.scenario,
            seed: &explained.seed,
            group: &explained.group,
            expected: &explained.expected,
            observed: &explained.observed,
            replay: &explained.replay,
            digest: &explained.digest,
            knobs: knobs.collect::<Vec<_>>().join(", "),
            steps: steps.collect::<Vec<_>>().join("\n"),
        }
    }
}

/// One trace event; the format calls its fields so.
#[derive(Serialize)]
struct Record<'a> {
    name: &'a str,
    cat: &'a str,
    ph: Phase,
    pid: usize,
    tid: usize,
    /// In microseconds.
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    /// `e`: to the slice around it, not to the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'static str>,
    /// `t`: of its thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Arguments<'a>>,
    #[serde(skip)]
    start: u64,
}

#[derive(Copy, Clone, PartialEq, Eq, Serialize)]
enum Phase {
    #[serde(rename = "M")]
    Name,
    #[serde(rename = "X")]
    Slice,
    #[serde(rename = "s")]
    FlowStart,
    #[serde(rename = "f")]
    FlowEnd,
    #[serde(rename = "i")]
    Instant,
    #[serde(rename = "b")]
    Begin,
    #[serde(rename = "e")]
    End,
    #[serde(rename = "C")]
    Counter,
}

/// What is seen of a record when it is clicked.
#[derive(Serialize)]
#[serde(untagged)]
enum Arguments<'a> {
    Name { name: &'a str },
    Place { sort_index: usize },
    Event(Details<'a>),
    Share { percent: f64 },
    Band { text: &'a str, links: String },
}

#[derive(Serialize)]
struct Details<'a> {
    event: usize,
    at: &'a str,
    incarnation: u32,
    text: &'a str,
    is_past: bool,
    shows: bool,
    causes: &'a [usize],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    does: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a Message>,
}

impl Record<'_> {
    /// Of what has the same time a flow comes after its slices, and an instant after the flows: it
    /// would be the innermost slice.
    const fn rank(&self) -> u8 {
        match self.ph {
            Phase::Name => 0,
            Phase::Slice | Phase::Begin | Phase::Counter => 1,
            Phase::FlowStart => 2,
            Phase::FlowEnd => 3,
            Phase::Instant => 4,
            Phase::End => 5,
        }
    }
}

/// When the slices of events start: at their time, but none before the one before it on the same
/// track has started, or before what led to it.
fn starts(explained: &Explained) -> Vec<u64> {
    let mut free = vec![0; process(Some(explained.machines.len()))];
    let mut starts: Vec<u64> = Vec::with_capacity(explained.events.len());
    for event in &explained.events {
        let led = event.causes.iter().map(|&cause| starts[cause]).max().unwrap_or(0);
        let free = &mut free[process(event.machine)];
        let start = event.at_ns.max(led).max(*free);
        if !is_instant(event) {
            *free = start + STEP_NS;
        }
        starts.push(start);
    }
    starts
}

/// The process of a machine.
const fn process(machine: Option<usize>) -> usize {
    match machine {
        Some(machine) => WORLD + 1 + machine,
        None => WORLD,
    }
}

/// Whether it is a mark on the slice that led to it: a message that went nowhere.
fn is_instant(event: &Event) -> bool {
    matches!(event.kind.as_str(), "drop" | "void")
}

struct Tracer<'a> {
    explained: &'a Explained,
    /// When the slices of events start, in nanoseconds.
    starts: Vec<u64>,
    records: Vec<Record<'a>>,
}

impl<'a> Tracer<'a> {
    /// A record of a process at a time; process and thread have the same number.
    fn push(&mut self, ph: Phase, (cat, name): (&'a str, &'a str), pid: usize, start: u64) {
        let ts = micros(start);
        let record = Record {
            name,
            cat,
            ph,
            pid,
            tid: pid,
            ts,
            dur: None,
            id: None,
            bp: None,
            s: None,
            args: None,
            start,
        };
        self.records.push(record);
    }

    fn last(&mut self) -> &mut Record<'a> {
        self.records.last_mut().expect("it was just pushed")
    }

    fn names(&mut self) {
        let explained = self.explained;
        let machines = explained.machines.iter().map(|machine| machine.name.as_str());
        let named =
            std::iter::once(("world", "what befalls all")).chain(machines.map(|name| (name, name)));
        for (pid, (process, thread)) in (WORLD..).zip(named) {
            for (what, name) in [("process_name", process), ("thread_name", thread)] {
                self.push(Phase::Name, ("__metadata", what), pid, 0);
                self.last().args = Some(Arguments::Name { name });
            }
            self.push(Phase::Name, ("__metadata", "process_sort_index"), pid, 0);
            self.last().args = Some(Arguments::Place { sort_index: pid });
        }
    }

    fn event(&mut self, event: &'a Event) {
        let message = event.message.map(|message| &self.explained.messages[message]);
        let name = match (message, event.kind.as_str()) {
            (Some(message), "message") => message.kind.as_str(),
            _ => event.text.as_str(),
        };
        let details = self.details(event, message);
        let pid = process(event.machine);
        let category = if details.is_past { "past" } else { "aside" };
        if is_instant(event) {
            let sent = message.map_or(event.id, |message| message.sent);
            self.push(Phase::Instant, (category, name), pid, self.starts[sent]);
            self.last().s = Some("t");
        } else {
            let start = self.starts[event.id];
            let dur = self.length(event);
            self.push(Phase::Slice, (category, name), pid, start);
            self.last().dur = Some(micros(dur));
        }
        self.last().args = Some(Arguments::Event(details));
    }

    /// How long a slice is: up to the next one of its track, but not longer than all are.
    fn length(&self, event: &Event) -> u64 {
        let mut later = self.explained.events[event.id + 1..].iter();
        let next = later.find(|other| other.machine == event.machine && !is_instant(other));
        next.map_or(SLICE_NS, |next| {
            let room = self.starts[next.id] - self.starts[event.id];
            SLICE_NS.min(room - GAP_NS)
        })
    }

    fn details(&self, event: &'a Event, message: Option<&'a Message>) -> Details<'a> {
        let explained = self.explained;
        let history = event.operations.iter().map(|&line| explained.history[line].text.as_str());
        let steps = explained.steps.iter().filter(|step| step.events.contains(&event.id));
        Details {
            event: event.id,
            at: &event.at,
            incarnation: event.incarnation,
            text: &event.text,
            is_past: explained.past.binary_search(&event.id).is_ok(),
            shows: explained.anchors.contains(&event.id),
            causes: &event.causes,
            does: &event.does,
            history: history.collect(),
            steps: steps.map(|step| step.text.as_str()).collect(),
            message,
        }
    }

    /// The arrow of a message from the slice that sent it to the one in which it comes.
    fn flow(&mut self, message: &'a Message) {
        let Some(ended) = message.ended.filter(|_| is_arrow(message)) else { return };
        let named = (FLOWS, message.kind.as_str());
        let ends = [
            (Phase::FlowStart, message.sent, message.from, None),
            (Phase::FlowEnd, ended, message.to, Some("e")),
        ];
        for (phase, event, machine, bp) in ends {
            self.push(phase, named, process(Some(machine)), self.starts[event]);
            (self.last().id, self.last().bp) = (Some(message.id), bp);
        }
    }

    /// A fault that lasts, at each machine that it befalls; one of links befalls the world.
    fn band(&mut self, band: &'a Band) {
        let end = self.starts.iter().copied().max().unwrap_or(0) + SLICE_NS;
        let from = self.starts[band.from];
        let to = band.to.map_or(end, |to| self.starts[to]).max(from);
        let machines = band.machines.iter().map(|&machine| process(Some(machine)));
        let mut processes: Vec<usize> = machines.collect();
        if processes.is_empty() {
            processes.push(WORLD);
        }
        let name = |machine: usize| self.explained.machines[machine].name.as_str();
        let links = band.links.iter().map(|&(from, to)| format!("{}→{}", name(from), name(to)));
        let links = links.collect::<Vec<_>>().join(", ");
        for pid in processes {
            let id = Some(self.records.len());
            for (phase, start) in [(Phase::Begin, from), (Phase::End, to)] {
                self.push(phase, (&band.kind, &band.text), pid, start);
                self.last().id = id;
            }
            let begin = self.records.len() - 2;
            let links = links.clone();
            self.records[begin].args = Some(Arguments::Band { text: &band.text, links });
        }
    }

    /// How likely the failure is as the run goes on.
    fn curve(&mut self) {
        for kept in &self.explained.curve {
            let start = kept.event.map_or(0, |event| self.starts[event]);
            let percent = f64::from(kept.failed) * 100.0 / f64::from(kept.of.max(1));
            self.push(Phase::Counter, ("curve", "the failure is likely"), WORLD, start);
            self.last().args = Some(Arguments::Share { percent });
        }
    }
}

/// The category of the arrows.
const FLOWS: &str = "message";

/// Whether the message came to its machine, listened to or not.
fn is_arrow(message: &Message) -> bool {
    matches!(message.fate.as_str(), "delivered" | "dead")
}

/// The unit of the format.
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1_000.0
}
