//! The walk over Apple's pages: the next ones are read while the last ones are being stored.

use std::sync::Arc;

use adept_apple::{
    client::Session,
    device::{Device, DevicePage, OpType, ProfileStatus},
    error::{AppleError, AppleErrorKind},
};
use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::mpsc, task::JoinSet};
use uuid::Uuid;

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

/// Pages that one transaction stores at most. While Apple is quicker than the database, they gather; each is written
/// less often then, and every commit waits for the disk once.
const PAGES_PER_COMMIT: usize = 10;

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
    /// A cursor was given up in this run already.
    started_over: bool,
}

/// A page that was read, and where it leaves the cursor.
struct ReadPage {
    records: Vec<AppleRecord>,
    cursor: Option<String>,
    issued_at: Timestamp,
    complete: bool,
}

impl ReadPage {
    /// Both, in their order: the cursor is the later one's.
    fn followed_by(mut self, next: Self) -> Self {
        self.records.extend(next.records);
        Self { records: self.records, ..next }
    }
}

impl App {
    /// Reads page after page, and at the same time stores those that were read.
    pub(super) async fn sync_pages(self: &Arc<Self>, claim: &Claim, session: Session) -> Result<Walk, Error> {
        let (read, pages) = mpsc::channel(PAGES_PER_COMMIT);
        // A task of its own, so that the database never waits while a page is decoded; it ends with this call.
        let mut reader = JoinSet::new();
        let (app, claimed) = (Arc::clone(self), claim.clone());
        reader.spawn(async move { app.read_pages(&claimed, &session, read).await });
        if !self.store_pages(claim, pages).await? {
            return Ok(Walk::Done(Outcome::Overtaken));
        }
        match reader.join_next().await {
            Some(Ok(walk)) => Ok(walk),
            Some(Err(error)) => {
                Err(Error::Internal { cause: format!("the reader of pages stopped: {error}") })
            }
            None => Ok(Walk::Done(Outcome::Overtaken)),
        }
    }

    async fn read_pages(&self, claim: &Claim, session: &Session, read: mpsc::Sender<ReadPage>) -> Walk {
        let now = self.clock.now();
        let too_old = claim.cursor_issued_at.is_none_or(|issued| now.duration_since(issued) > CURSOR_AGE);
        let fresh = claim.cursor.is_none() || (claim.cursor_complete && too_old);
        let mut place = Place {
            cursor: claim.cursor.clone().filter(|_| !fresh),
            delta: claim.cursor_complete && !fresh,
            started_over: false,
        };
        loop {
            let page = match self.ask(claim, session, &mut place).await {
                Ok(page) => page,
                Err(error) => return Walk::Apple(error),
            };
            let stuck = page.more_to_follow && page.cursor == place.cursor;
            let at_end = !page.more_to_follow && place.delta;
            place.cursor = page.cursor.or(place.cursor);
            place.delta |= !page.more_to_follow;
            let page = ReadPage {
                records: page.devices.into_iter().map(record).collect(),
                cursor: place.cursor.clone(),
                issued_at: self.clock.now(),
                complete: place.delta,
            };
            if read.send(page).await.is_err() {
                return Walk::Done(Outcome::Overtaken);
            }
            if stuck {
                tracing::warn!(setting = %claim.lease.setting, "Apple repeats a cursor; the walk stops until the next sync");
                return Walk::Done(Outcome::BrokenOff);
            }
            if at_end {
                return Walk::Done(Outcome::Complete);
            }
        }
    }

    /// Stores what was read, in order. False: the lease, the token or the cursor is another one by now.
    async fn store_pages(&self, claim: &Claim, mut pages: mpsc::Receiver<ReadPage>) -> Result<bool, Error> {
        let mut seen_revision = claim.cursor_revision;
        while let Some(mut page) = pages.recv().await {
            for _ in 1..PAGES_PER_COMMIT {
                let Ok(next) = pages.try_recv() else { break };
                page = page.followed_by(next);
            }
            let ReadPage { records, cursor, issued_at, complete } = page;
            let cursor = CursorMove { seen_revision, cursor: cursor.as_deref(), issued_at, complete };
            let now = self.clock.now();
            // One after the other from a random start: rows of one commit stand side by side in the index of ids.
            let mut last_id = self.ids.at(now).as_u128();
            let mut fresh_id = || {
                last_id += 1;
                Uuid::from_u128(last_id)
            };
            let stored = self.storage.commit_page(&claim.lease, records, &cursor, now, &mut fresh_id).await?;
            failpoint::at("page-stored");
            if stored.is_none() {
                return Ok(false);
            }
            seen_revision += 1;
        }
        Ok(true)
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
