//! What the parser says of a wrong text, in words that tell what would be right.

use super::nearest::nearest;

/// What would be right where the parser complains so; `variants` are the words that are known in
/// the place of a value that is no word.
pub(super) fn advise(complaint: &str, variants: Option<&str>) -> String {
    let (first, rest) = complaint.split_once('\n').unwrap_or((complaint, ""));
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let words: Vec<String> = quoted(first);
    if let (true, [word, known @ ..]) = (first.starts_with("unknown "), words.as_slice()) {
        let known = known.iter().map(String::as_str);
        return match nearest(word, known).first() {
            Some(meant) => format!("{first}; did you mean `{meant}`?"),
            None => first.to_owned(),
        };
    }
    if let (true, [key, ..]) = (first.starts_with("missing field"), words.as_slice()) {
        return format!("`{key}` is missing here: write it, it has no default");
    }
    if first == "recursion limit" {
        return "this is nested deeper than any scenario: expected a section of keys".to_owned();
    }
    if first.starts_with("duplicate key") {
        return "this is stated a second time: state it once".to_owned();
    }
    if let (true, Some(variants)) = (first == "wanted string or table", variants) {
        return format!("this is not a word in quotes, {variants}");
    }
    let told = [
        ("expected a sequence", "expected a list in brackets"),
        ("expected a boolean", "expected true or false"),
        ("expected a string", "expected text in quotes"),
        ("expected u32", "expected a number from 0 to 4294967295"),
    ];
    let mut text = told.iter().fold(first.to_owned(), |text, (from, to)| text.replace(from, to));
    if let Some(start) = text.find("expected struct ") {
        text.truncate(start);
        text.push_str("expected a section in [brackets]");
    }
    // A parser that names no cure has met something that is not TOML.
    if ["expected", "write", "wanted"].iter().all(|word| !text.contains(word)) {
        text.push_str(": expected TOML, lines such as `producers = 2` under `[workload]`");
    }
    if rest.is_empty() { text } else { format!("{text}\n{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(complaint: &str, advice: &str) {
        assert_eq!(advise(complaint, Some("expected `a` or `b`")), advice);
    }

    #[test]
    fn advice_says_what_would_be_right() {
        check(
            "unknown field `keyz`, expected `keys` or `pace`",
            "unknown field `keyz`, expected `keys` or `pace`; did you mean `keys`?",
        );
        check(
            "unknown variant `x`, expected `keys` or `pace`",
            "unknown variant `x`, expected `keys` or `pace`",
        );
        check("missing field `name`", "`name` is missing here: write it, it has no default");
        check("duplicate key", "this is stated a second time: state it once");
        check("wanted string or table", "this is not a word in quotes, expected `a` or `b`");
        check(
            "invalid type: integer `5`, expected struct Workload",
            "invalid type: integer `5`, expected a section in [brackets]",
        );
        check(
            "invalid type: string \"yes\", expected a boolean",
            "invalid type: string \"yes\", expected true or false",
        );
    }
}
