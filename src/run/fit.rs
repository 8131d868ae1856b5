//! Whether a schedule is one of a system: whether all that it names is there.

use super::{Subject, panics};
use crate::choice::{Actor, Choice, Key, Site};
use crate::clock::DRIFT_MAX;
use crate::id::NodeId;
use crate::schedule::{Deed, Fault, Input, Occasion, Part, Schedule, Trigger, Trouble};
use crate::time::{Instant, Span};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

/// The latest time and the longest span of a schedule: a hundred years. Beyond it virtual time
/// might run out before a run does.
pub const TIME_MAX: Span = Span::secs(100 * 365 * 24 * 60 * 60);

/// Something in a schedule that its system does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A machine that is not there.
    #[error("{place}: there is no machine {}; {known}", machine.0)]
    Machine {
        /// Where in the schedule, such as `faults[0]`.
        place: String,
        /// The machine.
        machine: NodeId,
        /// Which there are.
        known: String,
    },
    /// A knob that is not there.
    #[error("{place}: there is no knob {knob}; {known}")]
    Knob {
        /// Where in the schedule.
        place: String,
        /// The knob.
        knob: u8,
        /// Which there are.
        known: String,
    },
    /// A value that a knob does not have.
    #[error("{place}: the knob {knob} has no value {value}; write {known}")]
    Value {
        /// Where in the schedule.
        place: String,
        /// The name of the knob.
        knob: &'static str,
        /// The number of the value.
        value: u64,
        /// Which there are.
        known: String,
    },
    /// A kind of message that the system does not send.
    #[error("{place}: there is no kind of message {kind}")]
    Kind {
        /// Where in the schedule.
        place: String,
        /// The kind.
        kind: u8,
    },
    /// A choice or an actor that its site does not know.
    #[error("{place}: {wrong} does not go with the site {site:?}; write {right}")]
    Unsuited {
        /// Where in the schedule.
        place: String,
        /// What it is.
        wrong: String,
        /// The site.
        site: Site,
        /// What would be right.
        right: &'static str,
    },
    /// A number out of bounds.
    #[error("{place}: {wrong} is out of bounds; write {right}")]
    Bounds {
        /// Where in the schedule.
        place: String,
        /// What it is.
        wrong: String,
        /// What would be right.
        right: String,
    },
    /// A machine that is named twice on one side of a cut.
    #[error("{place}: the machine {machine:?} stands twice on one side; name it once")]
    Twice {
        /// Where in the schedule.
        place: String,
        /// Its name.
        machine: String,
    },
}

/// Checks that `schedule` can be run by `subject`: that the machines, knobs and kinds of messages
/// that it names are there, that every choice is one of its site, and that times and drifts are
/// within bounds.
///
/// Files, timers and occurrences come up as a run goes on. A decision about one that never does is
/// [unmet](super::Inspection::unmet), and an omitted operation that nobody plans is omitted.
///
/// # Errors
/// The first thing that does not fit.
pub fn fit(subject: &dyn Subject, schedule: &Schedule) -> Result<(), Misfit> {
    let fitting = Fitting { subject };
    for (number, fault) in schedule.faults.iter().enumerate() {
        fitting.fault(&format!("faults[{number}]"), fault)?;
    }
    for (number, (&key, &choice)) in schedule.decisions.iter().enumerate() {
        fitting.decision(&format!("decisions[{number}]"), key, choice)?;
    }
    let Schedule { heal_at, patience, drain, time_max, omit, inputs, .. } = schedule;
    let heal_at = heal_at.map(|at| at.since(Instant::START));
    let limits =
        [("heal_at", heal_at), ("patience", *patience), ("drain", *drain), ("time_max", *time_max)];
    for (place, limit) in limits {
        limit.map_or(Ok(()), |limit| span(place, limit))?;
    }
    for (number, part) in omit.iter().enumerate() {
        let place = format!("omit[{number}]");
        match *part {
            Part::Machine(node) | Part::Client(node) => fitting.machine(&place, node)?,
            Part::Operation(_) => {}
        }
    }
    for (number, Input { at, node, .. }) in inputs.iter().enumerate() {
        let place = format!("inputs[{number}]");
        fitting.machine(&place, *node)?;
        span(&place, at.since(Instant::START))?;
    }
    Ok(())
}

struct Fitting<'a> {
    subject: &'a dyn Subject,
}

