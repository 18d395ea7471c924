//! How a session is come by: one that other processes share, else one `/session` request for all who wait. Sharing only
//! saves requests: whatever goes wrong with it, the call goes on with a session of its own.

use std::time::Duration;

use super::{
    Session, decode,
    exchange::{Exchange, Request},
    live::{Since, Ticket, Turn},
    shared::{Found, Keeping, NotShared, SharedSession},
};
use crate::error::{AppleError, Endpoint};

/// Between two looks at a session that another process is opening.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A session that is there now.
pub(super) struct Opened {
    pub(super) ticket: Ticket,
    /// Whether it came from a `/session` request that was made meanwhile, and not from another process.
    pub(super) is_new: bool,
}

impl Session {
    /// A session from one `/session` request, which all who wait at the same time share, a failure included.
    pub(super) async fn open(&self, since: Since) -> Result<Opened, AppleError> {
        let flight = match self.slot.turn(since).await {
            Turn::Ended(outcome) => return outcome.map(|ticket| Opened { ticket, is_new: true }),
            Turn::Found(ticket) => return Ok(Opened { ticket, is_new: false }),
            Turn::Mine(flight) => flight,
        };
        let mut claimed = None;
        if let Some(shared) = self.shared.as_deref().filter(|_| !since.is_proof()) {
            match self.find(shared).await {
                Ok(Found::Kept { session, revision }) => {
                    return Ok(Opened { ticket: flight.found(session, revision), is_new: false });
                }
                Ok(Found::Claimed { revision }) => {
                    flight.claimed(revision);
                    claimed = Some((shared, revision));
                }
                Ok(Found::Busy | Found::Gone) => {}
                Err(error) => tracing::warn!("an Apple session is opened for this process alone: {error}"),
            }
        }
        let request = Request::bare(Endpoint::Session, decode::session);
        let Exchange { result, rotated } = self.client.exchange(&request, &self.token, None).await;
        if let (Some((shared, revision)), Err(_)) = (claimed, &result)
            && let Err(error) = shared.give_up(revision).await
        {
            tracing::warn!("other processes wait until the claim ends: {error}");
        }
        let ticket = flight.end(result.map(|session| rotated.unwrap_or(session)))?;
        self.share().await;
        Ok(Opened { ticket, is_new: true })
    }

    /// Asks the place until nobody else is opening a session. Claims end by themselves, so this ends too.
    async fn find(&self, shared: &dyn SharedSession) -> Result<Found, NotShared> {
        loop {
            match shared.find(self.slot.refused_at(shared.place())).await? {
                Found::Busy => tokio::time::sleep(BETWEEN_LOOKS).await,
                found => return Ok(found),
            }
        }
    }

    /// Shows the other processes a session that they do not know: a new one, or one that an answer brought.
    pub(super) async fn share(&self) {
        let Some(shared) = &self.shared else { return };
        while let Some((session, revision)) = self.slot.unshared(shared.place()) {
            match shared.keep(&session, revision).await {
                Ok(Keeping::Done) => self.slot.shared(&session, revision + 1),
                Ok(Keeping::Gone) => self.slot.shared(&session, revision),
                Ok(Keeping::Superseded) => self.slot.superseded(&session),
                Err(error) => {
                    tracing::warn!("other processes will open an Apple session of their own: {error}");
                    return;
                }
            }
        }
    }
}
