//! How messages are handed out by queues.

use super::{ALWAYS, ANSWERS, EACH_RECORD, HOLDS, LEASES, NEVER, UNNAMED, WRITES, expect};
use crate::matrix::Method;
use crate::scenario::PromiseName::{Accounted, AtLeastOnce, AtMostOnce, Fenced, OrderedEffects};

const PULL: (&str, &str) = ("worker.intake", "\"pull\"");
const WAIT: (&str, &str) = ("consumer.wait_max", "\"50ms\"");

pub(super) const METHODS: &[Method] = &[
    Method {
        id: "queue-ack-before-effect",
        topic: "queue",
        about: "workers settle a message, then handle it",
        scenario: "work-queue",
        changes: &[EACH_RECORD, ("consumer.settle", "\"before\"")],
        expected: &[
            expect(AtMostOnce, NEVER, "RabbitMQ, confirms guide: automatic acknowledgement"),
            expect(AtLeastOnce, HOLDS, "the same: unsafe, for who was to handle it may be gone"),
        ],
    },
    Method {
        id: "queue-ack-after-effect",
        topic: "queue",
        about: "workers handle a message, then settle it",
        scenario: "work-queue",
        changes: &[EACH_RECORD],
        expected: &[
            expect(AtMostOnce, ANSWERS, "SQS, visibility timeout: a consumer that fails to delete"),
            expect(AtLeastOnce, NEVER, "the same: what is not deleted is delivered again"),
        ],
    },
    Method {
        id: "queue-inbox",
        topic: "queue",
        about: "workers whose common database has a unique key for each message",
        scenario: "work-queue",
        changes: &[],
        expected: &[
            expect(AtMostOnce, NEVER, "idempotent receiver (Enterprise Integration Patterns)"),
            expect(AtLeastOnce, NEVER, "as queue-ack-after-effect"),
            expect(Accounted, NEVER, "what is settled has its effect"),
        ],
    },
    Method {
        id: "rabbitmq-classic",
        topic: "queue",
        about: "classic queues with publisher confirms and manual acknowledgements",
        scenario: "work-queue",
        changes: &[
            EACH_RECORD,
            UNNAMED,
            ("queue", "{ preset = \"rabbitmq-classic\" }"),
            ("worker.confirm", "\"unanswered\""),
        ],
        expected: &[
            expect(
                AtMostOnce,
                ANSWERS,
                "RabbitMQ, reliability guide: at least once, so duplicates",
            ),
            expect(
                AtLeastOnce,
                NEVER,
                "RabbitMQ, reliability guide: confirms and acknowledgements",
            ),
        ],
    },
    Method {
        id: "sqs-standard",
        topic: "queue",
        about: "a standard queue, from which workers delete what they have handled",
        scenario: "work-queue",
        changes: &[
            EACH_RECORD,
            UNNAMED,
            ("queue", "{ preset = \"sqs-standard\", lease = \"200ms\" }"),
            PULL,
            WAIT,
        ],
        expected: &[
            expect(AtMostOnce, ALWAYS, "SQS, standard queues: at-least-once delivery"),
            expect(AtLeastOnce, NEVER, "SQS, standard queues: stored on several servers"),
        ],
    },
    Method {
        id: "sqs-fifo",
        topic: "queue",
        about: "a FIFO queue with deduplication ids",
        scenario: "work-queue",
        changes: &[
            EACH_RECORD,
            ("queue", "{ preset = \"sqs-fifo\", lease = \"200ms\" }"),
            PULL,
            WAIT,
        ],
        expected: &[
            expect(
                AtMostOnce,
                ANSWERS,
                "SQS, exactly-once processing: unless the visibility timeout runs out first",
            ),
            expect(AtLeastOnce, NEVER, "as sqs-standard"),
        ],
    },
    Method {
        id: "jetstream-work-queue",
        topic: "queue",
        about: "a work-queue stream with Nats-Msg-Id and double acks",
        scenario: "work-queue",
        changes: &[
            EACH_RECORD,
            (
                "queue",
                "{ preset = \"jetstream-work-queue\", lease = \"200ms\", fsync = \"interval\", fsync_interval = \"1s\" }",
            ),
            PULL,
            WAIT,
        ],
        expected: &[
            expect(
                AtMostOnce,
                ANSWERS,
                "JetStream, exactly once: a double ack tells of the ack, not of the effect",
            ),
            expect(AtLeastOnce, WRITES, "Jepsen, NATS 2.12.1: acknowledged before it is synced"),
        ],
    },
    Method {
        id: "redis-streams",
        topic: "queue",
        about: "a consumer group of a stream, with appendfsync everysec",
        scenario: "claimed-stream",
        changes: &[EACH_RECORD, UNNAMED, ("queue", "{ preset = \"redis-streams\" }")],
        expected: &[
            expect(AtMostOnce, ANSWERS, "Redis, XCLAIM: a message may be processed several times"),
            expect(AtLeastOnce, WRITES, "Redis, persistence: everysec may lose a second of writes"),
        ],
    },
    Method {
        id: "mandatory",
        topic: "queue",
        about: "a message that no queue is bound for comes back to its publisher",
        scenario: "notification-fan-out",
        changes: &[],
        expected: &[
            expect(AtMostOnce, NEVER, "an inbox behind each queue"),
            expect(AtLeastOnce, NEVER, "RabbitMQ, publishers guide: basic.return"),
        ],
    },
    Method {
        id: "confirm-only",
        topic: "queue",
        about: "a message that no queue is bound for is confirmed all the same",
        scenario: "notification-fan-out",
        changes: &[("queue.unroutable", "\"dropped\"")],
        expected: &[expect(
            AtLeastOnce,
            ALWAYS,
            "RabbitMQ, confirms guide: unroutable messages are confirmed",
        )],
    },
    Method {
        id: "lease-with-token",
        topic: "queue",
        about: "workers act under a lease, and the resource refuses older tokens",
        scenario: "leased-work",
        changes: &[],
        expected: &[expect(Fenced, NEVER, "Kleppmann, How to do distributed locking")],
    },
    Method {
        id: "lease-alone",
        topic: "queue",
        about: "workers act under a lease, and the resource takes what comes",
        scenario: "leased-work",
        changes: &[("worker.fence", "\"none\"")],
        expected: &[expect(Fenced, LEASES, "zoo 45; Kleppmann: a pause outlives the lease")],
    },
    Method {
        id: "lock-with-token",
        topic: "queue",
        about: "the unacknowledged message is a lock, and the resource refuses older tokens",
        scenario: "lock-by-queue",
        changes: &[],
        expected: &[expect(Fenced, NEVER, "Kleppmann, How to do distributed locking")],
    },
    Method {
        id: "lock-alone",
        topic: "queue",
        about: "the unacknowledged message is a lock, and that is all",
        scenario: "lock-by-queue",
        changes: &[("worker.fence", "\"none\"")],
        expected: &[expect(Fenced, HOLDS, "Jepsen, RabbitMQ (2014): a lock that two hold")],
    },
    Method {
        id: "successors-held",
        topic: "queue",
        about: "what follows a failed message of its key waits, or follows it to the dead letters",
        scenario: "dead-letter-handling",
        changes: &[],
        expected: &[
            expect(OrderedEffects, NEVER, "the order in which a key's messages are handled"),
            expect(Accounted, NEVER, "RabbitMQ, at-least-once dead lettering"),
        ],
    },
    Method {
        id: "successors-proceed",
        topic: "queue",
        about: "what follows a failed message of its key does not wait for it",
        scenario: "dead-letter-handling",
        changes: &[("worker.successors", "\"proceed\"")],
        expected: &[
            expect(OrderedEffects, ALWAYS, "zoo 47: one in ten handlings fails by itself"),
            expect(Accounted, NEVER, "as successors-held"),
        ],
    },
];
