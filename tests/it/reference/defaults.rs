//! The defaults of a scenario's keys, taken from scenarios that leave them out.

use super::LEAST;
use super::types::{Count, Section, Value, Word, path};
use postulate::node::System;
use postulate::scenario::Scenario;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Lines;

/// The default of every key that has one, as it would be written: `broker.partitions` is `1`.
pub fn stated(sections: &[Section]) -> BTreeMap<String, String> {
    let text = sample(sections);
    let scenario: Scenario = toml::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let shown = format!("{scenario:#?}");
    let tree = Node::parse(&mut shown.lines().peekable());
    let mut stated = surroundings();
    for section in sections {
        for key in section.keys.iter().filter(|key| !key.is_required) {
            let field = path(&section.field, &key.field);
            let node = tree.at(&field).unwrap_or_else(|| panic!("{field} is not in\n{shown}"));
            let own = || default_word(&key.value).map(|word| format!("{:?}", word.written));
            if let Some(value) = node.written(&key.value).or_else(own) {
                stated.insert(path(&section.name, &key.name), value);
            }
        }
    }
    stated
}

/// What an optional word is unless it is stated.
fn default_word(value: &Value) -> Option<&Word> {
    let Value::Optional(inner) = value else { return None };
    inner.words()?.iter().find(|word| word.is_default)
}

/// What follows for a whole system when its surroundings are left open.
fn surroundings() -> BTreeMap<String, String> {
    let system = Scenario::from_toml("least.toml", LEAST).and_then(Scenario::system).unwrap();
    let profile = System::profile(&system);
    let span = |span: postulate::time::Span| format!("\"{}\"", span.to_string().replace(' ', ""));
    let sync = (profile.disk.sync, profile.disk.sync + profile.disk.jitter);
    [
        ("run.heal_at", span(profile.heal_at)),
        ("run.patience", span(profile.patience)),
        ("run.drain", span(profile.drain)),
        ("run.events_max", grouped(&profile.events_max.to_string())),
        ("run.time_max", span(profile.time_max)),
        ("disk.sync", format!("[{}, {}]", span(sync.0), span(sync.1)).replace('µ', "u")),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// A text with all sections, each with what must be stated in it.
fn sample(sections: &[Section]) -> String {
    let mut text = String::new();
    for Section { name, count, keys, .. } in sections {
        if !name.is_empty() {
            let _ = match count {
                Count::Several => writeln!(text, "[[{name}]]"),
                Count::One | Count::AtMostOne => writeln!(text, "[{name}]"),
            };
        }
        for key in keys.iter().filter(|key| key.is_required) {
            let _ = writeln!(text, "{} = {}", key.name, some(&key.value));
        }
    }
    text
}

/// Some value of this kind.
fn some(value: &Value) -> String {
    match value {
        Value::Number { min, .. } => min.to_string(),
        Value::Time | Value::TimeAboveZero => "\"1s\"".to_owned(),
        Value::Times => "[\"1s\", \"2s\"]".to_owned(),
        Value::Ratio => "\"1/2\"".to_owned(),
        Value::YesOrNo => "true".to_owned(),
        Value::Text => "\"text\"".to_owned(),
        Value::Words(words) => format!("{:?}", words[0].written),
        Value::List(inner) => format!("[{}]", some(inner)),
        Value::Optional(inner) => some(inner),
    }
}

/// A value as `{:#?}` shows it.
enum Node {
    Leaf(String),
    Fields(BTreeMap<String, Node>),
    Items(Vec<Node>),
}

impl Node {
    fn parse(lines: &mut Peekable<Lines<'_>>) -> Self {
        let first = lines.next().unwrap().trim();
        Self::parse_from(first, lines)
    }

    /// The node whose first line is `first`; the others follow.
    fn parse_from(first: &str, lines: &mut Peekable<Lines<'_>>) -> Self {
        let first = first.trim_end_matches(',');
        if first.ends_with('{') {
            let mut fields = BTreeMap::new();
            while let Some(line) = inner_line(lines, '}') {
                if let Some((name, value)) = line.split_once(": ") {
                    fields.insert(name.to_owned(), Self::parse_from(value, lines));
                }
            }
            Self::Fields(fields)
        } else if first.ends_with(['(', '[']) {
            let close = if first.ends_with('(') { ')' } else { ']' };
            let mut items = Vec::new();
            while let Some(line) = inner_line(lines, close) {
                items.push(Self::parse_from(line, lines));
            }
            Self::Items(items)
        } else {
            Self::Leaf(first.to_owned())
        }
    }

    fn at(&self, path: &str) -> Option<&Self> {
        let (first, rest) =
            path.split_once('.').map_or((path, None), |(one, two)| (one, Some(two)));
        let found = match self {
            Self::Fields(fields) => {
                fields.get(first).or_else(|| fields.get(&format!("{first}s")))?
            }
            Self::Items(items) => return items.first()?.at(path),
            Self::Leaf(_) => return None,
        };
        rest.map_or(Some(found), |rest| found.at(rest))
    }

    /// The value as it would be written in a file; nothing, if it is left open.
    fn written(&self, value: &Value) -> Option<String> {
        Some(match (self, value) {
            (Self::Leaf(leaf), Value::Optional(_)) if leaf == "None" => return None,
            (Self::Items(items), Value::Optional(inner)) => items[0].written(inner)?,
            (Self::Items(items), Value::List(inner)) => {
                let items: Option<Vec<_>> = items.iter().map(|item| item.written(inner)).collect();
                format!("[{}]", items?.join(", "))
            }
            (Self::Items(items), value) => items[0].written(value)?,
            (Self::Fields(fields), Value::Times) => {
                let time = |key: &str| fields[key].written(&Value::Time);
                format!("[{}, {}]", time("least")?, time("most")?)
            }
            (Self::Leaf(leaf), Value::Time | Value::TimeAboveZero) => {
                format!("\"{}\"", leaf.replace(' ', "").replace('µ', "u"))
            }
            (Self::Leaf(leaf), Value::Ratio) => format!("{leaf:?}"),
            (Self::Leaf(leaf), Value::Words(words)) => {
                let word = words.iter().find(|word| [&word.variant, &word.written].contains(&leaf));
                format!("{:?}", word.unwrap_or_else(|| panic!("{leaf} is no word")).written)
            }
            (Self::Leaf(leaf), Value::Number { .. }) => grouped(leaf),
            (Self::Leaf(leaf), _) => leaf.clone(),
            (Self::Fields(_), _) => panic!("a section stands in the place of a value"),
        })
    }
}

/// `10_000`.
fn grouped(digits: &str) -> String {
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap());
    groups.collect::<Vec<_>>().join("_")
}

/// The next line that is not the closing one.
fn inner_line<'a>(lines: &mut Peekable<Lines<'a>>, close: char) -> Option<&'a str> {
    let line = lines.next()?.trim();
    if line.starts_with(close) { None } else { Some(line) }
}
