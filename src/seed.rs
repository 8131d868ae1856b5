//! Seeds, and the keyed draws that a seeded schedule is made of.

use crate::digest::fold;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// The number a seeded schedule grows from; written `0x2a`.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seed(pub u64);

/// Text that is not a seed.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a seed: write a number below 2^64, such as 42 or 0x2a")]
pub struct NotASeed {
    text: String,
}

impl FromStr for Seed {
    type Err = NotASeed;

    fn from_str(text: &str) -> Result<Self, NotASeed> {
        match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(&digits.replace('_', ""), 16),
            None => text.replace('_', "").parse(),
        }
        .map(Self)
        .map_err(|_| NotASeed { text: text.to_owned() })
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A keyed hash: answers every key with 64 bits that only the seed and the key determine.
///
/// Its two subkeys come from `ChaCha8` under the seed, so neighbouring seeds have nothing in
/// common, and a draw at one key never moves the draw at another.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct KeyedHash {
    first: u64,
    second: u64,
}

impl KeyedHash {
    pub(crate) fn new(seed: Seed) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed.0);
        Self { first: stream.next_u64(), second: stream.next_u64() | 1 }
    }

    #[inline]
    pub(crate) fn draw(&self, key: u64) -> u64 {
        let once = fold(key ^ self.first, self.second);
        fold(once ^ self.second, self.first | 1) ^ once.rotate_left(32)
    }
}

/// A probability as a ratio of integers, at most 1; written `1/20`.
///
/// ```
/// use postulate::seed::Ratio;
///
/// let loss: Ratio = "1/20".parse().unwrap();
/// assert_eq!(loss, Ratio::new(1, 20).unwrap());
/// assert!("3/2".parse::<Ratio>().is_err());
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: u32,
    denominator: NonZeroU32,
}

/// Text or numbers that are not a probability.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a probability: write a ratio from 0/1 to 1/1, such as \"1/20\"")]
pub struct NotARatio {
    text: String,
}

impl Ratio {
    /// Never.
    pub const NEVER: Self = Self { numerator: 0, denominator: NonZeroU32::MIN };

    /// `numerator` in `denominator`.
    ///
    /// # Errors
    /// If the ratio is above 1 or has no denominator.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self, NotARatio> {
        NonZeroU32::new(denominator)
            .filter(|_| numerator <= denominator)
            .map(|denominator| Self { numerator, denominator })
            .ok_or_else(|| NotARatio { text: format!("{numerator}/{denominator}") })
    }

    /// Whether it is zero.
    pub const fn is_never(self) -> bool {
        self.numerator == 0
    }

    /// The share of `whole` that this is, rounded down.
    #[inline]
    pub const fn of(self, whole: u64) -> u64 {
        (whole as u128 * self.numerator as u128 / self.denominator.get() as u128) as u64
    }
}

impl FromStr for Ratio {
    type Err = NotARatio;

    fn from_str(text: &str) -> Result<Self, NotARatio> {
        let wrong = || NotARatio { text: text.to_owned() };
        let (numerator, denominator) = text.split_once('/').ok_or_else(wrong)?;
        let number = |part: &str| part.trim().parse::<u32>().map_err(|_| wrong());
        Self::new(number(numerator)?, number(denominator)?).map_err(|_| wrong())
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Probability)
    }
}

/// Reads a probability, and says for another type how one is written.
struct Probability;

impl de::Visitor<'_> for Probability {
    type Value = Ratio;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a probability, such as \"1/20\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Ratio, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_seeds_and_keys_share_no_bits() {
        let ones: u32 = (0..64)
            .map(|seed| {
                let (a, b) = (KeyedHash::new(Seed(seed)), KeyedHash::new(Seed(seed + 1)));
                (a.draw(7) ^ b.draw(7)).count_ones() + (a.draw(7) ^ a.draw(8)).count_ones()
            })
            .sum();
        let mean = ones / 128;
        assert!((28..=36).contains(&mean), "{mean} of 64 bits differ on average");
    }

    #[test]
    fn each_bit_of_a_draw_is_set_half_the_time() {
        let hash = KeyedHash::new(Seed(1));
        for bit in 0..64 {
            let set = (0..4_096).filter(|&key| hash.draw(key) >> bit & 1 == 1).count();
            assert!((1_850..=2_250).contains(&set), "bit {bit} was set {set} times in 4096");
        }
    }

    #[test]
    fn seeds_are_read_as_they_are_written() {
        for seed in [Seed(0), Seed(42), Seed(u64::MAX)] {
            assert_eq!(seed.to_string().parse::<Seed>().unwrap(), seed);
        }
        assert_eq!("42".parse::<Seed>().unwrap(), Seed(42));
        assert!("0xgg".parse::<Seed>().is_err());
    }

    #[test]
    fn ratios_above_one_or_of_nothing_are_refused() {
        assert!(Ratio::new(2, 1).is_err());
        assert!(Ratio::new(0, 0).is_err());
        assert_eq!(Ratio::new(1, 20).unwrap().of(1_000), 50);
    }
}
