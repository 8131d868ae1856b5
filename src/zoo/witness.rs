//! The words in which witnesses are written: faults and decisions over a quiet run, with machines
//! and messages by name.
//!
//! A witness is the smallest list of these that a person can think of. A machine is named as in
//! reports, `consumer-1'1` being the second life of `consumer-1`; a link is the pair of its sender
//! and its receiver. Everything is counted from 1 and over the whole run, but for timers, which are
//! counted over one life of their machine.
//!
//! ```
//! use postulate::scenario::Scenario;
//! use postulate::time::Span;
//! use postulate::zoo::witness::{crash, lose, schedule};
//!
//! let pipe = Scenario::named("exactly-once-pipe")?.subject()?;
//! let steps = [
//!     lose(("broker", "producer-1"), "Produced", 2),
//!     crash("consumer-1").at(Span::millis(40)).after_actions(3),
//! ];
//! let schedule = schedule(&steps, pipe.as_ref());
//! assert_eq!(pipe.tell_fault(&schedule.faults[0]), "at 40 ms: crash of consumer-1, down 5 ms");
//! let told = schedule.decisions.iter().map(|(&key, &choice)| pipe.tell_decision(key, choice));
//! assert_eq!(told.collect::<Vec<_>>(), [
//!     "drop broker→producer-1 Produced #2",
//!     "the crash of consumer-1 falls after 3 actions",
//! ]);
//! # Ok::<(), postulate::scenario::ScenarioError>(())
//! ```

use crate::choice::{Actor, Choice, Key, Site};
use crate::id::NodeId;
use crate::model;
use crate::node::Message;
use crate::run::Subject;
use crate::schedule::{Fault, Schedule, Trigger, Trouble};
use crate::time::{Instant, Span};

/// A fault or a decision of a witness.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Step(Deed);

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Deed {
    /// A fault; a crash may fall only after so many further actions of its machine.
    Strike {
        what: What,
        when: When,
        actions: u32,
    },
    Decide {
        place: Place,
        choice: Choice,
    },
}

