//! From the conversations of an export to chats and channels: references become people, dates move, quotes find what they quote.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fixtures::ids::{GroupId, UserId};
use fixtures::plan::{Dates, Person, PersonKind, Tenant};
use fixtures::teams::{self as export, ChatKind, Conversation};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::message::{Attachment, Content, Identity, Importance, Mention, Message, Reaction};
use super::{Channel, Chat, Meeting, Member, Team, Teams, Thread};
use crate::mailbox::BodyKind;

/// What the conversations of one tenant are read with.
struct Reader<'a> {
    tenant: &'a Tenant,
    shift: SignedDuration,
}

impl Teams {
    /// Chats, teams and channels of `tenant`, their dates moved by `shift`.
    pub fn of(tenant: &Tenant, shift: SignedDuration) -> Self {
        let reader = |dates| Reader {
            tenant,
            shift: match dates {
                Dates::FollowClock => shift,
                Dates::AsWritten => SignedDuration::ZERO,
            },
        };
        let mut teams = Self::default();
        for row in &tenant.teams.chats {
            let chat = reader(row.dates).chat(&row.handle, &row.conversation);
            teams.chats.insert(chat.id.clone(), chat.into());
        }
        for row in &tenant.teams.teams {
            let Some(group) = tenant.group(&row.group).map(|group| group.id(tenant)) else { continue };
            let channels = tenant.teams.channels.iter().filter(|channel| channel.team == row.group);
            let channels =
                channels.map(|row| reader(row.dates).channel(&row.handle, &row.conversation).into()).collect();
            let team = reader(Dates::FollowClock).team(row, group, channels);
            teams.teams.insert(group, team.into());
        }
        teams
    }
}

impl Teams {
    /// The id that the chat of a row has.
    pub(crate) fn chat_id(tenant: &Tenant, row: &export::Chat) -> String {
        Reader { tenant, shift: SignedDuration::ZERO }.chat(&row.handle, &row.conversation).id
    }

    /// The id that the channel of a row has.
    pub(crate) fn channel_id(tenant: &Tenant, row: &export::Channel) -> String {
        Reader { tenant, shift: SignedDuration::ZERO }.channel(&row.handle, &row.conversation).id
    }
}

