//! Flags that several commands share.

use clap::{Args, builder::FalseyValueParser};
use serde_json::Value;

use super::say;

/// For programs.
#[derive(Args)]
pub(super) struct Json {
    /// Print the result as JSON
    #[arg(long, env = "ADEPT_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
}

impl Json {
    /// Prints these as an array if JSON is wanted, and says whether it is.
    pub(super) fn prints(&self, rows: impl Iterator<Item = Value>) -> bool {
        if self.json {
            say(Value::Array(rows.collect()));
        }
        self.json
    }
}
