//! `/messages/{id}/attachments`.

use super::{check_id, messages, shape};
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::exchange_id;
use crate::graph::json::{array, key, number, string};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::{MailboxView, View};
use crate::mailbox::{Attachment, AttachmentKind, Item, Message};

pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    listed(&mailbox, ask, messages::find(&mailbox, ask.key(0))?)
}

pub(super) fn list_in_folder(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    listed(&mailbox, ask, messages::find_in(&mailbox, ask.key(0), ask.key(1))?)
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    single(&mailbox, ask, messages::find(&mailbox, ask.key(0))?, ask.key(1))
}

pub(super) fn read_in_folder(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    single(&mailbox, ask, messages::find_in(&mailbox, ask.key(0), ask.key(1))?, ask.key(2))
}

pub(super) fn value(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    raw(ask, messages::find(&view.mailbox(&ask.owner)?, ask.key(0))?, ask.key(1))
}

pub(super) fn value_in_folder(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    raw(ask, messages::find_in(&view.mailbox(&ask.owner)?, ask.key(0), ask.key(1))?, ask.key(2))
}

fn find<'a>(message: &'a Message, id: &str) -> Result<&'a Attachment, Refusal> {
    check_id(id)?;
    let id = exchange_id::ordinary(id);
    message
        .attachments
        .iter()
        .find(|attachment| attachment.id == id)
        .ok_or_else(|| GraphError::ItemNotFound.because("no such attachment of this message"))
}

fn raw(ask: &Ask<'_>, message: &Message, id: &str) -> Result<Answer, Refusal> {
    ask.only(&[])?;
    let attachment = find(message, id)?;
    // https://learn.microsoft.com/graph/api/attachment-get: there are no bytes behind a reference.
    if attachment.kind == AttachmentKind::Reference {
        return Err(GraphError::Method.because("a reference attachment has no raw value"));
    }
    let content_type = attachment.content_type.as_deref().unwrap_or("text/plain");
    Ok(Answer::bytes(content_type, attachment.content.clone()))
}

/// Whether attached messages are opened.
fn opens_items(ask: &Ask<'_>) -> Result<bool, Refusal> {
    for expand in &ask.options.expand {
        if !expand.name.eq_ignore_ascii_case("microsoft.graph.itemAttachment/item") {
            ask.unmodelled(format!("$expand={}", expand.name));
            return Err(GraphError::BadRequest(format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{}'.",
                expand.name
            ))
            .into());
        }
    }
    Ok(!ask.options.expand.is_empty())
}

fn write(
    out: &mut Vec<u8>,
    mailbox: &MailboxView<'_>,
    ask: &Ask<'_>,
    message: &Message,
    attachment: &Attachment,
    opens: bool,
) {
    shape::attachment(out, attachment, message, ask.options.select.as_deref(), ask.prefer.ids);
    if opens && attachment.kind == AttachmentKind::Item {
        let item = Item::read(attachment.content.clone(), mailbox.tenant(), mailbox.owner(), &attachment.id);
        key(out, "item");
        shape::attached_item(out, &item, message.received, ask.prefer.body_kind());
    }
}

pub(super) fn single(mailbox: &MailboxView<'_>, ask: &Ask<'_>, message: &Message, id: &str) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select, Kind::Expand])?;
    shape::check_attachment_select(ask.options.select.as_deref())?;
    let opens = opens_items(ask)?;
    let attachment = find(message, id)?;
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &format!("{}/$entity", context(mailbox, ask, message)));
    write(&mut out, mailbox, ask, message, attachment, opens);
    out.push(b'}');
    Ok(messages::applied(Answer::json(out), ask))
}

fn listed(mailbox: &MailboxView<'_>, ask: &Ask<'_>, message: &Message) -> Result<Answer, Refusal> {
    // The real service takes `$filter` here and ignores it, which is on its list of known issues.
    ask.only(&[Kind::Select, Kind::Expand, Kind::Top, Kind::Skip, Kind::Count, Kind::Filter])?;
    shape::check_attachment_select(ask.options.select.as_deref())?;
    let opens = opens_items(ask)?;
    let skip = ask.options.skip.unwrap_or(0);
    // Attachments come all at once unless a page size is asked for.
    let size = match ask.options.top {
        Some(_) => super::page_size(ask)?,
        None => usize::MAX,
    };
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &context(mailbox, ask, message));
    if ask.options.count {
        key(&mut out, "@odata.count");
        number(&mut out, message.attachments.len());
    }
    key(&mut out, "value");
    let shown = message.attachments.iter().skip(skip).take(size);
    array(&mut out, shown, |out, attachment| {
        out.push(b'{');
        write(out, mailbox, ask, message, attachment, opens);
        out.push(b'}');
    });
    if message.attachments.len() > skip.saturating_add(size) {
        key(&mut out, "@odata.nextLink");
        string(&mut out, &ask.next(Kind::Skip, &(skip + size).to_string()));
    }
    out.push(b'}');
    Ok(messages::applied(Answer::json(out), ask))
}

fn context(mailbox: &MailboxView<'_>, ask: &Ask<'_>, message: &Message) -> String {
    let (root, owner, id) = (&ask.root, mailbox.owner(), messages::encoded(&shape::id(message, &ask.prefer)));
    format!("{root}/$metadata#users('{owner}')/messages('{id}')/attachments{}", messages::selection(ask))
}
