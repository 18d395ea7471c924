//! What watches over the service is told: whether the database works and how every token stands.

use jiff::Timestamp;

use super::{Clock, Error};
use crate::{
    domain::{SettingId, TenantId, TokenStanding, TokenState},
    storage,
};

/// How the service stands.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether the database can be read; the reason for the operator when not.
    pub readable: Result<(), String>,
    /// Whether the database can be written; the reason for the operator when not.
    pub writable: Result<(), String>,
    /// Every token of every tenant.
    pub tokens: Vec<TokenHealth>,
}

/// How one setting's token stands.
#[derive(Clone, Debug)]
pub struct TokenHealth {
    /// The tenant.
    pub tenant: TenantId,
    /// The setting.
    pub setting: SettingId,
    /// `tokenName`.
    pub name: Option<String>,
    /// As Apple last showed it.
    pub state: TokenState,
    /// As it stands now.
    pub standing: TokenStanding,
    /// When Apple last said something of it.
    pub checked_at: Option<Timestamp>,
    /// When it ends; none without a token.
    pub expires_at: Option<Timestamp>,
    /// The last sync that came to its end.
    pub last_success: Option<Timestamp>,
    /// Syncs that failed in a row.
    pub failures: i64,
    /// Devices listed and not gone.
    pub devices: i64,
}

/// What a probe of the database found; the reasons are for the operator.
#[derive(Clone, Debug)]
pub struct DatabaseProbe {
    /// Whether it can be read.
    pub readable: Result<(), String>,
    /// Whether it can be written.
    pub writable: Result<(), String>,
}

/// How the database and the tokens stand.
pub struct HealthChecks {
    pub(super) settings: storage::Settings,
    pub(super) deployment: storage::Deployment,
    pub(super) clock: Clock,
}

impl HealthChecks {
    /// Reads and writes one row, within a second.
    pub async fn probe(&self) -> DatabaseProbe {
        let found = self.deployment.probe(self.clock.now()).await;
        let text = |found: Result<(), crate::storage::Error>| found.map_err(|error| error.to_string());
        DatabaseProbe { readable: text(found.readable), writable: text(found.writable) }
    }

    /// How every token of every tenant stands. Asks the database, never Apple.
    pub async fn tokens(&self) -> Result<Vec<TokenHealth>, Error> {
        let now = self.clock.now();
        let tokens = self.settings.health().await?.into_iter().map(|row| TokenHealth {
            standing: row.setting.standing(now),
            checked_at: row.checked_at,
            tenant: row.setting.tenant,
            setting: row.setting.id,
            name: row.setting.token_name,
            state: row.setting.token_state,
            expires_at: row.setting.token_expires_at,
            last_success: row.setting.sync.succeeded_at,
            failures: row.setting.sync.failures,
            devices: row.setting.sync.device_count,
        });
        Ok(tokens.collect())
    }
}