impl Fitting<'_> {
    fn machine(&self, place: &str, node: NodeId) -> Result<(), Misfit> {
        let machines = self.subject.machines();
        if node.index() < machines.len() {
            return Ok(());
        }
        let known = match machines {
            [] => "there is none".to_owned(),
            [only] => format!("machine 0 is {}, the only one", only.name),
            [first, .., last] => {
                format!("they go from 0 ({}) to {} ({})", first.name, machines.len() - 1, last.name)
            }
        };
        Err(Misfit::Machine { place: place.to_owned(), machine: node, known })
    }

    fn fault(&self, place: &str, fault: &Fault) -> Result<(), Misfit> {
        match fault.when {
            Trigger::At(at) => span(place, at.since(Instant::START))?,
            Trigger::After { node, .. } => self.machine(place, node)?,
            Trigger::Done { node, what, .. } => {
                self.machine(place, node)?;
                self.deed(place, node, what)?;
            }
            Trigger::Upon { node, what, .. } => {
                self.machine(place, node)?;
                self.occasion(place, node, what)?;
            }
        }
        match &fault.what {
            Trouble::Crash { node, down: lasting }
            | Trouble::PowerCut { node, down: lasting }
            | Trouble::Pause { node, lasting }
            | Trouble::FullDisk { node, lasting } => {
                self.machine(place, *node)?;
                span(place, *lasting)
            }
            Trouble::Disconnect { node }
            | Trouble::ClockStep { node, .. }
            | Trouble::BitRot { node, .. } => self.machine(place, *node),
            Trouble::Cut { from, to, lasting } => {
                self.side(place, from)?;
                self.side(place, to)?;
                span(place, *lasting)
            }
            Trouble::Hold { from, to, lasting } => {
                self.machine(place, *from)?;
                self.machine(place, *to)?;
                span(place, *lasting)
            }
            Trouble::Grey { from, to, slower, lasting, .. } => {
                self.machine(place, *from)?;
                self.machine(place, *to)?;
                span(place, *slower)?;
                span(place, *lasting)
            }
        }
    }

    fn deed(&self, place: &str, node: NodeId, what: Deed) -> Result<(), Misfit> {
        match what {
            Deed::Send { to, kind } => {
                self.machine(place, to)?;
                self.kind(place, Key::new(Site::Message, Actor::Link(node, to), kind, 0))
            }
            Deed::Disconnect(peer) => self.machine(place, peer),
            Deed::Append(_) | Deed::Truncate(_) | Deed::Discard(_) | Deed::Sync(_) => Ok(()),
        }
    }

    fn occasion(&self, place: &str, node: NodeId, what: Occasion) -> Result<(), Misfit> {
        match what {
            Occasion::Message { from, kind } => {
                self.machine(place, from)?;
                self.kind(place, Key::new(Site::Message, Actor::Link(from, node), kind, 0))
            }
            Occasion::Notice(peer) => self.machine(place, peer),
            Occasion::Timer(_) | Occasion::Sync(_) | Occasion::Input(_) => Ok(()),
        }
    }

    fn side(&self, place: &str, nodes: &[NodeId]) -> Result<(), Misfit> {
        let mut seen = BTreeSet::new();
        for &node in nodes {
            self.machine(place, node)?;
            if !seen.insert(node) {
                let machine = self.subject.machines()[node.index()].name.clone();
                return Err(Misfit::Twice { place: place.to_owned(), machine });
            }
        }
        Ok(())
    }

    fn decision(&self, place: &str, key: Key, choice: Choice) -> Result<(), Misfit> {
        self.actor(place, key)?;
        let site = key.site();
        let right = suited(site, choice).map_or(Ok(()), |right| {
            let (place, wrong) = (place.to_owned(), format!("{choice:?}"));
            Err(Misfit::Unsuited { place, wrong, site, right })
        });
        right?;
        match choice {
            Choice::Late(late)
            | Choice::Corrupted { late, .. }
            | Choice::Garbled { late, .. }
            | Choice::OnlyWithin(late)
            | Choice::Failed(late)
            | Choice::Lied(late) => span(place, late),
            Choice::Twice { late, again } => {
                span(place, late)?;
                span(place, again)
            }
            Choice::Value(value) if site == Site::Knob => self.knob(place, key.kind(), value),
            Choice::Skew(ppm) if site == Site::Drift && ppm.unsigned_abs() > DRIFT_MAX as u64 => {
                let wrong = format!("a drift of {ppm} parts per million");
                let right = format!("a number from -{DRIFT_MAX} to {DRIFT_MAX}");
                Err(Misfit::Bounds { place: place.to_owned(), wrong, right })
            }
            Choice::Lost
            | Choice::AfterAction(_)
            | Choice::Undone(_)
            | Choice::Torn
            | Choice::Missed
            | Choice::Misdirected(_)
            | Choice::Value(_)
            | Choice::Skew(_) => Ok(()),
        }
    }

    fn actor(&self, place: &str, key: Key) -> Result<(), Misfit> {
        let site = key.site();
        let right = match (site, key.actor()) {
            (Site::Message | Site::Break | Site::Notice, Actor::Link(from, to)) => {
                self.machine(place, from)?;
                self.machine(place, to)?;
                return self.kind(place, key);
            }
            (Site::Message | Site::Break | Site::Notice, _) => "a link",
            (Site::Knob, Actor::Run) => return Ok(()),
            (Site::Knob, _) => "the run",
            (_, Actor::Node(node, _)) => return self.machine(place, node),
            _ => "a node",
        };
        let (place, wrong) = (place.to_owned(), format!("{:?}", key.actor()));
        Err(Misfit::Unsuited { place, wrong, site, right })
    }

    /// Kinds are numbers that only the system can name; it may well panic about one that it never
    /// gave.
    fn kind(&self, place: &str, key: Key) -> Result<(), Misfit> {
        panics::watch();
        let subject = AssertUnwindSafe(self.subject);
        match panics::catch(move || drop(subject.tell_key(key))) {
            Some(_) => Err(Misfit::Kind { place: place.to_owned(), kind: key.kind() }),
            None => Ok(()),
        }
    }

    fn knob(&self, place: &str, number: u8, value: u64) -> Result<(), Misfit> {
        let (place, knobs) = (place.to_owned(), self.subject.knobs());
        let Some(knob) = knobs.get(usize::from(number)) else {
            let known = match knobs {
                [] => "the system has none".to_owned(),
                knobs => {
                    format!("the last is {} ({})", knobs.len() - 1, knobs[knobs.len() - 1].name)
                }
            };
            return Err(Misfit::Knob { place, knob: number, known });
        };
        if value < knob.values.len() as u64 {
            return Ok(());
        }
        let told =
            knob.values.iter().zip(0..).map(|(&known, at)| format!("{at} ({})", knob.tell(known)));
        let known = told.collect::<Vec<_>>().join(" or ");
        Err(Misfit::Value { place, knob: knob.name, value, known })
    }
}

