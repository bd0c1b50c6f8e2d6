//! Which connector is asked, where its doors are, and what it says it lacks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;
use url::Url;

use crate::broken::Broken;
use crate::check::Feature;

/// The connector under test.
#[derive(Debug, Clone)]
pub enum Target {
    /// Ours, in this process and behind sockets: fresh for each check; with a deliberate fault, if one is named.
    Embedded(Option<&'static Broken>),
    /// Anybody's, reached by URL.
    Remote(Profile),
}

impl Target {
    /// Its name in reports.
    pub fn name(&self) -> String {
        match self {
            Self::Embedded(None) => "embedded connector".to_owned(),
            Self::Embedded(Some(broken)) => format!("broken connector {}", broken.name),
            Self::Remote(profile) => profile.name.clone(),
        }
    }
}

/// What a profile file says of a connector elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name in reports.
    pub name: String,
    /// Its MCP endpoint.
    pub mcp: Url,
    /// The port at which it expects the login host: the emulator listens there. 0 takes a free one.
    #[serde(default)]
    pub login_port: u16,
    /// The port at which it expects Graph.
    #[serde(default)]
    pub graph_port: u16,
    /// What it has; everything else is not applicable.
    #[serde(default)]
    pub features: BTreeSet<Feature>,
    /// How long after a revocation it may go on, in seconds.
    #[serde(default = "minute")]
    pub obo_max_age_seconds: i64,
}

fn minute() -> i64 {
    60
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something else than a profile.
    #[error("{}: {source}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: toml::de::Error,
    },
}

impl Profile {
    /// Reads a profile file.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ProfileError::File { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|source| ProfileError::Shape { path: path.to_owned(), source })
    }
}

/// Where everything is that a check talks to.
#[derive(Debug, Clone)]
pub struct Doors {
    /// The login host.
    pub login: Url,
    /// Graph.
    pub graph: Url,
    /// The world's control plane.
    pub lab: Url,
    /// The connector.
    pub mcp: Url,
    /// What the target has.
    pub features: BTreeSet<Feature>,
    /// How long after a revocation the target may go on, by its own declaration.
    pub obo_max_age: SignedDuration,
}
