//! What may be asked of `up`, `exec` and `env` on the command line, and what this version refuses.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use emulator::stub::{Stub, Stubs};

use super::environment::Format;
use super::failure::Failure;
use super::issuer::IssuerArgs;

/// `offline365 up`
#[derive(Debug, Args)]
pub struct UpArgs {
    /// What runs, and where.
    #[command(flatten)]
    pub house: HouseArgs,
    /// Write where everything is to FILE, as JSON, once all of it serves.
    #[arg(long, value_name = "FILE")]
    pub ready_json: Option<PathBuf>,
}

/// `offline365 exec -- CMD…`
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// What runs, and where.
    #[command(flatten)]
    pub house: HouseArgs,
    /// Write where everything is to FILE, as JSON, before CMD starts.
    #[arg(long, value_name = "FILE")]
    pub ready_json: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// `offline365 env`
#[derive(Debug, Args)]
pub struct EnvArgs {
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Sh)]
    pub format: Format,
    /// The file that a running `up` wrote.
    #[arg(long, value_name = "FILE", conflicts_with = "state")]
    pub ready_json: Option<PathBuf>,
    /// The state folder of a running `up`.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// What a house is made of; shared by `up` and `exec`.
#[derive(Debug, Args, Default)]
pub struct HouseArgs {
    /// Address of the login host (`up`: localhost:8443; port 0 is a free one; `exec`: a free one).
    #[arg(long, value_name = "HOST:PORT")]
    pub login: Option<Place>,
    /// Address of Graph (8444).
    #[arg(long, value_name = "HOST:PORT")]
    pub graph: Option<Place>,
    /// Address of the second origin, which serves the bytes of files (8447).
    #[arg(long, value_name = "HOST:PORT")]
    pub content: Option<Place>,
    /// Address of the lab, the test controls (8440).
    #[arg(long, value_name = "HOST:PORT")]
    pub lab: Option<Place>,
    /// Address of the connector's MCP server (8445).
    #[arg(long, value_name = "HOST:PORT")]
    pub mcp: Option<Place>,
    /// Address of the connector's host (8446).
    #[arg(long, value_name = "HOST:PORT")]
    pub host: Option<Place>,
    /// Folder of the CA and the vault (`up`: .offline365; `exec`: a temporary one).
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Tenants, people and mail from a folder instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub fixtures: Option<PathBuf>,
    /// Serve a folder of .eml files, or an .mbox file, as this user's mailbox. May be repeated.
    #[arg(long, value_name = "USER=PATH")]
    pub mail: Vec<OwnMail>,
    /// Serve an .ics file, or a folder of them, as this user's calendar. May be repeated.
    #[arg(long, value_name = "USER=PATH")]
    pub calendar: Vec<OwnMail>,
    /// Serve a folder as this user's OneDrive. May be repeated.
    #[arg(long, value_name = "USER=FOLDER")]
    pub drive: Vec<OwnMail>,
    /// Serve a folder as a site that everybody of a tenant reads. May be repeated.
    #[arg(long, value_name = "SITE@TENANT=FOLDER")]
    pub site: Vec<OwnMail>,
    /// Serve a Teams export as the chats and channels of a tenant: a .json file for each chat, a folder for each team. May be repeated.
    #[arg(long, value_name = "TENANT=FOLDER")]
    pub teams: Vec<OwnTeams>,
    /// Listen on this address instead of loopback (containers).
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<IpAddr>,
    /// The host name in addresses and certificates.
    #[arg(long, value_name = "HOST")]
    pub name: Option<String>,
    /// Begin before the set-up: the connector is off in every organization and consented in no tenant.
    #[arg(long)]
    pub fresh: bool,
    /// What a revocation does to tokens that were issued before it.
    #[arg(long, value_enum, default_value_t = Revocation::Real)]
    pub revocation: Revocation,
    /// How the login host behaves where that is not public.
    #[command(flatten)]
    pub issuer: IssuerArgs,
    /// Root of everything random.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Add app registrations of your own from a TOML file (docs/own-apps.md). May be repeated.
    #[arg(long, value_name = "FILE")]
    pub app: Vec<PathBuf>,
    /// Canned Graph answers for what is not modelled: `[[stub]]` with method, path, status, headers, body. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub stub: Vec<PathBuf>,
}

/// What a revocation does to tokens that were issued before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Revocation {
    /// As the real Graph: consent that was withdrawn lives on in old tokens until they expire.
    #[default]
    Real,
    /// Every change is challenged at once.
    Strict,
}

/// `HOST:PORT`, `:PORT` or `PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    host: Option<String>,
    port: u16,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let port = port.parse().map_err(|_| format!("{text:?} is not HOST:PORT"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self { host: (!host.is_empty()).then(|| host.to_ascii_lowercase()), port })
    }
}

/// `USER=PATH`: whose mailbox, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMail {
    /// `alice@contoso.example`, or the fixture form `alice@contoso`.
    pub user: String,
    /// A folder of .eml files, or an .mbox file.
    pub path: PathBuf,
}

