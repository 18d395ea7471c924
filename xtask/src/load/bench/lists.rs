//! Lists of the largest fleet: parts of serial numbers, counts, orders, the thousandth page of a walk, a page in full.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::fleet::{Fleet, first_sync};
use super::{Bench, Row, median, percentile, range, thousands};
use crate::Result;
use crate::database::Kind;
use crate::graph::lost;
use crate::http::Client;

/// Characters at the end of a serial number.
const END: usize = 4;

/// Far beyond what a page may take.
const SLOW: Duration = Duration::from_millis(400);

/// Requests that warm up, before each figure's are counted.
const WARM_UPS: usize = 20;

pub(super) fn measure(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let devices = bench.million();
    let mut fleet = first_sync(bench, kind, devices, 0)?;
    let serials = fleet.on.apple.portal().serials(&fleet.pair.server)?;
    let mut rows = Vec::new();
    for (share, text) in substrings(&serials)? {
        rows.push(contains(bench, kind, &mut fleet, &text, share)?);
    }
    drop(serials);
    rows.push(walk(bench, kind, &mut fleet)?);
    let folder = fleet.on.graph.devices_path(&fleet.pair.setting);
    let all = format!("{folder}/$count");
    rows.push(count(bench, kind, &mut fleet, "", &all)?);
    for filter in COUNTED {
        let path = format!("{all}?$filter={}", filter.replace(' ', "%20"));
        rows.push(count(bench, kind, &mut fleet, filter, &path)?);
    }
    for property in ORDERED {
        rows.push(ordered(bench, kind, &mut fleet, property)?);
    }
    rows.push(counts(bench, kind, &fleet)?);
    rows.push(whole_page(bench, kind, &mut fleet)?);
    rows.push(by_id(bench, kind, &mut fleet)?);
    Ok(rows)
}

/// Filters that are counted by.
const COUNTED: [&str; 8] = [
    "isDeleted eq false",
    "platform eq 'ios'",
    "enrollmentState eq 'notContacted'",
    "requestedEnrollmentProfileId eq null",
    "platform eq 'ios' and isDeleted eq false",
    "platform eq 'macOS' and requestedEnrollmentProfileId eq null",
    "isDeleted eq true and enrollmentState eq 'enrolled'",
    "requestedEnrollmentProfileId ne null and isDeleted eq false",
];

/// The properties of a device that a list can be ordered by.
const ORDERED: [&str; 12] = [
    "id",
    "serialNumber",
    "description",
    "platform",
    "discoverySource",
    "isDeleted",
    "isSupervised",
    "createdDateTime",
    "lastContactedDateTime",
    "enrollmentState",
    "requestedEnrollmentProfileId",
    "requestedEnrollmentProfileAssignmentDateTime",
];

/// The slower direction of the first page in an order.
fn ordered(bench: &Bench, kind: Kind, fleet: &mut Fleet, property: &str) -> Result<Row> {
    let folder = fleet.on.graph.devices_path(&fleet.pair.setting);
    let mut slower: Option<(f64, f64)> = None;
    for direction in ["", "%20desc"] {
        let path = format!("{folder}?$orderby={property}{direction}&$top=100");
        reconnect(fleet);
        let started = Instant::now();
        let shown = fleet.on.graph.page(&path)?.rows.len();
        if shown != 100 {
            return Err(format!("{path} shows {shown} devices."));
        }
        // One that sorts a million devices is known by a few.
        let count = if started.elapsed() > SLOW { 3 } else { bench.count(100, 20) };
        let mut times = timed(fleet, &path, count)?;
        let measured = (percentile(&mut times, 99), median(&times));
        slower = slower.into_iter().chain([measured]).max_by(|one, other| one.0.total_cmp(&other.0));
    }
    let (ninety_nine, middle) = slower.unwrap_or_default();
    Ok(Row {
        figure: format!(
            "first page with `$orderby={property}` and `$top=100`, the slower direction, {kind}: p99"
        ),
        target: "< 60 ms".to_owned(),
        measured: format!("{ninety_nine:.1} ms (median {middle:.1})"),
        reached: Some(ninety_nine < 60.0),
    })
}

/// What a page with charts asks, by a command that starts for each question.
fn counts(bench: &Bench, kind: Kind, fleet: &Fleet) -> Result<Row> {
    let mut times = Vec::new();
    for _ in 0..bench.count(50, 10) {
        let started = Instant::now();
        let counts = fleet.on.launch.device_counts(&fleet.pair.setting)?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        let devices = counts.as_array().into_iter().flatten().filter_map(|count| count["devices"].as_u64());
        let devices: u64 = devices.sum();
        if devices != bench.million() as u64 {
            return Err(format!("Counted were {devices} devices."));
        }
    }
    let ninety_nine = percentile(&mut times, 99);
    Ok(Row {
        figure: format!(
            "`adept device counts` by platform, profile and state, its start included, {kind}: p99"
        ),
        target: "< 50 ms".to_owned(),
        measured: format!("{ninety_nine:.1} ms (median {:.1} of {})", median(&times), times.len()),
        reached: Some(ninety_nine < 50.0),
    })
}

