//! Operations of a history in words.

use crate::history::{DownCause, EndCause, Event, Operation};
use crate::id::NodeId;
use crate::node::Machine;

/// A line of the history: when, who, what.
pub(super) fn tell(machines: &[Machine], operation: &Operation) -> String {
    let name = machine(machines, operation.process);
    let again = match operation.incarnation {
        0 => String::new(),
        later => format!("'{later}"),
    };
    format!("{:>10}  {name}{again} {}", operation.at.to_string(), what(&operation.event))
}

pub(super) fn machine(machines: &[Machine], node: NodeId) -> String {
    machines.get(node.index()).map_or_else(|| format!("{node:?}"), |machine| machine.name.clone())
}

fn what(event: &Event) -> String {
    match event {
        Event::Plan { message, key } => format!("is to send {message} (key {key})"),
        Event::SendInvoke { message, key, attempt, payload } => {
            format!("sends {message} (key {key}, attempt {attempt}, payload {payload:016x})")
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
        Event::Polled { group, message, key, partition, offset, payload } => format!(
            "of {group:?} reads {message} at {partition:?} offset {offset} \
             (key {key}, payload {payload:016x})"
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
        Event::Effect { message, sink, payload } => {
            format!("commits the effect of {message} at {sink:?} (payload {payload:016x})")
        }
        Event::View { digest } => format!("holds {digest:016x}"),
        Event::Boot => "starts".to_owned(),
        Event::Down { cause: DownCause::Crash } => "crashes".to_owned(),
        Event::Down { cause: DownCause::PowerCut } => "loses power".to_owned(),
        Event::Down { cause: DownCause::Exit } => "exits".to_owned(),
        Event::Heal => "sees every fault end".to_owned(),
        Event::End { cause } => format!("sees the run end {}", end(*cause)),
    }
}

pub(super) const fn end(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Settled => "settled",
        EndCause::Quiescent => "quiescent",
        EndCause::Impatient => "impatient",
        EndCause::Broken => "broken",
        EndCause::Budget => "over budget",
    }
}
