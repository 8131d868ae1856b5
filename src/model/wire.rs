//! Messages of the built-in machines as bytes: frames, one a message.
//!
//! A frame is, in this order:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | how long the body is, in bytes, big endian |
//! | 1 | the version of the format: 1 |
//! | 4 | the CRC-32C of all the others, big endian |
//! | … | the body: the message in the [postcard](https://postcard.jamesmunns.com) format |
//!
//! Reading is total: any bytes are a message, or an error that names the place; and what a length
//! announces is not believed until it is there.
//!
//! A frame is the machines' own format, no broker's real protocol. That one would end at the same
//! [`Message`]s: a gateway reads it in [`Node::input`](crate::node::Node::input).
//!
//! ```
//! use postulate::blob::Blobs;
//! use postulate::id::{MessageId, NodeId, PartitionId};
//! use postulate::model::message::{Acks, Entry, Identity, Message, Produce};
//! use postulate::model::wire;
//! use postulate::profile::Framing;
//!
//! let mut blobs = Blobs::default();
//! let entry = Entry::new(MessageId::new(NodeId(1), 7), 3, blobs.put(b"a body"));
//! let produce = Produce { entry, identity: Identity::None };
//! let message = Message::Produce { partition: PartitionId(0), acks: Acks::All, produce };
//! let mut frame = wire::encode(&message, &blobs)?;
//! assert_eq!(wire::decode(&frame, Framing::Checked, &mut blobs).as_ref(), Ok(&message));
//! frame[12] ^= 1;
//! let error = wire::decode(&frame, Framing::Checked, &mut blobs).unwrap_err();
//! assert!(error.to_string().starts_with("byte 5: the checksum is"), "{error}");
//! # Ok::<(), wire::NoFrame>(())
//! ```

use super::message::Message;
use crate::blob::Blobs;
use crate::choice::Flips;
use crate::node::Garbled;
use crate::profile::Framing;
pub use frames::Frames;
use sketch::Sketch;

mod frames;
mod sketch;

/// The version of the format.
pub const VERSION: u8 = 1;

/// How many bytes stand before the body.
pub const HEADER: usize = 9;

/// The most bytes of a body: as many as Kafka takes by default (`socket.request.max.bytes`).
pub const BODY_MAX: usize = 100 << 20;

const VERSION_AT: usize = 4;
const CHECKSUM_AT: usize = 5;

/// Why a message has no frame.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFrame {
    /// It is of a user's own type.
    #[error("only messages of the built-in machines have a frame")]
    Custom,
    /// It is longer than [`BODY_MAX`].
    #[error("the body would have {0} bytes, and may have {BODY_MAX}")]
    TooLong(usize),
}

