//! From the sections of a scenario to the policies of its machines.

use super::Scenario;
use crate::id::NodeId;
use crate::model::producer::OnTimeout;
use crate::profile::Transport;

pub(super) use broker::broker;
pub(super) use consumer::consumer;
pub(super) use external::external;
pub(super) use half::half;
pub(super) use producer::producer;
pub(super) use queue::queue;
pub(super) use relay::relay;
pub(super) use saga::saga;
pub(super) use service::service;
pub(super) use worker::{claim_idle, undertaker, worker};

mod broker;
mod consumer;
mod external;
mod half;
mod producer;
mod queue;
mod relay;
mod saga;
mod service;
mod worker;

/// Where the broker stands among the machines.
pub(super) const BROKER: NodeId = NodeId(0);

/// What clients do about a late answer unless they are told: only a stream has a connection to give
/// up.
fn natural(scenario: &Scenario) -> OnTimeout {
    match scenario.network.transport {
        Transport::Stream => OnTimeout::Disconnect,
        Transport::Datagram => OnTimeout::Resend,
    }
}
