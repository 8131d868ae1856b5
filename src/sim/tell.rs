//! Decisions and faults in words.

use crate::choice::{Actor, Choice, Key, Site};
use crate::id::NodeId;
use crate::node::Machine;
use crate::profile::Knob;
use crate::schedule::{Deed, Fault, Occasion, Trigger, Trouble};
use crate::time::Span;
use std::fmt::Write;

/// A decision in words: `drop producer-1→broker Produce #3`.
pub(crate) fn tell_decision(
    machines: &[Machine],
    knobs: &[Knob],
    kind_name: fn(u8) -> &'static str,
    key: Key,
    choice: Choice,
) -> String {
    if key.site() == Site::Knob {
        return tell_knob(knobs, key, choice);
    }
    tell_choice(key.site(), &tell_key(machines, kind_name, key), choice)
}

/// The place of a choice in words: `producer-1→broker Produce #3`.
pub(crate) fn tell_key(
    machines: &[Machine],
    kind_name: fn(u8) -> &'static str,
    key: Key,
) -> String {
    let number = key.occurrence() + 1;
    let who = match key.actor() {
        Actor::Link(from, to) => format!("{}→{}", name(machines, from), name(machines, to)),
        Actor::Node(node, 0) => name(machines, node).to_owned(),
        Actor::Node(node, incarnation) => {
            format!("{} (incarnation {incarnation})", name(machines, node))
        }
        Actor::Run => "run".to_owned(),
    };
    match key.site() {
        Site::Message => format!("{who} {} #{number}", kind_name(key.kind())),
        Site::Break => format!("broken connection {who} #{number}"),
        Site::Notice => format!("notice {who} of a gone connection #{number}"),
        Site::Timer => format!("{who} timer {} #{number}", key.kind()),
        Site::Sync => format!("{who} sync of file {} #{number}", key.kind()),
        Site::Append => format!("{who} append to file {} #{number}", key.kind()),
        Site::PowerCut | Site::Tear => format!("{who} file {}", key.kind()),
        Site::CrashPoint => who,
        Site::Node => format!("{who} choice {} #{number}", key.kind()),
        Site::Knob => format!("knob {}", key.kind()),
        Site::Drift => format!("monotonic clock of {who}"),
        Site::Offset => format!("wall clock of {who}"),
    }
}

fn tell_choice(site: Site, what: &str, choice: Choice) -> String {
    match choice {
        Choice::Lost => format!("drop {what}"),
        Choice::Late(late) => format!("{what} is {late} late"),
        Choice::Twice { late, again } => format!("duplicate {what}, {late} and {again} late"),
        Choice::Corrupted { bit, late } => format!("flip bit {bit} of {what}, {late} late"),
        Choice::Garbled { bits, late } => {
            format!("flip {bits} of the frame of {what}, {late} late")
        }
        Choice::OnlyWithin(within) => format!("{what} delivers only what arrives within {within}"),
        Choice::AfterAction(actions) => {
            format!("the crash of {what} falls after {actions} actions")
        }
        Choice::Undone(undone) => format!("the power cut undoes {undone} operations on {what}"),
        Choice::Torn => format!("the power cut tears the last record of {what}"),
        Choice::Failed(late) => format!("{what} fails, {late} late"),
        Choice::Lied(late) => format!("{what} lies, {late} late"),
        Choice::Missed => format!("{what} never reaches the disk"),
        Choice::Misdirected(back) => format!("{what} lands {back} records early"),
        Choice::Value(value) => format!("{what} takes alternative {value}"),
        Choice::Skew(skew) if site == Site::Drift => format!("{what} drifts by {skew} ppm"),
        Choice::Skew(skew) => format!("{what} is off by {skew} ns"),
    }
}

fn tell_knob(knobs: &[Knob], key: Key, choice: Choice) -> String {
    let knob = knobs.get(key.kind() as usize);
    let value = match (knob, choice) {
        (Some(knob), Choice::Value(value)) => knob.values.get(value as usize),
        _ => None,
    };
    match (knob, value) {
        (Some(knob), Some(&value)) => format!("{} = {}", knob.name, knob.tell(value)),
        _ => format!("knob {} takes {choice:?}", key.kind()),
    }
}