/// A page of 1,000 devices with full metadata, compressed.
fn whole_page(bench: &Bench, kind: Kind, fleet: &mut Fleet) -> Result<Row> {
    reconnect(fleet);
    let path = fleet.on.graph.devices_path(&fleet.pair.setting);
    let headers = [("Accept", "application/json;odata.metadata=full"), ("Accept-Encoding", "gzip")];
    let request = fleet.on.graph.request_with(&path, &headers);
    let mut client: Client = fleet.on.service.connect();
    for _ in 0..WARM_UPS {
        ask(&mut client, &request)?;
    }
    let count = bench.count(200, 20);
    let (mut bytes, before) = (0, fleet.on.service.process.cpu()?);
    for _ in 0..count {
        let page = client.repeat(&request).map_err(lost)?;
        bytes = page.length();
    }
    let cpu = (fleet.on.service.process.cpu()? - before).as_secs_f64() * 1000.0 / count as f64;
    Ok(Row {
        figure: format!("CPU time of `adept serve` for a page of 1,000 devices, full metadata, gzip, {kind}"),
        target: "< 8 ms".to_owned(),
        measured: format!("{cpu:.1} ms ({} bytes, mean of {count})", thousands(bytes as f64)),
        reached: Some(cpu < 8.0),
    })
}

/// What the figures above stand beside.
fn by_id(bench: &Bench, kind: Kind, fleet: &mut Fleet) -> Result<Row> {
    reconnect(fleet);
    let folder = fleet.on.graph.devices_path(&fleet.pair.setting);
    let first = fleet.on.graph.page(&format!("{folder}?$top=1"))?;
    let id = first.rows.first().and_then(|row| row["id"].as_str()).ok_or("A device has no id.")?.to_owned();
    let mut times = repeated(fleet, &format!("{folder}/{id}"), bench.count(1000, 50))?;
    let ninety_nine = percentile(&mut times, 99);
    Ok(Row {
        figure: format!("beside them: GET of one device by its id, {kind}: p99"),
        target: "reported".to_owned(),
        measured: format!("{ninety_nine:.1} ms (median {:.1} of {})", median(&times), times.len()),
        reached: None,
    })
}

/// The service closes connections that are idle, as this one is while others are measured.
fn reconnect(fleet: &mut Fleet) {
    fleet.on.graph = fleet.on.graph.over(fleet.on.service.connect());
}

/// A text that no serial number holds, and those of which nearest to one and to ten in a hundred hold them; with the
/// number that do.
fn substrings(serials: &[String]) -> Result<[(usize, String); 3]> {
    let ends = serials.iter().take(10_000).filter_map(|serial| serial.get(serial.len().checked_sub(END)?..));
    let mut counts: BTreeMap<&str, usize> = ends.map(|end| (end, 0)).collect();
    for serial in serials {
        let parts: BTreeSet<&str> =
            (0..serial.len()).filter_map(|start| serial.get(start..start + END)).collect();
        for part in parts {
            if let Some(count) = counts.get_mut(part) {
                *count += 1;
            }
        }
    }
    let nearest = |share: usize| {
        let best = counts.iter().min_by_key(|(_, count)| count.abs_diff(serials.len() / 100 * share));
        best.map(|(end, count)| (*count, (*end).to_owned()))
            .ok_or("There are no serial numbers to choose from.")
    };
    let absent = ["QX7", "ZZTOP", "00O00"].iter().find(|text| holders(serials, text) == 0);
    let absent = absent.ok_or("Every text that should be absent is in some serial number.")?;
    Ok([(0, (*absent).to_owned()), nearest(1)?, nearest(10)?])
}

fn holders(serials: &[String], text: &str) -> usize {
    serials.iter().filter(|serial| serial.contains(text)).count()
}

