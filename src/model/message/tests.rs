use super::*;
use crate::id::NodeId;
use crate::node::Message as _;

fn digest(message: &Message) -> u64 {
    let mut digest = Digest::new();
    message.fingerprint(&mut digest);
    digest.value()
}

/// Messages that all differ.
pub(in crate::model) fn variants(blobs: &mut Blobs) -> Vec<Message> {
    let mut all = log_variants(blobs);
    all.extend(database::variants().into_iter().map(Message::Database));
    all.extend(external::variants().into_iter().map(Message::External));
    let entry = Entry::new(MessageId::new(NodeId(1), 1), 5, blobs.put(b"one"));
    all.extend(queue::variants(entry).into_iter().map(Message::Queue));
    all.extend(half::variants(entry).into_iter().map(Message::Half));
    all
}

fn log_variants(blobs: &mut Blobs) -> Vec<Message> {
    let mut all = Vec::new();
    let (one, two) = (blobs.put(b"one"), blobs.put(b"two"));
    let id = |number| MessageId::new(NodeId(1), number);
    let entry = Entry::new(id(1), 5, one);
    let name = |producer, epoch, sequence| {
        Identity::Batch(BatchId { producer: ProducerId(producer), epoch, sequence })
    };
    let entries = [
        entry,
        Entry { message: id(2), ..entry },
        Entry { key: 6, ..entry },
        Entry { body: two, ..entry },
        Entry { checksum: 0, ..entry },
    ];
    for partition in [PartitionId(0), PartitionId(1)] {
        let produce = |acks, entry, identity| Message::Produce {
            partition,
            acks,
            produce: Produce { entry, identity },
        };
        all.extend(entries.map(|entry| produce(Acks::All, entry, Identity::None)));
        let names = [name(0, 0, 0), name(1, 0, 0), name(0, 1, 0), name(0, 0, 1)];
        let names = names.into_iter().chain([0, 1].map(Identity::Message));
        all.extend(names.map(|identity| produce(Acks::All, entry, identity)));
        all.extend([Acks::Leader, Acks::None].map(|acks| produce(acks, entry, Identity::None)));
        for request in [0, 1] {
            for offset in [0, 1] {
                let (group, batch) = (GroupId(offset as u16), 1 + offset as u16);
                let wait_max = Span::nanos_of(offset);
                all.push(Message::Fetch { request, partition, offset, batch: 1, wait_max });
                let wait_max = Span::millis(1);
                all.push(Message::Fetch { request, partition, offset, batch, wait_max });
                all.push(Message::Commit {
                    request: (request == 1).then_some(offset),
                    group,
                    partition,
                    offset: request,
                });
                all.push(Message::OffsetFetched { request, partition, offset });
                all.push(Message::OffsetFetch { request, group, partition });
                let mut readings = vec![Reading::Closed];
                readings.extend([0, 1].map(|start| Reading::OutOfRange { start }));
                readings.extend(entries.map(|entry| Reading::Entries(vec![entry])));
                readings.push(Reading::Entries(vec![]));
                readings.push(Reading::Entries(entries[..2].to_vec()));
                all.extend(readings.into_iter().map(|reading| Message::Fetched {
                    request,
                    partition,
                    base: offset,
                    reading,
                }));
            }
            all.push(Message::Committed { request, partition });
        }
        all.extend([id(1), id(2)].into_iter().flat_map(|id| answers(id, partition)));
    }
    all
}

fn answers(message: MessageId, partition: PartitionId) -> impl Iterator<Item = Message> {
    let verdicts = [
        Verdict::Stored { offset: 0 },
        Verdict::Stored { offset: 1 },
        Verdict::Refused(Refusal::OutOfOrder),
        Verdict::Refused(Refusal::Closed),
        Verdict::Refused(Refusal::Undecided),
        Verdict::Duplicate,
    ];
    verdicts.into_iter().map(move |verdict| Message::Produced { message, partition, verdict })
}

#[test]
fn kinds_have_names_of_their_own() {
    let mut blobs = Blobs::default();
    let kinds: std::collections::BTreeSet<(u8, &str)> = variants(&mut blobs)
        .iter()
        .map(|message| (message.kind(), Message::kind_name(message.kind())))
        .collect();
    let kinds: Vec<_> = kinds.into_iter().collect();
    let named = (0..).zip(&KINDS[..KINDS.len() - 1]).map(|(kind, &name)| (kind, name));
    assert_eq!(kinds, named.collect::<Vec<(u8, &str)>>());
}

#[test]
fn messages_that_differ_in_any_field_have_other_fingerprints() {
    let all = variants(&mut Blobs::default());
    for (n, one) in all.iter().enumerate() {
        for other in &all[..n] {
            assert_ne!(digest(one), digest(other), "{one:?}\n{other:?}");
        }
    }
}

#[test]
fn a_flipped_body_no_longer_matches_its_checksum() {
    let mut blobs = Blobs::default();
    for mut message in variants(&mut blobs) {
        let before = digest(&message);
        assert_eq!(message.corrupt(7, &mut blobs), before != digest(&message));
        if let Message::Produce { produce: Produce { entry, .. }, .. } = message {
            assert!(!entry.is_sound());
        }
    }
}

#[test]
fn messages_stay_small() {
    assert!(size_of::<Message>() <= 64, "{} bytes", size_of::<Message>());
}
