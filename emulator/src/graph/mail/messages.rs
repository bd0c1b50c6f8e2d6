//! `/messages` and `/mailFolders/{id}/messages`.

use std::sync::Arc;

use super::found::Searched;
use super::{check_id, page_size, shape, unfit};
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, key, number, string};
use crate::graph::odata::kql::{self, KqlError};
use crate::graph::odata::options::{Expand, Kind};
use crate::graph::odata::{filter, record};
use crate::graph::route::Ask;
use crate::graph::view::{MailboxView, View};
use crate::mailbox::{FolderIndex, Message};

const LISTED: &[Kind] = &[
    Kind::Select,
    Kind::Top,
    Kind::Skip,
    Kind::Filter,
    Kind::OrderBy,
    Kind::Search,
    Kind::Count,
    Kind::Expand,
    Kind::SkipToken,
];

pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    page(view, &mailbox, ask, None)
}

pub(super) fn list_in_folder(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    let folder = super::folders::find(&mailbox, ask.key(0))?;
    page(view, &mailbox, ask, Some((folder, ask.key(0))))
}

pub(super) fn list_in_child(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    super::folders::find(&mailbox, ask.key(0))?;
    let folder = super::folders::find(&mailbox, ask.key(1))?;
    page(view, &mailbox, ask, Some((folder, ask.key(1))))
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    single(&mailbox, ask, find(&mailbox, ask.key(0))?)
}

pub(super) fn read_in_folder(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    single(&mailbox, ask, find_in(&mailbox, ask.key(0), ask.key(1))?)
}

pub(super) fn mime(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    file(ask, find(&view.mailbox(&ask.owner)?, ask.key(0))?)
}

pub(super) fn mime_in_folder(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    file(ask, find_in(&view.mailbox(&ask.owner)?, ask.key(0), ask.key(1))?)
}

fn file(ask: &Ask<'_>, message: &Message) -> Result<Answer, Refusal> {
    ask.only(&[])?;
    Ok(Answer::bytes("text/plain", message.mime.clone()))
}

/// A visible message. What is another's, elsewhere or nowhere is refused alike.
pub(super) fn find<'a>(mailbox: &MailboxView<'a>, id: &str) -> Result<&'a Arc<Message>, Refusal> {
    check_id(id)?;
    mailbox.message(id).ok_or_else(|| GraphError::ItemNotFound.because("no such message within reach of the caller"))
}

pub(super) fn find_in<'a>(mailbox: &MailboxView<'a>, folder: &str, id: &str) -> Result<&'a Arc<Message>, Refusal> {
    let folder = super::folders::find(mailbox, folder)?;
    let message = find(mailbox, id)?;
    if message.folder == folder {
        Ok(message)
    } else {
        Err(GraphError::ItemNotFound.because("no such message within reach of the caller"))
    }
}

/// How messages of one answer are written.
struct Shape {
    properties: shape::Properties,
    expand: Option<Expand>,
}

impl Shape {
    fn of(mailbox: &MailboxView<'_>, ask: &Ask<'_>) -> Result<Self, Refusal> {
        let properties = match &ask.options.select {
            Some(names) => shape::Properties::selected(names)?,
            None => shape::Properties::DEFAULT,
        };
        let mut expand = None;
        for item in &ask.options.expand {
            if !item.name.eq_ignore_ascii_case("attachments") {
                ask.unmodelled(format!("$expand={}", item.name));
                return Err(GraphError::BadRequest(format!(
                    "Parsing OData Select and Expand failed: Could not find a property named '{}'.",
                    item.name
                ))
                .into());
            }
            shape::check_attachment_select(item.select.as_deref())?;
            if !mailbox.shows_body {
                return Err(
                    GraphError::MailAccessDenied.because("attachments need Mail.Read; the token holds Mail.ReadBasic")
                );
            }
            expand = Some(item.clone());
        }
        let properties = if mailbox.shows_body { properties } else { properties.without_bodies() };
        Ok(Self { properties, expand })
    }

