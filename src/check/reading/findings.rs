//! The violations that reading shows, in words.

use super::super::evidence::violation;
use super::super::ledger::{Ledger, Place};
use super::super::{Rule, Violation};
use super::excuse::Excuses;
use super::{Known, Overtaker, Partition, Reading, Resurrected, Rewound, Step};
use crate::history::{Event, Operation, Recorded};
use crate::id::MessageId;
use crate::time::Instant;

impl Reading {
    /// An offset that shows two records.
    pub(in super::super) fn inconsistent(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let (number, told) = self.broken.inconsistent?;
        let told = at(history, told)?;
        let Known { slot, place, .. } = self.records[number as usize];
        let first = ledger.entry(slot).message;
        let second = told.event.message()?;
        let expected = format!("{place} always shows one record");
        let observed = if first == second {
            format!("it shows {first} with another payload at {} than before", told.at)
        } else {
            format!("it shows {first}, and at {} it showed {second}", told.at)
        };
        let mut about = vec![first, second];
        about.dedup();
        let shows = |o: &Operation| tells(o, place);
        Some(violation(Rule::InconsistentOffset, (expected, observed), about, history, shows))
    }

    /// A message that landed in front of one that was acknowledged before it was sent.
    pub(in super::super) fn overtaken(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let Overtaker { slot, place, mark, told } = self.broken.overtaker?;
        let told = at(history, told)?;
        let [other, message] = [mark.slot, slot].map(|slot| ledger.entry(slot).message);
        let Place { partition, offset } = place;
        let expected = format!(
            "{message} stands behind {other} in {partition:?}, for {other} was acknowledged at \
             offset {} before {message} was first sent",
            mark.offset
        );
        let observed = format!("{message} stands at offset {offset}, as was told at {}", told.at);
        let sends = |o: &Operation| {
            matches!(o.event, Event::SendInvoke { .. }) && o.event.message() == Some(message)
        };
        let first = history.first(sends);
        let stands = Place { partition, offset: mark.offset };
        let shows = |o: &Operation| {
            let acknowledges = matches!(o.event, Event::SendOk { .. }) && tells(o, stands);
            *o == told || Some(*o) == first || acknowledges
        };
        let about = vec![other, message];
        Some(violation(Rule::Order, (expected, observed), about, history, shows))
    }

    /// A known record that nobody can read; to be asked at rest only.
    pub(in super::super) fn lost_record(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        if !self.durable {
            return None;
        }
        let mut missing = (0..)
            .zip(&self.records)
            .filter_map(|(number, record)| Some((number, record, self.missed(record)?)));
        let first = missing.next()?;
        let excuses = Excuses::new(self, ledger);
        let unexcused =
            |&(number, _, (at, _)): &(u32, _, (Instant, _))| !excuses.excuse(number, at);
        let (_, record, (_, step)) = std::iter::once(first).chain(missing).find(unexcused)?;
        let Known { slot, place, .. } = *record;
        let message = ledger.entry(slot).message;
        let expected = format!("{message} can be read at {place}, for it is known to stand there");
        let step = step.map(|step| Shown::of(step, history));
        let observed = match step {
            Some(Shown { read, .. }) => format!(
                "{:?} passed over it at {}, and nobody has read it since",
                read?.process, read?.at
            ),
            None => "nobody has ever read it, though others read on both sides of it".to_owned(),
        };
        let shows = |o: &Operation| match step {
            Some(step) => tells(o, place) || step.shows(o),
            None => tells(o, place) || matches!(o.event, Event::End { .. }),
        };
        let about = vec![message];
        Some(violation(Rule::LostRecord, (expected, observed), about, history, shows))
    }

    /// A record that came back.
    pub(in super::super) fn resurrected(&self, history: &dyn Recorded) -> Option<Violation> {
        let (read, step, committed) = match self.broken.resurrected? {
            Resurrected::Passed { step, read } => (read, Some(&self.steps[step as usize]), None),
            Resurrected::Settled { committed, read } => (read, None, Some(committed)),
        };
        let read = at(history, read)?;
        let step = step.map(|step| Shown::of(step, history));
        let (message, Place { partition, offset }) = handed(&read)?;
        let place = Place { partition, offset };
        let (expected, observed) = match (step, committed) {
            (Some(step), _) => (
                format!("what is gone from {place} does not come back"),
                format!(
                    "{:?} passed over it at {}, and at {} {:?} was handed {message} there",
                    step.read?.process, step.read?.at, read.at, read.process
                ),
            ),
            (None, committed) => (
                format!(
                    "nothing is handed again that was settled before the session began: there \
                     the group had committed offset {} of {partition:?}",
                    committed.unwrap_or_default()
                ),
                format!("it was handed {message} at offset {offset} at {}", read.at),
            ),
        };
        let shows = |o: &Operation| {
            *o == read
                || step.is_some_and(|step| step.shows(o))
                || (step.is_none() && settles(o, &read))
                || boots(o, &read)
        };
        Some(violation(Rule::Resurrected, (expected, observed), vec![message], history, shows))
    }

