//! The inputs that fuzzing begins with, in `fuzz/seeds`: they are what they are there for.
//!
//! Scenarios and failure files are those of the repository, by links; recordings are written by
//! hand. The others are made anew by
//! `UPDATE_SEEDS=1 cargo test --test it seeds`, which is in order whenever one of them is no longer
//! what it was.

use crate::check::naive::{RULES, group};
use crate::check::random::{Rng, mutated, promises, stamped};
use crate::cli::postulate;
use postulate::blob::Blobs;
use postulate::check::judge;
use postulate::explore::{Bytes, RECORD_BYTES, SEED_BYTES};
use postulate::history::lines;
use postulate::id::{GroupId, MessageId, NodeId, PartitionId, QueueId};
use postulate::model::message::{
    Acks, BatchId, DatabaseMessage, Entry, HalfMessage, Identity, Message, Produce, ProducerId,
    QueueMessage, Receipt, Settlement, Wanted,
};
use postulate::model::store::TableId;
use postulate::model::wire::{self, Frames};
use postulate::profile::Framing;
use postulate::regression::Regression;
use postulate::run::Outcome;
use postulate::scenario::{Expect, Scenario, catalogue};
use postulate::time::{Instant, Span};
use postulate::zoo::{Specimen, zoo};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

/// The longest history.
const HISTORY_BYTES_MAX: usize = 12_000;

/// How many inputs are tried for one that breaks what it is to break.
const TRIES: u64 = 5_000;

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target)
}

#[expect(
    clippy::disallowed_methods,
    reason = "whether to compare or to write is said from outside"
)]
fn is_update() -> bool {
    std::env::var("UPDATE_SEEDS").is_ok_and(|value| value == "1")
}

type Seeds = Vec<(String, Vec<u8>)>;

/// The names and the bytes of the seeds of a target.
fn seeds(target: &str) -> Seeds {
    let files = fs::read_dir(folder(target)).unwrap().map(|file| file.unwrap().path());
    let mut seeds: Seeds = files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    seeds.sort();
    assert!((1..=40).contains(&seeds.len()), "{target} has {} seeds", seeds.len());
    seeds
}

