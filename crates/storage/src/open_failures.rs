//! Uploads that could not be opened: how many, by caller and key pair. What is granted is decided in `domain`.

use adept_domain::{
    KeyPairId, OpenBudget, OpenFailures, SettingKey,
    deadline::{LONGEST_REST, later},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    Error, FailedOpens,
    db::{Statement, Transaction, sql},
    purge::AgedRows,
};

/// Who fails to open what. The caller is a digest; an empty one stands for all callers of the key pair together.
#[derive(Clone, Debug)]
pub struct OpenAttempt {
    /// The setting.
    pub key: SettingKey,
    /// The key pair that the file is sealed to.
    pub key_pair: KeyPairId,
    /// The caller's digest.
    pub caller: Vec<u8>,
}

const ALL_CALLERS: &[u8] = &[];

impl OpenAttempt {
    fn bind(&self, statement: Statement, caller: &[u8]) -> Statement {
        statement.bind((self.key, self.key_pair, caller.to_vec()))
    }

    /// Takes the row of a caller, made where there is none.
    async fn take(
        &self,
        tx: &mut Transaction,
        caller: &[u8],
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let take = sql("INSERT INTO open_failures (tenant, setting, key_pair, caller, refilled_at) \
            SELECT tenant, id, $3, $4, $5 FROM settings WHERE tenant = $1 AND id = $2 \
            ON CONFLICT (tenant, setting, key_pair, caller) DO UPDATE SET refilled_at = open_failures.refilled_at \
            RETURNING refilled_at");
        tx.first(self.bind(take, caller).bind(now), |row| row.get("refilled_at")).await
    }

    async fn save(&self, tx: &mut Transaction, caller: &[u8], at: Option<Timestamp>) -> Result<(), Error> {
        let save = sql("UPDATE open_failures SET refilled_at = COALESCE($5, refilled_at) \
            WHERE tenant = $1 AND setting = $2 AND key_pair = $3 AND caller = $4");
        tx.execute_any(self.bind(save, caller).bind(at)).await
    }
}

impl FailedOpens {
    /// What is stored of the caller's budget and the key pair's.
    pub async fn stored(&self, attempt: &OpenAttempt) -> Result<OpenFailures, Error> {
        let select = sql("SELECT caller, refilled_at FROM open_failures WHERE tenant = $1 AND setting = $2 \
            AND key_pair = $3 AND (caller = $4 OR caller = $5)");
        let select = attempt.bind(select, ALL_CALLERS).bind(attempt.caller.clone()).by_key();
        let mut stored = OpenFailures::default();
        for row in self.db.rows(select).await? {
            let refilled_at = row.get("refilled_at")?;
            match row.get::<Vec<u8>>("caller")?.is_empty() {
                true => stored.by_pair = refilled_at,
                false => stored.by_caller = refilled_at,
            }
        }
        Ok(stored)
    }

    /// Counts one more failure; or counts none and answers how long to wait, where others used up the budget meanwhile. A
    /// setting that was purged counts nothing.
    pub async fn count(
        &self,
        attempt: &OpenAttempt,
        budget: &OpenBudget,
        now: Timestamp,
    ) -> Result<Option<SignedDuration>, Error> {
        let mut tx = self.db.begin().await?;
        let by_pair = attempt.take(&mut tx, ALL_CALLERS, now).await?;
        let by_caller = attempt.take(&mut tx, &attempt.caller, now).await?;
        let stored = OpenFailures { by_caller, by_pair };
        if let Some(wait) = budget.wait(&stored, now) {
            return Ok(Some(wait));
        }
        let after = budget.after_failure(&stored, now);
        attempt.save(&mut tx, ALL_CALLERS, after.by_pair).await?;
        attempt.save(&mut tx, &attempt.caller, after.by_caller).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Forgets budgets that were whole before `before`; answers how many.
    pub async fn purge(&self, before: Timestamp, now: Timestamp) -> Result<u64, Error> {
        let rows =
            AgedRows { table: "open_failures", time: "refilled_at", condition: "TRUE", counted: false };
        rows.date_back(&self.db, later(now, LONGEST_REST), now).await?;
        rows.purge(&self.db, before).await
    }
}
