//! The program `adept`: reads its command line and does what it says. Everything else is in the library.

use std::process::ExitCode;

use adept::cli;

/// A sync frees on one thread what it allocated on another, a million times over; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::main()
}