    /// A record that a consumer passed over.
    ///
    /// Which records are to be seen shows at the end only: one may be told of late, and one that
    /// comes later may excuse it.
    pub(in super::super) fn skipped(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        if !self.ordered || self.steps.is_empty() {
            return None;
        }
        let excuses = Excuses::new(self, ledger);
        let (step, number) = self.steps.iter().find_map(|step| {
            let shelf = &self.partitions[step.partition.index()].shelf;
            let mut between = shelf.range(step.from..step.to);
            Some((step, between.find(|&number| !excuses.excuse(number, step.at))?))
        })?;
        let Known { slot, place, .. } = self.records[number as usize];
        let message = ledger.entry(slot).message;
        let Step { from, to, partition, .. } = *step;
        let step = Shown::of(step, history);
        let read = step.read?;
        let node = read.process;
        let expected = format!("{node:?} is handed every record of {partition:?} in turn");
        let came = match step.before {
            None => format!("its first record, at {}, was at offset {to}", read.at),
            Some(before) => {
                format!("{} it came from offset {} to {to}", turn(&before, &read), from - 1)
            }
        };
        let where_it_stood = match step.before {
            None => format!(" where its group stood at {from}"),
            Some(_) => String::new(),
        };
        let observed = format!("{came}{where_it_stood}, past {message} at offset {}", place.offset);
        let shows = |o: &Operation| {
            step.shows(o)
                || tells(o, place)
                || (step.before.is_none() && (settles(o, &read) || boots(o, &read)))
        };
        Some(violation(Rule::Skipped, (expected, observed), vec![message], history, shows))
    }

    /// A consumer that went back.
    pub(in super::super) fn rewound(&self, history: &dyn Recorded) -> Option<Violation> {
        let (before, read) = match self.broken.rewound? {
            Rewound::Within { before, read } => (at(history, before), at(history, read)?),
            Rewound::AtStart { read } => (None, at(history, read)?),
        };
        let (message, Place { partition, offset }) = handed(&read)?;
        let node = read.process;
        let expected = match before {
            Some(_) => format!("{node:?} goes forward in {partition:?}"),
            None => format!("{node:?} goes on in {partition:?} where its group stands"),
        };
        let observed = match before.and_then(|before| Some((before, handed(&before)?))) {
            Some((before, (_, place))) => format!(
                "{} it came from offset {} to {message} at offset {offset}",
                turn(&before, &read),
                place.offset
            ),
            None => format!(
                "its first record, at {}, was {message} at offset {offset}, before every offset \
                 that the group had committed or tried to",
                read.at
            ),
        };
        let shows = |o: &Operation| {
            *o == read
                || before == Some(*o)
                || (before.is_none() && (settles(o, &read) || boots(o, &read)))
        };
        Some(violation(Rule::Rewound, (expected, observed), vec![message], history, shows))
    }

    /// When a record was passed over so that nobody read it afterwards, and in which step if one is
    /// known: a consumer went past it; or it was acknowledged, nobody ever read it, one consumer
    /// began at or before it, and one read beyond it.
    fn missed(&self, record: &Known) -> Option<(Instant, Option<&Step>)> {
        let Place { partition, offset } = record.place;
        let Partition { passed, begun, front, .. } = &self.partitions[partition.index()];
        if let Some(step) = passed.first(offset) {
            let step = &self.steps[step as usize];
            return (record.read_last < step.read).then_some((step.at, Some(step)));
        }
        let between = begun.is_some_and(|begun| begun <= offset) && offset < *front;
        let missed = record.acknowledged && record.read_last == 0 && between;
        missed.then_some((self.at, None))
    }
}

/// The operations of a step.
#[derive(Copy, Clone)]
struct Shown {
    before: Option<Operation>,
    read: Option<Operation>,
}

impl Shown {
    fn of(step: &Step, history: &dyn Recorded) -> Self {
        let before = step.before.and_then(|before| at(history, before));
        Self { before, read: at(history, step.read) }
    }

    /// Whether the operation is one of the two between which the step goes.
    fn shows(&self, operation: &Operation) -> bool {
        [self.before, self.read].contains(&Some(*operation))
    }
}

/// The operation of a moment.
fn at(history: &dyn Recorded, moment: u64) -> Option<Operation> {
    history.at((moment as usize).checked_sub(1)?)
}

/// Whether both records came with one poll, in words.
fn turn(before: &Operation, read: &Operation) -> String {
    if before.at == read.at {
        format!("inside one poll, at {},", read.at)
    } else {
        format!("between the polls of {} and {}", before.at, read.at)
    }
}

/// The message that a poll has returned, and its place.
fn handed(read: &Operation) -> Option<(MessageId, Place)> {
    match read.event {
        Event::Polled { message, partition, offset, .. } => {
            Some((message, Place { partition, offset }))
        }
        _ => None,
    }
}

/// Whether the operation tells what stands at `place`.
fn tells(operation: &Operation, place: Place) -> bool {
    match operation.event {
        Event::SendOk { partition, offset: Some(offset), .. }
        | Event::Polled { partition, offset, .. } => place == Place { partition, offset },
        _ => false,
    }
}

/// Whether the operation is a commit that succeeded, of the group and partition that `read` is of.
fn settles(operation: &Operation, read: &Operation) -> bool {
    match (operation.event, read.event) {
        (
            Event::CommitOk { group, partition, .. },
            Event::Polled { group: own, partition: at, .. },
        ) => (group, partition) == (own, at) && operation.at <= read.at,
        _ => false,
    }
}

/// Whether the operation is the boot of the session that `read` is of.
fn boots(operation: &Operation, read: &Operation) -> bool {
    let session = (operation.process, operation.incarnation);
    operation.event == Event::Boot && session == (read.process, read.incarnation)
}
