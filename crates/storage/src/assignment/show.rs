//! What is stored of one device, all together, for anyone who asks why it has its profile.

use jiff::Timestamp;

use crate::{Assignments, Devices, Error, db::sql, health::visible_settings};
use adept_domain::{
    AssignmentResult, DeviceEvent, DevicePlatform, ProfileId, Setting, SettingKey, serial_key,
};

/// A device under one setting, and its history.
#[derive(Clone, Debug)]
pub struct DeviceStory {
    /// The setting it is listed under.
    pub setting: Setting,
    /// The device.
    pub device: ShownDevice,
    /// What happened, oldest first.
    pub events: Vec<DeviceEvent>,
}

/// What is stored of a device.
#[derive(Clone, Debug)]
pub struct ShownDevice {
    /// As Apple spells it.
    pub serial: String,
    /// The platform.
    pub platform: DevicePlatform,
    /// Whether Apple listed it, rather than an import.
    pub is_apples: bool,
    /// Whether it is gone from Apple's side.
    pub deleted: bool,
    /// Apple's id of its profile, as Apple said last.
    pub profile_uuid: Option<String>,
    /// `empty`, `assigned`, `pushed`, `removed`.
    pub profile_status: Option<String>,
    /// The profile that someone wants for it.
    pub desired_profile: Option<ProfileId>,
    /// Since when.
    pub desired_at: Option<Timestamp>,
    /// When it is looked at again.
    pub assign_due_at: Option<Timestamp>,
    /// Apple's word about the last assignment, when that failed.
    pub assign_failure: Option<String>,
    /// Since when its release is requested.
    pub release_requested_at: Option<Timestamp>,
    /// When Apple is asked for it.
    pub release_due_at: Option<Timestamp>,
    /// Apple's word about the last release, when that failed.
    pub release_failure: Option<String>,
}

/// Devices of a setting that are looked at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingDevices {
    /// The setting.
    pub key: SettingKey,
    /// `due`, `resting`, or Apple's word about their last assignment.
    pub state: &'static str,
    /// How many.
    pub devices: i64,
}

impl Assignments {
    /// Devices that are looked at again now or later, of all tenants.
    pub async fn waiting_devices(&self, now: Timestamp) -> Result<Vec<WaitingDevices>, Error> {
        let select = sql("SELECT tenant, setting, COUNT(*) AS total, assign_failure, (assign_due_at <= \
            $1) AS is_due FROM devices WHERE assign_due_at IS NOT NULL AND deleted = FALSE \
            GROUP BY tenant, setting, assign_failure, is_due")
        .bind(now);
        let rows = self.db.rows(select).await?;
        let mut waiting: Vec<WaitingDevices> = Vec::with_capacity(rows.len());
        for row in &rows {
            let state = match row.get::<Option<AssignmentResult>>("assign_failure")? {
                Some(failure) => failure.as_str(),
                None if row.get::<bool>("is_due")? => "due",
                None => "resting",
            };
            let (key, devices) = (row.get("setting")?, row.get::<i64>("total")?);
            match waiting.iter_mut().find(|known| (known.key, known.state) == (key, state)) {
                Some(known) => known.devices += devices,
                None => waiting.push(WaitingDevices { key, state, devices }),
            }
        }
        Ok(waiting)
    }

    /// How many devices of each visible setting carried another product's profile when all were looked at last.
    pub async fn foreign_devices(&self) -> Result<Vec<(SettingKey, i64)>, Error> {
        let select = sql("SELECT tenant, id, foreign_devices FROM setting_overview \
            WHERE foreign_devices IS NOT NULL AND deleted_at IS NULL ORDER BY tenant, id");
        self.db.all(select, |row| Ok((row.get("id")?, row.get("foreign_devices")?))).await
    }
}

impl Devices {
    /// A device with everything that is known of it, under each visible setting of every tenant that lists it.
    pub async fn everywhere(&self, serial: &str) -> Result<Vec<DeviceStory>, Error> {
        let mut stories = Vec::new();
        for health in visible_settings(&self.db).await? {
            let setting = health.setting;
            let select = sql("SELECT serial, platform, source, deleted, profile_uuid, profile_status, \
                desired_profile, desired_at, assign_due_at, assign_failure, release_requested_at, \
                release_due_at, release_failure FROM devices WHERE tenant = $1 AND setting = $2 \
                AND serial_key = $3")
            .bind((setting.key(), &serial_key(serial)));
            let Some(row) = self.db.row(select).await? else { continue };
            let device = ShownDevice {
                serial: row.get("serial")?,
                platform: row.get("platform")?,
                is_apples: row.get::<String>("source")? == "deviceEnrollmentProgram",
                deleted: row.get("deleted")?,
                profile_uuid: row.get("profile_uuid")?,
                profile_status: row.get("profile_status")?,
                desired_profile: row.get("desired_profile")?,
                desired_at: row.get("desired_at")?,
                assign_due_at: row.get("assign_due_at")?,
                assign_failure: row.get("assign_failure")?,
                release_requested_at: row.get("release_requested_at")?,
                release_due_at: row.get("release_due_at")?,
                release_failure: row.get("release_failure")?,
            };
            let events = self.events(setting.key(), serial).await?;
            stories.push(DeviceStory { setting, device, events });
        }
        Ok(stories)
    }
}
