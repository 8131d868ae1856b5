//! Operations in JSON, which say what they say in EDN.

use super::read;
use clojure_reader::edn::{self, Edn};
use postulate::history::calls::Calls;
use postulate::history::jepsen::{CallReader, Workload};
use postulate::history::lines::LineError;
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

fn in_json(edn: &Edn<'_>) -> Value {
    match edn {
        Edn::Vector(items) | Edn::List(items) => items.iter().map(in_json).collect(),
        Edn::Set(items) => items.iter().map(in_json).collect(),
        Edn::Map(fields) => fields.iter().map(|(key, it)| (word(key), in_json(it))).collect(),
        Edn::Tagged(_, inner) => in_json(inner),
        Edn::Int(number) => (*number).into(),
        Edn::Bool(is_so) => (*is_so).into(),
        Edn::Nil => Value::Null,
        other => word(other).into(),
    }
}

fn word(edn: &Edn<'_>) -> String {
    match edn {
        Edn::Key(word) | Edn::Str(word) | Edn::Symbol(word) => word.to_string(),
        other => other.to_string(),
    }
}

/// The recorded histories that the fuzz target begins with, each with its name and in JSON.
fn recorded() -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/edn");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let edn = files.filter(|path| path.extension().is_some_and(|extension| extension == "edn"));
    edn.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| format!("{}\n", in_json(&edn::read(line).unwrap().0)));
        let json = lines.collect();
        (path.display().to_string(), text, json)
    })
    .collect()
}

fn calls<A: Copy + PartialEq>(
    mut reader: CallReader<&[u8], A>,
) -> Result<Vec<Calls<A>>, LineError> {
    while reader.read()? {}
    Ok(reader.finish())
}

#[test]
fn a_history_in_json_is_the_one_in_edn() {
    let mut accepted = 0;
    for (name, edn, json) in recorded() {
        for workload in [Workload::Queue, Workload::Set, Workload::Kafka] {
            if let Ok(history) = read(workload, &edn) {
                assert_eq!(read(workload, &json).unwrap(), history, "{name}");
                accepted += 1;
            }
        }
        if let Ok(queue) = calls(CallReader::queue(edn.as_bytes())) {
            assert_eq!(calls(CallReader::queue(json.as_bytes())).unwrap(), queue, "{name}");
            accepted += 1;
        }
        if let Ok(registers) = calls(CallReader::registers(edn.as_bytes())) {
            assert_eq!(calls(CallReader::registers(json.as_bytes())).unwrap(), registers, "{name}");
            accepted += 1;
        }
    }
    assert!(accepted >= 8, "{accepted}");
}

#[test]
fn a_wrong_line_is_refused_where_it_is_wrong() {
    let line = |parts: &[(&str, Value)]| {
        let mut operation: Map<String, Value> =
            serde_json::from_str(r#"{"process":0,"type":"invoke","f":"enqueue","value":7}"#)
                .unwrap();
        operation.extend(parts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        Value::Object(operation).to_string()
    };
    let refused = |line: &str, column: usize, what: &str| {
        let error = read(Workload::Queue, line).unwrap_err();
        let told = error.to_string();
        assert!(told.contains(what), "{told}, and not {what}");
        assert_eq!((error.line(), error.column()), (1, Some(column)), "{line}: {told}");
    };
    read(Workload::Queue, &line(&[])).unwrap();
    refused(&line(&[("process", (-1).into())]), 16, "a number from 0");
    refused(&line(&[("type", "invoked".into())]), 28, "and not :invoked");
    refused(&line(&[("f", 3.into())]), 2, "`:f` is a keyword");
    refused(r#"{"process":0,"value":1.5}"#, 24, "floating point");
    refused(r#"{"process":0,"value":9223372036854775808}"#, 40, "at most 9223372036854775807");
    refused(r#"{"process":0,"process":1}"#, 22, "the key :process is there twice");
    refused(r#"{"process":0"#, 12, "EOF");
    refused(r#"{"process":0} {}"#, 15, "trailing characters");
    let deep = format!(r#"{{"value":{}"#, "[".repeat(1 << 20));
    refused(&deep, 136, "recursion limit");
}
