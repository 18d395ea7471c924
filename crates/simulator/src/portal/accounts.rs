//! Revoking Apple accounts, and restoring them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;

use super::{Refused, body};
use crate::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    account: String,
}

pub(super) async fn revoke(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Result<StatusCode, Refused> {
    let Named { account } = body(&bytes)?;
    shared.write().revoke_account(&account)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn restore(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Result<StatusCode, Refused> {
    let Named { account } = body(&bytes)?;
    shared.write().restore_account(&account)?;
    Ok(StatusCode::NO_CONTENT)
}
