//! What must hold after a kill: every answered upload and desired state is stored, an unanswered one is whole or absent, and
//! after the next complete sync the devices are exactly Apple's, each with its desired profile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::kill::{Failpoint, Kill};
use super::tally::Tally;
use super::world::{Onboarding, World};
use super::{assigned, history};
use crate::Result;
use crate::apple::Portal;
use crate::graph::{Device, Graph, lost, upload_body};

/// The longest way to the end of a sync: the rest of a lease, a look at what is due, the sync.
const TIMEOUT: Duration = Duration::from_secs(40);

/// The longest time from Apple's answer to its being stored.
const STORING: Duration = Duration::from_secs(5);

/// Starts the service again and checks everything.
pub(super) fn after(world: &mut World, kill: Kill) -> Result<Tally> {
    let mut tally = Tally::default();
    // Nothing changes at Apple any more, so a sync that ends from now on has seen everything.
    let restarted = world.now();
    world.restart()?;
    let mut portal = world.apple.portal();
    for (number, setting) in world.settings.iter_mut().enumerate() {
        let id = setting.id.clone();
        let named = |error: String| format!("setting {number} ({id}): {error}");
        let cut = match kill {
            Kill::At(place, _) if number == 0 && kill.is_in_an_upload() => Some(place),
            _ => None,
        };
        token(&mut world.graph, setting, cut, &mut tally).map_err(named)?;
    }
    for (number, setting) in world.settings.iter_mut().enumerate() {
        let id = setting.id.clone();
        let named = |error: String| format!("setting {number} ({id}): {error}");
        if let Some(desired_state) = &mut setting.desired_state {
            desired_state.settle(&mut world.graph, &id).map_err(named)?;
        }
        if setting.answered.is_some() {
            let synced = sync(&mut world.graph, setting, restarted).map_err(named)?;
            // A fetch that was read in two runs does not tell who left; the next sync does.
            if matches!(kill, Kill::At(Failpoint::MissingSettled, _)) {
                sync(&mut world.graph, setting, synced).map_err(named)?;
            }
            tally.assigned += assigned::converge(&mut portal, setting).map_err(named)?;
            let present = devices(&mut world.graph, &mut portal, setting, &mut tally).map_err(named)?;
            history::check(&world.launch, setting, present).map_err(named)?;
        }
    }
    // The token from before the kill still worked; now the application signs in again, and the command line lists it.
    world.sign_in()?;
    if !world.list_clients()?.contains(&world.credentials.client) {
        return Err("`adept client list` has lost the application.".to_owned());
    }
    Ok(tally)
}

/// The token is the last answered one or one that was issued after it; then the client repeats what was not answered.
fn token(graph: &mut Graph, setting: &mut Onboarding, cut: Option<Failpoint>, tally: &mut Tally) -> Result {
    let seen = graph.setting(&setting.id)?;
    if setting.modified.is_some_and(|before| seen.modified < before) {
        return Err(format!("lastModifiedDateTime went back to {}.", seen.modified));
    }
    if seen.triggered > seen.synced {
        tally.syncs_cut += 1;
    }
    let stored = match &seen.expires {
        None => None,
        Some(expires) => {
            let expires: Timestamp = expires.parse().map_err(|_| format!("{expires} is no time."))?;
            let place = setting.issued.iter().position(|issued| issued.expires == expires);
            Some(place.ok_or_else(|| format!("It holds a token that was never issued, until {expires}."))?)
        }
    };
    if stored < setting.answered {
        return Err(format!(
            "AN ANSWERED UPLOAD IS LOST: token {:?} was answered with 204, token {stored:?} is stored.",
            setting.answered
        ));
    }
    let newest = setting.issued.len().checked_sub(1);
    if newest > setting.answered {
        let whole = stored == newest;
        match cut {
            Some(Failpoint::UploadOpened | Failpoint::UploadProven) if whole => {
                return Err("An upload is stored that was ended before it was saved.".to_owned());
            }
            Some(Failpoint::UploadSaved) if !whole => {
                return Err("An upload is not stored that was ended after it was saved.".to_owned());
            }
            _ if whole => tally.uploads_whole += 1,
            _ => tally.uploads_absent += 1,
        }
        // Apple ended the stored token when it issued the newest one.
        if !whole {
            repeat(graph, setting, newest.unwrap_or_default())?;
        }
        setting.stored.extend(newest);
    }
    audit(graph, setting)?;
    if setting.issued.is_empty() {
        return Ok(());
    }
    setting.answered = newest;
    setting.modified = Some(graph.setting(&setting.id)?.modified);
    Ok(())
}

/// The audit has one entry for each token that was ever stored, and none for one that was not.
fn audit(graph: &mut Graph, setting: &Onboarding) -> Result {
    let mut audited = graph.audited_expiries(&setting.id)?;
    let mut stored: Vec<String> =
        setting.stored.iter().map(|place| setting.issued[*place].expires.to_string()).collect();
    audited.sort();
    stored.sort();
    if audited == stored {
        return Ok(());
    }
    Err(format!("The audit knows the tokens until {audited:?}, and those until {stored:?} were stored."))
}

