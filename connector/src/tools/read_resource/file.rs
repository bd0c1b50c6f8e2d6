//! A file or folder of a drive: which permission opens it, what lies in it, what stands in it.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::super::{Note, Reach};
use super::{Content, Kind, Whole, document, object};
use crate::documents::{Format, Job, Limits, format};
use crate::graph::client::Reader;
use crate::graph::files::{Drive, FoundItem};
use crate::graph::mail::Page;
use crate::graph::request::{GraphRead, Place};
use crate::policy::scopes::Need;
use crate::refusal::{Code, Refusal};
use crate::resource_uri::{ResourceUri, Segment};

/// Pages of a folder that are read for one answer: some thousands of names.
const MAX_PAGES: usize = 10;

pub(super) async fn read(reach: &Reach<'_>, drive: &Segment, parts: &[Segment]) -> Result<Whole, Refusal> {
    let graph = reach.graph(need(reach, drive).await?);
    let item = located(&graph, drive, parts).await?;
    let id = Segment::new(item.id.as_str())
        .ok_or_else(|| Refusal::new(Code::UpstreamError, "Microsoft 365's answer is not understood."))?;
    if item.folder.is_some() {
        folder(&graph, drive, &id, item).await
    } else {
        file(reach, &graph, drive, &id, item).await
    }
}

/// What opens this drive: one's own OneDrive, that of somebody else, or a library of a site. Whoever may ask Graph at all may ask
/// whose it is; what is read of it then needs the permission that belongs to it.
async fn need(reach: &Reach<'_>, drive: &Segment) -> Result<Need, Refusal> {
    let mut missing: Option<Refusal> = None;
    for asked_with in [Need::Sites, Need::SharedFiles, Need::OwnFiles] {
        match reach.graph(asked_with).read::<Drive>(&GraphRead::Drive { drive }).await {
            Ok(facts) => return Ok(need_of(&facts, reach.caller.user().as_str())),
            Err(refusal) if refusal.is_about_a_grant() => missing = missing.or(Some(refusal)),
            // With a lesser permission Graph may be hiding what a missing one would show.
            Err(refusal) if refusal.code() == Code::NotFound => return Err(missing.unwrap_or(refusal)),
            Err(refusal) => return Err(refusal),
        }
    }
    Err(missing.unwrap_or_else(Refusal::not_found))
}

fn need_of(drive: &Drive, caller: &str) -> Need {
    let owner = drive.owner.as_ref().and_then(|owner| owner.user.as_ref()).and_then(|user| user.id.as_deref());
    match drive.kind.as_deref() {
        Some("business" | "personal") if owner.is_some_and(|owner| owner.eq_ignore_ascii_case(caller)) => {
            Need::OwnFiles
        }
        Some("business" | "personal") => Need::SharedFiles,
        _ => Need::Sites,
    }
}

/// One part is an id, or else a name at the root.
async fn located(graph: &Reader<'_>, drive: &Segment, parts: &[Segment]) -> Result<FoundItem, Refusal> {
    let at = |place| GraphRead::Item { drive, place };
    match parts {
        [] => graph.read(&at(Place::Root)).await,
        [one] => match graph.read(&at(Place::Id(one))).await {
            Err(refusal) if refusal.code() == Code::NotFound => graph.read(&at(Place::Path(parts))).await,
            outcome => outcome,
        },
        _ => graph.read(&at(Place::Path(parts))).await,
    }
}

async fn file(
    reach: &Reach<'_>,
    graph: &Reader<'_>,
    drive: &Segment,
    id: &Segment,
    item: FoundItem,
) -> Result<Whole, Refusal> {
    let format = readable(&item)?;
    let limit = Limits::default().file_bytes;
    let (bytes, kind) = graph.content(&GraphRead::Content { drive, id }, limit).await?;
    is_whole(format, &item, bytes.len(), &kind)?;
    let mut notes = Vec::new();
    let extracted = document::extract(reach, Job { format, charset: None, bytes: bytes.to_vec() }, &mut notes).await?;
    let declared = item.file.as_ref().and_then(|file| file.mime_type.as_deref()).unwrap_or_default();
    let mime_type = match format::essence(declared) {
        vague if vague.is_empty() || vague == "application/octet-stream" => format.mime_type().to_owned(),
        declared => declared,
    };
    let mut metadata = facts(drive, &item);
    metadata.insert("documentTitle".to_owned(), json!(extracted.title));
    Ok(Whole {
        kind: Kind::File,
        mime_type,
        title: Some(item.name),
        metadata,
        content: Content::Document(extracted),
        notes,
    })
}

