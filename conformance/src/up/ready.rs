//! What `--ready-json` says: where everything is, for programs. The shape is stable and only grows.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::plan::{Person, PersonKind, Plan};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::failure::Failure;

/// Where everything is and who may sign in. Holds test secrets on purpose: they protect nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Origin of the login host; the tenant is the first path segment after it.
    pub login: String,
    /// Origin of Graph; the version (`v1.0`) is the first path segment after it.
    pub graph: String,
    /// Origin of downloads: addresses that Graph gives out begin with it.
    pub content: String,
    /// Origin of the lab, plain HTTP.
    pub lab: String,
    /// The MCP endpoint, path included.
    pub mcp: String,
    /// Origin of the assistant's back end.
    pub host: String,
    /// The certificate authority to trust, PEM: an absolute path.
    pub ca: PathBuf,
    /// The registration that people sign in with.
    pub client: Client,
    /// The registration of the connector's server.
    pub server: Server,
    /// The registrations that `--app` added, in the order of the files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<App>,
    /// Every tenant with everyone who can sign in to it.
    pub tenants: Vec<Tenant>,
}

/// A registration of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// What lab calls name it by.
    pub name: String,
    /// Application id.
    pub client_id: String,
    /// Its first secret: a test value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Its home tenant's id.
    pub tenant_id: String,
}

/// The registration that people sign in with: a public client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Application id.
    pub client_id: String,
    /// Registered redirect URIs; loopback ones match any port.
    pub redirect_uris: Vec<String>,
}

/// The registration of the connector's server: a confidential client and a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Application id.
    pub client_id: String,
    /// Its secret: a test value.
    pub client_secret: String,
    /// App ID URI.
    pub app_id_uri: String,
    /// The scope a client asks for, App ID URI included.
    pub scope: String,
}

/// One tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Short name in fixtures and lab calls.
    pub name: String,
    /// Tenant id.
    pub id: String,
    /// Its verified domain.
    pub domain: String,
    /// Everyone who can sign in.
    pub users: Vec<User>,
}

/// One person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Short name in fixtures and lab calls.
    pub name: String,
    /// What is typed on the sign-in page.
    pub upn: String,
    /// Object id.
    pub id: String,
    /// Password on the sign-in page: a test value.
    pub password: String,
    /// Directory roles.
    pub roles: Vec<String>,
    /// What this person's browser would show the assistant's back end: `Authorization: Bearer …` at `host`. A test value.
    pub host_token: String,
}

/// The six addresses of a running house.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    pub(super) login: Url,
    pub(super) graph: Url,
    pub(super) content: Url,
    pub(super) lab: Url,
    pub(super) mcp: Url,
    pub(super) host: Url,
}

/// What the house needs to know of its two registrations.
pub(super) struct Registrations {
    pub(super) client_id: String,
    pub(super) server_id: String,
    pub(super) server_secret: String,
    pub(super) app_id_uri: String,
}

/// Registration names that the house is built around.
pub(super) const CLIENT: &str = "m365-client";
pub(super) const SERVER: &str = "m365-server";
/// The delegated permission of the server.
pub(super) const SCOPE: &str = "access_as_user";

impl Ready {
    /// What the plan and the addresses say together.
    pub(super) fn new(plan: &Plan, own: &[String], addresses: &Addresses, ca: PathBuf) -> Result<Self, Failure> {
        let known = Self::registrations(plan)?;
        let redirects = registration(plan, CLIENT)?.redirect_uris.iter();
        Ok(Self {
            login: origin(&addresses.login),
            graph: origin(&addresses.graph),
            content: origin(&addresses.content),
            lab: origin(&addresses.lab),
            mcp: addresses.mcp.to_string(),
            host: origin(&addresses.host),
            ca,
            client: Client {
                client_id: known.client_id,
                redirect_uris: redirects.map(|redirect| redirect.uri.clone()).collect(),
            },
            server: Server {
                client_id: known.server_id,
                client_secret: known.server_secret,
                scope: format!("{}/{SCOPE}", known.app_id_uri),
                app_id_uri: known.app_id_uri,
            },
            apps: own.iter().map(|name| app(plan, name)).collect::<Result<_, _>>()?,
            tenants: plan.tenants.iter().map(tenant).collect(),
        })
    }

