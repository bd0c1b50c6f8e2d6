//! Change notifications: <https://learn.microsoft.com/graph/api/subscription-post-subscriptions>.
//!
//! The real service asks the notification endpoint before it makes a subscription. Nothing here ever calls out, so the endpoint never answers,
//! and what a client sees is the real refusal of an endpoint that cannot be reached. No subscription exists; the attempt is recorded.

use serde_json::Value;

use super::answer::Answer;
use super::body::{self, Fields};
use super::effect::{Effect, WriteRoute};
use super::error::{GraphError, Refusal};
use super::json::{key, string};
use super::route::{Ask, Route, Under, Verb, Workload, search_denied};
use super::view::View;

/// Who may read something may subscribe to it.
const SCOPES: &[&str] = &[
    "Mail.ReadBasic",
    "Mail.Read",
    "Mail.ReadWrite",
    "Calendars.Read",
    "Calendars.ReadWrite",
    "Contacts.Read",
    "Contacts.ReadWrite",
    "Chat.ReadBasic",
    "Chat.Read",
    "Chat.ReadWrite",
    "ChannelMessage.Read.All",
    "Files.Read",
    "Files.Read.All",
    "Files.ReadWrite",
    "Files.ReadWrite.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "User.Read",
    "User.Read.All",
];

/// The rows that read.
pub(super) const ROUTES: &[Route] = &[Route {
    verb: Verb::Get,
    under: Under::Root,
    template: "/subscriptions",
    own: SCOPES,
    others: &[],
    workload: Workload::Directory,
    handler: list,
}];

/// The rows that change something.
pub(super) const WRITES: &[WriteRoute] = &[WriteRoute {
    verb: Verb::Post,
    under: Under::Root,
    template: "/subscriptions",
    own: SCOPES,
    others: &[],
    workload: Workload::Directory,
    at: 0,
    handler: create,
}];

fn list(_: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[])?;
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &format!("{}/$metadata#subscriptions", ask.root));
    key(&mut out, "value");
    out.extend_from_slice(b"[]}");
    Ok(Answer::json(out))
}

/// Which scopes a resource asks for, by what its path names; nothing when nobody may subscribe to it with a user's token.
fn needed(resource: &str) -> Option<&'static [&'static str]> {
    let path = resource.trim_start_matches('/').to_ascii_lowercase();
    let has = |word: &str| path.contains(word);
    if has("getallmessages") {
        None
    } else if path.starts_with("chats") || has("/chats") {
        Some(&["Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite"])
    } else if path.starts_with("teams") {
        Some(&["ChannelMessage.Read.All"])
    } else if has("messages") || has("mailfolders") {
        Some(&["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"])
    } else if has("events") || has("calendar") {
        Some(&["Calendars.Read", "Calendars.ReadWrite"])
    } else if has("contacts") {
        Some(&["Contacts.Read", "Contacts.ReadWrite"])
    } else if has("drive") {
        Some(&["Files.Read", "Files.ReadWrite", "Files.Read.All", "Files.ReadWrite.All"])
    } else if has("sites") {
        Some(&["Sites.Read.All", "Sites.ReadWrite.All"])
    } else if path.starts_with("users") || path == "me" {
        Some(&["User.Read", "User.Read.All"])
    } else {
        None
    }
}

fn create(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Result<Effect, Refusal> {
    let invalid = |message: &str| GraphError::InvalidSubscription(message.to_owned());
    let value = body::parse(ask)?;
    let known = [
        "changeType",
        "notificationUrl",
        "lifecycleNotificationUrl",
        "resource",
        "expirationDateTime",
        "clientState",
        "includeResourceData",
        "encryptionCertificate",
        "encryptionCertificateId",
        "latestSupportedTlsVersion",
        "notificationQueryOptions",
        "notificationUrlAppId",
        "applicationId",
        "creatorId",
    ];
    let fields = Fields::of(&value, "subscription", &known)?;
    for name in ["changeType", "notificationUrl", "resource", "expirationDateTime"] {
        if fields.get(name).is_none_or(Value::is_null) {
            return Err(invalid(&format!("Subscription resource is missing required property '{name}'.")).into());
        }
    }
    for change in fields.need("changeType")?.split(',') {
        if !["created", "updated", "deleted"].contains(&change.trim().to_ascii_lowercase().as_str()) {
            return Err(invalid("Subscription 'changeType' is not valid.").into());
        }
    }
    if !fields.need("notificationUrl")?.to_ascii_lowercase().starts_with("https://") {
        return Err(invalid("Notification endpoint must be a valid 'https' URI.").into());
    }
    let expires: Option<jiff::Timestamp> = fields.need("expirationDateTime")?.parse().ok();
    if expires.is_none_or(|expires| expires <= ask.now) {
        return Err(invalid("Subscription expiration can only be in the future.").into());
    }
    let resource = fields.need("resource")?;
    let Some(needed) = needed(resource) else {
        return Err(invalid("The resource of the subscription is not supported.").into());
    };
    if !view.admits(needed) {
        let message = search_denied("the resource", needed, &view.principal().scopes);
        return Err(GraphError::Forbidden(message).because("a subscription asks for the scopes of what it watches"));
    }
    let message =
        "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.";
    Err(GraphError::SubscriptionEndpoint(message.to_owned())
        .because("nothing here calls out: the endpoint was not asked"))
}
