//! What the command and the shell tell each other: exit codes and environment variables.
//!
//! The help, the manual pages and the README say no more than stands here.

use std::fmt::Write as _;
use std::process::ExitCode;

/// What a command came to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Holds,
    Violated,
    Misused,
    Nondeterministic,
    Vacuous,
}

impl Exit {
    /// Every exit, in the order of the codes.
    pub(super) const ALL: [Self; 5] =
        [Self::Holds, Self::Violated, Self::Misused, Self::Nondeterministic, Self::Vacuous];

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Violated => 1,
            Self::Misused => 2,
            Self::Nondeterministic => 3,
            Self::Vacuous => 4,
        }
    }

    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Holds => "every schedule kept every promise",
            Self::Violated => {
                "a promise was broken, a node panicked, a callback did not return, or a specimen \
                 is none"
            }
            Self::Misused => "the command, a scenario, a history or a failure file makes no sense",
            Self::Nondeterministic => "a schedule did not run twice alike",
            Self::Vacuous => {
                "nothing at stake, over 1 run in 1000 without verdict, nothing to shrink, or a \
                 file diverged"
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The environment variables that the command reads, each with what it says where the command line
/// says nothing.
pub(super) const VARIABLES: &[(&str, &str)] = &[
    ("POSTULATE_SEED", "the seed, as --seed and sweep --from"),
    ("POSTULATE_SCHEDULES", "how many schedules, as sweep --schedules"),
    ("POSTULATE_JOBS", "on how many threads, as --jobs"),
    ("POSTULATE_TIME_LIMIT", "when to end, as sweep --time-limit"),
    ("POSTULATE_CHECK_DETERMINISM", "1: run every seed again and compare, as the option of sweep"),
    ("NO_COLOR", "reports are not coloured, whatever it is set to"),
    ("CARGO_TERM_COLOR", "always or never; else reports are coloured on terminals"),
];

/// Both, as they stand at the end of the help.
pub(super) fn told() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for exit in Exit::ALL {
        let _ = writeln!(text, "  {}  {}", exit.code(), exit.meaning());
    }
    text.push_str("\nEnvironment:\n");
    let width = VARIABLES.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, meaning) in VARIABLES {
        let _ = writeln!(text, "  {name:<width$}  {meaning}");
    }
    text
}
