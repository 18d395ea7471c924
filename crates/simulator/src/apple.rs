//! Apple's paths: which there are, in which order a call is judged, and how the judgement becomes an answer.
//! The portal side and the state itself are elsewhere.

mod account;
mod account_driven;
mod activation_lock;
mod beta_tokens;
mod body;
mod device_json;
mod devices;
mod devices_sync;
mod disown;
mod endpoint;
mod faulty;
mod headers;
mod oauth;
mod problem;
mod profile;
mod profile_check;
mod profile_devices;
mod replacement_details;
mod serials;
mod server_devices;
mod session;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::header::{CONTENT_TYPE, DATE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};

use crate::Shared;
use crate::connection::Peer;
use crate::faults::{Plan, When};
use crate::requests;
use crate::upload::{self, Unread};
use crate::world::{ErrorBodies, World};

pub(crate) use device_json::whole as whole_device;
use endpoint::Endpoint;
pub(crate) use oauth::base_url;
use problem::Problem;

/// The content type of everything that is not an error.
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF8");
/// Carries session tokens, both ways.
const SESSION: HeaderName = HeaderName::from_static("x-adm-auth-session");
/// Ours, not Apple's: why a call was refused, in a sentence.
const REASON: HeaderName = HeaderName::from_static("x-sim-reason");
/// The largest body that is read.
const LARGEST: usize = 8 << 20;

/// One call.
struct ApiCall {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

/// What becomes of a call.
enum Fate {
    /// It gets what it deserves.
    Judged(Outcome),
    /// A fault rule has another answer.
    Instead(Response),
    /// A fault rule cuts the connection. What the call deserved is known when it took effect all the same.
    Cut(Option<Outcome>),
}

/// What a call deserves.
struct Outcome {
    result: Result<Vec<u8>, Problem>,
    server: Option<Arc<str>>,
    /// A new session token to send along.
    rotated: Option<String>,
}

impl From<Result<Vec<u8>, Problem>> for Outcome {
    fn from(result: Result<Vec<u8>, Problem>) -> Outcome {
        Outcome { result, server: None, rotated: None }
    }
}

/// Answers a call to any path that is not the portal's.
pub(crate) async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match upload::read(body, LARGEST).await {
        Err(Unread::Broken) => return cut(),
        read => read.ok(),
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let path = parts.uri.path().to_owned();
    let (fits, body) = (body.is_some(), body.unwrap_or_default());
    let call = ApiCall { method: parts.method, path, query, headers: parts.headers, body };

    // A call takes effect though its client gives up while it is held: this future would be dropped then.
    let Ok(Some(taken)) = tokio::spawn(take(shared.clone(), call, fits)).await else { return cut() };
    let Taken { fate, plan, now, delay, bodies, ahead } = taken;
    if !faulty::hold(&shared, &plan, When::After).await || (delay > 0 && !shared.wait(delay).await) {
        return cut();
    }
    let mut response = match fate {
        Fate::Judged(outcome) => from_outcome(outcome, bodies),
        Fate::Instead(response) => response,
        Fate::Cut(_) => return faulty::disconnect(&plan, &peer),
    };
    let dated = now.checked_add(SignedDuration::from_secs(ahead)).unwrap_or(now);
    response.headers_mut().insert(DATE, headers::http_date(dated));
    faulty::send(shared, &plan, response, now).await
}

/// A call that took effect and is written down, and what its answer needs.
struct Taken {
    fate: Fate,
    plan: Plan,
    now: Timestamp,
    /// Milliseconds that the answer waits.
    delay: u64,
    bodies: ErrorBodies,
    /// Seconds that its date is off.
    ahead: i64,
}

/// Holds a call if a rule says so, decides what becomes of it, and writes it down. One whose body did not fit is shown
/// to no rule. `None` when the simulator stopped meanwhile.
async fn take(shared: Arc<Shared>, call: ApiCall, fits: bool) -> Option<Taken> {
    let plan = if fits { faulty::plan(&shared, &call) } else { Plan::default() };
    if !faulty::hold(&shared, &plan, When::Before).await {
        return None;
    }
    let now = shared.clock.now();
    let fate = faulty::fate(&shared, &call, &plan, now, || match fits {
        true => judge(&shared, &call, now),
        false => Outcome::from(Err(Problem::too_large(LARGEST))),
    });
    let mut world = shared.write();
    let record = record(&world, &call, &fate, &plan, now);
    world.requests.record(record);
    let delay = world.delays.on(&call.path).saturating_add(faulty::delay(&plan));
    let (bodies, ahead) = (world.switches.error_bodies, world.switches.date_skew_seconds);
    drop(world);
    Some(Taken { fate, plan, now, delay, bodies, ahead })
}

/// Judges a call: path, method, user agent, session, terms, and then what the endpoint itself demands.
fn judge(shared: &Shared, call: &ApiCall, now: Timestamp) -> Outcome {
    let Some(endpoint) = Endpoint::ALL.into_iter().find(|endpoint| endpoint.path() == call.path) else {
        return Outcome::from(Err(Problem::unknown_path()));
    };
    shared.settle(now);
    let methods = endpoint.methods(&shared.read().switches);
    if !methods.contains(&call.method) {
        return Outcome::from(Err(Problem::wrong_method(methods)));
    }
    if let Err(problem) = headers::user_agent(&shared.read().switches, endpoint, &call.headers) {
        return Outcome::from(Err(problem));
    }
    if shared.read().switches.call_throttle_count > 0
        && let Err(problem) = headers::throttle(&mut shared.write(), call, now)
    {
        return Outcome::from(Err(problem));
    }
    if endpoint == Endpoint::Session {
        return session::open(&mut shared.write(), &shared.signed_urls, call, now);
    }
    let admitted = match headers::admit(&mut shared.write(), &call.headers, now) {
        Ok(admitted) => admitted,
        Err(problem) => return Outcome::from(Err(problem)),
    };
    let scripted = endpoint == Endpoint::Devices && !shared.read().scripted.is_empty();
    let result = if scripted || endpoint.changes_something(&call.method) {
        act(&mut shared.write(), endpoint, admitted.server, call, now)
    } else {
        look(&shared.read(), endpoint, admitted.server, call, now)
    };
    let world = shared.read();
    let server = world.server_and_organization(admitted.server).map(|(server, _)| server.uuid.clone());
    Outcome { result, server, rotated: admitted.rotated }
}

/// Serves a call that has a good session and may change something.
fn act(
    world: &mut World,
    endpoint: Endpoint,
    server: usize,
    call: &ApiCall,
    now: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let (_, organization) = world.server_and_organization(server).ok_or_else(Problem::unknown_session)?;
    if !organization.terms_accepted {
        return Err(Problem::terms());
    }
    let version = headers::protocol_version(&call.headers);
    let body = &call.body;
    match endpoint {
        Endpoint::Devices => devices::scripted_details(world, server, version, body),
        Endpoint::Disown => disown::disown(world, server, body, now),
        Endpoint::ActivationLock => activation_lock::lock(world, server, body),
        Endpoint::Profile => profile::define(world, server, version, body, now),
        Endpoint::ProfileDevices if call.method == Method::DELETE => {
            profile_devices::remove(world, server, body, now)
        }
        Endpoint::ProfileDevices => profile_devices::assign(world, server, version, body, now),
        Endpoint::AccountDriven if call.method == Method::DELETE => account_driven::delete(world, server),
        Endpoint::AccountDriven => account_driven::set(world, server, body, now),
        _ => look(world, endpoint, server, call, now),
    }
}

/// Serves a call that has a good session and changes nothing.
fn look(
    world: &World,
    endpoint: Endpoint,
    server: usize,
    call: &ApiCall,
    now: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let (known, organization) = world.server_and_organization(server).ok_or_else(Problem::unknown_session)?;
    if !organization.terms_accepted {
        return Err(Problem::terms());
    }
    let version = headers::protocol_version(&call.headers);
    match endpoint {
        Endpoint::Session => Err(Problem::unknown_path()),
        Endpoint::Account => account::show(world, known, organization, version),
        Endpoint::ServerDevices => server_devices::page(world, server, version, &call.body, now),
        Endpoint::DevicesSync => devices_sync::page(world, server, version, &call.body, now),
        Endpoint::Devices => devices::details(world, server, version, &call.body),
        Endpoint::ReplacementDetails => replacement_details::show(world, server, version, &call.query),
        Endpoint::Profile => profile::show(world, server, version, &call.query),
        Endpoint::AccountDriven => account_driven::show(world, server),
        Endpoint::BetaTokens => beta_tokens::list(world, organization),
        Endpoint::Disown | Endpoint::ActivationLock | Endpoint::ProfileDevices => {
            Err(Problem::unknown_path())
        }
    }
}

/// A parameter of a query that is present and not empty.
fn query(query: &str, name: &str) -> Option<String> {
    let uri = Uri::try_from(format!("/?{query}")).ok()?;
    let Query(all) = Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()?;
    all.into_iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value)
}

