//! Good answers with other contents: fields that are set or taken away, devices and serial numbers left out.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::ApiCall;
use super::pages::{self, PageRequest};
use crate::faults::{Action, DropDevices, Plan};
use crate::world::World;

/// Changes the body of a good answer as the rule says; leaves it alone when it is no JSON object.
pub(super) fn change(
    world: &World,
    call: &ApiCall,
    plan: &Plan,
    server: Option<&str>,
    now: Timestamp,
    body: &mut Vec<u8>,
) {
    if !plan.actions.iter().any(Action::changes_fields) {
        return;
    }
    let Some(Ok(server)) = server.map(|uuid| world.server_position(uuid)) else { return };
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(body) else { return };
    let request = PageRequest { world, call, server, now };
    for action in &*plan.actions {
        pages::change(&request, action, &mut answer);
        apply(action, &mut answer);
    }
    *body = Value::Object(answer).to_string().into_bytes();
}

fn apply(action: &Action, answer: &mut Map<String, Value>) {
    match action {
        Action::Set(fields) => answer.extend(fields.clone()),
        Action::Unset(names) => answer.retain(|name, _| !names.contains(name)),
        Action::SetDevices(fields) => each_device(answer, |device| device.extend(fields.clone())),
        Action::UnsetDevices(names) => {
            each_device(answer, |device| device.retain(|name, _| !names.contains(name)));
        }
        Action::DropDevices(which) => drop_devices(which, answer.get_mut("devices")),
        Action::SetStatuses(statuses) => {
            for (serial, status) in
                answer.get_mut("devices").and_then(Value::as_object_mut).into_iter().flatten()
            {
                let wanted = statuses.get(serial).or_else(|| statuses.get("*"));
                match (wanted, status) {
                    (Some(wanted), Value::Object(device)) => {
                        device.insert("response_status".to_owned(), wanted.as_str().into());
                    }
                    (Some(wanted), status) => *status = wanted.as_str().into(),
                    (None, _) => {}
                }
            }
        }
        _ => {}
    }
}

/// Every device of a page or of a map of details.
fn each_device(answer: &mut Map<String, Value>, change: impl Fn(&mut Map<String, Value>)) {
    match answer.get_mut("devices") {
        Some(Value::Array(devices)) => devices.iter_mut().filter_map(Value::as_object_mut).for_each(change),
        Some(Value::Object(devices)) => {
            devices.values_mut().filter_map(Value::as_object_mut).for_each(change);
        }
        _ => {}
    }
}

fn drop_devices(which: &DropDevices, devices: Option<&mut Value>) {
    let mut number = 0;
    let mut stays = |serial: Option<&str>| {
        number += 1;
        let named = serial.is_some_and(|serial| which.serials.iter().any(|dropped| dropped == serial));
        !named && (which.every == 0 || number % which.every != 0)
    };
    match devices {
        Some(Value::Array(devices)) => devices.retain(|device| stays(device["serial_number"].as_str())),
        Some(Value::Object(devices)) => devices.retain(|serial, _| stays(Some(serial))),
        _ => {}
    }
}
