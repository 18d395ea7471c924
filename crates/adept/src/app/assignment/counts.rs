//! What is counted of assignment, and what it shows to anyone who watches: devices that wait, and those of other products.

use crate::{
    app::{AssignmentRunner, counters::Counted},
    domain::SettingKey,
    storage::{DeviceResult, WaitingDevices},
};

/// What the assignment controller shows.
#[derive(Clone, Debug, Default)]
pub struct AssignmentStatus {
    /// Devices that are looked at again, by setting.
    pub waiting: Vec<WaitingDevices>,
    /// Devices with another product's profile when all of a setting's were looked at last.
    pub foreign: Vec<(SettingKey, i64)>,
}

impl AssignmentRunner {
    pub(super) fn count_results(&self, asked: &'static str, devices: &[DeviceResult]) {
        for device in devices {
            self.counters.add(Counted::DeviceResult(asked, device.result.as_str()), 1);
        }
    }

    /// How reconciling stands. Asks the database, never Apple; while that cannot be read nothing waits.
    pub async fn status(&self) -> AssignmentStatus {
        let waiting = self.assignments.waiting_devices(self.clock.now()).await.unwrap_or_default();
        let foreign = self.assignments.foreign_devices().await.unwrap_or_default();
        AssignmentStatus { waiting, foreign }
    }
}
