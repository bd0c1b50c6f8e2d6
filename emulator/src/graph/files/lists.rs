//! Lists and their items. A library is a list too: its items are what lies in its drive.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::items::{answer, next, window};
use super::locate::{self, Home, Spot};
use super::shape::{self, time};
use crate::drive::Item;
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::odata::filter::{Expr, Literal, Op};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::{DriveView, SiteView, View};
use crate::site::{List, ListItem};

type Answered = Result<Answer, Refusal>;

const LIST: &[&str] = &[
    "id",
    "name",
    "displayName",
    "description",
    "webUrl",
    "createdDateTime",
    "lastModifiedDateTime",
    "list",
    "eTag",
    "parentReference",
    "createdBy",
    "lastModifiedBy",
    "sharepointIds",
    "system",
];
const ITEM: &[&str] = &[
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "webUrl",
    "eTag",
    "contentType",
    "parentReference",
    "createdBy",
    "lastModifiedBy",
    "sharepointIds",
    "deleted",
    "name",
    "description",
];

/// A list of either kind.
enum Found<'a> {
    Plain(&'a Arc<List>),
    Library(DriveView<'a>),
}

fn all<'a>(view: &View<'a>, site: &SiteView<'a>) -> Vec<Found<'a>> {
    let libraries = view.libraries(site).into_iter().map(Found::Library);
    libraries.chain(site.site.lists.iter().map(Found::Plain)).collect()
}

fn find<'a>(view: &View<'a>, ask: &Ask<'_>) -> Result<(SiteView<'a>, Found<'a>), Refusal> {
    let site = view.site(ask.key(0))?;
    let key = ask.key(1);
    let fits = |found: &Found<'_>| match found {
        Found::Plain(list) => key.eq_ignore_ascii_case(&list.id.to_string()) || key.eq_ignore_ascii_case(&list.name),
        Found::Library(drive) => {
            let drive = drive.drive();
            key.eq_ignore_ascii_case(&drive.list.to_string()) || key.eq_ignore_ascii_case(&drive.name)
        }
    };
    let found = all(view, &site).into_iter().find(fits);
    let found = found.ok_or_else(|| GraphError::DriveItemNotFound.because("no such list of this site"))?;
    Ok((site, found))
}

fn shaped(site: &SiteView<'_>, found: &Found<'_>) -> Map<String, Value> {
    let (id, name, url, created, template) = match found {
        Found::Plain(list) => {
            let url = format!("{}/Lists/{}", site.site.web.url(), crate::drive::in_url(&list.name));
            (list.id, &list.name, url, list.created, "genericList")
        }
        Found::Library(drive) => {
            let drive = drive.drive();
            (drive.list, &drive.name, drive.url.clone(), drive.created, "documentLibrary")
        }
    };
    let mut out = Map::new();
    let created = time(created);
    out.insert("id".to_owned(), json!(id.to_string()));
    out.insert("name".to_owned(), json!(name));
    out.insert("displayName".to_owned(), json!(name));
    out.insert("description".to_owned(), json!(""));
    out.insert("webUrl".to_owned(), json!(url));
    out.insert("createdDateTime".to_owned(), json!(created));
    out.insert("lastModifiedDateTime".to_owned(), json!(created));
    out.insert("parentReference".to_owned(), json!({ "siteId": site.site.web.full_id() }));
    out.insert("list".to_owned(), json!({ "contentTypesEnabled": false, "hidden": false, "template": template }));
    out
}

fn listed(view: &View<'_>, ask: &Ask<'_>, of: &SiteView<'_>) -> Answered {
    ask.only(&[Kind::Select, Kind::Top, Kind::SkipToken, Kind::Count])?;
    let (skip, size) = window(view, ask)?;
    let found = all(view, of);
    let select = ask.options.select.as_deref();
    let shown = found.iter().skip(skip).take(size);
    let shown = shown.map(|found| shape::selected(shaped(of, found), select, LIST, "list"));
    let mut body = Map::new();
    body.insert("value".to_owned(), json!(shown.collect::<Result<Vec<_>, _>>()?));
    if found.len() > skip.saturating_add(size) {
        body.insert("@odata.nextLink".to_owned(), json!(next(view, ask, skip + size)));
    }
    Ok(answer(ask, "lists", body))
}

pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    listed(view, ask, &view.site(ask.key(0))?)
}

pub(super) fn list_at(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    listed(view, ask, &view.site_at(ask.key(0), ask.key(1))?)
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    ask.only(&[Kind::Select, Kind::Expand])?;
    let (site, found) = find(view, ask)?;
    let mut body = shape::selected(shaped(&site, &found), ask.options.select.as_deref(), LIST, "list")?;
    for expand in &ask.options.expand {
        match expand.name.to_ascii_lowercase().as_str() {
            "columns" => drop(body.insert("columns".to_owned(), columns_of(&found))),
            "items" => {
                let items: Vec<_> = items_of(view, &found, Some(&[])).into_iter().map(|(item, _)| item).collect();
                body.insert("items".to_owned(), json!(items));
            }
            other => return Err(unexpanded(ask, other)),
        }
    }
    Ok(answer(ask, "lists/$entity", body))
}

fn unexpanded(ask: &Ask<'_>, name: &str) -> Refusal {
    ask.unmodelled(format!("$expand={name:.60} of a list"));
    GraphError::DriveRequest(format!("The expand clause '{name:.60}' is not supported.")).into()
}

/// The library as a drive.
pub(super) fn drive(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    match find(view, ask)?.1 {
        Found::Library(drive) => super::drives::single(view, ask, &drive),
        Found::Plain(_) => Err(GraphError::DriveItemNotFound.because("a list that is no library has no drive")),
    }
}

fn columns_of(found: &Found<'_>) -> Value {
    let column = |name: &str, indexed: bool| {
        json!({
            "id": fixtures::ids::UniqueId::derived(&format!("column/{name}")).to_string(),
            "name": name, "displayName": name, "description": "", "columnGroup": "Custom Columns", "hidden": false,
            "indexed": indexed, "readOnly": false, "required": false, "enforceUniqueValues": false,
            "text": { "allowMultipleLines": false, "maxLength": 255, "textType": "plain" },
        })
    };
    let mut columns = vec![column("Title", false)];
    if let Found::Plain(list) = found {
        columns.extend(list.columns.iter().map(|name| column(name, list.indexed.contains(name))));
    }
    json!(columns)
}

pub(super) fn columns(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    ask.only(&[Kind::Select, Kind::Top])?;
    let (_, found) = find(view, ask)?;
    let mut body = Map::new();
    body.insert("value".to_owned(), columns_of(&found));
    let context = format!("sites('{}')/lists('{}')/columns", ask.key(0), ask.key(1));
    Ok(answer(ask, &context, body))
}

/// The columns of an item that are asked for; without names all of them.
fn chosen(fields: Map<String, Value>, names: &[String]) -> Map<String, Value> {
    let wanted = |name: &String| names.is_empty() || names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    fields.into_iter().filter(|(name, _)| wanted(name)).collect()
}

fn plain_fields(item: &ListItem) -> Map<String, Value> {
    let mut fields: Map<_, _> = item.fields.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
    fields.insert("id".to_owned(), json!(item.number.to_string()));
    fields.insert("Created".to_owned(), json!(time(item.created)));
    fields.insert("Modified".to_owned(), json!(time(item.created)));
    fields.insert("ContentType".to_owned(), json!("Item"));
    fields
}

/// `fields` are shown to who expands them; `Some(&[])` is all of them.
fn plain_item(item: &ListItem, fields: Option<&[String]>) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(item.number.to_string()));
    out.insert("createdDateTime".to_owned(), json!(time(item.created)));
    out.insert("lastModifiedDateTime".to_owned(), json!(time(item.created)));
    out.insert("eTag".to_owned(), json!(format!("\"{},1\"", item.unique)));
    out.insert("contentType".to_owned(), json!({ "id": "0x0100", "name": "Item" }));
    if let Some(names) = fields {
        out.insert("fields".to_owned(), Value::Object(chosen(plain_fields(item), names)));
    }
    out
}

