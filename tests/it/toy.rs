//! A small system of the tests' own: clients that retry, a server that deduplicates by its disk.

use postulate::check::Promise;
use postulate::digest::Digest;
use postulate::history::{Effect, Event};
use postulate::id::{FileId, MessageId, NodeId, PartitionId, SinkId, SiteId, Ticket, TimerId};
use postulate::journal::Journals;
use postulate::node::{
    Context, DiskError, Machine, Message, Node, Planned, Record, Seat, System, Work,
};
use postulate::profile::{Envelope, FaultClass, Profile, Transport};
use postulate::time::Span;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

pub const SERVER: NodeId = NodeId(0);
const LOG: FileId = FileId(0);
const RETRY: TimerId = TimerId(0);

/// What a toy is to do wrong, or otherwise than the others.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Quirk {
    None,
    /// Every message is appended, met before or not.
    NoDedup,
    /// The server acknowledges before the sync.
    AckBeforeSync,
    /// The payload of message 3 differs in one byte.
    OtherPayload,
    /// Retries come a little later.
    OtherTimer,
    /// One record on disk differs, though not in what it means.
    OtherRecord,
    /// A counter that is never sent differs.
    OtherState,
    /// The server panics at the third message it has not met.
    Panics,
    /// The server never answers.
    Mute,
    /// The clients send on and on and never count an answer.
    Deaf,
    /// The server exits after each answer and starts again.
    Restless,
}

#[derive(Debug)]
pub struct Toy {
    machines: Vec<Machine>,
    promises: Vec<Promise>,
    pub profile: Profile,
    messages: u32,
    quirk: Quirk,
    wavers: bool,
}

/// How many programs of wavering toys were booted in this process: it leaks into their runs.
static BOOTS: AtomicU64 = AtomicU64::new(1);

#[derive(Clone, Debug)]
pub enum Note {
    Put { message: MessageId, payload: u64 },
    Done { message: MessageId },
}

#[derive(Clone, Debug)]
pub struct Line {
    message: MessageId,
    payload: u64,
    stamp: u64,
}

#[derive(Debug)]
pub enum Program {
    Server {
        met: BTreeSet<MessageId>,
        waiting: Vec<(Ticket, NodeId, MessageId)>,
        quirk: Quirk,
        by: u64,
    },
    Client {
        plan: Vec<Planned>,
        next: usize,
        open: Option<(MessageId, u64)>,
        quirk: Quirk,
        by: u64,
    },
}

impl Toy {
    pub fn new(quirk: Quirk, transport: Transport, envelope: Envelope) -> Self {
        let machine = |name: &str, role| Machine { name: name.to_owned(), role, zone: 0 };
        Self {
            machines: vec![
                machine("server", "server"),
                machine("client-1", "client"),
                machine("client-2", "client"),
            ],
            promises: vec![Promise::ExactlyOnce { sinks: vec![SinkId(0)] }],
            profile: Profile {
                transport,
                envelope,
                heal_at: Span::millis(500),
                ..Profile::default()
            },
            messages: 6,
            quirk,
            wavers: false,
        }
    }

    /// A toy that differs from the others by another amount at each boot.
    pub fn wavering(quirk: Quirk, transport: Transport) -> Self {
        Self { wavers: true, ..Self::new(quirk, transport, survivable()) }
    }

    pub fn right(transport: Transport) -> Self {
        Self::new(Quirk::None, transport, survivable())
    }
}

/// What the toy's server survives: everything but a disk that lies, loses or goes bad.
pub fn survivable() -> Envelope {
    use FaultClass as Class;
    let beyond = [
        Class::Corrupt,
        Class::FailedSync,
        Class::LyingSync,
        Class::FullDisk,
        Class::BitRot,
        Class::LostWrite,
        Class::MisdirectedWrite,
    ];
    FaultClass::ALL.iter().copied().filter(|class| !beyond.contains(class)).collect()
}

impl System for Toy {
    type Node = Program;

    fn name(&self) -> &'static str {
        "toy"
    }

    fn machines(&self) -> &[Machine] {
        &self.machines
    }

    fn boot(&self, seat: &Seat<'_>, disk: Journals<'_, Line>) -> Program {
        let quirk = self.quirk;
        let by = if self.wavers { BOOTS.fetch_add(1, Ordering::Relaxed) } else { 1 };
        if seat.id == SERVER {
            let met = disk
                .records(LOG)
                .filter_map(|(_, stored)| stored.intact())
                .map(|line| line.message)
                .collect();
            Program::Server { met, waiting: Vec::new(), quirk, by }
        } else {
            Program::Client { plan: seat.plan.to_vec(), next: 0, open: None, quirk, by }
        }
    }

    fn plan(&self, _knobs: &[u64], plan: &mut Vec<Planned>) {
        for node in [NodeId(1), NodeId(2)] {
            for number in 0..self.messages {
                let message = MessageId::new(node, number);
                plan.push(Planned { node, message, key: 0, at: Span::ZERO });
            }
        }
    }

    fn effects(&self, record: &Line, effects: &mut Vec<Effect>) {
        effects.push(Effect { message: record.message, sink: SinkId(0), payload: record.payload });
    }

    fn promises(&self) -> &[Promise] {
        &self.promises
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn sites(&self) -> &'static [&'static str] {
        &["met before", "never reached"]
    }
}

