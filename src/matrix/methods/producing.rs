//! How messages get into a log: acknowledgement, persistence, identity.

use super::{
    ALWAYS, ATOMIC, EACH_RECORD, NEVER, ONE_GROUP, SILENCES, UNNAMED, WAYS, WRITES, expect,
};
use crate::matrix::Fault::Alone;
use crate::matrix::Method;
use crate::profile::FaultClass::{ClockStep, Crash, PowerCut};
use crate::scenario::PromiseName::{AtLeastOnce, AtMostOnce, PerKeyOrder};

pub(super) const METHODS: &[Method] = &[
    Method {
        id: "acks-none",
        topic: "acknowledgement",
        about: "nobody waits for an answer, and nothing is sent twice",
        scenario: "at-least-once-pipe",
        changes: &[EACH_RECORD, ATOMIC, UNNAMED, ("producer.acks", "\"none\"")],
        expected: &[
            expect(
                AtMostOnce,
                NEVER,
                "Kafka, producer configs: with acks=0 retries take no effect",
            ),
            expect(AtLeastOnce, WAYS, "the same: no guarantee that the server has received it"),
        ],
    },
    Method {
        id: "acks-leader",
        topic: "acknowledgement",
        about: "acknowledged once it is appended, durable or not",
        scenario: "exactly-once-pipe",
        changes: &[EACH_RECORD, ATOMIC, ONE_GROUP, UNNAMED, ("producer.acks", "\"leader\"")],
        expected: &[
            expect(
                AtMostOnce,
                ALWAYS,
                "a retry without a name is a new message; timeouts of 15 ms",
            ),
            expect(
                AtLeastOnce,
                WRITES,
                "Kafka, producer configs: acks=1 loses what is only appended",
            ),
        ],
    },
    Method {
        id: "acks-all",
        topic: "acknowledgement",
        about: "acknowledged once it is durable, and sent again without a name until then",
        scenario: "exactly-once-pipe",
        changes: &[EACH_RECORD, ATOMIC, ONE_GROUP, UNNAMED],
        expected: &[
            expect(AtMostOnce, ALWAYS, "KIP-98, motivation: retries duplicate; timeouts of 15 ms"),
            expect(AtLeastOnce, NEVER, "KIP-98, motivation: at least once by retries"),
        ],
    },
    Method {
        id: "fsync-before-ack",
        topic: "persistence",
        about: "idempotent producers, a log that syncs before it acknowledges",
        scenario: "exactly-once-pipe",
        changes: &[EACH_RECORD, ATOMIC, ONE_GROUP],
        expected: &[
            expect(AtMostOnce, NEVER, "KIP-98: sequence numbers"),
            expect(AtLeastOnce, NEVER, "a write-ahead log that is synced before the answer"),
            expect(PerKeyOrder, NEVER, "KIP-98: order within a partition, up to five in flight"),
        ],
    },
    Method {
        id: "fsync-interval",
        topic: "persistence",
        about: "the log is synced every 20 ms, and acknowledges before",
        scenario: "exactly-once-pipe",
        changes: &[
            EACH_RECORD,
            ATOMIC,
            ONE_GROUP,
            ("broker.fsync", "\"interval\""),
            ("broker.fsync_interval", "\"20ms\""),
        ],
        expected: &[
            expect(
                AtMostOnce,
                NEVER,
                "what is known of producers is rebuilt from the log that is left",
            ),
            expect(
                AtLeastOnce,
                WRITES,
                "NATS 2.12.1 (Jepsen): sync_interval loses acknowledged writes",
            ),
        ],
    },
    Method {
        id: "fsync-never",
        topic: "persistence",
        about: "the operating system syncs the log when it likes",
        scenario: "exactly-once-pipe",
        changes: &[EACH_RECORD, ATOMIC, ONE_GROUP, ("broker.fsync", "\"never\"")],
        expected: &[
            expect(
                AtMostOnce,
                &[Alone(PowerCut)],
                "a position beyond the end of the log that is left, and a reader that starts over",
            ),
            expect(
                AtLeastOnce,
                &[Alone(PowerCut)],
                "Kafka, log.flush.interval: replication is to make up for it",
            ),
        ],
    },
    Method {
        id: "message-ids",
        topic: "identity",
        about: "each message has an id that the broker knows again for two minutes",
        scenario: "log-with-dedup-window",
        changes: &[EACH_RECORD, ATOMIC, ONE_GROUP],
        expected: &[
            expect(
                AtMostOnce,
                &[Alone(ClockStep)],
                "NATS, Nats-Msg-Id: a window of two minutes, by a clock that steps",
            ),
            expect(AtLeastOnce, NEVER, "as acks-all"),
        ],
    },
    Method {
        id: "fresh-producer-id",
        topic: "identity",
        about: "a restarted producer sends its unfinished messages again under a new id",
        scenario: "exactly-once-pipe",
        changes: &[
            EACH_RECORD,
            ATOMIC,
            ONE_GROUP,
            ("producer.restart", "\"fresh-id\""),
            ("producer.unfinished", "\"resent\""),
        ],
        expected: &[
            expect(
                AtMostOnce,
                &[Alone(Crash), Alone(PowerCut)],
                "KIP-98: without a transactional.id idempotence ends with the session",
            ),
            expect(AtLeastOnce, NEVER, "a journal of what was begun"),
        ],
    },
    Method {
        id: "application-retries",
        topic: "identity",
        about: "an application that sends again what its idempotent client gave up after 150 ms",
        scenario: "exactly-once-pipe",
        changes: &[
            EACH_RECORD,
            ATOMIC,
            ONE_GROUP,
            ("producer.retries", "{ application = 3 }"),
            ("producer.deadline", "\"150ms\""),
        ],
        expected: &[
            expect(
                AtMostOnce,
                SILENCES,
                "KIP-98: application-level re-sends cannot be deduplicated",
            ),
            expect(AtLeastOnce, NEVER, "as acks-all"),
        ],
    },
];
