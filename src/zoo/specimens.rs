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
        number: 3,
        id: "split-effect-and-dedup",
        source: "exactly-once/workshop MessageHandler.tla",
        mechanism: "the effect and its row in the inbox are two commits: a crash \
                    between them leaves an effect that nobody remembers",
        twin: "inbox-service",
        key: "consumer.dedup",
        value: "\"inbox-after-effect\"",
        needs: Needs::Faults(DEATHS),
        breaks: Rule::DuplicateEffect,
        witness: witnesses::SPLIT_EFFECT_AND_DEDUP,
    },
    Specimen {
        number: 4,
        id: "dual-write",
        source: "exactly-once/workshop MessageHandler.tla",
        mechanism: "a service commits its state, then publishes: a crash in between \
                    leaves a state that nobody else hears of",
        twin: "log-first-service",
        key: "service.write",
        value: "\"database-first\"",
        needs: Needs::Faults(DEATHS),
        breaks: Rule::Diverged,
        witness: witnesses::DUAL_WRITE,
    },
    Specimen {
        number: 18,
        id: "sequence-advanced-before-persist",
        source: "Pulsar #5218",
        mechanism: "the highest sequence is noted before the append is durable; the \
                    append fails, and its retry is acknowledged as a duplicate",
        twin: "log-with-highest-sequence",
        key: "broker.producer_state",
        value: "\"sequence-advanced-before-persist\"",
        needs: Needs::Faults(&[FaultClass::FailedSync]),
        breaks: Rule::Lost,
        witness: witnesses::SEQUENCE_ADVANCED_BEFORE_PERSIST,
    },
    Specimen {
        number: 21,
        id: "epoch-bump-on-unknown",
        source: "redpanda #3039, #5355; librdkafka #4953",
        mechanism: "a refused batch may have been written, and is sent again under a \
                    new epoch all the same",
        twin: "exactly-once-pipe",
        key: "producer.bump",
        value: "\"on-refusal\"",
        needs: Needs::Faults(RETRIES),
        breaks: Rule::DuplicateRecord,
        witness: witnesses::EPOCH_BUMP_ON_UNKNOWN,
    },
    Specimen {
        number: 22,
        id: "producer-state-expired",
        source: "KIP-360, KAFKA-7190, KAFKA-8710",
        mechanism: "retention deletes what is known of a producer with its last \
                    record: the retry of a batch whose answer was lost is taken for a \
                    new one",
        twin: "log-with-retention",
        key: "broker.producer_state_kept",
        value: "\"with-log\"",
        needs: Needs::Faults(RETRIES),
        breaks: Rule::DuplicateRecord,
        witness: witnesses::PRODUCER_STATE_EXPIRED,
    },
    Specimen {
        number: 24,
        id: "producer-snapshot-ahead",
        source: "KAFKA-6683, KAFKA-9892",
        mechanism: "a snapshot of the producer state is ahead of the log: after a \
                    power cut the retry of a record that the log has lost is \
                    acknowledged as a duplicate",
        twin: "log-with-snapshots",
        key: "broker.snapshot_of",
        value: "\"memory\"",
        needs: Needs::Faults(&[FaultClass::PowerCut]),
        breaks: Rule::Lost,
        witness: witnesses::PRODUCER_SNAPSHOT_AHEAD,
    },
    Specimen {
        number: 25,
        id: "renumber-out-of-order",
        source: "KAFKA-8483, KAFKA-12152",
        mechanism: "the batches in flight get their new sequences in the order in \
                    which a heap is walked",
        twin: "renumbering-pipe",
        key: "producer.bump",
        value: "\"renumber-arbitrary\"",
        needs: Needs::Faults(RETRIES),
        breaks: Rule::Order,
        witness: witnesses::RENUMBER_OUT_OF_ORDER,
    },
    Specimen {
        number: 27,
        id: "restart-reuses-sequence",
        source: "KAFKA-15552",
        mechanism: "a restarted producer has its old id and epoch, and counts from 0 \
                    again: its new messages are answered as duplicates of old ones",
        twin: "at-least-once-pipe",
        key: "producer.restart",
        value: "\"reuse\"",
        needs: Needs::Faults(DEATHS),
        breaks: Rule::Lost,
        witness: witnesses::RESTART_REUSES_SEQUENCE,
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
    Specimen {
        number: 29,
        id: "dedup-window-too-short",
        source: "SQS FIFO, five-minute deduplication interval",
        mechanism: "a message is sent again after the log has forgotten its id",
        twin: "log-with-dedup-window",
        key: "broker.dedup_window",
        value: "\"30ms\"",
        needs: Needs::Faults(RETRIES),
        breaks: Rule::DuplicateRecord,
        witness: witnesses::DEDUP_WINDOW_TOO_SHORT,
    },
    Specimen {
        number: 30,
        id: "business-key-as-message-id",
        source: "nats-server #2921, #5142",
        mechanism: "the business key is the id of the message: the second message \
                    about the same object is taken for a copy",
        twin: "log-with-dedup-window",
        key: "producer.message_id",
        value: "\"business-key\"",
        needs: Needs::Nothing,
        breaks: Rule::Lost,
        witness: witnesses::BUSINESS_KEY_AS_MESSAGE_ID,
    },
    Specimen {
        number: 41,
        id: "half-message-age-twice",
        source: "RocketMQ #544",
        mechanism: "the broker reads the age of a half message twice in a round: one that grows old \
                    in between is neither put back for the next round nor asked about",
        twin: "half-message-orders",
        key: "half.immunity_by",
        value: "\"compared-twice\"",
        needs: Needs::Faults(LATENESS),
        breaks: Rule::Torn,
        witness: witnesses::HALF_MESSAGE_AGE_TWICE,
    },
    Specimen {
        number: 42,
        id: "age-across-clocks",
        source: "RocketMQ #9640",
        mechanism: "the age of a half message is the broker's time less the service's: if their \
                    clocks differ it is too old from the start, and discarded",
        twin: "half-message-orders",
        key: "half.immunity_by",
        value: "\"birth-time\"",
        needs: Needs::Faults(&[FaultClass::ClockStep]),
        breaks: Rule::Torn,
        witness: witnesses::AGE_ACROSS_CLOCKS,
    },
    Specimen {
        number: 43,
        id: "check-back-while-running",
        source: "RocketMQ #2694, #8158",
        mechanism: "a service that is asked about a local transaction which is still running says \
                    that it is rolled back: the message is dropped, then the transaction commits",
        twin: "half-message-orders",
        key: "service.running",
        value: "\"rollback\"",
        needs: Needs::Faults(LATENESS),
        breaks: Rule::Torn,
        witness: witnesses::CHECK_BACK_WHILE_RUNNING,
    },
    Specimen {
        number: 45,
        id: "visibility-outlived",
        source: "Amazon SQS Developer Guide, visibility timeout",
        mechanism: "the handling of a message outlives its lease, heartbeats or not, and carries \
                    no token: it acts after the worker that has the message now",
        twin: "leased-work",
        key: "worker.fence",
        value: "\"none\"",
        needs: Needs::Faults(LATENESS),
        breaks: Rule::Fence,
        witness: witnesses::VISIBILITY_OUTLIVED,
    },
    Specimen {
        number: 47,
        id: "retry-overtaken",
        source: "RabbitMQ and Kafka applications with retry queues",
        mechanism: "a message whose handling has failed waits to be tried again, or is a dead \
                    letter, while later messages of its key are handled",
        twin: "dead-letter-handling",
        key: "worker.successors",
        value: "\"proceed\"",
        needs: Needs::Nothing,
        breaks: Rule::Overtaken,
        witness: &[],
    },
    Specimen {
        number: 48,
        id: "confirm-for-unroutable",
        source: "RabbitMQ, Consumer Acknowledgements and Publisher Confirms",
        mechanism: "a message that no queue is bound for is confirmed and dropped, since its \
                    publisher has not said that one must be",
        twin: "notification-fan-out",
        key: "queue.unroutable",
        value: "\"dropped\"",
        needs: Needs::Nothing,
        breaks: Rule::Lost,
        witness: &[],
    },
    Specimen {
        number: 50,
        id: "cursor-not-replicated",
        source: "redis #7105, #5433",
        mechanism: "where a group stands is in memory only: a restart hands out again what the \
                    group has settled",
        twin: "claimed-stream",
        key: "queue.cursor",
        value: "\"memory\"",
        needs: Needs::Faults(DEATHS),
        breaks: Rule::Resurrected,
        witness: witnesses::CURSOR_NOT_REPLICATED,
    },
    Specimen {
        number: 54,
        id: "outbox-sequence-gap",
        source: "outbox pattern, published analysis",
        mechanism: "the relay asks for rows with a higher number than the last one: a number is \
                    allotted before its row is committed, and a lower one that comes later is \
                    never seen",
        twin: "payment-service",
        key: "relay.read",
        value: "\"poll-sequence\"",
        needs: Needs::Interleaving,
        breaks: Rule::Torn,
        witness: witnesses::OUTBOX_SEQUENCE_GAP,
    },
    Specimen {
        number: 56,
        id: "dedup-expiry-by-local-clock",
        source: "application",
        mechanism: "rows of the inbox expire by the consumer's own wall clock: it \
                    steps, and what is delivered again looks new",
        twin: "inbox-service",
        key: "consumer.inbox_expiry",
        value: "{ clock = \"30s\" }",
        needs: Needs::Faults(&[FaultClass::ClockStep]),
        breaks: Rule::DuplicateEffect,
        witness: witnesses::DEDUP_EXPIRY_BY_LOCAL_CLOCK,
    },
    Specimen {
        number: 59,
        id: "upsert-without-version",
        source: "application",
        mechanism: "the update that arrives last wins, whether it is the newest or not",
        twin: "projections",
        key: "consumer.guard",
        value: "\"none\"",
        needs: Needs::Faults(LATENESS),
        breaks: Rule::StaleProjection,
        witness: witnesses::UPSERT_WITHOUT_VERSION,
    },
    Specimen {
        number: 62,
        id: "shared-connection-alarm",
        source: "RabbitMQ, Connection Blocking and Memory Alarms",
        mechanism: "the alarm of a full queue blocks connections and not publishers alone: the \
                    acknowledgements that would make room are not read",
        twin: "burst-to-a-slow-consumer",
        key: "queue.alarm",
        value: "\"blocks-connection\"",
        needs: Needs::Nothing,
        breaks: Rule::Livelock,
        witness: &[],
    },
    Specimen {
        number: 63,
        id: "queue-as-lock",
        source: "Jepsen: RabbitMQ, 2014",
        mechanism: "the unacknowledged message is the lock: its holder loses the connection, \
                    somebody else gets the message, and both act",
        twin: "lock-by-queue",
        key: "worker.fence",
        value: "\"none\"",
        needs: Needs::Faults(LATENESS),
        breaks: Rule::Fence,
        witness: witnesses::QUEUE_AS_LOCK,
    },
];

