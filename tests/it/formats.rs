//! What is written in any format is read as what it was.

use postulate::history::{DownCause, EndCause, Event, History, Operation, lines};
use postulate::id::{GroupId, MessageId, NodeId, PartitionId, SinkId};
use postulate::profile::Transport;
use postulate::property::{Shape, scenarios};
use postulate::report::MatrixCell;
use postulate::scenario::{PromiseName, Scenario, catalogue};
use postulate::seed::{Ratio, Seed};
use postulate::time::{Instant, Span};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::Debug;

fn messages() -> impl Strategy<Value = MessageId> {
    any::<u64>().prop_map(MessageId::from_word)
}

fn groups() -> impl Strategy<Value = GroupId> {
    any::<u16>().prop_map(GroupId)
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![sends(), polls(), deliveries(), others()]
}

fn sends() -> impl Strategy<Value = Event> {
    prop_oneof![
        (messages(), any::<u64>()).prop_map(|(message, key)| Event::Plan { message, key }),
        (messages(), any::<u64>(), any::<u16>(), any::<u64>()).prop_map(
            |(message, key, attempt, payload)| Event::SendInvoke { message, key, attempt, payload }
        ),
        (messages(), any::<u16>(), any::<u16>(), option::of(any::<u64>())).prop_map(
            |(message, attempt, partition, offset)| {
                let partition = PartitionId(partition);
                Event::SendOk { message, attempt, partition, offset }
            }
        ),
        (messages(), any::<u16>())
            .prop_map(|(message, attempt)| Event::SendFail { message, attempt }),
        (messages(), any::<u16>())
            .prop_map(|(message, attempt)| Event::SendInfo { message, attempt }),
    ]
}

fn polls() -> impl Strategy<Value = Event> {
    let position = || (groups(), any::<u16>().prop_map(PartitionId), any::<u64>());
    prop_oneof![
        (position(), messages(), any::<u64>(), any::<u64>()).prop_map(
            |((group, partition, offset), message, key, payload)| {
                Event::Polled { group, message, key, partition, offset, payload }
            }
        ),
        position().prop_map(|(group, partition, offset)| {
            Event::CommitInvoke { group, partition, offset }
        }),
        position().prop_map(|(group, partition, offset)| Event::CommitOk {
            group,
            partition,
            offset
        }),
        position().prop_map(|(group, partition, offset)| Event::CommitInfo {
            group,
            partition,
            offset
        }),
    ]
}

fn deliveries() -> impl Strategy<Value = Event> {
    let delivery = || (groups(), messages());
    prop_oneof![
        (delivery(), any::<u64>(), any::<u16>(), any::<u64>()).prop_map(
            |((group, message), key, delivery, payload)| {
                Event::Received { group, message, key, delivery, payload }
            }
        ),
        delivery().prop_map(|(group, message)| Event::Returned { group, message }),
        groups().prop_map(|group| Event::Lapsed { group }),
        delivery().prop_map(|(group, message)| Event::AckInvoke { group, message }),
        delivery().prop_map(|(group, message)| Event::AckOk { group, message }),
        delivery().prop_map(|(group, message)| Event::AckInfo { group, message }),
    ]
}

fn others() -> impl Strategy<Value = Event> {
    let sinks = || any::<u16>().prop_map(SinkId);
    let downs = vec![DownCause::Crash, DownCause::PowerCut, DownCause::Exit];
    let ends = vec![
        EndCause::Settled,
        EndCause::Quiescent,
        EndCause::Impatient,
        EndCause::Broken,
        EndCause::Budget,
    ];
    prop_oneof![
        (messages(), sinks(), any::<u64>()).prop_map(|(message, sink, token)| Event::Acting {
            message,
            sink,
            token
        }),
        (messages(), sinks(), any::<u64>()).prop_map(|(message, sink, payload)| Event::Effect {
            message,
            sink,
            payload
        }),
        any::<u64>().prop_map(|digest| Event::View { digest }),
        Just(Event::Boot),
        prop::sample::select(downs).prop_map(|cause| Event::Down { cause }),
        Just(Event::Heal),
        prop::sample::select(ends).prop_map(|cause| Event::End { cause }),
    ]
}

/// What has to be before an answer.
fn asked(event: &Event) -> Option<Event> {
    match *event {
        Event::SendOk { message, attempt, .. }
        | Event::SendFail { message, attempt }
        | Event::SendInfo { message, attempt } => {
            Some(Event::SendInvoke { message, key: 0, attempt, payload: 0 })
        }
        Event::AckOk { group, message } | Event::AckInfo { group, message } => {
            Some(Event::AckInvoke { group, message })
        }
        _ => None,
    }
}

/// An operation, and before it what it answers.
fn histories() -> impl Strategy<Value = History> {
    (any::<u64>(), any::<u16>(), any::<u16>(), events()).prop_map(
        |(nanos, process, incarnation, event)| {
            let (at, process) = (Instant::from_nanos(nanos), NodeId(process));
            let operation = |event| Operation { at, process, incarnation, event };
            History::new(asked(&event).into_iter().chain([event]).map(operation).collect())
        },
    )
}

/// Writes a value as JSON and reads it.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{text}");
}

fn shapes() -> impl Strategy<Value = Shape> {
    scenarios(&Scenario::named("exactly-once-pipe").unwrap())
}

