//! `POST /$batch`: up to 20 requests in one, each answered as if it had come alone. `dispatch` answers each like any other
//! request; this module reads the batch, keeps its order and joins the answers.
//!
//! Source: Microsoft Graph, "Combine multiple HTTP requests using JSON batching".

mod item;
mod plan;

use axum::http::Uri;

use super::{
    body::LIMIT,
    error::Error,
    input::members,
    protocol::Version,
    request_context::{InBatch, RequestContext},
    response::{GraphResponse, LONGEST_ANSWER},
    route::HandlerResult,
    value::{Value, write_array, write_object},
};
use item::{Item, ItemResponse};

const TOO_LARGE: Error = Error::AnswerTooLarge { limit: LONGEST_ANSWER };

/// Answers the requests of a batch one after the other, as clients that state no dependencies expect.
pub(super) async fn handle(request: &RequestContext<'_>) -> HandlerResult {
    if request.parts.extensions.get::<InBatch>().is_some() {
        return Err(Error::BadItem("A batch cannot hold another batch. Nothing was changed by this one."));
    }
    let body = request.receive(LIMIT).await?;
    let items = plan::plan(request.object(&body)?)?;
    drop(body);
    let mut responses: Vec<Option<ItemResponse>> = items.iter().map(|_| None).collect();
    let mut left = LONGEST_ANSWER;
    for index in plan::order(&items)? {
        let item = &items[index];
        let failed = |other: &usize| responses[*other].as_ref().is_none_or(ItemResponse::failed);
        let inner = match item.depends_on.iter().any(failed) {
            true => Err(Error::FailedDependency),
            false if left == 0 && item.reads() => Err(TOO_LARGE),
            false => item.request(request),
        };
        let refused = |error| request.edge.refuse_early(request.headers(), error);
        let response = match inner {
            Ok(inner) => request.edge.serve(inner).await,
            Err(error) => refused(error),
        };
        let mut response = ItemResponse::of(response).await;
        // What a write did is always answered, and a refusal stays the one that it is: it is short.
        if response.len() > left && item.reads() && !response.failed() {
            (left, response) = (0, ItemResponse::of(refused(TOO_LARGE)).await);
        }
        left = left.saturating_sub(response.len());
        responses[index] = Some(response);
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
    write_object(&mut out, |document| {
        write_array(document.member("responses"), items.iter().zip(responses), |(item, response), out| {
            write_object(out, |object| {
                Value::text(&item.id).write(object.member("id"));
                if let Some(response) = response {
                    response.write(object);
                }
            });
        });
    });
    out
}
