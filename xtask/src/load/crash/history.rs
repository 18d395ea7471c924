//! The history of syncs: lines stay, and they account for every device.

use std::collections::BTreeMap;

use serde_json::Value;

use super::world::{Line, Onboarding};
use crate::Result;
use crate::service::Launch;

/// Compares the history with its earlier state, and the devices added and removed with those present. Devices that were
/// released here are no sync's.
pub(super) fn check(launch: &Launch, setting: &mut Onboarding, present: u64) -> Result {
    let lines = launch.history(&setting.id)?;
    let lines = lines.as_array().ok_or("The history is no list.")?;
    let mut known: BTreeMap<i64, Line> = BTreeMap::new();
    let mut under_way = Vec::new();
    let (mut added, mut removed) = (0, 0);
    for line in lines {
        let number = line["run"].as_i64().ok_or_else(|| format!("A line has no run: {line}."))?;
        let count = |name: &str| line["changes"][name].as_i64().unwrap_or_default();
        added += count("added");
        removed += count("removed");
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        if !ended(line) {
            under_way.push(number);
        }
        known.insert(number, (text("started").unwrap_or_default(), text("ended").filter(|_| ended(line))));
    }
    for (number, (started, ended)) in &setting.history {
        match known.get(number) {
            None => return Err(format!("HISTORY IS LOST: the run of {started} is no longer listed.")),
            Some((again, _)) if again != started => {
                return Err(format!("The run of {started} is now listed as started at {again}."));
            }
            Some((_, again)) if ended.is_some() && again.is_none() => {
                return Err(format!("The run of {started} had ended, and goes on."));
            }
            Some(_) => {}
        }
    }
    // One that is under way may find nothing and be counted with the run before it.
    known.retain(|number, _| !under_way.contains(number));
    setting.history = known;
    let asked = setting.desired_state.as_ref().map_or(0, |desired_state| desired_state.released.len()) as i64;
    let listed = added - removed;
    let present = present as i64;
    if !(present..=present + asked).contains(&listed) {
        return Err(format!(
            "The history has {added} devices added and {removed} removed, {present} are there, and {asked} were \
             released at most."
        ));
    }
    Ok(())
}

/// A line of several runs may grow, and one that was cut short has no end.
fn ended(line: &Value) -> bool {
    line["outcome"].as_str().is_some_and(|outcome| outcome != "running")
}
