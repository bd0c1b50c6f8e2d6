//! A site, its document libraries, and its pages.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::Note;
use super::{Content, Kind, Whole, object, text};
use crate::graph::client::Reader;
use crate::graph::files::{Drive, Site, SitePage};
use crate::graph::mail::Page;
use crate::graph::request::GraphRead;
use crate::refusal::Refusal;
use crate::resource_uri::{ResourceUri, Segment};

pub(super) async fn read(graph: &Reader<'_>, site: &Segment) -> Result<Whole, Refusal> {
    let facts: Site = graph.read(&GraphRead::Site { site }).await?;
    let drives = ResourceUri::Drives { site: site.clone() }.to_string();
    let content = format!("document libraries: ({drives})\n");
    Ok(Whole {
        kind: Kind::Site,
        mime_type: "text/plain".to_owned(),
        title: facts.display_name,
        metadata: object(json!({
            "id": facts.id,
            "description": facts.description,
            "webUrl": facts.web_url,
            "drivesUri": drives,
        })),
        content: Content::Text(content),
        notes: Vec::new(),
    })
}

pub(super) async fn drives(graph: &Reader<'_>, site: &Segment) -> Result<Whole, Refusal> {
    let page: Page<Drive> = graph.read(&GraphRead::SiteDrives { site }).await?;
    let mut content = String::new();
    let fact = |drive: &Drive| {
        let uri =
            Segment::new(drive.id.as_str()).map(|drive| ResourceUri::Item { drive, parts: Vec::new() }.to_string());
        let name = drive.name.as_deref().unwrap_or_default();
        let _ = writeln!(content, "library: {name} ({})", uri.as_deref().unwrap_or_default());
        json!({ "uri": uri, "id": drive.id, "name": drive.name, "webUrl": drive.web_url })
    };
    let drives: Vec<Value> = page.value.iter().map(fact).collect();
    let notes = match page.next {
        Some(_) => vec![Note::new("MORE_IN_SITE", "The site has more libraries than are listed here.")],
        None => Vec::new(),
    };
    Ok(Whole {
        kind: Kind::Drives,
        mime_type: "text/plain".to_owned(),
        title: Some("Document libraries".to_owned()),
        metadata: object(json!({ "drives": drives })),
        content: Content::Text(content),
        notes,
    })
}

pub(super) async fn page(graph: &Reader<'_>, site: &Segment, id: &Segment) -> Result<Whole, Refusal> {
    let page: SitePage = graph.read(&GraphRead::SitePage { site, page: id }).await?;
    let mut notes = Vec::new();
    let mut html = String::new();
    page.canvas_layout.iter().for_each(|canvas| collect(canvas, &mut html));
    let content = text::of_html(html, &mut notes).await?;
    Ok(Whole {
        kind: Kind::Page,
        mime_type: "text/plain".to_owned(),
        title: page.title,
        metadata: object(json!({
            "id": page.id,
            "description": page.description,
            "webUrl": page.web_url,
            "lastModifiedDateTime": page.last_modified_date_time,
            "lastModifiedBy": page.last_modified_by.and_then(|by| by.user).and_then(|user| user.display_name),
        })),
        content: Content::Text(content),
        notes,
    })
}

/// What stands in the web parts, in reading order: texts, and the words that other parts offer to the search
/// (<https://learn.microsoft.com/graph/api/resources/serverprocessedcontent>).
fn collect(canvas: &Value, html: &mut String) {
    match canvas {
        Value::Object(part) => {
            if let Some(text) = part.get("innerHtml").and_then(Value::as_str) {
                html.push_str(text);
                html.push('\n');
            }
            for word in part.get("searchablePlainTexts").and_then(Value::as_array).into_iter().flatten() {
                let text = word.get("value").and_then(Value::as_str).unwrap_or_default();
                let _ = writeln!(html, "<p>{}</p>", text.replace('&', "&amp;").replace('<', "&lt;"));
            }
            part.values().for_each(|below| collect(below, html));
        }
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, html)),
        _ => {}
    }
}
