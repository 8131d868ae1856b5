//! Virtual time: integer nanoseconds, written and read as `8.3 ms`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

/// A point of virtual time, in nanoseconds since the start of the run.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

/// A length of virtual time in nanoseconds.
///
/// ```
/// use postulate::time::Span;
///
/// let span: Span = "8300us".parse().unwrap();
/// assert_eq!(span, Span::micros(8_300));
/// assert_eq!(span.to_string(), "8.3 ms");
/// ```
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

/// Text that is not a length of time.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a length of time: write a number and a unit, such as \"50ms\" or \"2s\"")]
pub struct NotASpan {
    text: String,
}

impl Instant {
    /// The start of a run.
    pub const START: Self = Self(0);
    /// Later than every event.
    pub const NEVER: Self = Self(u64::MAX);

    /// `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The least there is: a nanosecond.
    pub const NANO: Self = Self(1);

    /// `n` nanoseconds.
    pub const fn nanos_of(n: u64) -> Self {
        Self(n)
    }

    /// `n` microseconds.
    pub const fn micros(n: u64) -> Self {
        Self(n * 1_000)
    }

    /// `n` milliseconds.
    pub const fn millis(n: u64) -> Self {
        Self(n * 1_000_000)
    }

    /// `n` seconds.
    pub const fn secs(n: u64) -> Self {
        Self(n * 1_000_000_000)
    }

    /// The length in nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// `factor` times this length, or the longest length there is.
    pub const fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Add<Span> for Instant {
    type Output = Self;
    #[inline]
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Instant {
    #[inline]
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Add for Span {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0 => return f.write_str("0 s"),
            1..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let whole = self.0 / unit;
        let thousandths = (self.0 % unit) * 1_000 / unit;
        if thousandths == 0 {
            return write!(f, "{whole} {name}");
        }
        let digits = format!("{thousandths:03}");
        write!(f, "{whole}.{} {name}", digits.trim_end_matches('0'))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        // How histories and schedules are written, millions of times.
        if let Some(number) = text.strip_suffix("ns")
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(nanos) = number.parse()
        {
            return Ok(Self(nanos));
        }
        humantime::parse_duration(text)
            .ok()
            .and_then(|length| u64::try_from(length.as_nanos()).ok())
            .map(Self)
            .ok_or_else(|| NotASpan { text: text.to_owned() })
    }
}

/// Instants and spans are written in full precision, as `8300000ns`, so that a saved schedule
/// replays; formats that nobody reads get the bare number.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&format_args!("{}ns", self.0))
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Length)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

/// Reads a length of time, and says for another type how one is written.
struct Length;

impl de::Visitor<'_> for Length {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length of time, such as \"50ms\" or \"2s\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
        text.parse().map_err(E::custom)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Span(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Span::deserialize(deserializer).map(|span| Self(span.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(nanos: u64, text: &str) {
        assert_eq!(Span::nanos_of(nanos).to_string(), text);
    }

    #[test]
    fn spans_read_as_a_person_would_write_them() {
        check(0, "0 s");
        check(999, "999 ns");
        check(1_500, "1.5 µs");
        check(8_300_000, "8.3 ms");
        check(8_050_000, "8.05 ms");
        check(60_000_000_000, "60 s");
    }

    #[test]
    fn a_bare_number_is_refused_with_the_cure() {
        let error = "50".parse::<Span>().unwrap_err().to_string();
        assert!(error.contains("\"50ms\""), "{error}");
    }
}