/// The seeds of a target that has files of its own; written anew before, if that is asked for.
fn seeds_made(target: &str, made: impl FnOnce() -> Seeds) -> Seeds {
    let folder = folder(target);
    if is_update() {
        assert!(!folder.is_symlink(), "{target} has the files of others");
        let old = fs::read_dir(&folder).into_iter().flatten();
        old.for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in made() {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
    seeds(target)
}

#[test]
fn the_scenarios_are_those_of_the_catalogue() {
    for (name, bytes) in seeds("scenario") {
        Scenario::from_toml(&name, str::from_utf8(&bytes).unwrap()).unwrap();
    }
}

#[test]
fn the_failure_files_are_those_of_the_zoo() {
    for (name, bytes) in seeds("failure") {
        let kept = Regression::parse(&name, &bytes).unwrap();
        let specimen = Specimen::named(&kept.scenario.name).unwrap();
        kept.belongs(&name, specimen.subject().unwrap().as_ref()).unwrap();
    }
}

/// The histories of witnesses, each with a kind of operation that those before lack.
fn histories() -> Seeds {
    let mut seen = BTreeSet::new();
    let mut histories = Vec::new();
    for specimen in zoo() {
        let (subject, schedule) =
            (specimen.subject().unwrap(), specimen.witness_schedule().unwrap());
        let inspection = subject.worker(Arc::default()).inspect(&schedule);
        let mut text = Vec::new();
        lines::write(&inspection.history, &mut text).unwrap();
        let kinds = inspection.history.operations().iter().map(|it| {
            let value = serde_json::to_value(it).unwrap();
            value["kind"].as_str().unwrap().to_owned()
        });
        let kinds: BTreeSet<_> = kinds.collect();
        if text.len() <= HISTORY_BYTES_MAX && !kinds.is_subset(&seen) {
            seen.extend(kinds);
            histories.push((format!("{}.jsonl", specimen.id), text));
        }
    }
    histories
}

#[test]
fn the_histories_are_histories() {
    for (name, bytes) in seeds_made("history", histories) {
        let history = lines::read(&bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(history.operations().len() > 10, "{name}");
    }
}

#[test]
fn the_recordings_are_read_and_judged() {
    let mut found = Vec::new();
    for (name, bytes) in seeds("edn") {
        let (rest, _) = name.split_once('.').unwrap();
        let (workload, _) = rest.split_once('-').unwrap_or((rest, ""));
        let promise = match workload {
            "queue" => "fifo",
            "register" => "register",
            "kafka" => "per-key-order",
            _ => "exactly-once --sink 0",
        };
        let words = format!("check - --from jepsen-{workload} --promise {promise}");
        found.push((name.clone(), judged(&words, &bytes)));
    }
    let found: Vec<(&str, i32)> = found.iter().map(|(name, exit)| (name.as_str(), *exit)).collect();
    let expected = [
        ("kafka-rewound.edn", 1),
        ("kafka.edn", 0),
        ("kafka.jsonl", 0),
        ("queue-swapped.edn", 1),
        ("queue-swapped.jsonl", 1),
        ("queue.edn", 0),
        ("register-stale.edn", 1),
        ("register.edn", 0),
        ("set.edn", 0),
    ];
    assert_eq!(found, expected);
}

/// How the command ends that reads `input`.
fn judged(words: &str, input: &[u8]) -> i32 {
    let mut command = postulate(words);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait().unwrap().code().unwrap()
}

/// A frame of each kind of request, as to the first machine of the first scenario; and several.
fn requests() -> Seeds {
    let mut blobs = Blobs::default();
    let entry = Entry::new(MessageId::new(NodeId(1), 1), 3, blobs.put(b"a body"));
    let (request, partition, group, queue) = (7, PartitionId(0), GroupId(0), QueueId(0));
    let (batch, wait_max, attempt, offset) = (10, Span::millis(5), 1, 0);
    let receipt = Receipt { queue, number: 0, attempt };
    let name = BatchId { producer: ProducerId(1), epoch: 0, sequence: 0 };
    let produce = Produce { entry, identity: Identity::Batch(name) };
    let keys = Box::new([(TableId(0), 1)]);
    let queued = |message| Message::Queue(message);
    let said = [
        ("produce", Message::Produce { partition, acks: Acks::All, produce }),
        ("fetch", Message::Fetch { request, partition, offset, batch, wait_max }),
        ("commit", Message::Commit { request: Some(request), group, partition, offset }),
        ("offset-fetch", Message::OffsetFetch { request, group, partition }),
        ("subscribe", queued(QueueMessage::Subscribe { queue, credit: 3 })),
        (
            "receive",
            queued(QueueMessage::Receive {
                request,
                queue,
                wanted: Wanted::Ready,
                batch,
                wait_max,
            }),
        ),
        (
            "settle",
            queued(QueueMessage::Settle {
                request: Some(request),
                receipt,
                settlement: Settlement::Ack,
            }),
        ),
        ("half", Message::Half(HalfMessage::Prepare { entry, born: Instant::START })),
        ("select", Message::Database(DatabaseMessage::Select { request, keys })),
    ];
    let frame = |message: &Message| wire::encode(message, &blobs).unwrap();
    let whole = said.iter().flat_map(|(_, message)| frame(message)).collect();
    let frames = said.iter().map(|(name, message)| ((*name).to_owned(), frame(message)));
    let frames = frames.chain([("stream".to_owned(), whole)]);
    frames.map(|(name, frame)| (name, [&[0, 0, 5], &frame[..]].concat())).collect()
}

#[test]
fn the_requests_are_frames() {
    for (name, input) in seeds_made("request", requests) {
        let mut frames = Frames::new(Framing::Checked);
        frames.push(&input[3..]);
        let mut blobs = Blobs::default();
        let messages: Vec<_> = std::iter::from_fn(|| frames.take(&mut blobs)).collect();
        let is_whole = messages.iter().all(Result::is_ok) && frames.held() == 0;
        assert!(is_whole && !messages.is_empty(), "{name}: {messages:?}");
    }
}

/// Small inputs, each of which a specimen does not survive.
fn schedules() -> Seeds {
    zoo().iter().filter_map(|it| Some((it.id.to_owned(), schedule_that_fails(it)?))).collect()
}

/// A quiet run with one to three records that breaks what a specimen breaks. The first byte is the
/// number of its twin among the scenarios that are to keep their promises.
fn schedule_that_fails(specimen: &Specimen) -> Option<Vec<u8>> {
    let right = catalogue().iter().filter(|it| it.scenario().unwrap().expect != Expect::Violated);
    let twin = right.map(|entry| entry.name).position(|name| name == specimen.twin)?;
    let mut bytes = Bytes::new(&specimen.subject().unwrap());
    let mut rng = Rng::new(u64::from(specimen.number));
    (0..TRIES).find_map(|round| {
        let records = 1 + round as usize % 3;
        let mut input = vec![0; SEED_BYTES];
        input.extend((0..records * RECORD_BYTES).map(|at| match at % RECORD_BYTES {
            1 | 3 => 0,
            _ => rng.below(256) as u8,
        }));
        let is_found = breaks(&mut bytes, &input, specimen);
        is_found.then(|| [vec![twin as u8], input].concat())
    })
}

fn breaks(bytes: &mut Bytes, input: &[u8], specimen: &Specimen) -> bool {
    let (_, run) = bytes.run(input);
    matches!(&run.outcome, Outcome::Violated(it) if it.rule == specimen.breaks)
}

/// Changes of a scenario move what bytes stand for; what was made once need not fail for ever.
#[test]
fn the_schedules_are_schedules_and_many_break_their_specimens() {
    let seeds = seeds_made("schedule", schedules);
    let mut broken = 0;
    for (name, input) in &seeds {
        let specimen = Specimen::named(name).unwrap_or_else(|| panic!("{name} is no specimen"));
        let mut bytes = Bytes::new(&specimen.subject().unwrap());
        assert!(bytes.schedule(&input[1..]).steps() > 0 || specimen.witness.is_empty(), "{name}");
        broken += usize::from(breaks(&mut bytes, &input[1..], specimen));
    }
    assert!(2 * broken >= seeds.len(), "only {broken} break their specimens: make them anew");
}

/// For each verdict the first of some short inputs.
fn verdicts() -> Seeds {
    let mut rng = Rng::new(0);
    let mut found = Seeds::new();
    for _ in 0..TRIES {
        let input: Vec<_> = (0..48).map(|_| rng.below(256) as u8).collect();
        let verdict = verdict(&input);
        if !found.iter().any(|(known, _)| *known == verdict) {
            found.push((verdict, input));
        }
    }
    found
}

fn verdict(input: &[u8]) -> String {
    let mut rng = Rng::of_bytes(input);
    let promises = promises(&mut rng);
    group(&judge(&stamped(mutated(&mut rng)), &promises))
}

#[test]
fn the_small_histories_have_verdicts_of_all_kinds() {
    let seeds = seeds_made("oracles", verdicts);
    let verdicts: BTreeSet<_> = seeds.iter().map(|(_, input)| verdict(input)).collect();
    assert!(2 * verdicts.len() > RULES.len(), "only {verdicts:?}: make them anew");
}
