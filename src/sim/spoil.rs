//! Messages that go bad on their way, and frames that their receivers refuse.

use super::connections::Via;
use super::machine::{Happening, What};
use super::network::Damage;
use super::race::Origin;
use super::world::World;
use crate::choice::{Choice, Flips, Key};
use crate::id::NodeId;
use crate::node::{Garbled, Message, Node, Parcel, System};
use crate::profile::{FaultClass, Framing};
use crate::time::{Instant, Span};

/// Whether the receiver takes what comes to it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Taken,
    Refused,
}

impl<S: System> World<S> {
    /// Something of the message in `parcel` is flipped, and it is so late.
    #[cold]
    pub(super) fn spoil(
        &mut self,
        key: Key,
        link: (NodeId, NodeId),
        parcel: Parcel,
        (damage, late): (Damage, Span),
    ) -> Reading {
        if let Some(chronicler) = &mut self.chronicler {
            chronicler.flip(parcel);
        }
        if let Some(framing) = self.system.profile().framing {
            let bits = match damage {
                Damage::Drawn(draw) => Flips::drawn(draw),
                Damage::Bit(bit) => Flips::one(bit as u32),
                Damage::Bits(bits) => bits,
            };
            if let Some(garbled) = self.garble(link, parcel, bits, framing) {
                self.desk.decider.took(key, Choice::Garbled { bits: garbled.bits, late });
                if garbled.read != Ok(false) {
                    self.desk.coverage.bite(FaultClass::Corrupt);
                }
                return if garbled.read.is_ok() { Reading::Taken } else { Reading::Refused };
            }
        }
        let bit = match damage {
            Damage::Drawn(bit) | Damage::Bit(bit) => bit,
            Damage::Bits(bits) => u64::from(bits.first()),
        };
        self.desk.decider.took(key, Choice::Corrupted { bit, late });
        let desk = &mut self.desk;
        if desk.parcels.get_mut(parcel).corrupt(bit, &mut desk.blobs) {
            desk.coverage.bite(FaultClass::Corrupt);
        }
        Reading::Taken
    }

    fn garble(
        &mut self,
        (from, to): (NodeId, NodeId),
        parcel: Parcel,
        bits: Flips,
        framing: Framing,
    ) -> Option<Garbled> {
        let is_told = self.trace.is_some();
        let desk = &mut self.desk;
        let message = desk.parcels.get_mut(parcel);
        let sent = is_told.then(|| format!("{message:?}"));
        let garbled = message.garble(bits, framing, &mut desk.blobs)?;
        if let Some(sent) = sent {
            let read = match &garbled.read {
                Ok(true) => format!("it will be read as {message:?}"),
                Ok(false) => "it will be read as it is".to_owned(),
                Err(why) => format!("it will be refused ({why})"),
            };
            let Garbled { bits, length, .. } = garbled;
            self.tell(Some(from), |world| {
                let to = world.machine_name(to);
                format!("{sent} to {to} goes bad, {bits} of its frame of {length} bytes: {read}")
            });
        }
        Some(garbled)
    }

    /// Schedules the arrival of a message that has gone bad.
    #[cold]
    pub(super) fn post_spoilt(
        &mut self,
        at: Instant,
        (from, to): (NodeId, NodeId),
        (via, parcel): (Via, Parcel),
        reading: Reading,
        origin: Origin,
    ) {
        match reading {
            Reading::Taken => self.post(at, (from, to), via, parcel, || origin),
            Reading::Refused => {
                let what = What::Refused { from, via, parcel };
                self.enqueue(at, Happening { node: to, work: self.work, what }, || origin);
            }
        }
    }

    /// A frame comes that its receiver does not read: it drops a datagram; a stream cannot be read
    /// on, and it closes the connection. Returns whether the machine's program has heard of it.
    ///
    /// A length that grew within bounds would make a receiver wait for bytes of the next frames,
    /// and refuse them all then: it refuses at once here.
    #[cold]
    pub(super) fn refuse(
        &mut self,
        node: NodeId,
        (from, via): (NodeId, Via),
        parcel: Parcel,
    ) -> bool {
        let is_datagram = via == Via::DATAGRAM;
        let is_open = is_datagram || self.connections.accept(via, node, self.now);
        let end = if is_open {
            "comes in a frame that is refused"
        } else {
            "comes over a connection that is gone"
        };
        self.note_dead_letter(node, parcel, end);
        drop(self.desk.parcels.take(parcel));
        if !is_open {
            return false;
        }
        self.digest.word(0x900 | u64::from(from.0) << 16);
        self.tell(Some(node), |world| {
            let from = world.machine_name(from);
            let then = if is_datagram { "drops it" } else { "closes the connection" };
            format!("refuses a frame from {from} and {then}")
        });
        if is_datagram {
            return false;
        }
        let cause = self.note_newest();
        self.close_connection(via, node, self.work);
        self.call(node, |program, ctx| program.disconnected(from, ctx));
        self.note_cause(cause);
        true
    }
}
