//! What should happen sometimes in the built-in machines, or a sweep has not tried much.

use super::{Message, Record};
use crate::id::SiteId;
use crate::node::Context;

macro_rules! moments {
    ($($(#[$doc:meta])* $name:ident = $slug:literal),* $(,)?) => {
        /// A moment worth counting.
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Moment { $($(#[$doc])* $name),* }

        impl Moment {
            /// The names of all moments, by their [`SiteId`].
            pub const NAMES: &'static [&'static str] = &[$($slug),*];
        }
    };
}

moments! {
    /// The broker recognised a batch that it had already.
    DuplicateAnswered = "broker-deduplicated",
    /// It did so before the first copy was durable, and waited.
    DuplicateWaited = "duplicate-awaited-original",
    /// The broker refused a batch whose predecessor it had not seen.
    OutOfOrder = "out-of-order-refused",
    /// The broker refused a batch of an older epoch.
    Fenced = "fenced",
    /// The broker refused a body that did not match its checksum.
    CorruptRefused = "corrupt-body-refused",
    /// A boot cut a half-written tail off.
    TailTruncated = "tail-truncated-at-boot",
    /// A boot found damage that it cannot mend.
    DamageFound = "damage-found-at-boot",
    /// A sync failed.
    SyncFailed = "sync-failed",
    /// A fetch waited for data.
    FetchParked = "fetch-parked",
    /// A producer sent again.
    RetrySent = "retry-sent",
    /// A producer gave a message up.
    GaveUp = "delivery-deadline-passed",
    /// A producer started a new epoch, since a batch of the old one may be missing.
    EpochBumped = "epoch-bumped",
    /// A producer waited before it sent again.
    BackedOff = "retry-backed-off",
    /// An application sent a message again whose outcome it did not know.
    SentAgain = "application-sent-again",
    /// A consumer asked again for want of an answer.
    AskedAgain = "consumer-asked-again",
    /// A consumer dropped entries that did not match their checksums.
    CorruptDiscarded = "corrupt-entries-discarded",
    /// A consumer went on after the start of its partition when it booted.
    Resumed = "resumed-at-committed-offset",
    /// A record came again to a database that had applied it before the last restart: a crash fell
    /// between effect and settlement.
    Redelivered = "crash-between-effect-and-settlement",
    /// The inbox had the message already.
    InboxHit = "inbox-deduplicated",
    /// The volatile set of ids had the message already.
    MemoryHit = "memory-deduplicated",
    /// The broker could not tell yet whether a request was a duplicate.
    Undecided = "duplicate-undecided",
    /// The broker took back what a failed sync had not written, and lived on.
    RolledBack = "rolled-back-after-failed-sync",
    /// A boot read what is remembered of producers from a snapshot.
    SnapshotRead = "producer-snapshot-read",
    /// Retention deleted records.
    Deleted = "records-deleted",
    /// What was remembered of a producer went with its records.
    StateForgotten = "producer-state-forgotten",
    /// Compaction dropped records.
    Compacted = "records-compacted",
    /// A row of the inbox was too old to count.
    RowExpired = "inbox-row-expired",
    /// The handling of a message failed.
    HandlingFailed = "handling-failed",
    /// A consumer went past a message whose handling had failed.
    FailureSkipped = "failed-message-skipped",
    /// A consumer put a message aside whose handling had failed.
    FailureParked = "failed-message-parked",
    /// A projection held a newer update of the key already.
    UpdateSuperseded = "stale-update-superseded",
    /// A consumer committed from time to time and not because it was done.
    AutoCommitted = "position-committed-by-interval",
    /// A store refused a transaction that inserts a key that is taken.
    UniqueRefused = "unique-key-refused",
    /// A store aborted a transaction that had read what has changed since.
    SerializationAborted = "serialization-aborted",
    /// A database client had no answer to its commit.
    CommitUnknown = "commit-outcome-unknown",
    /// A client repeated a call to an external system.
    CallRepeated = "call-repeated",
    /// An external system knew a call by its key.
    KeyKnown = "idempotency-key-known",
    /// An external system had forgotten the key of a call that it carries out again.
    KeyExpired = "idempotency-key-expired",
    /// A queue delivered a message that it had, or may have, delivered before.
    DeliveredAgain = "queue-redelivered",
    /// The lease of a delivered message was over.
    LeaseOver = "queue-lease-over",
    /// A consumer was gone that held messages.
    HolderGone = "queue-holder-gone",
    /// A consumer claimed a message that somebody held.
    Claimed = "queue-message-claimed",
    /// A settlement came that settles nothing any more.
    StaleSettlement = "queue-settlement-stale",
    /// A delivered message stayed visible to others.
    StayedVisible = "queue-message-stayed-visible",
    /// A message was delivered as often as it may be.
    DeliveryLimit = "queue-delivery-limit-reached",
    /// A message became a dead letter.
    DeadLettered = "queue-dead-lettered",
    /// A message expired.
    Expired = "queue-message-expired",
    /// The oldest message of a full queue had to go.
    HeadDropped = "queue-head-dropped",
    /// A message was dropped for good.
    MessageDropped = "queue-message-dropped",
    /// A full queue refused a message.
    QueueFull = "queue-full-refused",
    /// A message was not read because of an alarm.
    AlarmHeld = "queue-alarm-held",
    /// No queue was bound for a message.
    Unroutable = "queue-unroutable",
    /// A worker learnt that its connection with the queue is gone, and so is what it held.
    WorkerLapsed = "worker-lapsed",
    /// A worker ended the handling of a message that was not its own any more.
    HandledAfterLapse = "handled-after-lapse",
    /// A worker asked for more time with a message.
    LeaseExtended = "lease-extended",
    /// A worker settled again for want of an answer.
    SettledAgain = "settlement-repeated",
    /// A queue told a worker that the message which it settled is not its own any more.
    SettledLate = "worker-settled-late",
    /// A worker asked for what it had been handed before, and there was something.
    OwnReadAgain = "own-messages-read-again",
    /// A worker took over what another one had left lying.
    IdleClaimed = "idle-messages-claimed",
    /// A worker gave a message back whose handling had failed.
    FailureGivenBack = "failed-message-given-back",
    /// A worker published a message anew whose handling had failed.
    FailureRepublished = "failed-message-published-anew",
    /// A worker rejected a message whose handling had failed.
    FailureRejected = "failed-message-rejected",
    /// A worker held a message back behind a failed one of its key.
    SuccessorHeld = "successor-held-back",
    /// A worker sent a message after a dead letter of its key.
    SuccessorRejected = "successor-rejected",
    /// A resource refused one who was late.
    ActRefused = "late-act-refused",
    /// A worker passed the lock on.
    LockPassed = "lock-passed-on",
    /// A boot found letters in an outbox that may not have reached the log.
    LetterRepublished = "letter-republished-at-boot",
    /// A boot found orders that are not over.
    SagaResumed = "saga-resumed-at-boot",
    /// A service waited too long for a step, and called the order off.
    StepOverdue = "saga-step-overdue",
    /// An answer about a step came that nobody was waiting for any more.
    AnswerUnawaited = "saga-answer-unawaited",
    /// A participant refused a step.
    StepRefused = "saga-step-refused",
    /// A participant undid a step.
    StepUndone = "saga-step-undone",
    /// A participant knew by its row that it had handled a letter.
    StepKnown = "saga-step-deduplicated",
    /// An undoing outran its step.
    UndoneUntaken = "cancel-outran-its-try",
    /// A step came that had been undone before.
    LateStepRefused = "late-try-refused",
    /// A broker left a half message alone that was too young to be asked about.
    HalfImmune = "half-message-immune",
    /// A broker asked what became of the local transaction of a half message.
    HalfCheckedBack = "half-message-checked-back",
    /// A broker discarded a half message of which nobody had said what became of it.
    HalfDiscarded = "half-message-discarded",
    /// A service was asked about a local transaction that was still running.
    LocalRunning = "local-transaction-still-running",
    /// A service was asked about a local transaction that an earlier process had not ended.
    LocalNeverEnded = "local-transaction-never-ended",
    /// A local transaction rolled back.
    LocalRolledBack = "local-transaction-rolled-back",
    /// A consumer dropped its projection, to make it anew.
    ProjectionRebuilt = "projection-rebuilt",
    /// A relay took the lease of another one.
    RelayTookOver = "relay-took-over",
    /// A relay learned that the lease was not its own any more.
    RelayFenced = "relay-fenced",
}

impl Moment {
    /// Its place among the sites of a built-in system.
    pub const fn site(self) -> SiteId {
        SiteId(self as u8)
    }

    #[inline]
    pub(super) fn note(self, ctx: &mut Context<'_, Message, Record>) {
        ctx.sometimes(self.site());
    }
}
