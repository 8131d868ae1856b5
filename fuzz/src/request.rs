//! Any bytes as what comes over a connection: as one frame, as a stream of frames, and as the
//! requests and answers of a stranger to a machine of a scenario that is at work.

use crate::stage::Stage;
use postulate::blob::Blobs;
use postulate::digest::Digest;
use postulate::id::{NodeId, TimerId};
use postulate::model::Record as Stored;
use postulate::model::message::Message as Wire;
use postulate::model::wire::{self, Frames};
use postulate::node::{Context, Node, Work};
use postulate::profile::Framing;
use postulate::scenario::{Expect, catalogue};
use postulate::schedule::Schedule;
use postulate::time::Span;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How the machine and the scenario are chosen: the bytes of an input that are no frame.
pub const HEAD: usize = 3;

/// After how many events a run ends.
const EVENTS_MAX: u64 = 20_000;

/// How long the stranger waits before it sends more.
const PAUSE: Span = Span::millis(5);

/// What the stranger is to send, and to whom.
type Script = (u16, Vec<u8>);

thread_local! {
    static STAGES: RefCell<BTreeMap<usize, Stage<Script>>> =
        const { RefCell::new(BTreeMap::new()) };
}

/// Reads `bytes` after the [`HEAD`] as frames, in every way, and sends what can be read to a
/// machine.
///
/// # Panics
/// If a reader or a machine does, if a message does not come back from its frame, or if a stream
/// that is cut otherwise gives other messages.
pub fn try_out(bytes: &[u8]) {
    let Some((&[scenario, machine, size], frames)) = bytes.split_first_chunk::<HEAD>() else {
        return;
    };
    for framing in [Framing::Checked, Framing::Unchecked] {
        one_frame(frames, framing);
        let whole = stream(frames, frames.len(), framing);
        assert_eq!(whole, stream(frames, usize::from(size), framing), "in chunks of {size}");
    }
    to_a_machine(scenario.into(), machine.into(), frames);
}

/// What is read is written and read again.
fn one_frame(bytes: &[u8], framing: Framing) {
    let mut blobs = Blobs::default();
    if let Ok(message) = wire::decode(bytes, framing, &mut blobs) {
        let frame = wire::encode(&message, &blobs).expect("it was short enough to be read");
        let again = wire::decode(&frame, Framing::Checked, &mut blobs);
        assert_eq!(again.as_ref(), Ok(&message));
    }
}

/// The messages of a stream that comes in chunks, in words, and what ends it.
fn stream(bytes: &[u8], size: usize, framing: Framing) -> Vec<String> {
    let mut blobs = Blobs::default();
    let mut frames = Frames::new(framing);
    let mut told = Vec::new();
    for chunk in bytes.chunks(size.max(1)) {
        frames.push(chunk);
        while let Some(read) = frames.take(&mut blobs) {
            told.push(format!("{read:?}"));
        }
        assert!(frames.held() <= bytes.len());
    }
    told
}

fn to_a_machine(scenario: usize, machine: usize, frames: &[u8]) {
    let right = catalogue()
        .iter()
        .filter(|it| it.scenario().is_ok_and(|scenario| scenario.expect != Expect::Violated));
    let place = scenario % right.clone().count();
    STAGES.with_borrow_mut(|stages| {
        let stage = stages.entry(place).or_insert_with(|| {
            let listed = right.clone().nth(place).expect("it is one of them");
            Stage::of(listed, |(to, bytes): Script, _| {
                let mut frames = Frames::new(Framing::Unchecked);
                frames.push(&bytes);
                Box::new(Stranger { to: NodeId(to), frames })
            })
        });
        let node = (machine % stage.others()) as u16;
        let schedule = Schedule { events_max: Some(EVENTS_MAX), ..Schedule::quiet() };
        stage.run(&(node, frames.to_vec()), &schedule);
    });
}

/// Sends a message after the other, and hears nothing.
#[derive(Debug)]
struct Stranger {
    to: NodeId,
    frames: Frames,
}

type Ctx<'a> = Context<'a, Wire, Stored>;

impl Node for Stranger {
    type Message = Wire;
    type Record = Stored;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        ctx.set_timer(TimerId(0), PAUSE, Work::Progress);
    }

    fn wake(&mut self, _: TimerId, ctx: &mut Ctx<'_>) {
        match self.frames.take(ctx.blobs()) {
            Some(Ok(message)) => {
                ctx.send(self.to, message);
                ctx.set_timer(TimerId(0), PAUSE, Work::Progress);
            }
            Some(Err(_)) => ctx.disconnect(self.to),
            None => {}
        }
    }

    fn deliver(&mut self, _: NodeId, _: Wire, _: &mut Ctx<'_>) {}

    fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.to.0.into()).word(self.frames.place());
    }
}
