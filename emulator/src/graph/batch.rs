//! `$batch`: up to 20 requests in one, each authorised, viewed and written down by itself.
//!
//! <https://learn.microsoft.com/graph/json-batching>. Items run in the order in
//! which they stand, each after those it depends on; one whose dependency failed gets 424.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::dispatch::{Call, Service};
use super::error::GraphError;
use super::json;
use crate::principal::Principal;

const LIMIT: usize = 20;

/// Unknown members are ignored: real clients send some.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    requests: Vec<Item>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    depends_on: Option<Vec<String>>,
}

pub(super) fn answer(
    service: &Service,
    principal: &Principal,
    call: &Call<'_>,
    now: Timestamp,
) -> Result<Answer, GraphError> {
    let batch: Batch = serde_json::from_slice(call.body)
        .map_err(|_| GraphError::BadRequest("Invalid batch payload format.".to_owned()))?;
    check(&batch)?;
    let order = order(&batch.requests)?;
    let mut done: Vec<(&str, StatusCode)> = Vec::with_capacity(batch.requests.len());
    let mut out = b"{\"responses\":[".to_vec();
    for item in order {
        let failed = item
            .depends_on
            .iter()
            .flatten()
            .any(|on| done.iter().any(|(id, status)| id.eq_ignore_ascii_case(on) && status.as_u16() >= 400));
        let answer = if failed { dependency(service, call, now) } else { one(service, principal, call, item, now) };
        if !done.is_empty() {
            out.push(b',');
        }
        write(&mut out, &item.id, &answer);
        done.push((&item.id, answer.status));
    }
    out.extend_from_slice(b"]}");
    Ok(Answer::json(out))
}

fn check(batch: &Batch) -> Result<(), GraphError> {
    if batch.requests.len() > LIMIT {
        return Err(GraphError::BadRequest(format!(
            "Number of batch request steps exceeds the maximum value of {LIMIT}."
        )));
    }
    for (at, item) in batch.requests.iter().enumerate() {
        let before = batch.requests.get(..at).unwrap_or_default();
        if before.iter().any(|other| other.id.eq_ignore_ascii_case(&item.id)) {
            return Err(GraphError::BadRequest("Request Id values must be unique.".to_owned()));
        }
        let is_typed = item.headers.iter().flatten().any(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
        if item.body.as_ref().is_some_and(|body| !body.is_null()) && !is_typed {
            return Err(GraphError::BadRequest(format!(
                "Write request id : {:.40} does not contain Content-Type header or body.",
                item.id
            )));
        }
    }
    Ok(())
}

/// The items, each after those it depends on; otherwise as they stand.
fn order(items: &[Item]) -> Result<Vec<&Item>, GraphError> {
    let mut waiting: Vec<&Item> = items.iter().collect();
    let mut ordered: Vec<&Item> = Vec::with_capacity(items.len());
    while !waiting.is_empty() {
        let is_ready = |item: &Item| {
            let mut on = item.depends_on.iter().flatten();
            on.all(|on| ordered.iter().any(|done| done.id.eq_ignore_ascii_case(on)))
        };
        // One at a time: what becomes ready by it may stand before the others.
        let Some(at) = waiting.iter().position(|item| is_ready(item)) else {
            let message = "A request depends on one that is not there, or in the end on itself.";
            return Err(GraphError::BadRequest(message.to_owned()));
        };
        ordered.push(waiting.remove(at));
    }
    Ok(ordered)
}

fn one(service: &Service, principal: &Principal, call: &Call<'_>, item: &Item, now: Timestamp) -> Answer {
    let mut headers = HeaderMap::new();
    for (name, value) in item.headers.iter().flatten() {
        // An item speaks for the batch's principal, whatever token stands in it.
        if let (Ok(name), Some(Ok(value))) = (HeaderName::try_from(name), value.as_str().map(HeaderValue::from_str))
            && name != http::header::AUTHORIZATION
        {
            headers.insert(name, value);
        }
    }
    let ids = service.ids(&headers);
    let refused = |message: &str| Answer::error(&GraphError::BadRequest(message.to_owned()), &ids, now);
    let Ok(method) = Method::from_bytes(item.method.to_ascii_uppercase().as_bytes()) else {
        return refused("The method of a batch item is not valid.");
    };
    // msgraph-core for Python sends whole addresses; what counts is the part below the service root.
    let root = format!("{}/v1.0", call.origin);
    let url = item.url.strip_prefix(&root).filter(|rest| rest.starts_with('/')).unwrap_or(&item.url);
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    if path.contains("://") {
        return refused("The url of a batch item must be relative.");
    }
    let path = format!("/v1.0/{}", path.trim_start_matches('/'));
    let body = item.body.as_ref().map_or_else(Bytes::new, |body| body.to_string().into());
    let inner = Call { method: &method, path: &path, query, headers: &headers, body: &body, origin: call.origin };
    service.answer(principal, &inner, &ids, now, true)
}

fn dependency(service: &Service, call: &Call<'_>, now: Timestamp) -> Answer {
    let ids = service.ids(call.headers);
    let error = GraphError::FailedDependency;
    Answer::error(&error, &ids, now)
}

fn write(out: &mut Vec<u8>, id: &str, answer: &Answer) {
    out.extend_from_slice(b"{\"id\":");
    json::string(out, id);
    out.extend_from_slice(format!(",\"status\":{},\"headers\":{{", answer.status.as_u16()).as_bytes());
    json::key(out, "Content-Type");
    let content_type = answer.content_type.to_str().unwrap_or_default();
    json::string(out, content_type);
    for (name, value) in &answer.headers {
        json::key(out, name.as_str());
        json::string(out, value.to_str().unwrap_or_default());
    }
    out.extend_from_slice(b"},\"body\":");
    // An attachment may call itself JSON and be none.
    let is_json = content_type.starts_with("application/json")
        && serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body).is_ok();
    if is_json {
        out.extend_from_slice(&answer.body);
    } else {
        json::string(out, &STANDARD.encode(&answer.body));
    }
    out.push(b'}');
}
