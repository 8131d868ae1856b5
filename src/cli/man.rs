//! `postulate man`.

use super::arguments::{Arguments, ManArguments};
use super::screen::Screen;
use super::surroundings::{Exit, VARIABLES};
use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use miette::{IntoDiagnostic, WrapErr};
use std::fs;
use std::io;
use std::path::Path;

pub(super) fn run(arguments: &ManArguments, screen: &Screen) -> miette::Result<Exit> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &arguments.dir else {
        let page = page(&command).into_diagnostic()?;
        screen.print(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Holds);
    };
    let failed = || format!("the manual pages cannot be written to {folder}");
    let files = write(Path::new(folder), &command).into_diagnostic().wrap_err_with(failed)?;
    screen.print(&files.concat())?;
    Ok(Exit::Holds)
}

/// Writes a page for the command and one for each of its own; gives the lines that name the files.
fn write(folder: &Path, command: &clap::Command) -> io::Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for command in std::iter::once(command).chain(command.get_subcommands()) {
        let path = folder.join(Man::new(command.clone()).get_filename());
        fs::write(&path, page(command)?)?;
        files.push(format!("{}\n", path.display()));
    }
    Ok(files)
}

fn page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let is_whole = command.has_subcommands();
    let source = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if is_whole {
        man.render_subcommands_section(&mut page)?;
        table("ENVIRONMENT", VARIABLES.iter().map(|&(name, meaning)| (name.to_owned(), meaning)))
            .to_writer(&mut page)?;
    }
    table("EXIT STATUS", Exit::ALL.iter().map(|exit| (exit.code().to_string(), exit.meaning())))
        .to_writer(&mut page)?;
    Ok(page)
}

/// A section of words, each with what it means.
fn table(title: &str, rows: impl Iterator<Item = (String, &'static str)>) -> Roff {
    let mut section = Roff::new();
    section.control("SH", [title]);
    for (word, meaning) in rows {
        section.control("TP", []);
        section.text([bold(word)]);
        section.text([roman(meaning)]);
    }
    section
}
