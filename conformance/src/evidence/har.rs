//! The exchanges as HAR 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>), for browsers and proxies that import it. A view, no proof:
//! importers mend headers and leave out what HTTP does not allow; transcript.json keeps it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::recorder::{Entry, Message, Transcript};

/// The exchanges of a transcript. `began`: the world's time at the beginning.
pub fn render(transcript: &Transcript, began: Timestamp) -> Value {
    let mut entries = Vec::new();
    let (mut step, mut label, mut passed) = (0, String::new(), 0);
    for entry in &transcript.entries {
        match entry {
            Entry::Step { number, actor, label: what, at, .. } => {
                (step, label, passed) = (*number, format!("{number}. {actor}: {what}"), *at);
            }
            Entry::Hop { seq, from, actor, to, method, url, request, status, response } => {
                // The world's clock stands while a step runs: the number of the exchange keeps the order.
                let at = SignedDuration::new(passed, 0) + SignedDuration::from_millis(i64::try_from(*seq).unwrap_or(0));
                let at = began.saturating_add(at).unwrap_or(began);
                entries.push(json!({
                    "startedDateTime": format!("{at:.3}"),
                    "time": 0,
                    "request": self::request(method, url, request),
                    "response": self::response(*status, response),
                    "cache": {},
                    "timings": { "send": 0, "wait": 0, "receive": 0 },
                    "connection": format!("{from}-{to}"),
                    "comment": label,
                    "_scenario": transcript.check,
                    "_actor": if actor.is_empty() { from } else { actor },
                    "_to": to,
                    "_step": step,
                    "_seq": seq,
                }));
            }
            Entry::Answer(_) | Entry::Control { .. } | Entry::Expectation(_) => {}
        }
    }
    json!({ "log": {
        "version": "1.2",
        "creator": { "name": "offline365", "version": env!("CARGO_PKG_VERSION") },
        "entries": entries,
        "comment": format!("{}: virtual time, secrets replaced by labels; a view of transcript.json", transcript.check),
    } })
}

fn request(method: &str, url: &str, message: &Message) -> Value {
    let address = url::Url::parse(url).ok();
    let query: Vec<Value> =
        address.iter().flat_map(url::Url::query_pairs).map(|(name, value)| pair(&name, &value)).collect();
    let mut request = json!({
        "method": method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(message),
        "queryString": query,
        "headersSize": -1,
        "bodySize": size(message),
    });
    if (size(message) > 0 || message.withheld.is_some())
        && let Some(fields) = request.as_object_mut()
    {
        let text = message.withheld.clone().unwrap_or_else(|| message.body.clone());
        fields.insert("postData".to_owned(), json!({ "mimeType": kind(message), "text": text }));
    }
    request
}

fn response(status: u16, message: &Message) -> Value {
    let mut content = json!({ "size": size(message), "mimeType": kind(message) });
    if let Some(fields) = content.as_object_mut() {
        if let Some(why) = &message.withheld {
            fields.insert("comment".to_owned(), format!("withheld: {why}").into());
        } else if is_text(message) {
            fields.insert("text".to_owned(), message.body.clone().into());
        } else {
            fields.insert("text".to_owned(), message.raw.clone().into());
            fields.insert("encoding".to_owned(), "base64".into());
        }
    }
    let location = message.headers.iter().find(|(name, _)| name == "location").map_or("", |(_, value)| value);
    json!({
        "status": status,
        "statusText": http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or_default(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(message),
        "content": content,
        "redirectURL": location,
        "headersSize": -1,
        "bodySize": size(message),
    })
}

fn headers(message: &Message) -> Vec<Value> {
    message.headers.iter().map(|(name, value)| pair(name, value)).collect()
}

fn pair(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn kind(message: &Message) -> &str {
    message.headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value)
}

fn size(message: &Message) -> usize {
    message.raw.len() / 4 * 3 - message.raw.bytes().rev().take_while(|byte| *byte == b'=').count()
}

/// Whether the text is the whole of the body.
fn is_text(message: &Message) -> bool {
    STANDARD.decode(&message.raw).is_ok_and(|raw| raw == message.body.as_bytes())
}
