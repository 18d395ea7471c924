//! `GET /os-beta-enrollment/tokens`: what devices enroll into beta programmes with.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::problem::Problem;
use crate::world::{BetaTokensKey, Organization, World};

/// Titles and `os` of the programmes. A token follows from the organization.
const PROGRAMMES: [(&str, &str); 6] = [
    ("HomePod software beta", "homePodOS"),
    ("iOS beta", "iOS"),
    ("macOS beta", "OSX"),
    ("tvOS beta", "tvOS"),
    ("visionOS beta", "visionOS"),
    ("watchOS beta", "watchOS"),
];

pub(super) fn list(world: &World, organization: &Organization) -> Result<Vec<u8>, Problem> {
    if !organization.beta_access {
        let reason = "The organization has no access to beta software.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "APPLE_SEED_FOR_IT_TURNED_OFF", reason));
    }
    let token = |(title, os): &(&str, &str)| {
        let token = super::account::hash(&format!("{}:{os}", organization.org_id)).to_uppercase();
        json!({ "title": title, "os": os, "token": token })
    };
    let tokens: Value = PROGRAMMES.iter().map(token).collect();
    let answer = match world.switches.beta_tokens_key {
        BetaTokensKey::BetaEnrollmentTokens => json!({ "betaEnrollmentTokens": tokens }),
        BetaTokensKey::SeedBuildTokens => json!({ "seedBuildTokens": tokens }),
        BetaTokensKey::Both => json!({ "betaEnrollmentTokens": tokens, "seedBuildTokens": tokens }),
    };
    Ok(answer.to_string().into_bytes())
}
