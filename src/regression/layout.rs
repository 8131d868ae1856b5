//! JSON for people: what fits on a line stands on it.

use std::fmt::Write as _;

/// The widest line that holds more than one value.
const WIDTH: usize = 100;

/// Lays out JSON that is written without spaces: a list or an object stands on one line if it fits
/// there, otherwise each of its members does, two columns further in.
pub(super) fn laid_out(compact: &str) -> String {
    let mut text = String::new();
    let mut rest = compact;
    lay_out(&mut rest, 0, 0, &mut text);
    text.push('\n');
    text
}

/// Writes the value that `rest` starts with, `indent` columns in, where `used` columns of the line
/// are taken already.
fn lay_out(rest: &mut &str, indent: usize, used: usize, text: &mut String) {
    let value = take_value(rest);
    let line = spaced(value);
    let members = match value.as_bytes() {
        [b'{' | b'[', inside @ .., _] if !inside.is_empty() => &value[1..value.len() - 1],
        _ => {
            text.push_str(&line);
            return;
        }
    };
    // A comma may follow.
    if used + line.chars().count() < WIDTH {
        text.push_str(&line);
        return;
    }
    text.push_str(&value[..1]);
    let (mut members, inner) = (members, indent + 2);
    while !members.is_empty() {
        let _ = write!(text, "\n{:inner$}", "");
        let mut used = inner;
        if value.starts_with('{') {
            let name = take_value(&mut members);
            text.push_str(name);
            text.push_str(": ");
            used += name.chars().count() + 2;
            members = &members[1..];
        }
        lay_out(&mut members, inner, used, text);
        if let Some(next) = members.strip_prefix(',') {
            text.push(',');
            members = next;
        }
    }
    let _ = write!(text, "\n{:indent$}", "");
    text.push_str(&value[value.len() - 1..]);
}

/// Cuts off the value that `rest` starts with.
fn take_value<'a>(rest: &mut &'a str) -> &'a str {
    let (mut depth, mut in_text, mut is_escaped) = (0_u32, false, false);
    let end = rest.bytes().position(|byte| {
        let is_inside = in_text || depth > 0;
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b',' | b':' | b'}' | b']' if !is_inside => return true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        false
    });
    let (value, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after;
    value
}

/// The same on one line, with a space behind each comma and colon.
fn spaced(value: &str) -> String {
    let (mut in_text, mut is_escaped) = (false, false);
    let mut line = String::with_capacity(value.len());
    for letter in value.chars() {
        line.push(letter);
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '"' => in_text = !in_text,
            ',' | ':' if !in_text => line.push(' '),
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(compact: &str, expected: &str) {
        let text = laid_out(compact);
        assert_eq!(text, expected);
        let value = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&text), value(compact));
    }

    #[test]
    fn what_fits_stands_on_a_line() {
        check("{}", "{}\n");
        check(r#"{"a":[1,2],"b":"x,y:\"{"}"#, "{\"a\": [1, 2], \"b\": \"x,y:\\\"{\"}\n");
    }

    #[test]
    fn what_does_not_fit_is_broken_at_its_members() {
        let long = "x".repeat(60);
        check(
            &format!(r#"{{"a":["{long}","{long}"],"b":{{}},"c":[]}}"#),
            &format!(
                "{{\n  \"a\": [\n    \"{long}\",\n    \"{long}\"\n  ],\n  \"b\": {{}},\n  \
                 \"c\": []\n}}\n"
            ),
        );
    }
}
