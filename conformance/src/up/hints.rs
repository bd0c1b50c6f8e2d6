//! What a newcomer pastes next. Every line that begins with four spaces is a command for a POSIX shell that works as it stands; the
//! interop suites run them.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::ready::{Ready, SERVER, Tenant, User};

/// A PKCE verifier for pasting. A real client draws a fresh one for each sign-in; here nothing is protected.
const VERIFIER: &str = "offline365-paste-this-verifier-only-in-a-test-bench";

/// The header of a JSON body, quoted for a shell.
const JSON: &str = "-H 'Content-Type: application/json'";

/// The access token of a token answer, without a JSON tool.
const ACCESS_TOKEN: &str = r#"sed 's/.*"access_token":"//; s/".*//'"#;

/// Everything `up` prints once all serves.
pub(super) struct Hints<'a> {
    /// Where everything is.
    pub(super) ready: &'a Ready,
    /// How this command was started.
    pub(super) program: &'a str,
    /// The file that says the same as JSON.
    pub(super) ready_file: &'a Path,
}

impl Hints<'_> {
    /// The text; `took` is how long the start lasted, in milliseconds.
    pub(super) fn print(&self, took: u128) -> String {
        let steps = self.ready.example().map(|(tenant, user)| self.steps(tenant, user)).unwrap_or_default();
        let steps = steps.into_iter().flat_map(|(title, commands)| {
            let commands = commands.into_iter().map(|command| format!("    {command}\n"));
            std::iter::once(format!("\n{title}\n\n")).chain(commands)
        });
        std::iter::once(self.places(took)).chain(steps).collect()
    }

    fn places(&self, took: u128) -> String {
        let Ready { login, graph, content, lab, mcp, host, ca, .. } = self.ready;
        let places = format!(
            "offline365 is ready ({took} ms). Ctrl-C ends it.\n\n\
             \x20 login  {login:<28} Entra ID: {login}/{{tenant}}/v2.0\n\
             \x20 graph  {graph:<28} Microsoft Graph: {graph}/v1.0\n\
             \x20 files  {content:<28} downloads: addresses that Graph gives out\n\
             \x20 mcp    {mcp:<28} the connector's MCP server\n\
             \x20 host   {host:<28} the assistant: open it in a browser\n\
             \x20 lab    {lab:<28} test controls: clock, grants, audit, reset\n\
             \x20 ca     {}\n\
             \x20 json   {} (all of this and every password)\n\n",
            ca.display(),
            self.ready_file.display(),
        );
        let tenants = self.ready.tenants.iter().map(|tenant| {
            let people: Vec<&str> = tenant.users.iter().map(|user| user.name.as_str()).collect();
            format!("  {:<9} {}  {}: {}\n", tenant.name, tenant.id, tenant.domain, people.join(", "))
        });
        std::iter::once(places).chain(tenants).collect()
    }

    fn steps(&self, tenant: &Tenant, user: &User) -> Vec<(String, Vec<String>)> {
        let name = &user.name;
        let step = |title: &str, commands: Vec<String>| (title.to_owned(), commands);
        vec![
            step(
                &format!(
                    "Sign {name} in: authorization code + PKCE (a browser shows the sign-in page; password {}):",
                    user.password
                ),
                self.sign_in(tenant, user),
            ),
            step("The same token in one line:", vec![self.token(tenant, user)]),
            step(
                "Exchange it On-Behalf-Of for Graph, as the connector's server does:",
                vec![self.on_behalf_of(tenant)],
            ),
            step(
                &format!("List {name}'s mail at Graph:"),
                vec![format!(
                    "curl -sS --cacert $CA -H \"Authorization: Bearer $GRAPH\" '{}/v1.0/me/messages?$select=subject,from&$top=5'",
                    self.ready.graph
                )],
            ),
            step("Call a tool with curl, and with the official MCP inspector (Node 22 or newer):", self.tools()),
            step(
                "Connect her to the assistant's back end, which keeps her tokens and calls tools for her:",
                self.host(user),
            ),
            step(
                "Take Mail.Read from the whole tenant, search again (refused: what is missing, who restores it), give it back:",
                vec![self.consent("revoke", tenant), self.consent("consent", tenant)],
            ),
            step(
                "Point another program here; examine the connector; prove that the checks can fail:",
                vec![
                    format!("eval \"$({} env --ready-json {})\"", self.program, self.ready_file()),
                    format!("{} check", self.program),
                    format!("{} broken", self.program),
                ],
            ),
            step(
                "What was asked that is not modelled (it was answered with the real service's error):",
                vec![format!("curl -sS {}/lab/unmodelled", self.ready.lab)],
            ),
        ]
    }

    fn sign_in(&self, tenant: &Tenant, user: &User) -> Vec<String> {
        let client = &self.ready.client.client_id;
        let redirect = self.ready.client.redirect_uris.first().map_or("http://localhost", String::as_str);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let authorize = format!(
            "{}/{}/oauth2/v2.0/authorize?client_id={client}&response_type=code&redirect_uri={}&scope={}\
             &code_challenge={challenge}&code_challenge_method=S256&login_hint={}",
            self.ready.login,
            tenant.id,
            encode(redirect),
            encode(&format!("{} openid offline_access", self.ready.server.scope)),
            encode(&user.upn),
        );
        vec![
            format!("CA={}", shell(&self.ready.ca.to_string_lossy())),
            format!(
                "CODE=$(curl -sS --cacert $CA -o /dev/null -w '%{{redirect_url}}' '{authorize}' | sed 's/.*[?&]code=//; s/&.*//')"
            ),
            format!(
                "TOKEN=$(curl -sS --cacert $CA {} -d grant_type=authorization_code -d client_id={client} \
                 -d redirect_uri={redirect} -d code_verifier={VERIFIER} -d code=$CODE | {ACCESS_TOKEN})",
                self.token_endpoint(tenant),
            ),
        ]
    }

    fn token(&self, tenant: &Tenant, user: &User) -> String {
        let file = self.ready_file();
        format!("TOKEN=$({} token --ready {file} --tenant {} --user {})", self.program, tenant.name, user.name)
    }

    fn on_behalf_of(&self, tenant: &Tenant) -> String {
        format!(
            "GRAPH=$(curl -sS --cacert $CA {} -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer \
             -d requested_token_use=on_behalf_of -d client_id={} --data-urlencode {} -d assertion=$TOKEN \
             -d scope=https://graph.microsoft.com/.default | {ACCESS_TOKEN})",
            self.token_endpoint(tenant),
            self.ready.server.client_id,
            shell(&format!("client_secret={}", self.ready.server.client_secret)),
        )
    }

    fn tools(&self) -> Vec<String> {
        let mcp = &self.ready.mcp;
        let call = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "outlook_email_search", "arguments": { "query": "budget" } },
        });
        vec![
            format!(
                "curl -sS --cacert $CA {mcp} -H \"Authorization: Bearer $TOKEN\" {JSON} \
                 -H 'Accept: application/json, text/event-stream' -d '{call}'"
            ),
            format!(
                "NODE_EXTRA_CA_CERTS=$CA npx -y @modelcontextprotocol/inspector@2.12.0 --cli {mcp} --transport http \
                 --header \"Authorization: Bearer $TOKEN\" --method tools/call --tool-name get_me"
            ),
        ]
    }

    fn host(&self, user: &User) -> Vec<String> {
        let (host, bearer) = (&self.ready.host, format!("-H 'Authorization: Bearer {}'", user.host_token));
        let hint = json!({ "loginHint": user.upn });
        vec![
            format!(
                "SIGNIN=$(curl -sS --cacert $CA -c jar.txt {host}/api/connect {bearer} {JSON} -d '{hint}' | \
                 sed 's/.*\"authorizationUrl\":\"//; s/\".*//')"
            ),
            "curl -sSL --cacert $CA -b jar.txt -c jar.txt -o /dev/null \"$SIGNIN\"; rm jar.txt".to_owned(),
            format!(
                "curl -sS --cacert $CA {host}/api/tools/outlook_email_search {bearer} {JSON} -d '{}'",
                json!({ "arguments": { "query": "budget" } })
            ),
        ]
    }

    fn consent(&self, what: &str, tenant: &Tenant) -> String {
        let body = json!({ "tenant": tenant.name, "client": SERVER, "resource": "graph", "scopes": ["Mail.Read"] });
        format!("curl -sS {}/lab/grants/{what} {JSON} -d '{body}'", self.ready.lab)
    }

    fn token_endpoint(&self, tenant: &Tenant) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.ready.login, tenant.id)
    }

    fn ready_file(&self) -> String {
        shell(&self.ready_file.to_string_lossy())
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Quotes only what a shell would take apart.
fn shell(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:%@+=,".contains(c)) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_is_as_long_as_rfc_7636_asks() {
        assert!((43..=128).contains(&VERIFIER.len()));
    }

    #[test]
    fn only_what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(shell("/tmp/ca.pem"), "/tmp/ca.pem");
        assert_eq!(shell("/tmp/my folder/it's"), r"'/tmp/my folder/it'\''s'");
        assert_eq!(shell("secret~1"), "'secret~1'");
    }
}
