//! Enrollment profiles that clients defined. They never change and never go away; which devices carry one is
//! written in the devices' records.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{PortalRefused, Record, Serial, World};

/// The place of a profile in the world, plus one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ProfileId(NonZeroU32);

/// One profile, as it was defined.
pub(crate) struct Profile {
    /// 32 upper-case hex digits.
    pub(crate) uuid: Arc<str>,
    /// The position of the server that defined it; no other can use it.
    server: usize,
    /// Seconds since 1970.
    pub(crate) defined_at: i64,
    /// Everything that was sent, also what Apple does not know; without `devices` and `profile_uuid`.
    pub(crate) fields: Map<String, Value>,
    /// How often it was assigned to a device.
    pub(crate) assignments: u64,
}

/// All profiles, oldest first.
#[derive(Default)]
pub(super) struct Profiles {
    all: Vec<Profile>,
    ids: HashMap<Arc<str>, ProfileId>,
}

/// Which devices of a server carry which profile.
pub(crate) struct CarriedProfiles<'a> {
    /// Every profile that the server defined, oldest first.
    pub(crate) own: Vec<(&'a Profile, Vec<Serial>)>,
    /// Profiles that the server never defined, by the uuid that the portal put on the devices.
    pub(crate) foreign: BTreeMap<String, Vec<Serial>>,
}

impl World {
    /// Stores a profile that was checked before, under a new uuid.
    pub(crate) fn define_profile(
        &mut self,
        server: usize,
        fields: Map<String, Value>,
        now: Timestamp,
    ) -> ProfileId {
        let uuid: Arc<str> = self.random.upper_hex::<16>("profile_uuid").into();
        let id = ProfileId(NonZeroU32::MIN.saturating_add(self.profiles.all.len() as u32));
        self.profiles.ids.insert(uuid.clone(), id);
        self.profiles.all.push(Profile { uuid, server, defined_at: now.as_second(), fields, assignments: 0 });
        id
    }

    /// The profile of a server with this uuid; dashes and case do not matter.
    pub(crate) fn find_profile(&self, server: usize, uuid: &str) -> Option<ProfileId> {
        let normal = uuid.replace('-', "").to_ascii_uppercase();
        let id = *self.profiles.ids.get(normal.as_str())?;
        (self.profile(id).server == server).then_some(id)
    }

    pub(crate) fn profile(&self, id: ProfileId) -> &Profile {
        &self.profiles.all[id.0.get() as usize - 1]
    }

    /// Status and uuid of the profile that a device is shown with, be they true or set manually.
    pub(crate) fn shown_profile(&self, record: &Record) -> (String, Option<String>) {
        let status = record.manual_text("profile_status");
        let uuid = record.profile.map(|id| self.profile(id).uuid.to_string());
        let status = status.unwrap_or_else(|| record.status.as_str().to_owned());
        (status, record.manual_text("profile_uuid").or(uuid))
    }

    /// Counts an assignment.
    pub(super) fn profile_used(&mut self, id: ProfileId) {
        self.profiles.all[id.0.get() as usize - 1].assignments += 1;
    }

    /// The profiles of a server, and which of its devices carry them.
    pub(crate) fn carried_profiles(&self, uuid: &str) -> Result<CarriedProfiles<'_>, PortalRefused> {
        let server = self.server_position(uuid)?;
        let mut carriers: HashMap<&str, Vec<Serial>> = HashMap::new();
        let mut foreign: BTreeMap<String, Vec<Serial>> = BTreeMap::new();
        for event in self.servers[server].log.devices() {
            let record = &event.record;
            match (record.manual_text("profile_uuid"), record.profile) {
                (Some(manual), _) => foreign.entry(manual).or_default().push(record.serial),
                (None, Some(id)) => carriers.entry(&*self.profile(id).uuid).or_default().push(record.serial),
                (None, None) => {}
            }
        }
        let mut own = Vec::new();
        for profile in self.profiles.all.iter().filter(|profile| profile.server == server) {
            let mut serials = carriers.remove(&*profile.uuid).unwrap_or_default();
            serials.extend(foreign.remove(&*profile.uuid).unwrap_or_default());
            own.push((profile, serials));
        }
        Ok(CarriedProfiles { own, foreign })
    }
}
