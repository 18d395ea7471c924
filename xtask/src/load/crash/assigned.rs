//! The actual state must reach the desired state: at Apple every device has its desired profile in the last revision, and no
//! other device was changed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::desired::{DesiredState, FOREIGN};
use super::world::Onboarding;
use crate::Result;
use crate::apple::{Portal, State};

/// The longest way from a restart to the last assignment.
const TIMEOUT: Duration = Duration::from_secs(40);

/// How often a revision may be defined at most, answers lost and all.
const DEFINITIONS: usize = 3;

/// Waits until the actual state equals the desired state; returns how many devices have a desired profile.
pub(super) fn converge(portal: &mut Portal, setting: &Onboarding) -> Result<u64> {
    let waiting = Instant::now();
    loop {
        let devices = portal.states(&setting.server)?;
        let defined = portal.profiles(&setting.server)?;
        let Some(desired_state) = &setting.desired_state else {
            return untouched(&devices, &defined).map(|()| 0);
        };
        never_asked(&devices, &defined, desired_state)?;
        match pending(&devices, &defined, desired_state) {
            None => return defined_once(&devices, &defined).map(|()| assigned(&devices, desired_state)),
            Some(what) if waiting.elapsed() > TIMEOUT => return Err(format!("PROFILES DRIFT: {what}")),
            Some(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn assigned(devices: &BTreeMap<String, State>, desired_state: &DesiredState) -> u64 {
    devices.iter().filter(|(serial, state)| desired_state.profile_of(serial, state).is_some()).count() as u64
}

/// A setting without a desired state.
fn untouched(devices: &BTreeMap<String, State>, defined: &BTreeMap<String, String>) -> Result {
    if let Some((uuid, name)) = defined.first_key_value() {
        return Err(format!("Profile {uuid} ({name}) was defined without a request."));
    }
    match devices.iter().find(|(_, state)| state.profile.is_some()) {
        Some((serial, state)) => {
            Err(format!("Device {serial} carries {:?} without a request.", state.profile))
        }
        None => Ok(()),
    }
}

/// The first difference between actual and desired state.
fn pending(
    devices: &BTreeMap<String, State>,
    defined: &BTreeMap<String, String>,
    desired_state: &DesiredState,
) -> Option<String> {
    let asked = desired_state.released.iter().filter(|(_, answered)| **answered);
    if let Some((serial, _)) = asked.into_iter().find(|(serial, _)| devices.contains_key(*serial)) {
        return Some(format!("device {serial} was to be released, and Apple still has it."));
    }
    devices.iter().find_map(|(serial, state)| {
        let desired = &desired_state.profile_of(serial, state)?.name.answered;
        let name = state.profile.as_ref().and_then(|uuid| defined.get(uuid));
        (name != Some(desired)).then(|| {
            format!(
                "device {serial} is to have '{desired}', and has {name:?} ({:?}, {}).",
                state.profile, state.status
            )
        })
    })
}

/// What must hold at every moment: a device without a desired state is unchanged at Apple.
fn never_asked(
    devices: &BTreeMap<String, State>,
    defined: &BTreeMap<String, String>,
    desired_state: &DesiredState,
) -> Result {
    for (serial, state) in devices {
        let Some(uuid) = &state.profile else { continue };
        let is_foreign = desired_state.foreign.contains(serial);
        if uuid == FOREIGN && is_foreign {
            continue;
        }
        let Some(name) = defined.get(uuid) else {
            return Err(format!("Device {serial} carries {uuid}, which was never defined."));
        };
        if is_foreign {
            return Err(format!(
                "Device {serial} had another product's profile, and a default took it ('{name}')."
            ));
        }
        if !state.is_mobile() && !desired_state.explicit.contains_key(serial) {
            return Err(format!("DEVICE {serial} WAS TOUCHED ('{name}') without a request."));
        }
    }
    let lost = desired_state
        .foreign
        .iter()
        .find(|serial| devices.get(*serial).is_some_and(|state| state.profile.is_none()));
    lost.map_or(Ok(()), |serial| Err(format!("Device {serial} has lost another product's profile.")))
}

/// Each revision was defined a few times at most, and devices have only one of these profiles.
fn defined_once(devices: &BTreeMap<String, State>, defined: &BTreeMap<String, String>) -> Result {
    let carried: BTreeSet<&String> = devices.values().filter_map(|state| state.profile.as_ref()).collect();
    let mut of_name: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    for (uuid, name) in defined {
        of_name.entry(name).or_default().push(uuid);
    }
    for (name, uuids) in of_name {
        if uuids.len() > DEFINITIONS {
            return Err(format!("'{name}' was defined {} times.", uuids.len()));
        }
        let holding = uuids.iter().filter(|uuid| carried.contains(**uuid)).count();
        if holding > 1 {
            return Err(format!("{holding} profiles hold devices as '{name}': one of them is an orphan."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(os: &str, profile: Option<&str>) -> State {
        let profile = profile.map(str::to_owned);
        State { os: os.to_owned(), profile, status: "assigned".to_owned(), description: None }
    }

    fn defined(profiles: &[(&str, &str)]) -> BTreeMap<String, String> {
        profiles.iter().map(|(uuid, name)| ((*uuid).to_owned(), (*name).to_owned())).collect()
    }

    #[test]
    fn an_orphan_that_holds_a_device_and_a_device_nobody_asked_for_are_found() {
        let two = defined(&[("1", "a 0"), ("2", "a 0")]);
        let of = |profiles: [Option<&str>; 2]| -> BTreeMap<String, State> {
            ["A", "B"]
                .into_iter()
                .zip(profiles)
                .map(|(serial, uuid)| (serial.to_owned(), device("iOS", uuid)))
                .collect()
        };
        assert!(defined_once(&of([Some("1"), Some("1")]), &two).is_ok());
        assert!(defined_once(&of([Some("1"), Some("2")]), &two).is_err());
        assert!(untouched(&of([None, None]), &defined(&[])).is_ok());
        assert!(untouched(&of([Some("1"), None]), &defined(&[])).is_err());
        assert!(untouched(&of([None, None]), &two).is_err());
    }
}
