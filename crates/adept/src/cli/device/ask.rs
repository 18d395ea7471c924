//! `adept device ask`: looks a device up at Apple now, from this machine and with its configuration.

use clap::Args;
use serde_json::json;

use super::super::{
    Exit, Failure,
    flags::Json,
    open::{self, WhenMissing},
    say,
    setting_name::SettingName,
};
use crate::{app::Clock, config};

/// Flags of `adept device ask`.
#[derive(Args)]
pub struct Ask {
    /// The device's serial number
    serial: String,
    /// Use the token of this setting (its id or name), whether it lists the device or not [default: all settings that list the device]
    #[arg(long, env = "ADEPT_DEVICE_ASK_SETTING", value_name = "SETTING")]
    setting: Option<SettingName>,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    apple: config::Apple,
    #[command(flatten)]
    storage: config::Storage,
}

pub(super) async fn run(flags: Ask) -> Result<(), Failure> {
    let clock = Clock::system();
    let storage = open::storage(&flags.storage, WhenMissing::Fail, &clock).await?;
    let app = open::app(storage.clone(), &flags.apple, clock)?;
    let setting = match &flags.setting {
        Some(name) => Some(name.find(&storage).await?.id),
        None => None,
    };
    let lookups = app.devices.ask_apple(&flags.serial, setting).await;
    storage.close().await;
    let lookups = lookups.map_err(Failure::failed)?;
    if lookups.is_empty() {
        let missing = match setting {
            Some(setting) => format!("there is no setting {setting}"),
            None => format!("no setting lists a device {}; name one with --setting", flags.serial),
        };
        return Err(Failure::new(Exit::NotFound, missing));
    }
    let shown = lookups.iter().map(|device| {
        json!({
            "settingId": device.setting.to_string(),
            "title": device.title,
            "answered": device.is_answered,
            "sentences": device.sentences,
        })
    });
    if !flags.json.prints(shown) {
        for device in &lookups {
            say(&device.title);
            for sentence in &device.sentences {
                say(format_args!("  {sentence}"));
            }
        }
    }
    match lookups.iter().all(|device| device.is_answered) {
        true => Ok(()),
        false => Err(Failure::new(Exit::Unavailable, "Apple did not say how the device stands")),
    }
}
