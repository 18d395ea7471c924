//! The claims of a bearer token, in the shape of Microsoft Entra's: what the issuer signs and what a verifier reads.

use serde::{Deserialize, Serialize};

use crate::domain::{CallerKind, ClientId, Permission, Permissions, TenantId};

/// How long a token is valid, in seconds. Source: Entra answers 3599 or 3600.
pub const LIFETIME_SECONDS: i64 = 3599;

/// How far another machine's clock may be off when `exp` and `nbf` are checked, in seconds.
pub(super) const SKEW_SECONDS: i64 = 300;

/// What the built-in issuer signs for an application.
#[derive(Serialize)]
pub(super) struct ApplicationClaims<'a> {
    pub(super) aud: &'a str,
    pub(super) iss: String,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) app_displayname: &'a str,
    pub(super) appid: String,
    pub(super) azp: String,
    pub(super) idtyp: &'static str,
    pub(super) oid: String,
    pub(super) roles: Vec<&'static str>,
    pub(super) sub: String,
    pub(super) tid: String,
    pub(super) uti: String,
    pub(super) ver: &'static str,
}

/// What is read from a token whose signature is good. Every claim may be missing.
#[derive(Deserialize)]
pub(super) struct PresentedClaims {
    pub(super) aud: Option<OneOrMany>,
    pub(super) iss: Option<String>,
    pub(super) exp: Option<i64>,
    pub(super) nbf: Option<i64>,
    pub(super) tid: Option<String>,
    appid: Option<String>,
    azp: Option<String>,
    pub(super) app_displayname: Option<String>,
    oid: Option<String>,
    sub: Option<String>,
    upn: Option<String>,
    preferred_username: Option<String>,
    scp: Option<String>,
    roles: Option<Vec<String>>,
}

/// `aud` may be one text or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

impl PresentedClaims {
    /// The tenant; none when `tid` is missing or no GUID.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        self.tid.as_deref()?.parse().ok()
    }

    /// The calling application (`appid` of v1 tokens, `azp` of v2 tokens); none when missing or no GUID.
    pub(super) fn client(&self) -> Option<ClientId> {
        self.appid.as_deref().or(self.azp.as_deref())?.parse().ok()
    }

    /// Who calls and what the token allows. Where both are there, `scp` decides over `roles`. None when a person's
    /// token does not name the person.
    pub(super) fn kind_and_permissions(&self) -> Option<(CallerKind, Permissions)> {
        let known = |name: &str| Permission::from_word(name);
        if let Some(scopes) = &self.scp {
            let user_id = self.oid.clone().or_else(|| self.sub.clone())?;
            let principal_name = self.upn.clone().or_else(|| self.preferred_username.clone());
            let granted = scopes.split_whitespace().filter_map(known).collect();
            return Some((CallerKind::User { user_id, principal_name }, granted));
        }
        let roles = self.roles.as_deref().unwrap_or_default();
        let granted = roles.iter().filter_map(|role| known(role)).collect();
        Some((CallerKind::Application, granted))
    }
}
