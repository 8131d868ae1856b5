//! The rows of the matrix, and what was expected of each before it was first run.

use super::Fault::{self, Alone};
use super::{Expected, Method};
use crate::profile::FaultClass::{
    Crash, Cut, Delay, Disconnect, FailedSync, Loss, Pause, PowerCut, Zombie,
};
use crate::scenario::PromiseName;
use std::sync::LazyLock;

mod handling;
mod patterns;
mod producing;
mod queues;

/// All methods, topic by topic.
pub fn methods() -> &'static [Method] {
    static METHODS: LazyLock<Vec<Method>> = LazyLock::new(|| {
        [producing::METHODS, handling::METHODS, queues::METHODS, patterns::METHODS].concat()
    });
    &METHODS
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

/// A queue and its consumer disagree for a while about who holds what.
const HOLDS: &[Fault] =
    &[Alone(Loss), Alone(Disconnect), Alone(Cut), Alone(Crash), Alone(PowerCut)];
/// A lease runs out, and its holder does not know.
const LEASES: &[Fault] = &[Alone(Loss), Alone(Delay), Alone(Cut), Alone(Pause), Alone(Zombie)];

const fn expect(promise: PromiseName, breaks: &'static [Fault], source: &'static str) -> Expected {
    Expected { promise, breaks, source }
}

/// Consumers that apply each record of the log once: what is twice in the log is twice in the
/// table.
const EACH_RECORD: (&str, &str) = ("consumer.dedup", "\"none\"");
const ATOMIC: (&str, &str) = ("consumer.settle", "\"atomic\"");
const ONE_GROUP: (&str, &str) = ("consumer.groups", "1");
const UNNAMED: (&str, &str) = ("producer.identity", "\"none\"");
