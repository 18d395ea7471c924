//! Devices written by hand: imported with their serial numbers, described, given a profile, taken out of the list. All of
//! it stays here; Apple keeps what it has.

use std::{
    collections::{HashMap, HashSet},
    slice,
};

use jiff::Timestamp;

use crate::{
    app::{
        Devices, Error,
        audit::event,
        clock::Clock,
        profiles::named,
        settings::{self, CREATES_TRIED},
    },
    domain::{
        Change, DeviceId, DevicePatch, DevicePlatform, DeviceRow, DiscoverySource, Origin, Profile,
        ProfileId, RequestKey, Setting, SettingId, SettingKey, is_same_serial, serial_key,
    },
    storage::{DeviceWrites, EntityCreated},
};

/// Devices that one import may hold, as in Intune's portal.
const LONGEST_IMPORT: usize = 5000;
/// Changed properties that the audit log tells of an import; the event says how many devices changed.
const TOLD: usize = 100;
/// Characters of a serial number.
const LONGEST_SERIAL: usize = 64;

/// What came of one device of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The device as it is now, or as it was named if it was refused.
    pub device: DeviceRow,
    /// Whether it was taken.
    pub accepted: bool,
}

/// What a patch needs to know.
struct Known {
    setting: SettingId,
    /// The profiles that the patches name and that exist.
    profiles: Vec<Profile>,
    now: Timestamp,
}

impl Devices {
    /// Imports devices. Those that are listed are refused, or changed if `overwrite` says so.
    pub async fn import(
        &self,
        origin: &Origin,
        setting: SettingId,
        patches: Vec<DevicePatch>,
        overwrite: bool,
    ) -> Result<Vec<Imported>, Error> {
        let setting = settings::visible(&self.settings, &origin.caller, setting).await?;
        if patches.len() > LONGEST_IMPORT {
            return Err(Error::Invalid(format!(
                "{} devices are more than the {LONGEST_IMPORT} that one import may hold. Nothing was changed.",
                patches.len()
            )));
        }
        let known = self.known(&setting, &patches).await?;
        let serials: Vec<String> = patches.iter().map(serial_of).collect();
        let mut imported = Vec::new();
        let decide = |listed: Vec<DeviceRow>| {
            let writes;
            (writes, imported) = self.imports(origin, &setting, &known, &patches, listed, overwrite);
            Ok(writes)
        };
        self.write(&setting, &known, &serials, decide).await?;
        Ok(imported)
    }

    /// What an import writes, and what it answers.
    fn imports(
        &self,
        origin: &Origin,
        setting: &Setting,
        known: &Known,
        patches: &[DevicePatch],
        listed: Vec<DeviceRow>,
        overwrite: bool,
    ) -> (DeviceWrites, Vec<Imported>) {
        let listed: HashMap<String, DeviceRow> =
            listed.into_iter().map(|device| (serial_key(&device.serial), device)).collect();
        let (mut new, mut changed, mut imported) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for patch in patches {
            let key = serial_key(&serial_of(patch));
            let old = listed.get(&key);
            let fresh = Self::fresh_device(known, patch);
            let written = match old {
                Some(_) if !overwrite => None,
                _ if !seen.insert(key) => None,
                old => patched(known, old.unwrap_or(&fresh), patch).ok(),
            };
            match (&written, old) {
                (Some(device), Some(_)) => changed.push(device.clone()),
                (Some(device), None) => new.push(device.clone()),
                (None, _) => {}
            }
            let accepted = written.is_some();
            // A refused device that is not listed has no id.
            let refused = || old.cloned().unwrap_or(DeviceRow { id: DeviceId(uuid::Uuid::nil()), ..fresh });
            let device = written.unwrap_or_else(refused);
            imported.push(Imported { device, accepted });
        }
        let refused = imported.len() - new.len() - changed.len();
        let said = format!("{} added, {} changed, {refused} refused", new.len(), changed.len());
        let mut changes =
            vec![Change { property: "importedAppleDeviceIdentities", old: None, new: Some(said) }];
        changes.extend(told(&listed, &new, &changed));
        let event = event(&self.clock, Some(origin), "importAppleDeviceIdentityList", setting, changes);
        (DeviceWrites { new, changed, event }, imported)
    }

