//! `adept simulator`: Apple's side on this machine, to try things with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use adept_simulator::{Options, Simulator};
use clap::{Args, builder::FalseyValueParser};
use jiff::Timestamp;

use super::{Failure, note, say, serve::end_asked};

/// Flags of `adept simulator`.
#[derive(Args)]
pub struct Flags {
    /// Address and port to listen on, without TLS
    #[arg(long, env = "ADEPT_SIMULATOR_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Decides every device that is made; equal seeds make equal devices
    #[arg(long, env = "ADEPT_SIMULATOR_SEED", value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// URL that clients sign, when it is not the listener's own
    #[arg(long, env = "ADEPT_SIMULATOR_EXTERNAL_URL", value_name = "URL")]
    external_url: Option<String>,
    /// Derive ids, secrets and sessions from the seed too: equal calls then get equal answers, given --clock
    #[arg(long, env = "ADEPT_SIMULATOR_REPEATABLE", value_parser = FalseyValueParser::new())]
    repeatable: bool,
    /// Start with the clock stopped at this time, by which certificates are judged too; /_sim/clock moves it
    #[arg(long, env = "ADEPT_SIMULATOR_CLOCK", value_name = "TIME")]
    clock: Option<Timestamp>,
    /// Begin with what this scenario file describes
    #[arg(long, env = "ADEPT_SIMULATOR_SCENARIO", value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Let other machines use the portal side, /_sim
    #[arg(long, env = "ADEPT_SIMULATOR_REMOTE_PORTAL", value_parser = FalseyValueParser::new())]
    remote_portal: bool,
}

pub(super) async fn run(flags: Flags) -> Result<(), Failure> {
    let options = Options {
        seed: flags.seed,
        external_url: flags.external_url,
        remote_portal: flags.remote_portal,
        repeatable: flags.repeatable,
        clock: flags.clock,
        scenario: flags.scenario.as_deref().map(read).transpose()?,
    };
    let simulator = Simulator::start(flags.listen, options).await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Failure::usage(error),
        _ => Failure::failed(format!(
            "cannot listen on {}: {error}. Choose another with --listen",
            flags.listen
        )),
    })?;
    say(simulator.url());
    note(format_args!(
        "The simulator is Apple at {0} and its portal at {0}/_sim. Ctrl-C stops it and forgets everything.",
        simulator.url()
    ));
    tokio::select! {
        () = end_asked() => {}
        () = simulator.stopped() => return Err(Failure::failed("the simulator stopped by itself")),
    }
    simulator.stop().await;
    Ok(())
}

fn read(scenario: &Path) -> Result<String, Failure> {
    fs::read_to_string(scenario).map_err(|error| {
        Failure::usage(format!("cannot read the scenario {}: {error}. Check --scenario", scenario.display()))
    })
}
