//! The log: lines on standard error, as text for people or as JSON for machines. Lines of a request carry its id.
//!
//! No secret is handed to the log by this project at any level. Libraries are cut off below `warn`, where some write
//! down what passes through them.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts the log of this process; a second call changes nothing. `filter` is a level (`info`) or levels by module
/// (`info,adept::app=debug`); an error when it is neither.
pub fn start(json: bool, filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        format!("`{filter}` is no level or list of levels such as info or debug: {error}")
    })?;
    let ours = filter_fn(|line| line.target().starts_with("adept") || *line.level() < Level::INFO);
    let registry = tracing_subscriber::registry().with(filter).with(ours);
    let started = if json {
        let lines =
            fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).with_span_list(false);
        registry.with(lines).try_init()
    } else {
        let colors = std::io::stderr().is_terminal();
        registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(colors)).try_init()
    };
    if started.is_err() {
        tracing::debug!("the log was started before and stays as it is");
    }
    Ok(())
}