/// What a client does that got no answer: the same again.
fn repeat(graph: &mut Graph, setting: &Onboarding, place: usize) -> Result {
    let body = upload_body(&setting.issued[place].file);
    let answer = graph.upload(&setting.id, &body).map_err(lost)?;
    answer.expect(204).map(drop).map_err(|error| format!("Repeating an upload that was cut off: {error}"))
}

/// Requests a sync and waits for the end of one that started after the restart.
fn sync(graph: &mut Graph, setting: &Onboarding, after: Timestamp) -> Result<Timestamp> {
    graph.request_sync(&setting.id).map_err(lost)?.expect(204).map_err(|error| format!("A sync: {error}"))?;
    let waiting = Instant::now();
    loop {
        let seen = graph.setting(&setting.id)?;
        if let Some(synced) = seen.synced.filter(|synced| seen.error_code == 0 && *synced > after) {
            return Ok(synced);
        }
        if waiting.elapsed() > TIMEOUT {
            return Err(format!("No sync succeeds after {after}: {seen:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// After a whole sync, the devices that Graph lists are Apple's: none lost, none twice, and those removed are gone. How
/// many there are.
fn devices(
    graph: &mut Graph,
    portal: &mut Portal,
    setting: &mut Onboarding,
    tally: &mut Tally,
) -> Result<u64> {
    let waiting = Instant::now();
    loop {
        let truth: BTreeMap<String, Option<String>> = portal
            .states(&setting.server)?
            .into_iter()
            .map(|(serial, state)| (serial, state.description))
            .collect();
        let listed = graph.devices(&setting.id)?;
        let present = graph.setting(&setting.id)?.devices;
        let same = compare(&truth, &listed, setting).and_then(|()| match present == truth.len() as u64 {
            true => Ok(()),
            false => Err(format!("syncedDeviceCount is {present}, Apple has {} devices.", truth.len())),
        });
        match same {
            // A released device disappears at Apple a moment before it does here.
            Err(_) if setting.desired_state.is_some() && waiting.elapsed() < STORING => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
            Ok(()) => {
                tally.devices_equal += present;
                tally.devices_tombstone += listed.len() as u64 - present;
                setting.listed = truth.into_keys().collect();
                return Ok(present);
            }
        }
    }
}

fn compare(
    truth: &BTreeMap<String, Option<String>>,
    listed: &BTreeMap<String, Device>,
    setting: &Onboarding,
) -> Result {
    for (serial, description) in truth {
        match listed.get(serial) {
            None => return Err(format!("DEVICE {serial} IS LOST: Apple has it, Graph does not list it.")),
            Some(device) if device.deleted => {
                return Err(format!("Device {serial} counts as gone, and Apple has it."));
            }
            Some(device) if device.description != *description => {
                let (ours, apples) = (&device.description, description);
                return Err(format!("Device {serial} is described {ours:?}, and at Apple {apples:?}."));
            }
            Some(_) => {}
        }
    }
    for (serial, device) in listed {
        if !device.deleted && !truth.contains_key(serial) {
            return Err(format!("Device {serial} is listed, and Apple has taken it away."));
        }
    }
    match setting.listed.iter().find(|serial| !listed.contains_key(*serial)) {
        None => Ok(()),
        Some(serial) => Err(format!("Device {serial} was listed before and is not even listed as gone.")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn setting(listed: &[&str]) -> Onboarding {
        Onboarding {
            id: String::new(),
            server: String::new(),
            issued: Vec::new(),
            answered: None,
            stored: Vec::new(),
            modified: None,
            listed: listed.iter().map(|serial| (*serial).to_owned()).collect::<BTreeSet<_>>(),
            desired_state: None,
            history: BTreeMap::new(),
        }
    }

    fn truth(serials: &[&str]) -> BTreeMap<String, Option<String>> {
        serials.iter().map(|serial| ((*serial).to_owned(), None)).collect()
    }

    fn listed(devices: &[(&str, bool)]) -> BTreeMap<String, Device> {
        let device = |deleted| Device { deleted, description: None, desired_profile: None };
        devices.iter().map(|(serial, deleted)| ((*serial).to_owned(), device(*deleted))).collect()
    }

    #[test]
    fn every_difference_from_apple_is_found() {
        let known = setting(&["A", "B"]);
        assert_eq!(compare(&truth(&["A"]), &listed(&[("A", false), ("B", true)]), &known), Ok(()));
        for (apple, graph) in [
            (&["A"][..], &[("B", true)][..]),
            (&["A"], &[("A", true), ("B", true)]),
            (&["A"], &[("A", false), ("B", false)]),
            (&["A"], &[("A", false)]),
        ] {
            assert!(compare(&truth(apple), &listed(graph), &known).is_err(), "{apple:?} {graph:?}");
        }
        let mut described = truth(&["A", "B"]);
        described.insert("A".to_owned(), Some("new".to_owned()));
        assert!(compare(&described, &listed(&[("A", false), ("B", false)]), &known).is_err());
    }
}
