//! Brings a schema up to date, and gives PostgreSQL the two definitions that make one SQL text possible.

use sqlx::{
    Connection, Executor,
    migrate::{Migration, MigrationType, Migrator},
};

use super::{Db, Schema, Sqlites, pool::State};
use crate::Error;

const POSTGRES_PRELUDE: &str = r#"
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(4711203);
        IF NOT EXISTS (SELECT FROM pg_collation WHERE collname = 'binary') THEN
            CREATE COLLATION "binary" FROM "C";
        END IF;
        -- An earlier one had fewer columns, and those cannot be replaced.
        IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'json_each' AND 'atom' = ANY (proargnames)) THEN
            DROP FUNCTION IF EXISTS json_each(text);
        END IF;
    END $$;
    CREATE OR REPLACE FUNCTION json_each(text) RETURNS TABLE (value jsonb, atom text)
        LANGUAGE sql IMMUTABLE ROWS 1000 AS 'SELECT e, e #>> ''{}'' FROM jsonb_array_elements($1::jsonb) AS e';
"#;

impl Db {
    /// Applies the migrations that are missing. Replicas that start together wait for one another.
    pub async fn migrate(&self, migrations: &[(i64, &'static str, &'static str)]) -> Result<(), Error> {
        let migrator = Migrator::with_migrations(
            migrations
                .iter()
                .map(|(version, name, text)| {
                    let text = sqlx::SqlSafeStr::into_sql_str(*text);
                    Migration::new(*version, (*name).into(), MigrationType::Simple, text, false)
                })
                .collect(),
        );
        match self {
            Self::Sqlite(Sqlites { writer, .. }) => {
                let mut lent = writer.lend().await?;
                let (link, state) = lent.parts()?;
                *state = State::Busy;
                let migrated = migrator.run(&mut link.conn).await;
                *state = if migrated.is_ok() { State::Clean } else { State::Broken };
                migrated
            }
            Self::Postgres(postgres) => {
                if postgres.is_pooled() {
                    return self.is_migrated(migrations).await;
                }
                let mut conn = postgres.maintain().await?;
                conn.execute(sqlx::raw_sql(POSTGRES_PRELUDE)).await?;
                let migrated = migrator.run(&mut conn).await;
                let _ = conn.close().await;
                migrated
            }
        }
        .map_err(|e| match e {
            sqlx::migrate::MigrateError::Execute(e) => Error::from(e),
            other => Error::Migration(other.to_string()),
        })
    }

    /// Locks and prepared statements of a migration need a session, which a pooler gives nobody.
    async fn is_migrated(&self, migrations: &[(i64, &'static str, &'static str)]) -> Result<(), Error> {
        let newest = migrations.iter().map(|(version, ..)| *version).max().unwrap_or_default();
        match self.schema(newest).await? {
            Schema::Current(_) => Ok(()),
            other => Err(Error::Migration(format!(
                "its schema does not fit ({other:?}), and nothing can be migrated through a pooler. Nothing was \
                 changed; run `adept migrate` with PostgreSQL's own URL"
            ))),
        }
    }
}