impl Node for Program {
    type Message = Note;
    type Record = Line;

    fn start(&mut self, ctx: &mut Context<'_, Note, Line>) {
        self.send_next(ctx);
    }

    fn deliver(&mut self, from: NodeId, note: Note, ctx: &mut Context<'_, Note, Line>) {
        match (&mut *self, note) {
            (Self::Server { met, waiting, quirk, by }, Note::Put { message, payload }) => {
                if *quirk == Quirk::Mute {
                    return;
                }
                if met.contains(&message) {
                    ctx.sometimes(SiteId(0));
                }
                if met.insert(message) || *quirk == Quirk::NoDedup {
                    assert!(*quirk != Quirk::Panics || met.len() < 3, "the third is too much");
                    let odd = *quirk == Quirk::OtherRecord && message.word() == 1 << 32 | 3;
                    let stamp = ctx.wall().nanos() ^ if odd { *by } else { 0 };
                    ctx.append(LOG, Line { message, payload, stamp });
                }
                match ctx.sync(LOG) {
                    Some(ticket) if *quirk != Quirk::AckBeforeSync => {
                        waiting.push((ticket, from, message));
                    }
                    _ => {
                        ctx.send(from, Note::Done { message });
                    }
                }
            }
            (Self::Client { open, quirk, .. }, Note::Done { message }) => {
                if *quirk != Quirk::Deaf && open.is_some_and(|(id, _)| id == message) {
                    *open = None;
                    ctx.record(Event::SendOk {
                        message,
                        attempt: 0,
                        partition: PartitionId(0),
                        offset: None,
                    });
                    self.send_next(ctx);
                }
            }
            (Self::Server { .. }, Note::Done { .. }) | (Self::Client { .. }, Note::Put { .. }) => {}
        }
    }

    fn wake(&mut self, _timer: TimerId, ctx: &mut Context<'_, Note, Line>) {
        if let Self::Client { open: Some((message, payload)), .. } = *self {
            ctx.disconnect(SERVER);
            self.put(message, payload, ctx);
        }
    }

    fn disconnected(&mut self, _peer: NodeId, ctx: &mut Context<'_, Note, Line>) {
        if let Self::Client { open: Some((message, payload)), .. } = *self {
            self.put(message, payload, ctx);
        }
    }

    fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Context<'_, Note, Line>,
    ) {
        let Self::Server { waiting, quirk, .. } = self else { return };
        if result.is_err() {
            ctx.restart(Span::millis(1));
            return;
        }
        for &(_, client, message) in waiting.iter().filter(|(of, ..)| *of == ticket) {
            ctx.send(client, Note::Done { message });
            if *quirk == Quirk::Restless {
                ctx.restart(Span::millis(1));
            }
        }
        waiting.retain(|(of, ..)| *of != ticket);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        match self {
            Self::Server { met, waiting, quirk, by } => {
                let hidden = if *quirk == Quirk::OtherState { *by } else { 0 };
                for message in met {
                    digest.word(message.word());
                }
                digest.word(waiting.len() as u64).word(hidden);
            }
            Self::Client { next, open, .. } => {
                digest.word(*next as u64).word(open.map_or(0, |(id, _)| id.word()));
            }
        }
    }
}

impl Program {
    fn send_next(&mut self, ctx: &mut Context<'_, Note, Line>) {
        let Self::Client { plan, next, open, quirk, by } = self else { return };
        let Some(planned) = plan.get(*next) else { return };
        *next += 1;
        let odd = *quirk == Quirk::OtherPayload && planned.message.word() == 1 << 32 | 3;
        let mut body = planned.message.word().to_le_bytes();
        body[7] ^= if odd { *by as u8 } else { 0 };
        let payload = ctx.blob(&body).fingerprint();
        let message = planned.message;
        *open = Some((message, payload));
        ctx.record(Event::SendInvoke { message, key: planned.key, attempt: 0, payload });
        self.put(message, payload, ctx);
    }

    fn put(&self, message: MessageId, payload: u64, ctx: &mut Context<'_, Note, Line>) {
        let late = match *self {
            Self::Client { quirk: Quirk::OtherTimer, by, .. } => Span::nanos_of(by),
            _ => Span::ZERO,
        };
        ctx.send(SERVER, Note::Put { message, payload });
        ctx.set_timer(RETRY, Span::millis(50) + late, Work::Progress);
    }
}

impl Message for Note {
    fn kind(&self) -> u8 {
        match self {
            Self::Put { .. } => 0,
            Self::Done { .. } => 1,
        }
    }

    fn kind_name(kind: u8) -> &'static str {
        ["Put", "Done"].get(kind as usize).unwrap_or(&"?")
    }

    fn fingerprint(&self, digest: &mut Digest) {
        match self {
            Self::Put { message, payload } => digest.word(message.word()).word(*payload),
            Self::Done { message } => digest.word(!message.word()),
        };
    }

    fn corrupt(&mut self, bit: u64, _blobs: &mut postulate::blob::Blobs) -> bool {
        match self {
            Self::Put { payload, .. } => *payload ^= 1 << (bit % 64),
            Self::Done { .. } => return false,
        }
        true
    }
}

impl Record for Line {
    fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.message.word()).word(self.payload).word(self.stamp);
    }
}
