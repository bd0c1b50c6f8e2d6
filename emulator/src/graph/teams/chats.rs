//! `/chats`, and who is in them.

use super::super::answer::Answer;
use super::super::error::{GraphError, Refusal};
use super::super::odata::options::Kind;
use super::super::odata::record::{self, Record, Type, Value};
use super::super::route::Ask;
use super::super::view::View;
use super::super::view::teams::ChatView;
use super::shape::{self, Common, Person};
use super::{encoded, of_caller, query};
use crate::graph::json::array;

const PAGE: usize = 20;
const LIMIT: usize = 50;

/// What is shown beside the chat itself.
#[derive(Debug, Clone, Copy)]
struct Expanded {
    members: bool,
    preview: bool,
}

fn expanded(view: &View<'_>, ask: &Ask<'_>) -> Result<Expanded, Refusal> {
    let mut found = Expanded { members: false, preview: false };
    for item in &ask.options.expand {
        match item.name.to_ascii_lowercase().as_str() {
            "members" => found.members = true,
            "lastmessagepreview" => {
                if !view.shows_chats() {
                    let reason = "what is said in chats needs Chat.Read; the token holds Chat.ReadBasic";
                    return Err(GraphError::Forbidden("Forbidden".to_owned()).because(reason));
                }
                found.preview = true;
            }
            _ => {
                return Err(GraphError::BadRequest(format!(
                    "Parsing OData Select and Expand failed: Could not find a property named '{:.40}' on type 'microsoft.graph.chat'.",
                    item.name
                ))
                .into());
            }
        }
    }
    Ok(found)
}

fn write(
    out: &mut Vec<u8>,
    view: &View<'_>,
    ask: &Ask<'_>,
    chat: &ChatView<'_>,
    expanded: Expanded,
    context: Option<&str>,
) {
    let tenant = view.tenant_id();
    let common = Common { tenant, select: ask.options.select.as_deref() };
    shape::chat(out, chat, common, context, |object| {
        if expanded.preview {
            object.always("lastMessagePreview", |out| {
                shape::preview(out, chat.messages().next().map(AsRef::as_ref));
            });
        }
        if expanded.members {
            object.always("members", |out| {
                array(out, &chat.chat.members, |out, member| {
                    shape::member(out, &Person::of(member), &chat.chat.id, tenant, None);
                });
            });
        }
    });
}

struct Filtered<'a>(&'a ChatView<'a>);

const SCHEMA: &record::Schema = &[
    ("id", Type::Text),
    ("topic", Type::Text),
    ("chatType", Type::Text),
    ("createdDateTime", Type::Time),
    ("lastUpdatedDateTime", Type::Time),
    ("lastMessagePreview/createdDateTime", Type::Time),
];

impl Record for Filtered<'_> {
    fn value(&self, name: &str) -> Value<'_> {
        let chat = self.0.chat;
        match name {
            "id" => Value::Text(&chat.id),
            "topic" => chat.topic.as_deref().map_or(Value::Null, Value::Text),
            "chatType" => Value::Text(chat.kind.as_str()),
            "createdDateTime" => Value::Time(chat.created),
            "lastUpdatedDateTime" => Value::Time(chat.updated),
            "lastMessagePreview/createdDateTime" => {
                self.0.messages().next().map_or(Value::Null, |message| Value::Time(message.created))
            }
            _ => Value::Null,
        }
    }
}

/// <https://learn.microsoft.com/graph/api/chat-list>
pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    of_caller(view, ask)?;
    query::only(
        ask,
        &[Kind::Select, Kind::Expand, Kind::Filter, Kind::OrderBy, Kind::Top, Kind::Count, Kind::SkipToken],
    )?;
    let expanded = expanded(view, ask)?;
    let size = query::size(ask, PAGE, LIMIT)?;
    for order in &ask.options.order_by {
        let is_known = order.path.eq_ignore_ascii_case("lastMessagePreview/createdDateTime");
        if !is_known || !order.descending {
            let direction = if order.descending { "Descending" } else { "Ascending" };
            return Err(GraphError::BadRequest(format!(
                "QueryOptions to order by '{:.60}' in '{direction}' direction is not supported.",
                order.path
            ))
            .into());
        }
    }
    let filter =
        ask.options.filter.clone().map(|filter| record::bind(filter, SCHEMA)).transpose().map_err(|unfit| {
            let (record::Unfit::Unknown(name) | record::Unfit::Type(name)) = unfit;
            ask.unmodelled(format!("$filter of chats by {name:.40}"));
            GraphError::BadRequest("The query specified in the URI is not valid.".to_owned())
        })?;
    let mut chats: Vec<_> = view
        .chats()
        .filter(|chat| filter.as_ref().is_none_or(|filter| record::holds(filter, &Filtered(chat))))
        .collect();
    // The chat in which something was said last stands first, as far as the caller may see it.
    chats.sort_by_cached_key(|chat| {
        let last = chat.messages().next().map_or(chat.chat.created, |message| message.created);
        (std::cmp::Reverse(last), chat.chat.id.clone())
    });
    let (items, next) = query::page(view, ask, chats.into_iter(), size)?;
    let context = format!("{}/$metadata#chats{}", ask.root, super::super::mail::selection(ask));
    let body = query::collection(&context, &items, next.as_deref(), |out, chat| {
        write(out, view, ask, chat, expanded, None);
    });
    Ok(Answer::json(body))
}

/// <https://learn.microsoft.com/graph/api/chat-get>
pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    of_caller(view, ask)?;
    query::only(ask, &[Kind::Select, Kind::Expand])?;
    let chat = view.chat(ask.key(0))?;
    let expanded = expanded(view, ask)?;
    let context = format!("{}/$metadata#chats{}/$entity", ask.root, super::super::mail::selection(ask));
    let mut out = Vec::new();
    write(&mut out, view, ask, &chat, expanded, Some(&context));
    Ok(Answer::json(out))
}

/// <https://learn.microsoft.com/graph/api/chat-list-members>
pub(super) fn members(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    of_caller(view, ask)?;
    query::only(ask, &[])?;
    let chat = view.chat(ask.key(0))?;
    let context = format!("{}/$metadata#chats('{}')/members", ask.root, encoded(&chat.chat.id));
    let people: Vec<_> = chat.chat.members.iter().map(Person::of).collect();
    let tenant = view.tenant_id();
    let body = query::collection(&context, &people, None, |out, person| {
        shape::member(out, person, &chat.chat.id, tenant, None);
    });
    Ok(Answer::json(body))
}

pub(super) fn member(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    of_caller(view, ask)?;
    query::only(ask, &[])?;
    let chat = view.chat(ask.key(0))?;
    let tenant = view.tenant_id();
    let mut people = chat.chat.members.iter().map(Person::of);
    let Some(person) = people.find(|person| person.id(&chat.chat.id, tenant) == ask.key(1)) else {
        return Err(GraphError::NoSuchThread.because("no such member of this chat"));
    };
    let context = format!("{}/$metadata#chats('{}')/members/$entity", ask.root, encoded(&chat.chat.id));
    let mut out = Vec::new();
    shape::member(&mut out, &person, &chat.chat.id, tenant, Some(&context));
    Ok(Answer::json(out))
}