fn library_fields(view: &View<'_>, item: &Item) -> Map<String, Value> {
    let mut fields = Map::new();
    let name = |id| view.person(id).map_or("System Account", |user| user.display_name.as_str());
    fields.insert("id".to_owned(), json!(item.number.to_string()));
    fields.insert("FileLeafRef".to_owned(), json!(item.name));
    fields.insert("LinkFilename".to_owned(), json!(item.name));
    fields.insert("Created".to_owned(), json!(time(item.created)));
    fields.insert("Modified".to_owned(), json!(time(item.modified)));
    fields.insert("Author".to_owned(), json!(name(item.author)));
    fields.insert("Editor".to_owned(), json!(name(item.editor)));
    fields.insert("ContentType".to_owned(), json!(if item.is_folder() { "Folder" } else { "Document" }));
    if !item.is_folder() {
        fields.insert("FileSizeDisplay".to_owned(), json!(item.size().to_string()));
    }
    fields
}

/// An item of a drive as the list item that it is.
pub(super) fn library_item(
    view: &View<'_>,
    drive: &DriveView<'_>,
    item: &Item,
    fields: Option<&[String]>,
) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(item.number.to_string()));
    out.insert("createdDateTime".to_owned(), json!(time(item.created)));
    out.insert("lastModifiedDateTime".to_owned(), json!(time(item.modified)));
    out.insert("createdBy".to_owned(), shape::person(view, item.author));
    out.insert("lastModifiedBy".to_owned(), shape::person(view, item.editor));
    out.insert("webUrl".to_owned(), json!(shape::web_url(drive.drive(), item)));
    out.insert("eTag".to_owned(), json!(format!("\"{},{}\"", item.unique, item.version)));
    let (id, name) = if item.is_folder() { ("0x0120", "Folder") } else { ("0x0101", "Document") };
    out.insert("contentType".to_owned(), json!({ "id": id, "name": name }));
    if let Some(names) = fields {
        out.insert("fields".to_owned(), Value::Object(chosen(library_fields(view, item), names)));
    }
    out
}

/// The items of a list that are shown, each with all of its columns for filters.
fn items_of(
    view: &View<'_>,
    found: &Found<'_>,
    fields: Option<&[String]>,
) -> Vec<(Map<String, Value>, Map<String, Value>)> {
    match found {
        Found::Plain(list) => list.items.iter().map(|item| (plain_item(item, fields), plain_fields(item))).collect(),
        Found::Library(drive) => {
            let mut items: Vec<_> = drive.items().collect();
            items.sort_by_key(|item| item.number);
            items.iter().map(|item| (library_item(view, drive, item, fields), library_fields(view, item))).collect()
        }
    }
}

/// What `$expand=fields(select=…)` asks for: <https://learn.microsoft.com/graph/api/listitem-list>.
fn asked_fields(ask: &Ask<'_>) -> Result<Option<Vec<String>>, Refusal> {
    let mut fields = None;
    for expand in &ask.options.expand {
        if !expand.name.eq_ignore_ascii_case("fields") {
            return Err(unexpanded(ask, &expand.name));
        }
        fields = Some(expand.select.clone().unwrap_or_default());
    }
    Ok(fields)
}

pub(super) fn items(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    ask.only(&[Kind::Select, Kind::Top, Kind::SkipToken, Kind::Expand, Kind::Filter, Kind::Count])?;
    let (_, found) = find(view, ask)?;
    let fields = asked_fields(ask)?;
    let mut all = items_of(view, &found, fields.as_deref());
    if let Some(filter) = &ask.options.filter {
        let test = column_test(ask, &found, filter)?;
        all.retain(|(_, columns)| test(columns));
    }
    let (skip, size) = window(view, ask)?;
    let select = ask.options.select.as_deref();
    let mut body = Map::new();
    if all.len() > skip.saturating_add(size) {
        body.insert("@odata.nextLink".to_owned(), json!(next(view, ask, skip + size)));
    }
    let shown = all.into_iter().skip(skip).take(size).map(|(mut item, _)| {
        let fields = item.remove("fields");
        let mut item = shape::selected(item, select, ITEM, "listItem")?;
        if let Some(fields) = fields {
            item.insert("fields".to_owned(), fields);
        }
        Ok(item)
    });
    body.insert("value".to_owned(), json!(shown.collect::<Result<Vec<_>, GraphError>>()?));
    let context = format!("sites('{}')/lists('{}')/items", ask.key(0), ask.key(1));
    Ok(answer(ask, &context, body))
}

