//! The witnesses: for each specimen the fewest faults and decisions over a quiet run that a person
//! can think of.

use super::witness::{
    Step, crash, cut, delay, delay_sync, disconnect, fail_sync, lose, pause, power_cut, set_clock,
    set_knob, step_clock, undo,
};
use crate::time::Span;

/// Consumer-1 has read and applied the first message, and dies before it can commit the offset.
pub(super) const VOLATILE_DEDUP_SET: &[Step] = &[crash("consumer-1").after_events(3)];

/// Consumer-1 has read the first message and sent the commit of its offset, and dies before it
/// knows that the broker has it.
pub(super) const ACK_BEFORE_EFFECT: &[Step] = &[crash("consumer-1").after_events(3)];

/// The broker's answer to the first message is lost with its connection, and the producer sends the
/// message again over the next one.
pub(super) const PIPELINED_RETRY_WITHOUT_SEQUENCE: &[Step] =
    &[lose(("broker", "producer-1"), "Produced", 1)];

/// Consumer-2 has applied the first message and dies before its row in the inbox is durable.
pub(super) const SPLIT_EFFECT_AND_DEDUP: &[Step] = &[crash("consumer-2").after_events(7)];

/// The service dies while its first row is being synced: the row is kept, the message never sent.
pub(super) const DUAL_WRITE: &[Step] = &[crash("service-1").at(Span::micros(100))];

/// The first sync of the second partition fails.
pub(super) const SEQUENCE_ADVANCED_BEFORE_PERSIST: &[Step] = &[fail_sync("broker", 2, 1)];

/// The broker stands still, with requests on its desk, until their producers give the messages up;
/// when it goes on, and dies soon after, what it refuses for want of those may stand there already.
pub(super) const EPOCH_BUMP_ON_UNKNOWN: &[Step] = &[
    set_knob(2, 1), // producer.deadline is 300 ms
    pause("broker", Span::millis(400)).after_events(18),
    crash("broker").at(Span::micros(387_508)).down(Span::micros(348)),
];

/// The answers of the broker are lost for longer than a record is kept: by the time that the
/// message comes again the record is deleted, and with it who sent it is forgotten.
pub(super) const PRODUCER_STATE_EXPIRED: &[Step] =
    &[cut(("broker", "producer-1"), Span::millis(150))];

/// The broker loses power once it has handled the first message: the snapshot of what it remembers
/// is on the disk, the record is not.
pub(super) const PRODUCER_SNAPSHOT_AHEAD: &[Step] =
    &[power_cut("broker").after_events(1), undo("broker", 1, 1)];

/// Requests are lost on their way for longer than a message is waited for, and then come all at
/// once from a producer that stood still.
pub(super) const RENUMBER_OUT_OF_ORDER: &[Step] = &[
    cut(("producer-2", "broker"), Span::micros(128_104)).at(Span::micros(5_980)),
    pause("producer-2", Span::micros(94_629)).after_events(6),
];

/// The producer dies between two messages.
pub(super) const RESTART_REUSES_SEQUENCE: &[Step] = &[crash("producer-1").at(Span::millis(18))];

/// The first sync takes longer than ids are remembered, and the producer does not wait for it.
pub(super) const DEDUP_WINDOW_TOO_SHORT: &[Step] = &[delay_sync("broker", 1, 1, Span::millis(150))];

/// It takes nothing but a second message about the same object.
pub(super) const BUSINESS_KEY_AS_MESSAGE_ID: &[Step] = &[];

/// The answer to a message is lost on the way to its producer, which sends it again; before the
/// copy arrives, the clock of a consumer steps.
pub(super) const DEDUP_EXPIRY_BY_LOCAL_CLOCK: &[Step] = &[
    lose(("broker", "producer-1"), "Produced", 1),
    step_clock("consumer-2", 60_000_000_000).at(Span::millis(8)),
];

/// The last update by producer-1 is overtaken by the newer one of producer-2.
pub(super) const UPSERT_WITHOUT_VERSION: &[Step] =
    &[delay(("producer-1", "broker"), "Produce", 10, Span::millis(5))];

/// The worker stands still at its first message while another one gets it and begins to act.
pub(super) const VISIBILITY_OUTLIVED: &[Step] =
    &[pause("worker-1.1", Span::millis(70)).at(Span::millis(20))];

/// The broker dies when the first messages are settled.
pub(super) const CURSOR_NOT_REPLICATED: &[Step] = &[crash("broker").at(Span::millis(40))];

/// The row with the lower number is committed after the other one was read.
pub(super) const OUTBOX_SEQUENCE_GAP: &[Step] =
    &[delay(("service-1", "database"), "Transact", 1, Span::millis(9))];

/// The worker that holds the lock loses its connections while it is at its first act.
pub(super) const QUEUE_AS_LOCK: &[Step] = &[disconnect("worker-1.1").at(Span::millis(6))];

/// The service has committed the first order, and nobody hears of it.
pub(super) const HALF_MESSAGE_AGE_TWICE: &[Step] =
    &[lose(("service-1", "half-broker"), "Resolve", 1)];

/// The clock of the broker of half messages is ahead by more than a half message may be old.
pub(super) const AGE_ACROSS_CLOCKS: &[Step] = &[set_clock("half-broker", 10_000_000_000)];

/// The service learns so late that the first half message is prepared that it is asked at once.
pub(super) const CHECK_BACK_WHILE_RUNNING: &[Step] =
    &[delay(("half-broker", "service-1"), "Prepared", 1, Span::millis(90))];
