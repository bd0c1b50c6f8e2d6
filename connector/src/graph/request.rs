//! The closed list of reads: what cannot be built cannot be sent.

use std::fmt::Write as _;

use jiff::Timestamp;
use percent_encoding::utf8_percent_encode;
use url::Url;

use crate::policy::links::ForeignLink;
use crate::resource_uri::{Mailbox, RESERVED, Segment};

const MESSAGE_FIELDS: &str = "id,conversationId,internetMessageId,subject,from,sender,toRecipients,ccRecipients,receivedDateTime,isRead,flag,categories,parentFolderId,hasAttachments,bodyPreview,webLink";
const BODY_FIELDS: &str = "id,conversationId,internetMessageId,subject,from,sender,toRecipients,ccRecipients,receivedDateTime,isRead,isDraft,flag,categories,parentFolderId,hasAttachments,bodyPreview,webLink,body";
const FOLDER_FIELDS: &str = "id,displayName,parentFolderId,childFolderCount,totalItemCount,unreadItemCount";
const EVENT_FIELDS: &str = "id,iCalUId,subject,bodyPreview,organizer,attendees,start,end,location,isAllDay,isCancelled,isOrganizer,isOnlineMeeting,onlineMeeting,showAs,sensitivity,categories,seriesMasterId,webLink";
const DRIVE_FIELDS: &str = "id,name,driveType,webUrl,owner";
const ITEM_FIELDS: &str =
    "id,name,size,webUrl,createdDateTime,lastModifiedDateTime,createdBy,lastModifiedBy,parentReference,file,folder";
const ATTACHMENT_FIELDS: &str = "id,name,contentType,size,isInline";

