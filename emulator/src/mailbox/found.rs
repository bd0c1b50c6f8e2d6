//! A message as search sees it.

use jiff::Timestamp;

use super::{BodyKind, Importance, Message};
use crate::search::{Document, Field, Flag, Instant};

impl Document for &Message {
    fn texts(&self, visit: &mut dyn FnMut(Field, &str)) {
        let message = *self;
        let from =
            message.from.iter().chain(message.sender.iter().filter(|sender| message.from.as_ref() != Some(*sender)));
        for (field, people) in [
            (Field::From, from.collect::<Vec<_>>()),
            (Field::To, message.to.iter().collect()),
            (Field::Cc, message.cc.iter().collect()),
            (Field::Bcc, message.bcc.iter().collect()),
        ] {
            for person in people {
                visit(field, &person.name);
                visit(field, &person.address);
            }
        }
        visit(Field::Subject, &message.subject);
        visit(Field::Body, message.body.content(BodyKind::Text));
        message.attachments.iter().for_each(|attachment| visit(Field::Attachment, &attachment.name));
        message.categories.iter().for_each(|category| visit(Field::Category, category));
    }

    fn time(&self, of: Instant) -> Option<Timestamp> {
        match of {
            Instant::Received | Instant::Created => Some(self.received),
            Instant::Sent => Some(self.sent.unwrap_or(self.received)),
            Instant::Modified => Some(self.modified),
            Instant::Start | Instant::End => None,
        }
    }

    fn flag(&self, flag: Flag) -> Option<bool> {
        match flag {
            Flag::HasAttachments => Some(self.has_attachments()),
            Flag::IsRead => Some(self.is_read),
            Flag::IsMentioned | Flag::IsDocument => None,
        }
    }

    fn size(&self) -> Option<u64> {
        Some(self.mime.len() as u64)
    }

    fn importance(&self) -> Option<Importance> {
        Some(self.importance)
    }
}
