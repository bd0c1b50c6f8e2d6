//! A message of a chat or channel as search sees it.

use fixtures::ids::UserId;
use jiff::Timestamp;

use super::{Member, Message};
use crate::search::{Document, Field, Flag, Instant};

/// A message, those it was said to, and who looks for it.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'a> {
    /// What was said.
    pub message: &'a Message,
    /// The members of the chat.
    pub to: &'a [Member],
    /// Whose mentions count; nobody's when an index is made.
    pub reader: Option<UserId>,
}

impl Document for Spoken<'_> {
    fn texts(&self, visit: &mut dyn FnMut(Field, &str)) {
        let message = self.message;
        if message.is_system() || message.deleted.is_some() {
            return;
        }
        let said = &message.content;
        for text in said.from.iter().flat_map(|from| from.name.iter().chain(&from.address)) {
            visit(Field::From, text);
        }
        let is_author = |member: &Member| said.from.as_ref().is_some_and(|from| from.is(member.user));
        for member in self.to.iter().filter(|member| !is_author(member)) {
            visit(Field::To, &member.name);
            member.email.iter().for_each(|email| visit(Field::To, email));
        }
        said.subject.iter().for_each(|subject| visit(Field::Subject, subject));
        visit(Field::Body, message.text());
        said.attachments
            .iter()
            .filter_map(|attachment| attachment.name.as_ref())
            .for_each(|name| visit(Field::Attachment, name));
        for who in said.mentions.iter().filter_map(|mention| mention.who.as_ref()) {
            visit(Field::Mention, &who.id.replace('-', ""));
        }
    }

    fn time(&self, of: Instant) -> Option<Timestamp> {
        match of {
            Instant::Received | Instant::Sent | Instant::Created => Some(self.message.created),
            Instant::Modified => Some(self.message.modified),
            Instant::Start | Instant::End => None,
        }
    }

    fn flag(&self, flag: Flag) -> Option<bool> {
        let said = &self.message.content;
        match flag {
            Flag::HasAttachments => Some(!said.attachments.is_empty()),
            // Nobody keeps what was read in a chat.
            Flag::IsRead => Some(true),
            Flag::IsMentioned => {
                let reader = self.reader?;
                Some(said.mentions.iter().any(|mention| mention.who.as_ref().is_some_and(|who| who.is(reader))))
            }
            Flag::IsDocument => None,
        }
    }
}
