//! Where cells say something else than was expected, and why.

use super::Fault::{self, All, Alone};
use super::Place;
use crate::profile::FaultClass::{ClockStep, Disconnect, FailedSync, PowerCut};
use crate::scenario::PromiseName::{self, AtMostOnce, Projected};

/// Cells of a method and promise that say something else than was expected.
#[derive(Copy, Clone, Debug)]
pub struct Difference {
    /// The method.
    pub method: &'static str,
    /// The promise.
    pub promise: PromiseName,
    /// The columns.
    pub faults: &'static [Fault],
    /// What they say: `holds`, `violated` or `not-stressed`.
    pub says: &'static str,
    /// Why.
    pub because: &'static str,
}

/// All differences.
pub fn differences() -> &'static [Difference] {
    DIFFERENCES
}

impl Place {
    /// Why this place says `says` in spite of what was expected.
    pub(super) fn explained(&self, says: &str) -> Option<&'static Difference> {
        DIFFERENCES.iter().find(|it| {
            (it.method, it.promise) == (self.method.id, self.promise)
                && it.faults.contains(&self.fault)
                && it.says == says
        })
    }
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        method: "fsync-interval",
        promise: AtMostOnce,
        faults: &[Alone(PowerCut), Alone(FailedSync), All],
        says: "violated",
        because: "a log that shows what it has not synced may lose what was read already; what \
                  its producer knows of a record went with it, and the retry is read once more",
    },
    Difference {
        method: "message-ids",
        promise: AtMostOnce,
        faults: &[Alone(ClockStep)],
        says: "holds",
        because: "a clock that steps makes the broker forget, but nobody sends again: it takes a \
                  lost answer as well, and under all faults together the promise does break",
    },
    Difference {
        method: "fresh-producer-id",
        promise: AtMostOnce,
        faults: &[Alone(FailedSync)],
        says: "violated",
        because: "the producer's own journal is on a disk, too: when its sync fails the producer \
                  starts over, and sends under its new id what had been stored under the old one",
    },
    Difference {
        method: "application-retries",
        promise: AtMostOnce,
        faults: &[Alone(Disconnect), Alone(FailedSync)],
        says: "violated",
        because: "who answers is gone and comes back in time, but the notice that the connection is \
                  gone comes late: the client waits for an answer past the deadline of 150 ms",
    },
    Difference {
        method: "inbox-expiring",
        promise: AtMostOnce,
        faults: &[Alone(ClockStep)],
        says: "violated",
        because: "some seeds have a timeout of 15 ms, and a slow answer takes longer without any \
                  fault: the copy comes by itself, and the clock of the consumer does the rest",
    },
    Difference {
        method: "upsert-last-arrival",
        promise: Projected,
        faults: &[Fault::None],
        says: "holds",
        because: "without faults partitions are read soon enough: the updates of one key are 20 \
                  ms apart, and no delivery takes so long",
    },
];
