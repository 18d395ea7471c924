//! `adept device counts`: how many devices of a setting are alike, as they are counted with every change.

use clap::Args;
use serde_json::{Value, json};

use super::super::{
    Failure,
    flags::Json,
    open::{self, WhenMissing},
    say,
    setting_name::SettingName,
};
use crate::{
    app::Clock,
    config,
    storage::{DeviceCount, DeviceGroup},
};

/// Flags of `adept device counts`.
#[derive(Args)]
pub struct Counts {
    /// The setting's id or name
    setting: SettingName,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    storage: config::Storage,
}

pub(super) async fn run(flags: Counts) -> Result<(), Failure> {
    let storage = open::storage(&flags.storage, WhenMissing::Fail, &Clock::system()).await?;
    let setting = flags.setting.find(&storage).await;
    let counts = match &setting {
        Ok(setting) => storage.devices.groups(setting.key()).await.map_err(Failure::failed),
        Err(_) => Ok(Vec::new()),
    };
    storage.close().await;
    setting?;
    let counts = counts?;
    if flags.json.prints(counts.iter().map(shown)) {
        return Ok(());
    }
    for DeviceCount { group, number, .. } in &counts {
        say(format_args!("{number:>9}  {}", words(group)));
    }
    say(format_args!("{:>9}  in all", counts.iter().map(|count| count.number).sum::<i64>()));
    Ok(())
}

/// With Graph's names, and Apple's word for the state of the profile.
fn shown(DeviceCount { group, number, .. }: &DeviceCount) -> Value {
    json!({
        "devices": number,
        "platform": group.platform,
        "discoverySource": group.source,
        "isDeleted": group.deleted,
        "isSupervised": group.supervised,
        "requestedEnrollmentProfileId": group.desired_profile.map(|profile| profile.to_string()),
        "profileStatus": group.profile_status,
    })
}

fn words(group: &DeviceGroup) -> String {
    let profile = match group.desired_profile {
        Some(profile) => format!("profile {profile}"),
        None => "no profile of its own".to_owned(),
    };
    let status = group.profile_status.as_deref().unwrap_or("not told");
    let supervised = if group.supervised { ", supervised" } else { "" };
    let deleted = if group.deleted { ", gone" } else { "" };
    format!(
        "{} ({}), {profile}, profile at Apple: {status}{supervised}{deleted}",
        group.platform, group.source
    )
}
