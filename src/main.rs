//! The `postulate` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    postulate::cli::main()
}
