//! The policies of outboxes and their relays.

use super::producer;
use crate::id::NodeId;
use crate::model::database_server::SessionPolicy;
use crate::model::producer::ProducerPolicy;
use crate::model::relay::RelayPolicy;
use crate::model::service::{OutboxPolicy, WritePolicy};
use crate::model::store::{SequenceId, TableId};
use crate::scenario::{RelaySection, Scenario, ServiceSection};

/// A group has three tables in a database that it shares; what the services and the relays keep
/// there stands behind those.
const TABLES: u32 = 3;
const STATE: u32 = 0;
const OUTBOX: u32 = 1;
const LEDGER: u32 = 2;

/// How many operations a service carries out at a time unless stated.
const AT_A_TIME: u16 = 4;

pub(in crate::scenario) fn relay(scenario: &Scenario, section: &RelaySection) -> RelayPolicy {
    RelayPolicy {
        // It does not give up what is committed: no message has a deadline.
        producer: ProducerPolicy { attempts: u16::MAX, journal: None, ..producer(scenario) },
        session: session(scenario),
        outbox: table(scenario, OUTBOX),
        ledger: table(scenario, LEDGER),
        read: section.read,
        mark: section.mark,
        poll: section.poll.get(),
        batch: section.batch.get() as u16,
        ownership: section.ownership,
        lease: section.lease.get(),
    }
}

/// Where services keep their state and what they have to say, if they write by an outbox.
pub(super) fn outbox(scenario: &Scenario, section: ServiceSection) -> Option<OutboxPolicy> {
    (section.write == WritePolicy::Outbox).then(|| OutboxPolicy {
        session: session(scenario),
        state: table(scenario, STATE),
        outbox: table(scenario, OUTBOX),
        numbers: SequenceId(0),
        at_a_time: section.at_a_time.map_or(AT_A_TIME, |most| most.get() as u16),
    })
}

fn table(scenario: &Scenario, table: u32) -> TableId {
    TableId((scenario.consumer.groups.get() * TABLES + table) as u8)
}

fn session(scenario: &Scenario) -> SessionPolicy {
    // A scenario with an outbox and without a database is refused. As for consumers that use one.
    let server = scenario.database_node().unwrap_or(NodeId(0));
    SessionPolicy { server, timeout: scenario.consumer.timeout.get() }
}
