//! The calls about devices that a setting has under way, and what they lead to: one that is made, and one before it whose
//! answer is being stored. A call is stored before it is made and goes away with its outcome, so that one that is found
//! later is one whose answer was lost.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    pacing::{alike, save_pacing, states_of},
    renew_for_call, under_lease,
};
use crate::{
    Assignments, Error, audit,
    db::{Row, Statement, Transaction, sql},
    device_counts::Changing,
    device_events::{self, NewDeviceEvent},
    setting_state::save,
};
use adept_domain::{
    AssignmentResult, AuditEvent, DeviceEventKind, DevicePacing, Lease, ProfileId, SettingKey, SettingState,
    deadline::Lengths, serial_key,
};

/// A call about devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlightCall {
    /// Sorts by time.
    pub id: Uuid,
    /// The profile that they are to have, its revision and Apple's id of it; none for a release.
    pub assigns: Option<(ProfileId, i64, String)>,
    /// As Apple spells them.
    pub serials: Vec<String>,
}

/// What Apple said of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceResult {
    /// As Apple spells it.
    pub serial: String,
    /// What Apple said.
    pub result: AssignmentResult,
    /// How many tries failed in a row before.
    pub attempts: i64,
}

/// What came of an assignment.
pub struct Assigned<'a> {
    /// The call that this ends; none when it was refused as a whole and taken back.
    pub call: Option<Uuid>,
    /// The profile and Apple's id of it.
    pub profile: ProfileId,
    /// Apple's id of it.
    pub apple_uuid: &'a str,
    /// Why: for the history.
    pub reason: &'a str,
    /// What Apple said of each device.
    pub devices: &'a [DeviceResult],
    /// The wait that Apple asked for.
    pub retry_after: Option<SignedDuration>,
    /// The desired state under which the call began; none when they are not known.
    pub seen_desired_generation: Option<i64>,
    /// The shortest time between two complete fetches, where Apple's words ask for one.
    pub between_fetches: Duration,
    /// When it ended.
    pub now: Timestamp,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is stored.
    Yes,
    /// Lease, token or desired state are not those that were seen.
    Stale,
    /// A sync is due, which goes first.
    SyncIsDue,
}