    /// Lists a device by its serial number, once for its `key`.
    pub async fn create(
        &self,
        origin: &Origin,
        setting: SettingId,
        patch: DevicePatch,
        key: Option<RequestKey>,
    ) -> Result<DeviceRow, Error> {
        let setting = settings::visible(&self.settings, &origin.caller, setting).await?;
        let known = self.known(&setting, slice::from_ref(&patch)).await?;
        let device = patched(&known, &Self::fresh_device(&known, &patch), &patch)?;
        let decide = |listed: Vec<DeviceRow>| {
            if !listed.is_empty() {
                return Err(Error::conflict(
                    "A device with this serial number is listed under the setting already. Nothing was changed.",
                ));
            }
            let activity = "create ImportedAppleDeviceIdentity";
            let event = event(&self.clock, Some(origin), activity, &device, changes(None, Some(&device)));
            Ok(DeviceWrites { new: vec![device.clone()], changed: Vec::new(), event })
        };
        for _ in 0..CREATES_TRIED {
            match self.devices.create(&device, (setting.key(), &known.profiles), key, decide).await? {
                EntityCreated::Done => return Ok(device),
                EntityCreated::Earlier(id) => match self.get(&origin.caller, setting.id, id).await {
                    // Deleted just now: it is made again.
                    Err(Error::NotFound { .. }) => {}
                    earlier => return earlier,
                },
                EntityCreated::NotFound => return Err(gone()),
            }
        }
        Err(Error::NO_DEVICE)
    }

    /// Changes what people may change of a device.
    pub async fn update(
        &self,
        origin: &Origin,
        setting: SettingId,
        id: DeviceId,
        patch: DevicePatch,
    ) -> Result<DeviceRow, Error> {
        let serial = self.get(&origin.caller, setting, id).await?.serial;
        let setting = settings::visible(&self.settings, &origin.caller, setting).await?;
        let known = self.known(&setting, slice::from_ref(&patch)).await?;
        let mut updated = None;
        let decide = |listed: Vec<DeviceRow>| {
            let old = listed.into_iter().find(|device| device.id == id).ok_or(Error::NO_DEVICE)?;
            let device = patched(&known, &old, &patch)?;
            let activity = "patch ImportedAppleDeviceIdentity";
            let event =
                event(&self.clock, Some(origin), activity, &device, changes(Some(&old), Some(&device)));
            updated = Some(device.clone());
            Ok(DeviceWrites { new: Vec::new(), changed: vec![device], event })
        };
        self.write(&setting, &known, &[serial], decide).await?;
        updated.ok_or(Error::NO_DEVICE)
    }

    /// Takes a device out of the list; if Apple still lists it, the next full fetch brings it back.
    pub async fn remove(&self, origin: &Origin, setting: SettingId, id: DeviceId) -> Result<(), Error> {
        let device = self.get(&origin.caller, setting, id).await?;
        let activity = "delete ImportedAppleDeviceIdentity";
        let event = event(&self.clock, Some(origin), activity, &device, changes(Some(&device), None));
        match self.devices.remove(SettingKey::new(origin.caller.tenant, setting), id, &event).await? {
            true => Ok(()),
            false => Err(Error::NO_DEVICE),
        }
    }

    async fn write(
        &self,
        setting: &Setting,
        known: &Known,
        serials: &[String],
        decide: impl FnOnce(Vec<DeviceRow>) -> Result<DeviceWrites, Error> + Send,
    ) -> Result<(), Error> {
        match self.devices.write(setting.key(), serials, &known.profiles, known.now, decide).await? {
            true => Ok(()),
            false => Err(gone()),
        }
    }

    async fn known(&self, setting: &Setting, patches: &[DevicePatch]) -> Result<Known, Error> {
        let named = patches.iter().filter_map(|patch| patch.desired_profile.as_ref()?.as_deref());
        let ids: HashSet<ProfileId> = named.filter_map(|text| ProfileId::named(text, setting.id)).collect();
        let mut profiles = Vec::with_capacity(ids.len());
        for id in ids {
            profiles.extend(self.profiles.get(setting.key(), id).await?);
        }
        Ok(Known { setting: setting.id, profiles, now: self.clock.now() })
    }

