//! What is wrong with a configuration? Everything at once, each with its place and with what would be right.

use std::fmt::Write as _;

use secrecy::ExposeSecret as _;
use url::Url;
use uuid::Uuid;

use super::{Cloud, Config, ConfigError, is_loopback, public_graph, public_login};
use crate::entra::credential::Credential;
use crate::tools;

/// How the secrets of the test world begin. They are published and protect nothing.
const TEST_SECRET: &str = "o365~fixture~";

/// SHA-256 of the certificates of the test world, whose keys are published.
const TEST_CERTIFICATES: &[&str] = &[
    "f5474166c5b6123e5492bdf7f021e400e21e72a6f1b0407006211a8ae3b20170",
    "c3953d5f460ad55cd1e7c849546ec8f92f160cff346af19311253a49d7b970cd",
    "aed98217db118e3796f27767b00925722bdd416de6d479f4889109360a11231b",
    "6d365621175ec1b0bd5f5b78d3f8aa54eaed8e4316161fcfd72da98d9b34843f",
    "c11b4e89629397dd5c4871f0f7c8aa4cdf8db2820177c63871167d576d9db3aa",
];

/// Domains of Microsoft's clouds (<https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>).
const CLOUDS: &[&str] = &[
    "microsoftonline.com",
    "microsoftonline.us",
    "microsoftonline.cn",
    "microsoft.com",
    "microsoft.us",
    "chinacloudapi.cn",
];

impl Config {
    /// Looks for what cannot work, before anything is started. The first problem; [`Config::problems`] has them all.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.problems().into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything that is wrong.
    pub fn problems(&self) -> Vec<ConfigError> {
        let mut problems = Vec::new();
        let mut wrong = |key, problem: &str| problems.push(ConfigError::Value { key, problem: problem.to_owned() });
        for (key, url) in [("entra.login", &self.entra.login), ("graph.url", &self.graph.url)] {
            if !is_origin(url) {
                wrong(key, "must be an origin such as https://graph.microsoft.com, without a path");
            } else if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(url)) {
                wrong(key, "must be https; http is for this machine only");
            }
        }
        if self.cloud == Some(Cloud::Public) && (self.entra.login != public_login() || self.graph.url != public_graph())
        {
            wrong(
                "cloud",
                "`public` is https://login.microsoftonline.com and https://graph.microsoft.com: leave out entra.login and graph.url, or cloud",
            );
        }
        if is_microsofts(&self.entra.login) != is_microsofts(&self.graph.url) {
            wrong(
                "graph.url",
                "entra.login and graph.url are of different worlds: a token of one must not go to the other",
            );
        }
        if Uuid::try_parse(&self.entra.client_id).is_err() {
            wrong("entra.client_id", "must be the application id (a GUID)");
        }
        if self.entra.allowed_clients.is_empty() {
            wrong("entra.allowed_clients", "name at least one client application, or nobody can call");
        }
        if self.entra.allowed_clients.iter().any(|client| Uuid::try_parse(client).is_err()) {
            wrong("entra.allowed_clients", "must be application ids (GUIDs)");
        }
        if self.server.public_url.as_ref().is_some_and(|url| !is_origin(url)) {
            wrong(
                "server.public_url",
                "must be an origin such as https://connector.contoso.com; the path /mcp is added",
            );
        }
        if self.server.allowed_origins.iter().any(|origin| !Url::parse(origin).is_ok_and(|url| is_origin(&url))) {
            wrong("server.allowed_origins", "must be web origins such as https://app.contoso.com");
        }
        if let Some(unknown) = self.admission.disabled_tools.iter().find(|name| !tools::is_known(name)) {
            wrong("admission.disabled_tools", &format!("there is no tool `{unknown}`"));
        }
        if self.audit.file.is_some() && self.audit.stdout {
            wrong("audit", "set one of file and stdout");
        }
        let limits = &self.limits;
        if [limits.requests_in_flight, limits.request_seconds, limits.call_seconds].contains(&0) {
            wrong("limits", "requests_in_flight, request_seconds and call_seconds are at least 1");
        }
        if self.host.is_none() && self.admission.tenants.is_empty() {
            wrong("admission.tenants", "name at least one tenant id, or nobody is let in");
        }
        match self.credential() {
            Ok(credential) if is_microsofts(&self.entra.login) && is_of_the_tests(&credential) => {
                wrong(
                    "entra",
                    "the secret or certificate is of the published test world: everybody has it. Make one of your own",
                );
            }
            Ok(_) => {}
            Err(error) => problems.push(error),
        }
        problems.extend(self.download_origins().err());
        problems.extend(self.extra_roots().err());
        problems.extend(self.identity().err());
        problems
    }

    /// What a server of this configuration does, for the operator to read; no secret.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, is: &dyn std::fmt::Display| {
            let _ = writeln!(text, "{what:<20}{is}");
        };
        line("issuer", &self.entra.login);
        line("graph", &self.graph.url);
        line("files come from", &self.graph.downloads.join(" "));
        line("application", &self.entra.client_id);
        line("credential", if self.entra.certificate_file.is_some() { &"certificate" } else { &"secret" });
        line("clients", &self.entra.allowed_clients.join(" "));
        let tenants: Vec<_> = self.admission.tenants.iter().map(Uuid::to_string).collect();
        line(
            "tenants",
            if self.host.is_some() { &"as the host's organizations say" as &dyn std::fmt::Display } else { &"" },
        );
        for tenant in &tenants {
            line("", tenant);
        }
        line("tools switched off", &self.admission.disabled_tools.join(" "));
        line("limited mode", &self.limited_mode);
        line("a revocation acts", &format_args!("within {} s (obo.max_age_seconds)", self.obo.max_age_seconds));
        text
    }
}

