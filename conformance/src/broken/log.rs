//! Broken connectors whose fault is in what they write down.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use connector::audit::{AuditEvent, AuditSink, EventKind};
use connector::danger::Edges;
use connector::policy::Policy;
use serde_json::Value;

use super::{Broken, front};

/// Texts that callers sent and that nobody wrote down yet.
type Texts = Arc<Mutex<Vec<String>>>;

/// Keeps every text of a request: its arguments, and what its client says of itself.
async fn keep(State(texts): State<Texts>, request: Request, next: Next) -> Response {
    let (request, message) = front::read(request).await;
    let mut found = Vec::new();
    collect(&message, &mut found);
    let headers = request.headers().values().filter_map(|value| value.to_str().ok());
    found.extend(headers.map(str::to_owned));
    texts.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
    next.run(request).await
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, into)),
        _ => {}
    }
}

/// A log of text: what a caller sent stands behind the line as it is, so that its own lines are lines of the log.
struct AsItIs {
    real: Arc<dyn AuditSink>,
    texts: Texts,
}

impl AuditSink for AsItIs {
    fn record(&self, event: &AuditEvent) {
        self.real.record(event);
        let texts = std::mem::take(&mut *self.texts.lock().unwrap_or_else(PoisonError::into_inner));
        for line in texts.iter().flat_map(|text| text.lines().skip(1)) {
            let Ok(Value::Object(forged)) = serde_json::from_str(line) else { continue };
            let field = |name: &str| forged.get(name).and_then(Value::as_str).map(str::to_owned);
            let outcome = field("outcome").unwrap_or_default();
            self.real.record(&AuditEvent {
                tenant: field("tenant"),
                user: field("user"),
                tool: field("tool"),
                ..AuditEvent::new(event.time, EventKind::Tool, outcome)
            });
        }
    }
}

/// Callers write lines of their own.
pub const LOGS_TEXT_AS_IT_IS: Broken = Broken {
    name: "logs-text-as-it-is",
    sentence: "What a caller sends is written into the log as it is: a line break in it begins a line of the caller's own.",
    reference: Some("CWE-117: improper output neutralization for logs"),
    fault: || {
        let texts = Texts::default();
        let kept = Arc::clone(&texts);
        let front = move |server: Router| server.layer(from_fn_with_state(kept, keep));
        let audit = move |real| -> Arc<dyn AuditSink> { Arc::new(AsItIs { real, texts }) };
        (Policy::STRICT, Edges { front: Some(Box::new(front)), audit: Some(Box::new(audit)), ..Edges::default() })
    },
};

/// A log of requests as they came.
struct Requests {
    real: Arc<dyn AuditSink>,
    texts: Texts,
}

impl AuditSink for Requests {
    fn record(&self, event: &AuditEvent) {
        let texts = std::mem::take(&mut *self.texts.lock().unwrap_or_else(PoisonError::into_inner));
        let token = texts.into_iter().find(|text| text.starts_with("Bearer "));
        self.real.record(&AuditEvent { client: token.or_else(|| event.client.clone()), ..event.clone() });
    }
}

/// Whoever reads the log can sign in.
pub const TOKEN_IN_LOG: Broken = Broken {
    name: "token-in-log",
    sentence: "A request is written down with its headers, and so with the token that came in one.",
    reference: Some("CWE-532: insertion of sensitive information into log file"),
    fault: || {
        let texts = Texts::default();
        let kept = Arc::clone(&texts);
        let front = move |server: Router| server.layer(from_fn_with_state(kept, keep));
        let audit = move |real| -> Arc<dyn AuditSink> { Arc::new(Requests { real, texts }) };
        (Policy::STRICT, Edges { front: Some(Box::new(front)), audit: Some(Box::new(audit)), ..Edges::default() })
    },
};
