//! The zoo: published bugs and design flaws, each a scenario of the catalogue with one line
//! changed.

use crate::check::Rule;
use crate::profile::FaultClass;
use crate::scenario::{Entry, Scenario, ScenarioError};

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
    /// The scenario of the catalogue that it breaks: its fixed twin.
    pub twin: &'static str,
    /// The key that is changed.
    pub key: &'static str,
    /// What it is changed to, as in the file.
    pub value: &'static str,
    /// The faults any one of which can trigger it; without all of them it holds.
    pub triggers: &'static [FaultClass],
    /// The rule that it breaks first.
    pub breaks: Rule,
}

/// The processes that die with what they had in memory.
const DEATHS: &[FaultClass] =
    &[FaultClass::Crash, FaultClass::PowerCut, FaultClass::RollingRestart];

const ZOO: [Specimen; 3] = [
    Specimen {
        number: 1,
        id: "volatile-dedup-set",
        source: "the naive set of ids; rabbitmq-message-deduplication #92",
        mechanism: "the ids of processed messages are kept in memory only: a restart empties \
                    the set, and what was applied and not yet settled is applied again",
        twin: "exactly-once-pipe",
        key: "consumer.dedup",
        value: "\"memory\"",
        triggers: DEATHS,
        breaks: Rule::DuplicateEffect,
    },
    Specimen {
        number: 2,
        id: "ack-before-effect",
        source: "KAFKA-2942",
        mechanism: "the offset is committed before the effect: a crash in between skips it",
        twin: "exactly-once-pipe",
        key: "consumer.settle",
        value: "\"before\"",
        triggers: DEATHS,
        breaks: Rule::Lost,
    },
    Specimen {
        number: 28,
        id: "pipelined-retry-without-sequence",
        source: "KAFKA-13598",
        mechanism: "several requests in flight are sent again without sequences: what had arrived \
                    stands in the log twice",
        twin: "exactly-once-pipe",
        key: "producer.identity",
        value: "\"none\"",
        triggers: RETRIES,
        breaks: Rule::DuplicateRecord,
    },
];

/// Whatever makes an answer late or breaks its connection.
const RETRIES: &[FaultClass] = &[
    FaultClass::Loss,
    FaultClass::Delay,
    FaultClass::Disconnect,
    FaultClass::Cut,
    FaultClass::Hold,
    FaultClass::GreyLink,
    FaultClass::SwizzleClog,
    FaultClass::RedeliveryStorm,
    FaultClass::Crash,
    FaultClass::PowerCut,
    FaultClass::Pause,
    FaultClass::Zombie,
    FaultClass::RollingRestart,
    FaultClass::TimerLate,
    FaultClass::SlowSync,
];

/// All specimens, by number.
pub fn zoo() -> &'static [Specimen] {
    &ZOO
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
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of two scenarios that differ, without their names.
    fn differing(one: &Scenario, other: &Scenario) -> Vec<(String, String)> {
        let (one, other) = (format!("{one:#?}"), format!("{other:#?}"));
        assert_eq!(one.lines().count(), other.lines().count());
        one.lines()
            .zip(other.lines())
            .filter(|(one, other)| one != other)
            .map(|(one, other)| (one.trim().to_owned(), other.trim().to_owned()))
            .collect()
    }

    #[test]
    fn a_specimen_differs_from_its_twin_by_its_name_and_one_value() {
        for specimen in zoo() {
            let twin = Scenario::named(specimen.twin).unwrap();
            let differing = differing(&twin, &specimen.scenario().unwrap());
            assert_eq!(differing.len(), 2, "{}: {differing:?}", specimen.id);
            let field = specimen.key.rsplit('.').next().unwrap();
            assert!(differing[1].0.starts_with(field), "{}: {differing:?}", specimen.id);
        }
    }

    #[test]
    fn what_triggers_a_specimen_is_within_its_twins_envelope() {
        for specimen in zoo() {
            let twin = Scenario::named(specimen.twin).unwrap();
            let outside = |class: &&FaultClass| !twin.run.envelope.contains(class);
            assert_eq!(specimen.triggers.iter().find(outside), None, "{}", specimen.id);
        }
    }

    #[test]
    fn specimens_are_found_by_name_and_by_number() {
        for specimen in zoo() {
            assert_eq!(Specimen::named(specimen.id), Some(specimen));
            assert_eq!(Specimen::named(&specimen.number.to_string()), Some(specimen));
        }
        assert_eq!(Specimen::named("0"), None);
    }
}
