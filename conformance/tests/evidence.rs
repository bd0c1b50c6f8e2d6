//! A bundle of evidence, through the command: what is in it, that it is what was produced, and that two runs say the same.

mod formats;

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

const ATTACK: &str = "tenant-isolation/foreign-id-read";

fn offline365(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_offline365")).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn bundle(folder: &Path, more: &[&str]) -> Output {
    let folder = folder.to_str().unwrap();
    offline365(&[&["replay", ATTACK, "--quiet", "--evidence", folder], more].concat())
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(files(&path)) } else { out.push(path) }
    }
    out.sort();
    out
}

#[test]
fn a_bundle_stands_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let made = bundle(folder.path(), &[]);
    assert!(made.status.success(), "{}", said(&made));
    let names: Vec<String> = files(folder.path())
        .iter()
        .map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string())
        .collect();
    insta::assert_snapshot!("files", names.join("\n"));
    let manifest = json(folder.path().join("manifest.json"));
    for pointer in [
        "/run",
        "/tool/version",
        "/tool/sha256",
        "/command/1",
        "/seed",
        "/fixtures",
        "/target/name",
        "/target/serverInfo/name",
        "/target/version",
        "/clock/virtual/began",
        "/clock/virtual/ended",
        "/clock/wall/began",
        "/clock/wall/ended",
        "/scenarios/0/sourceSha256",
        "/scenarios/0/again",
        "/files/0/sha256",
        "/redaction/selfCheck",
    ] {
        assert!(manifest.pointer(pointer).is_some_and(|value| !value.is_null()), "{pointer}");
    }
    let scene = folder.path().join(ATTACK);
    let verdict = json(scene.join("verdict.json"));
    assert_eq!(verdict.get("verdict"), Some(&Value::from("pass")));
    let refusal = verdict.pointer("/refusals/1").unwrap();
    assert_eq!(refusal.get("by"), Some(&Value::from("graph")), "attributed by who was asked");
    assert!(verdict.pointer("/controls/1/held") == Some(&Value::Bool(true)));
    let faults = verdict.pointer("/faults").unwrap().as_array().unwrap();
    assert!(!faults.is_empty() && faults.iter().all(|fault| fault.get("verdict") == Some(&Value::from("fail"))));
    assert_eq!(verdict.pointer("/negative/hits"), Some(&Value::Array(Vec::new())));
    assert!(verdict.pointer("/negative/bytes").unwrap().as_u64().unwrap() > 10_000);
    let page = std::fs::read_to_string(scene.join("report.html")).unwrap();
    for needed in
        ["default-src 'none'", "width=device-width", "Stopped by Graph", "<svg", "as curl", "offline365 replay"]
    {
        assert!(page.contains(needed), "{needed}");
    }
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("<link"), "self-contained");
    insta::assert_snapshot!("sequence", std::fs::read_to_string(scene.join("sequence.mmd")).unwrap());
}

#[test]
fn one_changed_byte_fails_verify_in_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let made = said(&bundle(folder.path(), &[]));
    let digest = made.split_once("manifest SHA-256 ").unwrap().1.trim();
    let verify = |more: &[&str]| offline365(&[&["verify", folder.path().to_str().unwrap()], more].concat());
    assert!(verify(&["--expect", digest]).status.success(), "{}", said(&verify(&["--expect", digest])));
    for path in files(folder.path()) {
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let told = verify(&["--expect", digest]);
        assert_eq!(told.status.code(), Some(1), "{}: {}", path.display(), said(&told));
        std::fs::write(&path, &whole).unwrap();
    }
    std::fs::write(folder.path().join("more.txt"), "more").unwrap();
    assert!(said(&verify(&[])).contains("more.txt is not in the manifest"));
    std::fs::remove_file(folder.path().join("more.txt")).unwrap();
    std::fs::remove_file(folder.path().join("junit.xml")).unwrap();
    assert!(said(&verify(&[])).contains("junit.xml is missing"));
}

