//! A folder: what lies in it, with a `uri` each.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::Note;
use super::super::outlook_email_search::Person;
use super::{Content, Kind, Whole, object};
use crate::graph::client::Reader;
use crate::graph::mail::{Folder, Message, Page};
use crate::graph::request::{GraphRead, MessagePage, Question};
use crate::refusal::Refusal;
use crate::resource_uri::{Mailbox, ResourceUri, Segment};

const NEWEST: u32 = 50;

pub(super) async fn read_top(graph: &Reader<'_>, mailbox: &Mailbox) -> Result<Whole, Refusal> {
    let page: Page<Folder> = graph.read(&GraphRead::Folders { mailbox, parent: None }).await?;
    let mut content = String::new();
    let folders = listed(&page.value, mailbox, &mut content);
    Ok(Whole {
        kind: Kind::Folders,
        mime_type: "text/plain".to_owned(),
        title: Some("Mail folders".to_owned()),
        metadata: object(json!({ "folders": folders })),
        content: Content::Text(content),
        notes: more(page.next.is_some()),
    })
}

pub(super) async fn read(graph: &Reader<'_>, mailbox: &Mailbox, id: &Segment) -> Result<Whole, Refusal> {
    let folder: Folder = graph.read(&GraphRead::Folder { mailbox, id }).await?;
    let mut content = String::new();
    let children = if folder.child_folder_count.unwrap_or(0) > 0 {
        let page: Page<Folder> = graph.read(&GraphRead::Folders { mailbox, parent: Some(id) }).await?;
        listed(&page.value, mailbox, &mut content)
    } else {
        Vec::new()
    };
    let question = Question::Filter { filter: "receivedDateTime ge 1970-01-01T00:00:00Z", newest_first: true, skip: 0 };
    let page = MessagePage { question, basics: false, top: NEWEST };
    let page: Page<Message> = graph.read(&GraphRead::Messages { mailbox, folder: Some(id), page }).await?;
    let messages: Vec<_> = page.value.into_iter().map(|message| newest(message, mailbox, &mut content)).collect();
    Ok(Whole {
        kind: Kind::Folder,
        mime_type: "text/plain".to_owned(),
        title: Some(folder.display_name),
        metadata: object(json!({
            "id": folder.id,
            "totalItemCount": folder.total_item_count,
            "unreadItemCount": folder.unread_item_count,
            "folders": children,
            "messages": messages,
        })),
        content: Content::Text(content),
        notes: more(page.next.is_some()),
    })
}

fn listed(folders: &[Folder], mailbox: &Mailbox, content: &mut String) -> Vec<Value> {
    let fact = |folder: &Folder| {
        let uri =
            Segment::new(folder.id.as_str()).map(|id| ResourceUri::Folder { mailbox: mailbox.clone(), id }.to_string());
        let _ = writeln!(content, "folder: {} ({})", folder.display_name, uri.as_deref().unwrap_or_default());
        json!({
            "uri": uri,
            "id": folder.id,
            "name": folder.display_name,
            "childFolderCount": folder.child_folder_count,
            "totalItemCount": folder.total_item_count,
            "unreadItemCount": folder.unread_item_count,
        })
    };
    folders.iter().map(fact).collect()
}

fn newest(message: Message, mailbox: &Mailbox, content: &mut String) -> Value {
    let uri =
        Segment::new(message.id.as_str()).map(|id| ResourceUri::Message { mailbox: mailbox.clone(), id }.to_string());
    let (subject, received) = (message.subject.unwrap_or_default(), message.received_date_time.unwrap_or_default());
    let _ = writeln!(content, "message: {received} {subject} ({})", uri.as_deref().unwrap_or_default());
    json!({
        "uri": uri,
        "subject": subject,
        "sender": message.from.or(message.sender).map(Person::of),
        "receivedDateTime": received,
        "isRead": message.is_read,
        "hasAttachments": message.has_attachments,
    })
}

fn more(there_is: bool) -> Vec<Note> {
    if there_is {
        vec![Note::new("MORE_IN_FOLDER", "There is more; outlook_email_search with `folderId` goes through all of it.")]
    } else {
        Vec::new()
    }
}