/// What would be right at `site`, unless `choice` is.
fn suited(site: Site, choice: Choice) -> Option<&'static str> {
    use Choice as C;
    let (is_suited, right) = match site {
        Site::Message => (
            matches!(
                choice,
                C::Lost | C::Late(_) | C::Twice { .. } | C::Corrupted { .. } | C::Garbled { .. }
            ),
            "lost, late, twice, corrupted or garbled",
        ),
        Site::Break => (matches!(choice, C::OnlyWithin(_)), "only-within"),
        Site::Notice | Site::Timer => (matches!(choice, C::Late(_)), "late"),
        Site::Sync => {
            (matches!(choice, C::Late(_) | C::Failed(_) | C::Lied(_)), "late, failed or lied")
        }
        Site::Append => (matches!(choice, C::Missed | C::Misdirected(_)), "missed or misdirected"),
        Site::PowerCut => (matches!(choice, C::Undone(_)), "undone"),
        Site::Tear => (matches!(choice, C::Torn), "torn"),
        Site::CrashPoint => (matches!(choice, C::AfterAction(_)), "after-action"),
        Site::Node | Site::Knob => (matches!(choice, C::Value(_)), "value"),
        Site::Drift | Site::Offset => (matches!(choice, C::Skew(_)), "skew"),
    };
    (!is_suited).then_some(right)
}

fn span(place: &str, span: Span) -> Result<(), Misfit> {
    if span <= TIME_MAX {
        return Ok(());
    }
    let (wrong, right) = (span.to_string(), format!("at most {TIME_MAX}"));
    Err(Misfit::Bounds { place: place.to_owned(), wrong, right })
}