/// What is wrong with bytes that should be a frame, and where: the place counts from the first of
/// the bytes that were handed over.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {flaw}")]
pub struct FrameError {
    /// The place of the byte at which it shows.
    pub at: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with a frame.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// There are other bytes than one frame.
    #[error("the frame should have {stated} bytes, and there are {there}")]
    Length {
        /// How many it should have.
        stated: u64,
        /// How many there are.
        there: u64,
    },
    /// The body is said to be longer than any.
    #[error("the length of the body is {0}, and at most {BODY_MAX}")]
    TooLong(u32),
    /// It is of another format.
    #[error("the version is {0}, and should be {VERSION}")]
    Version(u8),
    /// Bits were flipped.
    #[error("the checksum is {stated:08x}, and should be {right:08x}")]
    Checksum {
        /// What it is.
        stated: u32,
        /// What it is of the bytes that are there.
        right: u32,
    },
    /// The body ends in the middle of a value.
    #[error("the body ends where a value should go on")]
    Ends,
    /// The value is none of its kind.
    #[error("there should be {0}")]
    Value(&'static str),
    /// The message ends before the body does.
    #[error("the message is over, and {0} more bytes come")]
    Left(u64),
}

/// The frame of a message.
///
/// # Errors
/// If it has none.
///
/// # Panics
/// Never: a vector takes all bytes, and every list knows its length.
pub fn encode(message: &Message, blobs: &Blobs) -> Result<Vec<u8>, NoFrame> {
    let sketch = Sketch::of(message, blobs).ok_or(NoFrame::Custom)?;
    let frame = postcard::to_extend(&sketch, vec![0; HEADER]);
    sealed(frame.expect("a vector takes all bytes, and every list knows its length"))
}

/// The message of a frame; its bodies go to `blobs`. Unless the frame is [checked](Framing), its
/// checksum is not looked at.
///
/// # Errors
/// If `bytes` are anything but one frame.
pub fn decode(bytes: &[u8], framing: Framing, blobs: &mut Blobs) -> Result<Message, FrameError> {
    let there = bytes.len() as u64;
    let short = |stated: usize| {
        let stated = stated as u64;
        FrameError { at: there.min(stated), flaw: Flaw::Length { stated, there } }
    };
    let stated = frame_length(bytes)?.ok_or_else(|| short(HEADER))?;
    if stated != bytes.len() {
        return Err(short(stated));
    }
    let (head, body) = bytes.split_at(HEADER);
    if framing == Framing::Checked {
        check(head, body)?;
    }
    read(body, blobs).map_err(|error| error.behind(HEADER as u64))
}

/// Flips bits of the frame of a message, which becomes what is read of it.
pub(super) fn garble(
    message: &mut Message,
    bits: Flips,
    framing: Framing,
    blobs: &mut Blobs,
) -> Option<Garbled> {
    let mut frame = encode(message, blobs).ok()?;
    let bits = bits.within(frame.len() as u32 * 8);
    bits.bits().for_each(|bit| frame[bit as usize / 8] ^= 1 << (bit % 8));
    let read = match decode(&frame, framing, blobs) {
        Ok(read) => {
            let is_other = read != *message;
            *message = read;
            Ok(is_other)
        }
        Err(error) => Err(error.to_string()),
    };
    Some(Garbled { bits, length: frame.len() as u32, read })
}

/// Writes the header of a frame whose body is there.
fn sealed(mut frame: Vec<u8>) -> Result<Vec<u8>, NoFrame> {
    let length = frame.len() - HEADER;
    if length > BODY_MAX {
        return Err(NoFrame::TooLong(length));
    }
    frame[..VERSION_AT].copy_from_slice(&(length as u32).to_be_bytes());
    frame[VERSION_AT] = VERSION;
    let checksum = checksum(&frame[..HEADER], &frame[HEADER..]);
    frame[CHECKSUM_AT..HEADER].copy_from_slice(&checksum.to_be_bytes());
    Ok(frame)
}

/// How many bytes the frame has that begins with `bytes`, or none while that is not known.
fn frame_length(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    let Some((length, rest)) = bytes.split_first_chunk::<VERSION_AT>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length);
    if length as usize > BODY_MAX {
        return Err(FrameError { at: 0, flaw: Flaw::TooLong(length) });
    }
    match rest.first() {
        Some(&VERSION) | None => {}
        Some(&other) => {
            return Err(FrameError { at: VERSION_AT as u64, flaw: Flaw::Version(other) });
        }
    }
    Ok((bytes.len() >= HEADER).then_some(HEADER + length as usize))
}

fn check(head: &[u8], body: &[u8]) -> Result<(), FrameError> {
    let stated = head[CHECKSUM_AT..].iter().fold(0, |word, &byte| word << 8 | u32::from(byte));
    let right = checksum(head, body);
    if stated == right {
        Ok(())
    } else {
        Err(FrameError { at: CHECKSUM_AT as u64, flaw: Flaw::Checksum { stated, right } })
    }
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&head[..CHECKSUM_AT]), body)
}

fn read(body: &[u8], blobs: &mut Blobs) -> Result<Message, FrameError> {
    let mut deserializer = postcard::Deserializer::from_bytes(body);
    let sketch = serde::Deserialize::deserialize(&mut deserializer);
    let left = deserializer.finalize().map_or(0, <[u8]>::len);
    let at = (body.len() - left) as u64;
    let sketch: Sketch<'_> = sketch.map_err(|error| FrameError { at, flaw: Flaw::of(&error) })?;
    if left > 0 {
        return Err(FrameError { at, flaw: Flaw::Left(left as u64) });
    }
    Ok(sketch.fill_in(blobs))
}

impl FrameError {
    /// The same, of bytes that come after `many` others.
    fn behind(self, many: u64) -> Self {
        Self { at: self.at + many, ..self }
    }
}

impl Flaw {
    fn of(error: &postcard::Error) -> Self {
        use postcard::Error;
        match error {
            Error::DeserializeUnexpectedEnd => Self::Ends,
            Error::DeserializeBadVarint => Self::Value("a number that is not too great"),
            Error::DeserializeBadBool => Self::Value("a yes or no: 1 or 0"),
            Error::DeserializeBadOption => Self::Value("a something or nothing: 1 or 0"),
            _ => Self::Value("the number of a kind that there is"),
        }
    }
}

#[cfg(test)]
mod tests;
