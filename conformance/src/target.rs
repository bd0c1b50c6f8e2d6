//! Which connector is asked, where its doors are, and what it says it lacks.

mod start;
mod tools;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use url::Url;

pub use start::{Process, Start, StartFailed};
pub use tools::{Shape, Tools};

use crate::broken::Broken;
use crate::check::Feature;

/// The connector under test.
#[derive(Debug, Clone)]
pub enum Target {
    /// Ours, in this process and behind sockets: fresh for each check; with a deliberate fault, if one is named.
    Embedded(Option<&'static Broken>),
    /// Anybody's, reached by URL.
    Remote(Box<Profile>),
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
    /// The port that it fetches the content of files from, where Graph redirects to; 0 takes a free one, which `{content}` names.
    #[serde(default)]
    pub content_port: u16,
    /// What it has; everything else is not applicable.
    #[serde(default)]
    pub features: BTreeSet<Feature>,
    /// How long after a revocation it may go on, in seconds.
    #[serde(default = "minute")]
    pub obo_max_age_seconds: i64,
    /// How its users sign in.
    #[serde(default)]
    pub sign_in: SignInMode,
    /// How it is started; without it, it runs already.
    #[serde(default)]
    pub start: Option<Start>,
    /// What its tools are called, where they are not called as ours.
    #[serde(default)]
    pub tools: Tools,
    /// Who allowed the test of a connector that is not on this machine.
    #[serde(default)]
    pub authorization: Option<Authorization>,
}

/// How the users of a connector sign in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignInMode {
    /// With a token for the connector, which it exchanges for one for Graph.
    #[default]
    Obo,
    /// With a token for Graph, which the connector passes on.
    GraphTokenPassthrough,
}

/// Who allowed a test.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    /// Who owns the connector.
    pub owner: String,
    /// Where the permission is written down.
    pub reference: String,
    /// The last day.
    pub valid_until: jiff::civil::Date,
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
    /// It is not on this machine, and nobody is said to have allowed it.
    #[error("{}: a connector that is not on this machine needs [authorization] with owner, reference and valid_until", path.display())]
    Unauthorized {
        /// The file.
        path: PathBuf,
    },
    /// The permission says nothing, or has ended.
    #[error("{}: [authorization]: {why}", path.display())]
    Permission {
        /// The file.
        path: PathBuf,
        /// Why it is none.
        why: String,
    },
}

impl Authorization {
    /// Why it is no permission today.
    fn problem(&self, today: jiff::civil::Date) -> Option<String> {
        if self.owner.trim().is_empty() || self.reference.trim().is_empty() {
            return Some(
                "owner and reference must say who allowed the test, and where that is written down".to_owned(),
            );
        }
        (self.valid_until < today).then(|| format!("it was valid until {}, and today is {today}", self.valid_until))
    }
}

/// The day by the machine's calendar.
fn today() -> jiff::civil::Date {
    emulator::clock::Clock::running().now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

impl Profile {
    /// A connector that runs already, has every feature and calls its tools as ours does.
    pub fn at(name: &str, mcp: Url) -> Self {
        Self {
            name: name.to_owned(),
            mcp,
            login_port: 0,
            graph_port: 0,
            content_port: 0,
            features: Feature::ALL.iter().copied().filter(|feature| *feature != Feature::Host).collect(),
            obo_max_age_seconds: minute(),
            sign_in: SignInMode::Obo,
            start: None,
            tools: Tools::default(),
            authorization: None,
        }
    }

    /// Reads a profile file.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ProfileError::File { path: path.to_owned(), source })?;
        let profile: Self =
            toml::from_str(&text).map_err(|source| ProfileError::Shape { path: path.to_owned(), source })?;
        match &profile.authorization {
            None if !profile.is_local() => return Err(ProfileError::Unauthorized { path: path.to_owned() }),
            Some(authorization) => {
                if let Some(why) = authorization.problem(today()) {
                    return Err(ProfileError::Permission { path: path.to_owned(), why });
                }
            }
            None => {}
        }
        Ok(profile)
    }

    /// Whether it runs on this machine.
    fn is_local(&self) -> bool {
        match self.mcp.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// What it has, with what follows from how its users sign in.
    pub fn has(&self) -> BTreeSet<Feature> {
        let mut features = self.features.clone();
        match self.sign_in {
            SignInMode::Obo => features.insert(Feature::Exchange),
            SignInMode::GraphTokenPassthrough => features.remove(&Feature::Exchange),
        };
        features
    }

    /// What of its shape breaks a requirement: one finding each, not a hundred reds.
    pub fn findings(&self) -> Vec<String> {
        match self.sign_in {
            SignInMode::Obo => Vec::new(),
            SignInMode::GraphTokenPassthrough => vec![
                "R-TOK-1: the connector takes Graph's own tokens (sign_in = \"graph-token-passthrough\"): whoever holds one for any other purpose is let in; take tokens for the connector and exchange them".to_owned(),
            ],
        }
    }
}

/// Where everything is that a check talks to.
#[derive(Debug, Clone)]
pub struct Doors {
    /// The login host.
    pub login: Url,
    /// Graph.
    pub graph: Url,
    /// Where Graph redirects to for the content of files.
    pub content: Url,
    /// The world's control plane.
    pub lab: Url,
    /// The connector.
    pub mcp: Url,
    /// The assistant's back end, where one stands in front of it.
    pub host: Option<Url>,
    /// What the target has.
    pub features: BTreeSet<Feature>,
    /// How long after a revocation the target may go on, by its own declaration.
    pub obo_max_age: SignedDuration,
    /// How people sign in.
    pub sign_in: SignInMode,
    /// What tools are called.
    pub tools: Tools,
}
