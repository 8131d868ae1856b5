//! What links carry and what disks hold.

use crate::blob::Blobs;
use crate::choice::Flips;
use crate::digest::Digest;
use crate::id::MessageId;
use crate::profile::Framing;
use std::fmt;

/// What links carry.
pub trait Message: Clone + fmt::Debug + Send + 'static {
    /// The kind of the message. Choices are keyed by it, so kinds should be few and stable.
    fn kind(&self) -> u8;
    /// The name of a kind, for reports.
    fn kind_name(kind: u8) -> &'static str
    where
        Self: Sized;
    /// Takes the whole message into the digest.
    fn fingerprint(&self, digest: &mut Digest);
    /// Its size on the wire in bytes; only links with a bandwidth ask.
    fn size(&self) -> u32 {
        0
    }
    /// Flips the bit that `bit` chooses, as the network may. Returns false if nothing can go bad.
    fn corrupt(&mut self, _bit: u64, _blobs: &mut Blobs) -> bool {
        false
    }
    /// Flips bits of the frame in which the message travels on a link that carries bytes, and
    /// becomes what the receiver reads. Returns none if it has no frame: then
    /// [`corrupt`](Self::corrupt) is all that can happen to it.
    fn garble(&mut self, _bits: Flips, _framing: Framing, _blobs: &mut Blobs) -> Option<Garbled> {
        None
    }
}

/// What came of flipping bits of a message's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garbled {
    /// The bits that were flipped.
    pub bits: Flips,
    /// The length of the frame in bytes.
    pub length: u32,
    /// Whether what the receiver reads is another message; why it reads none, if it refuses the
    /// frame.
    pub read: Result<bool, String>,
}

/// What a disk holds.
pub trait Record: Clone + fmt::Debug + Send + 'static {
    /// Takes the whole record into the digest.
    fn fingerprint(&self, digest: &mut Digest);
}

/// The simplest record: that a message was handled.
impl Record for MessageId {
    fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.word());
    }
}
