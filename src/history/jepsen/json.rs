//! The same operations as objects of JSON, as harnesses in other languages write them most easily:
//! a string stands for a keyword, an array for a vector.
//!
//! ```text
//! {"type": "invoke", "f": "enqueue", "value": 7, "process": 0, "time": 1000}
//! ```

use super::source::Wrong;
use clojure_reader::edn::Edn;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Whether a line is in JSON: its first key stands in quotes, which no operation in EDN has.
pub(super) fn is_json(line: &str) -> bool {
    let inner = line.trim_start().strip_prefix('{');
    inner.is_some_and(|inner| inner.trim_start().starts_with('"'))
}

/// A line in EDN's terms.
///
/// # Errors
/// If it is not one value of JSON, or has a number that EDN's integers do not.
pub(super) fn read(line: &str) -> Result<Edn<'_>, Wrong> {
    serde_json::from_str::<Value<'_>>(line).map(|value| value.0).map_err(|error| {
        let told = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = told.strip_suffix(&place).unwrap_or(&told).to_owned();
        Wrong::Place(error.column().max(1), what)
    })
}

struct Value<'a>(Edn<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values).map(Value)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Edn<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, a word, null, or an array or object of these")
    }

    fn visit_unit<E: Error>(self) -> Result<Edn<'de>, E> {
        Ok(Edn::Nil)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Edn<'de>, E> {
        Ok(Edn::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Edn<'de>, E> {
        Ok(Edn::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Edn<'de>, E> {
        let value = value.try_into();
        value.map(Edn::Int).map_err(|_| E::custom(format_args!("a number is at most {}", i64::MAX)))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Edn<'de>, E> {
        Ok(Edn::Key(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Edn<'de>, E> {
        Ok(Edn::Key(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Edn<'de>, A::Error> {
        let mut read = Vec::new();
        while let Some(Value(item)) = items.next_element()? {
            read.push(item);
        }
        Ok(Edn::Vector(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Edn<'de>, A::Error> {
        let mut read = BTreeMap::new();
        while let Some(Value(key)) = fields.next_key()? {
            // Keys of JSON are strings, those of a log are numbers.
            let number = if let Edn::Key(word) = &key { word.parse().ok() } else { None };
            let key = number.map_or(key, Edn::Int);
            if read.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key} is there twice")));
            }
            let Value(value) = fields.next_value()?;
            read.insert(key, value);
        }
        Ok(Edn::Map(read))
    }
}
