//! Traces in a small language: a step a line, and after `=>` what the broker says to it.
//!
//! Publishers are `p1` to `p9`, consumers `c1` to `c9`, messages numbers; a queue is `q0` unless
//! stated. The disk writes through, unless the trace begins with `cached disk`.
//!
//! ```text
//! p1 publishes 1 [key 3] [id 7] [to 1] [unconfirmed | early] => p1: accepted 1
//! c1 subscribes 2 [q1]             => c1: got 1; c1: got 2 again #2
//! c1 receives 2 [q1] [waits 9ms]   => c1: got nothing
//! c1 rereads 2, c1 claims 2 idle 9ms
//! c1 acks 1, c1 acks 1#2           => c1: done        (or stale; #2: by its second delivery)
//! c1 returns 1 [after 9ms], c1 rejects 1, c1 extends 1 by 9ms, c1 drops 1 (acks unanswered)
//! c1 leaves, wait 9ms, sync, interval, crash, power cut
//! ends 1 2                         (these have ended, by what is durable)
//! ```

use super::super::*;
use crate::id::{MessageId, PartitionId};
use crate::model::bench::Bench;
use crate::model::message::{
    Acks, Delivery, Entry, Identity, Produce, QueueMessage, Receipt, SettleOutcome, Settlement,
    Verdict, Wanted,
};
use std::fmt::Write as _;

/// A broker on the bench, and what consumers have in their hands.
pub(super) struct Stage {
    pub(super) bench: Bench,
    pub(super) broker: QueueBroker,
    policy: QueuePolicy,
    /// Who was given which message by which delivery.
    handed: Vec<(u16, u32, Receipt)>,
    requests: u64,
}

/// The trace is what the broker does under the policy. `source` is where its manual says so.
#[track_caller]
pub(super) fn check(policy: QueuePolicy, source: &str, trace: &str) {
    assert!(source.contains(", \""), "{source} names no section of a manual");
    run(policy, trace);
}

/// Plays a trace, and holds what is said against what it expects.
#[track_caller]
pub(super) fn run(policy: QueuePolicy, trace: &str) -> Stage {
    let mut lines = trace.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let bench = Bench::machine(0);
    let is_cached = lines.next_if_eq(&"cached disk").is_some();
    let mut stage = Stage::new(policy, if is_cached { bench } else { bench.write_through() });
    for line in lines {
        let (step, expected) = line.split_once("=>").unwrap_or((line, ""));
        let said = stage.step(step.trim());
        assert_eq!(said, expected.trim(), "\nin {line:?} of\n{trace}");
    }
    stage
}

fn machine(name: &str) -> u16 {
    let number: u16 = name[1..].parse().expect("a machine has a number");
    if name.starts_with('c') { 10 + number } else { number }
}

fn name(machine: NodeId) -> String {
    match machine.0 {
        number @ 0..10 => format!("p{number}"),
        number => format!("c{}", number - 10),
    }
}

/// The word after `key`.
fn after<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    let place = words.iter().position(|&word| word == key)?;
    words.get(place + 1).copied()
}

fn millis(word: Option<&str>) -> Span {
    let word = word.map_or("0", |word| word.strip_suffix("ms").expect("a time in milliseconds"));
    Span::millis(word.parse().expect("a number of milliseconds"))
}

fn queue_of(words: &[&str]) -> QueueId {
    let named = words.iter().find_map(|word| word.strip_prefix('q')?.parse().ok());
    QueueId(named.unwrap_or(0))
}

impl Stage {
    pub(super) fn new(policy: QueuePolicy, mut bench: Bench) -> Self {
        let broker = bench.boot(|seat, disk| QueueBroker::boot(policy, seat, disk));
        bench.take_sent();
        Self { bench, broker, policy, handed: Vec::new(), requests: 0 }
    }

