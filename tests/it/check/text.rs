//! Histories and promises as short texts.
//!
//! A line of a history is `process[.incarnation] verb [number] [marks]`, recorded at as many
//! milliseconds as its number, from 1; one that begins with `&` is recorded together with the line
//! before it. `3` names the message m0.3, whose payload is 103 unless a mark says otherwise. Marks:
//! `k7` key, `#1` attempt, `@2:5` partition and offset, `=9` payload, `s1` sink, `g1` group, `d2`
//! number of a delivery, `t4` token.

use postulate::check::{Compensable, Course, Handling, Promise, Replica, Verdict};
use postulate::history::{DownCause, EndCause, Event, History, Operation};
use postulate::id::{GroupId, MessageId, NodeId, PartitionId, SinkId};
use postulate::time::{Instant, Span};

/// The `number`-th message of machine 0.
pub fn message(number: u32) -> MessageId {
    MessageId::new(NodeId(0), number)
}

/// The payload that the `number`-th message has unless a mark says otherwise.
pub fn payload(number: u32) -> u64 {
    100 + u64::from(number)
}

pub fn history(text: &str) -> History {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut at = 0;
    let operations = lines.zip(1..).map(|(line, number)| {
        let together = line.strip_prefix('&');
        at = if together.is_some() { at } else { number };
        operation(together.unwrap_or(line), at)
    });
    History::new(operations.collect())
}

/// One promise a line: a name and, where it needs them, sinks, replicas (`1`, or `1:s0` with its
/// sink), groups with their sinks (`g0:s0`), a retention (`10ms`) or `compacted`, steps (`5-6`, by
/// the sinks that do and undo), accounts (`3+9`), courses (`3`, or `3>9` with dead letters), a
/// group (`g2`), a broker (`n15`), a sink (`s0`), and bounds (`cap5`, `rest1`, `10ms`).
pub fn promises(text: &str) -> Vec<Promise> {
    text.split(',').map(promise).collect()
}

/// A verdict on one line.
pub fn tell(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Violated(violation) => violation.rule.slug().to_owned(),
        Verdict::Unknown { why } => format!("unknown: {why}"),
    }
}

fn promise(text: &str) -> Promise {
    let mut words = text.split_whitespace();
    let name = words.next().expect("a promise");
    let sinks = || words.clone().map(|word| SinkId(number(word) as u16)).collect();
    match name {
        "at-most-once" => Promise::AtMostOnce { sinks: sinks() },
        "at-least-once" => Promise::AtLeastOnce { sinks: sinks() },
        "exactly-once" => Promise::ExactlyOnce { sinks: sinks() },
        "idempotent" => Promise::IdempotentProducer,
        "order" => Promise::PerKeyOrder,
        "durable" => Promise::DurableLog {
            retention: words.clone().find_map(|word| word.parse().ok()),
            compacted: words.any(|word| word == "compacted"),
        },
        "never-ahead" => Promise::NeverCommitsAhead { of: words.map(handling).collect() },
        "projected" => {
            Promise::Projected { replicas: words.map(|word| NodeId(number(word) as u16)).collect() }
        }
        "atomic" => Promise::Atomic { sinks: sinks() },
        "compensated" => Promise::Compensated { steps: words.map(step).collect() },
        "accounted" => Promise::Accounted {
            disjoint: words.clone().any(|word| word == "disjoint"),
            of: words.filter(|word| *word != "disjoint").map(account).collect(),
        },
        "ordered" => Promise::OrderedEffects { of: words.map(course).collect() },
        "settled" => Promise::SettledForGood {
            groups: words.map(|word| GroupId(after("g", word) as u16)).collect(),
        },
        "fenced" => Promise::Fenced { sinks: sinks() },
        "bounded" | "backlog" => bound(name, &words.collect::<Vec<_>>()),
        "convergent" => Promise::Convergent { replicas: words.map(replica).collect() },
        _ => panic!("no promise {name:?}"),
    }
}

fn bound(name: &str, words: &[&str]) -> Promise {
    let value = |sign: &str| {
        let number = |word: &&str| word.strip_prefix(sign)?.parse::<u64>().ok();
        words.iter().find_map(number)
    };
    let span: Option<Span> = words.iter().find_map(|word| word.parse().ok());
    if name == "bounded" {
        let group = GroupId(value("g").expect("a group") as u16);
        let broker = NodeId(value("n").expect("a broker") as u16);
        return Promise::BoundedRedelivery { group, broker, lease: span };
    }
    Promise::BoundedBacklog {
        sink: SinkId(value("s").expect("a sink") as u16),
        cap: value("cap"),
        recovered: value("rest").expect("how many in the end"),
        within: span.expect("by when"),
    }
}

