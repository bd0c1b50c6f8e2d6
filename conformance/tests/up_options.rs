//! What each option of `up` and `exec` does to what is served: asked from outside, with and without the option.

use std::fs;
use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::{Value, json};

const ALICE: &str = "alice@contoso.example";
const GRAPH: &str = "https://graph.microsoft.com";
/// Of RFC 7636: what `CHALLENGE` was made of.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A house that stands until it is dropped.
struct House {
    ready: Value,
    child: Child,
    hold: Option<ChildStdin>,
}

impl Drop for House {
    fn drop(&mut self) {
        // The command inside ends when its input does, and the house with it.
        drop(self.hold.take());
        let _ = self.child.wait();
    }
}

/// What `curl` got: the status, the address it was sent on to, and the body.
struct Answer {
    status: u16,
    location: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}: {}", self.status, self.body))
    }
}

impl House {
    fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready.json");
        let mut child = Command::new(env!("CARGO_BIN_EXE_offline365"))
            .args(["exec", "--ready-json"])
            .arg(&file)
            .args(options)
            // Says that it began, and waits for the end of its input.
            .args(["--", "sh", "-c", "echo began; cat >/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
        assert_eq!(line, "began\n", "{options:?}");
        let ready = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let hold = child.stdin.take();
        Self { ready, child, hold }
    }

    fn word(&self, pointer: &str) -> &str {
        self.ready.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {}", self.ready))
    }

    fn curl(&self, url: &str, arguments: &[&str]) -> Answer {
        let mut curl = Command::new("curl")
            .args(["-sS", "--noproxy", "*", "--cacert", self.word("/ca"), "-w", "\n%{redirect_url}\n%{http_code}"])
            .args(arguments)
            .args(["--config", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        write!(curl.stdin.take().unwrap(), "url = \"{url}\"").unwrap();
        let output = curl.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (rest, status) = text.rsplit_once('\n').unwrap();
        let (body, location) = rest.rsplit_once('\n').unwrap();
        Answer { status: status.parse().unwrap(), location: location.to_owned(), body: body.to_owned() }
    }

    /// An authorization request of the sample client's that names Alice.
    fn authorize(&self) -> Answer {
        let scope = format!("{}%20offline_access", self.word("/server/scope"));
        let client = self.word("/client/client_id");
        let query = format!(
            "client_id={client}&response_type=code&redirect_uri=http://localhost&scope={scope}&login_hint={ALICE}\
             &code_challenge={CHALLENGE}&code_challenge_method=S256"
        );
        self.curl(&format!("{}/contoso.example/oauth2/v2.0/authorize?{query}", self.login()), &[])
    }

    fn login(&self) -> &str {
        self.word("/login").trim_end_matches('/')
    }

    fn code(&self) -> String {
        let answer = self.authorize();
        let (_, rest) =
            answer.location.split_once("code=").unwrap_or_else(|| panic!("{}: {}", answer.status, answer.body));
        rest.split('&').next().unwrap().to_owned()
    }

    fn token(&self, form: &[(&str, &str)]) -> Answer {
        let form: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let arguments: Vec<&str> = form.iter().flat_map(|field| ["--data-urlencode", field.as_str()]).collect();
        self.curl(&format!("{}/contoso.example/oauth2/v2.0/token", self.login()), &arguments)
    }

    fn redeem(&self, code: &str) -> Value {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", self.word("/client/client_id")),
            ("code", code),
            ("redirect_uri", "http://localhost"),
            ("code_verifier", VERIFIER),
        ];
        self.token(&form).json()
    }

    fn refresh(&self, token: &str) -> u16 {
        let client = self.word("/client/client_id");
        self.token(&[("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)]).status
    }

    /// The server's On-Behalf-Of for one scope of Graph, as a client that takes claims challenges.
    fn exchange(&self, assertion: &str, scope: &str) -> Answer {
        self.token(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("client_id", self.word("/server/client_id")),
            ("client_secret", self.word("/server/client_secret")),
            ("assertion", assertion),
            ("requested_token_use", "on_behalf_of"),
            ("scope", scope),
            ("claims", r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#),
        ])
    }

    fn access(&self) -> String {
        self.redeem(&self.code())["access_token"].as_str().unwrap().to_owned()
    }

    fn graph_token(&self, scope: &str) -> String {
        let answer = self.exchange(&self.access(), &format!("{GRAPH}/{scope}")).json();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    fn graph(&self, token: &str, path: &str) -> Answer {
        let graph = self.word("/graph").trim_end_matches('/');
        self.curl(&format!("{graph}/v1.0{path}"), &["-H", &format!("Authorization: Bearer {token}")])
    }

    fn lab(&self, path: &str, body: &Value) {
        let lab = self.word("/lab").trim_end_matches('/');
        let answer = self.curl(
            &format!("{lab}/lab/{path}"),
            &["-H", "content-type: application/json", "--data-binary", &body.to_string()],
        );
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[test]
fn a_hint_signs_in_or_shows_the_page() {
    assert_eq!(House::with(&[]).authorize().status, 302);
    let page = House::with(&["--sign-in", "page"]).authorize();
    assert_eq!((page.status, page.body.contains("passwd")), (200, true));
}

#[test]
fn granted_scopes_and_used_refresh_tokens_are_as_told() {
    let usual = House::with(&[]);
    let other = House::with(&["--granted-scopes", "all", "--refresh-reuse", "once"]);
    let scopes = |house: &House| house.exchange(&house.access(), &format!("{GRAPH}/User.Read")).json()["scope"].clone();
    let has_mail = |scopes: &Value| scopes.as_str().unwrap().contains("Mail.Read");
    assert_eq!((has_mail(&scopes(&usual)), has_mail(&scopes(&other))), (false, true));
    let twice = |house: &House| {
        let body = house.redeem(&house.code());
        let token = body["refresh_token"].as_str().unwrap();
        (house.refresh(token), house.refresh(token))
    };
    assert_eq!((twice(&usual), twice(&other)), ((200, 200), (200, 400)));
}

#[test]
fn a_revocation_is_real_strict_or_late() {
    let revoke = json!({ "tenant": "contoso", "client": "m365-server", "resource": "graph" });
    let sessions = json!({ "tenant": "contoso", "user": "alice" });
    for (options, consent, session) in
        [(&[][..], 200, 401), (&["--revocation", "strict"], 401, 401), (&["--propagation", "PT5M"], 200, 200)]
    {
        let house = House::with(options);
        let token = house.graph_token("User.Read");
        assert_eq!(house.graph(&token, "/me").status, 200, "{options:?}");
        house.lab("grants/revoke", &revoke);
        assert_eq!(house.graph(&token, "/me").status, consent, "{options:?}: consent withdrawn");
        house.lab("users/revoke-sessions", &sessions);
        assert_eq!(house.graph(&token, "/me").status, session, "{options:?}: sessions revoked");
    }
}

#[test]
fn the_same_seed_draws_the_same() {
    let drawn = |seed| House::with(&["--seed", seed]).code();
    assert_eq!(drawn("7"), drawn("7"));
    assert_ne!(drawn("7"), drawn("8"));
}

#[test]
fn fresh_is_consented_nowhere() {
    let refused = House::with(&["--fresh"]).authorize();
    assert!(refused.status != 302 && refused.location.is_empty(), "{} {}", refused.status, refused.location);
    assert!(refused.body.contains("AADSTS"), "{}", refused.body);
}

#[test]
fn own_mail_and_events_are_all_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mail = "From: Somebody <somebody@example.org>\r\nSubject: brought along\r\nDate: Tue, 3 Nov 2015 10:00:00 +0000\r\n\r\nHello.\r\n";
    let event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:own\r\nDTSTART:20260203T120000Z\r\nDTEND:20260203T130000Z\r\n\
                 SUMMARY:an event of mine\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    fs::write(folder.path().join("one.eml"), mail).unwrap();
    fs::write(folder.path().join("one.ics"), event).unwrap();
    let path = folder.path().display();
    let (mail, calendar) = (format!("{ALICE}={path}/one.eml"), format!("{ALICE}={path}/one.ics"));
    let mails = folder.path().join("mails");
    fs::create_dir(&mails).unwrap();
    fs::rename(folder.path().join("one.eml"), mails.join("one.eml")).unwrap();
    let mail = mail.replace("/one.eml", "/mails");
    let house = House::with(&["--mail", &mail, "--calendar", &calendar]);
    let subjects = |scope: &str, path: &str| -> Vec<String> {
        let answer = house.graph(&house.graph_token(scope), path).json();
        let values = answer["value"].as_array().unwrap_or_else(|| panic!("{answer}"));
        values.iter().map(|value| value["subject"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(subjects("Mail.Read", "/me/messages"), ["brought along"]);
    assert_eq!(subjects("Calendars.Read", "/me/events"), ["an event of mine"]);
}

#[test]
fn an_export_of_ones_own_is_what_chats_and_channels_hold() {
    let folder = tempfile::tempdir().unwrap();
    let message = |who: &str, text: &str| {
        let body = json!({ "contentType": "text", "content": text });
        json!({ "createdDateTime": "2026-01-05T08:00:00Z", "body": body, "from": { "user": { "id": who } } })
    };
    let members = json!([{ "email": ALICE }, { "email": "bob@contoso.example" }]);
    let begun = "2026-01-05T08:00:00Z";
    let chat = json!({ "chatType": "group", "topic": "ours", "createdDateTime": begun, "members": members, "messages": [message(ALICE, "own words")] });
    let channel = json!({ "displayName": "Beds", "createdDateTime": begun, "messages": [message(ALICE, "own plans")] });
    fs::create_dir(folder.path().join("garden")).unwrap();
    fs::write(folder.path().join("ours.json"), chat.to_string()).unwrap();
    fs::write(folder.path().join("garden/beds.json"), channel.to_string()).unwrap();
    let house = House::with(&["--teams", &format!("contoso={}", folder.path().display())]);
    let token = house.graph_token("Chat.Read");
    let chats = house.graph(&token, "/me/chats").json();
    assert_eq!((chats["value"].as_array().unwrap().len(), &chats["value"][0]["topic"]), (1, &json!("ours")));
    let said = house.graph(&token, &format!("/chats/{}/messages", chats["value"][0]["id"].as_str().unwrap())).json();
    assert_eq!(said["value"][0]["body"]["content"], "own words");
    let token = house.graph_token("Channel.ReadBasic.All");
    let team = fixtures::ids::GroupId::derived("contoso/groups/garden");
    let channels = house.graph(&token, &format!("/teams/{team}/channels")).json();
    assert_eq!(
        (channels["value"].as_array().unwrap().len(), &channels["value"][0]["displayName"]),
        (1, &json!("Beds"))
    );
}

#[test]
fn a_name_is_in_every_address_and_in_the_certificate() {
    for (options, start) in
        [(&[][..], "https://localhost:"), (&["--name", "127.0.0.1", "--bind", "127.0.0.1"], "https://127.0.0.1:")]
    {
        let house = House::with(options);
        for host in ["/login", "/graph", "/content", "/mcp", "/host"] {
            assert!(house.word(host).starts_with(start), "{host}: {}", house.word(host));
        }
        // The certificate is good for the name: curl checks it.
        let document = house.curl(&format!("{}/common/v2.0/.well-known/openid-configuration", house.login()), &[]);
        let endpoint = document.json()["token_endpoint"].as_str().unwrap().to_owned();
        assert!(endpoint.starts_with(start), "{endpoint}");
    }
}
