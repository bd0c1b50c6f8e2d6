//! Drives, items, permissions and sites on the wire.

use fixtures::ids::UserId;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::download::Door;
use crate::drive::{Drive, Grant, Grantee, Item, Kind};
use crate::graph::error::GraphError;
use crate::graph::view::{DriveView, SiteView, View};
use crate::site::Site;

/// Properties of a drive item that may be selected.
pub(super) const ITEM: &[&str] = &[
    "id",
    "name",
    "createdBy",
    "createdDateTime",
    "lastModifiedBy",
    "lastModifiedDateTime",
    "eTag",
    "cTag",
    "size",
    "webUrl",
    "parentReference",
    "file",
    "folder",
    "fileSystemInfo",
    "root",
    "shared",
    "remoteItem",
    "searchResult",
    "sharepointIds",
    "description",
    "package",
    "deleted",
    "malware",
    "photo",
    "image",
    "video",
    "audio",
    "location",
    "bundle",
    "publication",
    "specialFolder",
    "webDavUrl",
    "pendingOperations",
    "content.downloadUrl",
    "@microsoft.graph.downloadUrl",
    "content",
];
/// Properties of a drive that may be selected.
pub(super) const DRIVE: &[&str] = &[
    "id",
    "name",
    "driveType",
    "owner",
    "quota",
    "webUrl",
    "createdDateTime",
    "lastModifiedDateTime",
    "createdBy",
    "lastModifiedBy",
    "description",
    "sharePointIds",
    "system",
    "eTag",
    "parentReference",
];
/// Properties of a site that may be selected.
pub(super) const SITE: &[&str] = &[
    "id",
    "name",
    "displayName",
    "webUrl",
    "createdDateTime",
    "lastModifiedDateTime",
    "description",
    "root",
    "siteCollection",
    "sharepointIds",
    "isPersonalSite",
    "eTag",
    "parentReference",
    "createdBy",
    "lastModifiedBy",
    "error",
];

/// `2026-01-08T14:12:06Z`.
pub(in crate::graph) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Keeps what is selected, and annotations.
pub(super) fn selected(
    mut value: Map<String, Value>,
    select: Option<&[String]>,
    known: &[&str],
    of: &str,
) -> Result<Map<String, Value>, GraphError> {
    let Some(select) = select else { return Ok(value) };
    for name in select {
        let top = name.split('/').next().unwrap_or(name);
        if top != "*" && !known.iter().any(|known| known.eq_ignore_ascii_case(top)) {
            return Err(GraphError::BadRequest(format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{top:.60}' on type 'microsoft.graph.{of}'."
            )));
        }
    }
    if select.iter().any(|name| name == "*") {
        return Ok(value);
    }
    let wanted =
        |key: &str| select.iter().any(|name| name.split('/').next().is_some_and(|top| top.eq_ignore_ascii_case(key)));
    let url = select.iter().any(|name| name.eq_ignore_ascii_case("content.downloadUrl"));
    value.retain(|key, _| match key.as_str() {
        "@microsoft.graph.downloadUrl" => url || wanted(key),
        // As in the examples of <https://learn.microsoft.com/graph/api/driveitem-list-children>: an item always says which it is.
        key => key == "id" || key.starts_with("@odata") || wanted(key),
    });
    Ok(value)
}

/// An `identitySet` of one person.
pub(in crate::graph) fn person(view: &View<'_>, id: UserId) -> Value {
    match view.person(id) {
        Some(user) => json!({ "user": { "id": user.id.to_string(), "displayName": user.display_name } }),
        None => json!({ "user": { "displayName": "System Account" } }),
    }
}

fn grantee(view: &View<'_>, grantee: &Grantee) -> Value {
    match grantee {
        Grantee::User(id) => person(view, *id),
        Grantee::Group(id) => {
            json!({ "group": { "id": id.to_string(), "displayName": view.group_name(*id).unwrap_or_default() } })
        }
        Grantee::Everybody => json!({ "siteUser": { "displayName": "Everyone except external users" } }),
    }
}

