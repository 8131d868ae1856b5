//! What sweeps, replays and shrunk failures look like: text for people, JSON for programs,
//! JUnit XML for build servers (feature `cli`).
//!
//! A report is a pure function of what it tells about. Who prints it decides whether it is
//! [painted](Paint), and which line a reader is to [paste](Paste) to see a failure again.

use crate::schedule::Strategy;
use crate::seed::Seed;

mod bugs;
mod checked;
mod decisions;
mod exhausted;
pub mod explained;
mod json;
#[cfg(feature = "cli")]
mod junit;
mod matrix;
mod operation;
mod recorded;
mod replay;
mod shrunk;
mod sweep;
mod sweep_page;
mod telling;
mod words;
mod zoo;

pub use checked::{Checked, check_json, check_page, check_text};
pub use exhausted::{exhausted_json, exhausted_text};
pub use explained::{Account, Explained, explained_mermaid, explained_text};
pub use json::{hung_json, replay_json, sweep_json};
#[cfg(feature = "cli")]
pub use junit::{exhausted_junit, sweep_junit};
pub use matrix::{MatrixCell, is_unexplained, matrix_json, matrix_page, matrix_rows, matrix_text};
pub use recorded::{Recorded, recorded_text};
pub use replay::{Replayed, Rewriting, end_text, kept_text, replay_text};
pub use shrunk::{Bugs, Fate, ShrunkFile, schedule_lines, shrunk_json, shrunk_text};
pub use sweep::{Sight, headline, sweep_text};
pub use sweep_page::sweep_page;
pub use telling::outcome_text;
pub use words::Paint;
pub use zoo::{Exhibit, zoo_json, zoo_text};

/// How to see the failure of a seed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paste {
    /// From the command line.
    Replay {
        /// The scenario as it was named.
        scenario: String,
        /// In which order each seed runs what is due close together.
        strategy: Strategy,
    },
    /// From `cargo test`.
    Test {
        /// The test, if it can be told.
        name: Option<String>,
    },
}

impl Paste {
    /// The line that shows `seed` again.
    ///
    /// ```
    /// use postulate::report::Paste;
    /// use postulate::seed::Seed;
    ///
    /// let paste = Paste::Test { name: Some("pipe::holds".to_owned()) };
    /// assert_eq!(paste.line(Seed(42)), "POSTULATE_SEED=0x2a cargo test pipe::holds");
    /// ```
    pub fn line(&self, seed: Seed) -> String {
        match self {
            Self::Replay { scenario, strategy: Strategy::Mix } => {
                format!("postulate replay {scenario} --seed {seed}")
            }
            Self::Replay { scenario, strategy } => {
                format!("postulate replay {scenario} --seed {seed} --strategy {strategy}")
            }
            Self::Test { name: Some(name) } => format!("POSTULATE_SEED={seed} cargo test {name}"),
            Self::Test { name: None } => format!("POSTULATE_SEED={seed} cargo test"),
        }
    }

    /// The line that shows the failure in `file` again. A test replays its files by itself, and the
    /// command line may not know its system.
    pub(crate) fn kept(&self, file: &str) -> String {
        match self {
            Self::Replay { .. } => format!("postulate replay {file}"),
            Self::Test { .. } => format!("in {file}"),
        }
    }
}
