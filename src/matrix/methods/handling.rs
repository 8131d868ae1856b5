//! How messages of a log are handled: settlement, and how duplicates are told.

use super::{ALWAYS, ANSWERS, DEATHS, EACH_RECORD, NEVER, ONE_GROUP, UNNAMED, expect};
use crate::matrix::Fault::All;
use crate::matrix::Method;
use crate::scenario::PromiseName::{AtLeastOnce, AtMostOnce, Projected};

pub(super) const METHODS: &[Method] = &[
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
        id: "rebuilt-from-start",
        topic: "dedup",
        about: "a row a key that is dropped and made anew from the whole log with every start",
        scenario: "rebuilt-projections",
        changes: &[ONE_GROUP],
        expected: &[expect(Projected, NEVER, "Kafka Streams, restoring a state store")],
    },
    Method {
        id: "rebuilt-from-committed",
        topic: "dedup",
        about: "a row a key that is dropped with every start, and the reading goes on",
        scenario: "rebuilt-projections",
        changes: &[ONE_GROUP, ("consumer.rebuild", "\"from-committed\"")],
        expected: &[expect(
            Projected,
            DEATHS,
            "what was read before is not read again: a table without offset 0 is no fold",
        )],
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
];