/// A drive.
pub(super) fn drive(view: &View<'_>, of: &DriveView<'_>) -> Map<String, Value> {
    let drive = of.drive();
    let mut out = Map::new();
    out.insert("id".into(), json!(drive.id));
    out.insert("name".into(), json!(drive.name));
    out.insert("driveType".into(), json!(drive.drive_type()));
    out.insert("webUrl".into(), json!(drive.url));
    out.insert("createdDateTime".into(), json!(time(drive.created)));
    out.insert("lastModifiedDateTime".into(), json!(time(drive.created)));
    out.insert("description".into(), json!(""));
    let owner = match &drive.kind {
        Kind::Personal(owner) => person(view, *owner),
        Kind::Library(_) => json!({ "user": { "displayName": "System Account" } }),
    };
    out.insert("createdBy".into(), json!({ "user": { "displayName": "System Account" } }));
    out.insert("owner".into(), owner);
    if of.is_own {
        const TOTAL: usize = 1_099_511_627_776;
        let used = drive.root().map_or(0, |root| of.size(root));
        let remaining = TOTAL.saturating_sub(used);
        let quota = json!({ "deleted": 0, "remaining": remaining, "state": "normal", "total": TOTAL, "used": used });
        out.insert("quota".into(), quota);
    }
    out
}

/// `parentReference` of an item.
fn parent(drive: &Drive, item: &Item) -> Value {
    let mut out = json!({ "driveType": drive.drive_type(), "driveId": drive.id, "siteId": drive.web.site.to_string() });
    if let (Some(parent), Some(map)) = (drive.parent(item), out.as_object_mut()) {
        map.insert("id".into(), json!(parent.id));
        map.insert("name".into(), json!(parent.name));
        let names = drive.names(parent);
        let slash = if names.is_empty() { "" } else { "/" };
        let path = format!("/drives/{}/root:{slash}{}", drive.id, crate::drive::in_url(&names.join("/")));
        map.insert("path".into(), json!(path));
    }
    out
}

/// The item's address in a browser.
pub(in crate::graph) fn web_url(drive: &Drive, item: &Item) -> String {
    drive.url_of(item)
}

/// A drive item. `door` makes the address that needs no token.
pub(super) fn item(view: &View<'_>, of: &DriveView<'_>, item: &Item, door: &Door<'_>) -> Map<String, Value> {
    let drive = of.drive();
    let mut out = Map::new();
    if item.file.is_some() {
        out.insert("@microsoft.graph.downloadUrl".into(), json!(door.url(view, drive, item)));
        out.insert("cTag".into(), json!(item.c_tag()));
    }
    let (created, modified) = (time(item.created), time(item.modified));
    out.insert("fileSystemInfo".into(), json!({ "createdDateTime": created, "lastModifiedDateTime": modified }));
    out.insert("createdDateTime".into(), json!(created));
    out.insert("lastModifiedDateTime".into(), json!(modified));
    out.insert("createdBy".into(), person(view, item.author));
    out.insert("lastModifiedBy".into(), person(view, item.editor));
    out.insert("eTag".into(), json!(item.e_tag()));
    out.insert("id".into(), json!(item.id));
    out.insert("name".into(), json!(item.name));
    out.insert("size".into(), json!(of.size(item)));
    out.insert("webUrl".into(), json!(web_url(drive, item)));
    out.insert("parentReference".into(), parent(drive, item));
    match &item.file {
        Some(file) => {
            out.insert("file".into(), json!({ "mimeType": file.media_type, "hashes": { "quickXorHash": file.hash } }));
        }
        None => {
            out.insert("folder".into(), json!({ "childCount": of.children(item).count() }));
        }
    }
    if item.parent.is_none() {
        out.insert("root".into(), json!({}));
    }
    let scopes = item.grants.iter().filter(|grant| of.in_force(grant) && (of.is_own || of.granted(grant).is_some()));
    let widest = scopes
        .map(|grant| grant.link.as_ref().map_or("users", |link| link.scope.as_str()))
        .max_by_key(|scope| ["users", "organization", "anonymous"].iter().position(|known| known == scope));
    if let Some(scope) = widest {
        out.insert("shared".into(), json!({ "scope": scope }));
    }
    out
}

