//! The command line.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | every schedule kept every promise |
//! | 1 | one was broken, a node panicked, or a callback did not return; a specimen is none |
//! | 2 | the command, a scenario, a history or a failure file makes no sense |
//! | 3 | a schedule did not run twice alike |
//! | 4 | nothing at stake, no verdict, nothing that could shrink, or a failure file diverged |

use clap::{CommandFactory, FromArgMatches};
use std::process::ExitCode;

mod aim;
mod arguments;
mod check;
mod explain;
mod list;
mod progress;
mod replay;
mod screen;
mod shrink;
mod sweep;
mod target;
mod zoo;

use arguments::{Arguments, Command};
use screen::Screen;

/// What a command came to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Exit {
    Holds,
    Violated,
    Misused,
    Nondeterministic,
    Vacuous,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Holds => 0,
            Exit::Violated => 1,
            Exit::Misused => 2,
            Exit::Nondeterministic => 3,
            Exit::Vacuous => 4,
        })
    }
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let screen = Screen::of_process();
    let matches = Arguments::command().color(screen.clap_choice()).get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let end = match &arguments.command {
        Command::List => list::run(&screen),
        Command::Sweep(arguments) => sweep::run(arguments, &screen),
        Command::Replay(arguments) => replay::run(arguments, &screen),
        Command::Shrink(arguments) => shrink::run(arguments, &screen),
        Command::Check(arguments) => check::run(arguments, &screen),
        Command::Zoo(arguments) => zoo::run(arguments, &screen),
    };
    let exit = end.unwrap_or_else(|error| {
        screen.complain(&error);
        Exit::Misused
    });
    exit.into()
}
