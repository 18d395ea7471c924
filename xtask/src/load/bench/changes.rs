//! What later syncs of the largest fleet cost: everything fetched again though nothing changed, and many changes at once.

use std::time::{Duration, Instant};

use super::fleet::{first_sync, timed};
use super::{Bench, Row, thousands};
use crate::Result;
use crate::apple::Portal;
use crate::database::Kind;
use crate::graph::lost;

pub(super) fn measure(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let devices = bench.million();
    let mut fleet = first_sync(bench, kind, devices, 0)?;
    let pair = fleet.pair.clone();
    // Whatever the first sync left to do in the background is its own.
    std::thread::sleep(Duration::from_secs(bench.count(20, 3) as u64));

    let mut portal = fleet.on.apple.portal();
    portal.forget_calls()?;
    let again = timed(bench, kind, &mut fleet.on, &pair, |on| on.launch.resync(&pair.setting))?;
    let pages = portal.counts()?.get("POST /server/devices").copied().unwrap_or_default();
    if pages < devices as u64 / 1000 {
        return Err(format!("Only {pages} pages were fetched again."));
    }
    let (first, second) = (fleet.first.cpu.ours(), again.cpu.ours());
    let share = second / first;

    let changes = bench.count(10_000, 500);
    let serials = portal.serials(&pair.server)?;
    let described = change(&mut portal, &pair.server, &serials, changes)?;
    portal.delay_pages(50)?;
    let started = Instant::now();
    timed(bench, kind, &mut fleet.on, &pair, |on| {
        on.graph.request_sync(&pair.setting).map_err(lost)?.expect(204).map(drop)
    })?;
    let path = fleet.on.graph.devices_path(&pair.setting);
    let seen = fleet.on.graph.page(&format!("{path}?$filter=serialNumber%20eq%20'{described}'"))?;
    let seconds = started.elapsed().as_secs_f64();
    if seen.rows.first().is_none_or(|row| row["description"] != CHANGED) {
        return Err(format!("Device {described} does not show its change: {:?}", seen.rows));
    }
    Ok(vec![
        Row {
            figure: format!(
                "CPU time of a full resync of {} devices in which nothing changed, over that of the first fetch, {kind}",
                thousands(devices as f64)
            ),
            target: "≤ 0.5".to_owned(),
            measured: format!(
                "{share:.2} ({second:.1} s over {first:.1} s, the service and PostgreSQL together)"
            ),
            reached: Some(share <= 0.5),
        },
        Row {
            figure: format!(
                "{} changes among {} devices, from asking for a sync to Graph showing them, 50 ms per page, {kind}",
                thousands(changes as f64),
                thousands(devices as f64)
            ),
            target: "< 5 s".to_owned(),
            measured: format!("{seconds:.2} s"),
            reached: Some(seconds < 5.0),
        },
    ])
}

const CHANGED: &str = "changed unnoticed";

/// Half of the changes are descriptions, three in ten devices are new and two in ten leave; the serial number of one
/// that was described.
fn change(portal: &mut Portal, server: &str, serials: &[String], changes: usize) -> Result<String> {
    let tenth = changes / 10;
    // Spread over the whole fleet, as changes are.
    let chosen: Vec<&String> = serials.iter().step_by((serials.len() / (7 * tenth)).max(1)).collect();
    let (leaving, staying) = chosen.split_at_checked(2 * tenth).ok_or("The fleet is too small for that.")?;
    portal.add_devices(server, 3 * tenth)?;
    for serial in leaving {
        portal.remove_device(server, serial)?;
    }
    for serial in staying.iter().take(5 * tenth) {
        portal.describe_device(server, serial, CHANGED)?;
    }
    staying.first().map(|serial| (*serial).clone()).ok_or_else(|| "No device was described.".into())
}