/// The item as it stands in somebody else's list: everything about it in `remoteItem`.
pub(super) fn remote(view: &View<'_>, of: &DriveView<'_>, item: &Item) -> Map<String, Value> {
    let drive = of.drive();
    let mut inner = Map::new();
    let (created, modified) = (time(item.created), time(item.modified));
    inner.insert("id".into(), json!(item.id));
    inner.insert("name".into(), json!(item.name));
    inner.insert("size".into(), json!(of.size(item)));
    inner.insert("webUrl".into(), json!(web_url(drive, item)));
    inner.insert("createdBy".into(), person(view, item.author));
    inner.insert("lastModifiedBy".into(), person(view, item.editor));
    inner.insert("createdDateTime".into(), json!(created));
    inner.insert("lastModifiedDateTime".into(), json!(modified));
    inner.insert("parentReference".into(), parent(drive, item));
    inner.insert("fileSystemInfo".into(), json!({ "createdDateTime": created, "lastModifiedDateTime": modified }));
    let facet = match &item.file {
        Some(file) => ("file", json!({ "mimeType": file.media_type, "hashes": { "quickXorHash": file.hash } })),
        None => ("folder", json!({ "childCount": of.children(item).count() })),
    };
    inner.insert(facet.0.into(), facet.1.clone());
    inner.insert(
        "shared".into(),
        json!({ "scope": "users", "sharedBy": person(view, item.author), "owner": person(view, item.author) }),
    );
    let mut out = Map::new();
    for name in
        ["id", "name", "size", "webUrl", "createdBy", "lastModifiedBy", "createdDateTime", "lastModifiedDateTime"]
    {
        if let Some(value) = inner.get(name) {
            out.insert(name.into(), value.clone());
        }
    }
    out.insert(facet.0.into(), facet.1);
    out.insert("remoteItem".into(), Value::Object(inner));
    out
}

/// A permission.
pub(super) fn permission(
    view: &View<'_>,
    of: &DriveView<'_>,
    grant: &Grant,
    inherited: Option<&Item>,
) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("id".into(), json!(grant.id));
    out.insert("roles".into(), json!([grant.role.as_str()]));
    match &grant.link {
        Some(link) => {
            let kind = if grant.role >= fixtures::files::Role::Write { "edit" } else { "view" };
            let url =
                json!({ "type": kind, "scope": link.scope.as_str(), "webUrl": link.url, "preventsDownload": false });
            out.insert("link".into(), url);
            out.insert("hasPassword".into(), json!(false));
            let people: Vec<_> = grant.to.iter().map(|to| grantee(view, to)).collect();
            out.insert("grantedToIdentitiesV2".into(), json!(people));
        }
        None => {
            if let Some(to) = grant.to.first() {
                out.insert("grantedToV2".into(), grantee(view, to));
            }
        }
    }
    if let Some(from) = inherited {
        let drive = of.drive();
        let names = drive.names(from);
        let slash = if names.is_empty() { "" } else { "/" };
        let path = format!("/drives/{}/root:{slash}{}", drive.id, crate::drive::in_url(&names.join("/")));
        out.insert("inheritedFrom".into(), json!({ "driveId": drive.id, "id": from.id, "path": path }));
    }
    out
}

/// A site.
pub(in crate::graph) fn site(of: &SiteView<'_>) -> Map<String, Value> {
    let site: &Site = of.site;
    let mut out = Map::new();
    out.insert("id".into(), json!(site.web.full_id()));
    let name = site.web.path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("root");
    out.insert("name".into(), json!(name));
    out.insert("displayName".into(), json!(site.display_name));
    if let Some(description) = &site.description {
        out.insert("description".into(), json!(description));
    }
    out.insert("webUrl".into(), json!(site.web.url()));
    out.insert("createdDateTime".into(), json!(time(site.created)));
    out.insert("lastModifiedDateTime".into(), json!(time(site.created)));
    out.insert("siteCollection".into(), json!({ "hostname": site.web.host }));
    out.insert("root".into(), json!({}));
    out
}