impl FromStr for OwnMail {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((user, path)) if user.contains('@') && !path.is_empty() => {
                Ok(Self { user: user.to_owned(), path: path.into() })
            }
            _ => Err(format!("{text:?} is not USER=PATH, for example alice@contoso.example=mails/")),
        }
    }
}

/// `TENANT=FOLDER`: whose chats and channels, and where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTeams {
    /// Short name or domain.
    pub tenant: String,
    /// A folder in the shape of a Teams export.
    pub path: PathBuf,
}

impl FromStr for OwnTeams {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((tenant, path)) if !tenant.is_empty() && !path.is_empty() => {
                Ok(Self { tenant: tenant.to_owned(), path: path.into() })
            }
            _ => Err(format!("{text:?} is not TENANT=FOLDER, for example contoso=export/")),
        }
    }
}

/// The ports a house listens on; 0 is a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) login: u16,
    pub(super) graph: u16,
    pub(super) content: u16,
    pub(super) lab: u16,
    pub(super) mcp: u16,
    pub(super) host: u16,
}

impl Ports {
    /// Where `up` is unless told otherwise: documented, so that notes and configuration stay right.
    pub(super) const USUAL: Self = Self { login: 8443, graph: 8444, content: 8447, lab: 8440, mcp: 8445, host: 8446 };
    /// Free ones: any number of houses side by side.
    pub(super) const FREE: Self = Self { login: 0, graph: 0, content: 0, lab: 0, mcp: 0, host: 0 };
}

impl HouseArgs {
    /// The canned answers of all files.
    pub(super) fn stubs(&self) -> Result<Vec<Stub>, Failure> {
        let mut stubs = Vec::new();
        for file in &self.stub {
            let text = std::fs::read_to_string(file).map_err(Failure::file(file))?;
            let wrong = |why: String| Failure::Usage(format!("--stub {}: {why}", file.display()));
            let read: Stubs = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            if let Some(problem) = read.stubs.iter().find_map(Stub::problem) {
                return Err(wrong(problem));
            }
            stubs.extend(read.stubs);
        }
        Ok(stubs)
    }

    /// The address to listen on.
    pub(super) fn bind(&self) -> IpAddr {
        self.bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// The host name in addresses and certificates.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("localhost")
    }

    /// The ports, with `usual` for those not named.
    pub(super) fn ports(&self, usual: Ports) -> Result<Ports, Failure> {
        Ok(Ports {
            login: self.port("login", self.login.as_ref(), usual.login)?,
            graph: self.port("graph", self.graph.as_ref(), usual.graph)?,
            content: self.port("content", self.content.as_ref(), usual.content)?,
            lab: self.port("lab", self.lab.as_ref(), usual.lab)?,
            mcp: self.port("mcp", self.mcp.as_ref(), usual.mcp)?,
            host: self.port("host", self.host.as_ref(), usual.host)?,
        })
    }

    fn port(&self, option: &str, place: Option<&Place>, usual: u16) -> Result<u16, Failure> {
        let Some(place) = place else { return Ok(usual) };
        match &place.host {
            // All listeners share one address and one name: issuer, links and certificate must agree with each other.
            Some(host) if host != "localhost" && host != self.name() && *host != self.bind().to_string() => {
                Err(Failure::Usage(format!(
                    "--{option} {host}:{port}: all listeners share one address; set it once with --bind ADDR and --name HOST",
                    port = place.port
                )))
            }
            _ => Ok(place.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_host_and_port_or_a_port_alone() {
        assert_eq!("localhost:0".parse(), Ok(Place { host: Some("localhost".to_owned()), port: 0 }));
        assert_eq!(":9443".parse(), Ok(Place { host: None, port: 9443 }));
        assert_eq!("9443".parse(), Ok(Place { host: None, port: 9443 }));
        assert_eq!("[::1]:1".parse(), Ok(Place { host: Some("::1".to_owned()), port: 1 }));
        assert!("localhost".parse::<Place>().is_err());
        assert!("localhost:70000".parse::<Place>().is_err());
    }

    #[test]
    fn a_listener_cannot_leave_the_shared_address() {
        let args = HouseArgs { graph: "example.org:1".parse().ok(), ..HouseArgs::default() };
        assert!(matches!(args.ports(Ports::USUAL), Err(Failure::Usage(_))));
        let args = HouseArgs { graph: "127.0.0.1:1".parse().ok(), ..HouseArgs::default() };
        assert_eq!(args.ports(Ports::FREE).map(|ports| ports.graph).ok(), Some(1));
    }

    #[test]
    fn own_mail_names_a_user_and_a_path() {
        assert!("alice@contoso.example=mails".parse::<OwnMail>().is_ok());
        assert!("mails".parse::<OwnMail>().is_err());
        assert!("alice=mails".parse::<OwnMail>().is_err());
        assert!("alice@contoso=".parse::<OwnMail>().is_err());
    }
}
