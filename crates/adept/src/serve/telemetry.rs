//! The log: lines on standard error, as text for people or as JSON for machines. Lines of a request carry its id.
//!
//! No secret is handed to the log by this project at any level, and OAuth's parameters are masked, also in what others write. Libraries are cut off below `warn`, where some write
//! down what passes through them.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::masked::Masked;

/// Starts the log of this process; a second call changes nothing. `filter` is a level (`info`) or levels by module
/// (`info,adept::app=debug`); an error when it is neither.
pub fn start(json: bool, filter: &str) -> Result<(), String> {
    let unfit = |cause: &dyn std::fmt::Display| {
        format!(
            "\"{filter}\" is no level (error, warn, info, debug, trace, off) or list of them by module: {cause}"
        )
    };
    // A misspelled level would be taken for the name of a module, and the log would be silent.
    if let Some(part) = filter.split(',').find(|part| !names_a_level(part)) {
        return Err(unfit(&format_args!("\"{}\" names no level", part.trim())));
    }
    let filter = EnvFilter::try_new(filter).map_err(|error| unfit(&error))?;
    let ours = filter_fn(|line| line.target().starts_with("adept") || *line.level() < Level::INFO);
    let registry = tracing_subscriber::registry().with(filter).with(ours);
    let stderr = Masked(std::io::stderr);
    let started = if json {
        let lines = fmt::layer().with_writer(stderr).json().flatten_event(true).with_span_list(false);
        registry.with(lines).try_init()
    } else {
        let colors = std::io::stderr().is_terminal();
        registry.with(fmt::layer().with_writer(stderr).with_ansi(colors)).try_init()
    };
    if started.is_err() {
        tracing::debug!("the log was started before and stays as it is");
    }
    Ok(())
}

/// Whether a part such as `info` or `adept::app=debug` says which lines are written.
fn names_a_level(part: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let level = part.rsplit_once('=').map_or(part, |(_, level)| level).trim();
    LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_level_is_an_error_and_no_silent_log() {
        for filter in ["inf", "", "info,adept::app", "adept::app=deb", "info;debug", "info,", "=", "2"] {
            let error = start(false, filter).unwrap_err();
            assert!(error.contains("names no level") && error.contains("error, warn, info"), "{error}");
        }
        for part in ["info", "WARN", "off", " debug", "adept::app=debug", "adept[request]=trace"] {
            assert!(names_a_level(part), "{part}");
        }
    }
}
