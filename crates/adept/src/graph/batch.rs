//! `POST /$batch`: up to 20 requests in one, each answered as if it had come alone. `dispatch` answers each like any other
//! request; this module reads the batch, keeps its order and joins the answers.
//!
//! Source: Microsoft Graph, "Combine multiple HTTP requests using JSON batching".

mod item;
mod plan;

use axum::{
    body::Body,
    http::{Request, Response, Uri},
};
use futures_util::future::BoxFuture;

use super::{
    body::LIMIT,
    error::Error,
    input::members,
    protocol::Version,
    request_context::RequestContext,
    response::GraphResponse,
    route::HandlerResult,
    value::{Object, write_text},
};
use item::{BatchContext, Item, ItemResponse};

/// Answers one request of the batch, or refuses one that is none.
pub(super) type AnswerItem<'e> =
    &'e (dyn Fn(Result<Request<Body>, Error>) -> BoxFuture<'e, Response<Body>> + Sync);

/// Answers the requests of a batch one after the other, as clients that state no dependencies expect.
pub(super) async fn handle(
    request: &mut RequestContext,
    origin: &str,
    answer: AnswerItem<'_>,
) -> HandlerResult {
    if request.in_batch.is_some() {
        return Err(Error::BadItem("A batch cannot hold another batch. Nothing was changed by this one."));
    }
    let body = request.receive(LIMIT).await?;
    let items = plan::plan(request.object(&body)?)?;
    drop(body);
    let batch = BatchContext { headers: request.headers.clone(), version: request.version, origin };
    let mut responses: Vec<Option<ItemResponse>> = items.iter().map(|_| None).collect();
    for index in plan::order(&items)? {
        let item = &items[index];
        let failed = |other: &usize| responses[*other].as_ref().is_none_or(ItemResponse::failed);
        let inner = match item.depends_on.iter().any(failed) {
            true => Err(Error::FailedDependency),
            false => item.request(&batch),
        };
        responses[index] = Some(ItemResponse::of(answer(inner).await).await);
    }
    Ok(GraphResponse::json(document(&items, &responses), request.metadata))
}

/// A batch that was read and not run: the order of its requests, what each depends on, where each leads.
type BatchPlan = (Vec<usize>, Vec<Vec<usize>>, Vec<Result<Uri, Error>>);

/// Reads a batch as `handle` does, and runs none of it.
pub(super) fn plan_of(body: &[u8], origin: &str) -> Result<BatchPlan, Error> {
    let items = plan::plan(members(body, false)?)?;
    let order = plan::order(&items)?;
    let targets = items.iter().map(|item| item::uri(&item.url, origin, Version::Beta)).collect();
    Ok((order, items.into_iter().map(|item| item.depends_on).collect(), targets))
}

fn document(items: &[Item], responses: &[Option<ItemResponse>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    let mut document = Object::open(&mut out);
    let array = document.member("responses");
    array.push(b'[');
    for (index, (item, response)) in items.iter().zip(responses).enumerate() {
        if index > 0 {
            array.push(b',');
        }
        let mut object = Object::open(array);
        write_text(&item.id, object.member("id"));
        if let Some(response) = response {
            response.write(&mut object);
        }
        object.close();
    }
    array.push(b']');
    document.close();
    out
}
