//! What Apple said of devices since the start, counted for metrics.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{app::App, domain::Verdict, storage::DeviceVerdict};

/// Devices by what was asked and what Apple said.
#[derive(Default)]
pub(in crate::app) struct Verdicts(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

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

    /// Devices that this process asked Apple about: `assign` or `release`, Apple's word, number.
    pub fn device_verdicts(&self) -> Vec<(&'static str, &'static str, u64)> {
        let counts = self.verdicts.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|((asked, verdict), count)| (*asked, *verdict, *count)).collect()
    }
}
