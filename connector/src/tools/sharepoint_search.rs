//! Find files, pages and folders of SharePoint and OneDrive: Graph's index by words, and filters that are decided here once more.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rmcp::schemars;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dates::{self, Bound};
use super::envelope::{Envelope, PageFacts};
use super::read_resource::{file_uri, readable};
use super::{Note, Reach, ToolRow, answer, arguments, input_schema, output_schema};
use crate::graph::ask::GraphAsk;
use crate::graph::client::Reader;
use crate::graph::files::{Actor, Actors, FoundItem};
use crate::graph::search::{self, Answers, Entity, Hit, Search};
use crate::policy::scopes::Need;
use crate::refusal::{Code, Refusal};
use crate::resource_uri::{ResourceUri, Segment};

const DEFAULT_LIMIT: u32 = 10;
const MAX_LIMIT: u32 = 50;
const MAX_OFFSET: u32 = 1000;

/// Hits per page of Graph's.
const SIZE: u32 = 50;

/// Pages of Graph's that one call reads at most.
const MAX_PAGES: u32 = 8;

pub(super) const TOOL: ToolRow = ToolRow {
    name: "sharepoint_search",
    title: "Search SharePoint and OneDrive",
    description: "Searches files and pages of SharePoint and OneDrive that the user can open by words (KQL, `*` for all) and answers with metadata. \
                  Ranked; may omit matches.",
    needs: &[Need::Sites],
    input: input_schema::<Input>,
    output: output_schema::<Envelope<Item, Effective>>,
    call: |reach, arguments| Box::pin(call(reach, arguments)),
};

pub(super) const FOLDERS: ToolRow = ToolRow {
    name: "sharepoint_folder_search",
    title: "Find folders in SharePoint and OneDrive",
    description: "Finds folders of SharePoint and OneDrive that the user can open by a part of their name. Ranked; may omit matches.",
    needs: &[Need::Sites],
    input: input_schema::<FolderInput>,
    output: output_schema::<Envelope<Item, Effective>>,
    call: |reach, arguments| Box::pin(call_folders(reach, arguments)),
};

/// Filters are combined.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    /// Words or KQL (`budget`, `"final offer"`, `filename:plan`, OR); `*` for everything.
    query: String,
    /// Extension, for example `docx`.
    file_type: Option<String>,
    /// A part of the path of the folder.
    folder_name: Option<String>,
    /// Address of a site or folder: only what lies below it.
    site_url: Option<String>,
    /// Who made it or changed it last: part of the name, or the address, which is compared with the name where Microsoft 365 gives no more.
    author: Option<String>,
    /// Changed at or after: ISO 8601, or words such as `last week`. UTC.
    after_date_time: Option<String>,
    /// Changed at or before; as `afterDateTime`.
    before_date_time: Option<String>,
    /// How many hits: 10 by default, 50 at most.
    limit: Option<u32>,
    /// The `nextOffset` of the page before, with the same arguments.
    offset: Option<u32>,
}

/// Which folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FolderInput {
    /// A part of its name.
    name: String,
    /// Address of a site or folder: only what lies below it.
    site_url: Option<String>,
    /// How many hits: 10 by default, 50 at most.
    limit: Option<u32>,
    /// The `nextOffset` of the page before, with the same arguments.
    offset: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
