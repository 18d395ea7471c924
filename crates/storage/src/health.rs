//! What watches over the service needs to know of every token, all tenants at once.

use jiff::Timestamp;

use super::{Error, Storage, db::sql_of_parts, settings};
use adept_domain::Setting;

/// A setting as seen by metrics, health checks and the expiry log.
#[derive(Clone, Debug)]
pub struct SettingHealth {
    /// The setting.
    pub setting: Setting,
    /// When Apple last said something about its token.
    pub checked_at: Option<Timestamp>,
}

impl Storage {
    /// Every visible setting of every tenant, those apart that never have a token.
    pub async fn health(&self) -> Result<Vec<SettingHealth>, Error> {
        let rows = self
            .db
            .rows(sql_of_parts(format!(
                "SELECT {}, token_checked_at FROM setting_overview WHERE deleted_at IS NULL \
                 AND token_type <> 'none' ORDER BY tenant, id",
                settings::COLUMNS
            )))
            .await?;
        rows.iter()
            .map(|row| {
                Ok(SettingHealth {
                    setting: settings::setting(row)?,
                    checked_at: row.time("token_checked_at")?,
                })
            })
            .collect()
    }
}
