//! PostgreSQL: pools of their own, so that requests, bearer checks and the background never take connections from each other, and sessions
//! that the server ends by itself when this process stops answering it.

use std::{fmt::Write as _, str::FromStr, sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};

use super::{
    DatabaseOptions,
    pool::{Link, Pool, State, watched},
    purpose::Purpose,
    write_gate::WriteGate,
};
use crate::Error;

/// How long a statement waits for a row that another transaction holds.
const LOCK: Duration = Duration::from_secs(5);
/// The shortest time after which the server ends a transaction whose client says nothing.
const SHORTEST_IDLE: Duration = Duration::from_secs(5);
/// A migration that says nothing for this long is dead, and others may begin theirs.
const IDLE_MIGRATION: Duration = Duration::from_secs(60);
/// How much longer than the server we wait for its answer.
const GRACE: Duration = Duration::from_secs(1);
/// How long a connection is waited for.
const WAIT: Duration = Duration::from_secs(5);
/// Connections for bearer checks: what they found is remembered for a while.
const CALLERS: u32 = 2;
/// The word in the URL that says that a pooler gives each transaction another session.
const POOLER: &str = "pooler=transaction";

/// How a session is opened and limited.
#[derive(Clone)]
pub struct PostgresOptions {
    connect: PgConnectOptions,
    /// What begins a transaction.
    begin: String,
    /// After this we stop waiting for an answer; none for migrations and ANALYZE.
    pub limit: Option<Duration>,
    /// Whether sessions belong to a pooler in transaction mode.
    pub pooled: bool,
}

/// A connection.
pub struct PostgresLink {
    /// sqlx's.
    pub conn: PgConnection,
    /// How it was opened.
    pub options: Arc<PostgresOptions>,
}

impl PostgresLink {
    /// Begins a transaction, with `setting` for its time.
    pub async fn begin(&mut self, state: &mut State, setting: &str) -> sqlx::Result<()> {
        let begin = sqlx::raw_sql(AssertSqlSafe(format!("{}{setting}", self.options.begin)));
        watched(state, self.options.limit, State::Open, self.conn.execute(begin)).await?;
        Ok(())
    }
}

impl Link for PostgresLink {
    type Options = Arc<PostgresOptions>;

    async fn open(options: &Arc<PostgresOptions>) -> Result<Self, Error> {
        Ok(Self { conn: options.connect.connect().await?, options: Arc::clone(options) })
    }

    async fn answers(&mut self) -> bool {
        self.conn.ping().await.is_ok()
    }

    fn interrupt(&mut self) {}

    async fn recover(mut self, busy: bool) -> Option<Self> {
        // Of a statement under way nobody knows what it did; the server rolls back when the connection ends.
        if busy {
            return None;
        }
        self.conn.execute(sqlx::raw_sql("ROLLBACK")).await.ok().map(|_| self)
    }

    async fn close(self) {
        let _ = self.conn.close().await;
    }
}

/// The pools of one server.
#[derive(Clone)]
pub struct Postgres {
    requests: Pool<PostgresLink>,
    callers: Pool<PostgresLink>,
    background: Pool<PostgresLink>,
    probes: Pool<PostgresLink>,
    /// For what has no limit: migrations, VACUUM and ANALYZE.
    maintenance: Arc<PostgresOptions>,
    /// Whether writes begin.
    pub gate: WriteGate,
}

/// What a session of that purpose is limited to, by the names of PostgreSQL's settings; all in milliseconds but the
/// keepalives, which are in seconds. Source: PostgreSQL 17, chapters 19.3.2 and 19.11.1.
fn settings(statement: Option<Duration>, lease: Duration) -> Vec<(&'static str, u128)> {
    let mut settings = match statement {
        Some(limit) => vec![
            ("statement_timeout", limit.as_millis()),
            ("lock_timeout", LOCK.as_millis()),
            ("idle_in_transaction_session_timeout", lease.max(SHORTEST_IDLE).as_millis()),
        ],
        None => vec![
            ("statement_timeout", 0),
            ("idle_in_transaction_session_timeout", IDLE_MIGRATION.as_millis()),
            ("idle_session_timeout", IDLE_MIGRATION.as_millis()),
        ],
    };
    // Half a lease of silence, then three questions within three eighths of it.
    let seconds = |part: Duration| u128::from(part.as_secs().max(1));
    settings.extend([
        ("tcp_keepalives_idle", seconds(lease / 2)),
        ("tcp_keepalives_interval", seconds(lease / 8)),
        ("tcp_keepalives_count", 3),
        ("tcp_user_timeout", lease.as_millis()),
    ]);
    settings
}

