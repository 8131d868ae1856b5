//! The open variants: a user's own messages, records and nodes beside the built-in ones.

use super::{Message, Record};
use crate::blob::Blobs;
use crate::digest::Digest;
use crate::history::Effect;
use crate::node;
use std::any::Any;
use std::fmt;

/// A user's own node, beside the built-in machines.
pub type CustomNode = Box<dyn node::Node<Message = Message, Record = Record>>;

/// What a disk holds of a user's own.
pub trait OwnRecord: node::Record {
    /// The effects that the record means once it is durable.
    fn effects(&self, _effects: &mut Vec<Effect>) {}
}

/// A message of a user's own: any type that is a [`Message`](node::Message) by itself.
pub struct CustomMessage(Box<dyn AnyMessage>);

/// A record of a user's own: any type that is an [`OwnRecord`].
pub struct CustomRecord(Box<dyn AnyRecord>);

impl CustomMessage {
    pub(super) fn new<M: node::Message + PartialEq>(message: M) -> Self {
        Self(Box::new(message))
    }

    /// The message, if it is of type `M`.
    pub fn get<M: node::Message>(&self) -> Option<&M> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    pub(super) fn kind(&self) -> u8 {
        self.0.dyn_kind()
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.0.dyn_fingerprint(digest);
    }

    pub(super) fn size(&self) -> u32 {
        self.0.dyn_size()
    }

    pub(super) fn corrupt(&mut self, bit: u64, blobs: &mut Blobs) -> bool {
        self.0.dyn_corrupt(bit, blobs)
    }
}

impl CustomRecord {
    pub(super) fn new<R: OwnRecord + PartialEq>(record: R) -> Self {
        Self(Box::new(record))
    }

    /// The record, if it is of type `R`.
    pub fn get<R: OwnRecord>(&self) -> Option<&R> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.0.dyn_fingerprint(digest);
    }

    pub(super) fn effects(&self, effects: &mut Vec<Effect>) {
        self.0.dyn_effects(effects);
    }
}

/// The object-safe half of [`node::Message`].
trait AnyMessage: Any + fmt::Debug + Send {
    fn dyn_kind(&self) -> u8;
    fn dyn_fingerprint(&self, digest: &mut Digest);
    fn dyn_size(&self) -> u32;
    fn dyn_corrupt(&mut self, bit: u64, blobs: &mut Blobs) -> bool;
    fn boxed(&self) -> Box<dyn AnyMessage>;
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<M: node::Message + PartialEq> AnyMessage for M {
    fn dyn_kind(&self) -> u8 {
        node::Message::kind(self)
    }

    fn dyn_fingerprint(&self, digest: &mut Digest) {
        node::Message::fingerprint(self, digest);
    }

    fn dyn_size(&self) -> u32 {
        node::Message::size(self)
    }

    fn dyn_corrupt(&mut self, bit: u64, blobs: &mut Blobs) -> bool {
        node::Message::corrupt(self, bit, blobs)
    }

    fn boxed(&self) -> Box<dyn AnyMessage> {
        Box::new(self.clone())
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<M>() == Some(self)
    }
}

/// The object-safe half of [`OwnRecord`].
trait AnyRecord: Any + fmt::Debug + Send {
    fn dyn_fingerprint(&self, digest: &mut Digest);
    fn dyn_effects(&self, effects: &mut Vec<Effect>);
    fn boxed(&self) -> Box<dyn AnyRecord>;
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<R: OwnRecord + PartialEq> AnyRecord for R {
    fn dyn_fingerprint(&self, digest: &mut Digest) {
        node::Record::fingerprint(self, digest);
    }

    fn dyn_effects(&self, effects: &mut Vec<Effect>) {
        OwnRecord::effects(self, effects);
    }

    fn boxed(&self) -> Box<dyn AnyRecord> {
        Box::new(self.clone())
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<R>() == Some(self)
    }
}

macro_rules! like_a_value {
    ($name:ident) => {
        impl Clone for $name {
            fn clone(&self) -> Self {
                Self(self.0.boxed())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.equals(&*other.0)
            }
        }

        impl Eq for $name {}
    };
}

like_a_value!(CustomMessage);
like_a_value!(CustomRecord);

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::id::{MessageId, SinkId};
    use crate::node::Message as _;

    #[derive(Clone, Debug, PartialEq)]
    pub(in crate::model) struct Ping(pub(in crate::model) u64);

    impl node::Message for Ping {
        fn kind(&self) -> u8 {
            2
        }

        fn kind_name(_kind: u8) -> &'static str {
            "Ping"
        }

        fn fingerprint(&self, digest: &mut Digest) {
            digest.word(self.0);
        }

        fn corrupt(&mut self, bit: u64, _blobs: &mut Blobs) -> bool {
            self.0 ^= 1 << (bit % 64);
            true
        }
    }

    #[derive(Clone, Debug, PartialEq)]
    struct Note(u64);

    impl node::Record for Note {
        fn fingerprint(&self, digest: &mut Digest) {
            digest.word(self.0);
        }
    }

    impl OwnRecord for Note {
        fn effects(&self, effects: &mut Vec<Effect>) {
            let message = MessageId::from_word(self.0);
            effects.push(Effect { message, sink: SinkId(9), payload: 1 });
        }
    }

    #[test]
    fn an_own_message_travels_like_a_built_in_one() {
        let mut message = Message::custom(Ping(1));
        let copy = message.clone();
        assert!(message.corrupt(1, &mut Blobs::default()));
        assert_eq!((message.as_custom(), copy.as_custom()), (Some(&Ping(3)), Some(&Ping(1))));
        assert_eq!(Message::kind_name(message.kind()), "Custom");
        let digest = |message: &Message| {
            let mut digest = Digest::new();
            message.fingerprint(&mut digest);
            digest.value()
        };
        assert_ne!(digest(&message), digest(&copy));
    }

    #[test]
    fn an_own_record_means_its_own_effects() {
        let record = Record::custom(Note(7));
        let mut effects = Vec::new();
        record.effects(&mut effects);
        assert_eq!(effects[0].message, MessageId::from_word(7));
        assert_eq!(record.as_custom::<Note>(), Some(&Note(7)));
    }
}
