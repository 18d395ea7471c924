//! Devices that Apple refused alone: every call that names one of them is refused as a whole, so that it rests for a day
//! while the others go on.

use crate::{
    Assignments, Error,
    db::{Row, sql},
};
use adept_domain::{AssignmentResult, SettingId, TenantId};

/// Serial numbers that are named of a setting's.
const NAMED: usize = 5;

/// A setting's devices that Apple refused alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedDevices {
    /// The setting.
    pub setting: SettingId,
    /// How many.
    pub devices: usize,
    /// Their first serial numbers, as Apple spells them; five at most.
    pub named: Vec<String>,
}

impl Assignments {
    /// The devices of a tenant's settings whose last assignment or release Apple refused so, by setting.
    pub async fn refused_devices(&self, tenant: TenantId) -> Result<Vec<RefusedDevices>, Error> {
        let select = sql("SELECT setting, serial FROM devices WHERE tenant = $1 AND deleted = FALSE \
            AND ((assign_due_at IS NOT NULL AND assign_failure = $2) OR (release_requested_at IS NOT NULL \
            AND release_failure = $3)) ORDER BY setting, serial_key")
        .bind((tenant, AssignmentResult::CallRefused, AssignmentResult::CallRefused));
        let device = |row: &Row| Ok((row.get("setting")?, row.get("serial")?));
        let mut refused: Vec<RefusedDevices> = Vec::new();
        for (setting, serial) in self.db.all::<_, Vec<_>>(select, device).await? {
            if refused.last().is_none_or(|last| last.setting != setting) {
                refused.push(RefusedDevices { setting, devices: 0, named: Vec::new() });
            }
            let Some(last) = refused.last_mut() else { continue };
            last.devices += 1;
            if last.named.len() < NAMED {
                last.named.push(serial);
            }
        }
        Ok(refused)
    }
}
