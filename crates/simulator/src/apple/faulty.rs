//! Carrying out what a fault rule says, in a fixed order: hold, end the session, answer instead or judge, change the
//! answer's fields, its headers and its bytes. Which rule acts is decided in `faults.rs`.

mod fields;
mod gzip;
mod instead;
mod pages;
mod wire;

use axum::response::Response;
use jiff::Timestamp;

use super::headers::{session, whose};
use super::oauth::Signed;
use super::{ApiCall, Fate, Outcome};
use crate::connection::Peer;
use crate::faults::{Action, Disconnect, Facts, Plan, When};
use crate::{Shared, until};

pub(super) use wire::send;

/// What is to be done to a call; nothing, mostly.
pub(super) fn plan(shared: &Shared, call: &ApiCall) -> Plan {
    if shared.read().faults.none() {
        return Plan::default();
    }
    let mut world = shared.write();
    let server = whose(&world, call).and_then(|position| world.servers().get(position));
    let uuid = server.map(|server| server.uuid.clone());
    let signed = Signed::read(&call.headers, &call.query).ok().map(|signed| signed.consumer_key);
    let consumer_key = signed.or_else(|| server?.consumer_key().map(str::to_owned));
    world.faults.take(&Facts {
        method: call.method.as_str(),
        path: &call.path,
        body: &call.body,
        server: uuid.as_deref(),
        consumer_key: consumer_key.as_deref(),
    })
}

/// Waits as long as the rule holds the call here; `false` when the simulator stopped meanwhile.
pub(super) async fn hold(shared: &Shared, plan: &Plan, here: When) -> bool {
    let held = plan.actions.iter().any(|action| matches!(action, Action::Hold(when) if *when == here));
    let rule = plan.rule.filter(|_| held);
    let Some(held) = rule.and_then(|rule| shared.write().faults.hold(rule)) else { return true };
    tokio::select! {
        () = held.released() => true,
        () = until(shared.stopping.clone()) => false,
    }
}

/// What becomes of the call.
pub(super) fn fate(
    shared: &Shared,
    call: &ApiCall,
    plan: &Plan,
    now: Timestamp,
    judge: impl FnOnce() -> Outcome,
) -> Fate {
    if plan.rule.is_none() {
        return Fate::Judged(judge());
    }
    end_session(shared, call, plan);
    for action in &*plan.actions {
        match action {
            Action::Answer(answer) => return Fate::Instead(instead::answer(answer, now)),
            Action::Redirect(to) => return Fate::Instead(instead::redirect(to, call)),
            Action::Refuse(code) => return Fate::Judged(instead::refusal(&shared.read(), call, code)),
            Action::Disconnect(Disconnect { applied: false, .. }) => return Fate::Cut(None),
            _ => {}
        }
    }
    let mut outcome = judge();
    rotate(shared, call, plan, now, &mut outcome);
    if let Ok(body) = &mut outcome.result {
        fields::change(&shared.read(), call, plan, outcome.server.as_deref(), now, body);
    }
    let lost = plan.actions.iter().any(|action| matches!(action, Action::Disconnect(_)));
    if lost { Fate::Cut(Some(outcome)) } else { Fate::Judged(outcome) }
}

fn end_session(shared: &Shared, call: &ApiCall, plan: &Plan) {
    let Some(token) = session(call) else { return };
    for action in &*plan.actions {
        match action {
            Action::ExpireSession => shared.write().expire_session(token),
            Action::ForgetSession => shared.write().forget_session(token),
            _ => {}
        }
    }
}

/// A new session token for a call that was let in, in the place of the one that it would have got anyway.
fn rotate(shared: &Shared, call: &ApiCall, plan: &Plan, now: Timestamp, outcome: &mut Outcome) {
    let wanted = plan.actions.iter().find_map(|action| match action {
        Action::RotateSession(wanted) => Some(wanted),
        _ => None,
    });
    let (Some(wanted), Some(sent), true) = (wanted, session(call), outcome.server.is_some()) else { return };
    let newest = outcome.rotated.as_deref().unwrap_or(sent);
    let mut world = shared.write();
    if let Some(rotated) = world.rotate_session(newest, wanted.keep_old, now) {
        outcome.rotated = Some(rotated);
        if !wanted.keep_old {
            world.forget_session(sent);
        }
    }
}

/// Milliseconds that the rule wants the answer to wait.
pub(super) fn delay(plan: &Plan) -> u64 {
    plan.actions.iter().map(|action| if let Action::DelayMs(wait) = action { *wait } else { 0 }).sum()
}

/// The end of a connection without a byte.
pub(super) fn disconnect(plan: &Plan, peer: &Peer) -> Response {
    let reset = |action: &Action| matches!(action, Action::Disconnect(Disconnect { reset: true, .. }));
    if plan.actions.iter().any(reset) {
        peer.reset();
    }
    super::cut()
}
