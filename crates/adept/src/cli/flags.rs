//! Flags that several commands share.

use clap::{Args, builder::FalseyValueParser};

/// For programs.
#[derive(Args)]
pub(super) struct Json {
    /// Print the result as JSON
    #[arg(long, env = "ADEPT_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
}
