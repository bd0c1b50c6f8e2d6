//! What a file says of a connector that the harness does not host.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::{DeviceCode, OwnLogin, Protocol, SignInMode, Start, Tools, Transport};
use crate::check::Feature;

/// What a profile file says of a connector elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name in reports.
    pub name: String,
    /// Its MCP endpoint; of a program that is spoken to over its standard streams, none.
    #[serde(default = "nowhere")]
    pub mcp: Url,
    /// How messages reach it.
    #[serde(default)]
    pub transport: Transport,
    /// The revision of MCP that is spoken with it.
    #[serde(default)]
    pub protocol: Protocol,
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
    /// The table `[own_login]`, for `sign_in = "own-login"`.
    #[serde(default)]
    pub own_login: OwnLogin,
    /// The table `[device_code]`, for `sign_in = "device-code"`.
    #[serde(default)]
    pub device_code: DeviceCode,
    /// How it is started; without it, it runs already.
    #[serde(default)]
    pub start: Option<Start>,
    /// What its tools are called, where they are not called as ours.
    #[serde(default)]
    pub tools: Tools,
    /// Tools of ours that it has nothing like: what asks them is not applicable.
    #[serde(default)]
    pub missing_tools: BTreeSet<String>,
    /// Whether its refusals carry our codes (`FORBIDDEN`, `invalid_token` …). Without, the class of a refusal counts: not signed in, or refused.
    #[serde(default = "yes")]
    pub error_codes: bool,
    /// Who allowed the test of a connector that is not on this machine.
    #[serde(default)]
    pub authorization: Option<Authorization>,
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

fn yes() -> bool {
    true
}

/// What stands for an endpoint where there is none.
fn nowhere() -> Url {
    // A constant that parses.
    Url::parse("stdio:target").unwrap_or_else(|_| unreachable!("a constant address"))
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
    /// Its parts do not go together.
    #[error("{}: {why}", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What does not, and what helps.
        why: String,
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
            features: Feature::ALL
                .iter()
                .copied()
                .filter(|feature| !matches!(feature, Feature::Host | Feature::AuditLog | Feature::Client))
                .collect(),
            obo_max_age_seconds: minute(),
            transport: Transport::Http,
            protocol: Protocol::default(),
            sign_in: SignInMode::Obo,
            own_login: OwnLogin::default(),
            device_code: DeviceCode::default(),
            start: None,
            tools: Tools::default(),
            missing_tools: BTreeSet::new(),
            error_codes: true,
            authorization: None,
        }
    }

    /// Reads a profile file.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ProfileError::File { path: path.to_owned(), source })?;
        let profile: Self =
            toml::from_str(&text).map_err(|source| ProfileError::Shape { path: path.to_owned(), source })?;
        if let Some(why) = profile.contradiction() {
            return Err(ProfileError::Contradiction { path: path.to_owned(), why });
        }
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
        if self.transport == Transport::Stdio {
            return true;
        }
        match self.mcp.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// What does not go together, and what helps.
    fn contradiction(&self) -> Option<String> {
        let has_address = self.mcp.has_host();
        let told = match (self.transport, self.sign_in) {
            (Transport::Http, _) if !has_address => {
                "mcp is missing: the address of its MCP endpoint, or transport = \"stdio\""
            }
            (Transport::Stdio, _) if has_address => {
                "a program that is spoken to over its standard streams has no address: leave mcp out, or transport"
            }
            (Transport::Stdio, _) if self.start.is_none() => {
                "transport = \"stdio\" needs [start] command: the program is started once for each sign-in"
            }
            (Transport::Stdio, SignInMode::OwnLogin) => {
                "sign_in = \"own-login\" is for transport = \"http\": over stdio, a person signs in by \"device-code\""
            }
            (Transport::Http, SignInMode::DeviceCode) => {
                "sign_in = \"device-code\" is for transport = \"stdio\": over HTTP, callers are told apart by what they send"
            }
            (Transport::Http, SignInMode::OwnLogin) if self.own_login.redirect_uri.is_empty() => {
                "sign_in = \"own-login\" needs [own_login] redirect_uri: where Entra sends people back to the connector"
            }
            _ => return None,
        };
        Some(told.to_owned())
    }

    /// What it has, with what follows from its transport and from how its users sign in.
    pub fn has(&self) -> BTreeSet<Feature> {
        let mut features = self.features.clone();
        for (feature, there) in [
            (Feature::Exchange, self.sign_in == SignInMode::Obo),
            (Feature::EntraTokens, self.sign_in.takes_entra_tokens()),
            (Feature::Endpoint, self.transport == Transport::Http),
            (Feature::Stateless, self.transport == Transport::Http && self.protocol == Protocol::Stateless),
            (Feature::ErrorCodes, self.error_codes),
            (Feature::Tool, self.missing_tools.is_empty()),
            (Feature::Argument, !self.tools.are_templates()),
        ] {
            if there {
                features.insert(feature);
            } else {
                features.remove(&feature);
            }
        }
        features
    }

    /// What of its shape breaks a requirement: one finding each, not a hundred reds.
    pub fn findings(&self) -> Vec<String> {
        self.sign_in.finding().map(str::to_owned).into_iter().collect()
    }
}
