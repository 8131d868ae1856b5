//! The rows of the matrix, and what was expected of each before it was first run.

use super::Fault::{self, All, Alone};
use super::{Expected, Method};
use crate::profile::FaultClass::{
    ClockStep, Crash, Cut, Delay, Disconnect, FailedSync, Loss, Pause, PowerCut, Zombie,
};
use crate::scenario::PromiseName::{AtLeastOnce, AtMostOnce, Convergent, PerKeyOrder, Projected};

/// All methods, topic by topic.
pub fn methods() -> &'static [Method] {
    METHODS
}

const NEVER: &[Fault] = &[];
const ALWAYS: &[Fault] = &[Fault::None];
/// Memory is gone, or what the disk was to hold.
const DEATHS: &[Fault] = &[Alone(Crash), Alone(PowerCut), Alone(FailedSync)];
/// What was not on the disk is gone.
const WRITES: &[Fault] = &[Alone(PowerCut), Alone(FailedSync)];
/// What is on its way is gone.
const WAYS: &[Fault] =
    &[Alone(Loss), Alone(Disconnect), Alone(Cut), Alone(Crash), Alone(PowerCut), Alone(FailedSync)];
/// An answer comes late, or not at all.
const ANSWERS: &[Fault] = &[
    Alone(Loss),
    Alone(Delay),
    Alone(Disconnect),
    Alone(Cut),
    Alone(Crash),
    Alone(PowerCut),
    Alone(Pause),
    Alone(Zombie),
];
/// No answer comes for long.
const SILENCES: &[Fault] = &[
    Alone(Loss),
    Alone(Delay),
    Alone(Cut),
    Alone(Crash),
    Alone(PowerCut),
    Alone(Pause),
    Alone(Zombie),
];

const fn expect(
    promise: crate::scenario::PromiseName,
    breaks: &'static [Fault],
    source: &'static str,
) -> Expected {
    Expected { promise, breaks, source }
}

/// Consumers that apply each record of the log once: what is twice in the log is twice in the table.
const EACH_RECORD: (&str, &str) = ("consumer.dedup", "\"none\"");
const ATOMIC: (&str, &str) = ("consumer.settle", "\"atomic\"");
const ONE_GROUP: (&str, &str) = ("consumer.groups", "1");
const UNNAMED: (&str, &str) = ("producer.identity", "\"none\"");