impl Assignments {
    /// Stores a call that is about to be made, and renews the lease. Nothing is stored when lease, token
    /// or desired state are not those that were seen, or when the run gives way to a sync.
    pub async fn begin_call(
        &self,
        lease: &Lease,
        seen_desired_generation: i64,
        gives_way: bool,
        call: &InFlightCall,
        now: Timestamp,
        lengths: &Lengths,
    ) -> Result<Begun, Error> {
        let mut tx = self.db.begin().await?;
        match renew_for_call(&mut tx, lease, now, lengths).await? {
            Some(held) if held.desired_generation != seen_desired_generation => return Ok(Begun::Stale),
            None => return Ok(Begun::Stale),
            Some(held) if gives_way && held.sync_is_due => return Ok(Begun::SyncIsDue),
            Some(_) => {}
        }
        let (profile, revision, uuid) = match &call.assigns {
            Some((profile, revision, uuid)) => (Some(*profile), Some(*revision), Some(uuid.as_str())),
            None => (None, None, None),
        };
        let insert = sql("INSERT INTO in_flight_calls (tenant, setting, id, profile, revision, \
            apple_uuid, serials, started_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind((lease.key, call.id, profile, revision, uuid))
        .bind((serde_json::Value::from(call.serials.clone()), now));
        tx.execute_one("beginning a call", insert).await?;
        tx.commit().await?;
        Ok(Begun::Yes)
    }

    /// The calls whose answers were lost, the oldest first.
    pub async fn unresolved_calls(&self, key: SettingKey) -> Result<Vec<InFlightCall>, Error> {
        let select = sql("SELECT id, profile, revision, apple_uuid, serials FROM in_flight_calls \
            WHERE tenant = $1 AND setting = $2 ORDER BY id")
        .bind(key);
        let call = |row: &Row| {
            let assigns = match row.get("apple_uuid")? {
                Some(uuid) => Some((row.get("profile")?, row.get("revision")?, uuid)),
                None => None,
            };
            Ok(InFlightCall { id: row.get("id")?, assigns, serials: row.get("serials")? })
        };
        self.db.all(select, call).await
    }

    /// Forgets a call: Apple surely did not act on it.
    pub async fn take_back_call(&self, lease: &Lease, call: Uuid) -> Result<(), Error> {
        self.write_under_lease(lease, [end_call(lease, call)]).await.map(drop)
    }

    /// Stores what came of an assignment: state, history and audit. False, and nothing stored, when lease or token are
    /// not those under which it was made; the call stays then, and its devices are read from Apple later. Waits that Apple
    /// asked for are stored all the same.
    pub async fn end_assignment(
        &self,
        lease: &Lease,
        assigned: &Assigned<'_>,
        event: &AuditEvent,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin_bulk().await?;
        let Some(mut state) = under_lease(&mut tx, lease).await? else {
            keep_waits(&mut tx, lease, assigned).await?;
            tx.commit().await?;
            return Ok(false);
        };
        let desired_changed = Some(state.assignment.desired_generation) != assigned.seen_desired_generation;
        let keys: Vec<String> = assigned.devices.iter().map(|device| serial_key(&device.serial)).collect();
        let changing = Changing::begin(&mut tx, lease.key, &keys).await?;
        let stored = states_of(&mut tx, lease.key, &keys).await?;
        let listed = assigned.devices.iter().zip(&keys).filter_map(|(device, key)| {
            let state = stored.get(key).filter(|state| !state.deleted)?;
            let after =
                state.pacing.on_result(device.result, assigned.retry_after, desired_changed, assigned.now);
            // Somebody wants another profile for it by now: what Apple said of this one keeps nobody waiting.
            let is_outdated = state.desired_profile.is_some_and(|desired| desired != assigned.profile);
            let after = if is_outdated { after.on_desired(assigned.now) } else { after };
            Some(((device.result, after), key.clone()))
        });
        for ((result, pacing), keys) in alike(listed) {
            if result == AssignmentResult::NotAccessible {
                want_fetch(&mut tx, &mut state, assigned, &keys).await?;
            }
            note_result(&mut tx, lease, assigned, (result, pacing), &keys).await?;
        }
        save(&mut tx, &state).await?;
        if let Some(call) = assigned.call {
            tx.execute_any(end_call(lease, call)).await?;
        }
        changing.end(&mut tx).await?;
        audit::commit(tx, lease.key.tenant, event).await?;
        Ok(true)
    }
}

async fn note_result(
    tx: &mut Transaction,
    lease: &Lease,
    assigned: &Assigned<'_>,
    (result, pacing): (AssignmentResult, DevicePacing),
    keys: &[String],
) -> Result<(), Error> {
    save_pacing(tx, lease.key, &pacing, keys).await?;
    if result == AssignmentResult::Success {
        // Apple has it now: the stored record is out of date, and its digest says so.
        let update = sql("UPDATE devices SET profile_uuid = $3, profile_status = 'assigned', digest = \
            '0', assigned_uuid = $3 WHERE tenant = $1 AND setting = $2 AND deleted = FALSE \
            AND serial_key IN ({listed})")
        .bind((lease.key, assigned.apple_uuid))
        .listing(keys);
        tx.execute_any(update).await?;
    }
    let (kind, detail) = match result {
        AssignmentResult::Success => (DeviceEventKind::Assigned, assigned.reason),
        other => (DeviceEventKind::NotAssigned, other.as_str()),
    };
    let event = NewDeviceEvent {
        kind,
        profile: Some(assigned.profile),
        apple_uuid: Some(assigned.apple_uuid),
        detail: Some(detail),
    };
    device_events::write(tx, lease.key, keys, assigned.now, &event).await
}

/// Lets devices wait that Apple throttles, anyone who holds the lease by now: they have been assigned too often, whatever
/// becomes of the answer.
async fn keep_waits(tx: &mut Transaction, lease: &Lease, assigned: &Assigned<'_>) -> Result<(), Error> {
    let throttled = assigned.devices.iter().filter(|device| device.result == AssignmentResult::Throttled);
    let keys: Vec<String> = throttled.map(|device| serial_key(&device.serial)).collect();
    let states = states_of(tx, lease.key, &keys).await?.into_iter().filter(|(_, state)| !state.deleted);
    let waits =
        states.map(|(key, state)| (state.pacing.on_throttled(assigned.retry_after, assigned.now), key));
    for (pacing, keys) in alike(waits) {
        save_pacing(tx, lease.key, &pacing, &keys).await?;
    }
    Ok(())
}

/// The statement that forgets a call.
pub(super) fn end_call(lease: &Lease, call: Uuid) -> Statement {
    sql("DELETE FROM in_flight_calls WHERE tenant = $1 AND setting = $2 AND id = $3").bind((lease.key, call))
}

/// Makes a complete fetch due, since Apple does not have devices any more that it listed. Devices of which it said so
/// before ask for none, so that one that Apple lists all the same leads to one fetch; and two fetches are
/// `between_fetches` apart, however many devices there are.
async fn want_fetch(
    tx: &mut Transaction,
    state: &mut SettingState,
    assigned: &Assigned<'_>,
    keys: &[String],
) -> Result<(), Error> {
    let select = sql("SELECT COUNT(*) AS total FROM devices WHERE tenant = $1 AND setting = $2 \
        AND deleted = FALSE AND COALESCE(assign_failure, '') <> 'NOT_ACCESSIBLE' \
        AND serial_key IN ({listed})")
    .bind(state.key)
    .listing(keys);
    if tx.count(select).await? == 0 {
        return Ok(());
    }
    let select = sql("SELECT MAX(ended_at) AS last FROM sync_runs WHERE tenant = $1 AND setting = $2 \
        AND kind <> 'delta_sync' AND outcome = 'ok'")
    .bind(state.key);
    let last = tx.first(select, |row| row.get::<Option<Timestamp>>("last")).await?.flatten();
    let soonest = last.and_then(|last| last.checked_add(assigned.between_fetches).ok());
    state.on_fetch_wanted(soonest.map_or(assigned.now, |soonest| soonest.max(assigned.now)));
    Ok(())
}
