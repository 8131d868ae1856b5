//! What applications make of messages: services, outboxes, orders of several steps.

use super::{ALWAYS, ANSWERS, DEATHS, NEVER, ONE_GROUP, WAYS, expect};
use crate::matrix::{Fault::Alone, Method};
use crate::profile::FaultClass::{ClockStep, Crash, Cut, Delay, Loss, PowerCut};
use crate::scenario::PromiseName::{AtMostOnce, Atomic, Compensated, Convergent, ExactlyOnce};

pub(super) const METHODS: &[Method] = &[
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
    Method {
        id: "half-message",
        topic: "pattern",
        about: "a half message that is published if the local transaction is committed",
        scenario: "half-message-orders",
        changes: &[],
        expected: &[
            expect(ExactlyOnce, NEVER, "an inbox behind a log that keeps each message once"),
            expect(Atomic, NEVER, "RocketMQ, transaction messages: check-back decides in the end"),
        ],
    },
    Method {
        id: "half-message-presumed-dead",
        topic: "pattern",
        about: "a local transaction that is still running is said to be rolled back",
        scenario: "half-message-orders",
        changes: &[("service.running", "\"rollback\"")],
        expected: &[expect(
            Atomic,
            ANSWERS,
            "RocketMQ #2694, #8158: an answer before the transaction is over",
        )],
    },
    Method {
        id: "half-message-by-birth",
        topic: "pattern",
        about: "the age of a half message is told by the clocks of two machines",
        scenario: "half-message-orders",
        changes: &[("half.immunity_by", "\"birth-time\"")],
        expected: &[expect(
            Atomic,
            &[Alone(ClockStep)],
            "RocketMQ #9640: the broker's time less the producer's",
        )],
    },
    Method {
        id: "half-message-aged-twice",
        topic: "pattern",
        about: "the age of a half message is read twice in a round",
        scenario: "half-message-orders",
        changes: &[("half.immunity_by", "\"compared-twice\"")],
        expected: &[expect(
            Atomic,
            WAYS,
            "RocketMQ #544: what grows old between two looks is never asked about",
        )],
    },
    Method {
        id: "outbox-tailed",
        topic: "pattern",
        about: "state and message in one transaction, and a relay that reads by commits",
        scenario: "payment-service",
        changes: &[],
        expected: &[
            expect(ExactlyOnce, NEVER, "Debezium, outbox event router: with an inbox behind it"),
            expect(Atomic, NEVER, "microservices.io, transactional outbox: log tailing"),
        ],
    },
    Method {
        id: "outbox-polled",
        topic: "pattern",
        about: "state and message in one transaction, and a relay that deletes what it published",
        scenario: "payment-service",
        changes: &[("relay.read", "\"poll-unsent\"")],
        expected: &[
            expect(ExactlyOnce, NEVER, "an inbox behind a publisher that may repeat itself"),
            expect(Atomic, NEVER, "microservices.io, transactional outbox: polling publisher"),
        ],
    },
    Method {
        id: "outbox-polled-by-number",
        topic: "pattern",
        about: "a relay that asks for numbers above the last one it has seen",
        scenario: "payment-service",
        changes: &[("relay.read", "\"poll-sequence\"")],
        expected: &[expect(
            Atomic,
            ALWAYS,
            "outbox pattern, published analysis: numbers are allotted before the commit",
        )],
    },
    Method {
        id: "outbox-marked-early",
        topic: "pattern",
        about: "a relay that marks what it has read before the log has it",
        scenario: "payment-service",
        changes: &[("relay.mark", "\"read\"")],
        expected: &[expect(
            Atomic,
            &[Alone(Crash), Alone(PowerCut)],
            "microservices.io, transactional outbox: mark after the broker's confirm",
        )],
    },
    Method {
        id: "outbox-everybody",
        topic: "pattern",
        about: "two relays that know nothing of each other",
        scenario: "payment-service",
        changes: &[("relay.ownership", "\"everybody\"")],
        expected: &[expect(Atomic, NEVER, "an inbox behind publishers that repeat each other")],
    },
    Method {
        id: "best-effort-notification",
        topic: "pattern",
        about: "a service that commits, tries a few times to tell, then forgets",
        scenario: "best-effort-notification",
        changes: &[],
        expected: &[
            expect(AtMostOnce, NEVER, "an inbox behind a client that may repeat itself"),
            expect(
                Atomic,
                &[Alone(Loss), Alone(Delay), Alone(Cut), Alone(Crash), Alone(PowerCut)],
                "best effort: who is not reached in time is not told",
            ),
        ],
    },
    Method {
        id: "saga-orchestrated",
        topic: "pattern",
        about: "an order whose steps one service calls for, and calls off",
        scenario: "order-payment-inventory",
        changes: &[],
        expected: &[expect(Compensated, NEVER, "Garcia-Molina and Salem, Sagas (1987)")],
    },
    Method {
        id: "saga-choreographed",
        topic: "pattern",
        about: "an order whose steps follow each other's events",
        scenario: "order-choreography",
        changes: &[],
        expected: &[expect(Compensated, NEVER, "microservices.io, saga: choreography")],
    },
    Method {
        id: "tcc",
        topic: "pattern",
        about: "an order that reserves, then confirms or cancels, with a fence row a branch",
        scenario: "order-tcc",
        changes: &[],
        expected: &[expect(Compensated, NEVER, "Seata, TCC fence")],
    },
    Method {
        id: "saga-without-tombstone",
        topic: "pattern",
        about: "a cancel that outruns its step leaves nothing behind",
        scenario: "order-payment-inventory",
        changes: &[("saga.tombstone", "\"none\"")],
        expected: &[expect(Compensated, ANSWERS, "Seata, TCC: suspension")],
    },
    Method {
        id: "saga-in-memory",
        topic: "pattern",
        about: "the service that calls for the steps keeps what it has decided in memory",
        scenario: "order-payment-inventory",
        changes: &[("saga.decision", "\"in-memory\"")],
        expected: &[expect(Compensated, DEATHS, "microservices.io, saga: orchestrator state")],
    },
    Method {
        id: "saga-best-effort",
        topic: "pattern",
        about: "an undoing that fails is not tried again",
        scenario: "order-payment-inventory",
        changes: &[("saga.compensation", "\"best-effort\"")],
        expected: &[expect(
            Compensated,
            ALWAYS,
            "Garcia-Molina and Salem: compensations have to succeed",
        )],
    },
];
