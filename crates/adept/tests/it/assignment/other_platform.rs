//! Devices of which Apple says another platform than before: the default of that platform is theirs from then on, whatever
//! they waited for.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::Ground;
use crate::support::database::{Kind, on_both_databases};

const IOS: &str = "depIOSEnrollmentProfile";
const MAC: &str = "depMacOSEnrollmentProfile";

/// A setting with a default for each of two platforms and one device of the first, which has its default.
async fn ground(kind: Kind) -> (Ground, String) {
    let ground = Ground::new(kind, 0).await;
    let devices = format!("/servers/{}/devices", ground.server);
    let device = json!({ "serial_number": "MOVES1", "os": "iOS", "device_family": "iPad" });
    ground.portal(Method::POST, &devices, json!({ "devices": [device] })).await;
    for (platform, name) in [(IOS, "For iOS"), (MAC, "For macOS")] {
        let profile = ground.profile(platform, name).await;
        ground.make_default(&profile).await;
    }
    (ground, "MOVES1".to_owned())
}

async fn becomes(ground: &Ground, serial: &str, os: &str) {
    let path = format!("/servers/{}/devices/{serial}", ground.server);
    ground.portal(Method::PATCH, &path, json!({ "os": os })).await;
}

async fn has(ground: &Ground, serial: &str, profile: &str) {
    assert_eq!(ground.truth().await[serial].as_deref(), Some(profile));
}

async fn a_device_of_another_platform_gets_the_default_of_that_platform(kind: Kind) {
    let (ground, serial) = ground(kind).await;
    ground.sync().await;
    has(&ground, &serial, "For iOS").await;
    becomes(&ground, &serial, "OSX").await;
    ground.sync().await;
    has(&ground, &serial, "For macOS").await;
    assert_eq!(ground.assignments().await, 2);
    // A platform that nobody knows says nothing.
    becomes(&ground, &serial, "newOS").await;
    ground.sync().await;
    ground.pass(SignedDuration::from_hours(1)).await;
    ground.settle().await;
    has(&ground, &serial, "For macOS").await;
    assert_eq!(ground.assignments().await, 2);
}

async fn what_apple_said_of_the_former_platforms_default_keeps_no_device_waiting(kind: Kind) {
    for (status, waits) in [("FAILED", false), ("NOT_ACCESSIBLE", false), ("THROTTLED", true)] {
        let (ground, serial) = ground(kind).await;
        ground.script_status(&serial, "assign", status, json!({ "times": 1 })).await;
        ground.sync().await;
        assert_eq!(ground.truth().await[&serial], None, "{status}");
        becomes(&ground, &serial, "OSX").await;
        ground.sync().await;
        let expected = if waits { None } else { Some("For macOS") };
        assert_eq!(ground.truth().await[&serial].as_deref(), expected, "{status}");
    }
}

async fn an_explicit_profile_stays_whatever_the_platform_is(kind: Kind) {
    let (ground, serial) = ground(kind).await;
    ground.sync().await;
    let own = ground.profile(IOS, "Its own").await;
    ground.want(&own, std::slice::from_ref(&serial)).await;
    ground.settle().await;
    becomes(&ground, &serial, "OSX").await;
    ground.sync().await;
    has(&ground, &serial, "Its own").await;
    assert_eq!(ground.assignments().await, 2);
}

on_both_databases! {
    a_device_of_another_platform_gets_the_default_of_that_platform
    what_apple_said_of_the_former_platforms_default_keeps_no_device_waiting
    an_explicit_profile_stays_whatever_the_platform_is
}