    /// A message with its braces; `context` stands before everything.
    fn write(
        &self,
        out: &mut Vec<u8>,
        mailbox: &MailboxView<'_>,
        message: &Message,
        ask: &Ask<'_>,
        context: Option<&str>,
    ) {
        out.push(b'{');
        if let Some(context) = context {
            key(out, "@odata.context");
            string(out, context);
            out.push(b',');
        }
        shape::message(out, message, mailbox.folder_id(message.folder), self.properties, &ask.prefer);
        if let Some(expand) = &self.expand {
            key(out, "attachments@odata.context");
            let (root, owner, id) = (&ask.root, mailbox.owner(), encoded(&shape::id(message, &ask.prefer)));
            string(out, &format!("{root}/$metadata#users('{owner}')/messages('{id}')/attachments"));
            key(out, "attachments");
            array(out, &message.attachments, |out, attachment| {
                out.push(b'{');
                shape::attachment(out, attachment, message, expand.select.as_deref(), ask.prefer.ids);
                out.push(b'}');
            });
        }
        out.push(b'}');
    }
}

/// A key inside the quotes of `@odata.context`.
pub(in crate::graph) fn encoded(key: &str) -> String {
    percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// `(subject,from)` when properties are selected.
pub(in crate::graph) fn selection(ask: &Ask<'_>) -> String {
    let mut inner: Vec<String> = ask.options.select.clone().unwrap_or_default();
    inner.extend(ask.options.expand.iter().map(|expand| format!("{}()", expand.name)));
    if inner.is_empty() { String::new() } else { format!("({})", inner.join(",")) }
}

pub(super) fn single(mailbox: &MailboxView<'_>, ask: &Ask<'_>, message: &Message) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select, Kind::Expand])?;
    let shape = Shape::of(mailbox, ask)?;
    let (root, owner) = (&ask.root, mailbox.owner());
    let context = format!("{root}/$metadata#users('{owner}')/messages{}/$entity", selection(ask));
    let mut out = Vec::new();
    shape.write(&mut out, mailbox, message, ask, Some(&context));
    Ok(applied(Answer::json(out), ask))
}

pub(in crate::graph) fn applied(answer: Answer, ask: &Ask<'_>) -> Answer {
    match ask.prefer.applied() {
        Some(applied) => answer.with(http::HeaderName::from_static("preference-applied"), &applied),
        None => answer,
    }
}

/// One page of a list, and where the next one is.
struct Found<'a> {
    items: Vec<&'a Arc<Message>>,
    total: Option<usize>,
    next: Option<String>,
}

fn page(
    view: &View<'_>,
    mailbox: &MailboxView<'_>,
    ask: &Ask<'_>,
    folder: Option<(FolderIndex, &str)>,
) -> Result<Answer, Refusal> {
    ask.only(LISTED)?;
    let shape = Shape::of(mailbox, ask)?;
    let only = folder.map(|(at, _)| at);
    let found =
        if ask.options.has(Kind::Search) { search(view, mailbox, ask, only)? } else { filtered(mailbox, ask, only)? };
    let mut out = Vec::with_capacity(4096);
    out.push(b'{');
    key(&mut out, "@odata.context");
    let within = folder.map_or_else(String::new, |(_, name)| format!("/mailFolders('{}')", encoded(name)));
    let (root, owner, selection) = (&ask.root, mailbox.owner(), selection(ask));
    string(&mut out, &format!("{root}/$metadata#users('{owner}'){within}/messages{selection}"));
    if let Some(total) = found.total {
        key(&mut out, "@odata.count");
        number(&mut out, total);
    }
    key(&mut out, "value");
    array(&mut out, found.items, |out, message| shape.write(out, mailbox, message, ask, None));
    if let Some(next) = found.next {
        key(&mut out, "@odata.nextLink");
        string(&mut out, &next);
    }
    out.push(b'}');
    Ok(applied(Answer::json(out), ask))
}

