//! What a relay does when, by name.

use crate::model::database_server::SessionPolicy;
use crate::model::producer::ProducerPolicy;
use crate::model::store::{ScanOrder, TableId};
use crate::time::Span;
use serde::Deserialize;

/// How a relay finds what is to be published.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadBy {
    /// By the commits that wrote the rows, as change capture does (Debezium's outbox event router):
    /// it remembers how far it has come, and nothing can appear behind that.
    #[default]
    CommitOrder,
    /// By asking for the rows that are left: who has published a row deletes it.
    PollUnsent,
    /// By asking for the rows whose number is higher than the last one. A row with a lower number
    /// that is committed later is never seen.
    PollSequence,
}

/// When a relay writes down that it has published a row.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkWhen {
    /// Once the log has confirmed it: after a crash in between it is published again.
    #[default]
    Confirmed,
    /// As soon as it is read: after a crash it is not published at all.
    Read,
}

/// Who publishes, where there are several relays.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// Who holds the lease, a row of the database. Who sees no beat of its holder for as long as
    /// the lease lasts takes it, by a clock of its own and no other's (as the lock client of
    /// `DynamoDB` does with the record version number). Every mark depends on the row of the lease,
    /// so that a late one of a former holder is refused.
    #[default]
    Lease,
    /// Every relay.
    Everybody,
}

/// How a relay behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct RelayPolicy {
    /// How it publishes.
    pub producer: ProducerPolicy,
    /// How it speaks to the database.
    pub session: SessionPolicy,
    /// Where the rows are: the payload of each is a routing key.
    pub outbox: TableId,
    /// Where the lease is, its beats, and how far the relay has come.
    pub ledger: TableId,
    /// How it finds them.
    pub read: ReadBy,
    /// When it marks them.
    pub mark: MarkWhen,
    /// How long it waits before it looks again.
    pub poll: Span,
    /// How many rows it reads at a time.
    pub batch: u16,
    /// Who publishes.
    pub ownership: Ownership,
    /// How long a lease lasts without a beat.
    pub lease: Span,
}

impl ReadBy {
    pub(super) const fn order(self) -> ScanOrder {
        match self {
            Self::CommitOrder => ScanOrder::ByCommit,
            Self::PollUnsent | Self::PollSequence => ScanOrder::ByKey,
        }
    }

    /// Whether it remembers a place in that order.
    pub(super) const fn keeps_place(self) -> bool {
        match self {
            Self::CommitOrder | Self::PollSequence => true,
            Self::PollUnsent => false,
        }
    }
}