fn record(world: &World, call: &ApiCall, fate: &Fate, plan: &Plan, now: Timestamp) -> requests::Request {
    let text = |name: HeaderName| call.headers.get(name).and_then(|value| value.to_str().ok());
    let outcome = match fate {
        Fate::Judged(outcome) | Fate::Cut(Some(outcome)) => Some(outcome),
        Fate::Instead(_) | Fate::Cut(None) => None,
    };
    // Of a call that was not judged to the end, what it carries says whose it is.
    let server = outcome.and_then(|outcome| outcome.server.clone()).or_else(|| {
        let position = headers::whose(world, call)?;
        world.servers().get(position).map(|server| server.uuid.clone())
    });
    let problem = outcome.and_then(|outcome| outcome.result.as_ref().err());
    let status = match fate {
        Fate::Judged(_) => problem.map_or(StatusCode::OK, |problem| problem.status).as_u16(),
        Fate::Instead(response) => response.status().as_u16(),
        Fate::Cut(_) => 0,
    };
    requests::Request {
        time: now,
        method: call.method.as_str().to_owned(),
        path: call.path.clone(),
        status,
        server,
        refusal: problem.map(|problem| (problem.code.to_owned(), problem.reason.clone())),
        protocol_version: headers::protocol_version(&call.headers),
        user_agent: text(USER_AGENT).map(str::to_owned),
        session: text(SESSION).map(requests::masked),
        scripted: !matches!(fate, Fate::Judged(_)),
        fault: plan.rule,
    }
}

fn from_outcome(outcome: Outcome, bodies: ErrorBodies) -> Response {
    let mut response = match outcome.result {
        Ok(body) => {
            let mut response = Response::new(Body::from(body));
            response.headers_mut().insert(CONTENT_TYPE, JSON);
            response
        }
        Err(problem) => problem.into_response(bodies),
    };
    if let Some(token) = outcome.rotated.and_then(|token| HeaderValue::try_from(token).ok()) {
        response.headers_mut().insert(SESSION, token);
    }
    response
}

/// Closes the connection without an answer: a body that fails before its first byte takes the head with it.
fn cut() -> Response {
    let failed = stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut on purpose")) });
    Response::new(Body::from_stream(failed))
}

fn status_only(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
