//! `postulate completions`.

use super::Exit;
use super::arguments::{Arguments, CompletionsArguments};
use super::screen::Screen;
use clap::CommandFactory;

pub(super) fn run(arguments: &CompletionsArguments, screen: &Screen) -> miette::Result<Exit> {
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    screen.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Holds)
}
