//! What is said in chats and channels.

use std::sync::Arc;

use super::super::answer::Answer;
use super::super::error::{GraphError, Refusal};
use super::super::odata::options::Kind;
use super::super::route::Ask;
use super::super::view::View;
use super::super::view::teams::ChannelView;
use super::shape::{self, Place};
use super::{encoded, of_caller, query};
use crate::graph::json::array;
use crate::teams::Message;

const PAGE: usize = 20;
const LIMIT: usize = 50;
/// Replies that `$expand` shows with one message.
const REPLIES: usize = 1000;

fn missing() -> Refusal {
    GraphError::NoSuchThread.because("no such message within reach of the caller")
}

/// <https://learn.microsoft.com/graph/api/chat-list-messages>
pub(super) fn list_in_chat(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    of_caller(view, ask)?;
    query::only(ask, &[Kind::Top, Kind::OrderBy, Kind::Filter, Kind::Count, Kind::SkipToken])?;
    let size = query::size(ask, PAGE, LIMIT)?;
    let order = query::order(ask)?;
    let bounds = query::bounds(ask, order)?;
    let chat = view.chat(ask.key(0))?;
    let mut messages: Vec<&Arc<Message>> =
        chat.messages().filter(|message| query::within(&bounds, order.of(message))).collect();
    messages.sort_by_key(|message| std::cmp::Reverse(order.of(message)));
    let (items, next) = query::page(view, ask, messages.into_iter(), size)?;
    let context = format!("{}/$metadata#chats('{}')/messages", ask.root, encoded(&chat.chat.id));
    let (place, tenant) = (Place::Chat(&chat.chat.id), view.tenant_id());
    let body = query::collection(&context, &items, next.as_deref(), |out, message| {
        shape::message(out, message, place, tenant, None, |_| ());
    });
    Ok(Answer::json(body))
}

/// <https://learn.microsoft.com/graph/api/chatmessage-get>
pub(super) fn read_in_chat(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    of_caller(view, ask)?;
    query::only(ask, &[])?;
    one_in_chat(view, ask, ask.key(0), ask.key(1))
}

/// One message of a chat: what is read, and what is answered to who posted it.
pub(super) fn one_in_chat(view: &View<'_>, ask: &Ask<'_>, chat: &str, id: &str) -> Result<Answer, Refusal> {
    let chat = view.chat(chat)?;
    let message = chat.message(id).ok_or_else(missing)?;
    let context = format!("{}/$metadata#chats('{}')/messages/$entity", ask.root, encoded(&chat.chat.id));
    let mut out = Vec::new();
    shape::message(&mut out, message, Place::Chat(&chat.chat.id), view.tenant_id(), Some(&context), |_| ());
    Ok(Answer::json(out))
}

fn context(ask: &Ask<'_>, channel: &ChannelView<'_>, root: Option<&str>, is_one: bool) -> String {
    let (team, channel) = (channel.team.group, encoded(&channel.channel.id));
    let replies = root.map_or_else(String::new, |root| format!("('{root}')/replies"));
    let entity = if is_one { "/$entity" } else { "" };
    format!("{}/$metadata#teams('{team}')/channels('{channel}')/messages{replies}{entity}", ask.root)
}

/// <https://learn.microsoft.com/graph/api/channel-list-messages>: the message with the newest reply first.
pub(super) fn list_in_channel(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[Kind::Top, Kind::Expand, Kind::SkipToken])?;
    let with_replies = expands_replies(ask)?;
    let size = query::size(ask, PAGE, LIMIT)?;
    let channel = view.channel(ask.key(0), ask.key(1))?;
    let mut roots: Vec<_> = channel.roots().collect();
    roots.sort_by_key(|message| std::cmp::Reverse(message.modified));
    let (items, next) = query::page(view, ask, roots.into_iter(), size)?;
    let body = query::collection(&context(ask, &channel, None, false), &items, next.as_deref(), |out, message| {
        write(out, view, ask, &channel, message, with_replies, None);
    });
    Ok(Answer::json(body))
}

