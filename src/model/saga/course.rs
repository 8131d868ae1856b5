//! The course of an order, as the service sees it that has accepted it: what it waits for, and what
//! it decides when that comes.

use super::SagaStyle;
use super::letter::Act;

/// Where an order stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) phase: Phase,
    /// The steps whose answers are awaited, as bits; for choreographed ones it makes no difference.
    awaited: u8,
}

/// What is being done about an order.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Its steps are being taken.
    Doing,
    /// They are being undone.
    Undoing,
    /// They are being confirmed.
    Confirming,
    /// It was carried out.
    Completed,
    /// It was not, and nothing is left of it.
    Cancelled,
}

/// What a service does next.
pub(super) type Orders = Vec<(u8, Act)>;

/// By which rules an order goes.
#[derive(Copy, Clone, Debug)]
pub(super) struct Rules {
    pub(super) style: SagaStyle,
    pub(super) steps: u8,
}

impl Course {
    /// Whether nothing more will come of the order.
    pub(super) const fn is_over(self) -> bool {
        matches!(self.phase, Phase::Completed | Phase::Cancelled)
    }

    /// It as a word.
    pub(super) const fn word(self) -> u64 {
        (self.awaited as u64) << 8 | self.phase as u64
    }

    /// The course whose [`word`](Self::word) is `word`.
    pub(super) const fn from_word(word: u64) -> Self {
        let phase = match word & 0xff {
            0 => Phase::Doing,
            1 => Phase::Undoing,
            2 => Phase::Confirming,
            3 => Phase::Completed,
            _ => Phase::Cancelled,
        };
        Self { phase, awaited: (word >> 8) as u8 }
    }

    const fn at(phase: Phase, awaited: u8) -> Self {
        Self { phase, awaited }
    }
}

impl Rules {
    /// How an order begins.
    pub(super) fn begin(self) -> (Course, Orders) {
        match self.style {
            SagaStyle::Tcc => self.all(Phase::Doing, Act::Do, 0),
            _ => one(Phase::Doing, Act::Do, 0),
        }
    }

    /// What comes of an answer about a step; nothing, if it was not awaited any more.
    pub(super) fn answered(self, course: Course, step: u8, act: Act) -> Option<(Course, Orders)> {
        if course.is_over() {
            return None;
        }
        if matches!(self.style, SagaStyle::Choreographed | SagaStyle::Chain) {
            return self.overheard(course, step, act);
        }
        let rest = course.awaited & !(1 << step);
        if rest == course.awaited {
            return None;
        }
        let waits = (Course::at(course.phase, rest), Vec::new());
        match (course.phase, act) {
            (Phase::Doing, Act::Done)
            | (Phase::Undoing, Act::Undone)
            | (Phase::Confirming, Act::Confirmed)
                if rest != 0 =>
            {
                Some(waits)
            }
            (Phase::Doing, Act::Done) if self.style == SagaStyle::Tcc => {
                Some(self.all(Phase::Confirming, Act::Confirm, 0))
            }
            (Phase::Doing, Act::Done) if step + 1 < self.steps => {
                Some(one(Phase::Doing, Act::Do, step + 1))
            }
            (Phase::Doing, Act::Done) | (Phase::Confirming, Act::Confirmed) => {
                Some(over(Phase::Completed))
            }
            (Phase::Doing, Act::Refused) if self.style == SagaStyle::Tcc => {
                Some(self.all(Phase::Undoing, Act::Undo, 1 << step))
            }
            (Phase::Undoing, Act::Undone) if self.style == SagaStyle::Tcc => {
                Some(over(Phase::Cancelled))
            }
            (Phase::Doing, Act::Refused) | (Phase::Undoing, Act::Undone) => Some(undo_before(step)),
            _ => None,
        }
    }

    /// What comes of it when an order is overdue: it is called off, unless its end is decided.
    pub(super) fn overdue(self, course: Course) -> Option<(Course, Orders)> {
        if course.phase != Phase::Doing {
            return None;
        }
        Some(match self.style {
            SagaStyle::Tcc => self.all(Phase::Undoing, Act::Undo, 0),
            SagaStyle::Orchestrated => {
                one(Phase::Undoing, Act::Undo, course.awaited.trailing_zeros() as u8)
            }
            SagaStyle::Choreographed | SagaStyle::Chain => {
                one(Phase::Undoing, Act::Undo, self.steps - 1)
            }
        })
    }

    /// What the first and the last participant tell of an order that goes its way without the
    /// service.
    fn overheard(self, course: Course, step: u8, act: Act) -> Option<(Course, Orders)> {
        match act {
            Act::Done if step + 1 == self.steps && course.phase == Phase::Doing => {
                Some(over(Phase::Completed))
            }
            Act::Refused | Act::Undone if step == 0 => Some(over(Phase::Cancelled)),
            _ => None,
        }
    }

    /// All steps at once but those in `except`.
    fn all(self, phase: Phase, act: Act, except: u8) -> (Course, Orders) {
        let awaited = ((1 << self.steps) - 1) & !except;
        let steps = (0..self.steps).filter(|step| awaited >> step & 1 == 1);
        (Course::at(phase, awaited), steps.map(|step| (step, act)).collect())
    }
}

/// Steps are undone one after another, the last one that was taken first.
fn undo_before(step: u8) -> (Course, Orders) {
    match step.checked_sub(1) {
        Some(before) => one(Phase::Undoing, Act::Undo, before),
        None => over(Phase::Cancelled),
    }
}

fn one(phase: Phase, act: Act, step: u8) -> (Course, Orders) {
    (Course::at(phase, 1 << step), vec![(step, act)])
}

fn over(phase: Phase) -> (Course, Orders) {
    (Course::at(phase, 0), Vec::new())
}

#[cfg(test)]
mod tests;
