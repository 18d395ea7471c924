//! The walk over Apple's pages: the next page is asked for while the last one is being stored.

use adept_apple::{
    client::Session,
    device::{Device, DevicePage, OpType, ProfileStatus},
    error::{AppleError, AppleErrorKind},
};
use aws_lc_rs::digest;
use jiff::SignedDuration;

use super::{
    super::{App, Error, failpoint},
    Outcome,
};
use crate::{
    domain::{AppleRecord, DevicePlatform, OperationType},
    storage::{Claim, CursorMove},
};

/// Apple forgets a cursor after seven days; ours is given up a little sooner.
const CURSOR_AGE: SignedDuration = SignedDuration::from_hours(6 * 24 + 20);

/// How a walk came to its end.
pub(super) enum Walk {
    /// By itself.
    Done(Outcome),
    /// By an error of Apple's.
    Apple(AppleError),
}

/// Where a walk stands.
struct Place {
    cursor: Option<String>,
    /// Deltas are read, not the fetch.
    delta: bool,
    revision: i64,
    /// A cursor was given up in this run already.
    started_over: bool,
}

impl App {
    pub(super) async fn sync_pages(&self, claim: &Claim, session: &Session) -> Result<Walk, Error> {
        let now = self.clock.now();
        let too_old = claim.cursor_issued_at.is_none_or(|issued| now.duration_since(issued) > CURSOR_AGE);
        let fresh = claim.cursor.is_none() || (claim.cursor_complete && too_old);
        let mut place = Place {
            cursor: claim.cursor.clone().filter(|_| !fresh),
            delta: claim.cursor_complete && !fresh,
            revision: claim.cursor_revision,
            started_over: false,
        };
        let mut page = match self.ask(claim, session, &mut place).await {
            Ok(page) => page,
            Err(error) => return Ok(Walk::Apple(error)),
        };
        loop {
            let stuck = page.more_to_follow && page.cursor == place.cursor;
            let at_end = !page.more_to_follow;
            let delta_read = place.delta;
            let (moved, next) = self.turn_page(claim, session, &mut place, page, stuck).await?;
            if !moved {
                return Ok(Walk::Done(Outcome::Overtaken));
            }
            if stuck {
                tracing::warn!(setting = %claim.lease.setting, "Apple repeats a cursor; the walk stops until the next sync");
                return Ok(Walk::Done(Outcome::BrokenOff));
            }
            if at_end && delta_read {
                return Ok(Walk::Done(Outcome::Complete));
            }
            page = match next {
                Ok(page) => page,
                Err(error) => return Ok(Walk::Apple(error)),
            };
        }
    }

    /// Stores a page and, at the same time, asks for the next one where there is one. False: the lease, the token or
    /// the cursor is another one by now.
    async fn turn_page(
        &self,
        claim: &Claim,
        session: &Session,
        place: &mut Place,
        page: DevicePage,
        stuck: bool,
    ) -> Result<(bool, Result<DevicePage, AppleError>), Error> {
        let now = self.clock.now();
        let complete = place.delta || !page.more_to_follow;
        let cursor = page.cursor.clone().or_else(|| place.cursor.clone());
        let seen_revision = place.revision;
        let last = stuck || (!page.more_to_follow && place.delta);
        place.cursor = cursor.clone();
        place.delta = complete;
        place.revision += 1;

        let records = page.devices.into_iter().map(record).collect();
        let store = async {
            let cursor = CursorMove { seen_revision, cursor: cursor.as_deref(), issued_at: now, complete };
            let mut fresh_id = || self.ids.at(now);
            let folded = self.storage.commit_page(&claim.lease, records, &cursor, now, &mut fresh_id).await?;
            failpoint::at("page-stored");
            Ok::<_, Error>(folded.is_some())
        };
        if last {
            return Ok((store.await?, Ok(DevicePage::default())));
        }
        let (stored, next) = tokio::join!(store, self.ask(claim, session, place));
        Ok((stored?, next))
    }

    /// Asks for the page at `place`. A cursor that Apple does not take any more is given up once per run.
    async fn ask(
        &self,
        claim: &Claim,
        session: &Session,
        place: &mut Place,
    ) -> Result<DevicePage, AppleError> {
        loop {
            let asked = match (&place.cursor, place.delta) {
                (Some(cursor), true) => session.sync_devices(cursor, claim.page_limit).await,
                (cursor, _) => session.fetch_devices(cursor.as_deref(), claim.page_limit).await,
            };
            let error = match asked {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            match error.kind {
                AppleErrorKind::ExhaustedCursor if !place.delta => place.delta = true,
                AppleErrorKind::ExhaustedCursor => return Ok(DevicePage::default()),
                AppleErrorKind::InvalidCursor | AppleErrorKind::ExpiredCursor if !place.started_over => {
                    tracing::info!(setting = %claim.lease.setting, "Apple gave up our cursor ({error}); fetching anew");
                    place.started_over = true;
                    place.cursor = None;
                    place.delta = false;
                }
                _ => return Err(error),
            }
        }
    }
}

/// Apple's device in our words.
fn record(device: Device) -> AppleRecord {
    let record = device.record_json();
    let hash = digest::digest(&digest::SHA256, record.as_bytes());
    let digest = hash.as_ref().iter().take(16).fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    let status = device.profile_status.map(|status| match status {
        ProfileStatus::Empty => "empty".to_owned(),
        ProfileStatus::Assigned => "assigned".to_owned(),
        ProfileStatus::Pushed => "pushed".to_owned(),
        ProfileStatus::Removed => "removed".to_owned(),
        ProfileStatus::Other(word) => word,
    });
    AppleRecord {
        serial: device.serial_number,
        operation: device.op_type.map(|operation| match operation {
            OpType::Added => OperationType::Added,
            OpType::Modified => OperationType::Modified,
            OpType::Deleted => OperationType::Deleted,
        }),
        operation_at: device.op_date,
        platform: device.os.as_deref().map(DevicePlatform::from_apple_os),
        description: device.description,
        profile_uuid: device.profile_uuid,
        profile_status: status,
        record,
        digest,
    }
}
