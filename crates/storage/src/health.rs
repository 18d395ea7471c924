//! What metrics, health checks and the doctor need to know of the database and of every token, all tenants at once.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Deployment, Error, Settings,
    db::{Db, Purpose, sql_of_parts},
    deployment::{keep_value, value_of},
    schema::{self, SchemaStatus},
    settings,
};
use adept_domain::Setting;

/// How long the database may take to answer a probe.
const PROBE: Duration = Duration::from_secs(1);
/// The row of `deployment` that probes write.
const ROW: &str = "probe";

/// A setting as seen by metrics, health checks and the expiry log.
#[derive(Clone, Debug)]
pub struct SettingHealth {
    /// The setting.
    pub setting: Setting,
    /// When Apple last said something about its token.
    pub checked_at: Option<Timestamp>,
}

/// What a probe found.
#[derive(Debug)]
pub struct Probed {
    /// Whether it can be read.
    pub readable: Result<(), Error>,
    /// Whether it can be written.
    pub writable: Result<(), Error>,
}

impl Deployment {
    /// Reads and writes one row. The answer comes within a second, also when the database never answers. What is written is
    /// `mark`, which must differ each time: SQLite writes nothing to its file where nothing changes.
    pub async fn probe(&self, mark: Timestamp) -> Probed {
        let silent = || Error::Unavailable(format!("it did not answer within {} s", PROBE.as_secs()));
        let mut readable = Err(silent());
        let both = async {
            readable = self.db.row(value_of(ROW)).await.map(drop);
            match &readable {
                Ok(()) => self.db.write(keep_value(ROW, &mark.to_string())).await.map(drop),
                Err(cause) => Err(Error::Unavailable(cause.to_string())),
            }
        };
        let writable = Purpose::Probe.scope(tokio::time::timeout(PROBE, both)).await;
        let writable = match writable {
            Ok(written) => written,
            // It waited behind others' writes, and those work.
            Err(_) if readable.is_ok() && self.db.has_committed_within(PROBE) => Ok(()),
            Err(_) => Err(silent()),
        };
        Probed { readable, writable }
    }

    /// The database server's clock; none for SQLite, whose clock is ours.
    pub async fn database_clock(&self) -> Result<Option<Timestamp>, Error> {
        self.db.clock().await
    }

    /// The schema that the database has, beside the newest one that this program knows.
    pub async fn schema_status(&self) -> Result<SchemaStatus, Error> {
        schema::status(&self.db).await
    }

    /// Whether this program may write: false once a newer one made the schema such that programs of this version would
    /// damage it. What this finds holds for every write of this process until it is asked again.
    pub async fn may_write(&self) -> Result<bool, Error> {
        let may_write = schema::oldest_writer(&self.db).await? <= schema::newest();
        self.db.refuse_writes(!may_write);
        Ok(may_write)
    }
}

impl Settings {
    /// Every visible setting of every tenant, those apart that never have a token.
    pub async fn health(&self) -> Result<Vec<SettingHealth>, Error> {
        visible_settings(&self.db).await
    }
}

pub(super) async fn visible_settings(db: &Db) -> Result<Vec<SettingHealth>, Error> {
    let select = sql_of_parts(format!(
        "SELECT {}, token_checked_at FROM setting_overview WHERE deleted_at IS NULL \
         AND token_type <> 'none' ORDER BY tenant, id",
        settings::COLUMNS
    ));
    db.all(select, |row| {
        Ok(SettingHealth { setting: settings::setting(row)?, checked_at: row.get("token_checked_at")? })
    })
    .await
}