    fn fresh_device(known: &Known, patch: &DevicePatch) -> DeviceRow {
        DeviceRow {
            id: DeviceId(Clock::id_at(known.now)),
            setting: known.setting,
            serial: serial_of(patch),
            platform: DevicePlatform::Unknown,
            description: None,
            source: DiscoverySource::AdminImport,
            deleted: false,
            created_at: known.now,
            desired_profile: None,
            desired_at: None,
            supervised: false,
        }
    }
}

fn gone() -> Error {
    Error::conflict(
        "The setting or a profile was deleted just now. Nothing was changed; look at it and try again.",
    )
}

fn serial_of(patch: &DevicePatch) -> String {
    patch.serial.as_deref().unwrap_or_default().trim().to_owned()
}

/// What differs between two states of a device.
fn changes(old: Option<&DeviceRow>, new: Option<&DeviceRow>) -> Vec<Change> {
    let property = |name, of: fn(&DeviceRow) -> Option<&str>| (name, old.and_then(of), new.and_then(of));
    let desired = |device: Option<&DeviceRow>| Some(device?.desired_profile?.to_string());
    Change::among([
        property("serialNumber", |device| Some(&device.serial)),
        property("description", |device| device.description.as_deref()),
        property("platform", |device| Some(device.platform.as_str())),
        property("isSupervised", |device| Some(if device.supervised { "true" } else { "false" })),
        ("requestedEnrollmentProfileId", desired(old).as_deref(), desired(new).as_deref()),
    ])
}

/// What an import did to which device: the serial numbers that are new, and of the others each property that changed.
fn told(listed: &HashMap<String, DeviceRow>, new: &[DeviceRow], changed: &[DeviceRow]) -> Vec<Change> {
    let added: Vec<String> = new.iter().map(|device| device.serial.clone()).collect();
    let added = (!added.is_empty()).then(|| named(&added));
    let of = |device: &DeviceRow| {
        let old = listed.get(&serial_key(&device.serial));
        let with = |text: Option<String>| text.map(|text| format!("{}: {text}", device.serial));
        let told = |change: Change| Change { old: with(change.old), new: with(change.new), ..change };
        changes(old, Some(device)).into_iter().map(told).collect::<Vec<_>>()
    };
    let first = added.map(|added| Change { property: "serialNumber", old: None, new: Some(added) });
    first.into_iter().chain(changed.iter().flat_map(of).take(TOLD)).collect()
}

/// The device as the patch wants it.
fn patched(known: &Known, old: &DeviceRow, patch: &DevicePatch) -> Result<DeviceRow, Error> {
    let invalid = |what: &str| Error::Invalid(format!("{what} Nothing was changed."));
    let mut device = old.clone();
    let same = |serial: &String| is_same_serial(serial, &old.serial);
    if !patch.serial.as_ref().is_none_or(same) {
        return Err(invalid("'serialNumber' names the device and cannot be changed."));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if device.serial.is_empty() || device.serial.len() > LONGEST_SERIAL || !device.serial.bytes().all(fits) {
        return Err(invalid("'serialNumber' must be 1 to 64 letters and digits."));
    }
    if let Some(description) = &patch.description {
        device.description.clone_from(description);
    }
    if let Some(word) = patch.platform {
        device.platform = DevicePlatform::from_word(word).ok_or_else(|| {
            invalid("'platform' must be one of Apple's: ios, macOS, tvOS, visionOS or unknown.")
        })?;
    }
    device.supervised = patch.supervised.unwrap_or(device.supervised);
    match &patch.desired_profile {
        None => {}
        Some(None) => (device.desired_profile, device.desired_at) = (None, None),
        Some(Some(text)) => {
            let id = ProfileId::named(text, known.setting);
            let profile = known.profiles.iter().find(|profile| Some(profile.id) == id).ok_or_else(|| {
                invalid("'requestedEnrollmentProfileId' must name a profile of this setting.")
            })?;
            let wanted = Some(profile.id);
            if device.desired_profile != wanted {
                (device.desired_profile, device.desired_at) = (wanted, Some(known.now));
            }
            device.supervised = profile.flag("supervisedModeEnabled");
        }
    }
    Ok(device)
}
