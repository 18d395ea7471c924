//! Lives of devices, step by step and at random, on two servers of one organization.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::super::{MovedIn, Operation, OrganizationVersion, ProfileId};
use super::*;
use crate::apple;

const DAY: i64 = 24 * 3600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// Two servers of one organization, each with a profile.
fn world() -> (World, [String; 2], [ProfileId; 2]) {
    let mut world = World::new(1, false);
    let org = world.found_organization(None, Default::default(), OrganizationVersion::V2, None);
    let org_id = org.unwrap().org_id.clone();
    let uuids =
        [0, 1].map(|_| world.register_server(None, Some(org_id.clone()), None).unwrap().uuid.to_string());
    let profiles = [0, 1].map(|server| world.define_profile(server, Map::new(), at(0)));
    (world, uuids, profiles)
}

fn serials(world: &World, uuid: &str) -> Vec<String> {
    let devices = world.devices(uuid, 0, usize::MAX).unwrap();
    devices.iter().map(|event| event.record.serial.as_str().to_owned()).collect()
}

fn statuses(answer: &Statuses<'_>) -> Vec<String> {
    answer.devices.iter().map(|(_, status)| status.as_deref().unwrap_or("-").to_owned()).collect()
}

#[test]
fn a_throttle_ends_when_the_oldest_assignment_is_out_of_the_window() {
    let (mut world, uuids, profiles) = world();
    world.sow_devices(&uuids[0], 1, at(0)).unwrap();
    let serial = serials(&world, &uuids[0]).remove(0);
    world.switches.assign_throttle_count = 2;
    world.switches.assign_throttle_seconds = DAY as u32;
    let mut assign = |time: i64| {
        let answer = world.assign_profile(0, profiles[0], &[&serial], 10, at(time));
        (statuses(&answer).remove(0), answer.retry_after)
    };
    let success = ("SUCCESS".to_owned(), None);
    let throttled = |seconds| ("THROTTLED".to_owned(), Some(seconds));
    assert_eq!(assign(0), success);
    assert_eq!(assign(3600), success);
    assert_eq!(assign(7200), throttled(DAY as u64 - 7200));
    assert_eq!(assign(DAY - 1), throttled(1));
    assert_eq!(assign(DAY), success, "trying in between did not extend it");
    assert_eq!(assign(DAY + 1), throttled(3599));
}

#[test]
fn what_lags_comes_true_in_order_and_at_its_own_time() {
    let (mut world, uuids, profiles) = world();
    world.sow_devices(&uuids[0], 1, at(0)).unwrap();
    let serial = serials(&world, &uuids[0]).remove(0);
    world.switches.assign_lag_seconds = 60;
    world.assign_profile(0, profiles[0], &[&serial], 10, at(0));
    world.remove_profiles(0, &[&serial], at(30));
    let status = |world: &World| {
        let record = &world.device(0, &serial).unwrap().record;
        (record.status, record.profile_assigned_at)
    };
    for (time, due) in [(59, false), (60, true)] {
        assert_eq!(world.has_due_promises(at(time)), due);
    }
    assert_eq!(world.keep_promises(at(59), false), 0);
    assert_eq!(status(&world).0, ProfileStatus::Empty);
    assert_eq!(world.keep_promises(at(75), false), 1);
    assert_eq!(status(&world), (ProfileStatus::Assigned, 60));
    assert_eq!(world.keep_promises(at(1000), false), 1);
    assert_eq!(status(&world).0, ProfileStatus::Removed);
    let history = world.history(&serial);
    assert_eq!(history.iter().map(|(_, event)| event.at).collect::<Vec<_>>(), [0, 60, 90]);
}

#[test]
fn a_device_of_apple_configurator_may_leave_for_thirty_days() {
    let (mut world, uuids, _) = world();
    let device = Map::from_iter([("serial_number".to_owned(), "ONE".into())]);
    for (after, leaves) in [(30 * DAY - 1, true), (30 * DAY, false)] {
        world.give_devices(&uuids[0], std::slice::from_ref(&device), true, at(0)).unwrap();
        assert_eq!(world.leave(&uuids[0], "ONE", at(after)).is_ok(), leaves);
    }
    world.release_device(&uuids[0], "ONE", at(31 * DAY)).unwrap();
    world.give_devices(&uuids[0], std::slice::from_ref(&device), false, at(0)).unwrap();
    assert!(world.leave(&uuids[0], "ONE", at(1)).is_err());
    world.release_device(&uuids[0], "ONE", at(1)).unwrap();
    assert!(world.give_devices(&uuids[0], &[device], false, at(0)).is_err());
}

#[test]
fn a_move_takes_lock_and_given_profile_away() {
    let (mut world, uuids, _) = world();
    let device = serde_json::json!({ "serial_number": "ONE", "profile_uuid": "F", "color": "RED" });
    world.give_devices(&uuids[0], &[device.as_object().unwrap().clone()], false, at(0)).unwrap();
    world.set_locked(&uuids[0], "ONE", true).unwrap();
    world.move_device(&uuids[0], "ONE", &uuids[1], None, at(5)).unwrap();
    assert_eq!(world.lock_of("ONE"), None);
    let record = &world.device(1, "ONE").unwrap().record;
    assert_eq!(
        (record.manual_text("profile_uuid"), record.manual_text("color")),
        (None, Some("RED".to_owned()))
    );
}

