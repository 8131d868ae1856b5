//! The zoo: published bugs and design flaws, each a scenario of the catalogue with one line
//! changed.
//!
//! A specimen is data: a row of the table in `specimens`, and the [witness] that a person thought
//! of. It counts only if a [`Keeper`] vouches for it:
//!
//! - its *twin*, the scenario unchanged, is clean over a hundred times as many schedules as finding
//!   the specimen takes, over the very schedules in which the specimen fails, and over the witness;
//! - random seeds find it, and the rule that it is said to break is the first one broken;
//! - without the faults that trigger it, it holds;
//! - its witness breaks the rule every time, none of the witness can be left out, and an exhaustive
//!   search with fewer decisions, two at most, does not break it;
//! - one promise alone shows it, so nothing is masked and nothing else is to blame.
//!
#![doc = include_str!("zoo/measured.md")]

use crate::check::Rule;
use crate::profile::FaultClass;
use crate::run::Subject;
use crate::scenario::{Entry, Scenario, ScenarioError};
use crate::schedule::Schedule;
use std::sync::Arc;

mod approach;
mod difference;
mod keeper;
mod measurement;
mod shrinkage;
mod specimens;
mod verification;
pub mod witness;
mod witnesses;

pub use approach::{Approach, NotAnApproach};
pub use difference::Difference;
pub use keeper::{Effort, Keeper, Margin};
pub use measurement::{Failure, Measurement, Trial};
pub use shrinkage::{Sample, Shrinkage};
pub use verification::{Check, Checked};

use specimens::ZOO;
use witness::Step;

/// A planted fault.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Specimen {
    /// Its number; stable, with gaps.
    pub number: u16,
    /// Its name.
    pub id: &'static str,
    /// Where it is published.
    pub source: &'static str,
    /// What goes wrong, in a sentence.
    pub mechanism: &'static str,
    /// The scenario of the catalogue that it breaks: its fixed twin. It promises what the specimen
    /// breaks, and nothing that the specimen breaks by another road first.
    pub twin: &'static str,
    /// The key that is changed.
    pub key: &'static str,
    /// What it is changed to, as in the file.
    pub value: &'static str,
    /// What it takes to fail.
    pub needs: Needs,
    /// The rule that it breaks first.
    pub breaks: Rule,
    /// The fewest faults and decisions that a person can think of; none if a quiet run fails.
    pub witness: &'static [Step],
}

/// What a specimen takes to fail.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Faults of any one of these classes; without all of them it holds.
    Faults(&'static [FaultClass]),
    /// Nothing: its quiet run fails.
    Nothing,
    /// An interleaving: its quiet run holds, and runs without any fault fail.
    Interleaving,
}

/// All specimens, by number.
pub fn zoo() -> &'static [Specimen] {
    ZOO
}

impl Specimen {
    /// The specimen of this name or number.
    pub fn named(name: &str) -> Option<&'static Self> {
        let number = name.parse().ok();
        ZOO.iter().find(|specimen| specimen.id == name || Some(specimen.number) == number)
    }

    /// The one line that makes it.
    pub fn change(&self) -> String {
        format!("{} = {}", self.key, self.value)
    }

    /// The scenario with the fault planted; it bears the specimen's name.
    ///
    /// # Errors
    /// None in a tested crate: every twin is in the catalogue and every change a possible one.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        let Entry { name, text } = Entry::named(self.twin)?;
        let mut scenario = Scenario::from_toml_changed(name, text, self.key, self.value)?;
        self.id.clone_into(&mut scenario.name);
        Ok(scenario)
    }

    /// The scenario with the fault planted, out of reach of the faults that trigger it; of all
    /// faults, if it needs none.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn masked(&self) -> Result<Scenario, ScenarioError> {
        let mut scenario = self.scenario()?;
        scenario.run.envelope.retain(|class| match self.needs {
            Needs::Faults(triggers) => !triggers.contains(class),
            Needs::Nothing | Needs::Interleaving => false,
        });
        Ok(scenario)
    }

    /// The scenario without the fault.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn fixed_twin(&self) -> Result<Scenario, ScenarioError> {
        Scenario::named(self.twin)
    }

    /// The specimen, ready to be run.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn subject(&self) -> Result<Arc<dyn Subject>, ScenarioError> {
        self.scenario()?.subject()
    }

    /// The quiet schedule with the faults and decisions of its witness.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn witness_schedule(&self) -> Result<Schedule, ScenarioError> {
        Ok(witness::schedule(self.witness, self.subject()?.as_ref()))
    }

    /// The faults and decisions of its witness in words.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn told_witness(&self) -> Result<Vec<String>, ScenarioError> {
        let subject = self.subject()?;
        let schedule = witness::schedule(self.witness, subject.as_ref());
        let faults = schedule.faults.iter().map(|fault| subject.tell_fault(fault));
        let decisions = schedule.decisions.iter();
        let decisions = decisions.map(|(&key, &choice)| subject.tell_decision(key, choice));
        Ok(faults.chain(decisions).collect())
    }

    /// How its scenario differs from the file of its twin.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn difference(&self) -> Result<Difference, ScenarioError> {
        Ok(Difference::of(Entry::named(self.twin)?, self.key, self.value))
    }

    /// The classes of faults that can trigger it.
    pub const fn triggers(&self) -> &'static [FaultClass] {
        match self.needs {
            Needs::Faults(triggers) => triggers,
            Needs::Nothing | Needs::Interleaving => &[],
        }
    }
}
