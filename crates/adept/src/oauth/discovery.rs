//! `GET /{tenant}/v2.0/.well-known/openid-configuration`: where a tenant's token endpoint and keys are.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use serde_json::{Value, json};

use super::{OAuth, error};

pub(super) async fn discovery(
    State(oauth): State<OAuth>,
    Path(tenant): Path<String>,
) -> Result<Json<Value>, Response> {
    let tenant = oauth.tenant(&tenant).await.map_err(|refused| error::answer(&oauth, refused, None))?;
    let url = oauth.auth.public_url();
    Ok(Json(json!({
        "issuer": url.issuer(tenant),
        "authorization_endpoint": format!("{url}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{url}/{tenant}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{url}/{tenant}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{url}/{tenant}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": [".default"],
        "claims_supported":
            ["aud", "iss", "iat", "nbf", "exp", "appid", "azp", "app_displayname", "oid", "sub", "tid", "roles", "ver"],
    })))
}
