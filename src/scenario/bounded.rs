//! Numbers and ranges that cannot hold an impossible value.

use crate::time::Span;
use serde::de::{SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, de};
use std::fmt;

/// A whole number from `MIN` to `MAX`.
///
/// ```
/// use postulate::scenario::Bounded;
///
/// assert_eq!(Bounded::<1, 5>::new(3).unwrap().get(), 3);
/// assert!(Bounded::<1, 5>::new(9).is_err());
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

/// A number outside its bounds.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{number} is not possible here: write a number from {min} to {max}")]
pub struct OutOfBounds {
    number: i64,
    min: u32,
    max: u32,
}

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The number.
    ///
    /// # Errors
    /// If it is not within the bounds.
    pub fn new(number: u32) -> Result<Self, OutOfBounds> {
        Self::try_from(i64::from(number))
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    pub(super) const fn of<const NUMBER: u32>() -> Self {
        const { assert!(MIN <= NUMBER && NUMBER <= MAX, "a default is within its bounds") };
        Self(NUMBER)
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<i64> for Bounded<MIN, MAX> {
    type Error = OutOfBounds;

    fn try_from(number: i64) -> Result<Self, OutOfBounds> {
        u32::try_from(number)
            .ok()
            .filter(|number| (MIN..=MAX).contains(number))
            .map(Self)
            .ok_or(OutOfBounds { number, min: MIN, max: MAX })
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Bounded<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(Number::<MIN, MAX>)
    }
}

/// Reads a number, and says for another type which numbers there are.
struct Number<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> Visitor<'_> for Number<MIN, MAX> {
    type Value = Bounded<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number from {MIN} to {MAX}")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Bounded::try_from(number).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }
}

/// A length of time that is not zero.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Span")]
pub struct Positive(Span);

/// A length of time that is zero where it must not be.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time at all is not possible here: write a length such as \"50ms\"")]
pub struct NoTime;

impl Positive {
    /// The length.
    pub const fn get(self) -> Span {
        self.0
    }

    pub(super) const fn millis(number: u64) -> Self {
        assert!(number > 0, "a default is not zero");
        Self(Span::millis(number))
    }
}

impl TryFrom<Span> for Positive {
    type Error = NoTime;

    fn try_from(span: Span) -> Result<Self, NoTime> {
        if span > Span::ZERO { Ok(Self(span)) } else { Err(NoTime) }
    }
}

/// A least and a greatest length of time, written `["1ms", "10ms"]`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Between {
    least: Span,
    most: Span,
}

/// A range that ends before it begins.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{least} is more than {most}: write the least first, as in [\"1ms\", \"10ms\"]")]
pub struct Backwards {
    least: Span,
    most: Span,
}

impl Between {
    /// The least length.
    pub const fn least(self) -> Span {
        self.least
    }

    /// The greatest length.
    pub const fn most(self) -> Span {
        self.most
    }

    /// How much the greatest is above the least.
    pub fn width(self) -> Span {
        self.most - self.least
    }

    pub(crate) const fn micros(least: u64, most: u64) -> Self {
        assert!(least <= most, "a default is in order");
        Self { least: Span::micros(least), most: Span::micros(most) }
    }
}

impl TryFrom<[Span; 2]> for Between {
    type Error = Backwards;

    fn try_from([least, most]: [Span; 2]) -> Result<Self, Backwards> {
        if least <= most { Ok(Self { least, most }) } else { Err(Backwards { least, most }) }
    }
}

impl<'de> Deserialize<'de> for Between {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Range)
    }
}

/// Reads two lengths of time.
struct Range;

impl<'de> Visitor<'de> for Range {
    type Value = Between;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("two lengths of time, the least first, as in [\"1ms\", \"10ms\"]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut lengths: A) -> Result<Between, A::Error> {
        let mut stated: Vec<Span> = Vec::new();
        while let Some(length) = lengths.next_element()? {
            stated.push(length);
        }
        match <[Span; 2]>::try_from(stated) {
            Ok(both) => Between::try_from(both).map_err(de::Error::custom),
            Err(stated) => Err(de::Error::invalid_length(stated.len(), &self)),
        }
    }
}