fn expands_replies(ask: &Ask<'_>) -> Result<bool, Refusal> {
    match ask.options.expand.as_slice() {
        [] => Ok(false),
        [item] if item.name.eq_ignore_ascii_case("replies") => Ok(true),
        _ => Err(GraphError::BadRequest("The query specified in the URI is not valid.".to_owned()).into()),
    }
}

fn write(
    out: &mut Vec<u8>,
    view: &View<'_>,
    ask: &Ask<'_>,
    channel: &ChannelView<'_>,
    message: &Message,
    with_replies: bool,
    context: Option<&str>,
) {
    let tenant = view.tenant_id();
    shape::message(out, message, Place::Channel(channel), tenant, context, |object| {
        if !with_replies {
            return;
        }
        let mut replies: Vec<_> = channel.replies(message).take(REPLIES + 1).collect();
        let is_more = replies.len() > REPLIES;
        replies.truncate(REPLIES);
        let (team, of) = (channel.team.group, encoded(&channel.channel.id));
        let all = format!("teams('{team}')/channels('{of}')/messages('{}')/replies", message.id);
        object.always("replies@odata.context", |out| {
            crate::graph::json::string(out, &format!("{}/$metadata#{all}", ask.root));
        });
        object.always("replies@odata.count", |out| crate::graph::json::number(out, replies.len()));
        if is_more {
            let path = format!("/teams/{team}/channels/{of}/messages/{}/replies", message.id);
            let token =
                ask.links.token(view.principal(), &format!("{}?$skiptoken=", path.to_ascii_lowercase()), REPLIES);
            object.always("replies@odata.nextLink", |out| {
                crate::graph::json::string(out, &format!("{}{path}?$skiptoken={token}", ask.root));
            });
        }
        object.always("replies", |out| {
            array(out, &replies, |out, reply| {
                shape::message(out, reply, Place::Channel(channel), tenant, None, |_| ());
            });
        });
    });
}

pub(super) fn read_in_channel(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[Kind::Expand])?;
    let with_replies = expands_replies(ask)?;
    one_in_channel(view, ask, ask.key(2), with_replies)
}

/// One message of the channel that the path names.
pub(super) fn one_in_channel(view: &View<'_>, ask: &Ask<'_>, id: &str, with_replies: bool) -> Result<Answer, Refusal> {
    let channel = view.channel(ask.key(0), ask.key(1))?;
    let message = channel.root(id).ok_or_else(missing)?;
    let mut out = Vec::new();
    write(&mut out, view, ask, &channel, message, with_replies, Some(&context(ask, &channel, None, true)));
    Ok(Answer::json(out))
}

/// <https://learn.microsoft.com/graph/api/chatmessage-list-replies>
pub(super) fn replies(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[Kind::Top, Kind::SkipToken])?;
    let size = query::size(ask, PAGE, LIMIT)?;
    let channel = view.channel(ask.key(0), ask.key(1))?;
    let root = channel.root(ask.key(2)).ok_or_else(missing)?;
    let (items, next) = query::page(view, ask, channel.replies(root), size)?;
    let context = context(ask, &channel, Some(&root.id), false);
    let body = query::collection(&context, &items, next.as_deref(), |out, message| {
        write(out, view, ask, &channel, message, false, None);
    });
    Ok(Answer::json(body))
}

pub(super) fn reply(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[])?;
    one_reply(view, ask, ask.key(3))
}

/// One reply to the message that the path names.
pub(super) fn one_reply(view: &View<'_>, ask: &Ask<'_>, id: &str) -> Result<Answer, Refusal> {
    let channel = view.channel(ask.key(0), ask.key(1))?;
    let reply = channel.reply(ask.key(2), id).ok_or_else(missing)?;
    let mut out = Vec::new();
    write(&mut out, view, ask, &channel, reply, false, Some(&context(ask, &channel, Some(ask.key(2)), true)));
    Ok(Answer::json(out))
}
