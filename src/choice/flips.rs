//! Which bits of a frame are flipped.

use crate::digest::fold;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// From one to three bits of a frame, counted from its start.
///
/// No more, so that a checksum that is compared always tells: the Hamming distance of CRC-32C is 4
/// up to 2 147 483 615 bits (Koopman, *Best CRC Polynomials*, 0x8f6e37a0).
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
pub struct Flips([u32; 3]);

impl Flips {
    /// The most bits.
    pub const MOST: usize = 3;

    /// These bits, or none if they are none or too many; one that is named twice is one.
    pub fn new(bits: &[u32]) -> Option<Self> {
        let &last = bits.iter().max()?;
        let mut three = [last; Self::MOST];
        three.get_mut(..bits.len())?.copy_from_slice(bits);
        Some(Self::sorted(three))
    }

    /// One bit.
    pub const fn one(bit: u32) -> Self {
        Self([bit; Self::MOST])
    }

    /// As many bits as `draw` says, one half of the time a single one, anywhere.
    pub(crate) fn drawn(draw: u64) -> Self {
        let bit = |number| fold(draw, number) as u32;
        let (one, two, three) = (bit(1), bit(2), bit(3));
        Self::sorted(match draw % 4 {
            0 | 1 => [one; Self::MOST],
            2 => [one, two, two],
            _ => [one, two, three],
        })
    }

    /// The bits that these are of a frame that has `count`, which is at least one.
    #[must_use]
    pub fn within(self, count: u32) -> Self {
        Self::sorted(self.0.map(|bit| bit % count.max(1)))
    }

    /// The sets with one bit less.
    pub(crate) fn fewer(self) -> impl Iterator<Item = Self> {
        let bits: Vec<u32> = self.bits().collect();
        (0..bits.len()).rev().filter_map(move |place| {
            let others = [&bits[..place], &bits[place + 1..]].concat();
            Self::new(&others)
        })
    }

    /// Bits that lie so many further on.
    #[must_use]
    pub(crate) fn moved(self, by: u32) -> Self {
        Self::sorted(self.0.map(|bit| bit.wrapping_add(by)))
    }

    /// The first of them.
    pub(crate) const fn first(self) -> u32 {
        self.0[0]
    }

    /// The bits, in rising order.
    pub fn bits(self) -> impl Iterator<Item = u32> {
        let again = move |place: usize| place > 0 && self.0[place - 1] == self.0[place];
        (0..Self::MOST).filter(move |&place| !again(place)).map(move |place| self.0[place])
    }

    fn sorted(mut bits: [u32; 3]) -> Self {
        bits.sort_unstable();
        let [one, two, three] = bits;
        // The greatest is the one that is repeated.
        Self(if one == two { [one, three, three] } else { bits })
    }
}

/// Such as `bit 5`, or `bits 5, 77 and 80`.
impl fmt::Display for Flips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits: Vec<_> = self.bits().map(|bit| bit.to_string()).collect();
        match bits.split_last() {
            Some((last, [])) => write!(f, "bit {last}"),
            Some((last, others)) => write!(f, "bits {} and {last}", others.join(", ")),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Flips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Flips {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.bits())
    }
}

impl<'de> Deserialize<'de> for Flips {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bits = Vec::deserialize(deserializer)?;
        Self::new(&bits)
            .ok_or_else(|| de::Error::custom("one to three bits of a frame are flipped"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_a_set_that_is_written_as_it_reads() {
        let check = |bits: &[u32], expected: Option<(&str, &str)>| {
            let flips = Flips::new(bits);
            let told = flips.map(|it| (it.to_string(), serde_json::to_string(&it).unwrap()));
            let expected = expected.map(|(told, json)| (told.to_owned(), json.to_owned()));
            assert_eq!(told, expected, "{bits:?}");
            let json = serde_json::to_string(bits).unwrap();
            assert_eq!(serde_json::from_str(&json).ok(), flips, "{json}");
        };
        check(&[], None);
        check(&[1, 2, 3, 4], None);
        check(&[7], Some(("bit 7", "[7]")));
        check(&[7, 7, 7], Some(("bit 7", "[7]")));
        check(&[9, 2], Some(("bits 2 and 9", "[2,9]")));
        check(&[9, 2, 2], Some(("bits 2 and 9", "[2,9]")));
        check(&[9, 9, 2], Some(("bits 2 and 9", "[2,9]")));
        check(&[9, 2, 4], Some(("bits 2, 4 and 9", "[2,4,9]")));
    }

    #[test]
    fn bits_beyond_the_frame_are_bits_of_it() {
        let flips = Flips::new(&[3, 11, 19]).unwrap();
        assert_eq!(flips.within(8), Flips::one(3));
        assert_eq!(flips.within(16), Flips::new(&[3, 11]).unwrap());
    }

    #[test]
    fn a_draw_flips_one_bit_half_of_the_time_and_at_most_three() {
        let counts = (0..4_000).map(|n| Flips::drawn(fold(n, 1)).bits().count());
        let mut by_count = [0; 4];
        counts.for_each(|count| by_count[count] += 1);
        assert!(by_count[0] == 0 && (1_900..2_100).contains(&by_count[1]), "{by_count:?}");
        assert!(by_count[2] > 900 && by_count[3] > 900, "{by_count:?}");
    }
}