fn is_origin(url: &Url) -> bool {
    url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
}

fn is_microsofts(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    CLOUDS.iter().any(|cloud| host == *cloud || host.strip_suffix(cloud).is_some_and(|rest| rest.ends_with('.')))
}

fn is_of_the_tests(credential: &Credential) -> bool {
    match credential {
        Credential::Secret(secret) => secret.expose_secret().starts_with(TEST_SECRET),
        Credential::Certificate(certificate) => TEST_CERTIFICATES.contains(&certificate.sha256().as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = Config::new(
            "0f2c3a4d-1111-4222-8333-444455556666",
            "a secret".into(),
            "0f2c3a4d-1111-4222-8333-444455557777",
        );
        config.server.allow_plain_http = true;
        config.admission.tenants = vec!["0f2c3a4d-1111-4222-8333-444455558888".parse().unwrap()];
        change(&mut config);
        config.problems().iter().map(ToString::to_string).collect()
    }

    fn fixtures() -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
    }

    #[test]
    fn a_good_one_has_no_problem_and_a_bad_one_all_of_its_own() {
        assert_eq!(config(|_| {}), [""; 0]);
        let all = config(|config| {
            config.entra.client_id = "me".into();
            config.entra.allowed_clients = vec!["you".into()];
            config.admission.tenants.clear();
            config.admission.disabled_tools = vec!["send_mail".into()];
            config.entra.client_secret = None;
            config.graph.url = "https://graph.example/v1.0".parse().unwrap();
        });
        let keys: Vec<_> = all.iter().map(|problem| problem.split(':').next().unwrap()).collect();
        assert_eq!(
            keys,
            [
                "graph.url",
                "graph.url",
                "entra.client_id",
                "entra.allowed_clients",
                "admission.disabled_tools",
                "admission.tenants",
                "entra.client_secret"
            ]
        );
    }

    #[test]
    fn the_public_cloud_is_all_or_nothing() {
        assert_eq!(config(|config| config.cloud = Some(Cloud::Public)), [""; 0]);
        let other = config(|config| {
            config.cloud = Some(Cloud::Public);
            config.graph.url = "http://localhost:1".parse().unwrap();
        });
        assert!(other[0].starts_with("cloud: ") && other[1].starts_with("graph.url: "), "{other:?}");
    }

    /// Every refusal of [`Config::problems`], alone: what is said, and that nothing else is.
    #[test]
    fn every_refusal_is_said_by_itself() {
        type Change = fn(&mut Config);
        let refusals: &[(&str, Change)] = &[
            ("entra.login: must be an origin", |config| {
                config.entra.login = "https://login.microsoftonline.com/contoso".parse().unwrap();
            }),
            ("graph.url: must be an origin", |config| {
                config.graph.url = "https://graph.microsoft.com/v1.0".parse().unwrap();
            }),
            ("graph.url: must be an origin", |config| {
                config.graph.url = "https://who@graph.microsoft.com".parse().unwrap();
            }),
            ("graph.url: must be https", |config| config.graph.url = "http://graph.microsoft.com".parse().unwrap()),
            ("entra.login: must be https", |config| {
                config.entra.login = "http://login.microsoftonline.com".parse().unwrap();
            }),
            ("cloud: `public` is", |config| {
                config.cloud = Some(Cloud::Public);
                config.entra.login = "https://login.microsoftonline.us".parse().unwrap();
                config.graph.url = "https://graph.microsoft.us".parse().unwrap();
            }),
            ("graph.url: entra.login and graph.url are of different worlds", |config| {
                config.graph.url = "http://127.0.0.1:2".parse().unwrap();
            }),
            ("graph.url: entra.login and graph.url are of different worlds", |config| {
                config.entra.login = "https://login.notmicrosoft.com".parse().unwrap();
            }),
            ("entra.client_id: ", |config| config.entra.client_id = "connector".into()),
            ("entra.allowed_clients: name", |config| config.entra.allowed_clients.clear()),
            ("entra.allowed_clients: must", |config| config.entra.allowed_clients.push("client".into())),
            ("server.public_url: ", |config| {
                config.server.public_url = Some("https://connector.example/mcp".parse().unwrap());
            }),
            ("server.allowed_origins: ", |config| config.server.allowed_origins = vec!["app.example".into()]),
            ("admission.disabled_tools: there is no tool `send_mail`", |config| {
                config.admission.disabled_tools = vec!["get_me".into(), "send_mail".into()];
            }),
            ("audit: ", |config| {
                config.audit.stdout = true;
                config.audit.file = Some("audit.jsonl".into());
            }),
            ("limits: ", |config| config.limits.requests_in_flight = 0),
            ("limits: ", |config| config.limits.request_seconds = 0),
            ("limits: ", |config| config.limits.call_seconds = 0),
            ("admission.tenants: ", |config| config.admission.tenants.clear()),
            ("entra: the secret or certificate is of the published test world", |config| {
                config.entra.client_secret = Some(format!("{TEST_SECRET}connector").into());
            }),
            ("entra: the secret or certificate is of the published test world", |config| {
                config.entra.client_secret = Some(format!("{TEST_SECRET}connector").into());
                config.entra.login = "https://login.microsoftonline.us".parse().unwrap();
                config.graph.url = "https://graph.microsoft.us".parse().unwrap();
            }),
            ("entra.client_secret: set exactly one", |config| config.entra.client_secret = None),
            ("entra.client_secret: set exactly one", |config| {
                config.entra.client_secret_file = Some("secret".into());
            }),
            ("entra.client_secret: the secret is empty", |config| config.entra.client_secret = Some("".into())),
            ("server: set tls_cert_file and tls_key_file", |config| config.server.allow_plain_http = false),
            ("server: set tls_cert_file and tls_key_file", |config| {
                config.server.listen = "0.0.0.0:8443".parse().unwrap();
            }),
            ("server.tls_cert_file: certificate and key", |config| config.server.tls_key_pem = Some("pem".into())),
        ];
        for (said, change) in refusals {
            let problems = config(change);
            assert!(matches!(problems.as_slice(), [one] if one.starts_with(said)), "{said}: {problems:?}");
        }
    }

    /// Content comes without a token, but it comes from where the tenant keeps it.
    #[test]
    fn files_come_from_named_hosts_over_https() {
        for good in [
            "https://contoso.sharepoint.com",
            "https://*.sharepoint.com",
            "http://127.0.0.1:9",
            "https://cdn.example:8443",
        ] {
            assert_eq!(config(|config| config.graph.downloads = vec![good.into()]), [""; 0], "{good}");
        }
        for wide in [
            "",
            "*",
            "contoso.sharepoint.com",
            "https://*",
            "https://*.com",
            "https://*.*.com",
            "https://contoso.*",
            "https://*.127.0.0.1",
            "https://contoso.sharepoint.com/sites",
            "https://contoso.sharepoint.com?a",
            "https://contoso.sharepoint.com#a",
            "https://who@contoso.sharepoint.com",
            "http://contoso.sharepoint.com",
            "http://*.localhost",
            "ftp://contoso.sharepoint.com",
        ] {
            let problems = config(|config| config.graph.downloads.push(wide.into()));
            assert!(
                matches!(problems.as_slice(), [one] if one.starts_with("graph.downloads: ")),
                "{wide}: {problems:?}"
            );
        }
    }

    #[test]
    fn what_the_fixtures_publish_opens_no_real_tenant() {
        let apps = std::fs::read_to_string(fixtures().join("apps.toml")).unwrap();
        let secrets: Vec<_> = apps.split('"').filter(|text| text.contains("fixture~")).collect();
        assert!(secrets.len() >= 3, "{secrets:?}");
        for secret in secrets {
            let of_test = |config: &mut Config| config.entra.client_secret = Some(secret.into());
            assert!(config(of_test)[0].contains("published test world"), "{secret}");
            let at_home = config(|config| {
                of_test(config);
                config.entra.login = "http://localhost:1".parse().unwrap();
                config.graph.url = "http://localhost:2".parse().unwrap();
            });
            assert_eq!(at_home, [""; 0]);
        }
        let mut certificates = 0;
        for entry in std::fs::read_dir(fixtures().join("keys")).unwrap() {
            let path = entry.unwrap().path();
            let Some(name) = path.to_str().and_then(|path| path.strip_suffix(".crt.pem")) else { continue };
            certificates += 1;
            let problems = config(|config| {
                config.entra.client_secret = None;
                config.entra.certificate_file = Some(path.clone());
                config.entra.certificate_key_file = Some(format!("{name}.pem").into());
            });
            assert!(
                problems.first().is_some_and(|problem| problem.contains("published test world")),
                "{name}: {problems:?}"
            );
        }
        assert_eq!(certificates, TEST_CERTIFICATES.len());
    }
}
