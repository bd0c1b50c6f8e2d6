//! Chats, messages, members, teams and channels as JSON, in the order in which the real service writes them.

use fixtures::ids::TenantId;
use fixtures::plan::PersonKind;
use serde_json::Value;

use super::super::json::{array, boolean, fine_time, key, number, optional, string};
use super::super::view::teams::{ChannelView, ChatView, TeamView};
use super::encoded;
use crate::directory::User;
use crate::teams::{Attachment, Identity, Member, Mention, Message, Reaction};

/// An object whose members may be selected.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    select: Option<&'o [String]>,
}

impl<'o> Object<'o> {
    pub(super) fn begin(out: &'o mut Vec<u8>, select: Option<&'o [String]>) -> Self {
        out.push(b'{');
        Self { out, select }
    }

    /// Writes a member, if it is selected.
    pub(super) fn put(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let is_wanted = self.select.is_none_or(|names| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)));
        if is_wanted || name == "id" || name.contains('@') {
            self.always(name, write);
        }
    }

    /// Writes a member, selected or not.
    pub(super) fn always(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        key(self.out, name);
        write(self.out);
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        self.put(name, |out| optional(out, text));
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }
}

fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

fn time_or_null(out: &mut Vec<u8>, at: Option<jiff::Timestamp>) {
    match at {
        Some(at) => fine_time(out, at),
        None => null(out),
    }
}

/// What objects of one answer have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) tenant: TenantId,
    pub(super) select: Option<&'a [String]>,
}

/// A `chat`; `context` stands before everything, `more` after.
pub(super) fn chat(
    out: &mut Vec<u8>,
    view: &ChatView<'_>,
    common: Common<'_>,
    context: Option<&str>,
    more: impl FnOnce(&mut Object<'_>),
) {
    let chat = view.chat;
    let mut object = Object::begin(out, common.select);
    if let Some(context) = context {
        object.always("@odata.context", |out| string(out, context));
    }
    object.put("id", |out| string(out, &chat.id));
    object.text("topic", chat.topic.as_deref());
    object.put("createdDateTime", |out| fine_time(out, chat.created));
    object.put("lastUpdatedDateTime", |out| fine_time(out, chat.updated));
    object.put("chatType", |out| string(out, chat.kind.as_str()));
    object.put("webUrl", |out| {
        string(out, &format!("https://teams.microsoft.com/l/chat/{}/0?tenantId={}", encoded(&chat.id), common.tenant));
    });
    object.put("tenantId", |out| string(out, &common.tenant.to_string()));
    object.put("isHiddenForAllMembers", |out| boolean(out, false));
    object.put("viewpoint", |out| {
        out.extend_from_slice(b"{\"isHidden\":false,\"lastMessageReadDateTime\":\"0001-01-01T00:00:00Z\"}");
    });
    object.put("onlineMeetingInfo", |out| match &chat.meeting {
        None => null(out),
        Some(meeting) => {
            let mut object = Object::begin(out, None);
            object.text("calendarEventId", meeting.event.as_deref());
            object.text("joinWebUrl", meeting.join_url.as_deref());
            object.put("organizer", |out| match &meeting.organizer {
                None => null(out),
                Some(who) => identity(out, who),
            });
            object.end();
        }
    });
    more(&mut object);
    object.end();
}

/// `chatMessageInfo`, or `null` when there is no message.
pub(super) fn preview(out: &mut Vec<u8>, message: Option<&Message>) {
    let Some(message) = message else { return null(out) };
    let mut object = Object::begin(out, None);
    object.put("id", |out| string(out, &message.id));
    object.put("createdDateTime", |out| fine_time(out, message.created));
    object.put("isDeleted", |out| boolean(out, message.deleted.is_some()));
    object.put("messageType", |out| string(out, message_type(message)));
    object.put("eventDetail", |out| event(out, message.content.event.as_ref()));
    object.put("body", |out| body(out, message));
    object.put("from", |out| from(out, message.content.from.as_ref()));
    object.end();
}

/// System messages are an enumeration member that clients must ask for: without `Prefer: include-unknown-enum-members` it is unknown.
fn message_type(message: &Message) -> &'static str {
    if message.is_system() { "unknownFutureValue" } else { "message" }
}

fn body(out: &mut Vec<u8>, message: &Message) {
    let mut object = Object::begin(out, None);
    object.put("contentType", |out| string(out, message.content.kind.as_str()));
    object.put("content", |out| string(out, &message.content.body));
    object.end();
}

fn event(out: &mut Vec<u8>, event: Option<&Value>) {
    match event {
        // Writing into a vector does not fail.
        Some(event) => drop(serde_json::to_writer(out, event)),
        None => null(out),
    }
}

