//! Which folder is meant by a name or a path?

use super::Input;
use crate::graph::client::Reader;
use crate::graph::mail::{Folder, Page};
use crate::graph::request::GraphRead;
use crate::refusal::{Code, Refusal};
use crate::resource_uri::{Mailbox, Segment};

/// The folders that Graph knows by a fixed name
/// (<https://learn.microsoft.com/graph/api/resources/mailfolder>).
const WELL_KNOWN: &[(&str, &str)] = &[
    ("inbox", "inbox"),
    ("sent items", "sentitems"),
    ("sent", "sentitems"),
    ("drafts", "drafts"),
    ("deleted items", "deleteditems"),
    ("archive", "archive"),
    ("junk email", "junkemail"),
    ("junk", "junkemail"),
    ("outbox", "outbox"),
];

/// Lists of folders that one call reads at most.
const MAX_LISTS: usize = 12;

/// A folder that was named.
pub(super) struct Named {
    pub(super) id: Segment,
    pub(super) name: String,
}

pub(super) async fn resolve(graph: &Reader<'_>, mailbox: &Mailbox, input: &Input) -> Result<Option<Named>, Refusal> {
    if let Some(id) = &input.folder_id {
        let id = Segment::new(id.as_str()).ok_or_else(|| Refusal::argument("folderId", "`folderId` is not an id."))?;
        return Ok(Some(Named { name: id.as_str().to_owned(), id }));
    }
    let Some(path) = &input.folder_name else { return Ok(None) };
    let parts: Vec<_> = path.split('/').map(str::trim).filter(|part| !part.is_empty()).collect();
    let Some((first, rest)) = parts.split_first() else {
        return Err(Refusal::argument("folderName", "`folderName` is empty."));
    };
    let known = WELL_KNOWN.iter().find(|(name, id)| first.eq_ignore_ascii_case(name) || first.eq_ignore_ascii_case(id));
    let mut at = match known {
        Some((_, id)) => Segment::new(*id).map(|id| Named { id, name: (*first).to_owned() }),
        None => named(&children(graph, mailbox, None).await?, first)?,
    };
    if at.is_none() && rest.is_empty() {
        at = below(graph, mailbox, first).await?;
    }
    for part in rest {
        let Some(parent) = at else { break };
        let found = named(&children(graph, mailbox, Some(&parent.id)).await?, part)?;
        at = found.map(|found| Named { name: format!("{}/{}", parent.name, found.name), ..found });
    }
    at.map(Some).ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("There is no mail folder `{path}`."))
            .parameters(&["folderName"])
            .suggestion("read_resource with mail:///folders/ lists the folders.")
    })
}

/// A name that stands further down, if it stands there once.
async fn below(graph: &Reader<'_>, mailbox: &Mailbox, name: &str) -> Result<Option<Named>, Refusal> {
    let mut open: Vec<_> =
        children(graph, mailbox, None).await?.into_iter().map(|folder| (String::new(), folder)).collect();
    let mut found: Vec<Named> = Vec::new();
    let mut lists = 0;
    while !open.is_empty() && lists < MAX_LISTS {
        let mut deeper = Vec::new();
        for (path, folder) in open {
            let path =
                if path.is_empty() { folder.display_name.clone() } else { format!("{path}/{}", folder.display_name) };
            if folder.display_name.eq_ignore_ascii_case(name)
                && let Some(id) = Segment::new(folder.id.as_str())
            {
                found.push(Named { id, name: path.clone() });
            }
            if folder.child_folder_count.unwrap_or(0) > 0
                && lists < MAX_LISTS
                && let Some(id) = Segment::new(folder.id)
            {
                lists += 1;
                let children = children(graph, mailbox, Some(&id)).await?;
                deeper.extend(children.into_iter().map(|child| (path.clone(), child)));
            }
        }
        open = deeper;
    }
    if found.len() > 1 {
        let paths: Vec<_> = found.iter().map(|folder| folder.name.as_str()).collect();
        return Err(Refusal::argument(
            "folderName",
            format!("Several folders are called `{name}`: {}.", paths.join(", ")),
        )
        .suggestion("Use the path."));
    }
    Ok(found.pop())
}

async fn children(graph: &Reader<'_>, mailbox: &Mailbox, parent: Option<&Segment>) -> Result<Vec<Folder>, Refusal> {
    let mut page: Page<Folder> = graph.read(&GraphRead::Folders { mailbox, parent }).await?;
    let mut folders = std::mem::take(&mut page.value);
    for _ in 0..MAX_LISTS {
        let Some(next) = page.next else { break };
        page = graph.next(&next).await?;
        folders.append(&mut page.value);
    }
    Ok(folders)
}

fn named(folders: &[Folder], name: &str) -> Result<Option<Named>, Refusal> {
    let mut matching = folders.iter().filter(|folder| folder.display_name.eq_ignore_ascii_case(name));
    let first = matching.next();
    if matching.next().is_some() {
        return Err(Refusal::argument("folderName", format!("Several folders are called `{name}`."))
            .suggestion("Use `folderId`; read_resource with mail:///folders/ lists the ids."));
    }
    Ok(first
        .and_then(|folder| Some(Named { id: Segment::new(folder.id.as_str())?, name: folder.display_name.clone() })))
}