/// Text has nothing in itself that would tell a part of it, or a page of a proxy's in its place, from the whole. Office's formats and PDF
/// do, and SharePoint writes properties into them, so that their size need not be the one that it tells.
fn is_whole(format: Format, item: &FoundItem, came: usize, kind: &str) -> Result<(), Refusal> {
    let is_foreign = format::essence(kind) == "text/html" && format != Format::Html;
    let is_short = format == Format::Text && item.size.is_some_and(|size| (came as u64) < size);
    if is_foreign || is_short {
        return Err(Refusal::new(
            Code::UpstreamError,
            "What came in place of the file is not the file, or a part of it.",
        ));
    }
    Ok(())
}

async fn folder(graph: &Reader<'_>, drive: &Segment, id: &Segment, item: FoundItem) -> Result<Whole, Refusal> {
    let mut page: Page<FoundItem> = graph.read(&GraphRead::Children { drive, id }).await?;
    let (mut children, mut content) = (Vec::new(), String::new());
    for read in 1.. {
        children.extend(page.value.iter().map(|child| listed(drive, child, &mut content)));
        match &page.next {
            Some(next) if read < MAX_PAGES => page = graph.next(next).await?,
            _ => break,
        }
    }
    let notes = match &page.next {
        Some(_) => {
            vec![Note::new("MORE_IN_FOLDER", "There is more; sharepoint_search with `folderName` finds the rest.")]
        }
        None => Vec::new(),
    };
    let mut metadata = facts(drive, &item);
    metadata.insert("children".to_owned(), Value::Array(children));
    Ok(Whole {
        kind: Kind::DriveFolder,
        mime_type: "text/plain".to_owned(),
        title: Some(item.name),
        metadata,
        content: Content::Text(content),
        notes,
    })
}

fn listed(drive: &Segment, item: &FoundItem, content: &mut String) -> Value {
    let kind = if item.folder.is_some() { "folder" } else { "file" };
    let facts = facts(drive, item);
    let uri = facts.get("uri").and_then(Value::as_str).unwrap_or_default();
    let changed = item.last_modified_date_time.as_deref().unwrap_or_default();
    let _ = writeln!(content, "{kind}: {} {changed} ({uri})", item.name);
    Value::Object(facts)
}

/// What is known of an item beside its content.
fn facts(drive: &Segment, item: &FoundItem) -> Map<String, Value> {
    let by = |actors: &Option<crate::graph::files::Actors>| {
        actors.as_ref().and_then(|actors| actors.user.as_ref()).and_then(|user| user.display_name.clone())
    };
    let reason = item.folder.is_none().then(|| readable(item).err()).flatten();
    object(json!({
        "uri": uri(drive.as_str(), &item.id),
        "id": item.id,
        "name": item.name,
        "kind": if item.folder.is_some() { "folder" } else { "file" },
        "size": item.size,
        "webUrl": item.web_url,
        "mimeType": item.file.as_ref().and_then(|file| file.mime_type.clone()),
        "childCount": item.folder.as_ref().and_then(|folder| folder.child_count),
        "createdDateTime": item.created_date_time,
        "createdBy": by(&item.created_by),
        "lastModifiedDateTime": item.last_modified_date_time,
        "lastModifiedBy": by(&item.last_modified_by),
        "readable": reason.is_none(),
        "reason": reason.map(|refusal| refusal.message().to_owned()),
    }))
}

/// The uri of an item.
pub(in super::super) fn uri(drive: &str, item: &str) -> Option<String> {
    let (drive, item) = (Segment::new(drive)?, Segment::new(item)?);
    Some(ResourceUri::Item { drive, parts: vec![item] }.to_string())
}

/// Which kind of file it is, or why it is not read.
pub(in super::super) fn readable(item: &FoundItem) -> Result<Format, Refusal> {
    let declared = item.file.as_ref().and_then(|file| file.mime_type.as_deref());
    let Some(format) = Format::of(Some(&item.name), declared) else {
        let mime = format::essence(declared.unwrap_or("application/octet-stream"));
        let message = format!("This file is not read: mime type '{mime}' is not allowed.");
        return Err(Refusal::new(Code::UnsupportedType, message));
    };
    let limit = Limits::default().file_bytes;
    if item.size.is_some_and(|size| size > limit as u64) {
        return Err(Refusal::new(Code::TooLarge, format!("The file is larger than {} MB.", limit / 1024 / 1024)));
    }
    Ok(format)
}
