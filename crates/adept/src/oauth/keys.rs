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
    let keys = async {
        oauth.tenant(&tenant).await?;
        Ok(Json(json!({ "keys": [oauth.auth.public_key().await?] })))
    };
    keys.await.map_err(|refused: OAuthError| error::answer(&oauth, refused, None))
}
