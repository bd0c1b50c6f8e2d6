//! Files, folders, pages, list items and sites: <https://learn.microsoft.com/graph/search-concept-files>.
//!
//! What stands nearest to the words comes first: names before texts, then what was changed last. `total` counts everything that was found.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::error::Refusal;
use super::super::files::shape;
use super::super::route::Ask;
use super::super::view::{DriveView, SiteView, View};
use super::entity::Entity;
use super::snippet::summary;
use super::{Hit, Hits, Request, bad};
use crate::drive::{Drive, Item};
use crate::search::{Document, Field, Flag, Instant, Phrase, words};

/// One thing that may be found.
struct Thing {
    id: String,
    name: String,
    text: String,
    author: Vec<String>,
    url: String,
    site: String,
    class: &'static str,
    is_document: bool,
    size: u64,
    created: Timestamp,
    modified: Timestamp,
    resource: Map<String, Value>,
}

impl Document for &Thing {
    fn texts(&self, visit: &mut dyn FnMut(Field, &str)) {
        visit(Field::FileName, &self.name);
        let (title, extension) = self.name.rsplit_once('.').unwrap_or((&self.name, ""));
        visit(Field::Title, title);
        visit(Field::FileType, extension);
        self.author.iter().for_each(|author| visit(Field::Author, author));
        visit(Field::Body, &self.text);
        visit(Field::Path, &self.url);
        visit(Field::Site, &self.site);
        visit(Field::Class, self.class);
    }

    fn time(&self, of: Instant) -> Option<Timestamp> {
        match of {
            Instant::Created => Some(self.created),
            Instant::Modified => Some(self.modified),
            _ => None,
        }
    }

    fn flag(&self, flag: Flag) -> Option<bool> {
        (flag == Flag::IsDocument).then_some(self.is_document)
    }

    fn size(&self) -> Option<u64> {
        Some(self.size)
    }
}

/// How near a thing stands to what is looked for.
fn nearness(thing: &Thing, phrases: &[&Phrase]) -> usize {
    let count = |text: &str| {
        let lower = text.to_lowercase();
        words(&lower).filter(|word| phrases.iter().any(|phrase| phrase.has(word))).count()
    };
    count(&thing.name) * 100 + count(&thing.text).min(99)
}

pub(super) fn search(view: &View<'_>, ask: &Ask<'_>, request: &Request, phrases: &[&Phrase]) -> Result<Hits, Refusal> {
    let mut things = Vec::new();
    for entity in &request.entities {
        match entity {
            Entity::DriveItem => {
                for drive in view.drives() {
                    things.extend(items(view, ask, &drive));
                }
            }
            Entity::ListItem => view.sites().iter().for_each(|site| things.extend(list_items(site))),
            Entity::Site => things.extend(view.sites().iter().map(site)),
            other => {
                let what = format!("POST /search/query of {}", other.as_str());
                ask.unmodelled(what.clone());
                return Err(super::GraphError::NotModelled(what).into());
            }
        }
    }
    things.retain(|thing| request.query.holds(&thing));
    sort(&mut things, request, phrases)?;
    Ok(Hits::page(request, things, false, |thing| Hit {
        summary: summary(if thing.text.is_empty() { &thing.name } else { &thing.text }, phrases),
        id: thing.id,
        resource: without_braces(&thing.resource),
    }))
}

fn sort(things: &mut [Thing], request: &Request, phrases: &[&Phrase]) -> Result<(), Refusal> {
    things.sort_by_cached_key(|thing| (Reverse(nearness(thing, phrases)), Reverse(thing.modified), thing.id.clone()));
    for (name, is_descending) in request.sort.iter().rev() {
        match name.to_ascii_lowercase().as_str() {
            "lastmodifieddatetime" | "lastmodifiedtime" => things.sort_by_key(|thing| thing.modified),
            "createddatetime" | "created" => things.sort_by_key(|thing| thing.created),
            "name" | "filename" => things.sort_by_key(|thing| thing.name.to_lowercase()),
            "size" => things.sort_by_key(|thing| thing.size),
            _ => return Err(bad(format!("The property '{name:.40}' is not sortable."))),
        }
        if *is_descending {
            things.reverse();
        }
    }
    Ok(())
}

fn without_braces(resource: &Map<String, Value>) -> Vec<u8> {
    let text = Value::Object(resource.clone()).to_string();
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default().into()
}

/// The files and folders of a drive that are shown to the caller and that the index has.
fn items(view: &View<'_>, ask: &Ask<'_>, of: &DriveView<'_>) -> Vec<Thing> {
    let drive = of.drive();
    if ask.gaps.misses_library(&drive.url) {
        return Vec::new();
    }
    of.items().map(|item| drive_item(view, ask, drive, item)).collect()
}

