//! Teams: chats with their members and messages, teams, channels.

mod channels;
mod chats;
mod messages;
mod query;
mod shape;
mod write;

use super::answer::Answer;
use super::effect::{WriteRoute, Writer};
use super::error::{GraphError, Refusal};
use super::route::{Ask, Handler, Route, Under, Verb, Workload};
use super::view::View;

/// Names and members of chats.
const BASIC: &[&str] = &["Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite"];
/// What is said in them.
const CHAT: &[&str] = &["Chat.Read", "Chat.ReadWrite"];
/// One message; these scopes of groups are published for it too.
const CHAT_MESSAGE: &[&str] = &["Chat.Read", "Chat.ReadWrite", "Group.Read.All", "Group.ReadWrite.All"];
const CHAT_MEMBERS: &[&str] =
    &["ChatMember.Read", "Chat.ReadBasic", "Chat.Read", "ChatMember.ReadWrite", "Chat.ReadWrite"];
const JOINED: &[&str] = &[
    "Team.ReadBasic.All",
    "TeamSettings.Read.All",
    "TeamSettings.ReadWrite.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const TEAM: &[&str] = &[
    "Team.ReadBasic.All",
    "TeamSettings.Read.All",
    "TeamSettings.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const TEAM_MEMBERS: &[&str] = &["TeamMember.Read.All", "TeamMember.ReadWrite.All"];
const CHANNEL: &[&str] = &[
    "Channel.ReadBasic.All",
    "ChannelSettings.Read.All",
    "ChannelSettings.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const CHANNELS: &[&str] = &["Channel.ReadBasic.All", "ChannelSettings.Read.All", "ChannelSettings.ReadWrite.All"];
const CHANNEL_MEMBERS: &[&str] =
    &["ChannelMember.Read.All", "ChannelMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"];
const CHANNEL_MESSAGES: &[&str] = &["ChannelMessage.Read.All", "Group.Read.All", "Group.ReadWrite.All"];

const fn row(under: Under, template: &'static str, scopes: &'static [&'static str], handler: Handler) -> Route {
    Route { verb: Verb::Get, under, template, own: scopes, others: scopes, workload: Workload::Teams, handler }
}

const fn own(template: &'static str, scopes: &'static [&'static str], handler: Handler) -> Route {
    row(Under::Owner, template, scopes, handler)
}

const fn root(template: &'static str, scopes: &'static [&'static str], handler: Handler) -> Route {
    Route { others: &[], ..row(Under::Root, template, scopes, handler) }
}

/// The rows.
pub(super) const ROUTES: &[Route] = &[
    own("/chats/getAllMessages", CHAT, not_delegated),
    own("/chats", BASIC, chats::list),
    own("/chats/{id}", BASIC, chats::read),
    own("/chats/{id}/members", CHAT_MEMBERS, chats::members),
    own("/chats/{id}/members/{id}", CHAT_MEMBERS, chats::member),
    own("/chats/{id}/messages", CHAT, messages::list_in_chat),
    own("/chats/{id}/messages/{id}", CHAT_MESSAGE, messages::read_in_chat),
    root("/chats/getAllMessages", CHAT, not_delegated),
    root("/chats", BASIC, chats::list),
    root("/chats/{id}", BASIC, chats::read),
    root("/chats/{id}/members", CHAT_MEMBERS, chats::members),
    root("/chats/{id}/members/{id}", CHAT_MEMBERS, chats::member),
    root("/chats/{id}/messages", CHAT, messages::list_in_chat),
    root("/chats/{id}/messages/{id}", CHAT_MESSAGE, messages::read_in_chat),
    own("/joinedTeams", JOINED, channels::joined),
    root("/teams/{id}", TEAM, channels::team),
    root("/teams/{id}/members", TEAM_MEMBERS, channels::team_members),
    root("/teams/{id}/channels", CHANNEL, channels::list),
    root("/teams/{id}/allChannels", CHANNELS, channels::list),
    root("/teams/{id}/primaryChannel", CHANNELS, channels::primary),
    root("/teams/{id}/channels/getAllMessages", CHANNEL_MESSAGES, not_delegated),
    root("/teams/{id}/channels/{id}", CHANNEL, channels::read),
    root("/teams/{id}/channels/{id}/members", CHANNEL_MEMBERS, channels::members),
    root("/teams/{id}/channels/{id}/messages", CHANNEL_MESSAGES, messages::list_in_channel),
    root("/teams/{id}/channels/{id}/messages/{id}", CHANNEL_MESSAGES, messages::read_in_channel),
    root("/teams/{id}/channels/{id}/messages/{id}/replies", CHANNEL_MESSAGES, messages::replies),
    root("/teams/{id}/channels/{id}/messages/{id}/replies/{id}", CHANNEL_MESSAGES, messages::reply),
];

const SEND_CHAT: &[&str] = &["ChatMessage.Send", "Chat.ReadWrite", "Group.ReadWrite.All"];
const SEND_CHANNEL: &[&str] = &["ChannelMessage.Send", "Group.ReadWrite.All"];

const fn post(under: Under, template: &'static str, scopes: &'static [&'static str], handler: Writer) -> WriteRoute {
    let (verb, workload) = (Verb::Post, Workload::Teams);
    WriteRoute { verb, under, template, own: scopes, others: scopes, workload, at: 0, handler }
}

/// The rows that say something.
pub(super) const WRITES: &[WriteRoute] = &[
    post(Under::Root, "/chats/{id}/messages", SEND_CHAT, write::post_to_chat),
    post(Under::Owner, "/chats/{id}/messages", SEND_CHAT, write::post_to_chat),
    post(Under::Root, "/teams/{id}/channels/{id}/messages", SEND_CHANNEL, write::post_to_channel),
    post(Under::Root, "/teams/{id}/channels/{id}/messages/{id}/replies", SEND_CHANNEL, write::reply),
];

/// A key inside the quotes of `@odata.context`, and inside links: colons and at-signs are encoded, dots are not.
fn encoded(key: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    percent_encoding::utf8_percent_encode(key, KEPT).to_string()
}

/// What is for applications alone: <https://learn.microsoft.com/graph/api/chats-getallmessages>.
fn not_delegated(_: &View<'_>, _: &Ask<'_>) -> Result<Answer, Refusal> {
    Err(GraphError::NotDelegated.because("the real service answers this to applications alone"))
}

/// Another's chats and teams are asked for by nobody with a token of a user's.
fn of_caller(view: &View<'_>, ask: &Ask<'_>) -> Result<(), Refusal> {
    if view.is_own(&ask.owner) {
        Ok(())
    } else {
        Err(GraphError::Forbidden("Forbidden".to_owned())
            .because("a user's token reads the chats and teams of that user"))
    }
}
