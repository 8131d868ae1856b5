//! The table of specimens, by number. To add one is to add a row, and a witness to the others.

use super::{Needs, Specimen, witnesses};
use crate::check::Rule;
use crate::profile::FaultClass;

/// All specimens, by number.
pub(super) const ZOO: &[Specimen] = &[
    Specimen {
        number: 1,
        id: "volatile-dedup-set",
        source: "the naive set of ids; rabbitmq-message-deduplication #92",
        mechanism: "the ids of processed messages are kept in memory only: a restart empties \
                    the set, and what was applied and not yet settled is applied again",
        twin: "exactly-once-pipe",
        key: "consumer.dedup",
        value: "\"memory\"",
        needs: Needs::Faults(DEATHS),
        breaks: Rule::DuplicateEffect,
        witness: witnesses::VOLATILE_DEDUP_SET,
    },
    Specimen {
        number: 2,
        id: "ack-before-effect",
        source: "KAFKA-2942",
        mechanism: "the offset is committed before the effect: a crash in between skips it",
        twin: "at-least-once-pipe",
        key: "consumer.settle",
        value: "\"before\"",
        needs: Needs::Faults(DEATHS),
        breaks: Rule::Lost,
        witness: witnesses::ACK_BEFORE_EFFECT,
    },
    Specimen {
        number: 28,
        id: "pipelined-retry-without-sequence",
        source: "KAFKA-13598",
        mechanism: "several requests in flight are sent again without sequences: what had arrived \
                    stands in the log twice",
        twin: "at-least-once-pipe",
        key: "producer.identity",
        value: "\"none\"",
        needs: Needs::Faults(RETRIES),
        breaks: Rule::DuplicateRecord,
        witness: witnesses::PIPELINED_RETRY_WITHOUT_SEQUENCE,
    },
];

/// The processes that die with what they had in memory.
const DEATHS: &[FaultClass] =
    &[FaultClass::Crash, FaultClass::PowerCut, FaultClass::RollingRestart];

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Swarm;
    use crate::scenario::Scenario;

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
        for specimen in ZOO {
            let twin = specimen.fixed_twin().unwrap();
            let differing = differing(&twin, &specimen.scenario().unwrap());
            assert_eq!(differing.len(), 2, "{}: {differing:?}", specimen.id);
            let field = specimen.key.rsplit('.').next().unwrap();
            assert!(differing[1].0.starts_with(field), "{}: {differing:?}", specimen.id);
        }
    }

    #[test]
    fn what_triggers_a_specimen_is_within_its_twins_envelope() {
        for specimen in ZOO {
            let twin = specimen.fixed_twin().unwrap();
            assert_eq!(twin.run.swarm, Swarm::On, "{}", specimen.id);
            let outside = |class: &&FaultClass| !twin.run.envelope.contains(class);
            assert_eq!(specimen.triggers().iter().find(outside), None, "{}", specimen.id);
        }
    }

    #[test]
    fn a_masked_specimen_differs_by_its_triggers_only() {
        for specimen in ZOO {
            let (whole, masked) = (specimen.scenario().unwrap(), specimen.masked().unwrap());
            let mut again = masked.clone();
            again.run.envelope.extend(specimen.triggers());
            again.run.envelope.sort_unstable();
            let mut envelope = whole.run.envelope.clone();
            envelope.sort_unstable();
            match specimen.needs {
                Needs::Faults(_) => assert_eq!(again.run.envelope, envelope, "{}", specimen.id),
                Needs::Nothing | Needs::Interleaving => {
                    assert!(masked.run.envelope.is_empty(), "{}", specimen.id);
                }
            }
            masked.system().unwrap();
        }
    }

    #[test]
    fn numbers_rise_and_names_are_their_own() {
        for pair in ZOO.windows(2) {
            assert!(pair[0].number < pair[1].number, "{} and {}", pair[0].id, pair[1].id);
        }
        for specimen in ZOO {
            assert_eq!(Specimen::named(specimen.id), Some(specimen));
            assert_eq!(Specimen::named(&specimen.number.to_string()), Some(specimen));
            let is_witnessed = !specimen.witness.is_empty();
            assert_eq!(is_witnessed, specimen.needs != Needs::Nothing, "{}", specimen.id);
        }
        assert_eq!(Specimen::named("0"), None);
    }
}