#[test]
fn a_live_token_and_a_verdict_against_its_grounds_are_seen_under_new_hashes() {
    let folder = tempfile::tempdir().unwrap();
    assert!(bundle(folder.path(), &[]).status.success());
    // Whoever forges a file forges its hash, too.
    let forge = |name: &str, change: &dyn Fn(String) -> String| {
        let path = folder.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let forged = change(text.clone());
        assert_ne!(text, forged, "{name}");
        std::fs::write(&path, &forged).unwrap();
        let digest = |text: &str| {
            use sha2::{Digest as _, Sha256};
            format!("{:x}", Sha256::digest(text))
        };
        let manifest = folder.path().join("manifest.json");
        let rows = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(&manifest, rows.replace(&digest(&text), &digest(&forged))).unwrap();
        let told = said(&offline365(&["verify", folder.path().to_str().unwrap()]));
        std::fs::write(&path, &text).unwrap();
        std::fs::write(&manifest, rows).unwrap();
        told
    };
    let token = format!("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.{}", "a".repeat(80));
    let told = forge("summary.html", &|text| text.replace("</body>", &format!("<!-- {token} --></body>")));
    assert!(told.contains("a token with its signature"), "{told}");
    let told = forge(&format!("{ATTACK}/verdict.json"), &|text| text.replacen("\"held\": true", "\"held\": false", 1));
    assert!(told.contains("a pass with an expectation that did not hold"), "{told}");
    let told = forge(&format!("{ATTACK}/transcript.json"), &|text| {
        text.replacen("\"kind\": \"control\"", "\"kind\": \"magic\"", 1)
    });
    assert!(told.contains("is no transcript"), "{told}");
    let told = forge(&format!("{ATTACK}/transcript.json"), &|text| {
        text.replacen("Bearer", "bearer", 1).replacen("tools/call", "tools/cull", 2)
    });
    assert!(told.contains("body and raw are not the same"), "{told}");
}

#[test]
fn two_runs_say_the_same_and_a_changed_verdict_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other, broken) = (folder.path().join("one"), folder.path().join("other"), folder.path().join("broken"));
    assert!(bundle(&one, &[]).status.success() && bundle(&other, &[]).status.success());
    assert!(bundle(&broken, &["--broken", "cache-shared"]).status.success());
    let (one, other) = (one.to_str().unwrap(), other.to_str().unwrap());
    let same = offline365(&["diff", one, other]);
    assert!(same.status.success(), "{}", said(&same));
    let changed = offline365(&["diff", one, broken.join("cache-shared").to_str().unwrap()]);
    assert_eq!(changed.status.code(), Some(1));
    assert!(said(&changed).contains(&format!("{ATTACK}: pass before, fail after")), "{}", said(&changed));
    let finding = std::fs::read_to_string(broken.join("cache-shared").join(ATTACK).join("finding.md")).unwrap();
    for part in ["**Severity:** critical", "CWE-639", "V8.4.1", "## Impact", "## Steps", "## Fix", "offline365 replay"]
    {
        assert!(finding.contains(part), "{part}\n{finding}");
    }
    assert!(said(&bundle(Path::new(one), &[])).contains("is not empty"));
    let twice = offline365(&["replay", ATTACK, ATTACK, "--quiet"]);
    assert!(twice.status.code() == Some(64) && said(&twice).contains("named twice"), "{}", said(&twice));
}

/// What people write who want to break a report.
const HOSTILE: &str = include_str!("../interop/hostile.yaml");

#[test]
fn hostile_text_breaks_no_format() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.yaml");
    std::fs::write(&file, HOSTILE.replace("LONG", &"x".repeat(60_000))).unwrap();
    let out = folder.path().join("out");
    let made = offline365(&["replay", file.to_str().unwrap(), "--evidence", out.to_str().unwrap()]);
    let told = said(&made);
    assert!(!told.contains(['\u{1b}', '\u{7}', '\u{202e}']), "hostile text reaches the terminal");
    for path in files(&out) {
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let problems = match name {
            "transcript.har" => formats::har(&bytes),
            "results.sarif" => formats::sarif(&bytes),
            "junit.xml" => formats::junit(&text),
            "sequence.svg" => formats::xml(&text),
            _ if path.extension().is_some_and(|kind| kind == "json") => {
                serde_json::from_slice::<Value>(&bytes).err().map(|error| error.to_string()).into_iter().collect()
            }
            _ => Vec::new(),
        };
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        if !name.ends_with("json") && !name.ends_with("har") && !name.ends_with("sarif") {
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{name}");
            assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("<svg onload"), "{name}");
        }
    }
    let verify = offline365(&["verify", out.to_str().unwrap()]);
    assert!(verify.status.success(), "{}", said(&verify));
}

