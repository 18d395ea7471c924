//! What handlers see of the world: the service, callers' credentials, and the origin of every URL that is written.

use std::{sync::Arc, time::Duration};

use axum::http::Extensions;

use super::request_limits::RequestLimits;
use crate::{app::App, auth::Auth};

/// Called once for every answer, with operation, status and duration. The operation is a fixed word, never a client's
/// text.
pub type RequestObserver = Arc<dyn Fn(&'static str, u16, Duration) + Send + Sync>;

/// Called for every request whose bearer token is good, with what the request carries.
pub type CallerObserver = Arc<dyn Fn(&Extensions) + Send + Sync>;

/// What Graph is made of.
pub struct Graph {
    /// What the service does.
    pub app: Arc<App>,
    /// Which callers may use it.
    pub auth: Arc<Auth>,
    /// The origin that every URL in an answer has, without a slash at its end.
    pub public_url: String,
    /// Whether callers are throttled by Graph's documented figures.
    pub throttled: bool,
    /// How many requests a minute the operator admits.
    pub limits: RequestLimits,
    /// Called once for every answer.
    pub on_request: RequestObserver,
    /// Called for every request whose bearer token is good.
    pub on_caller: CallerObserver,
}
