//! Any bytes as the requests of a stranger, one after another, to a broker that serves others too.
//!
//! What the stranger asks for may make no sense, and may spoil what the others promise each other;
//! but the broker goes on, answers what it was asked and nothing else, and what it has once shown
//! at an offset stays there.

use crate::stage::Stage;
use arbitrary::{Arbitrary, Unstructured};
use postulate::digest::Digest;
use postulate::id::{GroupId, MessageId, NodeId, PartitionId, QueueId, TimerId};
use postulate::model::Record as Stored;
use postulate::model::message::{
    Acks, BatchId, Entry, Identity, Message as Wire, Produce, ProducerId, QueueMessage, Reading,
    Receipt, Settlement, Verdict, Wanted,
};
use postulate::node::{Context, Node, Work};
use postulate::scenario::Entry as Listed;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::time::Span;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The brokers: logs that keep everything, logs that forget, and queues.
const SCENARIOS: [&str; 11] = [
    "exactly-once-pipe",
    "log-with-dedup-window",
    "log-with-highest-sequence",
    "log-with-snapshots",
    "log-with-retention",
    "log-with-compaction",
    "work-queue",
    "dead-letter-handling",
    "lock-by-queue",
    "leased-work",
    "claimed-stream",
];

/// How many of the scenarios have a log that keeps everything.
const KEEPING: usize = 4;

/// The most requests of an input.
const REQUESTS_MAX: usize = 64;

/// After how many events a run ends.
const EVENTS_MAX: u64 = 50_000;

/// How long the stranger waits for an answer.
const PATIENCE: Span = Span::millis(30);

const BROKER: NodeId = NodeId(0);

/// Where the others' messages end, and those of the stranger begin.
const OWN: u64 = 1 << 40;

/// What a stranger does next.
#[derive(Copy, Clone, Debug, Arbitrary)]
enum Step {
    Produce { partition: Few, acks: u8, name: Name, key: u8, body: u8, is_broken: bool },
    Fetch { partition: Few, offset: Number, batch: u16, wait_millis: u8 },
    Commit { group: Few, partition: Few, offset: Number, is_answered: bool },
    OffsetFetch { group: Few, partition: Few },
    Subscribe { queue: Few, credit: u16 },
    Receive { queue: Few, wanted: u8, batch: u16, wait_millis: u8 },
    Settle { receipt: Held, settlement: u8, millis: u8, is_answered: bool },
    Disconnect,
    Rest { millis: u8 },
}

impl Step {
    /// The queue that is subscribed to.
    fn subscription(&self) -> Option<QueueId> {
        if let Self::Subscribe { queue, .. } = self { Some(QueueId(queue.get())) } else { None }
    }
}

/// A number that is mostly one that exists.
#[derive(Copy, Clone, Debug, Arbitrary)]
enum Few {
    Low(bool),
    Any(u16),
}

#[derive(Copy, Clone, Debug, Arbitrary)]
enum Number {
    Low(u8),
    Any(u64),
}

#[derive(Copy, Clone, Debug, Arbitrary)]
enum Name {
    None,
    Message(u8),
    Batch { producer: u8, epoch: Few, sequence: Number },
}

/// A delivery: one that the stranger has got, or any.
#[derive(Copy, Clone, Debug, Arbitrary)]
enum Held {
    Got(u8),
    Any { queue: Few, number: Number, attempt: u16 },
}

impl Few {
    fn get(self) -> u16 {
        match self {
            Self::Low(number) => number.into(),
            Self::Any(number) => number,
        }
    }
}

impl Number {
    fn get(self) -> u64 {
        match self {
            Self::Low(number) => number.into(),
            Self::Any(number) => number,
        }
    }
}

thread_local! {
    static STAGES: RefCell<BTreeMap<usize, Stage<Vec<Step>>>> =
        const { RefCell::new(BTreeMap::new()) };
}