fn step(word: &str) -> Compensable {
    let (does, undoes) = word.split_once('-').expect("two sinks");
    Compensable { does: SinkId(number(does) as u16), undoes: SinkId(number(undoes) as u16) }
}

fn account(word: &str) -> Vec<SinkId> {
    word.split('+').map(|sink| SinkId(number(sink) as u16)).collect()
}

fn course(word: &str) -> Course {
    let (sink, dead) = word.split_once('>').map_or((word, None), |(s, dead)| (s, Some(dead)));
    let dead_letters = dead.map(|dead| SinkId(number(dead) as u16));
    Course { sink: SinkId(number(sink) as u16), dead_letters }
}

fn after(sign: &str, word: &str) -> u64 {
    number(word.strip_prefix(sign).unwrap_or_else(|| panic!("no {sign:?} in {word:?}")))
}

fn replica(word: &str) -> Replica {
    let (node, sink) = word.split_once(":s").map_or((word, None), |(n, s)| (n, Some(s)));
    Replica { node: NodeId(number(node) as u16), sink: sink.map(|s| SinkId(number(s) as u16)) }
}

fn handling(word: &str) -> Handling {
    let pair = word.strip_prefix('g').and_then(|word| word.split_once(":s"));
    let (group, sink) = pair.unwrap_or_else(|| panic!("no group and sink: {word:?}"));
    Handling { group: GroupId(number(group) as u16), sink: SinkId(number(sink) as u16) }
}

fn operation(line: &str, at: u64) -> Operation {
    let mut words = line.split_whitespace();
    let who = words.next().expect("a process");
    let (process, incarnation) = who.split_once('.').unwrap_or((who, "0"));
    Operation {
        at: Instant::START + Span::millis(at),
        process: NodeId(number(process) as u16),
        incarnation: number(incarnation) as u16,
        event: event(&words.collect::<Vec<_>>()),
    }
}

fn event(words: &[&str]) -> Event {
    let [verb, rest @ ..] = words else { panic!("no verb") };
    let subject = rest.first().map_or(0, |word| word.parse().unwrap_or(0));
    let mark = |sign: char| rest.iter().find_map(|word| word.strip_prefix(sign));
    let value = |sign: char| mark(sign).map(number);
    let message = message(subject as u32);
    let key = value('k').unwrap_or(0);
    let attempt = value('#').unwrap_or(0) as u16;
    let payload = value('=').unwrap_or_else(|| payload(subject as u32));
    let place = mark('@').map(|word| word.split_once(':').expect("a partition and an offset"));
    let partition = PartitionId(place.map_or(0, |(partition, _)| number(partition) as u16));
    let offset = place.map(|(_, offset)| number(offset));
    let at = offset.unwrap_or(0);
    let group = GroupId(value('g').unwrap_or(0) as u16);
    let sink = || SinkId(value('s').unwrap_or(0) as u16);
    match *verb {
        "plan" => Event::Plan { message, key },
        "send" => Event::SendInvoke { message, key, attempt, payload },
        "ok" => Event::SendOk { message, attempt, partition, offset },
        "fail" => Event::SendFail { message, attempt },
        "info" => Event::SendInfo { message, attempt },
        "read" => {
            let offset = offset.expect("a place");
            Event::Polled { group, message, key, partition, offset, payload }
        }
        "commits" => Event::CommitInvoke { group, partition, offset: at },
        "committed" => Event::CommitOk { group, partition, offset: at },
        "gives-up" => Event::CommitInfo { group, partition, offset: at },
        "gets" => {
            let delivery = value('d').unwrap_or(0) as u16;
            Event::Received { group, message, key, delivery, payload }
        }
        "returns" => Event::Returned { group, message },
        "lapses" => Event::Lapsed { group },
        "acks" => Event::AckInvoke { group, message },
        "acked" => Event::AckOk { group, message },
        "wonders" => Event::AckInfo { group, message },
        "acts" => Event::Acting { message, sink: sink(), token: value('t').expect("a token") },
        "boot" => Event::Boot,
        "down" => Event::Down { cause: DownCause::Crash },
        "effect" => Event::Effect { message, sink: sink(), payload },
        "view" => Event::View { digest: subject },
        "heal" => Event::Heal,
        "end" => Event::End { cause: cause(rest[0]) },
        _ => panic!("no verb {verb:?}"),
    }
}

fn cause(word: &str) -> EndCause {
    match word {
        "settled" => EndCause::Settled,
        "quiescent" => EndCause::Quiescent,
        "impatient" => EndCause::Impatient,
        "broken" => EndCause::Broken,
        "budget" => EndCause::Budget,
        _ => panic!("no cause {word:?}"),
    }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("no number: {word:?}"))
}