#[test]
fn the_formats_are_what_their_schemas_say() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good"), folder.path().join("bad"));
    let of = |folder: &Path, more: &[&str]| {
        let common = [
            "replay",
            "--quiet",
            "tenant-isolation/foreign-id-read",
            "token-validation/issuer",
            "oauth-flow/state-and-session-binding",
        ];
        offline365(&[&common, more, &["--evidence", folder.to_str().unwrap()]].concat())
    };
    of(&good, &[]);
    of(&bad, &["--broken", "cache-shared"]);
    let mut seen = 0;
    for path in files(folder.path()) {
        let bytes = std::fs::read(&path).unwrap();
        let problems = match path.file_name().unwrap().to_str().unwrap() {
            "transcript.har" => formats::har(&bytes),
            "results.sarif" => formats::sarif(&bytes),
            "junit.xml" => formats::junit(std::str::from_utf8(&bytes).unwrap()),
            "transcript.json" => formats::transcript(&bytes),
            "verdict.json" => formats::verdict(&bytes),
            "sequence.svg" => formats::xml(std::str::from_utf8(&bytes).unwrap()),
            _ => continue,
        };
        seen += 1;
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
    }
    assert!(seen > 12, "{seen} files");
    // The schemas notice.
    let mut wrong = json(good.join(ATTACK).join("verdict.json"));
    wrong["verdict"] = "fine".into();
    wrong["assertions"][0]["at"] = Value::Null;
    assert_eq!(formats::verdict(&serde_json::to_vec(&wrong).unwrap()).len(), 2);
    let mut wrong = json(good.join(ATTACK).join("transcript.json"));
    wrong["entries"][1]["status"] = "200".into();
    assert!(!formats::transcript(&serde_json::to_vec(&wrong).unwrap()).is_empty());
    let har = json(good.join(ATTACK).join("transcript.har"));
    let mut wrong = har.clone();
    wrong["log"]["entries"][0]["request"].as_object_mut().unwrap().remove("bodySize");
    wrong["log"]["entries"][0]["startedDateTime"] = "yesterday".into();
    wrong["log"]["entries"][0]["surprise"] = 1.into();
    assert_eq!(formats::har(&serde_json::to_vec(&wrong).unwrap()).len(), 3);
    let mut wrong = json(good.join("results.sarif"));
    wrong["runs"][0]["results"][0]["level"] = "error".into();
    wrong["runs"][0]["results"][0]["ruleIndex"] = 2.into();
    wrong["runs"][0]["results"][0]["message"]["text"] = "".into();
    assert_eq!(formats::sarif(&serde_json::to_vec(&wrong).unwrap()).len(), 3);
    let junit = std::fs::read_to_string(good.join("junit.xml")).unwrap();
    for (right, wrong) in
        [("<properties>", "<property>"), (" name=", " nam="), ("tests=\"", "tests=\"1"), ("</testcase>", "")]
    {
        assert!(!formats::junit(&junit.replacen(right, wrong, 1)).is_empty(), "{wrong}");
    }
}

/// A proxy that keeps the head of every request, and forwards it.
fn recording_proxy() -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heads = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = heads.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let kept = kept.clone();
            std::thread::spawn(move || forward(client, &kept));
        }
    });
    (address, heads)
}

/// One request of a connection, whose end is its answer's end.
fn forward(mut client: impl Read + Write, kept: &std::sync::Mutex<Vec<String>>) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let head = loop {
        let read = client.read(&mut piece).unwrap_or(0);
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&piece[..read]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    while bytes.len() < head + length.unwrap_or(0) {
        let read = client.read(&mut piece).unwrap_or(0);
        bytes.extend_from_slice(&piece[..read]);
    }
    let (line, rest) = text.split_once("\r\n").unwrap();
    let (method, address) = line.split_once(' ').unwrap();
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut server = TcpStream::connect(host).unwrap();
    write!(server, "{method} /{path}\r\nconnection: close\r\n{rest}").unwrap();
    server.write_all(&bytes[head..]).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    client.write_all(&answer).unwrap();
    client.flush().unwrap();
    kept.lock().unwrap().push(text);
}

