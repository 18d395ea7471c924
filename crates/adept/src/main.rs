//! The program `adept`: reads its command line and does what it says. Everything else is in the library.

use std::process::ExitCode;

use adept::cli;

fn main() -> ExitCode {
    cli::main()
}
