//! Files, folders, pages, list items and sites: <https://learn.microsoft.com/graph/search-concept-files>.
//!
//! What stands nearest to the words comes first: names before texts, then what was changed last. `total` counts everything that was found.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::error::Refusal;
use super::super::files::shape;
use super::super::route::Ask;
use super::super::view::{DriveView, Seen, SiteView, View};
use super::entity::Entity;
use super::refine::Property;
use super::snippet::summary;
use super::{Hit, Hits, Request, bad};
use crate::drive::{Drive, Item};
use crate::search::{Document, Field, Flag, Instant, Phrase, words};

/// A row of a list, a page or a site that may be found.
struct Thing {
    id: String,
    name: String,
    text: String,
    url: String,
    site: String,
    class: &'static str,
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
        (flag == Flag::IsDocument).then_some(false)
    }

    fn size(&self) -> Option<u64> {
        Some(0)
    }
}

/// Something that was found, and where it stands among the rest.
struct Candidate<'v, 'a> {
    nearness: usize,
    what: What<'v, 'a>,
}

enum What<'v, 'a> {
    /// An item of a drive.
    Item(&'v DriveView<'a>, Arc<Item>),
    Thing(Box<Thing>),
}

impl Candidate<'_, '_> {
    fn id(&self) -> &str {
        match &self.what {
            What::Item(_, item) => &item.id,
            What::Thing(thing) => &thing.id,
        }
    }

    fn name(&self) -> &str {
        match &self.what {
            What::Item(_, item) => &item.name,
            What::Thing(thing) => &thing.name,
        }
    }

    fn modified(&self) -> Timestamp {
        match &self.what {
            What::Item(_, item) => item.modified,
            What::Thing(thing) => thing.modified,
        }
    }

    fn created(&self) -> Timestamp {
        match &self.what {
            What::Item(_, item) => item.created,
            What::Thing(thing) => thing.created,
        }
    }

    fn size(&self) -> u64 {
        match &self.what {
            What::Item(_, item) => item.size() as u64,
            What::Thing(_) => 0,
        }
    }

    /// What it is counted under.
    fn value(&self, property: Property) -> Option<String> {
        match (property, &self.what) {
            (Property::FileType, What::Item(_, item)) if item.is_folder() => None,
            (Property::FileType, _) => {
                let (_, extension) = self.name().rsplit_once('.')?;
                Some(extension.to_lowercase())
            }
            (Property::Class, What::Item(_, item)) => Some(item.class().to_owned()),
            (Property::Class, What::Thing(thing)) => Some(thing.class.to_owned()),
            (Property::Site, What::Item(drive, _)) => Some(drive.drive().web.url()),
            (Property::Site, What::Thing(thing)) => Some(thing.site.clone()),
        }
    }

    /// The nearest first, then what was changed last.
    fn place(&self) -> (Reverse<usize>, Reverse<Timestamp>, &str) {
        (Reverse(self.nearness), Reverse(self.modified()), self.id())
    }

    fn hit(self, view: &View<'_>, ask: &Ask<'_>, phrases: &[&Phrase]) -> Hit {
        let (id, name, text, resource) = match self.what {
            What::Item(drive, item) => {
                let text = if ask.gaps.misses_type(&item.name) { "" } else { item.text().trim() };
                (item.id.clone(), item.name.clone(), text.to_owned(), drive_item(view, drive.drive(), &item))
            }
            What::Thing(thing) => (thing.id, thing.name, thing.text, thing.resource),
        };
        Hit {
            summary: summary(if text.is_empty() { &name } else { &text }, phrases),
            id,
            resource: without_braces(&resource),
        }
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
    let drives = if request.entities.contains(&Entity::DriveItem) { view.drives() } else { Vec::new() };
    let mut found: Vec<Candidate<'_, '_>> = Vec::new();
    // Of a library that the index misses nothing is found.
    for drive in drives.iter().filter(|drive| !ask.gaps.misses_library(&drive.drive().url)) {
        let seen = view.searched(drive, ask.gaps).find(&request.query, phrases).into_iter();
        found.extend(seen.map(|Seen { item, nearness }| Candidate { nearness, what: What::Item(drive, item) }));
    }
    let mut things = Vec::new();
    for entity in &request.entities {
        match entity {
            Entity::DriveItem => {}
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
    found.extend(
        things
            .into_iter()
            .map(|thing| Candidate { nearness: nearness(&thing, phrases), what: What::Thing(Box::new(thing)) }),
    );
    found.retain(|candidate| request.filters.iter().all(|filter| filter.passes(|property| candidate.value(property))));
    let counted = request.aggregations.iter().map(|asked| asked.count(&found, Candidate::value));
    let refiners = counted.collect();
    sort(&mut found, request)?;
    Ok(Hits { refiners, ..Hits::page(request, found, false, |candidate| candidate.hit(view, ask, phrases)) })
}

/// As far as the page that is asked for goes.
fn sort(found: &mut [Candidate<'_, '_>], request: &Request) -> Result<(), Refusal> {
    let end = request.from.saturating_add(request.size);
    if request.sort.is_empty() && end < found.len() {
        // Most of what a common word finds is on no page that anybody asks for.
        found.select_nth_unstable_by(end, |one, other| one.place().cmp(&other.place()));
        if let Some(shown) = found.get_mut(..end) {
            shown.sort_unstable_by(|one, other| one.place().cmp(&other.place()));
        }
        return Ok(());
    }
    found.sort_by(|one, other| one.place().cmp(&other.place()));
    for (name, is_descending) in request.sort.iter().rev() {
        match name.to_ascii_lowercase().as_str() {
            "lastmodifieddatetime" | "lastmodifiedtime" => found.sort_by_key(Candidate::modified),
            "createddatetime" | "created" => found.sort_by_key(Candidate::created),
            "name" | "filename" => found.sort_by_cached_key(|candidate| candidate.name().to_lowercase()),
            "size" => found.sort_by_key(Candidate::size),
            _ => return Err(bad(format!("The property '{name:.40}' is not sortable."))),
        }
        if *is_descending {
            found.reverse();
        }
    }
    Ok(())
}

fn without_braces(resource: &Map<String, Value>) -> Vec<u8> {
    let text = Value::Object(resource.clone()).to_string();
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default().into()
}

fn drive_item(view: &View<'_>, drive: &Drive, item: &Item) -> Map<String, Value> {
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
    into_map(resource)
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
                url,
                site: site_url(of),
                class: "STS_ListItem_GenericList",
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
            url,
            site: site_url(of),
            class: "STS_ListItem_WebPageLibrary",
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
        site: url.clone(),
        url,
        class: "STS_Site",
        created: site.created,
        modified: site.created,
        resource,
    }
}
