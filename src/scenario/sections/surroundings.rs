//! The sections of what the machines run in: network, disks, clocks.

use crate::profile::{Framing, Transport};
use crate::scenario::bounded::{Between, Bounded, Positive};
use crate::seed::Ratio;
use crate::time::Span;
use serde::Deserialize;

/// The network.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSection {
    /// How messages travel.
    pub transport: Transport,
    /// The least and the greatest latency of a link.
    pub latency: Between,
    /// How many messages are lost.
    pub loss: Ratio,
    /// How many datagrams are doubled.
    pub duplicate: Ratio,
    /// How many messages arrive with a flipped bit.
    pub corrupt: Ratio,
    /// If messages go bad as bytes: whether who reads their frames looks at the checksum.
    /// Otherwise a bit of a body is flipped.
    pub framing: Option<Framing>,
    /// Bytes a second, if it is bounded.
    pub bandwidth: Option<Bounded<1, { u32::MAX }>>,
}

impl Default for NetworkSection {
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            latency: Between::micros(1_000, 10_000),
            loss: Ratio::NEVER,
            duplicate: Ratio::NEVER,
            corrupt: Ratio::NEVER,
            framing: None,
            bandwidth: None,
        }
    }
}

/// The disks.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiskSection {
    /// Whether appends are durable at once.
    pub write_through: bool,
    /// The least and the greatest time a sync takes.
    pub sync: Option<Between>,
}

/// The clocks.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockSection {
    /// The tick of monotonic clocks.
    pub tick: Positive,
}

impl Default for ClockSection {
    fn default() -> Self {
        Self { tick: Positive::try_from(Span::nanos_of(1)).unwrap_or(Positive::millis(1)) }
    }
}
