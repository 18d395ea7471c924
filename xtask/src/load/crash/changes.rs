//! The changes of desired state before a kill: defaults set and cleared, profiles edited, devices assigned or released.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use super::Broken;
use super::desired::{DesiredState, DesiredValue};
use super::disturb::Signals;
use super::kill::{Failpoint, Kill};
use super::random::Random;
use crate::Result;
use crate::apple::{Portal, State};
use crate::graph::Graph;
use crate::http::Response;

/// Defaults and edits before one kill: a device is assigned a few times a day at most.
const CHANGES: usize = 2;

/// A change that a user makes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Default,
    Clear,
    Edit,
    Assign,
    Release,
}

/// The setting that is changed.
pub(super) struct Target<'a> {
    pub(super) setting: &'a str,
    pub(super) server: &'a str,
    /// Serial numbers that Graph listed last.
    pub(super) listed: &'a BTreeSet<String>,
}

/// Makes one change after the other until the service is dead.
pub(super) fn until_killed(
    place: &Target<'_>,
    desired_state: &mut DesiredState,
    kill: Kill,
    (mut graph, mut portal): (Graph, Portal),
    mut random: Random,
    signals: &Signals,
) -> Result<Broken> {
    let devices = portal.states(place.server)?;
    // What leads to the place at which the service ends itself comes first, and again until it does.
    let first = match kill {
        Kill::At(Failpoint::DefineBegun | Failpoint::DefineAnswered | Failpoint::DefineStored, _) => {
            vec![Act::Default, Act::Edit]
        }
        Kill::At(Failpoint::AssignBegun | Failpoint::AssignAnswered | Failpoint::AssignStored, _) => {
            vec![Act::Default, Act::Assign]
        }
        Kill::At(Failpoint::ReleaseBegun | Failpoint::ReleaseAnswered | Failpoint::ReleaseStored, _) => {
            vec![Act::Release]
        }
        _ => Vec::new(),
    };
    let mut changes = 0;
    for number in 0.. {
        if signals.is_over() {
            break;
        }
        let act = first.get(number).copied().unwrap_or_else(|| match random.within(0..10) {
            0..2 => Act::Default,
            2..4 => Act::Edit,
            4 => Act::Clear,
            5..8 => Act::Assign,
            _ => Act::Release,
        });
        let is_change = matches!(act, Act::Default | Act::Edit);
        if !is_change || changes < CHANGES {
            changes += usize::from(is_change);
            let broken = ask(&mut graph, place, desired_state, act, &devices, (&mut random, signals))?;
            if broken.is_some() {
                return Ok(broken);
            }
        }
        std::thread::sleep(Duration::from_millis(random.within(1..80)));
    }
    Ok(None)
}

/// Makes one change. It is noted as cut off before it is sent, and as answered when it was.
fn ask(
    graph: &mut Graph,
    Target { setting, listed, .. }: &Target<'_>,
    desired_state: &mut DesiredState,
    act: Act,
    devices: &BTreeMap<String, State>,
    (random, signals): (&mut Random, &Signals),
) -> Result<Broken> {
    let broken = |error| Ok(Some((Instant::now(), error)));
    match act {
        Act::Default => {
            let place = random.within(0..2) as usize;
            desired_state.default.cut_off(Some(place));
            match done(graph.make_default(setting, &desired_state.profiles[place].id), &[], signals)? {
                Ok(_) => desired_state.default.answered(Some(place)),
                Err(error) => return broken(error),
            }
        }
        Act::Clear => {
            desired_state.default.cut_off(None);
            // Where none is set there is none to clear, which is fine.
            match done(graph.clear_default(setting), &[404], signals)? {
                Ok(_) => desired_state.default.answered(None),
                Err(error) => return broken(error),
            }
        }
        Act::Edit => {
            let profile = &mut desired_state.profiles[random.within(0..3) as usize];
            let name = profile.next_name();
            profile.name.cut_off(name.clone());
            match done(graph.rename_profile(setting, &profile.id, &name), &[], signals)? {
                Ok(_) => profile.name.answered(name),
                Err(error) => return broken(error),
            }
        }
        Act::Assign => {
            let place = random.within(1..3) as usize;
            let fits = |state: &State| if place == 1 { state.is_mobile() } else { state.is_mac() };
            let chosen = desired_state.choose(devices, listed, fits, 12, random);
            if chosen.is_empty() {
                return Ok(None);
            }
            let note_all =
                |desired_state: &mut DesiredState,
                 note: fn(&mut DesiredValue<Option<usize>>, Option<usize>)| {
                    for serial in &chosen {
                        let desired = desired_state
                            .explicit
                            .entry((*serial).clone())
                            .or_insert_with(|| DesiredValue::new(None));
                        note(desired, Some(place));
                    }
                };
            note_all(desired_state, DesiredValue::cut_off);
            match done(graph.assign(setting, &desired_state.profiles[place].id, &chosen), &[], signals)? {
                Ok(_) => note_all(desired_state, DesiredValue::answered),
                Err(error) => return broken(error),
            }
        }
        Act::Release => {
            // Macs alone, so that enough phones are left.
            let chosen = desired_state.choose(devices, listed, State::is_mac, 3, random);
            if chosen.is_empty() {
                return Ok(None);
            }
            for serial in &chosen {
                desired_state.released.entry((*serial).clone()).or_insert(false);
            }
            // One that Apple has taken away already cannot be released, and then none of them is.
            match done(graph.release(setting, &chosen), &[400, 404], signals)? {
                Ok(true) => {
                    desired_state.released.extend(chosen.iter().map(|serial| ((*serial).clone(), true)))
                }
                Ok(false) => {}
                Err(error) => return broken(error),
            }
        }
    }
    Ok(None)
}

/// Whether it was done, or refused in one of these ways; the inner error is the connection's.
fn done(answer: io::Result<Response>, refused: &[u16], signals: &Signals) -> Result<io::Result<bool>> {
    match answer {
        Ok(answer) if matches!(answer.status, 200 | 204) => Ok(Ok(true)),
        Ok(answer) if refused.contains(&answer.status) => Ok(Ok(false)),
        Ok(answer) if signals.leaves_open(answer.status) => Ok(Err(super::open())),
        Ok(answer) => {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            Err(format!("A desired state was refused with {}: {text}", answer.status))
        }
        Err(error) => Ok(Err(error)),
    }
}