const METHODS: &[Method] = &[
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
    Method {
        id: "settle-before",
        topic: "settlement",
        about: "the offset is committed before the effect",
        scenario: "exactly-once-pipe",
        changes: &[EACH_RECORD, ONE_GROUP, ("consumer.settle", "\"before\"")],
        expected: &[
            expect(AtMostOnce, NEVER, "Kafka, design 4.6: commit, then process: at most once"),
            expect(AtLeastOnce, DEATHS, "the same: a crash in between skips the message"),
        ],
    },
    Method {
        id: "settle-after",
        topic: "settlement",
        about: "the offset is committed after the effect",
        scenario: "exactly-once-pipe",
        changes: &[EACH_RECORD, ONE_GROUP],
        expected: &[
            expect(AtMostOnce, DEATHS, "Kafka, design 4.6: a crash in between repeats the message"),
            expect(AtLeastOnce, NEVER, "the same: process, then commit: at least once"),
        ],
    },
    Method {
        id: "dedup-memory",
        topic: "dedup",
        about: "a set of ids in the memory of the consumer",
        scenario: "exactly-once-pipe",
        changes: &[ONE_GROUP, ("consumer.dedup", "\"memory\"")],
        expected: &[
            expect(AtMostOnce, DEATHS, "zoo 1: a restart empties the set"),
            expect(AtLeastOnce, NEVER, "as settle-after"),
        ],
    },
    Method {
        id: "dedup-inbox",
        topic: "dedup",
        about: "a row with a unique key in the same commit as the effect, and unnamed retries",
        scenario: "exactly-once-pipe",
        changes: &[ONE_GROUP, UNNAMED],
        expected: &[
            expect(AtMostOnce, NEVER, "idempotent receiver (Enterprise Integration Patterns)"),
            expect(AtLeastOnce, NEVER, "as settle-after"),
        ],
    },
    Method {
        id: "inbox-after-effect",
        topic: "dedup",
        about: "a row in a commit of its own after that of the effect",
        scenario: "inbox-service",
        changes: &[ONE_GROUP, ("consumer.dedup", "\"inbox-after-effect\"")],
        expected: &[
            expect(AtMostOnce, DEATHS, "zoo 3: a crash between the commits repeats the effect"),
            expect(AtLeastOnce, NEVER, "as settle-after"),
        ],
    },
    Method {
        id: "inbox-before-effect",
        topic: "dedup",
        about: "a row in a commit of its own before that of the effect",
        scenario: "inbox-service",
        changes: &[ONE_GROUP, ("consumer.dedup", "\"inbox-before-effect\"")],
        expected: &[
            expect(AtMostOnce, NEVER, "what is known is not repeated"),
            expect(AtLeastOnce, DEATHS, "zoo 3: a crash between the commits swallows the message"),
        ],
    },
    Method {
        id: "inbox-expiring",
        topic: "dedup",
        about: "rows of the inbox that expire by the clock of each consumer",
        scenario: "inbox-service",
        changes: &[ONE_GROUP, ("consumer.inbox_expiry", "{ clock = \"30s\" }")],
        expected: &[
            expect(AtMostOnce, &[All], "zoo 56: a clock that steps, and a copy that comes late"),
            expect(AtLeastOnce, NEVER, "as settle-after"),
        ],
    },
    Method {
        id: "upsert-newest",
        topic: "dedup",
        about: "a row a key that takes newer versions only, over partitions that mix them",
        scenario: "projections",
        changes: &[ONE_GROUP],
        expected: &[expect(Projected, NEVER, "last writer wins by version")],
    },
    Method {
        id: "upsert-last-arrival",
        topic: "dedup",
        about: "a row a key that takes whatever comes last, over partitions that mix them",
        scenario: "projections",
        changes: &[ONE_GROUP, ("consumer.guard", "\"none\"")],
        expected: &[expect(Projected, ALWAYS, "zoo 59: arrival is no order")],
    },
    Method {
        id: "external-with-key",
        topic: "dedup",
        about: "calls to an outside system that knows each by its idempotency key",
        scenario: "external-payments",
        changes: &[],
        expected: &[
            expect(AtMostOnce, NEVER, "Stripe, idempotent requests: keys kept for 24 hours"),
            expect(AtLeastOnce, NEVER, "as settle-after"),
        ],
    },
    Method {
        id: "external-without-key",
        topic: "dedup",
        about: "calls to an outside system that carries out each",
        scenario: "external-payments",
        changes: &[("external.keys", "\"ignored\"")],
        expected: &[
            expect(AtMostOnce, ANSWERS, "Stripe, idempotent requests: a retry is a second charge"),
            expect(AtLeastOnce, NEVER, "as settle-after"),
        ],
    },
    Method {
        id: "commit-then-publish",
        topic: "pattern",
        about: "a service commits its state, then publishes",
        scenario: "outbox-free-dual-write",
        changes: &[ONE_GROUP],
        expected: &[expect(
            Convergent,
            DEATHS,
            "microservices.io, transactional outbox: dual write",
        )],
    },
    Method {
        id: "publish-then-commit",
        topic: "pattern",
        about: "a service publishes, then commits its state",
        scenario: "outbox-free-dual-write",
        changes: &[ONE_GROUP, ("service.write", "\"publish-then-commit\"")],
        expected: &[expect(
            Convergent,
            DEATHS,
            "microservices.io, transactional outbox: dual write",
        )],
    },
    Method {
        id: "log-first",
        topic: "pattern",
        about: "a service writes to the log only, and folds its own state from it",
        scenario: "log-first-service",
        changes: &[ONE_GROUP],
        expected: &[expect(Convergent, NEVER, "event sourcing: one write, and all else follows")],
    },
];
