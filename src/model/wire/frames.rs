//! Frames out of a stream of bytes.

use super::{FrameError, HEADER, check, frame_length, read};
use crate::blob::Blobs;
use crate::model::message::Message;
use crate::profile::Framing;

/// The frames of one direction of a connection, whose bytes come in chunks of any size.
///
/// A stream is not found again once it is lost: after the first error nothing more is read, and
/// whoever serves the connection closes it. It holds the bytes of frames that are not yet whole,
/// no more.
///
/// ```
/// use postulate::blob::Blobs;
/// use postulate::id::PartitionId;
/// use postulate::model::message::Message;
/// use postulate::model::wire::{self, Frames};
/// use postulate::profile::Framing;
///
/// let mut blobs = Blobs::default();
/// let message = Message::Committed { request: 7, partition: PartitionId(0) };
/// let frame = wire::encode(&message, &blobs)?;
/// let mut frames = Frames::new(Framing::Checked);
/// frames.push(&frame[..5]);
/// assert_eq!(frames.take(&mut blobs), None);
/// frames.push(&frame[5..]);
/// assert_eq!(frames.take(&mut blobs), Some(Ok(message)));
/// # Ok::<(), wire::NoFrame>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frames {
    framing: Framing,
    held: Vec<u8>,
    /// How many of the bytes held were read.
    taken: usize,
    /// How many bytes were read and are held no more.
    gone: u64,
    error: Option<FrameError>,
}

impl Frames {
    /// A stream of which nothing has come.
    pub const fn new(framing: Framing) -> Self {
        Self { framing, held: Vec::new(), taken: 0, gone: 0, error: None }
    }

    /// More bytes have come. After an error they are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.held.drain(..self.taken);
        self.gone += self.taken as u64;
        self.taken = 0;
        self.held.extend_from_slice(bytes);
    }

    /// The next message, if its frame is whole; its bodies go to `blobs`. An error is given once,
    /// with its place in the stream.
    pub fn take(&mut self, blobs: &mut Blobs) -> Option<Result<Message, FrameError>> {
        if self.error.is_some() {
            return None;
        }
        let place = self.place();
        let taken = self.read(blobs).map_err(|error| error.behind(place)).transpose()?;
        if let Err(error) = taken {
            self.error = Some(error);
            self.held = Vec::new();
            self.taken = 0;
        }
        Some(taken)
    }

    /// How many bytes were read as frames.
    pub const fn place(&self) -> u64 {
        self.gone + self.taken as u64
    }

    /// How many bytes are held that are no whole frame yet, or were not asked for.
    pub fn held(&self) -> usize {
        self.held.len() - self.taken
    }

    /// What was wrong, if the stream is lost.
    pub const fn error(&self) -> Option<FrameError> {
        self.error
    }

    fn read(&mut self, blobs: &mut Blobs) -> Result<Option<Message>, FrameError> {
        let bytes = &self.held[self.taken..];
        let Some(length) = frame_length(bytes)?.filter(|&length| length <= bytes.len()) else {
            return Ok(None);
        };
        let (head, body) = bytes[..length].split_at(HEADER);
        if self.framing == Framing::Checked {
            check(head, body)?;
        }
        let message = read(body, blobs).map_err(|error| error.behind(HEADER as u64))?;
        self.taken += length;
        Ok(Some(message))
    }
}