fn filtered<'a>(mailbox: &MailboxView<'a>, ask: &Ask<'_>, only: Option<FolderIndex>) -> Result<Found<'a>, Refusal> {
    let options = &ask.options;
    if options.has(Kind::SkipToken) {
        return Err(GraphError::BadRequest("The $skiptoken does not belong to this query.".to_owned()).into());
    }
    let size = page_size(ask)?;
    let skip = options.skip.unwrap_or(0);
    let fit = |error| unfit(ask, error, "Message");
    let filter = options.filter.clone().map(|filter| record::bind(filter, shape::MESSAGE)).transpose().map_err(fit)?;
    let orders = record::bind_orders(&options.order_by, shape::MESSAGE).map_err(fit)?;
    if let Some(filter) = &filter {
        check_efficient(filter, &orders)?;
    }
    let as_record = |message: &'a Message| shape::Filtered {
        message,
        folder_id: mailbox.folder_id(message.folder),
        shows_body: mailbox.shows_body,
    };
    let mut matching = mailbox
        .messages()
        .filter(|message| only.is_none_or(|only| message.folder == only))
        .filter(|message| filter.as_ref().is_none_or(|filter| record::holds(filter, &as_record(message))));
    let is_default_order = orders.is_empty()
        || matches!(orders.as_slice(), [order] if order.path == "receivedDateTime" && order.descending);
    let (mut items, total): (Vec<_>, _) = if is_default_order && !options.count {
        (matching.by_ref().skip(skip).take(size.saturating_add(1)).collect(), None)
    } else {
        let mut all: Vec<_> = matching.collect();
        if !is_default_order {
            all.sort_by(|left, right| record::ordering(&orders, &as_record(left), &as_record(right)));
        }
        let total = all.len();
        (all.into_iter().skip(skip).take(size.saturating_add(1)).collect(), options.count.then_some(total))
    };
    let next = (items.len() > size).then(|| ask.next(Kind::Skip, &(skip + size).to_string()));
    items.truncate(size);
    Ok(Found { items, total, next })
}

/// Every property of `$orderby` must stand in `$filter` too, in the same order, before all others.
///
/// <https://learn.microsoft.com/graph/api/user-list-messages#using-filter-and-orderby-in-the-same-query>
fn check_efficient(filter: &filter::Expr, orders: &[crate::graph::odata::options::Order]) -> Result<(), GraphError> {
    let mut named = Vec::new();
    filter::properties(filter, &mut named);
    let mut distinct: Vec<&str> = Vec::new();
    for name in named {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    let is_efficient =
        distinct.len() >= orders.len() && orders.iter().zip(&distinct).all(|(order, name)| order.path == *name);
    if is_efficient { Ok(()) } else { Err(GraphError::InefficientFilter) }
}

fn search<'a>(
    view: &View<'_>,
    mailbox: &MailboxView<'a>,
    ask: &Ask<'_>,
    only: Option<FolderIndex>,
) -> Result<Found<'a>, Refusal> {
    let options = &ask.options;
    for (kind, code, parameter) in [
        (Kind::Filter, "SearchWithFilter", "$filter"),
        (Kind::OrderBy, "SearchWithOrderBy", "$orderBy"),
        (Kind::Skip, "SearchWithSkip", "$skip"),
        (Kind::Count, "SearchWithCount", "$count"),
    ] {
        if options.has(kind) {
            return Err(GraphError::WithSearch { code, parameter }.into());
        }
    }
    let text = options.search.as_deref().unwrap_or_default();
    let query = kql::parse(text, ask.now).map_err(|error| match error {
        KqlError::Syntax(at) => {
            let message = format!("Syntax error: the search clause is not valid at position {at}.");
            GraphError::BadRequest(message)
        }
        KqlError::NotModelled(what) => {
            ask.unmodelled(format!("KQL {what}"));
            GraphError::BadRequest("Syntax error: the search clause is not valid.".to_owned())
        }
    })?;
    let size = page_size(ask)?;
    let bound = ask.bound_query();
    let offset = match &options.skip_token {
        None => 0,
        Some(token) => ask.links.offset(view.principal(), &bound, token).ok_or_else(|| {
            GraphError::BadRequest("The $skiptoken does not belong to this query.".to_owned())
                .because("a next link of another caller or query, or not of this service")
        })?,
    };
    let mut hits: Vec<_> = mailbox
        .messages()
        .filter(|message| only.is_none_or(|only| message.folder == only))
        .filter(|message| query.holds(&Searched { message, has_body: mailbox.shows_body }))
        .collect();
    hits.sort_by_key(|message| std::cmp::Reverse(message.sent.unwrap_or(message.received)));
    hits.truncate(super::LIMIT);
    let end = offset.saturating_add(size);
    let next = (hits.len() > end).then(|| {
        let token = ask.links.token(view.principal(), &bound, end);
        ask.next(Kind::SkipToken, &token)
    });
    Ok(Found { items: hits.into_iter().skip(offset).take(size).collect(), total: None, next })
}