/// One GET. Every variant is one path.
#[derive(Debug, Clone)]
pub(crate) enum GraphRead<'a> {
    /// `/me`
    Me,
    /// `/mailFolders`, or the children of one.
    Folders { mailbox: &'a Mailbox, parent: Option<&'a Segment> },
    /// `/mailFolders/{id}`
    Folder { mailbox: &'a Mailbox, id: &'a Segment },
    /// `/messages`, or those of one folder.
    Messages { mailbox: &'a Mailbox, folder: Option<&'a Segment>, page: MessagePage<'a> },
    /// `/messages/{id}`
    Message { mailbox: &'a Mailbox, id: &'a Segment },
    /// `/messages/{id}/attachments`, without content.
    Attachments { mailbox: &'a Mailbox, message: &'a Segment },
    /// `/messages/{id}/attachments/{id}`, without content.
    AttachmentFacts { mailbox: &'a Mailbox, message: &'a Segment, id: &'a Segment },
    /// `/messages/{id}/attachments/{id}`
    Attachment { mailbox: &'a Mailbox, message: &'a Segment, id: &'a Segment },
    /// `/messages/{id}/attachments/{id}/$value`: an Outlook item as the file it is exported to.
    AttachedItem { mailbox: &'a Mailbox, message: &'a Segment, id: &'a Segment },
    /// `/calendarView`: occurrences from the first instant to the second, in order.
    CalendarView { mailbox: &'a Mailbox, from: Timestamp, to: Timestamp },
    /// `/events/{id}`
    Event { mailbox: &'a Mailbox, id: &'a Segment },
    /// `/chats/{id}/messages/{id}`
    ChatMessage { chat: &'a Segment, id: &'a Segment },
    /// `/chats/{id}`: what it is about.
    Chat { chat: &'a Segment },
    /// `/chats/{id}/messages`, the newest.
    ChatMessages { chat: &'a Segment },
    /// `/teams/{id}/channels/{id}/messages`, the newest that began a thread.
    ChannelMessages { team: &'a Segment, channel: &'a Segment },
    /// `/teams/{id}/channels/{id}/messages/{id}/replies`, the newest.
    Replies { team: &'a Segment, channel: &'a Segment, message: &'a Segment },
    /// `/teams/{id}/channels/{id}/messages/{id}/replies/{id}`
    Reply { team: &'a Segment, channel: &'a Segment, message: &'a Segment, id: &'a Segment },
    /// `/drives/{id}`
    Drive { drive: &'a Segment },
    /// A file or folder of a drive.
    Item { drive: &'a Segment, place: Place<'a> },
    /// What lies in a folder.
    Children { drive: &'a Segment, id: &'a Segment },
    /// `/drives/{id}/items/{id}/content`: a redirect.
    Content { drive: &'a Segment, id: &'a Segment },
    /// `/sites/{id}`
    Site { site: &'a Segment },
    /// `/sites/{id}/drives`
    SiteDrives { site: &'a Segment },
    /// `/sites/{id}/pages/{id}`, with what stands on it.
    SitePage { site: &'a Segment, page: &'a Segment },
    /// `/teams/{id}/channels/{id}/messages/{id}`
    ChannelMessage { team: &'a Segment, channel: &'a Segment, id: &'a Segment },
}

/// Where an item of a drive is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    Root,
    Id(&'a Segment),
    /// Names from the root on; not empty.
    Path(&'a [Segment]),
}

/// Which messages of a list.
#[derive(Debug, Clone)]
pub(crate) struct MessagePage<'a> {
    pub(crate) question: Question<'a>,
    /// Without what `Mail.ReadBasic` does not show.
    pub(crate) basics: bool,
    pub(crate) top: u32,
}

/// Graph has two ways to ask for messages that do not go together.
#[derive(Debug, Clone)]
pub(crate) enum Question<'a> {
    /// `$filter` and `$orderby`: complete, in order.
    Filter { filter: &'a str, newest_first: bool, skip: u32 },
    /// `$search`: ranked. `after` is the `$skiptoken` of a next link.
    Search { kql: &'a str, after: Option<&'a str> },
}

impl GraphRead<'_> {
    /// The address, built from parts. `graph` is an origin.
    pub(crate) fn url(&self, graph: &Url) -> Result<Url, ForeignLink> {
        let path = match self {
            Self::Me => "/me".to_owned(),
            Self::Folders { mailbox, parent: None } => format!("{}/mailFolders", owner(mailbox)),
            Self::Folders { mailbox, parent: Some(id) } => format!("{}/mailFolders/{id}/childFolders", owner(mailbox)),
            Self::Folder { mailbox, id } => format!("{}/mailFolders/{id}", owner(mailbox)),
            Self::Messages { mailbox, folder: None, .. } => format!("{}/messages", owner(mailbox)),
            Self::Messages { mailbox, folder: Some(id), .. } => format!("{}/mailFolders/{id}/messages", owner(mailbox)),
            Self::Message { mailbox, id } => format!("{}/messages/{id}", owner(mailbox)),
            Self::Attachments { mailbox, message } => format!("{}/messages/{message}/attachments", owner(mailbox)),
            Self::AttachmentFacts { mailbox, message, id } | Self::Attachment { mailbox, message, id } => {
                format!("{}/messages/{message}/attachments/{id}", owner(mailbox))
            }
            Self::AttachedItem { mailbox, message, id } => {
                format!("{}/messages/{message}/attachments/{id}/$value", owner(mailbox))
            }
            Self::CalendarView { mailbox, .. } => format!("{}/calendarView", owner(mailbox)),
            Self::Event { mailbox, id } => format!("{}/events/{id}", owner(mailbox)),
            Self::ChatMessage { chat, id } => format!("/chats/{chat}/messages/{id}"),
            Self::ChannelMessage { team, channel, id } => format!("/teams/{team}/channels/{channel}/messages/{id}"),
            Self::Chat { chat } => format!("/chats/{chat}"),
            Self::ChatMessages { chat } => format!("/chats/{chat}/messages"),
            Self::ChannelMessages { team, channel } => format!("/teams/{team}/channels/{channel}/messages"),
            Self::Replies { team, channel, message } => {
                format!("/teams/{team}/channels/{channel}/messages/{message}/replies")
            }
            Self::Reply { team, channel, message, id } => {
                format!("/teams/{team}/channels/{channel}/messages/{message}/replies/{id}")
            }
            Self::Drive { drive } => format!("/drives/{drive}"),
            Self::Item { drive, place: Place::Root } => format!("/drives/{drive}/root"),
            Self::Item { drive, place: Place::Id(id) } => format!("/drives/{drive}/items/{id}"),
            Self::Item { drive, place: Place::Path(names) } => {
                let names: Vec<_> = names.iter().map(Segment::to_string).collect();
                format!("/drives/{drive}/root:/{}", names.join("/"))
            }
            Self::Children { drive, id } => format!("/drives/{drive}/items/{id}/children"),
            Self::Content { drive, id } => format!("/drives/{drive}/items/{id}/content"),
            Self::Site { site } => format!("/sites/{site}"),
            Self::SiteDrives { site } => format!("/sites/{site}/drives"),
            Self::SitePage { site, page } => format!("/sites/{site}/pages/{page}/microsoft.graph.sitePage"),
        };
        let path = format!("/v1.0{path}");
        let text = format!("{}{path}{}", graph.as_str().trim_end_matches('/'), self.query());
        let url = Url::parse(&text).map_err(|_| ForeignLink)?;
        // The parser may not have understood any part of the path as more than text.
        if url.origin() == graph.origin() && url.path() == path { Ok(url) } else { Err(ForeignLink) }
    }

    fn query(&self) -> String {
        match self {
            Self::Me => query(&[("$select", "id,displayName,mail,userPrincipalName")]),
            Self::Folders { .. } => query(&[("$select", FOLDER_FIELDS), ("$top", "100")]),
            Self::Folder { .. } => query(&[("$select", FOLDER_FIELDS)]),
            Self::Message { .. } => query(&[("$select", BODY_FIELDS)]),
            Self::Attachments { .. } | Self::AttachmentFacts { .. } => query(&[("$select", ATTACHMENT_FIELDS)]),
            Self::Attachment { .. }
            | Self::AttachedItem { .. }
            | Self::ChatMessage { .. }
            | Self::ChannelMessage { .. }
            | Self::Reply { .. }
            | Self::Content { .. } => String::new(),
            Self::Chat { .. } => query(&[("$select", "id,topic,chatType,lastUpdatedDateTime")]),
            // Fifty is the most that these lists give.
            Self::ChatMessages { .. } | Self::ChannelMessages { .. } | Self::Replies { .. } => query(&[("$top", "50")]),
            Self::Drive { .. } | Self::SiteDrives { .. } => query(&[("$select", DRIVE_FIELDS)]),
            Self::Item { .. } => query(&[("$select", ITEM_FIELDS)]),
            Self::Children { .. } => query(&[("$select", ITEM_FIELDS), ("$top", "200")]),
            Self::Site { .. } => query(&[("$select", "id,displayName,webUrl,description,lastModifiedDateTime")]),
            Self::SitePage { .. } => query(&[("$expand", "canvasLayout")]),
            Self::Event { .. } => query(&[("$select", &format!("{EVENT_FIELDS},body"))]),
            Self::CalendarView { from, to, .. } => query(&[
                ("startDateTime", &from.to_string()),
                ("endDateTime", &to.to_string()),
                ("$select", EVENT_FIELDS),
                ("$orderby", "start/dateTime"),
                ("$top", "100"),
            ]),
            Self::Messages { page, .. } => {
                let top = page.top.to_string();
                let fields =
                    if page.basics { MESSAGE_FIELDS.replace(",bodyPreview", "") } else { MESSAGE_FIELDS.to_owned() };
                let select = ("$select", fields.as_str());
                match &page.question {
                    Question::Filter { filter, newest_first, skip } => {
                        let skip = skip.to_string();
                        let order = if *newest_first { "receivedDateTime desc" } else { "receivedDateTime asc" };
                        let mut parts = vec![select, ("$top", &top), ("$orderby", order), ("$filter", filter)];
                        if skip != "0" {
                            parts.push(("$skip", &skip));
                        }
                        query(&parts)
                    }
                    Question::Search { kql, after } => {
                        let search = format!("\"{}\"", kql.replace('\\', "\\\\").replace('"', "\\\""));
                        let mut parts = vec![select, ("$top", top.as_str()), ("$search", &search)];
                        if let Some(after) = after {
                            parts.push(("$skiptoken", after));
                        }
                        query(&parts)
                    }
                }
            }
        }
    }
}

fn owner(mailbox: &Mailbox) -> String {
    match mailbox {
        Mailbox::Own => "/me".to_owned(),
        Mailbox::Of(address) => format!("/users/{address}"),
    }
}

fn query(parts: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in parts {
        let separator = if query.is_empty() { '?' } else { '&' };
        let _ = write!(query, "{separator}{name}={}", utf8_percent_encode(value, RESERVED));
    }
    query
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quote_in_a_question_stays_inside_its_quotes() {
        let graph = Url::parse("https://graph.microsoft.com").unwrap();
        let mailbox = Mailbox::Own;
        for (kql, sent) in [("budget", r#""budget""#), (r#"a" OR "b"#, r#""a\" OR \"b""#), (r"ends\", r#""ends\\""#)] {
            let question = Question::Search { kql, after: None };
            let page = MessagePage { question, basics: false, top: 5 };
            let url = GraphRead::Messages { mailbox: &mailbox, folder: None, page }.url(&graph).unwrap();
            let searches: Vec<_> = url.query_pairs().filter(|(name, _)| name == "$search").collect();
            assert_eq!(searches.iter().map(|(_, value)| value.as_ref()).collect::<Vec<_>>(), [sent]);
        }
    }

    proptest! {
        #[test]
        fn no_id_leads_out_of_its_place(id in "\\PC{1,30}", owner in "[a-z]{1,5}@[a-z.%]{1,9}") {
            let graph = Url::parse("https://graph.microsoft.com").unwrap();
            let (Some(id), Some(owner)) = (Segment::new(id), Segment::address(&owner)) else { return Ok(()) };
            let mailbox = Mailbox::Of(owner);
            let url = GraphRead::Message { mailbox: &mailbox, id: &id }.url(&graph).unwrap();
            prop_assert_eq!(url.origin(), graph.origin());
            let parts: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(parts.len(), 5);
            prop_assert_eq!((parts[0], parts[1], parts[3]), ("v1.0", "users", "messages"));
        }
    }
}