/// The lines of a file that say what a shape is like.
fn stated(shape: &Shape) -> Vec<(&'static str, String)> {
    let transport = match shape.transport {
        Transport::Stream => "\"stream\"",
        Transport::Datagram => "\"datagram\"",
    };
    // No member of several holds all.
    let entry = catalogue()[0].scenario().unwrap();
    let is_kept = |it: &&PromiseName| shape.members == 1 || **it != PromiseName::Convergent;
    let promises = entry.promises.iter().filter(is_kept).map(ToString::to_string);
    let promises: Vec<_> = promises.collect();
    let slugs: Vec<_> = shape.envelope.iter().map(|class| class.slug()).collect();
    vec![
        ("promises", format!("{promises:?}")),
        ("workload.producers", shape.producers.to_string()),
        ("workload.messages", shape.messages.to_string()),
        ("workload.keys", shape.keys.to_string()),
        ("workload.pace", format!("\"{}ms\"", shape.pace)),
        ("broker.partitions", shape.partitions.to_string()),
        ("producer.in_flight", shape.in_flight.to_string()),
        ("producer.timeout", format!("\"{}ms\"", shape.timeout)),
        ("consumer.groups", shape.groups.to_string()),
        ("consumer.members", shape.members.to_string()),
        ("consumer.batch", shape.batch.to_string()),
        ("consumer.wait_max", format!("\"{}ms\"", shape.wait_max)),
        ("network.transport", transport.to_owned()),
        ("run.envelope", format!("{slugs:?}")),
    ]
}

/// What a scenario says, but for the file that it is from.
fn told(scenario: &Scenario) -> String {
    let told = format!("{scenario:#?}");
    let lines = told.lines().filter(|line| !line.trim_start().starts_with("file: "));
    lines.collect::<Vec<_>>().join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_history(history in histories()) {
        let mut text = Vec::new();
        lines::write(&history, &mut text).unwrap();
        let read = lines::read(&text[..]).unwrap();
        prop_assert_eq!(&read, &history, "{}", String::from_utf8_lossy(&text));
        let mut again = Vec::new();
        lines::write(&read, &mut again).unwrap();
        prop_assert_eq!(again, text);
    }

    #[test]
    fn a_value(nanos in any::<u64>(), round in 0..20_u32, (part, whole) in (1..=u32::MAX)
        .prop_flat_map(|whole| (0..=whole, Just(whole))))
    {
        let nanos = nanos / 10_u64.pow(round.min(19)) * 10_u64.pow(round.min(19));
        check(&Span::nanos_of(nanos));
        check(&Instant::from_nanos(nanos));
        let (seed, ratio) = (Seed(nanos), Ratio::new(part, whole).unwrap());
        check(&seed);
        check(&ratio);
        prop_assert_eq!(seed.to_string().parse::<Seed>().unwrap(), seed);
        prop_assert_eq!(ratio.to_string().parse::<Ratio>().unwrap(), ratio);
    }

    #[test]
    fn a_scenario(shape in shapes()) {
        let stated = stated(&shape);
        let changes: Vec<_> = stated.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let entry = &catalogue()[0];
        let mut read = Scenario::from_toml_with(entry.name, entry.text, &changes).unwrap();
        let made = shape.scenario().unwrap();
        // Nothing varies what a shape draws.
        read.vary = made.vary.clone();
        prop_assert_eq!(told(&read), told(&made));
    }

    #[test]
    fn a_cell_of_the_matrix(
        words in prop::collection::vec(".{0,20}", 6),
        more in prop::collection::vec(option::of(".{0,20}"), 4),
        numbers in (any::<u64>(), option::of(any::<u64>()), option::of(any::<u32>())),
    ) {
        let [method, fault, promise, verdict, expected, source] = words.try_into().unwrap();
        let [under, rule, story, difference] = more.try_into().unwrap();
        let (schedules, failures, decisions) = numbers;
        let cell = MatrixCell {
            method, fault, promise, verdict, schedules, failures, under, rule, story, expected,
            source, difference,
            seed: failures.map(Seed),
            decisions: decisions.map(|decisions| decisions as usize),
        };
        check(&cell);
    }
}

#[test]
fn every_kind_of_operation_is_among_the_histories() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut kinds = BTreeSet::new();
    for _ in 0..2_000 {
        let event = events().new_tree(&mut runner).unwrap().current();
        let operation = Operation { at: Instant::START, process: NodeId(0), incarnation: 0, event };
        kinds.insert(serde_json::to_value(operation).unwrap()["kind"].to_string());
    }
    // What the reader says that it expects is what there is.
    let line = r#"{"at":"1ms","process":0,"incarnation":0,"kind":"none"}"#;
    let refusal = lines::read(line.as_bytes()).unwrap_err().to_string();
    let known = refusal.split_once("expected one of ").unwrap().1.split(", ").count();
    assert_eq!(kinds.len(), known, "{kinds:?} {refusal}");
}

/// Tables, keys and lists may stand in another order and in another style.
#[test]
fn a_scenario_is_the_same_however_it_is_laid_out() {
    for entry in catalogue() {
        let table: toml::Table = toml::from_str(entry.text).unwrap();
        for text in [toml::to_string(&table).unwrap(), toml::to_string_pretty(&table).unwrap()] {
            assert_ne!(text, entry.text);
            let read = Scenario::from_toml(entry.name, &text).unwrap();
            assert_eq!(told(&read), told(&entry.scenario().unwrap()), "{text}");
        }
    }
}
