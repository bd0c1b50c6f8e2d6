//! The shapes of files in drives, as far as they are read (<https://learn.microsoft.com/graph/api/resources/driveitem>).

use serde::Deserialize;

/// A file or folder that a search found.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundItem {
    pub(crate) id: String,
    /// `#microsoft.graph.driveItem`, or `#microsoft.graph.listItem` for a page or a row of a list.
    #[serde(default, rename = "@odata.type")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) web_url: Option<String>,
    #[serde(default)]
    pub(crate) size: Option<u64>,
    #[serde(default)]
    pub(crate) created_date_time: Option<String>,
    #[serde(default)]
    pub(crate) last_modified_date_time: Option<String>,
    #[serde(default)]
    pub(crate) created_by: Option<Actors>,
    #[serde(default)]
    pub(crate) last_modified_by: Option<Actors>,
    #[serde(default)]
    pub(crate) parent_reference: Option<Parent>,
    #[serde(default)]
    pub(crate) file: Option<FileFacet>,
    #[serde(default)]
    pub(crate) folder: Option<FolderFacet>,
}

/// Who did something.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Actors {
    #[serde(default)]
    pub(crate) user: Option<Actor>,
}

/// A person.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Actor {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    #[serde(default)]
    pub(crate) email: Option<String>,
}

/// Where an item lies.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parent {
    #[serde(default)]
    pub(crate) drive_id: Option<String>,
    #[serde(default)]
    pub(crate) site_id: Option<String>,
}

/// What only files have.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileFacet {
    #[serde(default)]
    pub(crate) mime_type: Option<String>,
}

/// What only folders have.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FolderFacet {
    #[serde(default)]
    pub(crate) child_count: Option<u32>,
}

/// A drive: whose it is (<https://learn.microsoft.com/graph/api/resources/drive>).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Drive {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(rename = "driveType", default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) web_url: Option<String>,
    #[serde(default)]
    pub(crate) owner: Option<Actors>,
}

/// A site (<https://learn.microsoft.com/graph/api/resources/site>).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Site {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) web_url: Option<String>,
}

/// A page of a site, and what stands on it (<https://learn.microsoft.com/graph/api/resources/sitepage>).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SitePage {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) web_url: Option<String>,
    #[serde(default)]
    pub(crate) last_modified_date_time: Option<String>,
    #[serde(default)]
    pub(crate) last_modified_by: Option<Actors>,
    #[serde(default)]
    pub(crate) canvas_layout: Option<serde_json::Value>,
}