fn drive_item(view: &View<'_>, ask: &Ask<'_>, drive: &Drive, item: &Item) -> Thing {
    let names = |id| {
        let user = view.person(id);
        user.map(|user| (user.display_name.clone(), user.mail.clone())).unwrap_or_default()
    };
    let (author, editor) = (names(item.author), names(item.editor));
    let url = shape::web_url(drive, item);
    let (created, modified) = (shape::time(item.created), shape::time(item.modified));
    let (site, web, list) = drive.ids();
    let mut resource = json!({
        "@odata.type": "#microsoft.graph.driveItem",
        "id": item.id, "createdDateTime": created, "lastModifiedDateTime": modified, "name": item.name, "webUrl": url,
        "size": item.size(), "createdBy": shape::person(view, item.author), "lastModifiedBy": shape::person(view, item.editor),
        "fileSystemInfo": { "createdDateTime": created, "lastModifiedDateTime": modified },
        "parentReference": {
            "id": item.parent, "driveId": drive.id, "driveType": drive.drive_type(), "siteId": drive.site_id(),
            "sharepointIds": {
                "listId": list.to_string(), "listItemId": item.number.to_string(), "listItemUniqueId": item.unique.to_string(),
                "siteId": site.to_string(), "webId": web.to_string(),
            },
        },
    });
    let facet = match &item.file {
        Some(file) => ("file", json!({ "mimeType": file.media_type })),
        None => ("folder", json!({ "childCount": 0 })),
    };
    // Real answers have neither; clients need them to tell files from folders, and find them at the item itself.
    resource[facet.0] = facet.1;
    let text = if ask.gaps.misses_type(&item.name) { String::new() } else { item.text().trim().to_owned() };
    let author = [author, editor].into_iter().flat_map(|(name, mail)| [Some(name), mail]).flatten().collect();
    Thing {
        id: item.id.clone(),
        name: item.name.clone(),
        text,
        author,
        url,
        site: drive.url.clone(),
        class: if item.is_folder() { "STS_ListItem_Folder" } else { "STS_ListItem_DocumentLibrary" },
        is_document: !item.is_folder(),
        size: item.size() as u64,
        created: item.created,
        modified: item.modified,
        resource: into_map(resource),
    }
}

fn into_map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Rows of lists, and pages.
fn list_items(of: &SiteView<'_>) -> Vec<Thing> {
    let site = of.site;
    let url = site_url(of);
    let resource = |id: &str, number: &str, list: &str, url: &str, created: Timestamp, title: &str| {
        let created = shape::time(created);
        into_map(json!({
            "@odata.type": "#microsoft.graph.listItem",
            "id": id, "createdDateTime": created, "lastModifiedDateTime": created, "webUrl": url,
            "parentReference": { "siteId": site.web.full_id() },
            "sharepointIds": { "listId": list, "listItemId": number, "listItemUniqueId": id },
            "name": title,
        }))
    };
    let mut found = Vec::new();
    for list in &site.lists {
        for item in &list.items {
            let title = item.fields.get("Title").cloned().unwrap_or_default();
            let (id, number) = (item.unique.to_string(), item.number.to_string());
            let url = format!("{url}/Lists/{}/DispForm.aspx?ID={number}", list.name);
            found.push(Thing {
                resource: resource(&id, &number, &list.id.to_string(), &url, item.created, &title),
                id,
                name: title,
                text: item.fields.values().cloned().collect::<Vec<_>>().join(" "),
                author: Vec::new(),
                url,
                site: site_url(of),
                class: "STS_ListItem_GenericList",
                is_document: false,
                size: 0,
                created: item.created,
                modified: item.created,
            });
        }
    }
    for page in &site.pages {
        let id = page.unique.to_string();
        let url = format!("{url}/SitePages/{}", page.name);
        let html = page.html.join(" ");
        let text: String = html.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text)).collect();
        found.push(Thing {
            resource: resource(&id, "", "", &url, page.created, &page.title),
            id,
            name: page.title.clone(),
            text,
            author: Vec::new(),
            url,
            site: site_url(of),
            class: "STS_ListItem_WebPageLibrary",
            is_document: false,
            size: 0,
            created: page.created,
            modified: page.created,
        });
    }
    found
}

fn site_url(of: &SiteView<'_>) -> String {
    shape::site(of).get("webUrl").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn site(of: &SiteView<'_>) -> Thing {
    let site = of.site;
    let mut resource = shape::site(of);
    resource.insert("@odata.type".to_owned(), json!("#microsoft.graph.site"));
    let url = site_url(of);
    Thing {
        id: site.web.full_id(),
        name: site.display_name.clone(),
        text: site.description.clone().unwrap_or_default(),
        author: Vec::new(),
        site: url.clone(),
        url,
        class: "STS_Site",
        is_document: false,
        size: 0,
        created: site.created,
        modified: site.created,
        resource,
    }
}