struct Effective {
    mode: &'static str,
    /// The address below which was looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<String>,
    /// A part of the folder's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// One file, page, row of a list or folder.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Item {
    /// For read_resource.
    uri: Option<String>,
    id: String,
    drive_id: Option<String>,
    site_id: Option<String>,
    name: String,
    kind: Kind,
    web_url: Option<String>,
    mime_type: Option<String>,
    size: Option<u64>,
    created_date_time: Option<String>,
    last_modified_date_time: Option<String>,
    last_modified_by: Option<String>,
    /// Whether read_resource gives the content.
    readable: bool,
    /// Why not.
    reason: Option<String>,
    /// The words around what was found.
    snippet: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Kind {
    File,
    Folder,
    /// A page or a news post of a site.
    Page,
    /// A row of a list.
    ListItem,
}

/// What a hit has to be, beside its words. Texts are in lower case.
#[derive(Default)]
struct Filters {
    /// Folders alone, or everything but folders.
    folders: bool,
    name: Option<String>,
    file_type: Option<String>,
    folder: Option<String>,
    below: Option<String>,
    author: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

/// What one call found.
struct Found {
    items: Vec<Item>,
    /// The place in Graph's list where the next page begins.
    next: Option<u32>,
    /// Whether there may be more that was not looked at, and why.
    cut: Option<Note>,
}

async fn call(reach: &Reach<'_>, raw: Map<String, Value>) -> Result<Value, Refusal> {
    let input: Input = arguments(raw)?;
    let mut notes = Vec::new();
    let query = input.query.trim();
    if query.is_empty() {
        return Err(Refusal::argument("query", "`query` is empty.").suggestion("`*` asks for everything."));
    }
    if query == "*" {
        notes.push(Note::new("WILDCARD_AS_ALL", "`*` asks for everything that the filters let through."));
    }
    let filters = Filters::of(&input, reach.services.clock.now(), &mut notes)?;
    found(reach, &filters.kql(query), &filters, (input.limit, input.offset), notes).await
}

async fn call_folders(reach: &Reach<'_>, raw: Map<String, Value>) -> Result<Value, Refusal> {
    let input: FolderInput = arguments(raw)?;
    let name = word("name", Some(&input.name))?;
    let below = word("siteUrl", input.site_url.as_ref())?;
    // Quotes would end the phrase; the name is compared here once more.
    let kql = format!("filename:\"{}*\"", input.name.trim().replace('"', " "));
    let filters = Filters { folders: true, name, below, ..Filters::default() };
    found(reach, &kql, &filters, (input.limit, input.offset), Vec::new()).await
}

async fn found(
    reach: &Reach<'_>,
    kql: &str,
    filters: &Filters,
    (limit, offset): (Option<u32>, Option<u32>),
    mut notes: Vec<Note>,
) -> Result<Value, Refusal> {
    let limit = match limit {
        None => DEFAULT_LIMIT,
        Some(0) => return Err(Refusal::argument("limit", format!("`limit` is at least 1 and at most {MAX_LIMIT}."))),
        Some(asked) if asked > MAX_LIMIT => {
            notes.push(Note::new("LIMIT_CAPPED", format!("`limit` is {MAX_LIMIT} at most.")));
            MAX_LIMIT
        }
        Some(asked) => asked,
    };
    let offset = offset.unwrap_or(0);
    if offset > MAX_OFFSET {
        return Err(Refusal::argument("offset", format!("`offset` ends at {MAX_OFFSET}.")));
    }
    // Pages are items of a list, which a permission for sites alone finds; folders are found in drives.
    let scopes = (reach.services.policy.required_scopes)(Need::Sites);
    let lists = !filters.folders && scopes.iter().any(|scope| scope.starts_with("Sites."));
    let entities: &[_] = if lists { &[Entity::DriveItem, Entity::ListItem] } else { &[Entity::DriveItem] };
    let found = walk(&reach.graph(Need::Sites), entities, kql, filters, offset, limit).await?;
    notes.push(Note::new(
        "RANKED_MAY_OMIT",
        "Graph's index ranks by relevance, and may omit matches and whole libraries.",
    ));
    let partial = found.cut.is_some();
    if found.items.is_empty() && !partial {
        notes.push(Note::new("NOTHING_FOUND", "Nothing that you can open in SharePoint or OneDrive matches."));
    }
    notes.extend(found.cut);
    answer(&Envelope {
        page: PageFacts::by_offset(limit, found.items.len(), offset, found.next, MAX_OFFSET),
        items: found.items,
        partial,
        notes,
        effective: Effective {
            mode: "search",
            below: filters.below.clone(),
            folder: filters.folder.clone(),
            after: filters.after.map(|after| after.to_string()),
            before: filters.before.map(|before| before.to_string()),
        },
    })
}

/// Page by page, until enough is found.
async fn walk(
    graph: &Reader<'_>,
    entities: &[Entity],
    kql: &str,
    filters: &Filters,
    offset: u32,
    limit: u32,
) -> Result<Found, Refusal> {
    let mut found = Found { items: Vec::new(), next: None, cut: None };
    let mut from = offset;
    for read in 1..=MAX_PAGES {
        let asked = Search { entities, kql, from, size: SIZE };
        let answers: Result<Answers<FoundItem>, _> = graph.ask(&GraphAsk::Search(asked)).await;
        let page = match answers.and_then(Answers::container) {
            Ok(page) => page,
            // What was found is worth more than a refusal, if the rest can be had later.
            Err(refusal) if read > 1 && matches!(refusal.code(), Code::Throttled | Code::Timeout) => {
                let code = if refusal.code() == Code::Throttled { "PARTIAL_THROTTLED" } else { "PARTIAL_TIMEOUT" };
                found.cut =
                    Some(Note::new(code, format!("Not everything could be looked through: {}", refusal.message())));
                found.next = Some(from);
                return Ok(found);
            }
            Err(refusal) => return Err(refusal),
        };
        let came = page.hits.len();
        for hit in page.hits {
            let matches = filters.matches(&hit.resource);
            if matches && found.items.len() == limit as usize {
                found.next = Some(from);
                return Ok(found);
            }
            from = from.saturating_add(1);
            if matches {
                found.items.push(item(hit));
            }
        }
        if !page.more_results_available || came == 0 {
            return Ok(found);
        }
    }
    found.next = Some(from);
    found.cut =
        Some(Note::new("SCAN_LIMIT", "Only a part could be looked through for these filters. Go on at `nextOffset`."));
    Ok(found)
}

/// In lower case; an empty one is a mistake.
fn word(parameter: &'static str, text: Option<&String>) -> Result<Option<String>, Refusal> {
    match text.map(|text| text.trim().to_lowercase()) {
        Some(text) if text.is_empty() => Err(Refusal::argument(parameter, format!("`{parameter}` is empty."))),
        text => Ok(text),
    }
}

impl Filters {
    fn of(input: &Input, now: Timestamp, notes: &mut Vec<Note>) -> Result<Self, Refusal> {
        let mut date = |parameter, text: Option<&String>, bound| dates::given(parameter, text, bound, now, notes);
        let after = date("afterDateTime", input.after_date_time.as_ref(), Bound::After)?;
        let before = date("beforeDateTime", input.before_date_time.as_ref(), Bound::Before)?;
        let file_type = word("fileType", input.file_type.as_ref())?;
        let author = word("author", input.author.as_ref())?;
        if author.is_some() {
            let how = "`author` was looked for in names, and in addresses where Microsoft 365 gives them.";
            notes.push(Note::new("NAME_MATCHED", how));
        }
        Ok(Self {
            folders: false,
            name: None,
            file_type: file_type.map(|kind| kind.trim_start_matches('.').to_owned()),
            folder: word("folderName", input.folder_name.as_ref())?,
            below: word("siteUrl", input.site_url.as_ref())?,
            author,
            after,
            before,
        })
    }

