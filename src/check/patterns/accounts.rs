//! Accounting: acknowledged messages of which nobody can say what became of them.

use super::super::evidence::{list, moments, violation};
use super::super::index::Slot;
use super::super::ledger::{Ledger, Tally};
use super::super::{Promise, Rule, Violation};
use super::sinks::{Sinks, of};
use crate::history::{Event, Operation, Recorded};
use crate::id::SinkId;

/// What each account says of each message.
#[derive(Debug)]
pub(in super::super) struct Accounts {
    all: Vec<Account>,
    /// Whether a message was acknowledged, by slot.
    acknowledged: Vec<bool>,
    twice: Option<Twice>,
}

#[derive(Debug)]
struct Account {
    sinks: Sinks,
    disjoint: bool,
    /// By slot.
    landed: Vec<u64>,
}

/// A message that an account has at two sinks.
#[derive(Copy, Clone, Debug)]
struct Twice {
    account: usize,
    slot: Slot,
    second: Operation,
}

impl Accounts {
    /// The checker of the promises of accounting among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let mut accounts = Vec::new();
        for promise in promises {
            let Promise::Accounted { of, disjoint } = promise else { continue };
            accounts.extend(of.iter().map(|sinks| Account {
                sinks: Sinks::new(sinks),
                disjoint: *disjoint,
                landed: Vec::new(),
            }));
        }
        Self { all: accounts, acknowledged: Vec::new(), twice: None }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.all.iter_mut().for_each(|account| account.landed.clear());
        self.acknowledged.clear();
        self.twice = None;
    }

    /// A message is acknowledged: each account owes it an entry.
    pub(super) fn acknowledged(&mut self, slot: Slot, tally: &mut Tally) {
        if std::mem::replace(of(&mut self.acknowledged, slot, false), true) {
            return;
        }
        let blank = |account: &&Account| account.landed.get(slot as usize).is_none_or(|l| *l == 0);
        tally.behind += self.all.iter().filter(blank).count() as u32;
    }

    /// An effect lands. Returns whether that breaks a promise for good.
    pub(super) fn effect(
        &mut self,
        operation: &Operation,
        (slot, sink): (Slot, SinkId),
        tally: &mut Tally,
    ) -> bool {
        let acknowledged = self.acknowledged.get(slot as usize) == Some(&true);
        let mut broken = false;
        for (number, account) in self.all.iter_mut().enumerate() {
            let bit = account.sinks.bit(sink);
            let landed = of(&mut account.landed, slot, 0);
            tally.behind -= u32::from(acknowledged && *landed == 0 && bit != 0);
            let is_second = bit != 0 && *landed & !bit != 0;
            *landed |= bit;
            if account.disjoint && is_second {
                let second = *operation;
                self.twice.get_or_insert(Twice { account: number, slot, second });
                broken = true;
            }
        }
        broken
    }

    /// A message at two sinks of one account.
    pub(in super::super) fn twice(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let Twice { account, slot, second } = self.twice?;
        let message = ledger.entry(slot).message;
        let sinks = &self.all[account].sinks;
        let Event::Effect { sink, .. } = second.event else { return None };
        let before = |o: &Operation| match o.event {
            Event::Effect { message: m, sink: s, .. } => {
                m == message && s != sink && sinks.bit(s) != 0
            }
            _ => false,
        };
        let first = history.first(before)?;
        let Event::Effect { sink: other, .. } = first.event else { return None };
        let all = sinks.names(sinks.all());
        let expected = format!("{message} has an effect at one of {} only", list(&all));
        let observed =
            format!("it took effect at {other:?} at {} and at {sink:?} at {}", first.at, second.at);
        let shows = |o: &Operation| *o == first || *o == second;
        Some(violation(Rule::Accounting, (expected, observed), vec![message], history, shows))
    }

    /// An acknowledged message that an account has nowhere; to be asked at rest only.
    pub(in super::super) fn missing(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let (account, slot) = self.all.iter().find_map(|account| {
            let blank = |slot: &usize| account.landed.get(*slot).is_none_or(|landed| *landed == 0);
            let slots = 0..self.acknowledged.len();
            Some((account, slots.into_iter().find(|s| self.acknowledged[*s] && blank(s))?))
        })?;
        let message = ledger.entry(slot as Slot).message;
        let acknowledged =
            |event: &Event| matches!(event, Event::SendOk { message: m, .. } if *m == message);
        let all = account.sinks.names(account.sinks.all());
        let expected =
            format!("{message} has an effect at one of {}, for it was acknowledged", list(&all));
        let observed = format!(
            "it was acknowledged at {}, and by the time all was at rest nobody had written down \
             what became of it",
            list(&moments(history, acknowledged))
        );
        let shows = |o: &Operation| acknowledged(&o.event) || matches!(o.event, Event::End { .. });
        Some(violation(Rule::Accounting, (expected, observed), vec![message], history, shows))
    }
}