fn contains(bench: &Bench, kind: Kind, fleet: &mut Fleet, text: &str, holders: usize) -> Result<Row> {
    let folder = fleet.on.graph.devices_path(&fleet.pair.setting);
    reconnect(fleet);
    // Folded, as people type it.
    let path = format!("{folder}?$filter=contains(serialNumber,'{}')&$top=100", text.to_ascii_lowercase());
    let shown = fleet.on.graph.page(&path)?.rows.len();
    if shown != holders.min(100) {
        return Err(format!("{path} shows {shown} devices, and {holders} serial numbers hold it."));
    }
    let mut times = repeated(fleet, &path, bench.count(1000, 50))?;
    let ninety_nine = percentile(&mut times, 99);
    let share = holders as f64 * 100.0 / bench.million() as f64;
    Ok(Row {
        figure: format!(
            "first page of `contains(serialNumber,'…')` with `$top=100`, {share:.1} % of {} devices match, {kind}: p99",
            thousands(bench.million() as f64)
        ),
        target: "< 60 ms".to_owned(),
        measured: format!("{ninety_nine:.1} ms (median {:.1} of {})", median(&times), times.len()),
        reached: Some(ninety_nine < 60.0),
    })
}

/// The last whole page of a walk by `@odata.nextLink`, pages as long as the service makes them.
fn walk(bench: &Bench, kind: Kind, fleet: &mut Fleet) -> Result<Row> {
    reconnect(fleet);
    let first = fleet.on.graph.devices_path(&fleet.pair.setting);
    let (mut ones, mut thousandths) = (Vec::new(), Vec::new());
    let mut pages = 0;
    for _ in 0..bench.count(3, 2) {
        let (mut path, mut number, mut listed) = (first.clone(), 1, 0);
        loop {
            let page = fleet.on.graph.page(&path)?;
            listed += page.rows.len();
            let Some(next) = page.next else { break };
            (path, number) = (next, number + 1);
        }
        if listed != bench.million() {
            return Err(format!("A walk listed {listed} devices."));
        }
        pages = number;
        // In turns, so that a machine whose speed drifts treats both alike.
        for _ in 0..5 {
            ones.extend(timed(fleet, &first, 3)?);
            thousandths.extend(timed(fleet, &path, 3)?);
        }
    }
    let (one, last) = (median(&ones), median(&thousandths));
    let ratio = last / one;
    Ok(Row {
        figure: format!("page {} of a walk over page 1, {kind}", thousands(pages as f64)),
        target: "≤ 2".to_owned(),
        measured: format!(
            "{ratio:.2} ({last:.1} ms over {one:.1} ms; {} over {})",
            range(&thousandths, 1),
            range(&ones, 1)
        ),
        reached: Some(ratio <= 2.0),
    })
}

fn count(bench: &Bench, kind: Kind, fleet: &mut Fleet, filter: &str, path: &str) -> Result<Row> {
    reconnect(fleet);
    let counted = fleet.on.graph.text(path)?;
    if filter.is_empty() && counted != bench.million().to_string() {
        return Err(format!("$count says {counted}."));
    }
    let mut times = repeated(fleet, path, bench.count(100, 20))?;
    let ninety_nine = percentile(&mut times, 99);
    let of = if filter.is_empty() { String::new() } else { format!(" with `$filter={filter}`") };
    Ok(Row {
        figure: format!("`$count` of a setting's devices{of}, {kind}: p99"),
        target: "< 100 ms".to_owned(),
        measured: format!("{ninety_nine:.1} ms (median {:.1} of {})", median(&times), times.len()),
        reached: Some(ninety_nine < 100.0),
    })
}

/// Milliseconds of each of that many requests on one connection that has warmed up.
fn repeated(fleet: &Fleet, path: &str, count: usize) -> Result<Vec<f64>> {
    let mut times = timed(fleet, path, WARM_UPS + count)?;
    Ok(times.split_off(WARM_UPS))
}

/// Milliseconds of each request, on one connection.
fn timed(fleet: &Fleet, path: &str, count: usize) -> Result<Vec<f64>> {
    let request = fleet.on.graph.request(path);
    let mut client: Client = fleet.on.service.connect();
    // A connection is made with the first.
    ask(&mut client, &request)?;
    (0..count).map(|_| ask(&mut client, &request)).collect()
}

fn ask(client: &mut Client, request: &[u8]) -> Result<f64> {
    let started = Instant::now();
    match client.repeat(request).map_err(lost)?.status {
        200 => Ok(started.elapsed().as_secs_f64() * 1000.0),
        status => Err(format!("A list was answered {status}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substrings_are_chosen_by_how_many_serial_numbers_hold_them() {
        let serials: Vec<String> = (0..1000)
            .map(|number| match number % 100 {
                0 => format!("{number:04}AAAA"),
                1..=10 => format!("{number:04}BBBB"),
                _ => format!("{number:04}CCCC"),
            })
            .collect();
        let chosen = substrings(&serials).unwrap();
        assert_eq!(chosen[0].0, 0);
        assert_eq!(chosen[1..], [(10, "AAAA".to_owned()), (100, "BBBB".to_owned())]);
    }
}
