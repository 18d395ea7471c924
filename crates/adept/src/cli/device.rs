//! `adept device`: what is known of a device, to explain why it has its profile. `show` reads what is stored, beside a running
//! service or without one, and does not call Apple; `ask` looks the device up at Apple and stores nothing.

mod ask;
mod counts;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Exit, Failure, flags::Json, open, say, setting_name::SettingName};
use crate::config;

pub use ask::Ask;
pub use counts::Counts;

/// What to do with devices.
#[derive(Subcommand)]
pub enum Device {
    /// Show a device's actual state, its desired state and its history
    Show(Show),
    /// Look a device up at Apple now, from this machine; nothing is stored
    Ask(Box<Ask>),
    /// Count a setting's devices by platform, desired profile and state
    Counts(Counts),
}

/// Flags of `adept device show`.
#[derive(Args)]
pub struct Show {
    /// The device's serial number
    serial: String,
    /// Only this setting's: its id or name
    #[arg(long, env = "ADEPT_DEVICE_SHOW_SETTING", value_name = "SETTING")]
    setting: Option<SettingName>,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    storage: config::Storage,
}

pub(super) async fn run(command: Device) -> Result<(), Failure> {
    match command {
        Device::Show(flags) => show(flags).await,
        Device::Ask(flags) => ask::run(*flags).await,
        Device::Counts(flags) => counts::run(flags).await,
    }
}

async fn show(flags: Show) -> Result<(), Failure> {
    let (storage, app) = open::app_without_apple(&flags.storage).await?;
    let setting = match &flags.setting {
        Some(name) => Some(name.find(&storage).await?.id),
        None => None,
    };
    let explained = app.devices.explain(&flags.serial).await;
    storage.close().await;
    let mut explained = explained.map_err(Failure::failed)?;
    explained.retain(|device| setting.is_none_or(|setting| setting == device.setting));
    if explained.is_empty() {
        return Err(Failure::new(Exit::NotFound, format!("no setting lists a device {}", flags.serial)));
    }
    let shown = explained.iter().map(|device| {
        let history = device.history.iter().map(|(at, text)| json!({ "at": at.to_string(), "text": text }));
        json!({
            "settingId": device.setting.to_string(),
            "title": device.title,
            "sentences": device.sentences,
            "history": history.collect::<Vec<_>>(),
        })
    });
    if flags.json.prints(shown) {
        return Ok(());
    }
    for device in &explained {
        say(&device.title);
        for sentence in &device.sentences {
            say(format_args!("  {sentence}"));
        }
        for (at, text) in &device.history {
            say(format_args!("  {at:.0}  {text}"));
        }
    }
    Ok(())
}