type Test = Box<dyn Fn(&Map<String, Value>) -> bool>;

/// `fields/Status eq 'Open'`. A column without an index is refused unless the caller says that it may fail:
/// <https://learn.microsoft.com/graph/api/listitem-list>.
fn column_test(ask: &Ask<'_>, found: &Found<'_>, filter: &Expr) -> Result<Test, Refusal> {
    let Expr::Compare { left, op: Op::Eq, right: Literal::Text(text) } = filter else {
        ask.unmodelled("$filter of this kind on list items");
        return Err(GraphError::DriveRequest("The filter is not supported.".to_owned()).into());
    };
    let column = left.path.strip_prefix("fields/").unwrap_or(&left.path).to_owned();
    let is_indexed = match found {
        Found::Plain(list) => list.indexed.contains(&column),
        Found::Library(_) => false,
    };
    let says_so = ask
        .headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.to_ascii_lowercase().contains("honornonindexedquerieswarningmayfailrandomly"));
    if !is_indexed && !says_so {
        let message = format!(
            "Field '{column:.60}' cannot be referenced in filter or orderby as it is not indexed. Provide the 'Prefer: HonorNonIndexedQueriesWarningMayFailRandomly' header to allow this, but be warned that such queries may fail on large lists."
        );
        return Err(GraphError::DriveRequest(message).into());
    }
    let wanted = text.to_lowercase();
    Ok(Box::new(move |columns| {
        columns.get(&column).and_then(Value::as_str).is_some_and(|value| value.to_lowercase() == wanted)
    }))
}

fn one(view: &View<'_>, ask: &Ask<'_>, fields: Option<&[String]>) -> Result<Map<String, Value>, Refusal> {
    let (_, found) = find(view, ask)?;
    let item = items_of(view, &found, fields).into_iter().map(|(item, _)| item).find(|item| item["id"] == ask.key(2));
    item.ok_or_else(|| GraphError::DriveItemNotFound.because("no such item of this list within reach of the caller"))
}

pub(super) fn item(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    ask.only(&[Kind::Select, Kind::Expand])?;
    // One item shows its columns without being asked: the real service's answer in the page's example.
    let fields = asked_fields(ask)?.unwrap_or_default();
    let mut body = one(view, ask, Some(&fields))?;
    let fields = body.remove("fields");
    let mut body = shape::selected(body, ask.options.select.as_deref(), ITEM, "listItem")?;
    if let Some(fields) = fields {
        body.insert("fields".to_owned(), fields);
    }
    let context = format!("sites('{}')/lists('{}')/items/$entity", ask.key(0), ask.key(1));
    Ok(answer(ask, &context, body))
}

pub(super) fn fields(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    ask.only(&[Kind::Select])?;
    let names = ask.options.select.clone().unwrap_or_default();
    let mut item = one(view, ask, Some(&names))?;
    let Some(Value::Object(body)) = item.remove("fields") else {
        return Err(GraphError::DriveItemNotFound.into());
    };
    let context = format!("sites('{}')/lists('{}')/items('{}')/fields/$entity", ask.key(0), ask.key(1), ask.key(2));
    Ok(answer(ask, &context, body))
}

pub(super) fn of_item(view: &View<'_>, ask: &Ask<'_>, home: Home, spot: Spot) -> Answered {
    let (drive, item) = locate::item(view, ask, home, spot)?;
    ask.only(&[Kind::Select, Kind::Expand])?;
    let fields = asked_fields(ask)?;
    let body = library_item(view, &drive, item, fields.as_deref());
    Ok(answer(ask, "listItems/$entity", body))
}
