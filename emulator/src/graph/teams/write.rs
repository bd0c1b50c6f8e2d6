//! Saying something: in a chat, in a channel, in answer to a message there.
//!
//! <https://learn.microsoft.com/graph/api/chatmessage-post>. The sender is the caller, whatever `from` says.

use http::StatusCode;
use serde_json::Value;

use super::super::body::{self, Fields};
use super::super::effect::Effect;
use super::super::error::{GraphError, Refusal};
use super::super::route::Ask;
use super::super::view::View;
use super::{messages, of_caller};
use crate::change::{Change, TeamsChange};
use crate::mailbox::BodyKind;
use crate::teams::{Attachment, Content, Identity, Importance, Mention, Message, NewMessage};

const KNOWN: &[&str] = &[
    "body",
    "subject",
    "importance",
    "mentions",
    "attachments",
    "hostedContents",
    "messageType",
    "locale",
    "from",
    "createdDateTime",
    "summary",
    "replyToId",
    "reactions",
    "policyViolation",
    "eventDetail",
    "channelIdentity",
    "chatId",
];
/// The largest message, in bytes: <https://learn.microsoft.com/graph/api/chatmessage-post#request-body>.
const LARGEST: usize = 28 * 1024;

fn caller(view: &View<'_>) -> Option<Identity> {
    let user = view.user(&view.caller().to_string())?;
    Some(Identity {
        id: user.id.to_string(),
        name: Some(user.display_name.clone()),
        is_application: false,
        address: user.mail.clone(),
    })
}

fn content(view: &View<'_>, ask: &Ask<'_>) -> Result<Content, Refusal> {
    let value = body::parse(ask)?;
    let fields = Fields::of(&value, "chatMessage", KNOWN)?;
    let Some(of_body) = fields.get("body").filter(|body| !body.is_null()) else {
        return Err(GraphError::BadRequest("Missing body content.".to_owned()).into());
    };
    let of_body = Fields::of(of_body, "itemBody", &["content", "contentType"])?;
    let text = of_body.text("content")?.unwrap_or_default();
    let kinds = [("text", BodyKind::Text), ("html", BodyKind::Html)];
    let kind = of_body.word("contentType", "microsoft.graph.bodyType", &kinds)?.unwrap_or(BodyKind::Text);
    if text.trim().is_empty() && fields.items("attachments")?.is_none_or(<[Value]>::is_empty) {
        return Err(GraphError::BadRequest("Missing body content.".to_owned()).into());
    }
    if ask.body.len() > LARGEST {
        return Err(GraphError::BadRequest("The message is larger than 28 KB.".to_owned()).into());
    }
    let importances = [Importance::Normal, Importance::High, Importance::Urgent].map(|known| (known.as_str(), known));
    if fields.items("hostedContents")?.is_some_and(|items| !items.is_empty()) {
        ask.unmodelled("hostedContents of a message");
    }
    Ok(Content {
        from: caller(view),
        subject: fields.text("subject")?.map(str::to_owned),
        importance: fields
            .word("importance", "microsoft.graph.chatMessageImportance", &importances)?
            .unwrap_or_default(),
        kind,
        body: text.to_owned(),
        mentions: mentions(view, &fields, text)?,
        attachments: attachments(&fields)?,
        reactions: Vec::new(),
        event: None,
    })
}

/// Every mention has its `<at id="…">` in the body, and names somebody of this tenant.
fn mentions(view: &View<'_>, fields: &Fields<'_>, text: &str) -> Result<Vec<Mention>, GraphError> {
    let mut found = Vec::new();
    for value in fields.items("mentions")?.unwrap_or_default() {
        let mention = Fields::of(value, "chatMessageMention", &["id", "mentionText", "mentioned"])?;
        let id = mention.get("id").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok());
        let id = id.ok_or_else(|| GraphError::BadRequest("Mention id must be a number.".to_owned()))?;
        if !text.contains(&format!("<at id=\"{id}\"")) {
            let message = format!("Neither Body nor adaptive card content contains marker for mention with Id '{id}'.");
            return Err(GraphError::BadRequest(message));
        }
        let user = mention.get("mentioned").and_then(|who| who.pointer("/user/id")).and_then(Value::as_str);
        let who = user.and_then(|id| view.user(id)).map(|user| Identity {
            id: user.id.to_string(),
            name: Some(user.display_name.clone()),
            is_application: false,
            address: user.mail.clone(),
        });
        found.push(Mention { id, text: mention.text("mentionText")?.map(str::to_owned), who });
    }
    Ok(found)
}

