//! `adept demo`: simulator and service in one process, and the whole life of a server token played over HTTP.
//!
//! The demo is a client like any other: it signs in, trusts the local authority and sees nothing but answers.

mod client;
mod farewell;
mod folder;
mod portal;
mod stage;
mod steps;

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::pin,
    time::Duration,
};

use adept_simulator::{Options, Simulator};
use clap::{
    Args, FromArgMatches,
    builder::{FalseyValueParser, Resettable},
};

use self::{
    folder::Folder,
    stage::Stage,
    steps::{DemoApplication, Script},
};
use super::{
    Failure,
    client::{NewClient, added},
    serve::{self, end_asked},
};
use crate::{app::Clock, config, domain::Permission, serve::Running};

/// Any free port of this machine.
const ANYWHERE: &str = "127.0.0.1:0";

/// Flags of `adept demo`.
#[derive(Args)]
pub struct Flags {
    /// Stop after the last step instead of going on until Ctrl-C
    #[arg(long, env = "ADEPT_DEMO_EXIT", value_parser = FalseyValueParser::new())]
    exit: bool,
    /// Folder to keep the data in; made when missing [default: a temporary one, removed at the end]
    #[arg(long, env = "ADEPT_DEMO_DATA_DIR", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Loopback address of the service; port 0 takes a free one
    #[arg(long, env = "ADEPT_DEMO_LISTEN", value_name = "ADDRESS", default_value = ANYWHERE, value_parser = loopback)]
    listen: SocketAddr,
    /// Loopback address of the simulated Apple
    #[arg(long, env = "ADEPT_DEMO_SIMULATOR_LISTEN", value_name = "ADDRESS", default_value = ANYWHERE,
          value_parser = loopback)]
    simulator_listen: SocketAddr,
}

pub(super) async fn run(flags: Flags) -> Result<(), Failure> {
    let folder = Folder::open(flags.data_dir.as_deref())?;
    let simulator = Simulator::start(flags.simulator_listen, Options::default()).await.map_err(|error| {
        let address = flags.simulator_listen;
        Failure::failed(format!(
            "cannot listen on {address}: {error}. Choose another with --simulator-listen"
        ))
    })?;
    let flags_of_service = service(folder.path(), flags.listen, &simulator.url())?;
    let adept = serve::start(&flags_of_service, Clock::system()).await?;
    // One wait for all of it: between two of them a Ctrl-C would be lost.
    let mut asked_to_end = pin!(end_asked());
    let played = tokio::select! {
        played = play(&adept, &simulator, &folder, flags.exit) => played,
        () = &mut asked_to_end => Err(Failure::failed("stopped before the last step")),
    };
    if played.is_ok() && !flags.exit {
        asked_to_end.await;
    }
    tokio::select! {
        () = adept.stop() => {}
        () = end_asked() => {}
    }
    simulator.stop().await;
    played
}

async fn play(adept: &Running, simulator: &Simulator, folder: &Folder, exit: bool) -> Result<(), Failure> {
    let application = register(adept).await?;
    let mut stage = Stage::new();
    introduce(&stage, adept, simulator, folder);
    let ca = adept.trust().map(|trust| trust.ca_pem.clone()).unwrap_or_default();
    let mut script = Script::new(&mut stage, adept.url(), &ca, simulator, &application)?;
    let summary = match script.play().await {
        Ok(summary) => summary,
        Err(failure) => {
            stage.broken(&failure.message);
            return Err(failure);
        }
    };
    farewell::say(&stage, &summary, &application, adept, &simulator.url(), folder, exit);
    Ok(())
}

fn introduce(stage: &Stage, adept: &Running, simulator: &Simulator, folder: &Folder) {
    stage.title("Adept: the life of an Apple server token, played against a simulated Apple");
    stage.property("service", adept.url(), "Microsoft Graph's /beta over TLS");
    stage.property("Apple", &simulator.url(), "simulated; its portal side is below /_sim");
    stage.property("data", &folder.path().display().to_string(), folder.fate());
}

/// The configuration of a service that nobody else uses: the defaults of `adept serve`, without its variables.
fn service(data_dir: &Path, listen: SocketAddr, apple_url: &str) -> Result<config::Serve, Failure> {
    let flags = config::Serve::augment_args(clap::Command::new("adept"))
        .no_binary_name(true)
        .mut_args(|flag| flag.env(Resettable::Reset));
    let given = [
        OsString::from("--data-dir"),
        data_dir.into(),
        format!("--listen={listen}").into(),
        format!("--metrics-listen={ANYWHERE}").into(),
        format!("--apple-url={apple_url}").into(),
        concat!("--apple-user-agent=adept/", env!("CARGO_PKG_VERSION")).into(),
    ];
    let flags = flags.try_get_matches_from(given).map_err(Failure::failed)?;
    config::Serve::from_arg_matches(&flags).map_err(Failure::failed)
}

/// What `adept client add demo --permission …` does.
async fn register(adept: &Running) -> Result<DemoApplication, Failure> {
    let (storage, clock) = (adept.app().storage(), adept.app().clock());
    let permissions = vec![Permission::ServiceConfigReadWrite];
    let new = NewClient::prepare(storage).await?;
    let (row, secret) = new.of(storage.default_tenant(), "demo".to_owned(), permissions, clock);
    storage.clients.add(&row, Some(&added(&row, clock))).await?;
    Ok(DemoApplication { row, secret })
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "must be ADDRESS:PORT, such as 127.0.0.1:0".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("the demo's credentials are printed on the terminal, so it listens on loopback only".to_owned())
}

/// A time as people read it: `0.6 ms`, `58 ms`, `2.4 s`.
fn spoken(time: Duration) -> String {
    match time.as_millis() {
        ..10 => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        milliseconds @ ..1000 => format!("{milliseconds} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// A number with its thousands apart: `2,500`.
fn grouped(number: i64) -> String {
    indicatif::HumanCount(number.unsigned_abs()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_for_people() {
        for (number, text) in [(0, "0"), (999, "999"), (2500, "2,500"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(spoken(Duration::from_micros(640)), "0.6 ms");
        assert_eq!(spoken(Duration::from_micros(58_900)), "58 ms");
        assert_eq!(spoken(Duration::from_millis(2437)), "2.4 s");
    }

    #[test]
    fn only_loopback_addresses_are_taken() {
        assert!(loopback("127.0.0.1:0").is_ok() && loopback("[::1]:8443").is_ok());
        assert!(loopback("0.0.0.0:8443").is_err() && loopback("localhost").is_err());
    }
}