    /// Plays a step, and tells what the broker says to it.
    #[track_caller]
    pub(super) fn step(&mut self, step: &str) -> String {
        let words: Vec<&str> = step.split_whitespace().collect();
        let who = match words[..] {
            ["sync"] => {
                self.bench.end_sync_now(&mut self.broker);
                None
            }
            ["interval"] => {
                self.bench.with(|ctx| self.broker.wake(INTERVAL, ctx));
                None
            }
            ["wait", span] => return self.wait(millis(Some(span))),
            ["crash"] => return self.boot_again(None),
            ["power", "cut"] => return self.boot_again(Some(1_000)),
            ["ends", ..] => {
                let ended = self.ended();
                assert_eq!(ended, words[1..].join(" "), "what has ended");
                return String::new();
            }
            [who, "leaves"] => {
                let peer = NodeId(machine(who));
                self.bench.with(|ctx| self.broker.disconnected(peer, ctx));
                None
            }
            [who, ..] => {
                let message = self.request(machine(who), &words[1..]);
                let from = NodeId(machine(who));
                self.bench.with(|ctx| self.broker.deliver(from, message, ctx));
                Some(from)
            }
            [] => panic!("a step says something"),
        };
        self.said(who)
    }

    fn request(&mut self, who: u16, words: &[&str]) -> Message {
        self.requests += 1;
        let request = self.requests;
        let number = |place: usize| -> u32 {
            let word = words[place].split('#').next().unwrap_or_default();
            word.parse().expect("a number")
        };
        let queue = queue_of(words);
        let batch = || number(1) as u16;
        let (wanted, wait_max) = match words[0] {
            "publishes" => return self.publication(number(1), words),
            "subscribes" => {
                return Message::Queue(QueueMessage::Subscribe { queue, credit: batch() });
            }
            "receives" => (Wanted::Ready, millis(after(words, "waits"))),
            "rereads" => (Wanted::Own, Span::ZERO),
            "claims" => (Wanted::Idle(millis(after(words, "idle"))), Span::ZERO),
            _ => return Message::Queue(self.settlement(who, words)),
        };
        Message::Queue(QueueMessage::Receive { request, queue, wanted, batch: batch(), wait_max })
    }

    fn publication(&mut self, number: u32, words: &[&str]) -> Message {
        let stated = |key| after(words, key).map(|word| word.parse().expect("a number"));
        let body = self.bench.desk.blobs.put(&number.to_le_bytes());
        let key = stated("key").unwrap_or(0);
        let entry = Entry::new(MessageId::new(NodeId(1), number), key, body);
        let identity = stated("id").map_or(Identity::None, Identity::Message);
        let acks = match words.last() {
            Some(&"unconfirmed") => Acks::None,
            Some(&"early") => Acks::Leader,
            _ => Acks::All,
        };
        let produce = Produce { entry, identity };
        let partition = PartitionId(stated("to").unwrap_or(0) as u16);
        Message::Produce { partition, acks, produce }
    }

    fn settlement(&mut self, who: u16, words: &[&str]) -> QueueMessage {
        let (number, delivery) = words[1].split_once('#').unwrap_or((words[1], ""));
        let number: u32 = number.parse().expect("a number of a message");
        let queue = queue_of(words);
        let of_it = |&&(_, message, receipt): &&(u16, u32, Receipt)| {
            message == number && receipt.queue == queue
        };
        let found = match delivery.parse::<usize>() {
            Ok(delivery) => self.handed.iter().filter(of_it).nth(delivery - 1),
            Err(_) => self.handed.iter().filter(of_it).rfind(|handed| handed.0 == who),
        };
        let receipt = found.expect("the message was delivered").2;
        let settlement = match words[0] {
            "acks" | "drops" => Settlement::Ack,
            "returns" => Settlement::Requeue(millis(after(words, "after"))),
            "rejects" => Settlement::Reject,
            "extends" => Settlement::Extend(millis(after(words, "by"))),
            other => panic!("nobody {other}"),
        };
        let request = (words[0] != "drops").then_some(self.requests);
        QueueMessage::Settle { request, receipt, settlement }
    }

