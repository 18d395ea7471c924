//! What can go wrong in the database, by who can do something about it.

/// An error of the storage. The texts are for the log; callers get a sentence of their own.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is read-only, full, busy or gone. Nothing was changed.
    #[error("the database cannot be used now: {0}")]
    Unavailable(String),
    /// A statement ran longer than it may, and was ended. Nothing was changed.
    #[error("a statement ran longer than it may: {0}")]
    OutOfTime(String),
    /// The same of a list's or a count's query, which its caller made so slow.
    #[error("the query ran longer than it may: {0}")]
    SlowQuery(String),
    /// No connection was free in time, since the tenant's own requests hold its share of them. Nothing was changed.
    #[error("the tenant's own requests hold its share of the connections")]
    ShareTaken,
    /// The database did not confirm a commit: whether anything was changed is not known.
    #[error("the database did not confirm the commit: {0}")]
    CommitUnknown(String),
    /// A unique key is taken. Nothing was changed.
    #[error("a unique key is taken: {0}")]
    Taken(String),
    /// A stored value is not what was written, or the schema is not ours.
    #[error("the database holds something unexpected: {0}")]
    Corrupt(String),
    /// A sealed value does not open with the sealing key that was given.
    #[error("a sealed value does not open: {0}")]
    Unsealable(String),
    /// The migrations do not fit the database.
    #[error("the database cannot be migrated: {0}")]
    Migration(String),
    /// A position to go on from was not made by this kind of list.
    #[error("the position does not belong to this list")]
    Position,
    /// The database cannot be opened as asked.
    #[error("{0}")]
    Options(String),
}
