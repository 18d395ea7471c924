//! Brings a schema up to date, and gives PostgreSQL the definitions that make one SQL text possible.

use std::collections::HashMap;

use sqlx::{
    AssertSqlSafe, Connection, Executor,
    migrate::{Migration, MigrationType, Migrator},
};

use super::{Db, sql};
use crate::{Error, schema::Step};

const POSTGRES_PRELUDE: &str = r#"
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(4711203);
        IF NOT EXISTS (SELECT FROM pg_collation WHERE collname = 'binary') THEN
            CREATE COLLATION "binary" FROM "C";
        END IF;
    END $$;
    CREATE OR REPLACE FUNCTION json_each(text) RETURNS TABLE (value jsonb, atom text)
        LANGUAGE sql IMMUTABLE ROWS 1000 AS 'SELECT e, e #>> ''{}'' FROM jsonb_array_elements($1::jsonb) AS e';
    CREATE OR REPLACE FUNCTION hex(bytea) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT upper(encode($1, ''hex''))';
    CREATE OR REPLACE FUNCTION unhex(text) RETURNS bytea
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT decode($1, ''hex'')';
    CREATE OR REPLACE FUNCTION instr(text, text) RETURNS integer
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT strpos($1, $2)';
    CREATE OR REPLACE FUNCTION strftime(text, bigint, text) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
            SELECT CASE $1
                -- The year before the first is -1 here and 0 elsewhere.
                WHEN '%Y' THEN (extract(year FROM at) + (extract(year FROM at) < 0)::integer)::text
                WHEN '%m' THEN to_char(at, 'MM')
                WHEN '%d' THEN to_char(at, 'DD')
                WHEN '%H' THEN to_char(at, 'HH24')
                WHEN '%M' THEN to_char(at, 'MI')
                ELSE to_char(at, 'SS') END
            FROM (SELECT 'epoch'::timestamp + make_interval(secs => $2) AS at) AS named $$;
"#;

/// sqlx's own table of what was applied.
const SQLITE_TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (\
    version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, \
    success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";

/// What a step says of older programs is stored in its transaction.
fn text_of(Step { text, oldest_writer, .. }: &Step) -> String {
    format!("{text}\nUPDATE schema_compatibility SET oldest_writer = {oldest_writer};\n")
}

/// A step as it is applied.
fn migration(step: &Step) -> Migration {
    let Step { version, name, .. } = step;
    let text = sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(text_of(step)));
    Migration::new(*version, (*name).into(), MigrationType::Simple, text, false)
}

impl Db {
    /// Applies the migrations that are missing behind version `found`. Replicas that start together wait for one another.
    pub async fn migrate(&self, steps: &[Step], found: i64) -> Result<(), Error> {
        let mut migrator = Migrator::with_migrations(steps.iter().map(migration).collect());
        // Those of a newer program; whether this one may go on is asked apart.
        migrator.set_ignore_missing(true);
        match self {
            Self::Sqlite(_) => return self.migrate_sqlite(steps).await,
            Self::Postgres(postgres) => {
                // Locks and prepared statements of a migration need a session, which a pooler gives nobody.
                let newest = steps.last().map_or(0, |step| step.version);
                if postgres.is_pooled() && found >= newest {
                    return Ok(());
                } else if postgres.is_pooled() {
                    return Err(Error::Migration(format!(
                        "its schema is version {found} and this program's {newest}, and nothing can be migrated through a \
                         pooler. Nothing was changed; run `adept migrate` with PostgreSQL's own URL"
                    )));
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

    /// The same for SQLite, which sqlx does not know here, in the table that sqlx would use: all missing steps in one
    /// transaction.
    async fn migrate_sqlite(&self, steps: &[Step]) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute_any(sql(SQLITE_TABLE)).await?;
        let applied = tx.rows(sql("SELECT version, success, checksum FROM _sqlx_migrations")).await?;
        let mut found = HashMap::new();
        for row in &applied {
            let version: i64 = row.get("version")?;
            if !row.get::<bool>("success")? {
                return Err(Error::Migration(format!("migration {version} stopped half way")));
            }
            found.insert(version, row.get::<Vec<u8>>("checksum")?);
        }
        for step in steps {
            let checksum = Self::checksum(step);
            match found.get(&step.version) {
                Some(known) if *known == checksum => continue,
                Some(_) => {
                    let text = format!("migration {} was applied, but was another one then", step.version);
                    return Err(Error::Migration(text));
                }
                None => {}
            }
            tx.execute_script(text_of(step)).await?;
            let note = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                        VALUES ($1, $2, TRUE, $3, -1)";
            let note = sql(note).bind((step.version, step.name, checksum));
            tx.execute_one("noting a migration", note).await?;
        }
        tx.commit().await
    }

    /// What the database keeps of a step that was applied to it, to tell it from another of the same number.
    pub fn checksum(step: &Step) -> Vec<u8> {
        migration(step).checksum.into_owned()
    }

    /// Whether there is a table of that name.
    pub async fn has_table(&self, name: &'static str) -> Result<bool, Error> {
        let found = match self {
            Self::Sqlite { .. } => {
                sql("SELECT 1 AS one FROM sqlite_master WHERE type = 'table' AND name = $1")
            }
            Self::Postgres(_) => sql("SELECT 1 AS one WHERE to_regclass($1) IS NOT NULL"),
        };
        Ok(self.row(found.bind(name)).await?.is_some())
    }
}
