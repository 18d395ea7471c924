//! A simulator on its own: `cargo run --release -p adept-simulator --example serve -- 127.0.0.1:8080`.

#![expect(clippy::print_stdout, reason = "a program for people to read")]

use adept_simulator::{Options, Simulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let simulator = Simulator::start(listen.parse()?, Options::default()).await?;
    println!("Apple is at {}, its portal at {0}/_sim", simulator.url());
    tokio::signal::ctrl_c().await?;
    simulator.stop().await;
    Ok(())
}
