//! One operation of the API: path, method, permission, handler. All of them are listed in `router`.

use axum::http::{Method, request::Parts};
use futures_util::future::BoxFuture;

use super::{
    error::Error, protocol::Version, request_context::RequestContext, response::GraphResponse, service::Graph,
};
use crate::domain::Permission;

/// One operation of the API.
pub(super) struct Route {
    /// The path below the version, in Graph's casing.
    pub(super) template: &'static str,
    /// The method.
    pub(super) verb: Verb,
    /// The caller needs one of these; a bearer token alone if there are none.
    pub(super) permissions: &'static [Permission],
    /// The name in logs and metrics.
    pub(super) operation: &'static str,
    /// The handler.
    pub(super) action: RouteAction,
}

/// How a route is handled.
#[derive(Clone, Copy)]
pub(super) enum RouteAction {
    /// For an authenticated caller.
    Serve(Handler),
    /// The same for everyone, without a bearer token.
    Public(PublicHandler),
}

/// A method, and whether the last segment is an action or function, whose name may carry namespace and parentheses.
pub(super) struct Verb {
    pub(super) method: Method,
    pub(super) bound: bool,
}

/// What a handler returns.
pub(super) type HandlerResult = Result<GraphResponse, Error>;

/// Handles a request of a caller.
pub(super) type Handler = for<'a> fn(&'a RequestContext<'a>) -> BoxFuture<'a, HandlerResult>;

/// Handles a request without a caller.
pub(super) type PublicHandler = fn(&Graph, Version, &Parts) -> HandlerResult;

/// Any permission that reads a part of device management.
pub(super) const ANY: &[Permission] = &Permission::ALL;
/// Reads what Apple enrollment is made of.
pub(super) const READ: &[Permission] = &[Permission::ServiceConfigRead, Permission::ServiceConfigReadWrite];
/// Reads what Intune keeps beside them.
pub(super) const POLICIES: &[Permission] = &[
    Permission::ServiceConfigRead,
    Permission::ServiceConfigReadWrite,
    Permission::ConfigurationRead,
    Permission::ConfigurationReadWrite,
];
/// Changes it.
pub(super) const WRITE: &[Permission] = &[Permission::ServiceConfigReadWrite];
/// Graph counts the log of device management to its applications.
pub(super) const AUDIT: &[Permission] = &[Permission::AppsRead, Permission::AppsReadWrite];
