//! Message bodies: opaque bytes, kept once a run and passed around by handle.

use crate::digest::Digest;
use std::fmt;
use std::ops::Range;

/// A handle to a message body in the run's arena, with the fingerprint of its bytes.
///
/// Two bodies are the same if their fingerprints and lengths are; the handle copies in two words.
#[derive(Copy, Clone)]
pub struct Blob {
    fingerprint: u64,
    start: u32,
    length: u32,
}

impl Blob {
    /// The digest of the bytes: what a checksum over the body would carry.
    #[inline]
    pub const fn fingerprint(self) -> u64 {
        self.fingerprint
    }

    /// How many bytes there are.
    #[inline]
    pub const fn len(self) -> u32 {
        self.length
    }

    /// Whether there are no bytes.
    pub const fn is_empty(self) -> bool {
        self.length == 0
    }

    #[inline]
    fn new(start: u32, bytes: &[u8]) -> Self {
        let fingerprint = Digest::new().bytes(bytes).value();
        Self { fingerprint, start, length: bytes.len() as u32 }
    }

    fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.length as usize
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        (self.fingerprint, self.length) == (other.fingerprint, other.length)
    }
}

impl Eq for Blob {}

/// The first half of the fingerprint tells bodies apart as well as the whole, as in histories.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "payload {:08x}…", self.fingerprint >> 32)
    }
}

/// The bodies of one run.
#[derive(Debug, Default)]
pub struct Blobs {
    bytes: Vec<u8>,
}

impl Blobs {
    /// Keeps `bytes` until the end of the run.
    ///
    /// # Panics
    /// If a run keeps 4 GiB of bodies.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Blob {
        let start = u32::try_from(self.bytes.len()).expect("a run keeps less than 4 GiB of bodies");
        self.bytes.extend_from_slice(bytes);
        Blob::new(start, bytes)
    }

    /// The bytes of `blob`.
    pub fn get(&self, blob: Blob) -> &[u8] {
        &self.bytes[blob.range()]
    }

    /// A copy of `blob` with one bit flipped, chosen by `draw`; an empty body stays as it is.
    pub fn flip(&mut self, blob: Blob, draw: u64) -> Blob {
        if blob.is_empty() {
            return blob;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_within(blob.range());
        let bit = (draw % (blob.length as u64 * 8)) as usize;
        self.bytes[start + bit / 8] ^= 1 << (bit % 8);
        Blob::new(start as u32, &self.bytes[start..])
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_copy_differs_in_one_bit_and_leaves_the_original() {
        let mut blobs = Blobs::default();
        let whole = blobs.put(b"payload");
        let flipped = blobs.flip(whole, 12);
        assert_ne!(whole, flipped);
        assert_eq!(blobs.get(whole), b"payload");
        let differing: u32 = blobs
            .get(whole)
            .iter()
            .zip(blobs.get(flipped))
            .map(|(a, b)| (a ^ b).count_ones())
            .sum();
        assert_eq!(differing, 1);
    }

    #[test]
    fn equal_bytes_are_equal_bodies() {
        let mut blobs = Blobs::default();
        assert_eq!(blobs.put(b"a"), blobs.put(b"a"));
        assert_ne!(blobs.put(b"a"), blobs.put(b"b"));
    }
}
