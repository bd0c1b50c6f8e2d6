//! What searches find, as far as one principal may see it: trimmed here, before anything is counted.

use std::sync::Arc;

use super::teams::{ChannelView, ChatView};
use super::{MailboxView, View};
use crate::graph::odata::kql::Kql;
use crate::mailbox::Message;
use crate::teams::{self, Spoken};

/// Where something was said.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) enum Conversation<'a> {
    Chat(ChatView<'a>),
    Channel(ChannelView<'a>),
}

/// Something that was said.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct Said<'a> {
    pub(in crate::graph) message: &'a Arc<teams::Message>,
    pub(in crate::graph) place: Conversation<'a>,
}

impl<'a> View<'a> {
    /// Whether the caller may search mail, events and what is said.
    pub(in crate::graph) fn searches(&self) -> bool {
        (self.rules.searches)(self.tenant, self.principal.user)
    }

    /// What was said in the caller's chats, if `in_chats`, and in channels that are open to them, if `in_channels`.
    pub(in crate::graph) fn said(&self, query: &Kql, in_chats: bool, in_channels: bool) -> Vec<Said<'a>> {
        let reader = Some(self.principal.user);
        let mut found = Vec::new();
        for chat in self.chats().filter(|_| in_chats) {
            let (thread, to) = (&chat.chat.thread, chat.chat.members.as_slice());
            let spoken = |at| thread.at(at).map(|message| Spoken { message, to, reader });
            let visible = query.select(thread.search_index(to), &spoken);
            let messages = visible.iter().filter_map(|at| thread.at(at)).filter(|message| chat.shows(message));
            found.extend(messages.map(|message| Said { message, place: Conversation::Chat(chat) }));
        }
        for channel in self.channels().filter(|_| in_channels) {
            let thread = &channel.channel.thread;
            let spoken = |at| thread.at(at).map(|message| Spoken { message, to: &[], reader });
            let messages = query.select(thread.search_index(&[]), &spoken);
            let messages = messages.iter().filter_map(|at| thread.at(at));
            found.extend(messages.map(|message| Said { message, place: Conversation::Channel(channel) }));
        }
        // Neither what happened nor what was deleted is found.
        found.retain(|said| !said.message.is_system() && said.message.deleted.is_none());
        found
    }
}

impl<'a> MailboxView<'a> {
    /// Visible messages that match, newest first.
    pub(in crate::graph) fn found(&self, query: &Kql) -> Vec<&'a Arc<Message>> {
        let messages = self.mailbox.messages();
        let found = query.select(self.mailbox.search_index(), &|at| messages.get(at).map(AsRef::as_ref));
        found.iter().filter_map(|at| messages.get(at)).filter(|message| self.shows(message.folder)).collect()
    }
}