    /// The two registrations that the house is built around; a plan without them is refused.
    pub(super) fn registrations(plan: &Plan) -> Result<Registrations, Failure> {
        let server = registration(plan, SERVER)?;
        let first = |what: &str, all: Option<&String>| {
            let missing = || Failure::Plan(format!("apps.toml: registration {SERVER:?} has no {what}"));
            all.cloned().ok_or_else(missing)
        };
        Ok(Registrations {
            client_id: registration(plan, CLIENT)?.app_id.to_string(),
            server_id: server.app_id.to_string(),
            server_secret: first("secrets", server.secrets.first().map(|secret| &secret.value))?,
            app_id_uri: first("identifier_uris", server.identifier_uris.first())?,
        })
    }

    /// Whether this is somebody who signs in: rooms and shared mailboxes do not, nor whoever has no password or is disabled.
    pub(super) fn signs_in(person: &Person) -> bool {
        let kind = matches!(person.kind, PersonKind::Member | PersonKind::Guest);
        kind && person.enabled && person.password.is_some()
    }

    /// The API token of a person (`alice@contoso`) at the host. Derived, so that notes and scripts stay right over restarts; it
    /// protects nothing.
    pub(super) fn host_token(person: &str) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("offline365 host token of {person}")))
    }

    /// Reads a file that [`Ready::write`] wrote.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Failure::NotRunning(path.to_owned()));
            }
            Err(error) => return Err(Failure::file(path)(error)),
        };
        serde_json::from_slice(&text).map_err(|error| Failure::File { path: path.to_owned(), source: error.into() })
    }

    /// Writes it so that a reader sees the whole file or none: a temporary file beside it, then a rename.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::File { path: path.to_owned(), source: error.into() })?;
        text.push(b'\n');
        super::state::replace(path, &text)
    }

    /// The person whom examples sign in: Alice where there is one, otherwise the first.
    pub(super) fn example(&self) -> Option<(&Tenant, &User)> {
        let everyone = || self.tenants.iter().flat_map(|tenant| tenant.users.iter().map(move |user| (tenant, user)));
        everyone().find(|(_, user)| user.name == "alice").or_else(|| everyone().next())
    }
}

fn app(plan: &Plan, name: &str) -> Result<App, Failure> {
    let app = registration(plan, name)?;
    let home = plan.tenant(&app.home);
    let home = home.ok_or_else(|| Failure::Plan(format!("no tenant is called {:?}", app.home)))?;
    Ok(App {
        name: app.name.clone(),
        client_id: app.app_id.to_string(),
        client_secret: app.secrets.first().map(|secret| secret.value.clone()),
        tenant_id: home.id.to_string(),
    })
}

fn registration<'a>(plan: &'a Plan, name: &str) -> Result<&'a fixtures::plan::Registration, Failure> {
    plan.registration(name).ok_or_else(|| Failure::Plan(format!("apps.toml: no registration is named {name:?}")))
}

fn tenant(tenant: &fixtures::plan::Tenant) -> Tenant {
    let people = tenant.people.iter().filter(|person| Ready::signs_in(person));
    let users = people
        .map(|person| User {
            name: person.name.clone(),
            upn: person.upn(tenant),
            id: person.id(tenant).to_string(),
            password: person.password.clone().unwrap_or_default(),
            roles: person.roles.clone(),
            host_token: Ready::host_token(&person.reference(tenant)),
        })
        .collect();
    Tenant { name: tenant.name.clone(), id: tenant.id.to_string(), domain: tenant.domain.clone(), users }
}

/// Scheme, host and port without the slash that `Url` ends an empty path with.
fn origin(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
