//! `GET /{tenant}/discovery/v2.0/keys`: the public key that a tenant's tokens are signed with.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use serde_json::{Value, json};

use super::{OAuth, error, error::OAuthError};

pub(super) async fn keys(
    State(oauth): State<OAuth>,
    Path(tenant): Path<String>,
) -> Result<Json<Value>, Response> {
    let answer = |refused| error::answer(&oauth, refused, None);
    let tenant = oauth.tenant(&tenant).await.map_err(answer)?;
    let key =
        oauth.auth.public_key().await.map_err(|refused| answer(OAuthError::refused(refused, tenant)))?;
    Ok(Json(json!({ "keys": [key] })))
}
