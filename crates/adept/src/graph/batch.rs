//! `POST /$batch`: up to 20 requests in one, each answered as if it had come alone. They go through the same door as any
//! other request; what is done here is to take the batch apart, keep its order and put the answers together.
//!
//! Source: Microsoft Graph, "Combine multiple HTTP requests using JSON batching".

mod item;
mod plan;

pub(super) use plan::BadBatch;

use axum::http::Uri;

use super::{
    Edge,
    body::LIMIT,
    error::Error,
    input_value::members,
    request_context::{RequestContext, Version},
    response::GraphResponse,
    router::Outcome,
    value::{Object, write_text},
};
use item::{Item, Outer};

/// The operation's name.
pub(super) const OPERATION: &str = "protocol.batch";

/// Marks a request that came inside a batch.
#[derive(Clone, Copy)]
pub(super) struct InBatch;

pub(super) async fn handle(edge: &Edge, call: &mut RequestContext) -> Outcome {
    if call.in_batch {
        return Err(Error::BadItem("A batch cannot hold another batch. Nothing was changed by this one."));
    }
    let body = call.receive(LIMIT).await?;
    let items = plan::plan(call.object(&body)?)?;
    drop(body);
    let outer = Outer { headers: call.headers.clone(), version: call.version };
    let mut answers: Vec<Option<item::Answered>> = items.iter().map(|_| None).collect();
    // One after the other, as clients that say nothing of dependencies expect.
    for place in plan::order(&items)? {
        let item = &items[place];
        let failed = |other: &usize| answers[*other].as_ref().is_none_or(|answered| answered.failed());
        let answered = match item.waits_for.iter().any(failed) {
            true => edge.refused_item(&outer, Error::FailedDependency).await,
            false => edge.answered_item(&outer, item).await,
        };
        answers[place] = Some(answered);
    }
    Ok(GraphResponse::json(document(&items, &answers), call.metadata))
}

/// What can be said of a batch without running it: the order of its requests, what each waits for, where each leads.
type Judged = (Vec<usize>, Vec<Vec<usize>>, Vec<Result<Uri, Error>>);

/// Reads a batch as `handle` does, and runs nothing.
pub(super) fn judged(body: &[u8], origin: &str) -> Result<Judged, Error> {
    let items = plan::plan(members(body, false)?)?;
    let order = plan::order(&items)?;
    let targets = items.iter().map(|item| item::uri(&item.url, origin, Version::Beta)).collect();
    Ok((order, items.into_iter().map(|item| item.waits_for).collect(), targets))
}

fn document(items: &[Item], answers: &[Option<item::Answered>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    let mut document = Object::open(&mut out);
    let responses = document.member("responses");
    responses.push(b'[');
    for (place, (item, answered)) in items.iter().zip(answers).enumerate() {
        if place > 0 {
            responses.push(b',');
        }
        let mut response = Object::open(responses);
        write_text(&item.id, response.member("id"));
        if let Some(answered) = answered {
            answered.write(&mut response);
        }
        response.close();
    }
    responses.push(b']');
    document.close();
    out
}
