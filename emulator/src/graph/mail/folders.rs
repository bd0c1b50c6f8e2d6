//! `/mailFolders`.

use super::{no_property, page_size, shape};
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, key, number, string};
use crate::graph::odata::options::Kind;
use crate::graph::odata::record::{self, Record, Schema, Type, Value};
use crate::graph::route::Ask;
use crate::graph::view::{MailboxView, View};
use crate::mailbox::{Folder, FolderIndex};

const LISTED: &[Kind] = &[Kind::Select, Kind::Top, Kind::Skip, Kind::Filter, Kind::Count];

pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    page(&mailbox, ask, FolderIndex::ROOT, "")
}

pub(super) fn children(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    // The root is no folder of its own in lists, but its children are asked for by its name.
    let parent =
        if ask.key(0).eq_ignore_ascii_case("msgfolderroot") { FolderIndex::ROOT } else { find(&mailbox, ask.key(0))? };
    let within = format!("('{}')/childFolders", super::messages::encoded(ask.key(0)));
    page(&mailbox, ask, parent, &within)
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    single(&mailbox, ask, ask.key(0), "mailFolders")
}

pub(super) fn child(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = view.mailbox(&ask.owner)?;
    let parent = find(&mailbox, ask.key(0))?;
    let at = find(&mailbox, ask.key(1))?;
    if mailbox.folder(ask.key(1)).is_none_or(|(_, folder)| folder.parent != parent || at == parent) {
        return Err(GraphError::ItemNotFound.because("no such folder below that one"));
    }
    let within = format!("mailFolders('{}')/childFolders", super::messages::encoded(ask.key(0)));
    single(&mailbox, ask, ask.key(1), &within)
}

/// A visible folder by id or well-known name.
pub(super) fn find(mailbox: &MailboxView<'_>, key: &str) -> Result<FolderIndex, Refusal> {
    if let Some((at, _)) = mailbox.folder(key) {
        return Ok(at);
    }
    let is_well_known = fixtures::folders::WELL_KNOWN.iter().any(|folder| folder.name.eq_ignore_ascii_case(key));
    if !is_well_known {
        super::check_id(key)?;
    }
    Err(GraphError::ItemNotFound.because("no such folder within reach of the caller"))
}

const FOLDER: &Schema =
    &[("displayName", Type::Text), ("id", Type::Text), ("parentFolderId", Type::Text), ("isHidden", Type::Bool)];

struct Filtered<'a> {
    folder: &'a Folder,
    parent_id: &'a str,
}

impl Record for Filtered<'_> {
    fn value(&self, name: &str) -> Value<'_> {
        match name {
            "displayName" => Value::Text(&self.folder.display_name),
            "id" => Value::Text(&self.folder.id),
            "parentFolderId" => Value::Text(self.parent_id),
            "isHidden" => Value::Bool(false),
            _ => Value::Null,
        }
    }
}

fn check_select(ask: &Ask<'_>) -> Result<(), GraphError> {
    for name in ask.options.select.iter().flatten() {
        if !name.eq_ignore_ascii_case("id") && !shape::FOLDER.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(no_property(name, "MailFolder"));
        }
    }
    Ok(())
}

fn write(out: &mut Vec<u8>, mailbox: &MailboxView<'_>, at: FolderIndex, folder: &Folder, ask: &Ask<'_>) {
    let children = mailbox.folders().filter(|(child, other)| other.parent == at && *child != at).count();
    shape::folder(out, folder, mailbox.folder_id(folder.parent), children, ask.options.select.as_deref());
}

pub(super) fn single(
    mailbox: &MailboxView<'_>,
    ask: &Ask<'_>,
    folder_key: &str,
    within: &str,
) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    check_select(ask)?;
    find(mailbox, folder_key)?;
    let Some((at, folder)) = mailbox.folder(folder_key) else { return Err(GraphError::ItemNotFound.into()) };
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    let (root, owner) = (&ask.root, mailbox.owner());
    let selection = super::messages::selection(ask);
    string(&mut out, &format!("{root}/$metadata#users('{owner}')/{within}{selection}/$entity"));
    write(&mut out, mailbox, at, folder, ask);
    out.push(b'}');
    Ok(super::messages::applied(Answer::json(out), ask))
}

fn page(mailbox: &MailboxView<'_>, ask: &Ask<'_>, parent: FolderIndex, within: &str) -> Result<Answer, Refusal> {
    ask.only(LISTED)?;
    check_select(ask)?;
    let size = page_size(ask)?;
    let skip = ask.options.skip.unwrap_or(0);
    let filter = ask
        .options
        .filter
        .clone()
        .map(|filter| record::bind(filter, FOLDER))
        .transpose()
        .map_err(|error| super::unfit(ask, error, "MailFolder"))?;
    let mut all: Vec<_> = mailbox
        .folders()
        .filter(|(_, folder)| folder.parent == parent)
        .filter(|(_, folder)| {
            let parent_id = mailbox.folder_id(folder.parent);
            filter.as_ref().is_none_or(|filter| record::holds(filter, &Filtered { folder, parent_id }))
        })
        .collect();
    all.sort_by_key(|(_, folder)| folder.display_name.to_lowercase());
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    let (root, owner) = (&ask.root, mailbox.owner());
    let selection = super::messages::selection(ask);
    string(&mut out, &format!("{root}/$metadata#users('{owner}')/mailFolders{within}{selection}"));
    if ask.options.count {
        key(&mut out, "@odata.count");
        number(&mut out, all.len());
    }
    key(&mut out, "value");
    let shown: Vec<_> = all.iter().skip(skip).take(size).collect();
    array(&mut out, shown, |out, (at, folder)| {
        out.push(b'{');
        write(out, mailbox, *at, folder, ask);
        out.push(b'}');
    });
    if all.len() > skip.saturating_add(size) {
        key(&mut out, "@odata.nextLink");
        string(&mut out, &ask.next(Kind::Skip, &(skip + size).to_string()));
    }
    out.push(b'}');
    Ok(super::messages::applied(Answer::json(out), ask))
}
