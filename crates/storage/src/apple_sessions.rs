//! Apple's session of each stored server token, shared by all processes: found, claimed, kept. It knows nothing of what a
//! session is good for.
//!
//! A session has a revision, and anyone who puts another in its place names the one that was seen, so that of two the first
//! stays. A claim orders who opens a session; it protects nothing, and ends by itself.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{AppleSessions, Error, db::sql, sealing::SealedField};
use adept_domain::{
    SettingKey, TokenId,
    deadline::{SESSION_CLAIM, is_over},
};

/// The row of a stored server token.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// The setting.
    pub key: SettingKey,
    /// The row.
    pub token: TokenId,
}

/// What a token's row says of its session. No `Debug`.
pub enum AppleSession {
    /// A session that may be live.
    Kept {
        /// The session.
        session: Zeroizing<Vec<u8>>,
        /// Its revision.
        revision: i64,
    },
    /// None; the caller claimed the right to open one.
    Claimed {
        /// The revision to replace.
        revision: i64,
    },
    /// None; another process is opening one.
    Busy,
    /// The token is not stored any more.
    NotFound,
}

/// What became of keeping a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKept {
    /// It is durable.
    Done,
    /// Another one was kept meanwhile. Nothing was changed.
    Superseded,
    /// The token is not stored any more. Nothing was changed.
    NotFound,
}

impl TokenRow {
    fn place(&self) -> SealedField {
        SealedField::of_setting("server_tokens", "session_sealed", self.key, self.token)
    }
}

impl AppleSessions {
    /// The session of a token, if its revision is over `refused`; else the right to open one, until `claim_until`,
    /// unless somebody else has it. A claim that lies further ahead than one may is not believed.
    pub async fn find(
        &self,
        row: &TokenRow,
        refused: i64,
        now: Timestamp,
        claim_until: Timestamp,
    ) -> Result<AppleSession, Error> {
        let select = sql("SELECT session_sealed, session_revision, session_claimed_until \
            FROM server_tokens WHERE tenant = $1 AND setting = $2 AND id = $3");
        let select = select.bind((row.key, row.token)).by_key();
        let Some(found) = self.db.row(select).await? else {
            return Ok(AppleSession::NotFound);
        };
        let revision: i64 = found.get("session_revision")?;
        let sealed: Option<Vec<u8>> = found.get("session_sealed")?;
        if let Some(sealed) = sealed.filter(|_| revision > refused) {
            let session = self.key.open(&row.place(), &sealed)?;
            return Ok(AppleSession::Kept { session, revision });
        }
        let claimed_until: Option<Timestamp> = found.get("session_claimed_until")?;
        if claimed_until.is_some_and(|until| !is_over(until, now, SESSION_CLAIM)) {
            return Ok(AppleSession::Busy);
        }
        let claim = sql("UPDATE server_tokens SET session_claimed_until = $6 WHERE tenant = $1 \
            AND setting = $2 AND id = $3 AND session_revision = $4 AND session_claimed_until = $5")
        .bind((row.key, row.token, revision, claimed_until, claim_until));
        let claimed = self.db.write(claim).await? == 1;
        Ok(if claimed { AppleSession::Claimed { revision } } else { AppleSession::Busy })
    }

    /// Puts a session in the place of the one with that revision, and ends a claim on it.
    pub async fn keep(&self, row: &TokenRow, session: &[u8], revision: i64) -> Result<SessionKept, Error> {
        let sealed = self.key.seal(&row.place(), session)?;
        let keep = sql("UPDATE server_tokens SET session_sealed = $5, session_revision = $4 + 1, \
            session_claimed_until = 0 WHERE tenant = $1 AND setting = $2 AND id = $3 \
            AND session_revision = $4")
        .bind((row.key, row.token, revision, sealed));
        if self.db.write(keep).await? == 1 {
            return Ok(SessionKept::Done);
        }
        let select = sql("SELECT 1 AS one FROM server_tokens WHERE tenant = $1 AND setting = $2 \
            AND id = $3");
        let is_stored = self.db.row(select.bind((row.key, row.token))).await?.is_some();
        Ok(if is_stored { SessionKept::Superseded } else { SessionKept::NotFound })
    }

    /// Ends a claim on that revision.
    pub async fn give_up(&self, row: &TokenRow, revision: i64) -> Result<(), Error> {
        let release = sql("UPDATE server_tokens SET session_claimed_until = 0 WHERE tenant = $1 \
            AND setting = $2 AND id = $3 AND session_revision = $4")
        .bind((row.key, row.token, revision));
        self.db.write(release).await.map(drop)
    }
}
