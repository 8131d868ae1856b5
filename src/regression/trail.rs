//! The way a run went, in a few letters an event.

use crate::run::TraceEvent;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt::Write as _;

/// How many events a trail covers.
pub const TRAIL_MAX: usize = 2_000;

/// A mark for each of the first [`TRAIL_MAX`] events of a run: eight bits of the digest of all that
/// went before, written as two hexadecimal digits. Another run shows by it at which event the two
/// part, or, once in 256 times, one event too late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail(Vec<u8>);

impl Trail {
    /// The trail of a run with these events.
    pub fn of(trace: &[TraceEvent]) -> Self {
        Self(marks(trace).collect())
    }

    /// After how many events a run with this trace goes another way, unless it goes the same one as
    /// far as the trail tells.
    pub fn parts_from(&self, trace: &[TraceEvent]) -> Option<usize> {
        let other: Vec<u8> = marks(trace).collect();
        let common = self.0.iter().zip(&other).take_while(|(one, other)| one == other).count();
        (common < self.0.len().max(other.len())).then_some(common)
    }
}

fn marks(trace: &[TraceEvent]) -> impl Iterator<Item = u8> {
    trace.iter().take(TRAIL_MAX).map(|event| (event.digest >> 56) as u8)
}

impl Serialize for Trail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(2 * self.0.len());
        for mark in &self.0 {
            let _ = write!(text, "{mark:02x}");
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Trail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mark = |pair: &[u8]| {
            let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            let is_digit = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            u8::from_str_radix(pair, 16).ok().filter(|_| is_digit)
        };
        let marks: Option<Vec<u8>> = text.as_bytes().chunks(2).map(mark).collect();
        let marks = marks.filter(|marks| marks.len() <= TRAIL_MAX);
        marks.map(Self).ok_or_else(|| {
            let most = format!("two hexadecimal digits an event, of {TRAIL_MAX} at most");
            de::Error::custom(format!("a trail has {most}"))
        })
    }
}

/// Digests are written as in reports.
pub(super) mod hex {
    use super::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::ref_option, reason = "serde hands a field over as a reference")]
    pub fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(&format_args!("{value:#018x}")),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
        let value = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        value.map(Some).ok_or_else(|| {
            let right = "write one such as \"0xff70a5541b04ea43\", or leave it out";
            de::Error::custom(format!("{text:?} is no digest: {right}"))
        })
    }
}
