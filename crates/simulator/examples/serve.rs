//! A simulator on its own: `cargo run --release -p adept-simulator --example serve -- 127.0.0.1:8080`. Behind the address
//! may come `--scenario FILE` and `--remote-portal`; `adept simulator` has every flag.

#![expect(clippy::print_stdout, reason = "a program for people and tests to read")]

use std::net::SocketAddr;

use adept_simulator::{Options, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (listen, options) = read(std::env::args().skip(1))?;
    let simulator = Simulator::start(listen, options).await?;
    // Alone on the first line, for programs.
    println!("{}", simulator.url());
    println!("Apple is there, its portal below /_sim. Ctrl-C stops it and forgets everything.");
    tokio::signal::ctrl_c().await?;
    simulator.stop().await;
    Ok(())
}

fn read(
    mut arguments: impl Iterator<Item = String>,
) -> Result<(SocketAddr, Options), Box<dyn std::error::Error>> {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 8080));
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--remote-portal" => options.remote_portal = true,
            "--scenario" => {
                let file = arguments.next().ok_or("--scenario needs a file")?;
                options.scenario = Some(std::fs::read_to_string(file)?);
            }
            address => {
                let wrong =
                    format!("{address:?} is no address with a port, --scenario FILE or --remote-portal");
                listen = address.parse().map_err(|_| wrong)?;
            }
        }
    }
    Ok((listen, options))
}