fn identity(out: &mut Vec<u8>, who: &Identity) {
    let mut object = Object::begin(out, None);
    if who.is_application {
        object.put("@odata.type", |out| string(out, "#microsoft.graph.teamworkApplicationIdentity"));
        object.put("id", |out| string(out, &who.id));
        object.text("displayName", who.name.as_deref());
        object.put("applicationIdentityType", |out| string(out, "bot"));
    } else {
        object.put("@odata.type", |out| string(out, "#microsoft.graph.teamworkUserIdentity"));
        object.put("id", |out| string(out, &who.id));
        object.text("displayName", who.name.as_deref());
        object.put("userIdentityType", |out| string(out, "aadUser"));
    }
    object.end();
}

fn from(out: &mut Vec<u8>, who: Option<&Identity>) {
    let Some(who) = who else { return null(out) };
    let mut object = Object::begin(out, None);
    let (user, application) = if who.is_application { (None, Some(who)) } else { (Some(who), None) };
    for (name, who) in [("application", application), ("device", None), ("user", user)] {
        object.put(name, |out| match who {
            Some(who) => identity(out, who),
            None => null(out),
        });
    }
    object.end();
}

/// Where a message is said.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Chat(&'a str),
    Channel(&'a ChannelView<'a>),
}

/// A `chatMessage`.
pub(super) fn message(
    out: &mut Vec<u8>,
    message: &Message,
    place: Place<'_>,
    tenant: TenantId,
    context: Option<&str>,
    more: impl FnOnce(&mut Object<'_>),
) {
    let said = &message.content;
    let mut object = Object::begin(out, None);
    if let Some(context) = context {
        object.always("@odata.context", |out| string(out, context));
    }
    object.put("id", |out| string(out, &message.id));
    object.text("replyToId", message.reply_to.as_deref());
    object.put("etag", |out| string(out, &message.modified.as_millisecond().to_string()));
    object.put("messageType", |out| string(out, message_type(message)));
    object.put("createdDateTime", |out| fine_time(out, message.created));
    object.put("lastModifiedDateTime", |out| fine_time(out, message.modified));
    object.put("lastEditedDateTime", |out| time_or_null(out, message.edited));
    object.put("deletedDateTime", |out| time_or_null(out, message.deleted));
    object.text("subject", said.subject.as_deref());
    object.text("summary", None);
    let (chat, channel) = match place {
        Place::Chat(chat) => (Some(chat), None),
        Place::Channel(channel) => (None, Some(channel)),
    };
    object.text("chatId", chat);
    object.put("importance", |out| string(out, said.importance.as_str()));
    object.put("locale", |out| string(out, "en-us"));
    let link = channel.map(|view| {
        let root = message.reply_to.as_deref().unwrap_or(&message.id);
        format!(
            "https://teams.microsoft.com/l/message/{}/{}?groupId={}&tenantId={tenant}&createdTime={}&parentMessageId={root}",
            encoded(&view.channel.id), message.id, view.team.group, message.id
        )
    });
    object.text("webUrl", link.as_deref());
    object.put("channelIdentity", |out| match channel {
        None => null(out),
        Some(view) => {
            let mut object = Object::begin(out, None);
            object.put("teamId", |out| string(out, &view.team.group.to_string()));
            object.put("channelId", |out| string(out, &view.channel.id));
            object.end();
        }
    });
    object.text("policyViolation", None);
    object.put("eventDetail", |out| event(out, said.event.as_ref()));
    object.put("from", |out| from(out, said.from.as_ref()));
    object.put("body", |out| body(out, message));
    object.put("attachments", |out| array(out, &said.attachments, attachment));
    object.put("mentions", |out| array(out, &said.mentions, mention));
    object.put("reactions", |out| array(out, &said.reactions, reaction));
    more(&mut object);
    object.end();
}

fn attachment(out: &mut Vec<u8>, of: &Attachment) {
    let mut object = Object::begin(out, None);
    for (name, text) in [
        ("id", &of.id),
        ("contentType", &of.content_type),
        ("contentUrl", &of.content_url),
        ("content", &of.content),
        ("name", &of.name),
        ("thumbnailUrl", &None),
        ("teamsAppId", &None),
    ] {
        object.text(name, text.as_deref());
    }
    object.end();
}

fn mention(out: &mut Vec<u8>, of: &Mention) {
    let mut object = Object::begin(out, None);
    object.put("id", |out| out.extend_from_slice(of.id.to_string().as_bytes()));
    object.text("mentionText", of.text.as_deref());
    object.put("mentioned", |out| match &of.who {
        None => null(out),
        Some(who) => {
            let mut object = Object::begin(out, None);
            for (name, is_it) in [
                ("application", who.is_application),
                ("device", false),
                ("conversation", false),
                ("user", !who.is_application),
            ] {
                object.put(name, |out| if is_it { identity(out, who) } else { null(out) });
            }
            object.end();
        }
    });
    object.end();
}

fn reaction(out: &mut Vec<u8>, of: &Reaction) {
    let mut object = Object::begin(out, None);
    object.put("reactionType", |out| string(out, &of.kind));
    object.text("displayName", None);
    object.put("createdDateTime", |out| fine_time(out, of.created));
    object.put("user", |out| match &of.who {
        Some(who) => from(out, Some(who)),
        None => out.extend_from_slice(b"{}"),
    });
    object.end();
}

/// Somebody in a chat, a channel or a team, as one shape.
pub(super) struct Person<'a> {
    pub(super) user: String,
    pub(super) name: &'a str,
    pub(super) email: Option<&'a str>,
    pub(super) roles: Vec<&'a str>,
    pub(super) since: Option<jiff::Timestamp>,
}