fn options(
    url: &str,
    pooled: bool,
    statement: Option<Duration>,
    lease: Duration,
) -> Result<PostgresOptions, Error> {
    let connect = PgConnectOptions::from_str(url)
        .map_err(|e| Error::Options(format!("the PostgreSQL URL is not readable: {e}")))?
        .application_name("adept");
    let (settings, mut begin) = (settings(statement, lease), "BEGIN".to_owned());
    let limit = statement.map(|limit| limit + GRACE);
    if !pooled {
        return Ok(PostgresOptions { connect: connect.options(settings), begin, limit, pooled });
    }
    // A pooler refuses what it does not know at the start of a session, and forgets what was set for one.
    let connect = connect.extra_float_digits(None).statement_cache_capacity(0);
    for (name, value) in settings.iter().filter(|(name, _)| !name.starts_with("tcp_")) {
        let _ = write!(begin, "; SET LOCAL {name} = {value}");
    }
    Ok(PostgresOptions { connect, begin, limit, pooled })
}

/// The URL without the word that is ours, and whether it was there.
fn without_pooler(url: &str) -> (String, bool) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), false) };
    let rest: Vec<_> = query.split('&').filter(|part| *part != POOLER).collect();
    let pooled = rest.len() < query.split('&').count();
    (if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) }, pooled)
}

impl Postgres {
    /// Opens the pools, with one connection to see that there is a server.
    pub async fn open(database: &DatabaseOptions) -> Result<Self, Error> {
        let (url, pooled) = without_pooler(&database.url);
        let lease = database.lease;
        let of =
            |purpose: Purpose| options(&url, pooled, Some(purpose.statement_limit()), lease).map(Arc::new);
        // One server is shared by all replicas, so requests and the background halve what one of them may have.
        let half = (database.connections / 2).max(1);
        let pool = |purpose, size| Ok::<_, Error>(Pool::new(of(purpose)?, size, WAIT, true));
        let opened = Self {
            requests: pool(Purpose::Request, half)?,
            callers: pool(Purpose::Caller, CALLERS)?,
            background: pool(Purpose::Background, half)?,
            probes: pool(Purpose::Probe, 1)?,
            maintenance: Arc::new(options(&url, pooled, None, lease)?),
            gate: WriteGate::default(),
        };
        drop(opened.background.lend().await?);
        Ok(opened)
    }

    /// The pool of this task's purpose.
    pub fn pool(&self) -> &Pool<PostgresLink> {
        match Purpose::current() {
            Purpose::Request => &self.requests,
            Purpose::Caller => &self.callers,
            Purpose::Background => &self.background,
            Purpose::Probe => &self.probes,
        }
    }

    /// Whether a transaction was made durable within the last `time`.
    pub fn has_committed_within(&self, time: Duration) -> bool {
        [&self.requests, &self.background].iter().any(|pool| pool.has_committed_within(time))
    }

    /// Whether sessions belong to a pooler in transaction mode.
    pub fn is_pooled(&self) -> bool {
        self.maintenance.pooled
    }

    /// A connection of its own without a limit.
    pub async fn maintain(&self) -> Result<PgConnection, Error> {
        Ok(self.maintenance.connect.connect().await?)
    }

    /// Closes every connection.
    pub async fn close(&self) {
        let (requests, callers) = (self.requests.close(), self.callers.close());
        tokio::join!(requests, callers, self.background.close(), self.probes.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_client_is_noticed_within_a_lease() {
        for lease in [10, 30, 600].map(Duration::from_secs) {
            let settings = settings(Some(Duration::from_secs(5)), lease);
            let of = |name: &str| settings.iter().find(|(known, _)| *known == name).unwrap().1;
            let noticed =
                of("tcp_keepalives_idle") + of("tcp_keepalives_count") * of("tcp_keepalives_interval");
            assert!(noticed <= u128::from(lease.as_secs()), "{lease:?}: {noticed}");
            assert_eq!(of("tcp_user_timeout"), lease.as_millis());
            assert_eq!(of("idle_in_transaction_session_timeout"), lease.as_millis());
        }
        let short = settings(Some(Duration::from_secs(5)), Duration::from_secs(1));
        assert!(short.contains(&("idle_in_transaction_session_timeout", 5000)), "{short:?}");
    }

    #[test]
    fn behind_a_pooler_every_transaction_sets_its_own_limits() {
        let (url, pooled) = without_pooler("postgres://a@b/c?sslmode=disable&pooler=transaction");
        assert_eq!((url.as_str(), pooled), ("postgres://a@b/c?sslmode=disable", true));
        assert_eq!(
            without_pooler("postgres://a@b/c?pooler=transaction"),
            ("postgres://a@b/c".to_owned(), true)
        );
        assert!(!without_pooler("postgres://a@b/c?sslmode=disable").1);
        let options = options(&url, true, Some(Duration::from_secs(5)), Duration::from_secs(30)).unwrap();
        assert_eq!(options.connect.get_options(), None);
        assert_eq!(
            options.begin,
            "BEGIN; SET LOCAL statement_timeout = 5000; SET LOCAL lock_timeout = 5000; \
             SET LOCAL idle_in_transaction_session_timeout = 30000"
        );
    }
}
