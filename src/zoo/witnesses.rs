//! The witnesses: for each specimen the fewest faults and decisions over a quiet run that a person
//! can think of.

use super::witness::{Step, crash, lose};

/// Consumer-1 has read and applied the first message, and dies before it can commit the offset.
pub(super) const VOLATILE_DEDUP_SET: &[Step] = &[crash("consumer-1").after_events(3)];

/// Consumer-1 has read the first message and sent the commit of its offset, and dies before it
/// knows that the broker has it.
pub(super) const ACK_BEFORE_EFFECT: &[Step] = &[crash("consumer-1").after_events(3)];

/// The broker's answer to the first message is lost with its connection, and the producer sends the
/// message again over the next one.
pub(super) const PIPELINED_RETRY_WITHOUT_SEQUENCE: &[Step] =
    &[lose(("broker", "producer-1"), "Produced", 1)];
