use super::*;
use crate::id::SinkId;
use crate::model::bench::Bench;
use script::{check, run};

mod fingerprints;
mod jetstream;
mod rabbitmq;
mod redis;
mod rules;
mod script;
mod sqs_fifo;
mod sqs_standard;

/// Where what queue 0 drops shows.
const DROPPED: SinkId = SinkId(5);

const STRICT: QueuePolicy = QueuePolicy::new(1, DROPPED);
