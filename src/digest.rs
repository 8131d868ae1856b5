//! A rolling 64-bit hash: the identity of a run, of a state, of a payload.

/// A rolling hash of 64-bit words.
///
/// Two digests are equal if the same words went in, in the same order, whatever the process,
/// platform or build profile. It is not cryptographic.
///
/// ```
/// use postulate::digest::Digest;
///
/// let mut one = Digest::new();
/// one.word(1).word(2);
/// let mut other = Digest::new();
/// other.word(2).word(1);
/// assert_ne!(one.value(), other.value());
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Digest(u64);

const START: u64 = 0x243f_6a88_85a3_08d3;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Digest {
    /// The digest of nothing.
    pub const fn new() -> Self {
        Self(START)
    }

    /// Takes in one word.
    #[inline]
    pub fn word(&mut self, word: u64) -> &mut Self {
        self.0 = fold(self.0 ^ word, FACTOR).wrapping_add(word.rotate_left(29));
        self
    }

    /// Takes in bytes, and how many there are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let (words, rest) = bytes.as_chunks::<8>();
        for &word in words {
            self.word(u64::from_le_bytes(word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last)).word(bytes.len() as u64)
    }

    /// The hash of all that went in.
    #[inline]
    pub const fn value(&self) -> u64 {
        self.0
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

/// The two halves of a 128-bit product, folded into one word.
#[inline]
pub(crate) const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128).wrapping_mul(b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A digest of a *set* of facts, the same in whatever order they are taken in.
///
/// Replicas that hold the same messages in another order agree on it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct SetDigest(u64);

impl SetDigest {
    /// The digest of the empty set.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Takes in a fact made of two words, for instance a message and the fingerprint of its
    /// payload.
    pub fn insert(&mut self, one: u64, other: u64) {
        self.0 = self.0.wrapping_add(Digest::new().word(one).word(other).value());
    }

    /// The hash of all facts taken in.
    pub const fn value(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> u64 {
        Digest::new().bytes(bytes).value()
    }

    #[test]
    fn every_flipped_bit_of_a_payload_shows() {
        let payload = *b"sixteen byte pay";
        for bit in 0..payload.len() * 8 {
            let mut flipped = payload;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(of(&payload), of(&flipped), "bit {bit}");
        }
    }

    #[test]
    fn length_and_word_order_show() {
        assert_ne!(of(&[0; 8]), of(&[0; 9]));
        assert_ne!(of(&[]), of(&[0]));
    }

    #[test]
    fn zero_and_the_start_word_do_not_vanish() {
        assert_ne!(Digest::new().word(0).value(), Digest::new().value());
        assert_ne!(
            Digest::new().word(START).word(1).value(),
            Digest::new().word(START).word(2).value()
        );
    }

    #[test]
    fn a_set_has_no_order_but_counts_copies() {
        let mut one = SetDigest::new();
        one.insert(1, 10);
        one.insert(2, 20);
        let mut other = SetDigest::new();
        other.insert(2, 20);
        other.insert(1, 10);
        assert_eq!(one, other);
        other.insert(1, 10);
        assert_ne!(one, other);
    }
}