    fn wait(&mut self, span: Span) -> String {
        let end = self.bench.now + span;
        let mut all = Vec::new();
        while let Some((due, _)) = self.broker.tick.filter(|&(due, _)| due <= end) {
            self.bench.now = self.bench.now.max(due);
            self.bench.with(|ctx| self.broker.wake(TICK, ctx));
            all.push(self.said(None));
        }
        self.bench.now = end;
        all.retain(|said| !said.is_empty());
        all.join("; ")
    }

    fn boot_again(&mut self, undone: Option<u32>) -> String {
        self.bench.crash(undone);
        let policy = self.policy;
        self.broker = self.bench.boot(|seat, disk| QueueBroker::boot(policy, seat, disk));
        self.said(None)
    }

    /// What was sent since, in words.
    fn said(&mut self, asker: Option<NodeId>) -> String {
        let mut said = Vec::new();
        for (to, message) in std::mem::take(&mut self.bench.sent) {
            let to = to.or(asker).expect("somebody is answered");
            said.push(format!("{}: {}", name(to), self.in_words(to, &message)));
        }
        said.join("; ")
    }

    fn in_words(&mut self, to: NodeId, message: &Message) -> String {
        match message {
            Message::Produced { message, verdict, .. } => {
                let number = message.word() as u32;
                match verdict {
                    Verdict::Accepted => format!("accepted {number}"),
                    Verdict::Duplicate => format!("duplicate {number}"),
                    Verdict::Refused(refusal) => format!("{refusal:?} {number}").to_lowercase(),
                    Verdict::Stored { .. } => panic!("a queue has no offsets"),
                }
            }
            Message::Queue(QueueMessage::Deliver(delivery)) => {
                format!("got {}", self.delivered(to, delivery))
            }
            Message::Queue(QueueMessage::Received { deliveries, .. }) => {
                let all: Vec<_> =
                    deliveries.iter().map(|delivery| self.delivered(to, delivery)).collect();
                if all.is_empty() {
                    "got nothing".to_owned()
                } else {
                    format!("got {}", all.join(", "))
                }
            }
            Message::Queue(QueueMessage::Settled { outcome, .. }) => match outcome {
                SettleOutcome::Done => "done".to_owned(),
                SettleOutcome::Stale => "stale".to_owned(),
            },
            other => panic!("a broker does not say {other:?}"),
        }
    }

    fn delivered(&mut self, to: NodeId, delivery: &Delivery) -> String {
        let Delivery { receipt, attempt, redelivered, death, entry } = *delivery;
        let number = entry.message.word() as u32;
        self.handed.push((to.0, number, receipt));
        let mut words = number.to_string();
        if attempt > 1 {
            let _ = write!(words, " #{attempt}");
        }
        if redelivered {
            words += " again";
        }
        if let Some(death) = death {
            let _ = write!(words, " dead: {}", format!("{death:?}").to_lowercase());
        }
        words
    }

    /// The messages that have ended by what is on the disk.
    fn ended(&mut self) -> String {
        let mut effects = Vec::new();
        for (_, stored) in self.bench.file(COMMANDS).records() {
            stored.intact().into_iter().for_each(|record| record.effects(&mut effects));
        }
        let of_queue = |sink: SinkId| sink.0 - super::DROPPED.0;
        let ended = effects.iter().map(|effect| match of_queue(effect.sink) {
            0 => (effect.message.word() as u32).to_string(),
            queue => format!("{}@q{queue}", effect.message.word() as u32),
        });
        ended.collect::<Vec<_>>().join(" ")
    }

    /// The digest of the broker.
    pub(super) fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        self.broker.fingerprint(&mut digest);
        digest.value()
    }
}

use super::SinkId;

impl Bench {
    fn end_sync_now(&mut self, broker: &mut QueueBroker) {
        let (file, ticket, extent) = self.syncs.remove(0);
        self.file(file).sync(extent, &mut Vec::new());
        self.with(|ctx| broker.synced(ticket, Ok(()), ctx));
    }
}
