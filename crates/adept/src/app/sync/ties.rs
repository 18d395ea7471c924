//! Devices whose deletion Apple dated like another operation: the later in Apple's stream counts, and then Apple is asked
//! whether they are there.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{Clock, SyncRunner, failpoint},
    Outcome, Run,
    pages::FetchProgress,
    record::record,
};
use crate::{
    domain::{AppleRecord, DeviceChanges, MOST_DEVICES, SyncKind, setting_state::CursorMove},
    storage::RunPart,
};

/// Apple's word for a device that is there.
const THERE: &str = "SUCCESS";

impl SyncRunner {
    /// Lists those of the devices again that Apple says are there. Answers what that changed. When Apple does not
    /// say, a complete fetch finds out.
    pub(super) async fn check_ties(
        &self,
        run: &Run,
        kind: SyncKind,
        serials: &[String],
        left: &mut FetchProgress,
    ) -> Result<DeviceChanges, Outcome> {
        let claim = &run.claim;
        let mut changes = DeviceChanges::default();
        for serials in serials.chunks(MOST_DEVICES) {
            let details = match run.access.session.device_details(serials).await {
                Ok(details) => details,
                Err(error) => {
                    self.apple.keep_wait(run.key(), &run.access.consumer, &error).await?;
                    tracing::warn!(setting = %run.key().id, devices = serials.len(),
                        "Apple did not say whether devices are there that it deleted and changed in the same second; a full \
                         fetch finds out: {error}");
                    self.syncs.request_fetch(&claim.lease, self.clock.now()).await?;
                    return Ok(changes);
                }
            };
            failpoint::at("ties-read");
            let is_there = |status: Option<&str>| status.is_none_or(|word| word.eq_ignore_ascii_case(THERE));
            let records: Vec<AppleRecord> = details
                .into_values()
                .filter(|device| is_there(device.response_status.as_deref()))
                .map(|device| AppleRecord { operation: None, operation_at: None, ..record(device) })
                .collect();
            if records.is_empty() {
                continue;
            }
            tracing::info!(setting = %run.key().id, devices = records.len(),
                "Apple deleted devices and changed them in the same second, and says that they are there");
            let now = self.clock.now();
            let part = RunPart { started_at: claim.started_at, now, kind, pages: 0, unreadable: 0 };
            let cursor = CursorMove { seen_revision: left.revision, to: None, full_fetch: None };
            let stored = self
                .syncs
                .commit_page(&claim.lease, records, cursor, &part, &mut self.fresh_ids(now))
                .await?;
            changes = changes.and(stored.ok_or(Outcome::Superseded)?.changes);
            left.revision += 1;
        }
        Ok(changes)
    }

    /// Ids one after the other from a random start: rows of one commit stand side by side in the index of ids.
    pub(super) fn fresh_ids(&self, now: Timestamp) -> impl FnMut() -> Uuid + Send + use<> {
        let mut last_id = Clock::id_at(now).as_u128();
        move || {
            last_id += 1;
            Uuid::from_u128(last_id)
        }
    }
}
