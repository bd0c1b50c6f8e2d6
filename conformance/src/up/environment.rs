//! Which variables point a foreign program here, and how they are written down.
//!
//! The names are those that client libraries read by themselves (azure-identity's `AZURE_*`, Node's, requests' and OpenSSL's CA
//! variables) and our own `OFFLINE365_*` for everything else.

use std::collections::BTreeMap;
use std::path::Path;

use clap::ValueEnum;

use super::ready::Ready;

/// How `env` writes the variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// `export NAME='value'`, for `eval "$(offline365 env)"`.
    Sh,
    /// `NAME="value"` lines, for a .env file.
    Dotenv,
    /// One JSON object.
    Json,
}

/// The variables of a running house, in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

/// Programs that obey a proxy variable must not send loopback addresses to it.
const LOCAL: &str = "localhost,127.0.0.1,::1";

impl Environment {
    /// The variables for what `ready` describes. `no_proxy` is the value that the program would inherit.
    pub fn new(ready: &Ready, no_proxy: Option<&str>) -> Self {
        let mut all = BTreeMap::new();
        let mut set = |name: &str, value: &str| {
            all.insert(name.to_owned(), value.to_owned());
        };
        let ca = path(&ready.ca);
        let bundle = path(&ready.ca.with_file_name("bundle.pem"));

        // azure-identity's EnvironmentCredential is a confidential client: the server's registration is the one with a secret.
        set("AZURE_AUTHORITY_HOST", &ready.login);
        // With `--app`, the user's own application is the one that their program is: what their .env says stays true.
        let own = ready.apps.first();
        set("AZURE_CLIENT_ID", own.map_or(&ready.server.client_id, |own| &own.client_id));
        if let Some(secret) = own.map_or(Some(&ready.server.client_secret), |own| own.client_secret.as_ref()) {
            set("AZURE_CLIENT_SECRET", secret);
        }

        // Node adds to its roots; Python and OpenSSL replace theirs, so they get the system's roots too.
        set("NODE_EXTRA_CA_CERTS", &ca);
        set("CURL_CA_BUNDLE", &bundle);
        set("REQUESTS_CA_BUNDLE", &bundle);
        set("SSL_CERT_FILE", &bundle);
        let no_proxy = no_proxy.filter(|inherited| !inherited.is_empty());
        let no_proxy = no_proxy.map_or_else(|| LOCAL.to_owned(), |inherited| format!("{inherited},{LOCAL}"));
        set("NO_PROXY", &no_proxy);
        set("no_proxy", &no_proxy);

        set("OFFLINE365_CA", &ca);
        set("OFFLINE365_LOGIN_URL", &ready.login);
        set("OFFLINE365_GRAPH_URL", &ready.graph);
        set("OFFLINE365_CONTENT_URL", &ready.content);
        set("OFFLINE365_LAB_URL", &ready.lab);
        set("OFFLINE365_MCP_URL", &ready.mcp);
        set("OFFLINE365_HOST_URL", &ready.host);
        set("OFFLINE365_CLIENT_ID", &ready.client.client_id);
        if let Some(redirect) = ready.client.redirect_uris.first() {
            set("OFFLINE365_REDIRECT_URI", redirect);
        }
        set("OFFLINE365_SERVER_CLIENT_ID", &ready.server.client_id);
        set("OFFLINE365_SERVER_CLIENT_SECRET", &ready.server.client_secret);
        set("OFFLINE365_SERVER_APP_ID_URI", &ready.server.app_id_uri);
        set("OFFLINE365_SERVER_SCOPE", &ready.server.scope);

        if let Some((tenant, user)) = ready.example() {
            set("AZURE_TENANT_ID", own.map_or(&tenant.id, |own| &own.tenant_id));
            set("OFFLINE365_TENANT_ID", &tenant.id);
            set("OFFLINE365_TENANT_DOMAIN", &tenant.domain);
            set("OFFLINE365_USER", &user.upn);
            set("OFFLINE365_USER_ID", &user.id);
            set("OFFLINE365_USER_PASSWORD", &user.password);
            set("OFFLINE365_USER_HOST_TOKEN", &user.host_token);
        }
        for tenant in &ready.tenants {
            let name = variable(&tenant.name);
            set(&format!("OFFLINE365_{name}_ID"), &tenant.id);
            set(&format!("OFFLINE365_{name}_DOMAIN"), &tenant.domain);
            for user in &tenant.users {
                let person = variable(&user.name);
                set(&format!("OFFLINE365_{name}_{person}"), &user.upn);
                set(&format!("OFFLINE365_{name}_{person}_ID"), &user.id);
                set(&format!("OFFLINE365_{name}_{person}_PASSWORD"), &user.password);
                set(&format!("OFFLINE365_{name}_{person}_HOST_TOKEN"), &user.host_token);
            }
        }
        Self(all)
    }

    /// Adds where `--ready-json` lies.
    pub(super) fn with_ready_json(mut self, file: &Path) -> Self {
        self.0.insert("OFFLINE365_READY_JSON".to_owned(), path(file));
        self
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The variables as text; ends with a line feed.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Sh => self.lines(|name, value| format!("export {name}={}\n", quote_sh(value))),
            Format::Dotenv => self.lines(|name, value| format!("{name}={}\n", quote_dotenv(value))),
            Format::Json => {
                let mut text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
                text.push('\n');
                text
            }
        }
    }
}

impl Environment {
    fn lines(&self, line: impl Fn(&str, &str) -> String) -> String {
        self.iter().fold(String::new(), |text, (name, value)| text + &line(name, value))
    }
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A fixture name as part of a variable's name.
fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// POSIX single quotes: nothing inside them is special but the quote itself.
fn quote_sh(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Double quotes with the escapes that dotenv readers share; `$` would be expanded by some.
fn quote_dotenv(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_variables() {
        assert_eq!(variable("contoso"), "CONTOSO");
        assert_eq!(variable("m365-client"), "M365_CLIENT");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_shell_reads_back_what_was_quoted(value in "[^\0]{0,40}") {
            let script = format!("printf %s {}", quote_sh(&value));
            let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
        }
    }
}