/// A machine, in one of its lives if it matters.
type Name = &'static str;
/// The sender and the receiver.
type Link = (Name, Name);

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum What {
    Crash { machine: Name, down: Span },
    PowerCut { machine: Name, down: Span },
    Pause { machine: Name, lasting: Span },
    Disconnect { machine: Name },
    Cut { link: Link, lasting: Span },
    Hold { link: Link, lasting: Span },
    FullDisk { machine: Name, lasting: Span },
    ClockStep { machine: Name, by: i64 },
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum When {
    At(Instant),
    After { machine: Name, events: u32 },
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Place {
    /// The n-th message of its kind on its link.
    Message { link: Link, kind: Name, nth: u32 },
    /// A knob.
    Knob(u8),
    /// Something of a machine: the n-th of its kind.
    Of { machine: Name, site: Site, kind: u8, nth: u32 },
}

/// How long a machine is down unless a witness says otherwise.
const DOWN: Span = Span::millis(5);

/// The process dies, and is back after 5 ms; its disk keeps what was written.
pub const fn crash(machine: Name) -> Step {
    strike(What::Crash { machine, down: DOWN })
}

/// The machine loses power, and is back after 5 ms; [`undo`] says what its disk loses.
pub const fn power_cut(machine: Name) -> Step {
    strike(What::PowerCut { machine, down: DOWN })
}

/// The machine handles nothing for a while.
pub const fn pause(machine: Name, lasting: Span) -> Step {
    strike(What::Pause { machine, lasting })
}

/// The connections of a machine break.
pub const fn disconnect(machine: Name) -> Step {
    strike(What::Disconnect { machine })
}

/// What the first sends to the second is lost for a while; the other way is open.
pub const fn cut(link: Link, lasting: Span) -> Step {
    strike(What::Cut { link, lasting })
}

/// What the first sends to the second waits until the fault is over.
pub const fn hold(link: Link, lasting: Span) -> Step {
    strike(What::Hold { link, lasting })
}

/// The disk of a machine takes nothing for a while, and syncs of what was appended then fail.
pub const fn fill_disk(machine: Name, lasting: Span) -> Step {
    strike(What::FullDisk { machine, lasting })
}

/// The wall clock of a machine steps by so many nanoseconds.
pub const fn step_clock(machine: Name, by: i64) -> Step {
    strike(What::ClockStep { machine, by })
}

/// The n-th message of its kind on a link never arrives; on a stream its connection breaks.
pub const fn lose(link: Link, kind: Name, nth: u32) -> Step {
    decide(Place::Message { link, kind, nth }, Choice::Lost)
}

/// The n-th message of its kind on a link is late by so much.
pub const fn delay(link: Link, kind: Name, nth: u32, by: Span) -> Step {
    decide(Place::Message { link, kind, nth }, Choice::Late(by))
}

/// What a timer was set to for the n-th time comes late by so much.
pub const fn delay_timer(machine: Name, timer: u8, nth: u32, by: Span) -> Step {
    decide(Place::Of { machine, site: Site::Timer, kind: timer, nth }, Choice::Late(by))
}

/// The n-th sync of a file takes so much longer.
pub const fn delay_sync(machine: Name, file: u8, nth: u32, by: Span) -> Step {
    decide(Place::Of { machine, site: Site::Sync, kind: file, nth }, Choice::Late(by))
}

/// The n-th sync of a file fails, and what it covered is never written.
pub const fn fail_sync(machine: Name, file: u8, nth: u32) -> Step {
    let place = Place::Of { machine, site: Site::Sync, kind: file, nth };
    decide(place, Choice::Failed(Span::ZERO))
}

/// The power cut of this life undoes the last so many unsynced operations of a file.
pub const fn undo(machine: Name, file: u8, operations: u32) -> Step {
    let place = Place::Of { machine, site: Site::PowerCut, kind: file, nth: 1 };
    decide(place, Choice::Undone(operations))
}

/// The wall clock of a machine is off by so many nanoseconds from its boot on.
pub const fn set_clock(machine: Name, by: i64) -> Step {
    decide(Place::Of { machine, site: Site::Offset, kind: 0, nth: 1 }, Choice::Skew(by))
}

/// A knob of the system has another than its first value; both are counted from 0, as the scenario
/// states them.
pub const fn set_knob(knob: u8, value: u64) -> Step {
    decide(Place::Knob(knob), Choice::Value(value))
}

/// The quiet schedule with these steps.
///
/// # Panics
/// If a name is not one of the subject's machines or of the kinds of built-in messages, or if two
/// steps decide the same.
pub fn schedule(steps: &[Step], subject: &dyn Subject) -> Schedule {
    let mut schedule = Schedule::quiet();
    let mut decide = |key, choice| {
        let before = schedule.decisions.insert(key, choice);
        assert!(before.is_none(), "a witness decides twice about {}", subject.tell_key(key));
    };
    for Step(deed) in steps {
        match *deed {
            Deed::Decide { place, choice } => decide(place.key(subject), choice),
            Deed::Strike { what, when, actions } => {
                if actions > 0 {
                    decide(what.crash_point(subject), Choice::AfterAction(actions));
                }
                let (when, what) = (when.trigger(subject), what.trouble(subject));
                schedule.faults.push(Fault { when, what });
            }
        }
    }
    schedule
}

impl Step {
    /// The fault strikes at this time after the start; unless stated it strikes at once.
    ///
    /// # Panics
    /// If the step is no fault.
    pub const fn at(self, since_start: Span) -> Self {
        self.struck(When::At(Instant::from_nanos(since_start.nanos())))
    }

    /// The fault strikes when its machine, or the sender of its link, has handled so many events.
    ///
    /// # Panics
    /// If the step is no fault.
    pub const fn after_events(self, events: u32) -> Self {
        let Deed::Strike { what, .. } = self.0 else { panic!("only a fault strikes") };
        self.after_events_of(what.subject(), events)
    }

    /// The fault strikes when `machine` has handled so many events.
    ///
    /// # Panics
    /// If the step is no fault.
    pub const fn after_events_of(self, machine: Name, events: u32) -> Self {
        self.struck(When::After { machine, events })
    }

    /// The crash or the power cut falls after so many further actions of the machine.
    ///
    /// # Panics
    /// If the step is neither.
    pub const fn after_actions(self, actions: u32) -> Self {
        match self.0 {
            Deed::Strike {
                what: what @ (What::Crash { .. } | What::PowerCut { .. }),
                when,
                ..
            } => Self(Deed::Strike { what, when, actions }),
            _ => panic!("only a crash falls after an action"),
        }
    }

    /// The machine is back only after so long.
    ///
    /// # Panics
    /// If the step is neither a crash nor a power cut.
    pub const fn down(self, lasting: Span) -> Self {
        let Deed::Strike { what, when, actions } = self.0 else { panic!("only a fault strikes") };
        let what = match what {
            What::Crash { machine, .. } => What::Crash { machine, down: lasting },
            What::PowerCut { machine, .. } => What::PowerCut { machine, down: lasting },
            _ => panic!("only a dead machine is down"),
        };
        Self(Deed::Strike { what, when, actions })
    }

    const fn struck(self, when: When) -> Self {
        let Deed::Strike { what, actions, .. } = self.0 else { panic!("only a fault strikes") };
        Self(Deed::Strike { what, when, actions })
    }
}

const fn strike(what: What) -> Step {
    Step(Deed::Strike { what, when: When::At(Instant::START), actions: 0 })
}

const fn decide(place: Place, choice: Choice) -> Step {
    Step(Deed::Decide { place, choice })
}

impl What {
    /// The machine whose events count unless another is named.
    const fn subject(self) -> Name {
        match self {
            Self::Crash { machine, .. }
            | Self::PowerCut { machine, .. }
            | Self::Pause { machine, .. }
            | Self::Disconnect { machine }
            | Self::FullDisk { machine, .. }
            | Self::ClockStep { machine, .. } => machine,
            Self::Cut { link, .. } | Self::Hold { link, .. } => link.0,
        }
    }

    fn trouble(self, subject: &dyn Subject) -> Trouble {
        let node = |name| node(name, subject).0;
        match self {
            Self::Crash { machine, down } => Trouble::Crash { node: node(machine), down },
            Self::PowerCut { machine, down } => Trouble::PowerCut { node: node(machine), down },
            Self::Pause { machine, lasting } => Trouble::Pause { node: node(machine), lasting },
            Self::Disconnect { machine } => Trouble::Disconnect { node: node(machine) },
            Self::Cut { link: (from, to), lasting } => {
                Trouble::Cut { from: vec![node(from)], to: vec![node(to)], lasting }
            }
            Self::Hold { link: (from, to), lasting } => {
                Trouble::Hold { from: node(from), to: node(to), lasting }
            }
            Self::FullDisk { machine, lasting } => {
                Trouble::FullDisk { node: node(machine), lasting }
            }
            Self::ClockStep { machine, by } => Trouble::ClockStep { node: node(machine), by },
        }
    }

    fn crash_point(self, subject: &dyn Subject) -> Key {
        Place::Of { machine: self.subject(), site: Site::CrashPoint, kind: 0, nth: 1 }.key(subject)
    }
}

impl When {
    fn trigger(self, subject: &dyn Subject) -> Trigger {
        match self {
            Self::At(at) => Trigger::At(at),
            Self::After { machine, events } => {
                Trigger::After { node: node(machine, subject).0, events }
            }
        }
    }
}

impl Place {
    fn key(self, subject: &dyn Subject) -> Key {
        let (site, actor, kind, nth) = match self {
            Self::Knob(knob) => (Site::Knob, Actor::Run, knob, 1),
            Self::Message { link: (from, to), kind, nth } => {
                let (from, _) = node(from, subject);
                let (to, _) = node(to, subject);
                (Site::Message, Actor::Link(from, to), message_kind(kind), nth)
            }
            Self::Of { machine, site, kind, nth } => {
                let (node, incarnation) = node(machine, subject);
                (site, Actor::Node(node, incarnation), kind, nth)
            }
        };
        let occurrence = nth.checked_sub(1).expect("what a witness names is counted from 1");
        Key::new(site, actor, kind, occurrence)
    }
}

/// The machine of this name, and which of its lives.
fn node(name: &str, subject: &dyn Subject) -> (NodeId, u16) {
    let (name, incarnation) = match name.split_once('\'') {
        None => (name, 0),
        Some((name, life)) => {
            let incarnation = life.parse().ok();
            (name, incarnation.unwrap_or_else(|| panic!("{life:?} is no life of {name}")))
        }
    };
    let place = subject.machines().iter().position(|machine| machine.name == name);
    match place {
        Some(place) => (NodeId(place as u16), incarnation),
        None => panic!("{} has no machine {name:?}, which a witness names", subject.name()),
    }
}

fn message_kind(name: &str) -> u8 {
    let kind = (0..=u8::MAX).find(|&kind| <model::Message as Message>::kind_name(kind) == name);
    kind.unwrap_or_else(|| panic!("no kind of message is named {name:?}, as a witness says"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    /// What steps say, in the words of reports: faults first, then decisions by their keys.
    #[track_caller]
    fn check(steps: &[Step], told: &[&str]) {
        let pipe = Scenario::named("exactly-once-pipe").unwrap().subject().unwrap();
        let schedule = schedule(steps, pipe.as_ref());
        let faults = schedule.faults.iter().map(|fault| pipe.tell_fault(fault));
        let decisions = schedule.decisions.iter();
        let decisions = decisions.map(|(&key, &choice)| pipe.tell_decision(key, choice));
        assert_eq!(faults.chain(decisions).collect::<Vec<_>>(), told);
        assert_eq!(
            Schedule { faults: vec![], decisions: [].into(), ..schedule },
            Schedule::quiet()
        );
    }

    const TO_BROKER: Link = ("producer-2", "broker");

    #[test]
    fn faults_strike_at_a_time_or_after_events() {
        let ms = Span::millis;
        check(&[crash("broker")], &["at 0 s: crash of broker, down 5 ms"]);
        check(&[crash("broker").at(ms(9))], &["at 9 ms: crash of broker, down 5 ms"]);
        check(
            &[power_cut("broker").after_events(4)],
            &["after event 4 of broker: power cut of broker, down 5 ms"],
        );
        check(
            &[pause("consumer-2", ms(8)).after_events_of("broker", 7)],
            &["after event 7 of broker: pause of consumer-2 for 8 ms"],
        );
        check(&[disconnect("broker")], &["at 0 s: the connections of broker break"]);
        check(
            &[cut(TO_BROKER, ms(3)).after_events(2), hold(TO_BROKER, ms(4))],
            &[
                "after event 2 of producer-2: cut {producer-2}→{broker} for 3 ms",
                "at 0 s: hold producer-2→broker for 4 ms",
            ],
        );
        check(&[fill_disk("broker", ms(6))], &["at 0 s: disk of broker is full for 6 ms"]);
        check(&[step_clock("broker", -5)], &["at 0 s: wall clock of broker steps by -5 ns"]);
    }

    #[test]
    fn decisions_are_about_messages_timers_and_files() {
        let ms = Span::millis;
        check(&[lose(TO_BROKER, "Produce", 3)], &["drop producer-2→broker Produce #3"]);
        check(
            &[delay(("broker", "consumer-1"), "Fetched", 1, ms(7))],
            &["broker→consumer-1 Fetched #1 is 7 ms late"],
        );
        check(
            &[delay_timer("producer-1", 1, 2, ms(3)), delay_sync("broker", 2, 5, ms(4))],
            &["producer-1 timer 1 #2 is 3 ms late", "broker sync of file 2 #5 is 4 ms late"],
        );
        check(&[fail_sync("broker", 2, 5)], &["broker sync of file 2 #5 fails, 0 s late"]);
        check(&[undo("broker", 1, 2)], &["the power cut undoes 2 operations on broker file 1"]);
        check(&[set_clock("broker", 8)], &["wall clock of broker is off by 8 ns"]);
    }

    #[test]
    fn a_crash_in_a_later_life_has_a_point_of_its_own() {
        check(
            &[crash("consumer-1'2").at(Span::millis(1)).after_actions(4)],
            &[
                "at 1 ms: crash of consumer-1, down 5 ms",
                "the crash of consumer-1 (incarnation 2) falls after 4 actions",
            ],
        );
    }

    #[test]
    #[should_panic(expected = "exactly-once-pipe has no machine \"consumer-9\"")]
    fn a_stranger_is_refused() {
        check(&[crash("consumer-9")], &[]);
    }

    #[test]
    #[should_panic(expected = "no kind of message is named \"Product\"")]
    fn an_unknown_kind_is_refused() {
        check(&[lose(TO_BROKER, "Product", 1)], &[]);
    }

    #[test]
    #[should_panic(expected = "decides twice about producer-2→broker Produce #1")]
    fn two_answers_to_one_question_are_refused() {
        let twice =
            [lose(TO_BROKER, "Produce", 1), delay(TO_BROKER, "Produce", 1, Span::millis(1))];
        check(&twice, &[]);
    }

    #[test]
    #[should_panic(expected = "only a fault strikes")]
    fn a_decision_has_no_time() {
        check(&[lose(TO_BROKER, "Produce", 1).at(Span::millis(1))], &[]);
    }
}