impl Reader<'_> {
    fn moved(&self, at: Timestamp) -> Timestamp {
        at.checked_add(self.shift).unwrap_or(at)
    }

    /// A person of the directory by reference, object id or address.
    fn person(&self, key: &str) -> Option<&Person> {
        let tenant = self.tenant;
        let id: Option<UserId> = key.parse().ok();
        tenant.people.iter().find(|person| {
            person.reference(tenant) == key
                || id == Some(person.id(tenant))
                || person.upn(tenant).eq_ignore_ascii_case(key)
                || person.mail(tenant).is_some_and(|mail| mail.eq_ignore_ascii_case(key))
        })
    }

    fn identity(&self, id: Option<&str>, name: Option<&str>) -> Identity {
        match id.and_then(|id| self.person(id)) {
            Some(person) => Identity {
                id: person.id(self.tenant).to_string(),
                name: Some(person.display_name.clone()),
                is_application: false,
                address: person.mail(self.tenant),
            },
            None => Identity {
                id: id.unwrap_or_default().to_owned(),
                name: name.map(str::to_owned),
                is_application: false,
                address: None,
            },
        }
    }

    fn who(&self, set: &export::IdentitySet) -> Option<Identity> {
        let of = |identity: &export::Identity| self.identity(identity.id.as_deref(), identity.display_name.as_deref());
        match (&set.user, &set.application) {
            (Some(user), _) => Some(of(user)),
            (None, Some(application)) => Some(Identity { is_application: true, ..of(application) }),
            (None, None) => None,
        }
    }

    fn member(&self, member: &export::Member) -> Member {
        let key = member.user_id.as_deref().or(member.email.as_deref()).unwrap_or_default();
        let since = member.visible_history_start_date_time.map(|since| self.moved(since));
        let mut roles = member.roles.clone();
        match self.person(key) {
            Some(person) => {
                if person.kind == PersonKind::Guest {
                    roles = vec!["guest".to_owned()];
                }
                let (user, email) = (person.id(self.tenant), person.mail(self.tenant));
                Member { user, name: person.display_name.clone(), email, roles, since }
            }
            // Somebody whom this directory does not know: nobody who can sign in here.
            None => Member {
                user: key.parse().unwrap_or_else(|_| UserId::derived(&format!("{}/teams/{key}", self.tenant.name))),
                name: member.display_name.clone().unwrap_or_default(),
                email: member.email.clone(),
                roles,
                since,
            },
        }
    }

    fn chat(&self, handle: &str, from: &Conversation) -> Chat {
        let kind = from.chat_type.unwrap_or(ChatKind::Group);
        let members: Vec<_> = from.members.iter().map(|member| self.member(member)).collect();
        let created = self.moved(from.created_date_time);
        let changes = from.messages.iter().filter(|message| message.event_detail.is_some());
        let updated = changes.map(|message| self.moved(message.created_date_time)).max().unwrap_or(created);
        let id = from.id.clone().unwrap_or_else(|| match (kind, members.as_slice()) {
            (ChatKind::OneOnOne, [one, two]) => format!("19:{}_{}@unq.gbl.spaces", one.user, two.user),
            (ChatKind::Meeting, _) => {
                let name = STANDARD.encode(hex(self, handle).get(..36).unwrap_or_default());
                format!("19:meeting_{}@thread.v2", name.trim_end_matches('='))
            }
            _ => format!("19:{}@thread.v2", hex(self, handle).get(..32).unwrap_or_default()),
        });
        let meeting = from.online_meeting_info.as_ref().map(|meeting| Meeting {
            join_url: meeting.join_web_url.clone(),
            event: meeting.calendar_event_id.clone(),
            organizer: meeting
                .organizer
                .as_ref()
                .map(|who| self.identity(who.id.as_deref(), who.display_name.as_deref())),
        });
        let topic = from.topic.clone();
        Chat { id, kind, topic, created, updated, meeting, members, thread: self.thread(from) }
    }

    fn team(&self, row: &export::Team, group: GroupId, channels: Vec<std::sync::Arc<Channel>>) -> Team {
        Team {
            group,
            owners: row.owners.iter().filter_map(|owner| Some(self.person(owner)?.id(self.tenant))).collect(),
            description: row.description.clone(),
            visibility: row.visibility,
            created: self.moved(row.created),
            channels,
        }
    }

    fn channel(&self, handle: &str, from: &Conversation) -> Channel {
        Channel {
            id: from
                .id
                .clone()
                .unwrap_or_else(|| format!("19:{}@thread.tacv2", hex(self, handle).get(..32).unwrap_or_default())),
            name: from.display_name.clone().unwrap_or_default(),
            description: from.description.clone(),
            kind: from.membership_type.unwrap_or(export::ChannelKind::Standard),
            created: self.moved(from.created_date_time),
            members: from.members.iter().map(|member| self.member(member)).collect(),
            thread: self.thread(from),
        }
    }

    /// Two messages of one millisecond would have one id: the later row is of the next.
    fn thread(&self, from: &Conversation) -> Thread {
        let mut taken = std::collections::BTreeSet::new();
        let mut found = Vec::new();
        for root in &from.messages {
            let mut first = self.message(root, from, None);
            settle(&mut first, &mut taken);
            for reply in &root.replies {
                let mut reply = self.message(reply, from, Some(first.id.clone()));
                settle(&mut reply, &mut taken);
                first.modified = first.modified.max(reply.created);
                found.push(reply);
            }
            found.push(first);
        }
        Thread::of(found)
    }

    fn message(&self, from: &export::Message, within: &Conversation, reply_to: Option<String>) -> Message {
        let created = self.moved(from.created_date_time);
        let shift = i64::try_from(self.shift.as_millis()).unwrap_or_default();
        let number = from.id.as_ref().and_then(|id| id.parse().ok()).map(|id: i64| id.saturating_add(shift));
        let attachments: Vec<_> =
            from.attachments.iter().map(|attachment| self.attachment(attachment, within)).collect();
        let mut body = from.body.content.clone().unwrap_or_default();
        for (written, read) in from.attachments.iter().zip(&attachments) {
            if let (Some(written), Some(read)) = (&written.id, &read.id) {
                body = body.replace(&format!("id=\"{written}\""), &format!("id=\"{read}\""));
            }
        }
        let content = Content {
            from: from.from.as_ref().and_then(|from| self.who(from)),
            subject: from.subject.clone(),
            importance: from.importance.as_deref().and_then(Importance::named).unwrap_or_default(),
            kind: if from.body.content_type.eq_ignore_ascii_case("text") { BodyKind::Text } else { BodyKind::Html },
            body,
            mentions: from
                .mentions
                .iter()
                .map(|mention| Mention {
                    id: mention.id,
                    text: mention.mention_text.clone(),
                    who: mention.mentioned.as_ref().and_then(|who| self.who(who)),
                })
                .collect(),
            attachments,
            reactions: from
                .reactions
                .iter()
                .map(|reaction| Reaction {
                    kind: reaction.reaction_type.clone(),
                    created: self.moved(reaction.created_date_time),
                    who: self.who(&reaction.user),
                })
                .collect(),
            event: from.event_detail.as_ref().map(|event| self.event(event)),
        };
        let mut message = Message::new(number.unwrap_or_else(|| created.as_millisecond()), reply_to, created, content);
        let reacted = message.content.reactions.iter().map(|reaction| reaction.created).max();
        message.edited = from.last_edited_date_time.map(|at| self.moved(at));
        message.modified = [message.edited, reacted].into_iter().flatten().fold(created, Timestamp::max);
        if let Some(at) = from.deleted_date_time {
            message.delete(self.moved(at));
        }
        message
    }

    /// A quote whose id is a time quotes the message of that time.
    fn attachment(&self, from: &export::Attachment, within: &Conversation) -> Attachment {
        let mut attachment = Attachment {
            id: from.id.clone(),
            content_type: from.content_type.clone(),
            content_url: from.content_url.clone(),
            content: from.content.clone(),
            name: from.name.clone(),
        };
        let quoted: Option<Timestamp> = from.id.as_deref().and_then(|id| id.parse().ok());
        let quoted = quoted.and_then(|at| within.messages.iter().find(|message| message.created_date_time == at));
        if let Some(quoted) = quoted.filter(|_| from.content_type.as_deref() == Some("messageReference")) {
            let id = self.moved(quoted.created_date_time).as_millisecond().to_string();
            let sender = quoted.from.as_ref().and_then(|from| self.who(from));
            let text = super::text::of_html(quoted.body.content.as_deref().unwrap_or_default());
            let content = json!({
                "messageId": id, "messagePreview": text,
                "messageSender": { "application": null, "device": null, "user": {
                    "userIdentityType": "aadUser", "tenantId": self.tenant.id,
                    "id": sender.as_ref().map(|sender| &sender.id), "displayName": sender.as_ref().and_then(|sender| sender.name.as_ref()),
                } },
            });
            attachment.content = Some(content.to_string());
            attachment.id = Some(id);
        }
        attachment
    }

    /// The detail with people for references and moved dates, whatever its kind is.
    fn event(&self, detail: &Value) -> Value {
        match detail {
            Value::Object(map) => {
                let of = |name: &str, value: &Value| match value {
                    Value::String(text) if name == "id" => {
                        let person = self.person(text);
                        Value::from(person.map_or_else(|| text.clone(), |person| person.id(self.tenant).to_string()))
                    }
                    Value::String(text) if name.ends_with("DateTime") => {
                        let at = text.parse().map(|at: Timestamp| self.moved(at).to_string());
                        Value::from(at.unwrap_or_else(|_| text.clone()))
                    }
                    value => self.event(value),
                };
                let mut read: serde_json::Map<_, _> =
                    map.iter().map(|(name, value)| (name.clone(), of(name, value))).collect();
                if read.contains_key("userIdentityType") && !read.contains_key("@odata.type") {
                    read.insert("@odata.type".to_owned(), Value::from("#microsoft.graph.teamworkUserIdentity"));
                }
                Value::Object(read)
            }
            Value::Array(items) => items.iter().map(|item| self.event(item)).collect(),
            other => other.clone(),
        }
    }
}

fn settle(message: &mut Message, taken: &mut std::collections::BTreeSet<i64>) {
    while !taken.insert(message.number) {
        message.number = message.number.saturating_add(1);
        message.id = message.number.to_string();
    }
}

/// 64 hexadecimal digits that follow from tenant and handle.
fn hex(reader: &Reader<'_>, handle: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(reader.tenant.id.to_string());
    hash.update(handle);
    format!("{:x}", hash.finalize())
}
