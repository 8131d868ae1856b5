//! The rules of queues, and of the patterns that applications make of messages.

use super::Promise;
use super::ledger::Ledger;
use crate::history::{Event, Operation};
use accounts::Accounts;
use backlog::Backlogs;
use fence::Fences;
use overtaken::Overtaken;
use redelivery::Redelivery;
use settled::Settled;
use steps::Steps;
use torn::Torn;

mod accounts;
mod backlog;
mod fence;
mod overtaken;
mod redelivery;
mod settled;
mod sinks;
mod steps;
mod torn;

/// Watches what only systems with queues, services or sagas promise.
#[derive(Debug)]
pub(super) struct Patterns {
    promised: bool,
    pub(super) settled: Settled,
    pub(super) redelivery: Redelivery,
    pub(super) fences: Fences,
    pub(super) overtaken: Overtaken,
    pub(super) backlogs: Backlogs,
    pub(super) accounts: Accounts,
    pub(super) torn: Torn,
    pub(super) steps: Steps,
}

impl Patterns {
    /// The checkers of what `promises` say.
    ///
    /// # Panics
    /// If one of the promises names more than [`SINKS_MAX`](super::SINKS_MAX) sinks.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let is_one = |promise: &Promise| {
            matches!(
                promise,
                Promise::Atomic { .. }
                    | Promise::Compensated { .. }
                    | Promise::Accounted { .. }
                    | Promise::OrderedEffects { .. }
                    | Promise::BoundedRedelivery { .. }
                    | Promise::SettledForGood { .. }
                    | Promise::Fenced { .. }
                    | Promise::BoundedBacklog { .. }
            )
        };
        Self {
            promised: promises.iter().any(is_one),
            settled: Settled::new(promises),
            redelivery: Redelivery::new(promises),
            fences: Fences::new(promises),
            overtaken: Overtaken::new(promises),
            backlogs: Backlogs::new(promises),
            accounts: Accounts::new(promises),
            torn: Torn::new(promises),
            steps: Steps::new(promises),
        }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.settled.reset();
        self.redelivery.reset();
        self.fences.reset();
        self.overtaken.reset();
        self.backlogs.reset();
        self.accounts.reset();
        self.torn.reset();
        self.steps.reset();
    }

    /// Whether any of this is promised.
    pub(super) fn is_promised(&self) -> bool {
        self.promised
    }

    /// Takes in an operation that the ledger knows already. Returns whether that breaks a promise
    /// for good.
    pub(super) fn observe(&mut self, operation: &Operation, ledger: &mut Ledger) -> bool {
        self.backlogs.pass(operation.at);
        self.settled.tick();
        match operation.event {
            Event::Boot => self.settled.boot(operation),
            Event::Down { .. } => self.redelivery.down(operation),
            Event::Lapsed { group } => self.redelivery.lapsed(operation, group),
            Event::Heal => self.backlogs.stirred(operation.at),
            _ => {}
        }
        let Some(message) = operation.event.message() else { return false };
        let (slot, entry, tally) = ledger.open(message);
        let of = (slot, &*entry);
        match operation.event {
            Event::SendInvoke { .. } => {
                self.redelivery.sent(operation, of.0);
                self.backlogs.stirred(operation.at);
                false
            }
            Event::SendOk { .. } => {
                self.accounts.acknowledged(slot, tally);
                self.backlogs.acknowledged(operation, slot, tally)
            }
            Event::Received { group, .. } => {
                self.redelivery.received(operation, group, slot);
                self.settled.received(operation, group, of)
            }
            Event::Returned { group, .. } | Event::AckInfo { group, .. } => {
                self.redelivery.given_up(operation, group, slot);
                false
            }
            Event::AckOk { group, .. } => {
                self.redelivery.confirmed(operation, group, slot);
                self.settled.confirmed(operation, group, slot);
                false
            }
            Event::Acting { sink, token, .. } => {
                self.fences.acting(slot, sink, token);
                false
            }
            Event::Effect { sink, .. } => {
                self.torn.effect(slot, sink, tally);
                self.steps.effect(slot, sink, tally);
                self.backlogs.effect(slot, sink, tally);
                self.accounts.effect(operation, (slot, sink), tally)
                    | self.fences.effect(operation, slot, sink)
                    | self.overtaken.effect(operation, of, sink)
            }
            _ => false,
        }
    }
}
