//! Where cells say something else than was expected, and why.

use super::Fault::{self, All, Alone};
use super::Place;
use crate::profile::FaultClass::{
    ClockDrift, ClockStep, Crash, Cut, Delay, Disconnect, FailedSync, Loss, Pause, PowerCut, Zombie,
};
use crate::scenario::PromiseName::{
    self, Accounted, AtLeastOnce, AtMostOnce, Atomic, Compensated, ExactlyOnce, Fenced, Projected,
};

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

const RARE: &str = "too few schedules bring such a fault to a moment at which it undoes \
                  something, five times the number asked for included";
const DISK: &str = "two faults together that no promise here covers: a sync fails, the \
                  machine cuts the failed commits off, and the power goes before that is \
                  durable; at the next boot they stand in the middle of its file and \
                  cannot be told from damage, so that it stays down rather than serve a \
                  table with a hole in it";
const TIMEOUT: &str = "some seeds have a timeout of 15 ms, and a slow answer takes longer \
                  without any fault: the publisher sends again what had arrived";

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
        because: "a clock that steps makes the broker forget, but nobody sends again: it takes \
                  a lost answer as well, and under all faults together the promise does break",
    },
    Difference {
        method: "fresh-producer-id",
        promise: AtMostOnce,
        faults: &[Alone(FailedSync)],
        says: "violated",
        because: "the producer's own journal is on a disk, too: when its sync fails the \
                  producer starts over, and sends under its new id what had been stored under \
                  the old one",
    },
    Difference {
        method: "application-retries",
        promise: AtMostOnce,
        faults: &[Alone(Disconnect), Alone(FailedSync)],
        says: "violated",
        because: "who answers is gone and comes back in time, but the notice that the \
                  connection is gone comes late: the client waits for an answer past the \
                  deadline of 150 ms",
    },
    Difference {
        method: "inbox-expiring",
        promise: AtMostOnce,
        faults: &[Alone(ClockStep)],
        says: "violated",
        because: "some seeds have a timeout of 15 ms, and a slow answer takes longer without \
                  any fault: the copy comes by itself, and the clock of the consumer does the \
                  rest",
    },
    Difference {
        method: "upsert-last-arrival",
        promise: Projected,
        faults: &[Fault::None],
        says: "holds",
        because: "without faults partitions are read soon enough: the updates of one key are \
                  20 ms apart, and no delivery takes so long",
    },
    Difference {
        method: "fresh-producer-id",
        promise: AtLeastOnce,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "inbox-expiring",
        promise: AtMostOnce,
        faults: &[Alone(PowerCut)],
        says: "not-stressed",
        because: RARE,
    },
    Difference {
        method: "inbox-expiring",
        promise: AtLeastOnce,
        faults: &[Alone(PowerCut)],
        says: "not-stressed",
        because: RARE,
    },
    Difference {
        method: "queue-ack-before-effect",
        promise: AtMostOnce,
        faults: &[
            Alone(Loss),
            Alone(Delay),
            Alone(Disconnect),
            Alone(Cut),
            Alone(Crash),
            Alone(PowerCut),
            Alone(Pause),
            Alone(Zombie),
            All,
        ],
        says: "violated",
        because: "the queue hands the message out once, but the worker's database is on \
                  another machine: a commit whose answer does not come is tried again, and may \
                  be the second one",
    },
    Difference {
        method: "queue-ack-before-effect",
        promise: AtLeastOnce,
        faults: &[Alone(Delay), Alone(Pause), Alone(Zombie)],
        says: "violated",
        because: "an answer that comes too late is like none: the worker asks again whether \
                  the message is settled, hears that it is not its own any more, and leaves it \
                  to others",
    },
    Difference {
        method: "queue-ack-after-effect",
        promise: AtMostOnce,
        faults: &[Alone(FailedSync)],
        says: "violated",
        because: "a queue whose sync has failed starts over, and the settlement that it was \
                  asked for comes too late for the lease",
    },
    Difference {
        method: "rabbitmq-classic",
        promise: AtMostOnce,
        faults: &[Fault::None, Alone(ClockDrift)],
        says: "violated",
        because: TIMEOUT,
    },
    Difference {
        method: "rabbitmq-classic",
        promise: AtMostOnce,
        faults: &[Alone(FailedSync)],
        says: "violated",
        because: "a broker whose sync has failed closes its connections, and what was \
                  unacknowledged is delivered again",
    },
    Difference {
        method: "rabbitmq-classic",
        promise: AtLeastOnce,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "sqs-fifo",
        promise: AtMostOnce,
        faults: &[Alone(FailedSync)],
        says: "violated",
        because: "as queue-ack-after-effect",
    },
    Difference {
        method: "redis-streams",
        promise: AtMostOnce,
        faults: &[Fault::None, Alone(ClockDrift), Alone(FailedSync)],
        says: "violated",
        because: TIMEOUT,
    },
    Difference {
        method: "redis-streams",
        promise: AtLeastOnce,
        faults: &[Alone(Zombie)],
        says: "not-stressed",
        because: "workers of a stream ask for what others have left lying for as long as \
                  anything is idle, so that few of these runs come to an end at which all is \
                  known",
    },
    Difference {
        method: "redis-streams",
        promise: AtLeastOnce,
        faults: &[Alone(FailedSync)],
        says: "holds",
        because: "a run is over before the first sync of everysec",
    },
    Difference {
        method: "lease-alone",
        promise: Fenced,
        faults: &[Alone(Disconnect), Alone(Crash), Alone(PowerCut), Alone(FailedSync)],
        says: "violated",
        because: "heartbeats go over the same connections: one that breaks, or a queue that is \
                  gone for a while, lets the lease run out under a holder who waits for the \
                  notice",
    },
    Difference {
        method: "lock-with-token",
        promise: Fenced,
        faults: &[Alone(PowerCut)],
        says: "not-stressed",
        because: RARE,
    },
    Difference {
        method: "lock-alone",
        promise: Fenced,
        faults: &[Alone(Delay), Alone(Pause), Alone(Zombie)],
        says: "violated",
        because: "a queue that misses the heartbeats of a consumer closes the connection, and \
                  the holder learns of it late",
    },
    Difference {
        method: "successors-proceed",
        promise: Accounted,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "saga-orchestrated",
        promise: Compensated,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "saga-choreographed",
        promise: Compensated,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "saga-without-tombstone",
        promise: Compensated,
        faults: &[Fault::None, Alone(ClockDrift), Alone(FailedSync)],
        says: "violated",
        because: "some seeds have a timeout of 15 ms and republish a letter without any fault, \
                  so that a cancel outruns its step",
    },
    Difference {
        method: "sqs-fifo",
        promise: AtLeastOnce,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "mandatory",
        promise: AtLeastOnce,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "outbox-tailed",
        promise: ExactlyOnce,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "outbox-tailed",
        promise: Atomic,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "outbox-polled",
        promise: ExactlyOnce,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "outbox-polled",
        promise: Atomic,
        faults: &[All],
        says: "violated",
        because: DISK,
    },
    Difference {
        method: "jetstream-work-queue",
        promise: AtLeastOnce,
        faults: &[Alone(Zombie)],
        says: "not-stressed",
        because: RARE,
    },
    Difference {
        method: "jetstream-work-queue",
        promise: AtLeastOnce,
        faults: &[Alone(FailedSync)],
        says: "holds",
        because: "the broker syncs once a second, and by then all faults are over: the syncs \
                  that fail are those of the database of the workers",
    },
    Difference {
        method: "best-effort-notification",
        promise: Atomic,
        faults: &[Alone(Loss), Alone(Delay), Alone(Cut)],
        says: "holds",
        because: "three times it is tried for 150 ms, and no single silence lasts so long: it \
                  takes a service that dies in between",
    },
    Difference {
        method: "best-effort-notification",
        promise: Atomic,
        faults: &[Alone(FailedSync)],
        says: "violated",
        because: "the service has a disk, too: when a sync of it fails it starts over, and \
                  forgets what it was about to tell",
    },
];
