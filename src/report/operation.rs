//! Operations of a history in words.

use crate::history::{DownCause, EndCause, Event, Operation};
use crate::id::NodeId;
use crate::node::Machine;

/// A line of the history: when, who, what.
pub(super) fn tell(machines: &[Machine], operation: &Operation) -> String {
    format!("{:>10}  {}", operation.at.to_string(), who_what(machines, operation))
}

/// A line of the history: who, what.
pub(super) fn who_what(machines: &[Machine], operation: &Operation) -> String {
    let Operation { process, incarnation, event, .. } = operation;
    let who = match (event, incarnation) {
        (Event::Heal | Event::End { .. }, _) => String::new(),
        (_, 0) => machine(machines, *process) + " ",
        (_, later) => format!("{}'{later} ", machine(machines, *process)),
    };
    format!("{who}{}", what(event))
}

pub(super) fn machine(machines: &[Machine], node: NodeId) -> String {
    machines.get(node.index()).map_or_else(|| format!("{node:?}"), |machine| machine.name.clone())
}

/// What happened.
pub(super) fn what(event: &Event) -> String {
    match event {
        Event::Plan { message, key } => format!("is to send {message} (key {key})"),
        Event::SendInvoke { message, key, attempt, payload } => {
            format!("sends {message} (key {key}, attempt {attempt}, {})", body(*payload))
        }
        Event::SendOk { message, attempt, partition, offset: Some(offset) } => format!(
            "has {message} acknowledged at {partition:?} offset {offset} (attempt {attempt})"
        ),
        Event::SendOk { message, attempt, partition, offset: None } => {
            format!("has {message} acknowledged at {partition:?} (attempt {attempt})")
        }
        Event::SendFail { message, attempt } => {
            format!("has {message} refused (attempt {attempt})")
        }
        Event::SendInfo { message, attempt } => {
            format!("does not know what became of {message} (attempt {attempt})")
        }
        Event::Polled { group, message, key: _, partition, offset, payload } => format!(
            "of {group:?} reads {message} at {partition:?} offset {offset} ({})",
            body(*payload)
        ),
        Event::CommitInvoke { group, partition, offset } => {
            format!("of {group:?} commits {partition:?} up to offset {offset}")
        }
        Event::CommitOk { group, partition, offset } => {
            format!("of {group:?} has {partition:?} committed up to offset {offset}")
        }
        Event::CommitInfo { group, partition, offset } => format!(
            "of {group:?} does not know whether {partition:?} is committed up to offset {offset}"
        ),
        Event::Received { group, message, key: _, delivery, payload } => {
            format!("of {group:?} receives {message} (delivery {delivery}, {})", body(*payload))
        }
        Event::Returned { group, message } => format!("of {group:?} gives {message} back"),
        Event::Lapsed { group } => format!("of {group:?} holds nothing any more"),
        Event::AckInvoke { group, message } => format!("of {group:?} settles {message}"),
        Event::AckOk { group, message } => format!("of {group:?} has {message} settled"),
        Event::AckInfo { group, message } => {
            format!("of {group:?} does not know whether {message} is settled")
        }
        Event::Acting { message, sink, token } => {
            format!("begins {message} at {sink:?} under token {token}")
        }
        Event::Effect { message, sink, payload } => {
            format!("commits the effect of {message} at {sink:?} ({})", body(*payload))
        }
        Event::View { digest } => format!("holds {digest:016x}"),
        Event::Boot => "starts".to_owned(),
        Event::Down { cause: DownCause::Crash } => "crashes".to_owned(),
        Event::Down { cause: DownCause::PowerCut } => "loses power".to_owned(),
        Event::Down { cause: DownCause::Exit } => "exits".to_owned(),
        Event::Heal => "every fault is over".to_owned(),
        Event::End { cause } => format!("the run ends {}", end(*cause)),
    }
}

const fn end(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Settled => "settled",
        EndCause::Quiescent => "quiescent",
        EndCause::Impatient => "impatient",
        EndCause::Broken => "broken",
        EndCause::Budget => "over budget",
    }
}

/// The fingerprint of a payload; its first half tells two apart as well as the whole.
fn body(payload: u64) -> String {
    format!("payload {:08x}…", payload >> 32)
}
