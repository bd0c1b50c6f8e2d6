//! What does an operator say about this server? A TOML file, overruled by the environment.
//!
//! A variable names its place: `OFFLINE365_CONNECTOR__ENTRA__CLIENT_SECRET` is `client_secret` of `[entra]`. Its value is read as TOML
//! where it is that (`true`, `60`, `["a","b"]`), as text otherwise.

mod check;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::documents::DocumentsConfig;
use crate::entra::credential::Credential;
use crate::host::HostConfig;
use crate::policy::links::{DownloadOrigin, NotAnOrigin};

const PREFIX: &str = "OFFLINE365_CONNECTOR__";

/// All of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whose cloud: `public`, or left out with addresses of one's own. Without either, the public one.
    #[serde(default)]
    pub cloud: Option<Cloud>,
    /// How the server is reached.
    #[serde(default)]
    pub server: ServerConfig,
    /// The issuer and this server's registration there.
    pub entra: EntraConfig,
    /// Microsoft Graph.
    #[serde(default)]
    pub graph: GraphConfig,
    /// Whom this server trusts.
    #[serde(default)]
    pub tls: TlsConfig,
    /// Who may come in. Tenants are ignored beside a host: its organizations decide.
    #[serde(default)]
    pub admission: AdmissionConfig,
    /// How exchanged tokens are kept.
    #[serde(default)]
    pub obo: OboConfig,
    /// Mail is found without bodies and summaries where `Mail.ReadBasic` is granted and `Mail.Read` is not. Off: then mail is blocked.
    #[serde(default)]
    pub limited_mode: bool,
    /// How much one user may ask for.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// What is written down.
    #[serde(default)]
    pub audit: AuditConfig,
    /// Health and measurements.
    #[serde(default)]
    pub operations: OperationsConfig,
    /// How documents are read.
    #[serde(default)]
    pub documents: DocumentsConfig,
    /// The assistant's back end, if it runs beside the server.
    #[serde(default)]
    pub host: Option<HostConfig>,
}

/// A cloud of Microsoft's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// `login.microsoftonline.com` and `graph.microsoft.com`.
    Public,
}

/// How the server is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The origin that clients use, when it is not what the server listens on.
    pub public_url: Option<Url>,
    /// The certificate chain, as a PEM file.
    pub tls_cert_file: Option<PathBuf>,
    /// Its key, as a PEM file.
    pub tls_key_file: Option<PathBuf>,
    /// The certificate chain itself.
    pub tls_cert_pem: Option<String>,
    /// Its key itself.
    pub tls_key_pem: Option<SecretString>,
    /// Serve without TLS. On loopback alone.
    pub allow_plain_http: bool,
    /// Web origins whose pages may call the server. None by default.
    pub allowed_origins: Vec<String>,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
}

/// The issuer and this server's registration there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntraConfig {
    /// Sign-in address without a tenant.
    #[serde(default = "public_login")]
    pub login: Url,
    /// Application id.
    pub client_id: String,
    /// The application's secret. This, the file, or a certificate must be set.
    #[serde(default)]
    pub client_secret: Option<SecretString>,
    /// A file that holds it.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// A certificate of the application, as a PEM file: instead of a secret.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    /// The certificate's RSA key, as a PEM file.
    #[serde(default)]
    pub certificate_key_file: Option<PathBuf>,
    /// App ID URI; `api://{client_id}` by default.
    #[serde(default)]
    pub app_id_uri: Option<String>,
    /// The scope that lets a client call this server.
    #[serde(default = "access_as_user")]
    pub scope: String,
    /// Application ids of the clients that may call this server.
    pub allowed_clients: Vec<String>,
}

/// Microsoft Graph.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GraphConfig {
    /// Its origin.
    pub url: Url,
    /// Its resource name, in front of its scopes.
    pub resource: String,
    /// Origins that the content of files is fetched from, where Graph redirects to: `https://*.sharepoint.com` by default.
    pub downloads: Vec<String>,
}

/// Whom this server trusts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Further roots, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Further roots themselves.
    pub ca_pem: Option<String>,
}

/// Who may come in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdmissionConfig {
    /// Tenant ids.
    pub tenants: Vec<Uuid>,
    /// Tools that are off.
    pub disabled_tools: Vec<String>,
}

/// How exchanged tokens are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OboConfig {
    /// How long one may be used again: the bound of "at once" after a revocation. 0 exchanges on every call.
    pub max_age_seconds: u32,
}

/// How much one user may ask for, and how long they wait.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Requests to Graph that one user may have under way; more wait. Graph itself allows 4 per mailbox.
    pub requests_in_flight: u16,
    /// Tool calls per user and minute, each uri of a reading counted; 0 counts nothing.
    pub calls_per_minute: u32,
    /// Seconds until Graph or the issuer has answered one request.
    pub request_seconds: u16,
    /// Seconds until a tool has answered, whatever it is doing.
    pub call_seconds: u16,
}

