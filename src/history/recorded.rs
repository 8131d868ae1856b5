//! A finished history that can be looked up again, wherever it is kept.

use super::{History, Operation};
use std::ops::ControlFlow;

/// The operations of a finished history. Verdicts look at them again only to show what they found,
/// so that a long history need not be in memory.
pub trait Recorded {
    /// Shows the operations with their places, from 0, oldest first, until `visit` breaks off.
    fn scan(&self, visit: &mut dyn FnMut(usize, &Operation) -> ControlFlow<()>);

    /// The operation at a place.
    fn at(&self, place: usize) -> Option<Operation>;
}

impl Recorded for History {
    fn scan(&self, visit: &mut dyn FnMut(usize, &Operation) -> ControlFlow<()>) {
        for (place, operation) in self.operations.iter().enumerate() {
            if visit(place, operation).is_break() {
                return;
            }
        }
    }

    fn at(&self, place: usize) -> Option<Operation> {
        self.operations.get(place).copied()
    }
}

impl dyn Recorded + '_ {
    /// The first operation that `which` picks.
    pub fn first(&self, which: impl Fn(&Operation) -> bool) -> Option<Operation> {
        let mut found = None;
        self.scan(&mut |_, operation| {
            if which(operation) {
                found = Some(*operation);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }

    /// The last operation that `which` picks.
    pub fn last(&self, which: impl Fn(&Operation) -> bool) -> Option<Operation> {
        let mut found = None;
        self.each(|operation| {
            if which(operation) {
                found = Some(*operation);
            }
        });
        found
    }

    /// Shows every operation, oldest first.
    pub fn each(&self, mut visit: impl FnMut(&Operation)) {
        self.scan(&mut |_, operation| {
            visit(operation);
            ControlFlow::Continue(())
        });
    }
}
