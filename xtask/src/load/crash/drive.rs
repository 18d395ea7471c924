//! The load before a kill: uploads to some settings, changes of devices at Apple, requests to sync, changes of desired
//! state; all at once, until the service is dead or was disturbed.

use std::time::{Duration, Instant};

use super::changes::{self, Target};
use super::disturb::{self, Signals};
use super::kill::{Failpoint, Kill};
use super::random::Random;
use super::stop::{self, Others};
use super::tally::Tally;
use super::world::{Issued, Onboarding, World};
use super::{Broken, open};
use crate::Result;
use crate::apple::Portal;
use crate::graph::{Graph, upload_body};
use crate::process::Process;
use crate::service::Service;

/// The longest time to a fail point that every load reaches.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest time to a fail point that may not be reached, such as the fourth page of a short list.
const SHORT_TIMEOUT: Duration = Duration::from_secs(6);

/// Delta syncs without changes, so that a full fetch finds devices absent.
const UNTOLD: u32 = 8;

/// Devices that Apple removes without reporting it.
const MISSING: usize = 3;

/// Drives the service until it is dead; what was done to it.
pub(super) fn until_killed(world: &mut World, kill: Kill, random: &mut Random) -> Result<Tally> {
    if !world.prepare(kill)? {
        return Ok(Tally { at_places: 1, ..Tally::default() });
    }
    let replica = world.replica();
    let in_transaction = matches!(kill, Kill::Stop(_)) && random.once_in(2);
    let World { service, graph, settings, apple, launch, proxy, watched, .. } = world;
    let others = match (&replica, watched, &proxy) {
        (Some(replica), Some(watched), Some(proxy)) => {
            Some(Others { replica, watched, proxy, in_transaction })
        }
        _ => None,
    };
    let fetches = matches!(kill, Kill::At(Failpoint::MissingSettled | Failpoint::FetchEnded, _));
    if let Some(setting) = settings.iter().find(|setting| fetches && setting.answered.is_some()) {
        if matches!(kill, Kill::At(Failpoint::MissingSettled, _)) {
            let mut portal = apple.portal();
            portal.hide_changes(UNTOLD)?;
            for serial in portal.serials(&setting.server)?.iter().take(MISSING) {
                portal.remove_device(&setting.server, serial)?;
            }
        }
        launch.resync(&setting.id)?;
    }
    let signals = Signals::default();
    let before: usize = settings.iter().filter_map(|setting| setting.answered).map(|place| place + 1).sum();
    let servers: Vec<(String, String)> =
        settings.iter().map(|setting| (setting.id.clone(), setting.server.clone())).collect();
    // A renewal may start a fetch over, which would hide what a sync forgot: so some settings are left to sync alone.
    let renewed: Vec<bool> = settings
        .iter()
        .enumerate()
        .map(|(number, setting)| match kill.is_in_an_upload() {
            true => number == 0,
            false => setting.answered.is_none() || random.once_in(2),
        })
        .collect();
    let connections: Vec<_> = settings.iter().map(|_| graph.over(service.connect())).collect();
    let for_changes: Vec<_> = settings.iter().map(|_| graph.over(service.connect())).collect();
    let listed: Vec<_> = settings.iter().map(|setting| setting.listed.clone()).collect();
    let mut desired_state: Vec<_> = settings.iter_mut().map(|setting| setting.desired_state.take()).collect();
    let for_syncs = graph.over(service.connect());
    let (signals, apple, graph) = (&signals, &*apple, &*graph);
    let outcome = std::thread::scope(|scope| {
        let mut threads = Vec::new();
        let uploaders = settings.iter_mut().zip(connections).zip(renewed).filter(|(_, renewed)| *renewed);
        for ((setting, connection), _) in uploaders {
            let random = random.split();
            threads.push(scope.spawn(move || upload(setting, connection, apple.portal(), random, signals)));
        }
        let wanting = servers.iter().zip(&listed).zip(for_changes).zip(&mut desired_state);
        for ((((id, server), listed), graph), desired_state) in wanting {
            let Some(desired_state) = desired_state else { continue };
            let random = random.split();
            let place = Target { setting: id, server, listed };
            threads.push(scope.spawn(move || {
                changes::until_killed(&place, desired_state, kill, (graph, apple.portal()), random, signals)
            }));
        }
        let random = random.split();
        let servers = &servers;
        threads.push(scope.spawn(move || change(servers, for_syncs, apple.portal(), random, signals)));
        let ended = match kill {
            Kill::Stop(time) => undisturbed(service, time).and_then(|at| {
                stop::stop(service, others.as_ref(), (graph, apple), signals).map(|seen| (Some(at), seen))
            }),
            Kill::Cut(time) => undisturbed(service, time).and_then(|at| {
                let proxy = proxy.as_ref().ok_or("Only PostgreSQL is reached through a proxy.")?;
                disturb::cut(service, proxy, graph, signals).map(|seen| (Some(at), seen))
            }),
            _ => end(&mut service.process, kill).map(|killed| (killed, Tally::default())),
        };
        signals.end();
        let panicked = |_| Err("A thread of the load panicked.".to_owned());
        let broken: Result<Vec<Broken>> =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect();
        Ok::<_, String>((broken?, ended?))
    });
    apple.portal().show_changes()?;
    let (broken, (killed, seen)) = outcome?;
    for (setting, desired_state) in settings.iter_mut().zip(desired_state) {
        setting.desired_state = desired_state;
    }
    // Nothing else cuts connections here, so one that breaks earlier is a fault of the running service.
    if let Some((_, error)) =
        broken.into_iter().flatten().find(|(at, _)| killed.is_some_and(|killed| *at < killed))
    {
        return Err(format!("A connection broke before the kill: {error}."));
    }
    let after: usize = settings.iter().filter_map(|setting| setting.answered).map(|place| place + 1).sum();
    let at_places = u64::from(matches!(kill, Kill::At(..)) && killed.is_none());
    let past_places = u64::from(matches!(kill, Kill::At(..)) && killed.is_some());
    Ok(Tally { uploads_answered: (after - before) as u64, at_places, past_places, ..seen })
}

