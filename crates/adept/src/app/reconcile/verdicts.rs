//! What the reconciler shows to whoever watches: what Apple said of devices since the start, and devices that wait.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    app::App,
    domain::{SettingId, TenantId, Verdict},
    storage::{DeviceVerdict, WaitingDevices},
};

/// Devices by what was asked and what Apple said.
#[derive(Default)]
pub(in crate::app) struct Verdicts(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

/// What the reconciler shows.
#[derive(Clone, Debug, Default)]
pub struct Reconciling {
    /// Devices that this process asked Apple about: `assign` or `release`, Apple's word, number.
    pub verdicts: Vec<(&'static str, &'static str, u64)>,
    /// Devices that are looked at again, by setting.
    pub waiting: Vec<WaitingDevices>,
    /// Devices with another product's profile when all of a setting's were looked at last.
    pub foreign: Vec<(TenantId, SettingId, i64)>,
}

impl App {
    pub(super) fn count_verdicts(&self, asked: &'static str, devices: &[DeviceVerdict]) {
        let mut counts = self.verdicts.0.lock().unwrap_or_else(PoisonError::into_inner);
        for verdict in Verdict::ALL {
            let count = devices.iter().filter(|device| device.verdict == verdict).count() as u64;
            if count > 0 {
                *counts.entry((asked, verdict.as_str())).or_default() += count;
            }
        }
    }

    /// How reconciling stands. Asks the database, never Apple; while that cannot be read nothing waits.
    pub async fn reconciling(&self) -> Reconciling {
        let waiting = self.storage.waiting_devices(self.clock.now()).await.unwrap_or_default();
        let foreign = self.storage.foreign_devices().await.unwrap_or_default();
        let counts = self.verdicts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let verdicts = counts.iter().map(|((asked, verdict), count)| (*asked, *verdict, *count)).collect();
        Reconciling { verdicts, waiting, foreign }
    }
}
