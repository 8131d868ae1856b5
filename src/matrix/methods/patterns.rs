//! What applications make of messages: services, outboxes, orders of several steps.

use super::{ALWAYS, ANSWERS, DEATHS, NEVER, ONE_GROUP, expect};
use crate::matrix::Method;
use crate::scenario::PromiseName::{Compensated, Convergent};

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
