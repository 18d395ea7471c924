//! Profiles for a whole fleet: default profiles are set, and Apple takes its time over each thousand devices.

use std::time::{Duration, Instant};

use serde_json::json;

use super::fleet::first_sync;
use super::{Bench, Row, thousands};
use crate::Result;
use crate::database::Kind;
use crate::graph::lost;

/// How long Apple thinks about each call that assigns.
const THINKING: Duration = Duration::from_millis(500);

/// The longest assignment that is waited for.
const TIMEOUT: Duration = Duration::from_secs(600);

/// One profile for each platform of the fleet.
const PROFILES: [&str; 4] = [
    "depIOSEnrollmentProfile",
    "depMacOSEnrollmentProfile",
    "depTvOSEnrollmentProfile",
    "depVisionOSEnrollmentProfile",
];

pub(super) fn measure(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let devices = bench.count(200_000, 10_000);
    let mut fleet = first_sync(bench, kind, devices, 0)?;
    let pair = fleet.pair.clone();
    let mut portal = fleet.on.apple.portal();
    portal.delay("/profile/devices", THINKING.as_millis() as u64)?;
    portal.forget_calls()?;
    let graph = &mut fleet.on.graph;
    let mut profiles = Vec::new();
    for kind in PROFILES {
        let body = json!({
            "@odata.type": format!("#microsoft.graph.{kind}"),
            "displayName": kind,
        });
        profiles.push(graph.create_profile(&pair.setting, &body)?);
    }
    let started = Instant::now();
    for profile in &profiles {
        graph.make_default(&pair.setting, profile).map_err(lost)?.expect(204)?;
    }
    loop {
        let assigned = portal.assigned(&pair.server)?;
        if assigned == devices as u64 {
            break;
        }
        if started.elapsed() > TIMEOUT {
            let log = fleet.on.launch.log();
            return Err(format!("Only {assigned} devices have a profile; {} may say why.", log.display()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let seconds = started.elapsed().as_secs_f64();
    let calls: u64 = portal
        .counts()?
        .iter()
        .filter(|(call, _)| call.ends_with(" /profile/devices"))
        .map(|(_, count)| count)
        .sum();
    let most = super::overlap(&portal.calls()?, "/profile/devices", THINKING);
    if most > 1 {
        return Err(format!("{most} calls of one token were under way at once."));
    }
    let answers = calls as f64 * THINKING.as_secs_f64();
    let ratio = seconds / answers;
    Ok(vec![Row {
        figure: format!(
            "default profiles for {} devices at 500 ms per call, one call at a time: time over the sum of Apple's \
             answer times, {kind}",
            thousands(devices as f64)
        ),
        target: "≤ 1.1".to_owned(),
        measured: format!("{ratio:.3} ({seconds:.1} s over {answers:.1} s; {calls} calls)"),
        reached: Some(ratio <= 1.1),
    }])
}
