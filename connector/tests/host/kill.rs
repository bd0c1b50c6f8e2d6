//! kill −9 at any moment: the connector's own program, people who connect, renew, disconnect, ask and rotate keys at once, and a
//! process that dies in the middle. What was acknowledged is there afterwards, the rest is old or new and nothing between, and
//! the state folder tells a thief nothing.
//!
//! `OFFLINE365_KILLS=200 cargo nextest run -p connector kill` for the long run; a dozen by default.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector::host::VaultKey;
use http::{Method, header};
use reqwest::Client;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::issuer::{ALICE, BOB, CLIENT, CONTOSO, SERVER, StubIssuer};
use crate::scan::found_in;
use crate::scene::{HandClock, api_token};

const PEOPLE: [(&str, &str); 3] = [("alice", ALICE), ("bob", BOB), ("carol", "ca501000-0365-4c11-a0ff-0000000000ca")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let kills = std::env::var("OFFLINE365_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(12);
    let house = House::new().await;
    let mut chance = Chance(365);
    let known = Arc::clone(&house.known);
    let mut interrupted = 0;
    for round in 0..kills {
        let running = house.start();
        for (person, oid) in PEOPLE {
            let known = known.lock().unwrap().entry(person).or_default().clone();
            verify(&house, &running, person, oid, known, round).await;
        }
        let working: Vec<_> = PEOPLE
            .into_iter()
            .map(|(person, oid)| {
                let worker = Worker {
                    issuer: house.issuer.clone(),
                    http: house.http.clone(),
                    host: running.host.clone(),
                    person,
                    oid,
                    known: Arc::clone(&known),
                    chance: Chance(chance.next()),
                };
                tokio::spawn(worker.run())
            })
            .collect();
        if chance.next().is_multiple_of(3) {
            house.new_key();
            running.hang_up();
        }
        // From "nothing has begun" to "several of everything": a cycle of all kinds takes some tens of milliseconds.
        tokio::time::sleep(Duration::from_micros(chance.next() % 60_000)).await;
        running.kill();
        for worker in working {
            worker.abort();
            let _ = worker.await;
        }
        interrupted += known.lock().unwrap().values().filter(|known| known.trying.is_some()).count();
        if round % 20 == 19 || round + 1 == kills {
            house.scan();
        }
    }
    let running = house.start();
    for (person, oid) in PEOPLE {
        let known = known.lock().unwrap()[person].clone();
        verify(&house, &running, person, oid, known, kills).await;
    }
    running.kill();
    println!("{kills} kills, {interrupted} of them into somebody's request");
    assert!(interrupted > 0, "the control: the kills met requests");
}

/// What somebody was told, and what they were waiting to be told when the process died.
#[derive(Clone, Default, Debug)]
struct Known {
    connected: bool,
    /// The refresh token that the issuer gave last before the last acknowledgement.
    refresh_token: Option<String>,
    chats: BTreeSet<String>,
    trying: Option<Trying>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trying {
    Connect,
    Renew,
    Disconnect,
    OpenChat,
}

/// One person, who does one thing after the other.
struct Worker {
    issuer: StubIssuer,
    http: Client,
    host: Url,
    person: &'static str,
    oid: &'static str,
    known: Arc<Mutex<BTreeMap<&'static str, Known>>>,
    chance: Chance,
}

impl Worker {
    async fn run(mut self) {
        loop {
            let connected = self.known(|known| known.connected);
            let trying = match self.chance.next() % 5 {
                0 => Trying::OpenChat,
                1 if connected => Trying::Disconnect,
                2 | 3 if connected => Trying::Renew,
                _ => Trying::Connect,
            };
            self.known(|known| known.trying = Some(trying));
            // An answer that never came acknowledges nothing.
            if self.attempt(trying).await.is_none() {
                return;
            }
            self.known(|known| known.trying = None);
        }
    }

    async fn attempt(&self, trying: Trying) -> Option<()> {
        let ask = |method, path, body| ask(&self.http, &self.host, self.person, method, path, body);
        match trying {
            Trying::Connect => {
                let url = self.host.join("/api/connect").unwrap();
                let request = self.http.post(url).bearer_auth(api_token(self.person)).json(&json!({}));
                let answer = request.send().await.ok()?;
                let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next()?.to_owned();
                let started: Value = answer.json().await.ok()?;
                let (code, state) =
                    self.issuer.sign_in(started["authorizationUrl"].as_str().unwrap(), CONTOSO, self.oid);
                let back = self.http.get(self.host.join("/connect/callback").unwrap());
                let back = back.query(&[("code", code), ("state", state)]).header(header::COOKIE, cookie);
                let answer = back.header(header::ACCEPT, "application/json").send().await.ok()?;
                let status = answer.status();
                let text = answer.text().await.ok()?;
                assert_eq!(status, 200, "{text}");
                self.known(|known| known.connected = true);
                self.acknowledged();
            }
            Trying::Renew => {
                let (status, body) = ask(Method::GET, "/api/tools", None).await?;
                assert_eq!(status, 200, "{body}");
                self.acknowledged();
            }
            Trying::Disconnect => {
                let (status, body) = ask(Method::POST, "/api/disconnect", Some(json!({}))).await?;
                assert_eq!(status, 200, "{body}");
                self.known(|known| (known.connected, known.refresh_token) = (false, None));
            }
            Trying::OpenChat => {
                let (status, body) = ask(Method::POST, "/api/chats", Some(json!({ "title": self.person }))).await?;
                assert_eq!(status, 200, "{body}");
                self.known(|known| known.chats.insert(body["id"].as_str().unwrap().to_owned()));
            }
        }
        Some(())
    }

    fn acknowledged(&self) {
        let latest = self.issuer.latest_refresh_token(self.oid);
        self.known(|known| known.refresh_token = latest);
    }

    fn known<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(self.known.lock().unwrap().entry(self.person).or_default())
    }
}

/// Is everything as it was told, or as it was being asked for?
async fn verify(house: &House, running: &Process, person: &'static str, oid: &str, known: Known, round: u32) {
    let told = |what: &str| format!("round {round}, {person}, {what}: {known:?}");
    let latest = house.issuer.latest_refresh_token(oid);
    let (status, me) = ask(&house.http, &running.host, person, Method::GET, "/api/me", None).await.unwrap();
    assert_eq!(status, 200, "{}: {me}", told("me"));
    let connected = me["connection"]["state"] == "connected";
    match known.trying {
        Some(Trying::Connect) => assert!(connected || !known.connected, "{}", told("a connection was lost")),
        Some(Trying::Disconnect) => {}
        _ => assert_eq!(connected, known.connected, "{}", told("connected")),
    }
    if connected {
        let renewals = house.issuer.asked("refresh_token").len();
        let (status, body) = ask(&house.http, &running.host, person, Method::GET, "/api/tools", None).await.unwrap();
        assert_eq!(status, 200, "{}: {body}", told("tools"));
        // Tokens of this issuer are always about to end, so the refresh token that was kept has just been used.
        let asked = house.issuer.asked("refresh_token");
        assert_eq!(asked.len(), renewals + 1, "{}", told("renewed"));
        let used = &asked[renewals]["refresh_token"];
        let kept = known.refresh_token.as_ref() == Some(used);
        let newer = known.trying.is_some() && latest.as_ref() == Some(used);
        assert!(kept || newer, "{}: {used} was used, {latest:?} was the last", told("the acknowledged token"));
    }
    let (status, body) = ask(&house.http, &running.host, person, Method::GET, "/api/chats", None).await.unwrap();
    assert_eq!(status, 200, "{}: {body}", told("chats"));
    let there: BTreeSet<_> =
        body["chats"].as_array().unwrap().iter().map(|chat| chat["id"].as_str().unwrap().to_owned()).collect();
    assert!(there.is_superset(&known.chats), "{}", told("a chat was lost"));
    house.settled(person, oid, connected, there);
}

async fn ask(
    http: &Client,
    host: &Url,
    person: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Option<(u16, Value)> {
    let mut request = http.request(method, host.join(path).unwrap()).bearer_auth(api_token(person));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    let text = answer.text().await.ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}

/// The program's surroundings, which outlive it.
struct House {
    issuer: StubIssuer,
    http: Client,
    folder: tempfile::TempDir,
    known: Arc<Mutex<BTreeMap<&'static str, Known>>>,
}

/// One life of the program.
struct Process {
    child: Child,
    host: Url,
}

impl House {
    async fn new() -> Self {
        let clock = HandClock::at(jiff::Timestamp::now().as_second());
        let issuer = StubIssuer::start(clock).await;
        issuer.serve_real_server();
        // Always about to end: every call renews first.
        issuer.set_expires_in(60);
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        let house = Self { issuer, http, folder: tempfile::tempdir().unwrap(), known: Arc::default() };
        house.new_key();
        house.configure();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new key before the older ones, put in place whole. Keys lie outside the folder that a thief gets.
    fn new_key(&self) {
        let file = self.path("keys");
        let older = fs::read_to_string(&file).unwrap_or_default();
        let new = VaultKey::generate().unwrap().to_base64();
        fs::write(self.path("keys.new"), format!("{}\n{older}", new.expose_secret())).unwrap();
        fs::rename(self.path("keys.new"), file).unwrap();
    }

    fn configure(&self) {
        let users = PEOPLE.map(|(person, _)| {
            let hash = sha256sum(&api_token(person));
            format!("[host.users.{person}]\ntoken_sha256 = \"{hash}\"\n")
        });
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nallow_plain_http = true\n\
             [entra]\nlogin = \"{}\"\nclient_id = \"{SERVER}\"\nclient_secret = \"s\"\nallowed_clients = [\"{CLIENT}\"]\n\
             [graph]\nurl = \"http://127.0.0.1:1\"\n[audit]\nfile = \"{}\"\n\
             [host]\nclient_id = \"{CLIENT}\"\nvault_key_file = \"{}\"\nstate_dir = \"{}\"\n{}\
             [host.organizations.contoso]\nenabled = true\nmembers = [\"alice\", \"bob\", \"carol\"]\ntenants = [\"{CONTOSO}\"]\n",
            self.issuer.login,
            self.path("left/audit.jsonl").display(),
            self.path("keys").display(),
            self.path("left/state").display(),
            users.concat(),
        );
        fs::create_dir_all(self.path("left")).unwrap();
        fs::write(self.path("connector.toml"), text).unwrap();
    }

    fn start(&self) -> Process {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("left/log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_offline365-connector"))
            .arg("--config")
            .arg(self.path("connector.toml"))
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let host = told.find_map(|line| line.strip_prefix("Host: ")?.parse().ok());
        let host = host.unwrap_or_else(|| panic!("it does not start: {}", tail(&self.path("left/log"))));
        Process { child, host }
    }

    /// What somebody has now is what they were told.
    fn settled(&self, person: &'static str, oid: &str, connected: bool, chats: BTreeSet<String>) {
        let refresh_token = self.issuer.latest_refresh_token(oid).filter(|_| connected);
        self.known.lock().unwrap().insert(person, Known { connected, refresh_token, chats, trying: None });
    }

    /// Every byte that a thief of the state folder, the log and the audit log would have.
    fn scan(&self) {
        let mut secrets = self.issuer.secrets();
        secrets.extend(PEOPLE.map(|(person, _)| api_token(person)));
        // Keys are in a file of their own, beside the folder.
        secrets.extend(fs::read_to_string(self.path("keys")).unwrap().lines().map(str::to_owned));
        let found = found_in(&self.path("left"), &secrets);
        assert!(found.is_empty(), "{found:?}");
        assert!(
            tail(&self.path("left/audit.jsonl")).contains("\"event\""),
            "the control: there is something to look through"
        );
    }
}

impl Process {
    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGHUP: keys are read again.
    fn hang_up(&self) {
        let signalled = Command::new("kill").arg("-HUP").arg(self.child.id().to_string()).status().unwrap();
        assert!(signalled.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As `sha256sum` prints it.
fn sha256sum(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn tail(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().rev().take(5).collect::<Vec<_>>().join("\n")
}

/// splitmix64: the same moments in every run, as far as a scheduler allows.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
