//! Chats, teams and channels as rows and files: the plan's conversations with what was said since at their end.

use std::collections::BTreeSet;

use fixtures::plan::Tenant;
use fixtures::teams::{self as export, Conversation};
use jiff::SignedDuration;

use super::{Saving, earlier};
use crate::mailbox::BodyKind;
use crate::teams::{Content, Identity, Message, Teams, Thread};
use crate::world::TenantWorld;

pub(super) fn write(saving: &Saving<'_>, tenant: &TenantWorld, now: &Teams, rows: &mut Tenant) {
    let Some(planned) = saving.plan.tenant(&tenant.name) else { return };
    rows.teams.clone_from(&planned.teams);
    let Some(start) = saving.start.tenant(tenant.id).map(|tenant| &tenant.teams) else { return };
    if start.fingerprint() == now.fingerprint() {
        return;
    }
    let writer = Writer { tenant, shift: saving.shift };
    for row in &mut rows.teams.chats {
        let id = Teams::chat_id(planned, row);
        if let (Some(before), Some(after)) = (start.chat(&id), now.chat(&id)) {
            writer.add(&before.thread, &after.thread, &mut row.conversation);
        }
    }
    for row in &mut rows.teams.channels {
        let Some(group) = planned.group(&row.team).map(|group| group.id(planned)) else { continue };
        let id = Teams::channel_id(planned, row);
        let channel = |teams: &'_ Teams| teams.team(group).and_then(|team| team.channel(&id)).cloned();
        if let (Some(before), Some(after)) = (channel(start), channel(now)) {
            writer.add(&before.thread, &after.thread, &mut row.conversation);
        }
    }
}

struct Writer<'a> {
    tenant: &'a TenantWorld,
    shift: SignedDuration,
}

impl Writer<'_> {
    /// Puts what came into a thread at the end of its conversation; replies to where they belong.
    fn add(&self, before: &Thread, after: &Thread, conversation: &mut Conversation) {
        let known: BTreeSet<&str> = before.messages().map(|message| message.id.as_str()).collect();
        for message in after.messages().filter(|message| !known.contains(message.id.as_str())) {
            let row = self.message(message);
            match &message.reply_to {
                None => conversation.messages.push(row),
                Some(root) => {
                    let root = after.message(root).map(|root| (self.number(root), earlier(root.created, self.shift)));
                    let is_root = |row: &&mut export::Message| match (&row.id, &root) {
                        (Some(id), Some((number, _))) => id == number,
                        (None, Some((_, created))) => row.created_date_time == *created,
                        (_, None) => false,
                    };
                    if let Some(root) = conversation.messages.iter_mut().find(is_root) {
                        root.replies.push(row);
                    }
                }
            }
        }
    }

    /// The id where the plan's dates are.
    fn number(&self, message: &Message) -> String {
        let moved = i64::try_from(self.shift.as_millis()).unwrap_or_default();
        message.id.parse().map_or_else(|_| message.id.clone(), |id: i64| id.saturating_sub(moved).to_string())
    }

    fn message(&self, message: &Message) -> export::Message {
        let Content { from, subject, importance, kind, body, mentions, attachments, reactions, event } =
            &message.content;
        export::Message {
            id: Some(self.number(message)),
            created_date_time: earlier(message.created, self.shift),
            last_edited_date_time: message.edited.map(|at| earlier(at, self.shift)),
            deleted_date_time: message.deleted.map(|at| earlier(at, self.shift)),
            message_type: None,
            from: from.as_ref().map(|who| self.who(who)),
            subject: subject.clone(),
            importance: Some(importance.as_str().to_owned()),
            body: export::Body {
                content_type: if *kind == BodyKind::Text { "text" } else { "html" }.to_owned(),
                content: Some(body.clone()),
            },
            mentions: mentions
                .iter()
                .map(|mention| export::Mention {
                    id: mention.id,
                    mention_text: mention.text.clone(),
                    mentioned: mention.who.as_ref().map(|who| self.who(who)),
                })
                .collect(),
            attachments: attachments
                .iter()
                .map(|attachment| export::Attachment {
                    id: attachment.id.clone(),
                    content_type: attachment.content_type.clone(),
                    content_url: attachment.content_url.clone(),
                    content: attachment.content.clone(),
                    name: attachment.name.clone(),
                })
                .collect(),
            reactions: reactions
                .iter()
                .filter_map(|reaction| {
                    Some(export::Reaction {
                        reaction_type: reaction.kind.clone(),
                        created_date_time: earlier(reaction.created, self.shift),
                        user: self.who(reaction.who.as_ref()?),
                    })
                })
                .collect(),
            event_detail: event.clone(),
            replies: Vec::new(),
            unread: export::Unread::new(),
        }
    }

    /// A person of the directory by reference; anybody else by name.
    fn who(&self, who: &Identity) -> export::IdentitySet {
        let reference = who.id.parse().ok().and_then(|user| self.tenant.reference(user));
        let id = if who.is_application { Some(who.id.clone()) } else { reference };
        let identity = Some(export::Identity { id, display_name: who.name.clone() });
        if who.is_application {
            export::IdentitySet { user: None, application: identity }
        } else {
            export::IdentitySet { user: identity, application: None }
        }
    }
}