/// What is written down.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// JSON lines go to this file; into the program's log otherwise.
    pub file: Option<PathBuf>,
    /// JSON lines go to standard output instead.
    pub stdout: bool,
}

/// Health and measurements.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperationsConfig {
    /// Where `/livez`, `/readyz` and `/metrics` are served, without TLS and without sign-in: an address that only the machine room
    /// reaches. Nowhere by default.
    pub listen: Option<SocketAddr>,
}

/// The configuration is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The text is not what it should be.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A value cannot be used.
    #[error("{key}: {problem}")]
    Value {
        /// Where it stands.
        key: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

impl Config {
    /// A server of this registration with everything else as it comes: the start for code that embeds one.
    pub fn new(client_id: impl Into<String>, client_secret: SecretString, allowed_client: impl Into<String>) -> Self {
        Self {
            cloud: None,
            server: ServerConfig::default(),
            entra: EntraConfig {
                login: public_login(),
                client_id: client_id.into(),
                client_secret: Some(client_secret),
                client_secret_file: None,
                certificate_file: None,
                certificate_key_file: None,
                app_id_uri: None,
                scope: access_as_user(),
                allowed_clients: vec![allowed_client.into()],
            },
            graph: GraphConfig::default(),
            tls: TlsConfig::default(),
            admission: AdmissionConfig::default(),
            obo: OboConfig::default(),
            limited_mode: false,
            limits: LimitsConfig::default(),
            audit: AuditConfig::default(),
            operations: OperationsConfig::default(),
            documents: DocumentsConfig::default(),
            host: None,
        }
    }

    /// Reads `file`, if there is one, and lets `environment` overrule it.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table = match file {
            Some(path) => read(path)?.parse::<toml::Table>()?,
            None => toml::Table::new(),
        };
        for (name, value) in environment {
            if let Some(place) = name.strip_prefix(PREFIX) {
                overrule(&mut table, &place.to_ascii_lowercase(), &value)?;
            }
        }
        Ok(toml::Value::Table(table).try_into()?)
    }

    /// What proves this server to the issuer.
    pub(crate) fn credential(&self) -> Result<Credential, ConfigError> {
        let wrong = |key, problem: String| ConfigError::Value { key, problem };
        let entra = &self.entra;
        let secret = match (
            &entra.client_secret,
            &entra.client_secret_file,
            &entra.certificate_file,
            &entra.certificate_key_file,
        ) {
            (Some(secret), None, None, None) => secret.clone(),
            (None, Some(path), None, None) => read(path)?.trim().into(),
            (None, None, Some(certificate), Some(key)) => {
                return Credential::of_pem(&read(certificate)?, &read(key)?.into())
                    .map_err(|error| wrong("entra.certificate_file", error.to_string()));
            }
            _ => {
                let problem = "set exactly one of client_secret, client_secret_file, and certificate_file with certificate_key_file";
                return Err(wrong("entra.client_secret", problem.to_owned()));
            }
        };
        if secret.expose_secret().is_empty() {
            return Err(wrong("entra.client_secret", "the secret is empty".to_owned()));
        }
        Ok(Credential::Secret(secret))
    }

    /// The App ID URI: the `resource` of this server's metadata.
    pub fn app_id_uri(&self) -> String {
        self.entra.app_id_uri.clone().unwrap_or_else(|| format!("api://{}", self.entra.client_id))
    }

    /// Further roots, as PEM.
    pub fn extra_roots(&self) -> Result<Option<String>, ConfigError> {
        match (&self.tls.ca_pem, &self.tls.ca_file) {
            (Some(pem), None) => Ok(Some(pem.clone())),
            (None, Some(path)) => read(path).map(Some),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                let problem = "set one of ca_file and ca_pem".to_owned();
                Err(ConfigError::Value { key: "tls.ca_file", problem })
            }
        }
    }

    /// Where the content of files is fetched from.
    pub(crate) fn download_origins(&self) -> Result<Vec<DownloadOrigin>, ConfigError> {
        let wrong = |error: NotAnOrigin| ConfigError::Value { key: "graph.downloads", problem: error.to_string() };
        self.graph.downloads.iter().map(|text| text.parse().map_err(wrong)).collect()
    }

    /// Certificate chain and key, as PEM, if the server speaks TLS.
    pub fn identity(&self) -> Result<Option<(String, SecretString)>, ConfigError> {
        let server = &self.server;
        let certificate = match (&server.tls_cert_pem, &server.tls_cert_file) {
            (Some(pem), None) => Some(pem.clone()),
            (None, Some(path)) => Some(read(path)?),
            (None, None) => None,
            (Some(_), Some(_)) => {
                let problem = "set one of tls_cert_file and tls_cert_pem".to_owned();
                return Err(ConfigError::Value { key: "server.tls_cert_file", problem });
            }
        };
        let key = match (&server.tls_key_pem, &server.tls_key_file) {
            (Some(pem), _) => Some(pem.clone()),
            (None, Some(path)) => Some(SecretString::from(read(path)?)),
            (None, None) => None,
        };
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
            (None, None) if server.allow_plain_http && server.listen.ip().is_loopback() => Ok(None),
            (None, None) => {
                let problem =
                    "set tls_cert_file and tls_key_file; without TLS only on loopback, with allow_plain_http = true";
                Err(ConfigError::Value { key: "server", problem: problem.to_owned() })
            }
            _ => {
                let problem = "certificate and key come together".to_owned();
                Err(ConfigError::Value { key: "server.tls_cert_file", problem })
            }
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            tls_cert_file: None,
            tls_key_file: None,
            tls_cert_pem: None,
            tls_key_pem: None,
            allow_plain_http: false,
            allowed_origins: Vec::new(),
            max_body_bytes: 1024 * 1024,
        }
    }
}

