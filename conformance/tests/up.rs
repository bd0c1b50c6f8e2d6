//! `up`, `exec` and `env` as a person or a script meets them: through the command line.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Six free ports: tests run side by side.
const FREE: [&str; 12] = [
    "--login",
    "localhost:0",
    "--graph",
    "localhost:0",
    "--content",
    "localhost:0",
    "--lab",
    "localhost:0",
    "--mcp",
    "localhost:0",
    "--host",
    "localhost:0",
];

fn offline365() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offline365"));
    command.stdin(Stdio::null());
    command
}

fn exec(script: &str) -> Output {
    offline365().args(["exec", "--", "sh", "-c", script]).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Whether a process exists and is not just waiting to be collected.
fn runs(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Waits until `ready` holds, at most ten seconds.
fn eventually(what: &str, mut ready: impl FnMut() -> bool) {
    for _ in 0..500 {
        if ready() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}: not within ten seconds");
}

#[test]
fn exec_returns_what_the_command_returned() {
    assert_eq!(exec("exit 0").status.code(), Some(0));
    assert_eq!(exec("exit 3").status.code(), Some(3));
    assert_eq!(exec("kill -KILL $$").status.code(), Some(128 + 9));
}

#[test]
fn a_failure_of_ours_is_never_the_commands_success() {
    let missing = offline365().args(["exec", "--", "/no/such/command"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(70));
    assert!(text(&missing.stderr).contains("/no/such/command"));
    let fixtures = offline365().args(["exec", "--fixtures", "/no/such/folder", "--", "true"]).output().unwrap();
    assert_eq!(fixtures.status.code(), Some(70));
    assert!(text(&fixtures.stderr).contains("/no/such/folder"), "{}", text(&fixtures.stderr));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.eml"), "Subject: x\r\n\r\n").unwrap();
    let mail = format!("nobody@contoso.example={}", folder.path().display());
    let nobody = offline365().args(["exec", "--mail", &mail, "--", "true"]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(64));
    assert!(text(&nobody.stderr).contains("nobody@contoso.example"));
}

#[test]
fn the_command_sees_where_everything_is() {
    let output = exec(
        "printenv AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_AUTHORITY_HOST OFFLINE365_GRAPH_URL OFFLINE365_MCP_URL \
         OFFLINE365_LAB_URL OFFLINE365_HOST_URL NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE SSL_CERT_FILE NO_PROXY \
         && grep -q 'BEGIN CERTIFICATE' \"$NODE_EXTRA_CA_CERTS\" && [ $(grep -c 'BEGIN CERTIFICATE' \"$SSL_CERT_FILE\") -gt 1 ] \
         && grep -q client_secret \"$OFFLINE365_READY_JSON\"",
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 12);
}

#[test]
fn everything_serves_when_the_command_starts() {
    let output = exec(
        "curl -sSf --cacert $OFFLINE365_CA $OFFLINE365_LOGIN_URL/$OFFLINE365_TENANT_ID/v2.0/.well-known/openid-configuration >/dev/null \
         && curl -sS --cacert $OFFLINE365_CA -o /dev/null -w '%{http_code} ' $OFFLINE365_GRAPH_URL/v1.0/me \
         && curl -sS --cacert $OFFLINE365_CA -o /dev/null -w '%{http_code} ' -d '{}' $OFFLINE365_MCP_URL \
         && curl -sSf $OFFLINE365_LAB_URL/lab/health",
    );
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).starts_with("401 401 {"), "{output:?}");
}

#[test]
fn nothing_is_left_running() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    // One child in the group, one that does not hear TERM, one that left for a session of its own. The pause lets them begin.
    let script = format!(
        "exec >/dev/null 2>&1; sleep 600 & echo $! >>{0}; sh -c 'trap \"\" TERM; sleep 600' & echo $! >>{0}; \
         setsid sleep 600 & echo $! >>{0}; sleep 0.3; exit 7",
        pids.display()
    );
    assert_eq!(exec(&script).status.code(), Some(7));
    let left = fs::read_to_string(&pids).unwrap();
    assert_eq!(left.lines().count(), 3);
    for pid in left.lines() {
        assert!(!runs(pid), "process {pid} still runs");
    }
}

#[test]
fn signals_reach_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let started = folder.path().join("started");
    let script = format!("trap 'exit 42' INT; : >{}; while :; do sleep 0.05; done", started.display());
    let mut child = offline365().args(["exec", "--", "sh", "-c", &script]).spawn().unwrap();
    eventually("the command starts", || started.exists());
    signal("INT", child.id());
    assert_eq!(ended(&mut child).code(), Some(42));
}

