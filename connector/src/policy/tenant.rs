//! May this tenant, and this person, use the connector and this tool now?

use crate::caller::Caller;
use crate::resource_uri::ResourceUri;
use crate::server::admission::{Admission, Closed};

pub(super) fn admit(admission: &dyn Admission, caller: &Caller) -> Result<(), Closed> {
    admission.admit(caller.tenant(), caller.user())
}

pub(super) fn tool_enabled(admission: &dyn Admission, caller: &Caller, tool: &str) -> bool {
    admission.tool_enabled(caller.tenant(), caller.user(), tool)
}

/// What a tool finds is read as long as one of the tools that find it is on: switching a search off is no use while its hits can be
/// read by address.
pub(super) fn reading_enabled(admission: &dyn Admission, caller: &Caller, uri: &ResourceUri) -> bool {
    found_by(uri).iter().any(|tool| tool_enabled(admission, caller, tool))
}

const fn found_by(uri: &ResourceUri) -> &'static [&'static str] {
    match uri {
        ResourceUri::Message { .. }
        | ResourceUri::Attachment { .. }
        | ResourceUri::Folders { .. }
        | ResourceUri::Folder { .. } => &["outlook_email_search"],
        ResourceUri::Event { .. } => &["outlook_calendar_search"],
        ResourceUri::ChatMessage { .. }
        | ResourceUri::Chat { .. }
        | ResourceUri::Channel { .. }
        | ResourceUri::Replies { .. }
        | ResourceUri::Reply { .. }
        | ResourceUri::ChannelMessage { .. } => &["chat_message_search"],
        ResourceUri::Item { .. } | ResourceUri::Drives { .. } | ResourceUri::Site { .. } | ResourceUri::Page { .. } => {
            &["sharepoint_search", "sharepoint_folder_search"]
        }
    }
}
