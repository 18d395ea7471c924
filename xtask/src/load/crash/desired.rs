//! The requested profiles of a setting, and whether each request was answered: after a kill, what is stored must be the last
//! answered desired state or one that was cut off after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde_json::json;

use super::random::Random;
use crate::Result;
use crate::apple::{Portal, State};
use crate::graph::Graph;

/// The profile that another product has assigned to some devices.
pub(super) const FOREIGN: &str = "0123456789ABCDEF0123456789ABCDEF";

/// Devices that carry another product's profile, of each setting.
const FOREIGN_DEVICES: usize = 5;

/// A requested value: the last answered one, and one that was requested after it and not answered.
#[derive(Clone, Debug)]
pub(super) struct DesiredValue<T> {
    pub(super) answered: T,
    cut: Option<T>,
}

impl<T: Clone + PartialEq + Debug> DesiredValue<T> {
    pub(super) fn new(answered: T) -> Self {
        Self { answered, cut: None }
    }

    pub(super) fn answered(&mut self, value: T) {
        *self = Self::new(value);
    }

    pub(super) fn cut_off(&mut self, value: T) {
        self.cut = Some(value);
    }

    /// Takes what is stored for the answered one, which it must be, or the one that was cut off.
    pub(super) fn settle(&mut self, what: &str, stored: T) -> Result {
        if stored == self.answered || Some(&stored) == self.cut.as_ref() {
            *self = Self::new(stored);
            return Ok(());
        }
        Err(format!("A DESIRED STATE IS LOST: {what} is {stored:?}, and was asked to be {self:?}."))
    }
}

/// A profile, its type, and its name, which changes with every edit so that Apple's side tells revisions apart.
pub(super) struct Profile {
    pub(super) id: String,
    pub(super) name: DesiredValue<String>,
    edits: u32,
}

/// Of one setting. Its first two profiles are for iPhones and iPads, the third is for Macs.
pub(super) struct DesiredState {
    pub(super) profiles: [Profile; 3],
    /// Which of the first two is the default.
    pub(super) default: DesiredValue<Option<usize>>,
    /// Devices that are to have a profile of their own, by serial number.
    pub(super) explicit: BTreeMap<String, DesiredValue<Option<usize>>>,
    /// Devices whose release was requested, and whether that was answered.
    pub(super) released: BTreeMap<String, bool>,
    pub(super) foreign: BTreeSet<String>,
}

const KINDS: [&str; 3] = ["depIOSEnrollmentProfile", "depIOSEnrollmentProfile", "depMacOSEnrollmentProfile"];

impl Profile {
    /// The name that the next edit gives.
    pub(super) fn next_name(&mut self) -> String {
        self.edits += 1;
        let (first, _) = self.name.answered.split_once(' ').unwrap_or((&self.name.answered, ""));
        format!("{first} {}", self.edits)
    }
}

impl DesiredState {
    /// Makes the profiles, and assigns a foreign profile to some of the devices.
    pub(super) fn begin(graph: &mut Graph, portal: &mut Portal, setting: &str, server: &str) -> Result<Self> {
        let mut profiles = Vec::new();
        for (number, kind) in KINDS.iter().enumerate() {
            let name = format!("profile-{number} 0");
            let kind = format!("#microsoft.graph.{kind}");
            let body = json!({ "@odata.type": kind, "displayName": name });
            let id = graph.create_profile(setting, &body)?;
            profiles.push(Profile { id, name: DesiredValue::new(name), edits: 0 });
        }
        let profiles = profiles.try_into().map_err(|_| "There are not three profiles.")?;
        let devices = portal.states(server)?;
        let phones = devices.iter().filter(|(_, state)| state.is_mobile());
        let foreign: BTreeSet<String> =
            phones.take(FOREIGN_DEVICES).map(|(serial, _)| serial.clone()).collect();
        for serial in &foreign {
            portal.put_profile(server, serial, FOREIGN)?;
        }
        portal.let_release(server)?;
        let (default, explicit, released) = (DesiredValue::new(None), BTreeMap::new(), BTreeMap::new());
        Ok(Self { profiles, default, explicit, released, foreign })
    }

    /// Compares what is stored with what was requested; the stored state is the desired one from now on.
    pub(super) fn settle(&mut self, graph: &mut Graph, setting: &str) -> Result {
        for profile in &mut self.profiles {
            let name = graph.profile_name(setting, &profile.id)?;
            profile.name.settle("a profile's name", name)?;
        }
        let default = graph.default_of_phones(setting)?;
        let default = default.map(|id| self.place_of(&id)).transpose()?;
        self.default.settle("the default profile", default)?;
        for (serial, device) in graph.devices(setting)? {
            let desired = device.desired_profile.map(|id| self.place_of(&id)).transpose()?;
            match self.explicit.get_mut(&serial) {
                Some(value) => value.settle(&format!("the profile of device {serial}"), desired)?,
                None if desired.is_some() => {
                    return Err(format!("Device {serial} has a desired profile that was never requested."));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Which of the three a profile's id means, in either of its forms.
    fn place_of(&self, id: &str) -> Result<usize> {
        let place = self.profiles.iter().position(|profile| profile.id.ends_with(id));
        place.ok_or_else(|| format!("{id} is none of the setting's profiles."))
    }

    /// The desired profile of a device; none when Apple's state is to be left alone.
    pub(super) fn profile_of(&self, serial: &str, state: &State) -> Option<&Profile> {
        let explicit = self.explicit.get(serial).and_then(|desired| desired.answered);
        let default = self.default.answered.filter(|_| state.is_mobile() && !self.foreign.contains(serial));
        explicit.or(default).map(|place| &self.profiles[place])
    }

    /// Some of the listed devices of a kind that may be changed.
    pub(super) fn choose<'s>(
        &self,
        devices: &'s BTreeMap<String, State>,
        listed: &BTreeSet<String>,
        fits: impl Fn(&State) -> bool,
        most: u64,
        random: &mut Random,
    ) -> Vec<&'s String> {
        let free = |serial: &String| listed.contains(serial) && !self.foreign.contains(serial);
        let mut all: Vec<&String> = devices
            .iter()
            .filter(|(serial, state)| fits(state) && free(serial))
            .map(|(serial, _)| serial)
            .collect();
        let mut chosen = Vec::new();
        for _ in 0..random.within(1..most) {
            if !all.is_empty() {
                chosen.push(all.swap_remove(random.within(0..all.len() as u64) as usize));
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desired_profile_that_was_answered_may_only_give_way_to_one_that_was_cut_off() {
        let mut desired = DesiredValue::new(1);
        desired.answered(2);
        assert!(desired.clone().settle("it", 1).is_err());
        desired.cut_off(3);
        assert!(desired.clone().settle("it", 2).is_ok());
        desired.settle("it", 3).unwrap();
        assert!(desired.settle("it", 2).is_err());
    }
}
