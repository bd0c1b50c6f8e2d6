//! What a newcomer pastes next. Every line that begins with four spaces is a command for a POSIX shell that works as it stands; the
//! interop suites run them.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::ready::{Ready, Tenant, User};

/// A PKCE verifier for pasting. A real client draws a fresh one for each sign-in; here nothing is protected.
const VERIFIER: &str = "offline365-paste-this-verifier-only-in-a-test-bench";

/// Everything `up` prints once all serves. `program` is how this command was started, `took` how long it took, in milliseconds.
pub(super) fn print(ready: &Ready, program: &str, ready_file: &Path, took: u128) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line(&format!("offline365 is ready ({took} ms). Ctrl-C ends it.\n"));
    line(&format!("  login  {:<32} Entra ID: tenant first, e.g. {}/common/v2.0/…", ready.login, ready.login));
    line(&format!("  graph  {:<32} Microsoft Graph: {}/v1.0/…", ready.graph, ready.graph));
    line(&format!("  mcp    {:<32} the connector's MCP server", ready.mcp));
    line(&format!("  host   {:<32} the assistant's back end", ready.host));
    line(&format!("  lab    {:<32} test controls: clock, grants, audit, reset", ready.lab));
    line(&format!("  ca     {}", ready.ca.display()));
    line(&format!("  json   {}", ready_file.display()));
    line("");
    for tenant in &ready.tenants {
        line(&format!("  {:<9}{:<18} {}", tenant.name, tenant.domain, tenant.id));
        let people: Vec<&str> = tenant.users.iter().map(|user| user.name.as_str()).collect();
        line(&format!("           people: {}", people.join(", ")));
    }
    if let Some((tenant, user)) = ready.example() {
        line("");
        line(&format!("All passwords are in the json file; {} signs in with {}", user.upn, user.password));
        line("");
        out.push_str(&next(ready, program, tenant, user));
    }
    out
}

fn next(ready: &Ready, program: &str, tenant: &Tenant, user: &User) -> String {
    let Ready { login, graph, lab, mcp, host, .. } = ready;
    let (client, server) = (&ready.client.client_id, &ready.server);
    let redirect = ready.client.redirect_uris.first().map_or("http://localhost", String::as_str);
    let authority = format!("{login}/{}/oauth2/v2.0", tenant.id);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let authorize = format!(
        "{authority}/authorize?client_id={client}&response_type=code&redirect_uri={}&scope={}&code_challenge={challenge}\
         &code_challenge_method=S256&login_hint={}",
        encode(redirect),
        encode(&format!("{} openid offline_access", server.scope)),
        encode(&user.upn),
    );
    let name = &user.name;
    let steps: [(&str, Vec<String>); 8] = [
        (
            &format!(
                "Sign {name} in (authorization code + PKCE; the sign-in page itself is the same address in a browser):"
            ),
            vec![
                format!("CA={}", shell(&ready.ca.to_string_lossy())),
                format!(
                    "CODE=$(curl -sS --cacert $CA -o /dev/null -w '%{{redirect_url}}' '{authorize}' | sed 's/.*[?&]code=//; s/&.*//')"
                ),
                format!(
                    "TOKEN=$(curl -sS --cacert $CA {authority}/token -d grant_type=authorization_code -d client_id={client} \
                     -d redirect_uri={redirect} -d code_verifier={VERIFIER} -d code=$CODE | sed 's/.*\"access_token\":\"//; s/\".*//')"
                ),
            ],
        ),
        (
            "Exchange that token On-Behalf-Of for Graph, as the connector's server does:",
            vec![format!(
                "GRAPH=$(curl -sS --cacert $CA {authority}/token -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer \
                 -d requested_token_use=on_behalf_of -d client_id={} -d client_secret={} -d assertion=$TOKEN \
                 -d scope=https://graph.microsoft.com/.default | sed 's/.*\"access_token\":\"//; s/\".*//')",
                server.client_id,
                shell(&encode(&server.client_secret)),
            )],
        ),
        (
            &format!("List {name}'s mail at Graph:"),
            vec![format!(
                "curl -sS --cacert $CA -H \"Authorization: Bearer $GRAPH\" '{graph}/v1.0/me/messages?$select=subject,from&$top=5'"
            )],
        ),
        (
            "Call a tool of the connector, with curl and with the official MCP inspector (Node 22 or newer):",
            vec![
                format!(
                    "curl -sS --cacert $CA {mcp} -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \
                     -H 'Accept: application/json, text/event-stream' -d '{}'",
                    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"outlook_email_search","arguments":{"query":"budget"}}}"#,
                ),
                format!(
                    "NODE_EXTRA_CA_CERTS=$CA npx -y @modelcontextprotocol/inspector@2.12.0 --cli {mcp} --transport http \
                     --header \"Authorization: Bearer $TOKEN\" --method tools/call --tool-name get_me"
                ),
            ],
        ),
        (
            &format!("Connect {name} to the assistant's back end, which keeps her tokens and calls tools for her:"),
            vec![
                format!(
                    "WHERE=$(curl -sS --cacert $CA -c jar.txt {host}/api/connect -H 'Authorization: Bearer {}' \
                     -H 'Content-Type: application/json' -d '{}' | sed 's/.*\"authorizationUrl\":\"//; s/\".*//')",
                    user.host_token,
                    serde_json::json!({ "loginHint": user.upn }),
                ),
                "curl -sSL --cacert $CA -b jar.txt -c jar.txt -o /dev/null \"$WHERE\" && rm jar.txt".to_owned(),
                format!(
                    "curl -sS --cacert $CA {host}/api/tools/outlook_email_search -H 'Authorization: Bearer {}' \
                     -H 'Content-Type: application/json' -d '{}'",
                    user.host_token, r#"{"arguments":{"query":"budget"}}"#,
                ),
            ],
        ),
        (
            "Take Mail.Read from the whole tenant, search again (refused, with who can restore it), give it back:",
            vec![consent(lab, "revoke", tenant), consent(lab, "consent", tenant)],
        ),
        (
            "Point another program here, examine the connector, prove that the checks can fail:",
            vec![format!("eval \"$({program} env)\""), format!("{program} check"), format!("{program} broken")],
        ),
        (
            "See what was asked and not modelled (the real service's error was answered):",
            vec![format!("curl -sS {lab}/lab/unmodelled")],
        ),
    ];
    let mut out = String::new();
    for (title, commands) in steps {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{title}\n");
        for command in commands {
            let _ = writeln!(out, "    {command}");
        }
        out.push('\n');
    }
    out
}

fn consent(lab: &str, what: &str, tenant: &Tenant) -> String {
    let body = serde_json::json!({
        "tenant": tenant.name, "client": super::ready::SERVER, "resource": "graph", "scopes": ["Mail.Read"],
    });
    format!("curl -sS {lab}/lab/grants/{what} -H 'Content-Type: application/json' -d '{body}'")
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
}
