//! Reads the JSON of a batch and puts its requests in order. A fault found here is one of the whole batch, of
//! which then no request is run.

use std::collections::VecDeque;

use axum::http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value as Json};

use super::item::Item;
use crate::graph::{
    error::{BadBatch, shortened},
    input::Members,
};

/// Requests in a batch at most. Source: the same page of Microsoft's.
const MAX_REQUESTS: usize = 20;

/// The requests of a batch, each with the indexes of those it depends on.
pub(super) fn plan(mut batch: Members) -> Result<Vec<Item>, BadBatch> {
    let Some(Json::Array(requests)) = take(&mut batch, "requests") else { return Err(BadBatch::NoRequests) };
    match requests.len() {
        0 => return Err(BadBatch::NoRequests),
        count if count > MAX_REQUESTS => return Err(BadBatch::TooMany(count)),
        _ => {}
    }
    let mut items = Vec::with_capacity(requests.len());
    let mut dependencies = Vec::with_capacity(requests.len());
    for (index, request) in requests.into_iter().enumerate() {
        let (item, depends_on) = read(index, request)?;
        if find(&items, &item.id).is_some() {
            return Err(BadBatch::Duplicate(shortened(&item.id)));
        }
        items.push(item);
        dependencies.push(depends_on);
    }
    for (index, others) in dependencies.into_iter().enumerate() {
        for other in others {
            let Some(found) = find(&items, &other) else {
                return Err(BadBatch::Unknown { id: shortened(&items[index].id), other: shortened(&other) });
            };
            items[index].depends_on.push(found);
        }
    }
    Ok(items)
}

/// The indexes in an order in which none comes before those it depends on; as written where that leaves a choice.
pub(super) fn order(items: &[Item]) -> Result<Vec<usize>, BadBatch> {
    let mut order = Vec::with_capacity(items.len());
    let mut pending: VecDeque<usize> = (0..items.len()).collect();
    while !pending.is_empty() {
        let ready =
            pending.iter().position(|index| items[*index].depends_on.iter().all(|o| order.contains(o)));
        match ready.and_then(|ready| pending.remove(ready)) {
            Some(index) => order.push(index),
            None => return Err(BadBatch::Cycle(shortened(&items[pending[0]].id))),
        }
    }
    Ok(order)
}

fn find(items: &[Item], id: &str) -> Option<usize> {
    items.iter().position(|item| item.id.eq_ignore_ascii_case(id))
}

/// A request, and the ids of those that it depends on.
fn read(index: usize, request: Json) -> Result<(Item, Vec<String>), BadBatch> {
    let wrong = |member, expected| BadBatch::Member { index, member, expected };
    let Json::Object(mut request) = request else { return Err(wrong("id", "given in a JSON object")) };
    let id = take(&mut request, "id").and_then(id_of);
    let id = id.ok_or_else(|| wrong("id", "a string or a number"))?;
    let Some(Json::String(method)) = take(&mut request, "method") else {
        return Err(wrong("method", "an HTTP method"));
    };
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes());
    let method = method.map_err(|_| wrong("method", "an HTTP method"))?;
    let Some(Json::String(url)) = take(&mut request, "url") else { return Err(wrong("url", "a URL")) };
    let headers = match take(&mut request, "headers") {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(headers)) => headers,
        Some(_) => return Err(wrong("headers", "an object of strings")),
    };
    let header = |(name, value): (String, Json)| {
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok())?;
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    let headers = headers.into_iter().map(header).collect::<Option<_>>();
    let headers = headers.ok_or_else(|| wrong("headers", "an object of strings"))?;
    if take(&mut request, "atomicityGroup").is_some_and(|group| !group.is_null()) {
        return Err(BadBatch::AtomicityGroup { index });
    }
    let body = take(&mut request, "body").filter(|body| !body.is_null());
    // Microsoft's Python library writes depends_on, which Graph does not know; the requests run as written anyway.
    let depends_on = match take(&mut request, "dependsOn") {
        None | Some(Json::Null) => Some(Vec::new()),
        Some(Json::Array(ids)) => ids.into_iter().map(id_of).collect(),
        Some(_) => None,
    };
    let depends_on = depends_on.ok_or_else(|| wrong("dependsOn", "an array of ids"))?;
    Ok((Item { id, method, url, headers, body, depends_on: Vec::new() }, depends_on))
}