    /// The question to the index, which is asked for no less than what `matches` lets through.
    fn kql(&self, query: &str) -> String {
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let mut parts = Vec::new();
        if let Some(kind) = self.file_type.as_ref().filter(|kind| kind.chars().all(char::is_alphanumeric)) {
            parts.push(format!("filetype:{kind}"));
        }
        if let Some(after) = self.after {
            parts.push(format!("LastModifiedTime>={}", day(after)));
        }
        if let Some(tomorrow) = self.before.and_then(|before| day(before).tomorrow().ok()) {
            parts.push(format!("LastModifiedTime<{tomorrow}"));
        }
        match (query, parts.is_empty()) {
            ("*", false) => {}
            (_, true) => parts.push(query.to_owned()),
            _ => parts.insert(0, format!("({query})")),
        }
        parts.join(" ")
    }

    /// Bounds are inclusive.
    fn matches(&self, item: &FoundItem) -> bool {
        let name = name_of(item).to_lowercase();
        let url = item.web_url.as_deref().unwrap_or_default().to_lowercase().replace("%20", " ");
        let at = item.last_modified_date_time.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        let dated = match at {
            Some(at) => self.after.is_none_or(|after| at >= after) && self.before.is_none_or(|before| at <= before),
            None => self.after.is_none() && self.before.is_none(),
        };
        let made_by = |actors: &Option<Actors>, text: &str| {
            let user = actors.as_ref().and_then(|actors| actors.user.as_ref());
            user.is_some_and(|user| is_by(user, text))
        };
        let folders = url.rsplit_once('/').map_or("", |(folders, _)| folders);
        dated
            && kind_of(item).is_some_and(|kind| self.folders == (kind == Kind::Folder))
            && self.name.as_deref().is_none_or(|text| name.contains(text))
            && self.file_type.as_deref().is_none_or(|kind| name.rsplit_once('.').is_some_and(|(_, own)| own == kind))
            && self.folder.as_deref().is_none_or(|text| folders.contains(text))
            && self.below.as_deref().is_none_or(|text| is_below(&url, &text.replace("%20", " ")))
            && self
                .author
                .as_deref()
                .is_none_or(|text| made_by(&item.created_by, text) || made_by(&item.last_modified_by, text))
    }
}

/// Whether somebody is meant by a part of their name or address. Graph's index often gives the name alone
/// (<https://learn.microsoft.com/graph/api/resources/identity>): an address is then compared with it, word by word.
fn is_by(user: &Actor, text: &str) -> bool {
    let name = user.display_name.as_deref().unwrap_or_default().to_lowercase();
    let email = user.email.as_deref().map(str::to_lowercase);
    let words = match (&email, text.split_once('@')) {
        (None, Some((local, _))) if !local.is_empty() => local,
        _ => return name.contains(text) || email.is_some_and(|email| email.contains(text)),
    };
    words.split(['.', '-', '_']).all(|word| name.split_whitespace().any(|part| part == word))
}

/// Whether an address lies below another: `…/sites/finance` holds nothing of `…/sites/finance-old`.
fn is_below(url: &str, place: &str) -> bool {
    let place = place.trim_end_matches('/');
    url.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Nothing for a document as the list of its library knows it: it is found as what it is.
fn kind_of(item: &FoundItem) -> Option<Kind> {
    if item.kind.as_deref() != Some("#microsoft.graph.listItem") {
        return Some(if item.folder.is_some() { Kind::Folder } else { Kind::File });
    }
    let url = item.web_url.as_deref().unwrap_or_default().to_lowercase();
    if url.contains("/sitepages/") {
        return Some(Kind::Page);
    }
    url.contains("/lists/").then_some(Kind::ListItem)
}

/// What it is called: a list's item may have no name but its address.
fn name_of(item: &FoundItem) -> String {
    let last = || item.web_url.as_deref().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    if item.name.is_empty() { last().replace("%20", " ") } else { item.name.clone() }
}

fn item(hit: Hit<FoundItem>) -> Item {
    let (kind, name) = (kind_of(&hit.resource).unwrap_or(Kind::ListItem), name_of(&hit.resource));
    let parent = hit.resource.parent_reference.as_ref();
    let uri = match kind {
        Kind::File | Kind::Folder => parent.and_then(|parent| file_uri(parent.drive_id.as_deref()?, &hit.resource.id)),
        Kind::Page => parent.and_then(|parent| {
            let (site, id) = (Segment::new(parent.site_id.as_deref()?)?, Segment::new(hit.resource.id.as_str())?);
            Some(ResourceUri::Page { site, id }.to_string())
        }),
        Kind::ListItem => None,
    };
    let reason = match (kind, &uri) {
        (Kind::ListItem, _) => Some("Rows of lists are not read; `webUrl` opens it.".to_owned()),
        (Kind::Page, None) => Some("Microsoft 365 does not say on which site it is.".to_owned()),
        (_, None) => Some("Microsoft 365 does not say in which drive it lies.".to_owned()),
        (Kind::Page | Kind::Folder, _) => None,
        (Kind::File, _) => readable(&hit.resource).err().map(|refusal| refusal.message().to_owned()),
    };
    let FoundItem {
        id,
        web_url,
        size,
        created_date_time,
        last_modified_date_time,
        last_modified_by,
        parent_reference,
        file,
        ..
    } = hit.resource;
    let (drive_id, site_id) = parent_reference.map_or((None, None), |parent| (parent.drive_id, parent.site_id));
    Item {
        uri,
        id,
        drive_id,
        site_id,
        name,
        kind,
        web_url,
        mime_type: file.and_then(|file| file.mime_type),
        size,
        created_date_time,
        last_modified_date_time,
        last_modified_by: last_modified_by.and_then(|actors| actors.user).and_then(|user| user.display_name),
        readable: reason.is_none(),
        reason,
        snippet: hit.summary.as_deref().map(search::plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_what_lies_below_it_and_nothing_beside_it() {
        let place = "https://contoso.sharepoint.example/sites/finance";
        assert!(is_below(&format!("{place}/Shared Documents/Budget.xlsx"), &format!("{place}/")));
        assert!(is_below(place, place));
        assert!(!is_below(&format!("{place}-old/Budget.xlsx"), place));
    }
}