#[test]
fn up_writes_where_everything_is_and_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let (state, file) = (folder.path().join("state"), folder.path().join("ready.json"));
    let mut child = up(&state).arg("--ready-json").arg(&file).stdout(Stdio::piped()).spawn().unwrap();
    eventually("ready.json", || file.exists());
    let ready: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for (key, start) in [
        ("login", "https://localhost:"),
        ("graph", "https://localhost:"),
        ("content", "https://localhost:"),
        ("lab", "http://127.0.0.1:"),
        ("mcp", "https://localhost:"),
        ("host", "https://localhost:"),
        ("ca", "/"),
    ] {
        assert!(ready[key].as_str().is_some_and(|value| value.starts_with(start)), "{key}: {}", ready[key]);
    }
    assert!(ready["mcp"].as_str().unwrap().ends_with("/mcp"));
    assert_eq!(ready["client"]["redirect_uris"][0], "http://localhost");
    assert!(ready["server"]["scope"].as_str().unwrap().ends_with("/access_as_user"));
    let alice = &ready["tenants"][0]["users"][0];
    assert_eq!((&ready["tenants"][0]["name"], &alice["upn"]), (&"contoso".into(), &"alice@contoso.example".into()));
    assert!(alice["password"].is_string() && alice["id"].is_string() && alice["roles"].is_array());

    for (format, expected) in
        [("sh", "export AZURE_AUTHORITY_HOST='"), ("dotenv", "AZURE_AUTHORITY_HOST=\""), ("json", "{\n")]
    {
        let output = offline365().args(["env", "--format", format, "--state"]).arg(&state).output().unwrap();
        assert!(output.status.success() && text(&output.stdout).starts_with(expected), "{output:?}");
    }
    let key = fs::metadata(state.join("vault.key")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o077,
        0,
        "the vault's key is its owner's alone"
    );

    signal("TERM", child.id());
    assert!(ended(&mut child).success());
    assert!(!state.join("ready.json").exists());
    let gone = offline365().args(["env", "--state"]).arg(&state).output().unwrap();
    assert_eq!(gone.status.code(), Some(70));
}

#[test]
fn a_port_in_use_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    for option in ["login", "graph", "content", "lab", "mcp", "host"] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        // The last one counts: clap refuses the same option twice, so the free one is left out.
        let others = FREE.chunks(2).filter(|pair| pair[0].trim_start_matches('-') != option).flatten();
        let output = offline365()
            .args(["up", "--state"])
            .arg(folder.path())
            .args(others)
            .arg(format!("--{option}"))
            .arg(format!("localhost:{port}"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(70), "{output:?}");
        let message = text(&output.stderr);
        assert!(
            message.contains(&format!("127.0.0.1:{port} is in use")) && message.contains(&format!("--{option} ")),
            "{message}"
        );
    }
}