fn attachments(fields: &Fields<'_>) -> Result<Vec<Attachment>, GraphError> {
    let known = ["id", "contentType", "contentUrl", "content", "name", "thumbnailUrl", "teamsAppId"];
    let items = fields.items("attachments")?.unwrap_or_default().iter();
    items
        .map(|value| {
            let attachment = Fields::of(value, "chatMessageAttachment", &known)?;
            let text = |name| attachment.text(name).map(|text| text.map(str::to_owned));
            Ok(Attachment {
                id: text("id")?,
                content_type: text("contentType")?,
                content_url: text("contentUrl")?,
                content: text("content")?,
                name: text("name")?,
            })
        })
        .collect()
}

/// The newest of these that the caller said.
fn own<'a>(view: &View<'_>, said: impl Iterator<Item = &'a std::sync::Arc<Message>>) -> Result<String, Refusal> {
    let caller = view.caller();
    let mut said = said.filter(|message| message.content.from.as_ref().is_some_and(|from| from.is(caller)));
    said.next().map(|message| message.id.clone()).ok_or_else(|| GraphError::NoSuchThread.into())
}

pub(super) fn post_to_chat(view: &View<'_>, ask: &Ask<'_>, at: usize) -> Result<Effect, Refusal> {
    of_caller(view, ask)?;
    let chat = view.chat(ask.key(at))?;
    let message = NewMessage { at: ask.now, reply_to: None, content: content(view, ask)? };
    let change = TeamsChange::PostToChat { chat: chat.chat.id.clone(), message };
    let change = Change::Teams { tenant: view.tenant_id(), change };
    Ok(Effect::then(change, StatusCode::CREATED, move |view, ask| {
        let chat = view.chat(ask.key(at))?;
        let id = own(view, chat.messages())?;
        messages::one_in_chat(view, ask, &chat.chat.id, &id)
    }))
}

pub(super) fn post_to_channel(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Result<Effect, Refusal> {
    let channel = view.channel(ask.key(0), ask.key(1))?;
    let message = NewMessage { at: ask.now, reply_to: None, content: content(view, ask)? };
    let (team, of) = (channel.team.group, channel.channel.id.clone());
    let change = TeamsChange::PostToChannel { team, channel: of, message };
    let change = Change::Teams { tenant: view.tenant_id(), change };
    Ok(Effect::then(change, StatusCode::CREATED, |view, ask| {
        let id = own(view, view.channel(ask.key(0), ask.key(1))?.roots())?;
        messages::one_in_channel(view, ask, &id, false)
    }))
}

/// <https://learn.microsoft.com/graph/api/chatmessage-post-replies>
pub(super) fn reply(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Result<Effect, Refusal> {
    let channel = view.channel(ask.key(0), ask.key(1))?;
    let Some(root) = channel.root(ask.key(2)) else {
        return Err(GraphError::NoSuchThread.because("no such message within reach of the caller"));
    };
    let message = NewMessage { at: ask.now, reply_to: Some(root.id.clone()), content: content(view, ask)? };
    let (team, of) = (channel.team.group, channel.channel.id.clone());
    let change = TeamsChange::PostToChannel { team, channel: of, message };
    let change = Change::Teams { tenant: view.tenant_id(), change };
    Ok(Effect::then(change, StatusCode::CREATED, |view, ask| {
        let channel = view.channel(ask.key(0), ask.key(1))?;
        let root = channel.root(ask.key(2)).ok_or(GraphError::NoSuchThread)?;
        let id = own(view, channel.replies(root))?;
        messages::one_reply(view, ask, &id)
    }))
}
