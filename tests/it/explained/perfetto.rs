//! The traces.

use super::{LEAST, account, each_witness, seeded};
use postulate::report::Explained;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    other_data: BTreeMap<String, String>,
    #[serde(rename = "traceEvents")]
    records: Vec<Record>,
}

#[derive(Clone, Deserialize)]
struct Record {
    name: String,
    ph: char,
    pid: u64,
    tid: u64,
    ts: f64,
    dur: Option<f64>,
    id: Option<u64>,
    bp: Option<String>,
    #[serde(default)]
    args: Value,
}

impl Trace {
    fn of(explained: &Explained) -> Self {
        serde_json::from_str(&explained.perfetto()).unwrap()
    }

    fn of_phase(&self, ph: char) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.ph == ph)
    }

    /// The slice that is open at a flow, by its event: the newest one of the thread.
    fn slice_at(&self, flow: &Record) -> usize {
        let slices = self.of_phase('X').filter(|slice| slice.tid == flow.tid);
        let around = |it: &&Record| it.ts <= flow.ts && flow.ts < it.ts + it.dur.unwrap();
        let around: Vec<_> = slices.filter(around).collect();
        let [slice] = around[..] else { panic!("{} slices around a flow", around.len()) };
        event(slice)
    }
}

fn event(record: &Record) -> usize {
    record.args["event"].as_u64().unwrap() as usize
}

fn check(explained: &Explained) {
    let trace = Trace::of(explained);
    assert_eq!(trace.other_data["group"], explained.group);
    let times = trace.records.iter().map(|record| record.ts);
    assert!(times.is_sorted(), "records are in the order of their times");
    check_tracks(&trace, explained);
    check_slices(&trace, explained);
    check_flows(&trace, explained);
    check_bands(&trace, explained);
    assert_eq!(trace.of_phase('C').count(), explained.curve.len());
    let shares = trace.of_phase('C').map(|it| it.args["percent"].as_f64().unwrap());
    assert!(shares.into_iter().all(|share| (0.0..=100.0).contains(&share)));
}

/// Every track has a name, and no two processes share a thread.
fn check_tracks(trace: &Trace, explained: &Explained) {
    let mut processes = BTreeMap::new();
    for record in &trace.records {
        assert_ne!(record.pid, 0, "that is the idle process");
        let process = *processes.entry(record.tid).or_insert(record.pid);
        assert_eq!(process, record.pid);
    }
    for what in ["process_name", "thread_name"] {
        let named = trace.of_phase('M').filter(|it| it.name == what);
        let named: BTreeMap<u64, &str> =
            named.map(|it| (it.pid, it.args["name"].as_str().unwrap())).collect();
        assert_eq!(named.len(), explained.machines.len() + 1);
        for machine in &explained.machines {
            assert!(named.values().any(|name| *name == machine.name));
        }
        assert!(processes.values().all(|pid| named.contains_key(pid)));
    }
}

/// Every event is a slice or a mark on one, and no two slices of a thread overlap.
fn check_slices(trace: &Trace, explained: &Explained) {
    let mut ends: BTreeMap<u64, f64> = BTreeMap::new();
    for slice in trace.of_phase('X') {
        let end = ends.entry(slice.tid).or_default();
        assert!(slice.ts >= *end, "{} begins within another slice", event(slice));
        assert!(slice.dur.unwrap() > 0.0);
        *end = slice.ts + slice.dur.unwrap();
    }
    let told = trace.of_phase('X').chain(trace.of_phase('i'));
    let told: BTreeMap<usize, &Record> = told.map(|record| (event(record), record)).collect();
    assert_eq!(told.len(), explained.events.len());
    for (&id, record) in &told {
        let event = &explained.events[id];
        assert!((record.ts - event.at_ns as f64 / 1_000.0).abs() < 1_000.0, "{id}: {}", record.ts);
        assert_eq!(record.args["is_past"], explained.past.contains(&id));
        assert_eq!(record.args["shows"], explained.anchors.contains(&id));
        assert_eq!(record.args["at"], event.at);
        let is_mark = matches!(event.kind.as_str(), "drop" | "void");
        assert_eq!(record.ph == 'i', is_mark, "{id}");
    }
}

/// Every message that came has one arrow, from the slice that sent it to the one that has it.
fn check_flows(trace: &Trace, explained: &Explained) {
    let ends = |ph| {
        let flows: Vec<&Record> = trace.of_phase(ph).collect();
        let ids: BTreeMap<u64, &Record> = flows.iter().map(|it| (it.id.unwrap(), *it)).collect();
        assert_eq!(ids.len(), flows.len(), "an id is used twice");
        ids
    };
    let (starts, finishes) = (ends('s'), ends('f'));
    assert!(starts.keys().eq(finishes.keys()), "an arrow has one end only");
    for (id, start) in &starts {
        let (finish, message) = (finishes[id], &explained.messages[*id as usize]);
        assert_eq!(finish.bp.as_deref(), Some("e"));
        assert!(start.ts <= finish.ts);
        assert_eq!(trace.slice_at(start), message.sent);
        assert_eq!(Some(trace.slice_at(finish)), message.ended);
        assert_eq!(start.name, message.kind);
    }
    let came = explained.messages.iter().filter(|it| matches!(&*it.fate, "delivered" | "dead"));
    assert!(came.map(|message| message.id as u64).eq(starts.keys().copied()));
}

fn check_bands(trace: &Trace, explained: &Explained) {
    let begins: Vec<&Record> = trace.of_phase('b').collect();
    let ends: BTreeMap<u64, &Record> =
        trace.of_phase('e').map(|record| (record.id.unwrap(), record)).collect();
    assert_eq!(begins.len(), explained.bands.len());
    assert_eq!(begins.len(), ends.len());
    for begin in begins {
        let end = ends[&begin.id.unwrap()];
        assert_eq!((end.pid, &end.name), (begin.pid, &begin.name));
        assert!(begin.ts <= end.ts);
    }
}

#[test]
fn every_witness_is_traced() {
    each_witness(|_, subject, account| check(&Explained::of(account, subject.as_ref())));
}

#[test]
fn runs_with_all_their_faults_are_traced() {
    let mut seen = BTreeSet::new();
    for specimen in postulate::zoo::zoo().iter().take(6) {
        let subject = specimen.subject().unwrap();
        let schedules = seeded(specimen, &subject, 1);
        let explained =
            Explained::of(&account(specimen.id, &subject, &schedules[0], LEAST), subject.as_ref());
        check(&explained);
        seen.extend(explained.bands.iter().map(|band| band.kind.clone()));
        seen.extend(explained.messages.iter().map(|message| message.fate.clone()));
    }
    for kind in ["down", "cut", "delivered", "lost", "dead"] {
        assert!(seen.contains(kind), "no {kind} among {seen:?}");
    }
}
