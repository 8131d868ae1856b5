//! The sections of a scenario as a page.

use super::types::{Count, Key, Section, Value, Word, path};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The page below its introduction.
pub fn render(sections: &[Section], defaults: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for section in sections {
        render_section(section, defaults, &mut text);
    }
    text
}

fn render_section(section: &Section, defaults: &BTreeMap<String, String>, text: &mut String) {
    let Section { name, count, doc, keys, .. } = section;
    let _ = match (name.as_str(), count) {
        ("", _) => writeln!(text, "\n# The file itself\n\nThese keys stand above all sections."),
        (_, Count::Several) => writeln!(text, "\n# `[[{name}]]`\n\n{doc} There may be several."),
        (_, Count::AtMostOne) => {
            writeln!(text, "\n# `[{name}]`\n\n{doc} There is none unless the section is stated.")
        }
        (_, Count::One) => writeln!(text, "\n# `[{name}]`\n\n{doc}"),
    };
    text.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in keys {
        let default = match defaults.get(&path(name, &key.name)) {
            Some(value) => format!("`{value}`"),
            None if key.is_required => "*must be stated*".to_owned(),
            None => "*none*".to_owned(),
        };
        let (own, value, doc) = (&key.name, told(&key.value), cell(&key.doc));
        let _ = writeln!(text, "| `{own}` | {value} | {default} | {doc} |");
    }
    for key in keys {
        render_words(key, text);
    }
}

/// The words that a key takes, with their meanings.
fn render_words(Key { name, value, .. }: &Key, text: &mut String) {
    let Some(words) = value.words() else { return };
    let _ = writeln!(text, "\nThe words of `{name}`:\n");
    for word in words {
        let Word { written, doc, with, .. } = word;
        let _ = match with {
            None => writeln!(text, "- `\"{written}\"`: {doc}"),
            Some(with) => writeln!(text, "- `{{ {written} = … }}`, with {}: {doc}", told(with)),
        };
    }
}

/// The kind of a value in a few words.
fn told(value: &Value) -> String {
    match value {
        Value::Number { min, max } => format!("{} to {}", count(*min), count(*max)),
        Value::Time => "time".to_owned(),
        Value::TimeAboveZero => "time above 0".to_owned(),
        Value::Times => "two times".to_owned(),
        Value::Ratio => "ratio".to_owned(),
        Value::YesOrNo => "`true`, `false`".to_owned(),
        Value::Text => "text".to_owned(),
        Value::Words(_) => "word".to_owned(),
        Value::List(inner) => match inner.as_ref() {
            Value::Number { .. } => format!("list of {}", told(inner)),
            Value::TimeAboveZero => "list of times above 0".to_owned(),
            inner => format!("list of {}s", told(inner)),
        },
        Value::Optional(inner) => told(inner),
    }
}

/// `10 000`.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let grouped = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap());
    grouped.collect::<Vec<_>>().join("\u{202f}")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
