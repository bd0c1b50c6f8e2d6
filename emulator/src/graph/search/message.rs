//! Messages of the caller's own mailbox, the newest first: <https://learn.microsoft.com/graph/search-concept-messages>.

use super::super::error::Refusal;
use super::super::json::{array, boolean, key, optional, recipient, string, time};
use super::super::route::Owner;
use super::super::view::View;
use super::snippet::summary;
use super::{Hit, Hits, Request};
use crate::mailbox::{BodyKind, Message};
use crate::search::Phrase;

pub(super) fn search(view: &View<'_>, request: &Request, phrases: &[&Phrase]) -> Result<Hits, Refusal> {
    let mailbox = view.mailbox(&Owner::Caller)?;
    Ok(Hits::page(request, mailbox.found(&request.query), true, |message| Hit {
        // With letters that are not safe in a path, as the real service has it: it is to be translated before it is asked for.
        id: message.id.replace('-', "/").replace('_', "+"),
        summary: summary(message.body.content(BodyKind::Text).trim(), phrases),
        resource: resource(message, mailbox.folder_id(message.folder)),
    }))
}

/// No `id`: the real service leaves it out of what it finds.
fn resource(message: &Message, folder: &str) -> Vec<u8> {
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.type");
    string(&mut out, "#microsoft.graph.message");
    for (name, at) in [
        ("createdDateTime", message.received),
        ("lastModifiedDateTime", message.modified),
        ("receivedDateTime", message.received),
        ("sentDateTime", message.sent.unwrap_or(message.received)),
    ] {
        key(&mut out, name);
        time(&mut out, at);
    }
    key(&mut out, "hasAttachments");
    boolean(&mut out, message.has_attachments());
    for (name, text) in [
        ("internetMessageId", message.internet_message_id.as_deref()),
        ("subject", Some(message.subject.as_str())),
        ("bodyPreview", Some(message.body.preview())),
        ("importance", Some(message.importance.as_str())),
        ("parentFolderId", Some(folder)),
        ("conversationId", Some(message.conversation_id.as_str())),
    ] {
        key(&mut out, name);
        optional(&mut out, text);
    }
    for (name, is_so) in [("isRead", message.is_read), ("isDraft", message.is_draft)] {
        key(&mut out, name);
        boolean(&mut out, is_so);
    }
    for (name, person) in [("sender", message.sender.as_ref()), ("from", message.from.as_ref())] {
        if let Some(person) = person {
            key(&mut out, name);
            recipient(&mut out, person);
        }
    }
    key(&mut out, "replyTo");
    array(&mut out, &message.reply_to, recipient);
    out.split_off(1)
}