/// The same over TLS, with a certificate of `authority`.
fn recording_tls_proxy(
    authority: &emulator::tls::Authority,
) -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let leaf = authority.leaf(&["localhost"]).unwrap();
    let chain = CertificateDer::from_pem_slice(leaf.cert_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(leaf.key_pem.as_bytes()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![chain], key).unwrap();
    let config = std::sync::Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let heads = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = heads.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (kept, config) = (kept.clone(), config.clone());
            std::thread::spawn(move || {
                let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), client);
                forward(&mut stream, &kept);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            });
        }
    });
    (address, heads)
}

#[test]
fn a_proxy_over_tls_is_believed_with_its_certificate_alone() {
    let folder = tempfile::tempdir().unwrap();
    let authority = emulator::tls::Authority::in_memory().unwrap();
    let (proxy, heads) = recording_tls_proxy(&authority);
    let ca = folder.path().join("proxy.pem");
    std::fs::write(&ca, authority.ca_pem()).unwrap();
    let unknown = bundle(&folder.path().join("unknown"), &["--via", &proxy]);
    assert!(!unknown.status.success(), "nobody vouches for it");
    assert!(heads.lock().unwrap().is_empty());
    let made = bundle(&folder.path().join("through"), &["--via", &proxy, "--via-ca", ca.to_str().unwrap()]);
    assert!(made.status.success(), "{}", said(&made));
    assert!(heads.lock().unwrap().iter().any(|head| head.contains("x-offline365-step: ")));
    // What is no certificate is told at once.
    std::fs::write(&ca, "no certificate").unwrap();
    let wrong = bundle(&folder.path().join("wrong"), &["--via", &proxy, "--via-ca", ca.to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
}

#[test]
fn a_proxy_sees_every_step_and_evidence_does_not_see_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let (proxy, heads) = recording_proxy();
    let (plain, through) = (folder.path().join("plain"), folder.path().join("through"));
    assert!(bundle(&plain, &[]).status.success());
    let made = bundle(&through, &["--via", &proxy]);
    assert!(made.status.success(), "{}", said(&made));
    let marks: std::collections::BTreeSet<String> = heads
        .lock()
        .unwrap()
        .iter()
        .flat_map(|head| head.lines())
        .filter_map(|line| line.strip_prefix("x-offline365-step: ").map(str::to_owned))
        .collect();
    let transcript = json(through.join(ATTACK).join("transcript.json"));
    let mut steps = std::collections::BTreeSet::new();
    let mut step = Value::Null;
    for entry in transcript["entries"].as_array().unwrap() {
        if entry["entry"] == "step" {
            step = entry["number"].clone();
        } else if entry["entry"] == "hop" && entry["from"] == "harness" {
            steps.insert(format!("{step} {}", entry["actor"].as_str().unwrap()));
        }
    }
    assert!(steps.len() >= 6 && steps.is_subset(&marks), "{steps:?} {marks:?}");
    for path in files(&through) {
        assert!(!std::fs::read_to_string(&path).unwrap().contains("x-offline365-step"), "{}", path.display());
    }
    let same = offline365(&["diff", plain.to_str().unwrap(), through.to_str().unwrap()]);
    assert!(same.status.success(), "{}", said(&same));
}

/// Ends what it holds.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn ten_requests_of_a_kept_world_answer_as_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let child = Command::new(env!("CARGO_BIN_EXE_offline365"))
        .args(["replay", "token-validation/key-from-header", "--quiet", "--keep", "--live", live.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Ended(child);
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let hint = lines.find(|line| line.contains("  again")).expect("it says how to go on");
    assert!(hint.contains(".sh"), "{hint}");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&live), 0o700);
    let mut tried = 0;
    for path in files(&live) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        if path.extension().is_none_or(|kind| kind != "sh") || tried == 10 {
            continue;
        }
        tried += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let recorded = text.lines().find_map(|line| line.strip_prefix("# recorded: ")).unwrap();
        let answer = Command::new("sh").arg(&path).output().unwrap();
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert_eq!(status, recorded, "{}: {answer}", path.display());
        assert!(path.with_extension("http").exists());
    }
    assert_eq!(tried, 10);
    let again = offline365(&["replay", ATTACK, "--keep", "--live", live.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(64), "a folder that is there is somebody's: {}", said(&again));
    let inside = ["replay", ATTACK, "--keep", "--evidence", "/tmp/e", "--live", "/tmp/e/live"];
    assert_eq!(offline365(&inside).status.code(), Some(64));
}

