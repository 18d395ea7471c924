//! What the assignment controller shows to anyone who watches: what Apple said of devices since the start, and devices that wait.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    app::AssignmentRunner,
    domain::{AssignmentResult, SettingKey},
    storage::{DeviceResult, WaitingDevices},
};

/// Devices by what was asked and what Apple said.
#[derive(Default)]
pub(in crate::app) struct AssignmentCounts(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

/// What the assignment controller shows.
#[derive(Clone, Debug, Default)]
pub struct AssignmentStatus {
    /// Devices that this process asked Apple about: `assign` or `release`, Apple's word, number.
    pub results: Vec<(&'static str, &'static str, u64)>,
    /// Devices that are looked at again, by setting.
    pub waiting: Vec<WaitingDevices>,
    /// Devices with another product's profile when all of a setting's were looked at last.
    pub foreign: Vec<(SettingKey, i64)>,
}

impl AssignmentRunner {
    pub(super) fn count_results(&self, asked: &'static str, devices: &[DeviceResult]) {
        let mut counts = self.results.0.lock().unwrap_or_else(PoisonError::into_inner);
        for result in AssignmentResult::ALL {
            let count = devices.iter().filter(|device| device.result == result).count() as u64;
            if count > 0 {
                *counts.entry((asked, result.as_str())).or_default() += count;
            }
        }
    }

    /// How reconciling stands. Asks the database, never Apple; while that cannot be read nothing waits.
    pub async fn status(&self) -> AssignmentStatus {
        let waiting = self.assignments.waiting_devices(self.clock.now()).await.unwrap_or_default();
        let foreign = self.assignments.foreign_devices().await.unwrap_or_default();
        let counts = self.results.0.lock().unwrap_or_else(PoisonError::into_inner);
        let results = counts.iter().map(|((asked, result), count)| (*asked, *result, *count)).collect();
        AssignmentStatus { results, waiting, foreign }
    }
}