fn take(members: &mut Members, name: &str) -> Option<Json> {
    let key = members.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    members.remove(&key)
}

/// Some clients number their requests.
fn id_of(id: Json) -> Option<String> {
    match id {
        Json::String(id) if !id.is_empty() => Some(id),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn planned(requests: Json) -> Result<Vec<usize>, BadBatch> {
        let batch = json!({ "requests": requests });
        order(&plan(batch.as_object().unwrap().clone())?)
    }

    fn get(id: impl Into<Json>, depends_on: &[&str]) -> Json {
        json!({ "id": id.into(), "method": "get", "url": "/x", "dependsOn": depends_on, "depends_on": [] })
    }

    #[test]
    fn no_request_comes_before_those_it_depends_on() {
        assert_eq!(planned(json!([get("a", &["C"]), get(2, &[]), get("c", &["2"])])), Ok(vec![1, 2, 0]));
        assert_eq!(planned(json!([get(1, &[]), get("2", &[])])), Ok(vec![0, 1]));
    }

    #[test]
    fn an_invalid_batch_is_refused_as_a_whole() {
        assert_eq!(planned(json!([])), Err(BadBatch::NoRequests));
        assert_eq!(planned(json!({})), Err(BadBatch::NoRequests));
        let many: Vec<_> = (0..21).map(|id| get(id, &[])).collect();
        assert_eq!(planned(many.into()), Err(BadBatch::TooMany(21)));
        assert_eq!(planned(json!([get("a", &[]), get("A", &[])])), Err(BadBatch::Duplicate("A".to_owned())));
        assert_eq!(
            planned(json!([get("a", &["b"]), get("b", &["a"])])),
            Err(BadBatch::Cycle("a".to_owned()))
        );
        assert_eq!(planned(json!([get("a", &["a"])])), Err(BadBatch::Cycle("a".to_owned())));
        assert!(matches!(planned(json!([get("a", &["x"])])), Err(BadBatch::Unknown { .. })));
        for broken in [
            json!(7),
            json!({ "method": "GET", "url": "/x" }),
            json!({ "id": "", "method": "GET", "url": "/x" }),
            json!({ "id": "1", "url": "/x" }),
            json!({ "id": "1", "method": "G T", "url": "/x" }),
            json!({ "id": "1", "method": "GET" }),
            json!({ "id": "1", "method": "GET", "url": "/x", "headers": { "a": 1 } }),
            json!({ "id": "1", "method": "GET", "url": "/x", "headers": { "a b": "1" } }),
            json!({ "id": "1", "method": "GET", "url": "/x", "dependsOn": "2" }),
        ] {
            let refused = planned(json!([get("0", &[]), broken]));
            assert!(matches!(refused, Err(BadBatch::Member { index: 1, .. })), "{refused:?}");
        }
    }

    proptest! {
        #[test]
        fn any_dependencies_are_ordered_or_refused(
            dependencies in proptest::collection::vec(proptest::collection::vec(0_usize..20, 0..4), 1..20)
        ) {
            let requests: Vec<_> = dependencies
                .iter()
                .enumerate()
                .map(|(id, others)| {
                    let others: Vec<_> = others.iter().map(ToString::to_string).collect();
                    get(id, &others.iter().map(String::as_str).collect::<Vec<_>>())
                })
                .collect();
            if let Ok(order) = planned(requests.into()) {
                let mut all = order.clone();
                all.sort_unstable();
                prop_assert_eq!(all, (0..dependencies.len()).collect::<Vec<_>>());
                for (at, index) in order.iter().enumerate() {
                    prop_assert!(dependencies[*index].iter().all(|other| order[..at].contains(other)));
                }
            }
        }
    }
}