impl Default for GraphConfig {
    fn default() -> Self {
        Self {
            url: public_graph(),
            resource: "https://graph.microsoft.com".to_owned(),
            downloads: vec!["https://*.sharepoint.com".to_owned()],
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { requests_in_flight: 4, calls_per_minute: 40, request_seconds: 30, call_seconds: 90 }
    }
}

impl Default for OboConfig {
    fn default() -> Self {
        Self { max_age_seconds: 60 }
    }
}

/// Whether a URL's host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn overrule(table: &mut toml::Table, place: &str, value: &str) -> Result<(), ConfigError> {
    let mut parts: Vec<_> = place.split("__").collect();
    let Some(last) = parts.pop() else { return Ok(()) };
    let mut at = table;
    for part in parts {
        let below = at.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let toml::Value::Table(below) = below else {
            let problem = format!("`{part}` of {PREFIX}{} is not a section", place.to_ascii_uppercase());
            return Err(ConfigError::Value { key: "environment", problem });
        };
        at = below;
    }
    let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("value"));
    at.insert(last.to_owned(), parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())));
    Ok(())
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.to_owned(), source })
}

fn public_login() -> Url {
    known_url("https://login.microsoftonline.com")
}

fn public_graph() -> Url {
    known_url("https://graph.microsoft.com")
}

fn access_as_user() -> String {
    "access_as_user".to_owned()
}

#[expect(clippy::expect_used, reason = "constants of this file")]
fn known_url(url: &str) -> Url {
    Url::parse(url).expect("a constant address parses")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [server]
        listen = "127.0.0.1:0"
        allow_plain_http = true
        [entra]
        client_id = "5e12e400-0365-4c11-a0ff-11e036500002"
        client_secret = "from the file"
        allowed_clients = ["c11e4700-0365-4c11-a0ff-11e036500001"]
        [admission]
        tenants = ["aaaaaaaa-0365-4c11-a0ff-00000000000a"]
    "#;

    fn loaded(environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), FILE).unwrap();
        let environment = environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Config::load(Some(file.path()), environment)
    }

    #[test]
    fn the_environment_overrules_the_file() {
        let config = loaded(&[
            ("OFFLINE365_CONNECTOR__ENTRA__CLIENT_SECRET", "from the environment"),
            ("OFFLINE365_CONNECTOR__OBO__MAX_AGE_SECONDS", "0"),
            ("OFFLINE365_CONNECTOR__ADMISSION__DISABLED_TOOLS", r#"["get_me"]"#),
            ("OTHER", "x"),
        ])
        .unwrap();
        config.check().unwrap();
        let Credential::Secret(secret) = config.credential().unwrap() else { panic!("a secret") };
        assert_eq!(secret.expose_secret(), "from the environment");
        assert_eq!(config.obo.max_age_seconds, 0);
        assert_eq!(config.admission.disabled_tools, ["get_me"]);
        assert_eq!(config.entra.login.as_str(), "https://login.microsoftonline.com/");
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        for (name, value, key) in [
            ("OFFLINE365_CONNECTOR__ENTRA__LOGIN", "http://login.example", "entra.login"),
            ("OFFLINE365_CONNECTOR__ENTRA__LOGIN", "https://login.example/tenant", "entra.login"),
            ("OFFLINE365_CONNECTOR__GRAPH__URL", "https://graph.example/v1.0", "graph.url"),
            ("OFFLINE365_CONNECTOR__ENTRA__CLIENT_ID", "me", "entra.client_id"),
            ("OFFLINE365_CONNECTOR__ENTRA__ALLOWED_CLIENTS", "[]", "entra.allowed_clients"),
            ("OFFLINE365_CONNECTOR__ADMISSION__TENANTS", "[]", "admission.tenants"),
            ("OFFLINE365_CONNECTOR__ENTRA__CLIENT_SECRET", "", "entra.client_secret"),
        ] {
            let problem = loaded(&[(name, value)]).unwrap().check().unwrap_err().to_string();
            assert!(problem.starts_with(key), "{problem}");
        }
        assert!(loaded(&[("OFFLINE365_CONNECTOR__ENTRA__TYPO", "x")]).is_err());
        assert!(!format!("{:?}", loaded(&[]).unwrap()).contains("from the file"), "secrets do not print");
    }
}