#[test]
fn a_walk_goes_on_with_enter_and_stops_with_q() {
    let walk = |keys: &str| {
        let child = Command::new(env!("CARGO_BIN_EXE_offline365"))
            .args(["replay", "token-validation/key-from-header", "--step"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        child.stdin.take().unwrap().write_all(keys.as_bytes()).unwrap();
        said(&child.wait_with_output().unwrap())
    };
    let stopped = walk("\n\nq\n");
    assert!(stopped.contains("step 3:") && !stopped.contains("step 4:"), "{stopped}");
    assert!(stopped.contains("verdict: pass"));
    let whole = walk("");
    for told in ["must work, so that a refusal", "FORGED", "notice: header jwk", "It was the connector", "    tid "] {
        assert!(whole.contains(told), "{told}\n{whole}");
    }
}

fn profile(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_connector_elsewhere_is_asked_with_permission_only() {
    let folder = tempfile::tempdir().unwrap();
    let away = "name = \"theirs\"\nmcp = \"https://connector.example/mcp\"\n";
    let with = |owner: &str, until: &str| {
        format!("{away}[authorization]\nowner = \"{owner}\"\nreference = \"TICKET-7\"\nvalid_until = \"{until}\"\n")
    };
    let list = |text: &str| offline365(&["list", "--target", &profile(folder.path(), "theirs.toml", text)]);
    for (text, why) in [
        (away.to_owned(), "needs [authorization]"),
        (with("Contoso IT", "2020-01-01"), "was valid until 2020-01-01"),
        (with(" ", "2199-01-01"), "owner and reference"),
    ] {
        let told = list(&text);
        assert_eq!(told.status.code(), Some(3), "{}", said(&told));
        assert!(said(&told).contains(why), "{}", said(&told));
    }
    let told = list(&with("Contoso IT", "2199-01-01"));
    assert!(told.status.success() && said(&told).contains("attacks can be given to theirs"), "{}", said(&told));
}

#[test]
fn the_list_says_what_a_plain_server_can_be_given_and_why_not_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let plain = profile(folder.path(), "plain.toml", "name = \"plain\"\nmcp = \"http://127.0.0.1:9/mcp\"\n");
    let told: Value = serde_json::from_slice(&offline365(&["list", "--target", &plain, "--json"]).stdout).unwrap();
    let (can, of) = (told["can"].as_u64().unwrap(), told["of"].as_u64().unwrap());
    let without: u64 =
        told["without"].as_object().unwrap().values().map(|ids| ids.as_array().unwrap().len() as u64).sum();
    assert!(can > 40 && of > can && can + without == of, "{told}");
    assert!(said(&offline365(&["list", "--target", &plain])).contains("for it has no clock-control:\n"));
    let critical = said(&offline365(&["list", "attacks", "--severity", "critical", "--requirement", "R-USER-1"]));
    assert!(critical.contains(ATTACK) && !critical.contains("token-validation/"), "{critical}");
}

#[test]
fn the_schemas_of_evidence_are_those_that_are_shipped() {
    for (name, schema) in conformance::evidence::schemas() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
        let schema = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        let shipped = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(shipped == schema, "UPDATE_SCHEMA=1 cargo test -p conformance the_schemas writes {name} anew");
    }
}

#[test]
fn what_stands_in_the_scenario_is_no_secret_and_a_bundle_with_others_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ids =
        ["oauth-flow/pkce-required-and-s256", "oauth-flow/obo-bad-assertions", "oauth-flow/redirect-uri-matching"];
    let made = offline365(&[&["replay", "--quiet", "--evidence", out.to_str().unwrap()], &ids[..]].concat());
    assert!(made.status.success(), "{}", said(&made));
    let transcript = std::fs::read_to_string(out.join(ids[0]).join("transcript.json")).unwrap();
    assert!(transcript.contains("code_verifier=dBjftJeZ4CVP"), "the verifier of the file is shown");
    let transcript = std::fs::read_to_string(out.join(ids[1]).join("transcript.json")).unwrap();
    assert!(transcript.contains("client_secret=<client-secret-") && transcript.contains("client_secret=a-secret-that"));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_fault() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_offline365"))
        .args(["list", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
