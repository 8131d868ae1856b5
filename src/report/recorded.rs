//! How a replay compares with the failure file that it is of.

use super::words::{Paint, Tone, count, field};
use crate::regression::{Comparison, Ending, Parted, Regression};

/// A failure file and what came of its replay.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The file, as it was named.
    pub file: String,
    /// What it holds.
    pub regression: Regression,
    /// How the replay compares with that.
    pub comparison: Comparison,
}

impl Recorded {
    /// The outcome in a word: `reproduced`, `gone`, `diverged` or `otherwise`.
    pub(super) const fn slug(&self) -> &'static str {
        match self.comparison.ending {
            Ending::Reproduced => "reproduced",
            Ending::Gone => "gone",
            Ending::Diverged => "diverged",
            Ending::Otherwise { .. } => "otherwise",
        }
    }

    /// What the comparison says, a sentence a line.
    pub(super) fn sentences(&self) -> Vec<String> {
        let Self { regression, comparison, .. } = self;
        let group = regression.failure.group();
        let mut sentences = vec![match &comparison.ending {
            Ending::Reproduced if comparison.is_same => {
                format!("reproduced: {group}, and the run is the recorded one")
            }
            Ending::Reproduced => {
                format!("reproduced: {group}, though the run is not the recorded one")
            }
            Ending::Gone => format!(
                "gone: no {group}; delete the file, or keep it as a guard against its return"
            ),
            Ending::Diverged => format!(
                "diverged: no {group}, but the run went another way, which says nothing of the bug"
            ),
            Ending::Otherwise { group: found } => {
                format!("otherwise: {found}, where {group} is recorded")
            }
        }];
        sentences.extend(comparison.parted.as_ref().map(told_parting));
        if !comparison.is_same {
            let missed = comparison.missed.iter();
            sentences.extend(missed.map(|step| format!("nothing came of it: {step}")));
        }
        if comparison.is_edited {
            sentences.push("the file was changed by hand since it was written".to_owned());
        }
        let version = regression.other_version();
        sentences.extend(version.map(|version| format!("it was written by postulate {version}")));
        sentences
    }
}

/// A failure file and how its replay compares with it, for people.
pub fn recorded_text(recorded: &Recorded, paint: Paint) -> String {
    let tone = match recorded.comparison.ending {
        Ending::Reproduced | Ending::Otherwise { .. } => Tone::Bad,
        Ending::Gone => Tone::Good,
        Ending::Diverged => Tone::Doubtful,
    };
    let mut text = field(2, "recorded", &paint.tint(Tone::Strong, &recorded.file), paint);
    for (number, sentence) in recorded.sentences().iter().enumerate() {
        let sentence = if number == 0 { paint.tint(tone, sentence) } else { sentence.clone() };
        text.push_str(&field(2, "", &sentence, paint));
    }
    text
}

fn told_parting(parted: &Parted) -> String {
    let Parted { common, event } = parted;
    let common = count(*common as u64);
    match event {
        Some(event) => {
            format!("they part after {common} events: now at {} {}", event.at, event.text)
        }
        None => format!("they part after {common} events, with which this run ends"),
    }
}
