//! The schema's steps, and whether this program and the database fit each other.
//!
//! Each step states the oldest schema version whose programs may still write once it is applied; the database keeps that
//! number, so that a program which knows nothing of the step can obey it.

use super::{
    Error,
    db::{Db, sql},
};

/// A step of the schema.
pub(super) struct Step {
    pub(super) version: i64,
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// The oldest schema version whose programs may still write.
    pub(super) oldest_writer: i64,
}

/// The steps, in order; each ran once on each database.
pub(super) const STEPS: &[Step] = &[Step {
    version: 1,
    name: "initial",
    text: include_str!("../migrations/0001_initial.sql"),
    oldest_writer: 1,
}];

/// The newest schema version that this program knows.
pub(super) const fn newest() -> i64 {
    STEPS[STEPS.len() - 1].version
}

/// How the database's schema stands to the newest one that a program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// It is older, or missing: steps are to be applied.
    Older,
    /// It is the same.
    Equal,
    /// A newer program applied steps that this one does not know.
    Newer,
    /// A step was begun and not ended.
    Unfinished,
}

/// The schema of a database beside the newest one that this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaStatus {
    /// The version that the database has; 0 when it has none.
    pub found: i64,
    /// The newest version that this program knows.
    pub newest: i64,
    /// The oldest version whose programs may still write.
    pub oldest_writer: i64,
    /// A step that was begun and not ended.
    pub unfinished: Option<i64>,
}

impl SchemaStatus {
    /// How the two stand to each other.
    pub fn state(&self) -> SchemaState {
        if self.unfinished.is_some() {
            return SchemaState::Unfinished;
        }
        match self.found.cmp(&self.newest) {
            std::cmp::Ordering::Less => SchemaState::Older,
            std::cmp::Ordering::Equal => SchemaState::Equal,
            std::cmp::Ordering::Greater => SchemaState::Newer,
        }
    }

    /// Whether this program may write.
    pub fn may_write(&self) -> bool {
        self.oldest_writer <= self.newest
    }

    /// One sentence for people.
    pub fn sentence(&self) -> String {
        let Self { found, newest, oldest_writer, unfinished } = self;
        match self.state() {
            SchemaState::Unfinished => format!(
                "Its migration {} stopped half way; restore the backup made before it, and migrate again.",
                unfinished.unwrap_or_default()
            ),
            SchemaState::Older if *found == 0 => {
                "It has no schema yet; `adept migrate` or `adept serve` applies it.".to_owned()
            }
            SchemaState::Older => format!(
                "Its schema is version {found}, half-migrated for this program, whose version is {newest}; \
                 `adept migrate` or `adept serve` applies what is missing."
            ),
            SchemaState::Equal => format!("Its schema is version {found}, the newest one."),
            SchemaState::Newer if self.may_write() => format!(
                "Its schema is version {found}, newer than this program's {newest}; programs from version \
                 {oldest_writer} on may use it."
            ),
            SchemaState::Newer => format!(
                "Its schema is version {found}, and only programs from schema version {oldest_writer} on may use it; \
                 this one knows {newest}. Nothing was changed; start the newer version of Adept."
            ),
        }
    }
}

const UNRELEASED: &str = "it was made by an unreleased version of Adept, whose data is not taken over. Nothing was \
    changed; start with an empty data folder or database and upload each token again";

/// The oldest schema version whose programs may still write.
pub(super) async fn oldest_writer(db: &Db) -> Result<i64, Error> {
    let select = sql("SELECT MAX(oldest_writer) AS total FROM schema_compatibility").by_key();
    Ok(db.first(select, |row| row.get("total")).await?.flatten().unwrap_or(0))
}

/// The schema of a database; [`Error::Migration`] when an unreleased version made it.
pub(super) async fn status(db: &Db) -> Result<SchemaStatus, Error> {
    let mut status = SchemaStatus { found: 0, newest: newest(), oldest_writer: 0, unfinished: None };
    if db.has_table("onboarding_settings").await? {
        return Err(Error::Migration(UNRELEASED.to_owned()));
    }
    if !db.has_table("_sqlx_migrations").await? {
        return Ok(status);
    }
    let begun = sql("SELECT MIN(version) AS version FROM _sqlx_migrations WHERE NOT success");
    status.unfinished = db.first(begun, |row| row.get("version")).await?.flatten();
    let applied =
        db.rows(sql("SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version")).await?;
    let (Some(first), Some(last)) = (applied.first(), applied.last()) else { return Ok(status) };
    if first.get::<Vec<u8>>("checksum")? != Db::checksum(&STEPS[0]) {
        return Err(Error::Migration(UNRELEASED.to_owned()));
    }
    status.found = last.get("version")?;
    status.oldest_writer = oldest_writer(db).await?;
    Ok(status)
}

/// Applies the missing steps. Refused, and nothing changed, when this program is too old for the database, or when an
/// unreleased version made it.
pub(super) async fn apply(db: &Db) -> Result<(), Error> {
    let before = status(db).await?;
    allowed(&before)?;
    db.migrate(STEPS, before.found).await?;
    // A newer program may have been quicker.
    allowed(&status(db).await?)
}

/// Applies the missing steps to a database that can be written; one that can only be read must have them.
pub(super) async fn migrate(db: &Db) -> Result<(), Error> {
    match apply(db).await {
        Err(Error::Unavailable(cause)) => match check(db).await {
            Err(Error::Migration(missing)) => {
                Err(Error::Migration(format!("{missing} It cannot be written now: {cause}")))
            }
            checked => checked,
        },
        applied => applied,
    }
}

/// Whether the database can be read by this program as it is.
pub(super) async fn check(db: &Db) -> Result<(), Error> {
    let status = status(db).await?;
    match status.state() {
        SchemaState::Older | SchemaState::Unfinished => Err(Error::Migration(status.sentence())),
        SchemaState::Equal | SchemaState::Newer => allowed(&status),
    }
}

fn allowed(status: &SchemaStatus) -> Result<(), Error> {
    if status.may_write() { Ok(()) } else { Err(Error::Migration(status.sentence())) }
}
