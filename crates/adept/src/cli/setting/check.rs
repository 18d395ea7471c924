//! `adept setting check`: checks a setting's server token at Apple now, from this machine and with its configuration.

use std::sync::Arc;

use clap::Args;

use super::{
    super::{
        Exit, Failure,
        open::{self, WhenMissing},
        say,
        setting_name::SettingName,
    },
    operator_of, refused,
};
use crate::{
    app::Clock,
    config,
    domain::{TokenStanding, TokenState},
};

/// Flags of `adept setting check`.
#[derive(Args)]
pub struct Check {
    /// The setting's id or name
    #[arg(value_name = "SETTING")]
    setting: SettingName,
    #[command(flatten)]
    apple: config::Apple,
    #[command(flatten)]
    storage: config::Storage,
}

pub(super) async fn run(flags: Check) -> Result<(), Failure> {
    let clock = Clock::system();
    let storage = open::storage(&flags.storage, WhenMissing::Fail, &clock).await?;
    let app = open::app(storage.clone(), &flags.apple, clock)?;
    let setting = flags.setting.find(&storage).await?;
    let caller = operator_of(&app, &setting).caller;
    let checked = Arc::clone(&app).tokens.check_token(&caller, setting.id).await;
    storage.close().await;
    let (standing, code) = checked.map_err(refused)?;
    let code = code.map_or_else(String::new, |code| format!(" ({code})"));
    say(format_args!("{}{code}: {}", standing.as_str(), standing.sentence()));
    match standing {
        TokenStanding::State(TokenState::Ok) | TokenStanding::Expiring { .. } => Ok(()),
        TokenStanding::State(TokenState::Unreachable | TokenState::Throttled) => {
            Err(Failure::new(Exit::Unavailable, "Apple did not say whether it accepts the token"))
        }
        TokenStanding::State(_) | TokenStanding::Unverified | TokenStanding::Failing => {
            Err(Failure::new(Exit::Refused, "the token does not work"))
        }
    }
}
