//! A message: who wrote to whom, its text, and what is attached.

use serde_json::json;

use super::super::outlook_email_search::Person;
use super::{Content, Kind, Whole, object, text};
use crate::graph::client::Reader;
use crate::graph::mail::{Attachment, Message, Page};
use crate::graph::request::GraphRead;
use crate::refusal::Refusal;
use crate::resource_uri::{Mailbox, ResourceUri, Segment};

pub(super) async fn read(graph: &Reader<'_>, mailbox: &Mailbox, id: &Segment) -> Result<Whole, Refusal> {
    let message: Message = graph.read(&GraphRead::Message { mailbox, id }).await?;
    let mut notes = Vec::new();
    let (content, inline) = match message.body {
        None => (String::new(), false),
        Some(body) if body.content_type.eq_ignore_ascii_case("html") => {
            let inline = body.content.contains("cid:");
            (text::of_html(body.content, &mut notes).await?, inline)
        }
        Some(body) => (body.content, false),
    };
    let attachments = if message.has_attachments == Some(true) || inline {
        let page: Page<Attachment> = graph.read(&GraphRead::Attachments { mailbox, message: id }).await?;
        page.value
    } else {
        Vec::new()
    };
    let people = |people: Vec<_>| people.into_iter().map(Person::of).collect::<Vec<_>>();
    let metadata = json!({
        "id": message.id,
        "conversationId": message.conversation_id,
        "internetMessageId": message.internet_message_id,
        "sender": message.from.or(message.sender).map(Person::of),
        "to": people(message.to_recipients),
        "cc": people(message.cc_recipients),
        "receivedDateTime": message.received_date_time,
        "isRead": message.is_read,
        "isDraft": message.is_draft,
        "flag": message.flag.and_then(|flag| flag.flag_status),
        "categories": message.categories,
        "parentFolderId": message.parent_folder_id,
        "webLink": message.web_link,
        "attachments": attachments.iter().map(|attachment| facts(attachment, mailbox, id)).collect::<Vec<_>>(),
    });
    Ok(Whole {
        kind: Kind::Message,
        mime_type: "text/plain".to_owned(),
        title: message.subject,
        metadata: object(metadata),
        content: Content::Text(content),
        notes,
    })
}

fn facts(attachment: &Attachment, mailbox: &Mailbox, message: &Segment) -> serde_json::Value {
    let uri = Segment::new(attachment.id.as_str())
        .map(|id| ResourceUri::Attachment { mailbox: mailbox.clone(), message: message.clone(), id }.to_string());
    let reason = super::attachment::readable(attachment).err();
    json!({
        "uri": uri,
        "name": attachment.name,
        "contentType": attachment.content_type,
        "size": attachment.size,
        "isInline": attachment.is_inline,
        "readable": reason.is_none(),
        "reason": reason.map(|refusal| refusal.message().to_owned()),
    })
}
