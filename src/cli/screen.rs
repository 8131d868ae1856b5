//! Where text goes, and whether it is coloured.

use super::check::STANDARD_STREAM;
use crate::report::Paint;
use anstream::{AutoStream, ColorChoice};
use miette::{IntoDiagnostic, MietteHandlerOpts, Report, WrapErr};
use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};

/// The standard streams of the process.
#[derive(Debug)]
pub(super) struct Screen {
    choice: ColorChoice,
}

impl Screen {
    /// `NO_COLOR` turns colour off, then `CARGO_TERM_COLOR` decides, then the terminal.
    ///
    /// Called once: errors are styled for the process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is a face of the crate and reads the environment for it"
    )]
    pub(super) fn of_process() -> Self {
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let cargo = env::var("CARGO_TERM_COLOR").unwrap_or_default();
        let choice = match cargo.as_str() {
            _ if no_color => ColorChoice::Never,
            "always" => ColorChoice::Always,
            "never" => ColorChoice::Never,
            _ => ColorChoice::Auto,
        };
        let is_coloured = match choice {
            ColorChoice::Auto => AutoStream::choice(&io::stderr()) != ColorChoice::Never,
            decided => decided != ColorChoice::Never,
        };
        miette::set_hook(Box::new(move |_| {
            Box::new(MietteHandlerOpts::new().color(is_coloured).wrap_lines(false).build())
        }))
        .expect("no other hook was set before");
        Self { choice }
    }

    pub(super) fn clap_choice(&self) -> clap::ColorChoice {
        match self.choice {
            ColorChoice::Always | ColorChoice::AlwaysAnsi => clap::ColorChoice::Always,
            ColorChoice::Never => clap::ColorChoice::Never,
            ColorChoice::Auto => clap::ColorChoice::Auto,
        }
    }

    /// Whether reports carry colours.
    pub(super) fn paint(&self) -> Paint {
        let choice = match self.choice {
            ColorChoice::Auto => AutoStream::choice(&io::stdout()),
            decided => decided,
        };
        if choice == ColorChoice::Never { Paint::Plain } else { Paint::Ansi }
    }

    /// Writes a report. A reader who has seen enough is no error.
    pub(super) fn print(&self, text: &str) -> miette::Result<()> {
        let mut out = AutoStream::new(io::stdout(), self.choice).lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).into_diagnostic().wrap_err("the report could not be written")
            }
            _ => Ok(()),
        }
    }

    /// Writes a report to `file`, and on the screen only its `verdict`; without a file the report
    /// goes to the screen.
    pub(super) fn deliver(
        &self,
        report: &str,
        file: Option<&str>,
        verdict: &str,
    ) -> miette::Result<()> {
        let Some(file) = file.filter(|&file| file != STANDARD_STREAM) else {
            return self.print(report);
        };
        let failed = || format!("the report cannot be written to {file}");
        fs::write(file, report).into_diagnostic().wrap_err_with(failed)?;
        self.print(&format!("{verdict}\n"))
    }

    /// Writes an error. Nothing is left to do if that fails.
    pub(super) fn complain(&self, error: &Report) {
        let _ = writeln!(AutoStream::new(io::stderr(), self.choice), "{error:?}");
    }
}

/// Makes sure that a report can be written to `file`, for a work that takes long: what stands there
/// stays until it is.
pub(super) fn reserve(file: &str) -> miette::Result<()> {
    if file == STANDARD_STREAM {
        return Ok(());
    }
    let failed = || format!("the report cannot be written to {file}");
    let opened = File::options().append(true).create(true).open(file);
    opened.map(drop).into_diagnostic().wrap_err_with(failed)
}
