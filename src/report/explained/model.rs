//! The JSON of an explained failure.
//!
//! Ids are places in the list of their own kind. Times come twice: in nanoseconds since the run
//! began, and in words.

use serde::{Deserialize, Serialize};

/// A failing run, explained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explained {
    /// The version of this format: 1.
    pub format: u32,
    /// The version of the crate that wrote it.
    pub postulate: String,
    /// The scenario as it was named.
    pub scenario: String,
    /// The seed, such as `0x11`.
    pub seed: String,
    /// `violated`, `panicked`, `holds` or `unknown`.
    pub verdict: String,
    /// The rule that is broken, or the place of the panic.
    pub group: String,
    /// What was expected, in a sentence.
    pub expected: String,
    /// What was observed instead, in a sentence.
    pub observed: String,
    /// The line to paste that shows the run again.
    pub replay: String,
    /// The digest of the run.
    pub digest: String,
    /// The knobs of the scenario.
    pub knobs: Vec<Knob>,
    /// The machines.
    pub machines: Vec<Machine>,
    /// The faults and decisions that the run takes.
    pub steps: Vec<Step>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Every message, in the order of sending.
    pub messages: Vec<Message>,
    /// What machines held, in words of several lines: each text once.
    pub states: Vec<String>,
    /// The history.
    pub history: Vec<Line>,
    /// The faults that lasted for a while.
    pub bands: Vec<Band>,
    /// The events that show the failure.
    pub anchors: Vec<usize>,
    /// The anchors and all that happened before any of them, in order.
    pub past: Vec<usize>,
    /// The operations in the past of which nobody knows whether they happened.
    pub infos: Vec<Info>,
    /// How often the run fails in the same way if only its first events are kept.
    pub curve: Vec<Kept>,
    /// The event that made the failure likelier than any other did.
    pub rise: Option<Rise>,
    /// The run that holds and has the most in common with this one.
    pub nearest: Option<Nearest>,
}

/// A knob and its value in this run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Knob {
    /// Its name.
    pub name: String,
    /// Its value, in words.
    pub value: String,
}

/// A machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Its place in [`Explained::machines`].
    pub id: usize,
    /// Its name.
    pub name: String,
    /// What it is for, such as `broker`.
    pub role: String,
}

/// A fault or a decision, and what would be without it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The step in words.
    pub text: String,
    /// The class of its fault.
    pub class: String,
    /// The events in which it took hold.
    pub events: Vec<usize>,
    /// How the run ends without it: `holds`, a rule, `unknown` or the place of a panic.
    pub without: String,
    /// What other values of it do; nothing if none were tried.
    pub values: Option<Values>,
}

/// Other values of a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Values {
    /// How many were tried.
    pub tried: u32,
    /// With how many of them the run failed in the same way.
    pub failed: u32,
    /// That in words, such as `other values: all 8 fail; other times: 1 of 4 fail`.
    pub text: String,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its place in [`Explained::events`].
    pub id: usize,
    /// When, in nanoseconds.
    pub at_ns: u64,
    /// When, in words.
    pub at: String,
    /// At which machine; none if it concerns the whole world.
    pub machine: Option<usize>,
    /// In which incarnation of it.
    pub incarnation: u32,
    /// `boot`, `message`, `timer`, `sync`, `notice`, `input`; `drop`, `void` or `dead` for a
    /// message that ends without being handled; `crash`, `power-cut`, `exit`, `pause`, `resume`;
    /// `fault`, `lift`, `heal`, `end`.
    pub kind: String,
    /// What happened, in words.
    pub text: String,
    /// The message that arrived or came to its end.
    pub message: Option<usize>,
    /// The events that led to it directly: all of them come before it.
    pub causes: Vec<usize>,
    /// What the machine did then, in words, but for what it sent, which [`Explained::messages`]
    /// has.
    pub does: Vec<String>,
    /// The lines of the history that it entered.
    pub operations: Vec<usize>,
    /// What the machine held afterwards, by its place in [`Explained::states`].
    pub state: Option<usize>,
}

/// The way of a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Its place in [`Explained::messages`].
    pub id: usize,
    /// The machine that sent it.
    pub from: usize,
    /// The machine that it was sent to.
    pub to: usize,
    /// The name of its kind.
    pub kind: String,
    /// The message in words.
    pub text: String,
    /// The event in which it was sent.
    pub sent: usize,
    /// The event in which it arrived or was lost; none if it was still on its way at the end.
    pub ended: Option<usize>,
    /// `delivered`; `lost` on its way; `void`, written where it leads nowhere; `dead`, arrived
    /// where nobody listens; or `waiting`.
    pub fate: String,
    /// Whether it is the second of a message that was doubled.
    pub copy: bool,
    /// Whether a bit of it was flipped.
    pub corrupted: bool,
    /// How much later than its quiet time it was to arrive, in nanoseconds.
    pub late_ns: u64,
    /// That in words.
    pub late: String,
}

/// A line of the history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Its place in [`Explained::history`].
    pub id: usize,
    /// The event that entered it; none for what was planned before anything ran.
    pub event: Option<usize>,
    /// `plan`, `send`, `ok`, `fail`, `info`, `polled`, `commit`, `commit-ok`, `commit-info`,
    /// `effect`, `view`, `boot`, `down`, `heal` or `end`.
    pub kind: String,
    /// The line in words.
    pub text: String,
    /// Whether it is one of the lines that show the failure.
    pub shows: bool,
}

/// A fault that lasted for a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Band {
    /// Of links: `cut`, `hold` or `grey`; of machines: `down`, `pause` or `full-disk`.
    pub kind: String,
    /// The fault in words.
    pub text: String,
    /// The machines that it befell.
    pub machines: Vec<usize>,
    /// The links that it befell, each with the machines that send and receive.
    pub links: Vec<(usize, usize)>,
    /// The event in which it began.
    pub from: usize,
    /// The event in which it was over; none if it lasted to the end.
    pub to: Option<usize>,
}

/// An operation of which nobody knows whether it happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Info {
    /// The operation in words.
    pub text: String,
    /// Its line in the history.
    pub history: usize,
    /// The verdict if it had happened.
    pub if_ok: String,
    /// The verdict if it had not; none if that cannot be.
    pub if_fail: Option<String>,
    /// Whether one of these is another verdict than the one of the run.
    pub matters: bool,
}

/// A point of the curve.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// How many events of the run are kept; the rest is drawn anew.
    pub keep: u64,
    /// The last event that is kept; none if none is.
    pub event: Option<usize>,
    /// How many of the runs failed in the same way.
    pub failed: u32,
    /// How many runs were made.
    pub of: u32,
}

/// Where the failure became likely.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rise {
    /// The event that made it likely.
    pub event: usize,
    /// The share of runs that fail without that event, from 0 to 1.
    pub from: f64,
    /// The share that fails with it.
    pub to: f64,
}

/// A run that holds, beside the failing one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Nearest {
    /// How it comes about.
    pub text: String,
    /// How many lines of their stories are the same.
    pub common: usize,
    /// The event of the failing run with which they part; none if that run ends there.
    pub event: Option<usize>,
    /// The next line of the failing run.
    pub failing: String,
    /// The next line of the run that holds.
    pub passing: String,
}
