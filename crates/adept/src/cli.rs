//! The command line: one file per command. The only place that reads configuration and that wires the modules.
//!
//! Results go to standard output, everything else to standard error. The exit code says what kind of end it was.

pub mod client;
pub mod demo;
pub mod device;
pub mod doctor;
mod flags;
pub mod keys;
pub mod migrate;
mod open;
mod operator;
mod private_memory;
pub mod serve;
pub mod setting;
mod setting_name;
pub mod simulator;
mod skip_keys;
pub mod tenant;
pub mod token;

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{config, serve::telemetry};

/// A self-hosted service that speaks the Apple-enrollment part of Microsoft Graph and does the work behind it.
#[derive(Parser)]
#[command(name = "adept", version, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    log: config::Log,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 not found, \
                          4 refused, 5 storage or network unavailable.";

#[derive(Subcommand)]
enum Command {
    /// Play the whole life of a server token against a simulated Apple
    Demo(demo::Flags),
    /// Run the service until Ctrl-C or SIGTERM
    Serve(Box<config::Serve>),
    /// Manage the applications that may sign in
    #[command(subcommand)]
    Client(client::Client),
    /// Manage tenants
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// List, remove and restore onboarding settings
    #[command(subcommand)]
    Setting(setting::Setting),
    /// Explain why a device has its profile
    #[command(subcommand)]
    Device(device::Device),
    /// Make sealing keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Inspect server tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Run a simulator of Apple's service
    Simulator(simulator::Flags),
    /// Check configuration, storage, certificates, Apple and tokens; each finding says how to fix it
    Doctor(Box<config::Serve>),
    /// Bring the database's schema up to date
    Migrate(config::Storage),
    /// Print the page of Setup Assistant's panes that profiles can skip
    #[command(hide = true)]
    SkipKeys,
}

/// How a command ended, when not well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It could not be done.
    Failed = 1,
    /// The command line or configuration is at fault.
    Usage = 2,
    /// What it is about does not exist.
    NotFound = 3,
    /// What is stored forbids it.
    Refused = 4,
    /// The storage or the network cannot be used now.
    Unavailable = 5,
}

/// Why a command did not do what it should.
#[derive(Debug)]
pub struct Failure {
    /// What kind of end.
    pub exit: Exit,
    /// What happened and what to do.
    pub message: String,
}

impl Failure {
    /// A failure of that kind.
    pub fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: message.to_string() }
    }

    fn failed(message: impl Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }
}

impl From<crate::storage::Error> for Failure {
    fn from(error: crate::storage::Error) -> Self {
        Self::new(Exit::Unavailable, error)
    }
}

/// Reads the command line of this process and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    install_crypto_providers();
    // What the demo plays with Apple would be warnings elsewhere, and its stage is the terminal.
    let quiet = matches!(cli.command, Command::Demo(_));
    let level = cli.log.log.as_deref().unwrap_or(if quiet { "error" } else { "info" });
    if let Err(message) = telemetry::start(cli.log.log_format == config::LogFormat::Json, level) {
        return end(Err(Failure::usage(format!("--log: {message}"))));
    }
    let allows_core = matches!(&cli.command, Command::Serve(flags) if flags.allow_core);
    if !allows_core && let Err(failure) = private_memory::keep() {
        return end(Err(failure));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    end(match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(run(cli.command));
            // What still blocks a thread must not keep the process.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(Failure::failed(format!("no threads: {error}"))),
    })
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(flags) => demo::run(flags).await,
        Command::Serve(flags) => serve::run(&flags).await,
        Command::Client(command) => client::run(command).await,
        Command::Tenant(command) => tenant::run(command).await,
        Command::Setting(command) => setting::run(command).await,
        Command::Device(command) => device::run(command).await,
        Command::Keys(command) => keys::run(&command),
        Command::Token(command) => token::run(command),
        Command::Simulator(flags) => simulator::run(flags).await,
        Command::Doctor(flags) => doctor::run(&flags).await,
        Command::Migrate(flags) => migrate::run(&flags).await,
        Command::SkipKeys => skip_keys::run(),
    }
}

fn end(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note(format_args!("adept: {}", failure.message));
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Names aws-lc as the cryptography of TLS and tokens in this process; does nothing the second time.
pub fn install_crypto_providers() {
    // Both fail only when a provider is installed already, which is then this one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// A result, for people or programs that read standard output. A closed pipe ends nothing.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Anything else, for people at the terminal.
fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