/// A timed fault in words: `at 12.4 ms: power cut of broker, down 3 ms`.
pub(crate) fn tell_fault(
    machines: &[Machine],
    kind_name: fn(u8) -> &'static str,
    fault: &Fault,
) -> String {
    let mut text = match fault.when {
        Trigger::At(at) => format!("at {at}: "),
        Trigger::After { node, events } => {
            format!("after event {events} of {}: ", name(machines, node))
        }
        Trigger::Upon { node, what, nth } => {
            let what = tell_occasion(machines, kind_name, what, nth);
            format!("after {} handles {what}: ", name(machines, node))
        }
        Trigger::Done { node, what, nth } => {
            let what = tell_deed(machines, kind_name, what);
            format!("after {} {what} #{nth}: ", name(machines, node))
        }
    };
    text.push_str(&tell_trouble(&fault.what, machines));
    text
}

fn tell_occasion(
    machines: &[Machine],
    kind_name: fn(u8) -> &'static str,
    what: Occasion,
    nth: u32,
) -> String {
    match what {
        Occasion::Message { from, kind } => {
            format!("{} #{nth} of {}", kind_name(kind), name(machines, from))
        }
        Occasion::Timer(timer) => format!("timer {} #{nth}", timer.0),
        Occasion::Sync(file) => format!("sync of file {} #{nth}", file.0),
        Occasion::Notice(peer) => {
            format!("notice of a gone connection with {} #{nth}", name(machines, peer))
        }
        Occasion::Input(connection) => format!("input over connection {connection} #{nth}"),
    }
}

fn tell_deed(machines: &[Machine], kind_name: fn(u8) -> &'static str, what: Deed) -> String {
    match what {
        Deed::Send { to, kind } => format!("sends {} {}", name(machines, to), kind_name(kind)),
        Deed::Append(file) => format!("appends to file {}", file.0),
        Deed::Truncate(file) => format!("truncates file {}", file.0),
        Deed::Discard(file) => format!("discards the start of file {}", file.0),
        Deed::Sync(file) => format!("asks for sync of file {}", file.0),
        Deed::Disconnect(peer) => format!("disconnects from {}", name(machines, peer)),
    }
}

pub(super) fn tell_trouble(what: &Trouble, machines: &[Machine]) -> String {
    let of = |node: &NodeId| name(machines, *node);
    match what {
        Trouble::Crash { node, down } => format!("crash of {}, down {down}", of(node)),
        Trouble::PowerCut { node, down } => format!("power cut of {}, down {down}", of(node)),
        Trouble::Pause { node, lasting } => format!("pause of {} for {lasting}", of(node)),
        Trouble::Disconnect { node } => format!("the connections of {} break", of(node)),
        Trouble::Cut { from, to, lasting } => {
            format!("cut {}→{} for {lasting}", side(machines, from), side(machines, to))
        }
        Trouble::Hold { from, to, lasting } => {
            format!("hold {}→{} for {lasting}", of(from), of(to))
        }
        Trouble::Grey { from, to, slower, loss, duplicate, lasting } => format!(
            "grey link {}→{} for {lasting}: {slower} slower, loses {loss}, doubles {duplicate}",
            of(from),
            of(to)
        ),
        Trouble::ClockStep { node, by } => {
            let sign = if *by < 0 { "-" } else { "" };
            let size = Span::nanos_of(by.unsigned_abs());
            format!("wall clock of {} steps by {sign}{size}", of(node))
        }
        Trouble::FullDisk { node, lasting } => {
            format!("disk of {} is full for {lasting}", of(node))
        }
        Trouble::BitRot { node, file, back } => {
            format!("bit rot on {} {file:?}, {back} records before the newest", of(node))
        }
    }
}

fn name(machines: &[Machine], node: NodeId) -> &str {
    machines.get(node.index()).map_or("unknown machine", |machine| &machine.name)
}

fn side(machines: &[Machine], nodes: &[NodeId]) -> String {
    let mut text = String::from("{");
    for (n, &node) in nodes.iter().enumerate() {
        let separator = if n == 0 { "" } else { " " };
        _ = write!(text, "{separator}{}", name(machines, node));
    }
    text.push('}');
    text
}