/// A file of OneDrive is read through Graph, its bytes from the second origin, where no token goes.
#[test]
fn downloads_come_from_an_origin_of_their_own() {
    let script = r#"
        token=$("$0" token --ready "$OFFLINE365_READY_JSON" --resource graph) || exit 2
        location=$(curl -sS -o /dev/null -w '%{redirect_url}' -H "Authorization: Bearer $token" \
          "$OFFLINE365_GRAPH_URL/v1.0/me/drive/root:/notes.txt:/content") || exit 3
        case "$location" in "$OFFLINE365_CONTENT_URL"/*) ;; *) echo "$location" >&2; exit 4 ;; esac
        curl -sS --fail "$location"
    "#;
    let output = offline365()
        .args(["exec", "--content", "localhost:0", "--", "sh", "-c", script, env!("CARGO_BIN_EXE_offline365")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("Notes of alice at Contoso"), "{output:?}");
}

/// A folder of the user's own as a OneDrive, another as a site that everybody reads.
#[test]
fn own_files_are_served_as_drive_and_site() {
    let folder = tempfile::tempdir().unwrap();
    let (drive, site) = (folder.path().join("drive"), folder.path().join("site"));
    fs::create_dir_all(drive.join("Trip")).unwrap();
    fs::create_dir_all(&site).unwrap();
    fs::write(drive.join("Trip/Packing list.txt"), "two umbrellas").unwrap();
    fs::write(drive.join(".hidden"), "not served").unwrap();
    fs::write(site.join("rules.txt"), "be kind").unwrap();
    let script = r#"
        token=$("$0" token --ready "$OFFLINE365_READY_JSON" --resource graph) || exit 2
        get() { curl -sS -L --fail -H "Authorization: Bearer $token" "$OFFLINE365_GRAPH_URL/v1.0$1"; }
        get "/me/drive/root/children" && get "/me/drive/root:/Trip/Packing%20list.txt:/content" &&
        get "/sites/contoso.sharepoint.example:/sites/handbook:/drive/root:/rules.txt:/content"
    "#;
    let output = offline365()
        .arg("exec")
        .arg("--drive")
        .arg(format!("alice@contoso.example={}", drive.display()))
        .arg("--site")
        .arg(format!("handbook@contoso={}", site.display()))
        .args(["--", "sh", "-c", script, env!("CARGO_BIN_EXE_offline365")])
        .output()
        .unwrap();
    let out = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(out.contains("two umbrellas") && out.contains("be kind"), "{out}");
    assert!(!out.contains(".hidden") && !out.contains("Project Falcon"), "{out}");
    let mut nobody = offline365();
    nobody.args(["exec", "--drive"]).arg(format!("zoe@contoso={}", drive.display())).args(["--", "true"]);
    assert_eq!(nobody.output().unwrap().status.code(), Some(64));
}

/// A token for the application itself, with what the .env says and nothing else.
const AS_THE_DOTENV_SAYS: &str = r#"
. "$DOTENV"
curl -sS --fail-with-body "$OFFLINE365_LOGIN_URL/$AZURE_TENANT_ID/oauth2/v2.0/token" -d grant_type=client_credentials \
  -d client_id="$AZURE_CLIENT_ID" -d client_secret="$AZURE_CLIENT_SECRET" -d scope=https://graph.microsoft.com/.default >&2 || exit 1
cat "$OFFLINE365_CA"; echo "$OFFLINE365_CONTOSO_ID $OFFLINE365_CONTOSO_ALICE_ID $OFFLINE365_SERVER_CLIENT_SECRET"
"#;

#[test]
fn an_existing_dotenv_works_as_it_is_and_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let [dotenv, app, state] = [".env", "own.toml", "state"].map(|name| folder.path().join(name));
    let tenant = "99999999-8888-7777-6666-555555555555";
    let lines = format!(
        "AZURE_CLIENT_ID=11111111-2222-3333-4444-555555555555\nAZURE_TENANT_ID={tenant}\nAZURE_CLIENT_SECRET='q8~secret value'\n"
    );
    fs::write(&dotenv, lines).unwrap();
    let init =
        offline365().args(["fixtures", "init", "--from-env"]).arg(&dotenv).arg("--out").arg(&app).output().unwrap();
    assert!(init.status.success(), "{init:?}");
    assert!(!text(&init.stderr).contains("secret value") && init.stdout.is_empty(), "secrets go into the file alone");
    let run = || {
        let mut command = offline365();
        command.env("DOTENV", &dotenv).args(["exec", "--state"]).arg(&state).arg("--app").arg(&app);
        let output = command.args(["--", "sh", "-c", AS_THE_DOTENV_SAYS]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout).to_owned()
    };
    let first = run();
    assert!(first.contains("BEGIN CERTIFICATE") && first.contains(tenant), "{first}");
    assert_eq!(run(), first, "CA, ids and secrets are the same after a restart");
}

#[test]
fn mistakes_in_own_registrations_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("own.toml");
    for (lines, word) in [
        ("[[app]]\nname = \"a\"\nclient_id = \"x\"\n", "own.toml:3"),
        (
            "[[app]]\nname = \"a\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\ntenant = \"b\"\n",
            "no tenant is called",
        ),
        (
            "[[app]]\nname = \"a\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\ncertificates = [\"no.pem\"]\n",
            "no.pem",
        ),
    ] {
        fs::write(&app, lines).unwrap();
        let output = offline365().args(["exec", "--app"]).arg(&app).args(["--", "true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(70), "{lines}");
        assert!(text(&output.stderr).contains(word), "{lines}: {}", text(&output.stderr));
    }
}

#[test]
fn a_folder_of_fixtures_is_checked() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures");
    let good = offline365().args(["fixtures", "validate", folder]).output().unwrap();
    assert!(good.status.success(), "{good:?}");
    let empty = tempfile::tempdir().unwrap();
    let bad = offline365().args(["fixtures", "validate"]).arg(empty.path()).output().unwrap();
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad.stderr).contains("world.toml"));
}

#[test]
fn a_running_world_is_saved_and_a_large_one_generated_and_both_come_up() {
    let dir = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_offline365");
    let (first, large) = (dir.path().join("first"), dir.path().join("large"));
    let saved = exec(&format!("{program} fixtures save {}", first.display()));
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved.stderr));
    assert!(text(&saved.stdout).contains("all of it comes up again"), "{}", text(&saved.stdout));
    assert!(text(&saved.stderr).contains("no part of a saved world: tokens"), "{}", text(&saved.stderr));
    let again = exec(&format!("{program} fixtures save {}", first.display()));
    assert_eq!(again.status.code(), Some(64), "nothing is written over: {}", text(&again.stderr));
    let generated = offline365().args(["fixtures", "generate", "--people", "300"]).arg(&large).output().unwrap();
    assert_eq!(generated.status.code(), Some(0), "{}", text(&generated.stderr));
    for folder in [&first, &large] {
        let check = offline365().args(["fixtures", "validate"]).arg(folder).output().unwrap();
        assert_eq!(check.status.code(), Some(0), "{}", text(&check.stderr));
        let up = offline365().args(["exec", "--fixtures"]).arg(folder).args(["--", "true"]).output().unwrap();
        assert_eq!(up.status.code(), Some(0), "{}", text(&up.stderr));
    }
}

#[test]
fn the_issuers_settings_are_options() {
    let script =
        "curl -s --cacert $SSL_CERT_FILE \"$OFFLINE365_LOGIN_URL/common/v2.0/.well-known/openid-configuration\"";
    let document = |options: &[&str]| {
        let output = offline365().arg("exec").args(options).args(["--", "sh", "-c", script]).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    let usual = document(&[]);
    assert!(usual.get("code_challenge_methods_supported").is_none() && usual.get("jwks_uri").is_some());
    let options = ["--announce-pkce", "--omit-metadata", "jwks_uri", "--propagation", "PT5M", "--sign-in", "page"];
    let other = document(&[&options[..], &["--granted-scopes", "all", "--refresh-reuse", "once"]].concat());
    assert!(other.get("code_challenge_methods_supported").is_some() && other.get("jwks_uri").is_none());
}

#[test]
fn own_mail_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let mail = b"From: Somebody <somebody@example.org>\r\nSubject: brought along\r\nDate: Tue, 3 Nov 2015 10:00:00 +0000\r\n\r\nHello.\r\n";
    fs::write(folder.path().join("one.eml"), mail).unwrap();
    let output = offline365()
        .args(["exec", "--mail", &format!("alice@contoso.example={}", folder.path().display())])
        .args(["--", "sh", "-c", "curl -sS $OFFLINE365_LAB_URL/lab/tenants >/dev/null && echo served"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn up(state: &Path) -> Command {
    let mut command = offline365();
    command.args(["up", "--state"]).arg(state).args(FREE);
    command
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap().success());
}

fn ended(child: &mut std::process::Child) -> ExitStatus {
    let mut status = None;
    eventually("the end", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

#[test]
fn a_stub_lets_somebody_go_on_and_why_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stubs.toml");
    let stub = "[[stub]]\nmethod = \"GET\"\npath = \"/me/presence\"\nbody = { availability = \"Available\" }\n";
    fs::write(&file, stub).unwrap();
    let script = r#"
        set -e
        token=$("$0" token --ready "$OFFLINE365_READY_JSON" --resource graph)
        curl -sS --fail -H "Authorization: Bearer $token" "$OFFLINE365_GRAPH_URL/v1.0/me/presence"
        curl -sS -o /dev/null -D headers -H "Authorization: Bearer $token" "$OFFLINE365_GRAPH_URL/v1.0/users/bob@contoso.example/messages"
        id=$(sed -n "s/^request-id: *//p" headers | tr -d "\r")
        "$0" why "$id"
    "#;
    let output = offline365()
        .current_dir(folder.path())
        .args(["exec", "--stub"])
        .arg(&file)
        .args(["--", "sh", "-c", script, env!("CARGO_BIN_EXE_offline365")])
        .output()
        .unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains(r#"{"availability":"Available"}"#), "{out}");
    assert!(out.contains("GET /users/{id}/messages → 403 ErrorAccessDenied"), "{out}");
    assert!(out.contains("access rule `mailbox`: not shared with the caller"), "{out}");
    assert!(err.contains("offline365::refused"), "{err}");
    assert!(err.contains("stubbed requests: 1\n  1 × GET /me/presence"), "{err}");

    fs::write(&file, "[[stub]]\nmethod = \"GET\"\npath = \"me\"\n").unwrap();
    let output = offline365().args(["exec", "--stub"]).arg(&file).args(["--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{output:?}");
}