/// Lets a stranger make the requests that `bytes` stand for.
///
/// # Panics
/// If a machine does, or the broker answers what it was not asked, or shows two records at one
/// offset, or does not know any more what it has acknowledged.
pub fn try_out(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let place = usize::from(bytes.arbitrary::<u8>().unwrap_or(0)) % SCENARIOS.len();
    let seed = bytes.arbitrary::<u16>().unwrap_or(0);
    let steps = bytes.arbitrary_iter::<Step>().into_iter().flatten().map_while(Result::ok);
    let steps: Vec<_> = steps.take(REQUESTS_MAX).collect();
    let schedule = match seed {
        0 => Schedule::quiet(),
        seed => Schedule::seeded(Seed(seed.into())),
    };
    let schedule = Schedule { events_max: Some(EVENTS_MAX), ..schedule };
    STAGES.with_borrow_mut(|stages| {
        let stage = stages.entry(place).or_insert_with(|| {
            let listed = Listed::named(SCENARIOS[place]).expect("it is in the catalogue");
            Stage::of(listed, move |steps, seat| {
                Box::new(Stranger::new(steps, place < KEEPING, seat.incarnation))
            })
        });
        stage.run(&steps, &schedule);
    });
}

/// A client that knows the words and nothing else.
#[derive(Debug)]
struct Stranger {
    steps: Vec<Step>,
    next: usize,
    /// Whether the log of the broker keeps everything.
    keeps: bool,
    /// The number of the last request; never used twice.
    request: u64,
    /// Requests that have no answer yet.
    open: BTreeMap<u64, Asked>,
    /// Messages whose request may be answered.
    sent: BTreeMap<MessageId, Acks>,
    got: Vec<Receipt>,
    /// The queues that it has subscribed to, or may have before it died: a request in flight then
    /// may come after it is back, and what it leads to goes over the connection that is there.
    subscribed: BTreeSet<QueueId>,
    /// What was shown at which offset.
    shown: BTreeMap<(PartitionId, u64), (MessageId, u64, u64)>,
    /// The end of what was acknowledged to be kept.
    kept: BTreeMap<PartitionId, u64>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Asked {
    Fetch { partition: PartitionId, offset: u64, batch: u16 },
    Commit { partition: PartitionId },
    OffsetFetch { partition: PartitionId },
    Receive { queue: QueueId, batch: u16 },
    Settle,
}

type Ctx<'a> = Context<'a, Wire, Stored>;

impl Stranger {
    fn new(steps: Vec<Step>, keeps: bool, incarnation: u16) -> Self {
        let earlier = if incarnation == 0 { &[] } else { &steps[..] };
        let subscribed = earlier.iter().filter_map(Step::subscription).collect();
        Self {
            steps,
            next: 0,
            keeps,
            request: u64::from(incarnation) << 32,
            open: BTreeMap::new(),
            sent: BTreeMap::new(),
            got: Vec::new(),
            subscribed,
            shown: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    /// Takes the next step, and another one after a while, whether it is answered or not.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) {
        let Some(&step) = self.steps.get(self.next) else { return };
        self.next += 1;
        let mut pause = PATIENCE;
        match self.wire(step, ctx) {
            Some(wire) => ctx.send(BROKER, wire),
            None => match step {
                Step::Rest { millis } => pause = Span::millis(millis.into()),
                _ => ctx.disconnect(BROKER),
            },
        }
        ctx.set_timer(TimerId(0), pause, Work::Progress);
    }

    fn ask(&mut self, asked: Asked) -> u64 {
        self.request += 1;
        self.open.insert(self.request, asked);
        self.request
    }

    /// The request of a step, if it is one.
    fn wire(&mut self, step: Step, ctx: &mut Ctx<'_>) -> Option<Wire> {
        Some(match step {
            Step::Produce { partition, acks, name, key, body, is_broken } => {
                let partition = PartitionId(partition.get());
                let acks = [Acks::All, Acks::Leader, Acks::None][usize::from(acks) % 3];
                let entry = self.entry(key, body, is_broken, acks, ctx);
                let produce = Produce { entry, identity: identity(name) };
                Wire::Produce { partition, acks, produce }
            }
            Step::Fetch { partition, offset, batch, wait_millis } => {
                let (partition, offset) = (PartitionId(partition.get()), offset.get());
                let request = self.ask(Asked::Fetch { partition, offset, batch });
                let wait_max = Span::millis(wait_millis.into());
                Wire::Fetch { request, partition, offset, batch, wait_max }
            }
            Step::Commit { group, partition, offset, is_answered } => {
                let (group, partition) = (GroupId(group.get()), PartitionId(partition.get()));
                let request = is_answered.then(|| self.ask(Asked::Commit { partition }));
                Wire::Commit { request, group, partition, offset: offset.get() }
            }
            Step::OffsetFetch { group, partition } => {
                let (group, partition) = (GroupId(group.get()), PartitionId(partition.get()));
                let request = self.ask(Asked::OffsetFetch { partition });
                Wire::OffsetFetch { request, group, partition }
            }
            Step::Subscribe { queue, credit } => {
                let queue = QueueId(queue.get());
                self.subscribed.insert(queue);
                Wire::Queue(QueueMessage::Subscribe { queue, credit })
            }
            Step::Receive { queue, wanted, batch, wait_millis } => {
                let queue = QueueId(queue.get());
                let request = self.ask(Asked::Receive { queue, batch });
                let wait_max = Span::millis(wait_millis.into());
                let wanted = match wanted % 3 {
                    0 => Wanted::Ready,
                    1 => Wanted::Own,
                    _ => Wanted::Idle(wait_max),
                };
                Wire::Queue(QueueMessage::Receive { request, queue, wanted, batch, wait_max })
            }
            Step::Settle { receipt, settlement, millis, is_answered } => {
                let receipt = self.receipt(receipt)?;
                let request = is_answered.then(|| self.ask(Asked::Settle));
                let span = Span::millis(millis.into());
                let settlement = match settlement % 4 {
                    0 => Settlement::Ack,
                    1 => Settlement::Requeue(span),
                    2 => Settlement::Reject,
                    _ => Settlement::Extend(span),
                };
                Wire::Queue(QueueMessage::Settle { request, receipt, settlement })
            }
            Step::Disconnect | Step::Rest { .. } => return None,
        })
    }

    fn entry(
        &mut self,
        key: u8,
        body: u8,
        is_broken: bool,
        acks: Acks,
        ctx: &mut Ctx<'_>,
    ) -> Entry {
        self.request += 1;
        let message = MessageId::from_word(OWN + self.request);
        self.sent.insert(message, acks);
        let mut entry = Entry::new(message, key.into(), ctx.blob(&[body]));
        if is_broken {
            entry.checksum = !entry.checksum;
        }
        entry
    }

    fn receipt(&self, held: Held) -> Option<Receipt> {
        match held {
            Held::Got(which) => {
                self.got.get(usize::from(which).checked_rem(self.got.len())?).copied()
            }
            Held::Any { queue, number, attempt } => {
                let (queue, number) = (QueueId(queue.get()), number.get());
                Some(Receipt { queue, number, attempt })
            }
        }
    }

    /// Whether a message answers what the stranger had asked before it died.
    fn is_of_an_earlier_life(&self, wire: &Wire) -> bool {
        let request = match wire {
            Wire::Produced { message, .. } => message.word().wrapping_sub(OWN),
            Wire::Fetched { request, .. }
            | Wire::Committed { request, .. }
            | Wire::OffsetFetched { request, .. }
            | Wire::Queue(
                QueueMessage::Received { request, .. } | QueueMessage::Settled { request, .. },
            ) => *request,
            _ => return false,
        };
        request >> 32 < self.request >> 32
    }

    /// The question that an answer is to.
    fn asked(&mut self, request: u64) -> Asked {
        self.open.remove(&request).unwrap_or_else(|| panic!("request {request} is not open"))
    }

    fn fetched(&mut self, asked: Asked, partition: PartitionId, base: u64, reading: Reading) {
        let Asked::Fetch { partition: of, offset, batch } = asked else {
            panic!("{reading:?} answers {asked:?}");
        };
        assert_eq!(partition, of);
        match reading {
            Reading::Entries(entries) => {
                assert!(base >= offset, "from {base}, not from {offset}: {entries:?}");
                assert!(entries.len() <= usize::from(batch), "more than {batch}: {entries:?}");
                for (entry, offset) in entries.iter().zip(base..) {
                    let shown = (entry.message, entry.key, entry.body.fingerprint());
                    let before = *self.shown.entry((partition, offset)).or_insert(shown);
                    assert_eq!(shown, before, "at offset {offset} of {partition:?}");
                }
            }
            Reading::OutOfRange { start } => {
                let kept = self.kept.get(&partition).copied().unwrap_or(0);
                let is_kept = self.keeps && (start..kept).contains(&offset);
                assert!(!is_kept, "{offset} is out of range, below {kept}");
            }
            Reading::Closed => {}
        }
    }
}

fn identity(name: Name) -> Identity {
    match name {
        Name::None => Identity::None,
        Name::Message(id) => Identity::Message(id.into()),
        Name::Batch { producer, epoch, sequence } => Identity::Batch(BatchId {
            producer: ProducerId(producer.into()),
            epoch: epoch.get().into(),
            sequence: sequence.get() as u32,
        }),
    }
}

impl Node for Stranger {
    type Message = Wire;
    type Record = Stored;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        ctx.set_timer(TimerId(0), Span::millis(10), Work::Progress);
    }