/// The processes that die with what they had in memory.
const DEATHS: &[FaultClass] =
    &[FaultClass::Crash, FaultClass::PowerCut, FaultClass::RollingRestart];

/// Whatever makes an answer late or breaks its connection.
const RETRIES: &[FaultClass] = LATENESS.split_last().expect("the drift of clocks at its end").1;

/// Whatever lets one message overtake another: besides those, what sends one late.
const LATENESS: &[FaultClass] = &[
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
    FaultClass::ClockDrift,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Swarm;
    use crate::scenario::Scenario;

    /// Where two scenarios of one name differ: the path of lines down to the first line that does,
    /// and how many lines of the first one it concerns.
    fn difference(one: &Scenario, other: &Scenario) -> (String, usize) {
        let (one, other) = (format!("{one:#?}"), format!("{other:#?}"));
        let (one, other): (Vec<_>, Vec<_>) = (one.lines().collect(), other.lines().collect());
        let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
        let before = one.iter().zip(&other).take_while(same).count();
        let after = one[before..].iter().rev().zip(other[before..].iter().rev());
        let after = after.take_while(same).count();
        let path = one[before.saturating_sub(3)..=before].join(" ");
        (path, one.len() - before - after)
    }

    #[test]
    fn a_specimen_differs_from_its_twin_by_its_name_and_one_value() {
        for specimen in ZOO {
            let twin = specimen.fixed_twin().unwrap();
            let mut planted = specimen.scenario().unwrap();
            assert_eq!(planted.name, specimen.id);
            planted.name.clone_from(&twin.name);
            let (path, lines) = difference(&twin, &planted);
            let field = specimen.key.rsplit('.').next().unwrap();
            assert!(path.contains(&format!("{field}: ")), "{}: {path}", specimen.id);
            assert!((1..=5).contains(&lines), "{}: {lines} lines", specimen.id);
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
