//! A line in the log per server token that ends within 60 days: at start, then daily by the application's clock.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Clock, TokenHealth},
    domain::TokenStanding,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How often the clock is read.
const LOOK: Duration = Duration::from_secs(15 * 60);

/// A token that ends soon, or has ended.
#[derive(Debug)]
pub struct Ending<'a> {
    /// Whole days left; negative when it has ended.
    pub days_left: i64,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub token: &'a TokenHealth,
}

/// The tokens that end within 60 days of `now` or have ended, soonest first.
pub fn ending(tokens: &[TokenHealth], now: Timestamp) -> Vec<Ending<'_>> {
    let mut ending: Vec<_> = tokens
        .iter()
        .filter_map(|token| {
            let expires_at = token.expires_at?;
            let left = expires_at.duration_since(now);
            let days_left = left.as_secs().div_euclid(DAY.as_secs());
            (left <= TokenStanding::SOON).then_some(Ending { days_left, expires_at, token })
        })
        .collect();
    ending.sort_by_key(|ending| ending.expires_at);
    ending
}

/// Writes the lines now and every day until `shutdown`.
pub async fn run(app: Arc<App>, clock: Clock, shutdown: CancellationToken) {
    let mut written_at: Option<Timestamp> = None;
    loop {
        let now = clock.now();
        if written_at.is_none_or(|then| now.duration_since(then) >= DAY) {
            let tokens = tokio::select! {
                tokens = app.health.tokens() => tokens,
                () = shutdown.cancelled() => return,
            };
            match tokens {
                Ok(tokens) => {
                    write(&tokens, now);
                    written_at = Some(now);
                }
                Err(error) => tracing::warn!(cause = error.cause(), "the tokens cannot be read now: {error}"),
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn write(tokens: &[TokenHealth], now: Timestamp) {
    for Ending { days_left, expires_at, token } in ending(tokens, now) {
        let (tenant, setting, name) =
            (token.tenant, token.setting, token.name.as_deref().unwrap_or_default());
        let means = token.standing.sentence();
        if days_left < 0 {
            tracing::error!(%tenant, %setting, name, %expires_at, "{means}");
        } else {
            tracing::warn!(%tenant, %setting, name, %expires_at, days_left, "{means}");
        }
    }
}