    fn wake(&mut self, _: TimerId, ctx: &mut Ctx<'_>) {
        self.go_on(ctx);
    }

    fn deliver(&mut self, from: NodeId, wire: Wire, ctx: &mut Ctx<'_>) {
        assert_eq!(from, BROKER);
        if self.is_of_an_earlier_life(&wire) {
            return;
        }
        match wire {
            Wire::Produced { message, partition, verdict } => {
                let acks = self.sent.get(&message).copied();
                let acks = acks.unwrap_or_else(|| panic!("{message} was not sent"));
                assert_ne!(acks, Acks::None, "no answer to {message} was wanted");
                if let (Verdict::Stored { offset }, Acks::All) = (verdict, acks) {
                    let kept = self.kept.entry(partition).or_insert(0);
                    *kept = (*kept).max(offset + 1);
                }
            }
            Wire::Fetched { request, partition, base, reading } => {
                let asked = self.asked(request);
                self.fetched(asked, partition, base, reading);
            }
            Wire::Committed { request, partition } => {
                assert_eq!(self.asked(request), Asked::Commit { partition });
            }
            Wire::OffsetFetched { request, partition, .. } => {
                assert_eq!(self.asked(request), Asked::OffsetFetch { partition });
            }
            Wire::Queue(QueueMessage::Deliver(delivery)) => {
                assert!(self.subscribed.contains(&delivery.receipt.queue));
                self.got.push(delivery.receipt);
            }
            Wire::Queue(QueueMessage::Received { request, deliveries }) => {
                let Asked::Receive { queue, batch } = self.asked(request) else {
                    panic!("deliveries answer something else");
                };
                assert!(deliveries.len() <= usize::from(batch), "more than {batch}");
                assert!(deliveries.iter().all(|it| it.receipt.queue == queue));
                self.got.extend(deliveries.iter().map(|delivery| delivery.receipt));
            }
            Wire::Queue(QueueMessage::Settled { request, .. }) => {
                assert_eq!(self.asked(request), Asked::Settle);
            }
            other => panic!("{other:?} answers nothing"),
        }
        self.go_on(ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.next as u64).word(self.request).word(self.open.len() as u64);
        digest.word(self.shown.len() as u64).word(self.got.len() as u64);
    }
}
