//! Leaving out parts of the system: machines, clients, operations, and bytes from outside.

use super::Stage;
use super::search::{Search, steps, without};
use crate::history::Event;
use crate::id::{MessageId, NodeId};
use crate::schedule::Part;

impl Search<'_> {
    /// Leaves out what the failure does without: whole machines, then the plans of others, then
    /// halves of what is still planned down to single operations.
    pub(super) fn leave_out_parts(&mut self) {
        self.stage = Stage::Parts;
        if self.best.steps() > 0 {
            for number in 0..self.subject.machines().len() {
                self.omit(&[Part::Machine(NodeId(number as u16))]);
            }
        }
        let mut clients: Vec<_> = self.planned().iter().filter_map(|id| id.planned()).collect();
        clients.dedup_by_key(|&mut (client, _)| client);
        for (client, _) in clients {
            self.omit(&[Part::Client(client)]);
        }
        self.leave_out_operations();
        self.leave_out_inputs();
    }

    /// The last operations first: those that come before a failure tend to matter.
    fn leave_out_operations(&mut self) {
        let mut left = self.planned();
        let mut size = left.len().div_ceil(2);
        while size > 0 && !self.is_over {
            let mut to = left.len();
            while to > 0 {
                let from = to.saturating_sub(size);
                let parts: Vec<_> = left[from..to].iter().copied().map(Part::Operation).collect();
                if self.omit(&parts) {
                    left.drain(from..to);
                }
                to = from;
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn leave_out_inputs(&mut self) {
        let mut number = self.best.inputs.len();
        while number > 0 {
            number -= 1;
            let mut lesser = self.best.clone();
            lesser.inputs.remove(number);
            self.attempt(lesser);
        }
    }

    /// Leaves out parts, unless that they are missing is what fails: a message that nobody is there
    /// to consume is lost, but not by any fault of the system. Without a step the rest must do as
    /// the whole does.
    fn omit(&mut self, parts: &[Part]) -> bool {
        let is_new = |part: &Part| !self.best.omit.contains(part);
        let parts: Vec<_> = parts.iter().copied().filter(is_new).collect();
        if parts.is_empty() {
            return false;
        }
        let mut lesser = self.best.clone();
        lesser.omit.retain(|part| !is_within(*part, &parts));
        lesser.omit.extend(parts);
        let quiet = (lesser.steps() > 0).then(|| without(&lesser, &steps(&lesser)));
        self.attempt_unless(lesser, quiet)
    }

    /// What is still planned.
    fn planned(&mut self) -> Vec<MessageId> {
        let Some(seen) = self.inspect() else { return Vec::new() };
        let planned =
            seen.history.operations().iter().filter_map(|operation| match operation.event {
                Event::Plan { message, .. } => Some(message),
                _ => None,
            });
        planned.collect()
    }
}

/// Whether `parts` cover `part`.
fn is_within(part: Part, parts: &[Part]) -> bool {
    let owner = match part {
        Part::Machine(_) => return false,
        Part::Client(node) => Some(node),
        Part::Operation(message) => message.planned().map(|(node, _)| node),
    };
    let covers = |other: &Part| match other {
        Part::Machine(node) | Part::Client(node) => Some(*node) == owner,
        Part::Operation(_) => false,
    };
    parts.iter().any(covers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_covers_its_operations() {
        let (one, other) = (NodeId(1), NodeId(2));
        let operation = Part::Operation(MessageId::new(one, 7));
        assert!(is_within(operation, &[Part::Client(one)]));
        assert!(is_within(operation, &[Part::Client(other), Part::Machine(one)]));
        assert!(!is_within(operation, &[Part::Client(other), operation]));
        assert!(is_within(Part::Client(one), &[Part::Machine(one)]));
        assert!(!is_within(Part::Machine(one), &[Part::Client(one)]));
    }
}
