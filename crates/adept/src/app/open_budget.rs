//! The budget of uploads that cannot be opened: it makes what an answer tells worthless, even if answers told anything.

use std::time::Duration;

use aws_lc_rs::digest;

use super::{Clock, Counted, Counters, Error};
use crate::{
    domain::{Caller, CallerKind, KeyPairId, OpenBudget, SettingKey},
    storage::{self, OpenAttempt},
};

/// Counts uploads that could not be opened, and says who has to wait.
pub(super) struct OpenBudgets {
    pub(super) failed: storage::FailedOpens,
    /// None where nothing is limited.
    pub(super) budget: Option<OpenBudget>,
    pub(super) counters: Counters,
    pub(super) clock: Clock,
}

impl OpenBudgets {
    /// Refuses an upload whose caller, or whose key pair, is over the budget. It is not opened then, whatever it holds.
    pub(super) async fn check(&self, caller: &Caller, key: SettingKey, pair: KeyPairId) -> Result<(), Error> {
        let Some((budget, attempt)) = self.limited(caller, key, pair) else { return Ok(()) };
        let stored = self.failed.stored(&attempt).await?;
        match budget.wait(&stored, self.clock.now()) {
            Some(wait) => Err(self.exceeded(budget, wait.unsigned_abs())),
            None => Ok(()),
        }
    }

    /// Counts an upload that could not be opened, and answers `refusal`; or what [`OpenBudgets::check`] answers, where others
    /// used up the budget meanwhile.
    pub(super) async fn count(
        &self,
        caller: &Caller,
        key: SettingKey,
        pair: KeyPairId,
        refusal: Error,
    ) -> Result<Error, Error> {
        if let Some((budget, attempt)) = self.limited(caller, key, pair)
            && let Some(wait) = self.failed.count(&attempt, &budget, self.clock.now()).await?
        {
            return Ok(self.exceeded(budget, wait.unsigned_abs()));
        }
        self.counters.add(Counted::FailedOpen("unreadable"), 1);
        Ok(refusal)
    }

    fn exceeded(&self, budget: OpenBudget, wait: Duration) -> Error {
        self.counters.add(Counted::FailedOpen("over_budget"), 1);
        Error::TooManyFailedOpens { limit: budget.failures(), wait }
    }

    /// The operator of this machine has the private keys in reach, so nothing is kept from them.
    fn limited(
        &self,
        caller: &Caller,
        key: SettingKey,
        key_pair: KeyPairId,
    ) -> Option<(OpenBudget, OpenAttempt)> {
        let budget = self.budget.filter(|_| caller.kind != CallerKind::Operator)?;
        Some((budget, OpenAttempt { key, key_pair, caller: caller_digest(caller) }))
    }
}

/// Names a caller: the application, and the person where there is one.
fn caller_digest(caller: &Caller) -> Vec<u8> {
    let (kind, person): (u8, &str) = match &caller.kind {
        CallerKind::Application => (0, ""),
        CallerKind::User { user_id, .. } => (1, user_id),
        CallerKind::Operator => (2, ""),
    };
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(caller.tenant.0.as_bytes());
    hash.update(caller.client.map(|client| client.0).unwrap_or_default().as_bytes());
    hash.update(&[kind]);
    hash.update(person.as_bytes());
    hash.finish().as_ref()[..16].to_vec()
}
