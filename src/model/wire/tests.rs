use super::*;
use crate::blob::Blobs;
use crate::id::PartitionId;
use crate::model::message::tests::variants;

const FRAMINGS: [Framing; 2] = [Framing::Checked, Framing::Unchecked];

fn small() -> (Message, Vec<u8>) {
    let message = Message::Committed { request: 300, partition: PartitionId(2) };
    let frame = encode(&message, &Blobs::default()).unwrap();
    (message, frame)
}

#[test]
fn every_message_comes_back_from_its_frame() {
    let mut blobs = Blobs::default();
    for message in variants(&mut blobs) {
        let frame = encode(&message, &blobs).unwrap();
        for framing in FRAMINGS {
            let again = decode(&frame, framing, &mut blobs);
            assert_eq!(again.as_ref(), Ok(&message), "{frame:02x?}");
            assert_eq!(encode(&again.unwrap(), &blobs).as_deref(), Ok(&*frame));
        }
    }
}

#[test]
fn the_bodies_of_a_message_travel_with_it() {
    let mut blobs = Blobs::default();
    for message in variants(&mut blobs) {
        let Message::Produce { produce, .. } = &message else { continue };
        let frame = encode(&message, &blobs).unwrap();
        let mut elsewhere = Blobs::default();
        let Ok(Message::Produce { produce: came, .. }) =
            decode(&frame, Framing::Checked, &mut elsewhere)
        else {
            panic!("it is no request");
        };
        assert_eq!(elsewhere.get(came.entry.body), blobs.get(produce.entry.body));
    }
}

#[test]
fn a_message_of_a_users_own_has_no_frame() {
    let message = Message::custom(crate::model::custom::tests::Ping(1));
    assert_eq!(encode(&message, &Blobs::default()), Err(NoFrame::Custom));
}

#[test]
fn a_frame_that_is_cut_off_or_goes_on_is_refused_where_it_ends() {
    let (_, frame) = small();
    for framing in FRAMINGS {
        for there in 0..frame.len() {
            let error = decode(&frame[..there], framing, &mut Blobs::default()).unwrap_err();
            assert_eq!(error.at, there as u64);
            assert!(matches!(error.flaw, Flaw::Length { .. }), "{error}");
        }
        let long = [&*frame, &[0]].concat();
        let error = decode(&long, framing, &mut Blobs::default()).unwrap_err();
        assert_eq!(error.to_string(), "byte 13: the frame should have 13 bytes, and there are 14");
    }
}

#[test]
fn up_to_three_flipped_bits_are_refused_by_the_checksum() {
    let (_, frame) = small();
    let bits = frame.len() * 8;
    let flip = |frame: &mut [u8], bit: usize| frame[bit / 8] ^= 1 << (bit % 8);
    for one in 0..bits {
        for two in one..bits {
            for three in [two, (two + 1) % bits, (one * 31 + two * 7) % bits] {
                let mut flipped = frame.clone();
                for bit in [one, two, three] {
                    flip(&mut flipped, bit);
                }
                if flipped != frame {
                    decode(&flipped, Framing::Checked, &mut Blobs::default()).unwrap_err();
                }
            }
        }
    }
}

#[test]
fn errors_name_the_place_and_what_should_be_there() {
    let (_, frame) = small();
    let check = |at: usize, byte: u8, expected: &str| {
        let mut frame = frame.clone();
        frame[at] = byte;
        let error = decode(&frame, Framing::Unchecked, &mut Blobs::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(0, 0xff, "byte 0: the length of the body is 4278190084, and at most 104857600");
    check(3, 5, "byte 13: the frame should have 14 bytes, and there are 13");
    check(4, 2, "byte 4: the version is 2, and should be 1");
    check(9, 77, "byte 10: there should be the number of a kind that there is");
    check(11, 0xff, "byte 13: the body ends where a value should go on");
}

#[test]
fn a_body_that_is_no_message_is_refused_where_it_goes_wrong() {
    let kind = small().1[HEADER];
    let check = |body: &[u8], expected: &str| {
        let frame = sealed([&[0; HEADER], body].concat()).unwrap();
        let error = decode(&frame, Framing::Checked, &mut Blobs::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(&[], "byte 9: the body ends where a value should go on");
    check(&[kind, 0, 0xff, 0xff, 0x7f], "byte 14: there should be a number that is not too great");
    check(&[kind, 0, 0, 0], "byte 12: the message is over, and 1 more bytes come");
}

#[test]
fn a_stream_gives_the_same_messages_however_it_is_cut() {
    let mut blobs = Blobs::default();
    let messages: Vec<_> = variants(&mut blobs).into_iter().step_by(37).collect();
    let frames = messages.iter().map(|message| encode(message, &blobs).unwrap());
    let stream = frames.collect::<Vec<_>>().concat();
    for size in [1, 2, 3, HEADER, 64, stream.len()] {
        let mut frames = Frames::new(Framing::Checked);
        let mut came = Vec::new();
        for chunk in stream.chunks(size) {
            frames.push(chunk);
            while let Some(message) = frames.take(&mut blobs) {
                came.push(message.unwrap());
            }
        }
        assert_eq!(came, messages);
        assert_eq!((frames.place(), frames.held()), (stream.len() as u64, 0));
    }
}

#[test]
fn a_stream_is_lost_with_the_first_bad_frame_and_holds_nothing_more() {
    let (message, frame) = small();
    let mut blobs = Blobs::default();
    let mut bad = frame.clone();
    bad[11] ^= 1;
    let mut frames = Frames::new(Framing::Checked);
    frames.push(&[&*frame, &*bad, &*frame].concat());
    assert_eq!(frames.take(&mut blobs), Some(Ok(message)));
    let error = frames.take(&mut blobs).unwrap().unwrap_err();
    assert_eq!(error.at, frame.len() as u64 + CHECKSUM_AT as u64);
    assert_eq!(frames.error(), Some(error));
    assert_eq!(frames.take(&mut blobs), None);
    frames.push(&frame);
    assert_eq!((frames.take(&mut blobs), frames.held()), (None, 0));
}

#[test]
fn a_length_that_lies_is_refused_before_its_bytes_come() {
    let mut frames = Frames::new(Framing::Checked);
    frames.push(&u32::MAX.to_be_bytes());
    let error = frames.take(&mut Blobs::default()).unwrap().unwrap_err();
    assert_eq!(error.flaw, Flaw::TooLong(u32::MAX));
}
