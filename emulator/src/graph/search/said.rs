//! What was said in chats and channels, the newest first: <https://learn.microsoft.com/graph/search-concept-chat-messages>.
//!
//! What is found is not the `chatMessage` that other routes answer: its sender is a mail address, and it has no body.

use fixtures::ids::exchange_id;

use super::super::json::{fine_time, key, optional, string};
use super::super::view::View;
use super::super::view::search::{Conversation, Said};
use super::snippet::summary;
use super::{Hit, Hits, Request};
use crate::search::Phrase;

pub(super) fn search(view: &View<'_>, request: &Request, phrases: &[&Phrase]) -> Hits {
    let in_channels = view.admits(&["ChannelMessage.Read.All"]);
    let mut found = view.said(&request.query, view.shows_chats(), in_channels);
    found.sort_by_cached_key(|said| {
        (std::cmp::Reverse(said.message.created), said.message.id.clone(), place(said).to_owned())
    });
    Hits::page(request, found, true, |said| {
        let handle = format!("{}/{}", place(&said), said.message.id);
        let id = exchange_id("chatMessage", view.tenant_id(), view.caller(), &handle);
        Hit {
            resource: resource(&said, &id),
            id: id.replace('-', "/").replace('_', "+"),
            summary: summary(said.message.text(), phrases),
        }
    })
}

fn place<'a>(said: &Said<'a>) -> &'a str {
    match said.place {
        Conversation::Chat(chat) => &chat.chat.id,
        Conversation::Channel(channel) => &channel.channel.id,
    }
}

fn resource(said: &Said<'_>, id: &str) -> Vec<u8> {
    let message = said.message;
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.type");
    string(&mut out, "microsoft.graph.chatMessage");
    key(&mut out, "id");
    string(&mut out, &message.id);
    for (name, at) in [("createdDateTime", message.created), ("lastModifiedDateTime", message.modified)] {
        key(&mut out, name);
        fine_time(&mut out, at);
    }
    key(&mut out, "subject");
    string(&mut out, message.content.subject.as_deref().unwrap_or_default());
    key(&mut out, "importance");
    string(&mut out, message.content.importance.as_str());
    key(&mut out, "webLink");
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    string(&mut out, &format!("https://outlook.office365.com/owa/?ItemID={id}&exvsurl=1&viewmodel=ReadMessageItem"));
    if let Some(from) = &message.content.from {
        key(&mut out, "from");
        out.extend_from_slice(b"{\"emailAddress\":{\"name\":");
        optional(&mut out, from.name.as_deref());
        key(&mut out, "address");
        string(&mut out, from.address.as_deref().unwrap_or_default());
        out.extend_from_slice(b"}}");
    }
    key(&mut out, "channelIdentity");
    out.push(b'{');
    if let Conversation::Channel(channel) = said.place {
        key(&mut out, "teamId");
        string(&mut out, &channel.team.group.to_string());
        key(&mut out, "channelId");
        string(&mut out, &channel.channel.id);
    }
    out.push(b'}');
    key(&mut out, "etag");
    string(&mut out, &message.modified.as_millisecond().to_string());
    if let Conversation::Chat(chat) = said.place {
        key(&mut out, "chatId");
        string(&mut out, &chat.chat.id);
    }
    out.split_off(1)
}
