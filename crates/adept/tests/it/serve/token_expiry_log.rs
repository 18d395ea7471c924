//! Which tokens get a line in the daily log.

use adept::{
    app::TokenHealth,
    domain::{SettingId, TenantId, TokenStanding, TokenState},
    serve::token_expiry_log::ending,
};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::support::database::noon;

#[test]
fn tokens_that_end_within_sixty_days_or_have_ended_soonest_first() {
    let token = |hours: Option<i64>| TokenHealth {
        tenant: TenantId(Uuid::from_u128(1)),
        setting: SettingId(Uuid::from_u128(2)),
        name: None,
        state: TokenState::Ok,
        standing: TokenStanding::State(TokenState::Ok),
        checked_at: None,
        expires_at: hours.map(|hours| noon() + SignedDuration::from_hours(hours)),
        last_success: None,
        failures: 0,
        devices: 0,
    };
    let tokens = [Some(60 * 24), Some(60 * 24 + 1), Some(1), None, Some(-1), Some(36)].map(token).to_vec();
    let days: Vec<_> = ending(&tokens, noon()).iter().map(|ending| ending.days_left).collect();
    assert_eq!(days, [-1, 0, 1, 60]);
}
