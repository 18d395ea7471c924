//! Desired state for devices, by serial number: to be given a profile, to be released. All or none of the devices, and none of
//! another setting. Apple is told later.

use crate::{
    app::{Error, Profiles, audit::event, settings},
    domain::{Change, DeviceRow, Origin, ProfileId, ReleaseQuotaExceeded, SettingId, serial_key},
    storage::DesiredChange,
};

/// Serial numbers that the audit log names; the rest is counted.
const NAMED: usize = 100;

impl Profiles {
    /// Wants a profile for devices of its setting.
    pub async fn assign(
        &self,
        origin: &Origin,
        setting: SettingId,
        id: ProfileId,
        serials: Vec<String>,
    ) -> Result<(), Error> {
        let profile = self.get(&origin.caller, setting, id).await?;
        let serials = distinct(serials);
        let listed = self.devices.of_serials(profile.key(), &serials).await?;
        let mut changes = Change::among([("deviceIds", None, Some(&named(&serials)))]);
        changes.extend(taken_over(&listed, profile.id));
        let event = event(&self.clock, Some(origin), "updateDeviceProfileAssignment", &profile, changes);
        let changed = self.devices.set_desired_profile(&profile, &serials, self.clock.now(), &event).await?;
        answer(changed, Error::NO_PROFILE, "listed under this setting")
    }

    /// Wants that Apple releases devices of a setting.
    pub async fn release_devices(
        &self,
        origin: &Origin,
        setting: SettingId,
        serials: Vec<String>,
    ) -> Result<(), Error> {
        let setting = settings::visible(&self.settings, &origin.caller, setting).await?;
        let serials = distinct(serials);
        let changes = Change::among([("deviceSerialNumbers", None, Some(&named(&serials)))]);
        let event = event(&self.clock, Some(origin), "releaseAppleDevices", &setting, changes);
        let now = self.clock.now();
        let changed =
            self.devices.request_release(setting.key(), &serials, self.max_release, now, &event).await?;
        answer(changed, Error::NO_SETTING, "assigned to this setting's server at Apple")
    }
}

/// Which of the devices wanted another profile before, and which one.
fn taken_over(listed: &[DeviceRow], profile: ProfileId) -> Option<Change> {
    let other = |device: &DeviceRow| {
        let former = device.desired_profile.filter(|former| *former != profile)?;
        Some(format!("{}: {former}", device.serial))
    };
    let others: Vec<String> = listed.iter().filter_map(other).collect();
    let old = (!others.is_empty()).then(|| named(&others))?;
    let property = "requestedEnrollmentProfileId";
    Some(Change { property, old: Some(old), new: Some(profile.to_string()) })
}

fn answer(changed: DesiredChange, gone: Error, state: &str) -> Result<(), Error> {
    match changed {
        DesiredChange::Done => Ok(()),
        DesiredChange::NotFound => Err(gone),
        DesiredChange::TooManyReleases(ReleaseQuotaExceeded { left, renewed_at }) => {
            Err(Error::TooManyReleases { left, renewed_at })
        }
        DesiredChange::Unknown(serials) => Err(Error::Invalid(format!(
            "Not {state} (first 5): {}. Nothing was changed.",
            serials.iter().map(|serial| format!("\"{}\"", shortened(serial))).collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn shortened(serial: &str) -> &str {
    &serial[..serial.floor_char_boundary(serial.len().min(40))]
}

/// Each once and without blanks around it, in the order in which they were named.
fn distinct(serials: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::with_capacity(serials.len());
    let trimmed = serials.into_iter().map(|serial| serial.trim().to_owned());
    trimmed.filter(|serial| seen.insert(serial_key(serial))).collect()
}

pub(in crate::app) fn named(serials: &[String]) -> String {
    let shown: Vec<_> = serials.iter().take(NAMED).map(String::as_str).collect();
    match serials.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
