//! What the assignment controller stores and asks: under which lease and desired state a run works, and how it ends. The
//! plan, the devices that differ from it, and the calls to Apple are in the files below.
//!
//! Every change of what is desired makes the setting's desired generation grow. A call to Apple begins only under the
//! generation that was read, and nothing here is stored under another lease or token than it was learned under.

mod calls;
mod definitions;
mod pacing;
mod plan;
mod recognized;
mod refused;
mod releases;
mod show;
mod work;

use jiff::Timestamp;

use super::{
    Assignments, Error,
    db::{Statement, Transaction, sql},
    deployment::{keep_value, value_of},
    leases::may_go_on,
    setting_state::{change, load, lock, save},
};
use adept_domain::{Fence, Lease, SettingKey, SettingState, deadline::Lengths, setting_state::AssignmentEnd};

pub use calls::{Assigned, Begun, DeviceResult, InFlightCall};
pub(super) use definitions::forget_refusals;
pub(super) use pacing::{alike, save_pacing, save_release, states_of};
pub use plan::{Plan, PlannedProfile};
pub use refused::RefusedDevices;
pub use releases::Released;
pub use show::{DeviceStory, ShownDevice, WaitingDevices};
pub use work::{ScanPosition, WorkDevice};

/// The deployment's row for the digest of the shared profile options.
const SHARED_PROFILE_OPTIONS: &str = "shared-profile-options";

/// What a run works under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkingState {
    /// Grows with every change of what is wanted.
    pub desired_generation: i64,
    /// Whether every device has to be looked at.
    pub scan_all: bool,
    /// Whether a sync is due, which goes first.
    pub sync_is_due: bool,
}

/// Takes a setting's row until the end of the transaction because something else is desired of its devices, and answers the
/// state behind that, which the caller saves; none when the setting is gone. `all` makes the next run look at every device.
pub(super) async fn desire(
    tx: &mut Transaction,
    key: SettingKey,
    now: Timestamp,
    all: bool,
) -> Result<Option<SettingState>, Error> {
    let mut state = lock(tx, key, &Fence::Exists).await?;
    if let Some(state) = &mut state {
        state.on_desired(now, all);
    }
    Ok(state)
}

/// The same where nothing else of the state changes; false when the setting is gone.
pub(super) async fn bump_desired_generation(
    tx: &mut Transaction,
    key: SettingKey,
    now: Timestamp,
    all: bool,
) -> Result<bool, Error> {
    let Some(state) = desire(tx, key, now, all).await? else { return Ok(false) };
    save(tx, &state).await?;
    Ok(true)
}

impl Assignments {
    /// Renews the lease of a run and reads again what it works under; none when lease, token or setting are other ones by
    /// now.
    pub async fn renew_for_call(
        &self,
        lease: &Lease,
        now: Timestamp,
        lengths: &Lengths,
    ) -> Result<Option<WorkingState>, Error> {
        let mut tx = self.db.begin().await?;
        let working = renew_for_call(&mut tx, lease, now, lengths).await?;
        tx.commit().await?;
        Ok(working)
    }

    /// Notes how a run ended and gives the lease back; false when it was lost.
    pub async fn end_run(&self, lease: &Lease, end: &AssignmentEnd) -> Result<bool, Error> {
        let ended = |state: &mut SettingState| state.on_assignment_ended(end);
        Ok(change(&self.db, lease.key, &Fence::Lease(*lease), ended).await?.is_some())
    }

    /// Runs statements in a transaction; false, and nothing done, when lease or token are not those of the run any more.
    async fn write_under_lease(
        &self,
        lease: &Lease,
        statements: impl IntoIterator<Item = Statement, IntoIter: Send> + Send,
    ) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        if under_lease(&mut tx, lease).await?.is_none() {
            return Ok(false);
        }
        for statement in statements {
            tx.execute_any(statement).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Notes the shared profile options, by their digest. When they are others than before, every setting is due,
    /// soft-deleted ones and those without a token included, and what Apple refused or could not be asked is tried again; no
    /// run under way goes on under those before. Answers whether they are.
    pub async fn note_shared_profile_options(&self, digest: &str, now: Timestamp) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let is_other = tx.execute(keep_value(SHARED_PROFILE_OPTIONS, digest)).await? == 1;
        if is_other {
            let select = sql("SELECT tenant, id FROM settings ORDER BY tenant, id");
            for key in tx.all::<_, Vec<_>>(select, |row| row.get("id")).await? {
                let Some(mut state) = load(&mut tx, key).await? else { continue };
                state.on_desired(now, true);
                save(&mut tx, &state).await?;
            }
            tx.execute_any(sql("DELETE FROM profile_definitions")).await?;
        }
        tx.commit().await?;
        Ok(is_other)
    }

    /// The digest that was noted last; none when no process noted any yet.
    pub async fn shared_profile_options(&self) -> Result<Option<String>, Error> {
        let select = value_of(SHARED_PROFILE_OPTIONS).by_key();
        self.db.first(select, |row| row.get("value")).await
    }
}

/// Renews the lease in a transaction and answers what a call is made under.
async fn renew_for_call(
    tx: &mut Transaction,
    lease: &Lease,
    now: Timestamp,
    lengths: &Lengths,
) -> Result<Option<WorkingState>, Error> {
    let Some(mut state) = under_lease(tx, lease).await? else { return Ok(None) };
    if !may_go_on(tx, lease.key.tenant).await? {
        return Ok(None);
    }
    state.on_lease_renewed(now, lengths);
    save(tx, &state).await?;
    Ok(Some(WorkingState {
        desired_generation: state.assignment.desired_generation,
        scan_all: state.assignment.scan_all,
        sync_is_due: state.is_sync_due(now, lengths),
    }))
}

/// Takes the setting's row until the end of the transaction, if lease and token are still those of the run.
async fn under_lease(tx: &mut Transaction, lease: &Lease) -> Result<Option<SettingState>, Error> {
    lock(tx, lease.key, &Fence::Lease(*lease)).await
}
