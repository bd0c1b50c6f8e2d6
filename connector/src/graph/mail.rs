//! The shapes of Graph's mail, as far as they are read
//! (<https://learn.microsoft.com/graph/api/resources/message>).

use serde::Deserialize;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    /// Not optional: an answer without it is no empty page.
    pub(crate) value: Vec<T>,
    #[serde(rename = "@odata.nextLink", default)]
    pub(crate) next: Option<String>,
}

/// A message, with its body where that was asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) conversation_id: Option<String>,
    #[serde(default)]
    pub(crate) internet_message_id: Option<String>,
    #[serde(default)]
    pub(crate) subject: Option<String>,
    #[serde(default)]
    pub(crate) from: Option<Recipient>,
    #[serde(default)]
    pub(crate) sender: Option<Recipient>,
    #[serde(default)]
    pub(crate) to_recipients: Vec<Recipient>,
    #[serde(default)]
    pub(crate) cc_recipients: Vec<Recipient>,
    #[serde(default)]
    pub(crate) received_date_time: Option<String>,
    #[serde(default)]
    pub(crate) is_read: Option<bool>,
    #[serde(default)]
    pub(crate) is_draft: Option<bool>,
    #[serde(default)]
    pub(crate) flag: Option<Flag>,
    #[serde(default)]
    pub(crate) categories: Vec<String>,
    #[serde(default)]
    pub(crate) parent_folder_id: Option<String>,
    #[serde(default)]
    pub(crate) has_attachments: Option<bool>,
    #[serde(default)]
    pub(crate) body_preview: Option<String>,
    #[serde(default)]
    pub(crate) web_link: Option<String>,
    #[serde(default)]
    pub(crate) body: Option<Body>,
}

/// A person of a message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recipient {
    #[serde(default)]
    pub(crate) email_address: EmailAddress,
}

/// Name and address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct EmailAddress {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) address: Option<String>,
}

/// Follow-up flag.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Flag {
    #[serde(default)]
    pub(crate) flag_status: Option<String>,
}

/// A body.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    #[serde(default)]
    pub(crate) content_type: String,
    #[serde(default)]
    pub(crate) content: String,
}

/// A mail folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Folder {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) display_name: String,
    #[serde(default)]
    pub(crate) child_folder_count: Option<u32>,
    #[serde(default)]
    pub(crate) total_item_count: Option<u32>,
    #[serde(default)]
    pub(crate) unread_item_count: Option<u32>,
}

/// An attachment, with its content where that was asked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attachment {
    #[serde(rename = "@odata.type", default)]
    pub(crate) kind: Option<String>,
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    #[serde(default)]
    pub(crate) size: Option<u64>,
    #[serde(default)]
    pub(crate) is_inline: Option<bool>,
    #[serde(default)]
    pub(crate) content_bytes: Option<String>,
}

impl Attachment {
    /// Whether it is an Outlook item: a message, an event or a contact.
    pub(crate) fn is_item(&self) -> bool {
        self.kind.as_deref() == Some("#microsoft.graph.itemAttachment")
    }
}

/// The signed-in user.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    #[serde(default)]
    pub(crate) mail: Option<String>,
    #[serde(default)]
    pub(crate) user_principal_name: Option<String>,
}
