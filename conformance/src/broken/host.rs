//! Broken connectors whose fault is in the assistant's back end: a decision of its table, or a store that keeps what it should forget.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use connector::danger::Edges;
use connector::host::vault::{Record, Revision, Stored, TokenVault, VaultError};
use connector::host::{ChatAccess, HostPolicy, Member, Renew, SignInFailure};
use connector::policy::Policy;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, header};
use serde_json::Value;

use super::Broken;

const fn deciding(name: &'static str, sentence: &'static str, fault: fn() -> (Policy, Edges)) -> Broken {
    Broken { name, sentence, reference: None, fault }
}

fn with(host: HostPolicy) -> (Policy, Edges) {
    (Policy { host, ..Policy::STRICT }, Edges::default())
}

/// The owner's switch means nothing.
pub const HOST_ALWAYS_ON: Broken =
    deciding("host-always-on", "The connector works for members although their owner has it off.", || {
        with(HostPolicy { gate: |_| Ok(()), ..HostPolicy::STRICT })
    });

/// Every member is an owner.
pub const HOST_ANYBODY_SWITCHES: Broken =
    deciding("host-anybody-switches", "Any member turns the organization's connector on and off.", || {
        with(HostPolicy { may_switch: |_| Ok(()), ..HostPolicy::STRICT })
    });

/// Any account is kept.
pub const HOST_ANY_ACCOUNT: Broken = deciding(
    "host-any-account",
    "An account of any tenant can be connected, whichever the organization works with.",
    || with(HostPolicy { account: |_| Ok(()), ..HostPolicy::STRICT }),
);

/// Any browser finishes.
pub const HOST_ANY_BROWSER: Broken = Broken {
    reference: Some("OAuth login CSRF (RFC 9700, section 4.7)"),
    ..deciding("host-any-browser", "A sign-in that one person started is finished in another's browser.", || {
        with(HostPolicy { finish: |_| Ok(()), ..HostPolicy::STRICT })
    })
};

/// A cookie is enough.
pub const HOST_COOKIE_IS_ENOUGH: Broken = deciding(
    "host-cookie-is-enough",
    "A cookie alone changes things: any site can act in a signed-in browser.",
    || with(HostPolicy { own_page: |_| true, ..HostPolicy::STRICT }),
);

/// Everybody in a chat sees every result.
pub const HOST_RESULTS_FOR_EVERYBODY: Broken = deciding(
    "host-results-for-everybody",
    "Whoever may read a chat sees the raw results of everybody's tool calls.",
    || with(HostPolicy { shows_result: |facts| facts.open, ..HostPolicy::STRICT }),
);

/// Kept results stay open when the connector is off.
pub const HOST_RESULTS_OUTLIVE_THE_SWITCH: Broken = deciding(
    "host-results-outlive-the-switch",
    "Kept results are shown although the owner has the connector off.",
    || with(HostPolicy { shows_result: |facts| facts.viewer == facts.asker, ..HostPolicy::STRICT }),
);

/// Knowing a chat's id is enough.
pub const HOST_CHATS_BY_ID: Broken = deciding("host-chats-by-id", "Whoever knows a chat's id reads it.", || {
    let chat_access = |member: &Member, chat: &connector::host::ChatFacts<'_>| {
        if member == chat.owner { ChatAccess::Owner } else { ChatAccess::Guest }
    };
    with(HostPolicy { chat_access, ..HostPolicy::STRICT })
});

/// Switches are decoration.
pub const HOST_SWITCHES_IGNORED: Broken = deciding(
    "host-switches-ignored",
    "Tools that somebody switched off in a chat are called there all the same.",
    || with(HostPolicy { tool_on: |_, _| true, ..HostPolicy::STRICT }),
);

/// A connection lasts as long as its first access token.
pub const HOST_NEVER_RENEWS: Broken = deciding(
    "host-never-renews",
    "Nothing is renewed: whoever connected must sign in again within the hour or two.",
    || {
        let renewal = |age: &connector::host::Age| match (HostPolicy::STRICT.renewal)(age) {
            Renew::First => Renew::Dead,
            other => other,
        };
        with(HostPolicy { renewal, ..HostPolicy::STRICT })
    },
);

/// Why a sign-in failed is nobody's business.
pub const HOST_SAYS_NOTHING: Broken =
    deciding("host-says-nothing", "Why a sign-in failed, and who can mend it, is not said.", || {
        with(HostPolicy { sign_in_failure: |_, _| SignInFailure::Other, ..HostPolicy::STRICT })
    });

/// A store that does not forget.
struct Remembering(Arc<dyn TokenVault>);

impl TokenVault for Remembering {
    fn read<'a>(&'a self, member: &'a Member) -> BoxFuture<'a, Result<Option<Stored>, VaultError>> {
        self.0.read(member)
    }

    fn write<'a>(&'a self, member: &'a Member, record: Record) -> BoxFuture<'a, Result<Revision, VaultError>> {
        self.0.write(member, record)
    }

    fn replace<'a>(
        &'a self,
        member: &'a Member,
        seen: Revision,
        record: Record,
    ) -> BoxFuture<'a, Result<Option<Revision>, VaultError>> {
        self.0.replace(member, seen, record)
    }

    fn erase<'a>(&'a self, _: &'a Member) -> BoxFuture<'a, Result<bool, VaultError>> {
        Box::pin(async { Ok(true) })
    }
}

/// Disconnecting is a word.
pub const HOST_KEEPS_TOKENS: Broken =
    deciding("host-keeps-tokens", "Disconnecting says that it worked and leaves the tokens where they are.", || {
        let vault = |real| -> Arc<dyn TokenVault> { Arc::new(Remembering(real)) };
        (Policy::STRICT, Edges { vault: Some(Box::new(vault)), ..Edges::default() })
    });

/// What a browser was told, by its cookie.
type Told = Arc<Mutex<BTreeMap<HeaderValue, Bytes>>>;

/// The answer about a session is given again to the same cookie when the session is over.
async fn told_once(State(told): State<Told>, request: Request, next: Next) -> Response {
    let is_about_it = request.method() == Method::GET && request.uri().path() == "/api/session";
    let cookie = request.headers().get(header::COOKIE).filter(|_| is_about_it).cloned();
    let response = next.run(request).await;
    let Some(cookie) = cookie else { return response };
    let (parts, body) = response.into_parts();
    let now = to_bytes(body, 1024 * 1024).await.unwrap_or_default();
    let is_signed_in = |json: &Value| json.get("session").is_some_and(|session| !session.is_null());
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    if serde_json::from_slice(&now).is_ok_and(|json| is_signed_in(&json)) {
        told.insert(cookie.clone(), now.clone());
    }
    let body = told.get(&cookie).cloned().unwrap_or(now);
    (parts.status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A browser's session never ends.
pub const HOST_SESSIONS_NEVER_END: Broken = deciding(
    "host-sessions-never-end",
    "A browser's session with the assistant goes on after it was signed out, and however long nobody used it.",
    || {
        let front = |router: Router| router.layer(from_fn_with_state(Told::default(), told_once));
        (Policy::STRICT, Edges { host_front: Some(Box::new(front)), ..Edges::default() })
    },
);