/// Waits for `time`, in which the service must not end; when that was over.
fn undisturbed(service: &mut Service, time: Duration) -> Result<Instant> {
    std::thread::sleep(time);
    match service.process.ended()? {
        None => Ok(Instant::now()),
        Some(status) => Err(format!("The service ended by itself ({status}).")),
    }
}

/// Ends the service and returns when, or waits until it has ended itself. A fail point that is not reached in time is
/// replaced by SIGKILL.
fn end(process: &mut Process, kill: Kill) -> Result<Option<Instant>> {
    if let Kill::After(time) = kill {
        std::thread::sleep(time);
        if let Some(status) = process.ended()? {
            return Err(format!("The service ended by itself ({status})."));
        }
        let killed = Instant::now();
        return process.kill().map(|()| Some(killed));
    }
    let started = Instant::now();
    while process.ended()?.is_none() {
        if kill.is_in_an_upload() && started.elapsed() > TIMEOUT {
            return Err("The service never reached that fail point.".to_owned());
        }
        if !kill.is_in_an_upload() && started.elapsed() > SHORT_TIMEOUT {
            let killed = Instant::now();
            return process.kill().map(|()| Some(killed));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(None)
}

/// Renews a setting's token again and again. What was issued and answered is noted before anything else is done.
fn upload(
    setting: &mut Onboarding,
    mut graph: Graph,
    mut portal: Portal,
    mut random: Random,
    signals: &Signals,
) -> Result<Broken> {
    while !signals.is_over() {
        let expires = setting.next_expiry();
        let file = portal.issue(&setting.server, Some(&expires.to_string()))?;
        let body = upload_body(&file);
        setting.issued.push(Issued { expires, file });
        match graph.upload(&setting.id, &body) {
            Ok(answer) if answer.status == 204 => {
                setting.answered = Some(setting.issued.len() - 1);
                setting.stored.push(setting.issued.len() - 1);
            }
            Ok(answer) if signals.leaves_open(answer.status) => return Ok(Some((Instant::now(), open()))),
            Ok(answer) => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(format!("An upload was refused with {}: {text}", answer.status));
            }
            Err(error) => return Ok(Some((Instant::now(), error))),
        }
        std::thread::sleep(Duration::from_millis(random.within(0..60)));
    }
    Ok(None)
}

/// Changes devices at Apple and asks for syncs.
fn change(
    servers: &[(String, String)],
    mut graph: Graph,
    mut portal: Portal,
    mut random: Random,
    signals: &Signals,
) -> Result<Broken> {
    let mut assigned = Vec::new();
    for (_, server) in servers {
        assigned.push(portal.serials(server)?);
    }
    let mut number = 0u32;
    while !signals.is_over() {
        let which = random.within(0..servers.len() as u64) as usize;
        let (setting, server) = &servers[which];
        let known = &mut assigned[which];
        match random.within(0..4) {
            0 => portal.add_devices(server, random.within(1..120) as usize)?,
            1 if known.len() > 20 => {
                for _ in 0..random.within(1..10) {
                    let serial = known.swap_remove(random.within(0..known.len() as u64) as usize);
                    portal.remove_device(server, &serial)?;
                }
            }
            2 if !known.is_empty() => {
                let serial = &known[random.within(0..known.len() as u64) as usize];
                number += 1;
                portal.describe_device(server, serial, &format!("described {number}"))?;
            }
            _ => match graph.request_sync(setting) {
                // Without a token there is nothing to sync yet.
                Ok(answer) if matches!(answer.status, 204 | 409) || signals.leaves_open(answer.status) => {}
                Ok(answer) => {
                    let text = String::from_utf8_lossy(&answer.body).into_owned();
                    return Err(format!("A sync was refused with {}: {text}", answer.status));
                }
                Err(error) => return Ok(Some((Instant::now(), error))),
            },
        }
        std::thread::sleep(Duration::from_millis(random.within(0..25)));
    }
    Ok(None)
}
