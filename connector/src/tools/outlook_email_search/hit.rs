//! How does a message look in a list?

use rmcp::schemars;
use schemars::JsonSchema;
use serde::Serialize;

use super::folder::Named;
use crate::graph::mail::{Message, Recipient};
use crate::resource_uri::{Mailbox, ResourceUri, Segment};

/// One message.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hit {
    /// For read_resource.
    uri: Option<String>,
    id: String,
    conversation_id: Option<String>,
    internet_message_id: Option<String>,
    subject: Option<String>,
    sender: Option<Person>,
    to: Vec<Person>,
    cc: Vec<Person>,
    /// `to` and `cc` together.
    recipients: Vec<Person>,
    received_date_time: Option<String>,
    is_read: Option<bool>,
    flag: Option<String>,
    categories: Vec<String>,
    folder: FolderFacts,
    /// Attachments that are not inline.
    has_attachments: Option<bool>,
    /// The first words.
    summary: Option<String>,
    web_link: Option<String>,
}

/// Name and address.
#[derive(Clone, Serialize, JsonSchema)]
pub(in super::super) struct Person {
    name: Option<String>,
    address: Option<String>,
}

/// Where a message lies. The name is given when the search was for one folder.
#[derive(Serialize, JsonSchema)]
struct FolderFacts {
    id: Option<String>,
    name: Option<String>,
}

impl Person {
    pub(in super::super) fn of(recipient: Recipient) -> Self {
        Self { name: recipient.email_address.name, address: recipient.email_address.address }
    }
}

pub(super) fn of(message: Message, mailbox: &Mailbox, folder: Option<&Named>) -> Hit {
    let to: Vec<_> = message.to_recipients.into_iter().map(Person::of).collect();
    let cc: Vec<_> = message.cc_recipients.into_iter().map(Person::of).collect();
    let uri =
        Segment::new(message.id.as_str()).map(|id| ResourceUri::Message { mailbox: mailbox.clone(), id }.to_string());
    Hit {
        uri,
        id: message.id,
        conversation_id: message.conversation_id,
        internet_message_id: message.internet_message_id,
        subject: message.subject,
        sender: message.from.or(message.sender).map(Person::of),
        recipients: to.iter().chain(&cc).cloned().collect(),
        to,
        cc,
        received_date_time: message.received_date_time,
        is_read: message.is_read,
        flag: message.flag.and_then(|flag| flag.flag_status),
        categories: message.categories,
        folder: FolderFacts { id: message.parent_folder_id, name: folder.map(|folder| folder.name.clone()) },
        has_attachments: message.has_attachments,
        summary: message.body_preview,
        web_link: message.web_link,
    }
}
