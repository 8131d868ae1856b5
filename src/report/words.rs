//! Words, numbers and lines as people read them.

use std::fmt::Write as _;

pub(super) use crate::figures::{count, counted};

/// The widest line of a report.
pub(super) const WIDTH: usize = 100;

/// The width of the labels beside which facts stand.
pub(super) const LABEL: usize = 11;

/// Whether text carries terminal colours.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub enum Paint {
    /// Bare text.
    #[default]
    Plain,
    /// With ANSI escapes.
    Ansi,
}

/// What a piece of text means to its reader.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubtful,
    Strong,
    Faint,
}

impl Paint {
    pub(super) fn tint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "1;32",
            Tone::Bad => "1;31",
            Tone::Doubtful => "33",
            Tone::Strong => "1",
            Tone::Faint => "2",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// `49.8 %`.
pub(super) fn share(part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
    match percent {
        0.0 => "0 %".to_owned(),
        ..0.1 => "<0.1 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

pub(super) fn digest(value: u64) -> String {
    format!("{value:#018x}")
}

/// A label and text beside it, wrapped at words.
pub(super) fn field(indent: usize, label: &str, text: &str, paint: Paint) -> String {
    let margin = indent + LABEL;
    let mut lines = String::new();
    for (index, line) in wrap(text, WIDTH.saturating_sub(margin)).iter().enumerate() {
        if index == 0 {
            let padded = paint.tint(Tone::Faint, &format!("{label:<LABEL$}"));
            let _ = writeln!(lines, "{:indent$}{padded}{line}", "");
        } else {
            let _ = writeln!(lines, "{:margin$}{line}", "");
        }
    }
    lines
}

/// Breaks text at spaces; a word longer than the width, leading spaces and every line break of the
/// text stay.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut words = paragraph.split(' ');
        let mut line = words.next().unwrap_or_default().to_owned();
        for word in words {
            if line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            } else {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_share_is_not_zero() {
        assert_eq!(share(0, 10), "0 %");
        assert_eq!(share(1, 1_000_000), "<0.1 %");
        assert_eq!(share(1, 2), "50.0 %");
    }

    #[test]
    fn text_is_wrapped_at_words_and_keeps_its_own_breaks() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible it is", 7), ["incomprehensible", "it is"]);
        assert_eq!(wrap("a\nb", 7), ["a", "b"]);
        assert_eq!(wrap("  8 ms  it ends", 9), ["  8 ms ", "it ends"]);
    }
}