impl<'a> Person<'a> {
    pub(super) fn of(member: &'a Member) -> Self {
        Self {
            user: member.user.to_string(),
            name: &member.name,
            email: member.email.as_deref(),
            roles: member.roles.iter().map(String::as_str).collect(),
            since: member.since,
        }
    }

    pub(super) fn of_team(user: &'a User, is_owner: bool) -> Self {
        let roles = match (is_owner, user.kind) {
            (true, _) => vec!["owner"],
            (false, PersonKind::Guest) => vec!["guest"],
            (false, _) => Vec::new(),
        };
        Self { user: user.id.to_string(), name: &user.display_name, email: user.mail.as_deref(), roles, since: None }
    }

    /// `id`: says nothing to clients, and is the same at every request.
    pub(super) fn id(&self, of: &str, tenant: TenantId) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("1##{tenant}##{of}##{}", self.user))
    }
}

/// An `aadUserConversationMember`.
pub(super) fn member(out: &mut Vec<u8>, person: &Person<'_>, of: &str, tenant: TenantId, context: Option<&str>) {
    let mut object = Object::begin(out, None);
    if let Some(context) = context {
        object.always("@odata.context", |out| string(out, context));
    }
    object.put("@odata.type", |out| string(out, "#microsoft.graph.aadUserConversationMember"));
    object.put("id", |out| string(out, &person.id(of, tenant)));
    object.put("roles", |out| array(out, &person.roles, |out, role| string(out, role)));
    object.put("displayName", |out| string(out, person.name));
    object.put("visibleHistoryStartDateTime", |out| match person.since {
        Some(since) => fine_time(out, since),
        // All of it.
        None => string(out, "0001-01-01T00:00:00Z"),
    });
    object.put("userId", |out| string(out, &person.user));
    object.text("email", person.email);
    object.put("tenantId", |out| string(out, &tenant.to_string()));
    object.end();
}

/// A `team`: as a list shows it, or all of it.
pub(super) fn team(
    out: &mut Vec<u8>,
    view: &TeamView<'_>,
    common: Common<'_>,
    context: Option<&str>,
    counts: Option<[usize; 3]>,
) {
    let mut object = Object::begin(out, common.select);
    if let Some(context) = context {
        object.always("@odata.context", |out| string(out, context));
    }
    let is_whole = counts.is_some();
    object.put("id", |out| string(out, &view.group.id.to_string()));
    object.put("createdDateTime", |out| if is_whole { fine_time(out, view.team.created) } else { null(out) });
    object.put("displayName", |out| string(out, &view.group.display_name));
    object.text("description", view.team.description.as_deref());
    object.put("visibility", |out| if is_whole { string(out, view.team.visibility.as_str()) } else { null(out) });
    object.put("tenantId", |out| string(out, &common.tenant.to_string()));
    object.put("isArchived", |out| boolean(out, false));
    for (name, value) in [("internalId", None), ("classification", None), ("specialization", None), ("webUrl", None)] {
        object.text(name, value);
    }
    if let Some([owners, members, guests]) = counts {
        object.put("summary", |out| {
            let mut object = Object::begin(out, None);
            for (name, count) in [("ownersCount", owners), ("membersCount", members), ("guestsCount", guests)] {
                object.put(name, |out| number(out, count));
            }
            object.end();
        });
    }
    object.end();
}

/// A `channel`.
pub(super) fn channel(out: &mut Vec<u8>, view: &ChannelView<'_>, common: Common<'_>, context: Option<&str>) {
    let channel = view.channel;
    let mut object = Object::begin(out, common.select);
    if let Some(context) = context {
        object.always("@odata.context", |out| string(out, context));
    }
    object.put("id", |out| string(out, &channel.id));
    object.put("createdDateTime", |out| fine_time(out, channel.created));
    object.put("displayName", |out| string(out, &channel.name));
    object.text("description", channel.description.as_deref());
    object.text("isFavoriteByDefault", None);
    object.put("email", |out| string(out, ""));
    object.put("tenantId", |out| string(out, &common.tenant.to_string()));
    object.put("webUrl", |out| {
        string(
            out,
            &format!(
                "https://teams.microsoft.com/l/channel/{}/{}?groupId={}&tenantId={}",
                encoded(&channel.id),
                encoded(&channel.name),
                view.team.group,
                common.tenant
            ),
        );
    });
    object.put("membershipType", |out| string(out, channel.kind.as_str()));
    object.put("isArchived", |out| boolean(out, false));
    object.end();
}
