//! The command line.

use clap::{CommandFactory, FromArgMatches};
use std::process::ExitCode;

mod aim;
mod arguments;
mod check;
mod completions;
mod explain;
mod list;
mod log;
mod man;
mod matrix;
mod progress;
mod replay;
mod screen;
mod shrink;
mod surroundings;
mod sweep;
mod target;
mod zoo;

use arguments::{Arguments, Command};
use screen::Screen;
use surroundings::Exit;

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
        Command::Matrix(arguments) => matrix::run(arguments, &screen),
        Command::Completions(arguments) => completions::run(arguments, &screen),
        Command::Man(arguments) => man::run(arguments, &screen),
    };
    let exit = end.unwrap_or_else(|error| {
        screen.complain(&error);
        Exit::Misused
    });
    exit.into()
}