/// What a client keeps of a server: each device's newest JSON.
type Known = BTreeMap<String, Value>;

fn shown(world: &World, server: usize, event: &super::super::Event) -> (String, Value) {
    let json = serde_json::from_slice(&apple::whole_device(world, server, event)).unwrap();
    (event.record.serial.as_str().to_owned(), json)
}

fn sync(world: &World, server: usize, cursor: &str, limit: usize, known: &mut Known) -> String {
    let mut cursor = cursor.to_owned();
    loop {
        let page = world.sync(server, &cursor, limit, at(0)).unwrap();
        for event in page.events {
            let (serial, json) = shown(world, server, event);
            match event.operation() {
                Operation::Deleted => drop(known.remove(&serial)),
                Operation::Added | Operation::Modified => drop(known.insert(serial, json)),
            }
        }
        cursor = page.cursor;
        if !page.more {
            return cursor;
        }
    }
}

fn truth(world: &World, server: usize, uuid: &str) -> Known {
    let devices = world.devices(uuid, 0, usize::MAX).unwrap();
    devices.into_iter().map(|event| shown(world, server, event)).collect()
}

/// One step of anything that can happen. Refusals are part of it: they change nothing.
fn step(world: &mut World, uuids: &[String; 2], profiles: [ProfileId; 2], kind: u8, pick: usize, now: i64) {
    let server = pick % 2;
    let (uuid, now) = (&uuids[server], at(now));
    let serials = serials(world, uuid);
    let one = serials.get(pick / 2 % serials.len().max(1)).cloned().unwrap_or_else(|| "NONE".to_owned());
    let change = Map::from_iter([("color".to_owned(), Value::from(pick))]);
    let foreign = Map::from_iter([("profile_uuid".to_owned(), Value::from("F".repeat(32)))]);
    let some: Vec<&str> = serials.iter().take(pick % 5).map(String::as_str).chain(["NONE", &one]).collect();
    match kind {
        0 | 1 => drop(world.sow_devices(uuid, 2, now)),
        2 => drop(world.modify_device(uuid, &one, &change, now)),
        3 => drop(world.modify_device(uuid, &one, &foreign, now)),
        4 => drop(world.remove_device(uuid, &one, now)),
        5 => drop(world.release_device(uuid, &one, now)),
        6 => drop(world.disown_devices(server, &some, now)),
        7 => drop(world.replace_device(uuid, &one, None, now)),
        8 => drop(world.activate_device(uuid, &one, now).is_ok()),
        9 => drop(world.activate_all(uuid, now)),
        10 | 11 => drop(world.move_device(uuid, &one, &uuids[1 - server], Some(at(99)), now)),
        12 => drop(world.move_device(uuid, &one, uuid, None, now)),
        13 => drop(world.remove_profiles(server, &some, now)),
        14 => world.switches.assign_lag_seconds = pick as u32 % 3,
        15 => drop(world.keep_promises(now, pick.is_multiple_of(2))),
        16 => world.switches.moved_in_as = if server == 0 { MovedIn::Added } else { MovedIn::Modified },
        17 => world.switches.assign_throttle_count = pick as u32 % 3,
        _ => drop(world.assign_profile(server, profiles[server], &some, 10, now)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A client that fetched once and then only syncs knows every device and everything about it, regardless of events.
    #[test]
    fn sync_after_any_life_arrives_at_the_truth(
        steps in prop::collection::vec((0_u8..22, any::<u16>(), 0_i64..3), 0..80),
        limit in 1_usize..7,
        early in any::<prop::sample::Index>(),
    ) {
        let (mut world, uuids, profiles) = world();
        let early = early.index(steps.len() + 1);
        let mut known: [Known; 2] = Default::default();
        let mut cursors = [0, 1].map(|server| world.fetch(server, None, 10, at(0)).unwrap().cursor);
        let mut now = 0;
        for (position, (kind, pick, later)) in steps.into_iter().enumerate() {
            if position == early {
                for server in [0, 1] {
                    cursors[server] = sync(&world, server, &cursors[server], limit, &mut known[server]);
                }
            }
            now += later;
            step(&mut world, &uuids, profiles, kind, pick.into(), now);
        }
        for server in [0, 1] {
            sync(&world, server, &cursors[server], limit, &mut known[server]);
            let truth = truth(&world, server, &uuids[server]);
            prop_assert_eq!(world.servers()[server].device_count(), truth.len());
            prop_assert_eq!(&known[server], &truth);
            let carried = world.carried_profiles(&uuids[server]).unwrap();
            let carriers = carried.own.iter().map(|(_, serials)| serials.len()).sum::<usize>();
            let foreign = carried.foreign.values().map(Vec::len).sum::<usize>();
            let with = truth.values().filter(|device| device.get("profile_uuid").is_some()).count();
            prop_assert_eq!(carriers + foreign, with);
        }
        // A device is in one position, and its history begins there or moves there.
        for serial in known[0].keys() {
            prop_assert!(!known[1].contains_key(serial));
            let history = world.history(serial);
            prop_assert_eq!(history.last().map(|(server, _)| &*server.uuid), Some(uuids[0].as_str()));
        }
    }
}
