//! Uploading the certificate that tokens are sealed to.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;

use super::Refused;
use crate::Shared;
use crate::p7m::Certificate;

pub(super) async fn upload(
    State(shared): State<Arc<Shared>>,
    Path(uuid): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, Refused> {
    shared.read().server_position(&uuid)?;
    let certificate = Certificate::read(&bytes, shared.clock.now())
        .map_err(|error| Refused::invalid(format!("{error} The server keeps what it had.")))?;
    shared.write().set_certificate(&uuid, certificate)?;
    Ok(StatusCode::NO_CONTENT)
}
