//! How much of what RSA costs on this machine the token endpoint reaches: signatures per second of the refresh grant over plain HTTP with
//! keep-alive, divided by what `openssl speed rsa2048` does on the same core before and after.
//!
//! ```sh
//! cargo run --release -p emulator --example signing_speed [SECONDS]     # needs two cores, taskset and openssl
//! ```
//!
//! The server has core 0 for itself, the load core 1. Signatures are counted by the server (`GET /lab/keys`). Five runs; the median counts.
#![expect(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement asks the machine for the time, and divides counts"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use emulator::clock::Clock;
use emulator::{Emulator, Options};
use fixtures::Plan;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

const RUNS: usize = 5;
const CONNECTIONS: usize = 16;

fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("serve") => runtime().block_on(serve(arguments.next().map_or(0, |people| people.parse().unwrap()))),
        Some("load") => {
            let [login, lab, seconds] = [(); 3].map(|()| arguments.next().unwrap());
            runtime().block_on(load(&login, &lab, seconds.parse().unwrap()));
        }
        seconds => measure(seconds.map_or(3.0, |text| text.parse().unwrap())),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The emulator, until its standard input ends.
async fn serve(people: usize) {
    let begun = Instant::now();
    let plan = if people == 0 { Plan::embedded() } else { Plan::generated(people) }.unwrap();
    let running = Emulator::start(plan, Options { clock: Clock::running(), ..Options::default() }).await.unwrap();
    println!("{} {} {}", running.login, running.lab, begun.elapsed().as_millis());
    // Read on a thread of its own: the runtime has one and serves with it.
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    let _ = ended.await;
}

struct Server {
    child: Child,
    _stdin: ChildStdin,
    login: String,
    lab: String,
    start_ms: u64,
}

impl Server {
    fn start(people: usize) -> Self {
        let mut child =
            pinned(0, &["serve", &people.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut words = line.split_whitespace().map(str::to_owned);
        let [login, lab, start] = [(); 3].map(|()| words.next().unwrap());
        Self { child, _stdin: stdin, login, lab, start_ms: start.parse().unwrap() }
    }

    /// Resident memory, MiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    fn stop(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn pinned(core: u8, arguments: &[&str]) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(std::env::current_exe().unwrap()).args(arguments);
    command
}

fn measure(seconds: f64) {
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    println!("run  openssl before  signatures/s  openssl after  ratio");
    for run in 1..=RUNS {
        let before = openssl();
        let server = Server::start(0);
        let rate = rate(&server, seconds);
        server.stop();
        let after = openssl();
        let ratio = rate / f64::midpoint(before, after);
        println!("{run:>3}  {before:>14.0}  {rate:>12.0}  {after:>13.0}  {ratio:>5.2}");
        ratios.push(ratio);
        rates.push(rate);
    }
    println!("median ratio {:.2} at {:.0} signatures/s", median(&mut ratios), median(&mut rates));
    println!("\npeople  start, ms  memory, MiB  signatures/s");
    for people in [1, 10_000] {
        let server = Server::start(people);
        let memory = server.memory();
        let rate = rate(&server, seconds);
        println!("{people:>6}  {:>9}  {memory:>11.1}  {rate:>12.0}", server.start_ms);
        server.stop();
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Signatures per second of `openssl speed rsa2048` on the server's core.
fn openssl() -> f64 {
    let output =
        Command::new("taskset").args(["-c", "0", "openssl", "speed", "-seconds", "2", "rsa2048"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // `rsa 2048 bits 0.000252s 0.000017s   3967.5  57934.0`; newer versions have further columns, the third number is sign/s.
    let row = text.lines().rev().find(|line| line.trim_start().starts_with("rsa")).expect("a row of openssl speed");
    row.split_whitespace().filter(|word| !word.ends_with('s')).nth(2).unwrap().parse().unwrap()
}

fn rate(server: &Server, seconds: f64) -> f64 {
    let output = pinned(1, &["load", &server.login, &server.lab, &seconds.to_string()]).output().unwrap();
    std::io::stderr().write_all(&output.stderr).unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// Prints signatures per second.
async fn load(login: &str, lab: &str, seconds: f64) {
    let (login, lab) = (Url::parse(login).unwrap(), Url::parse(lab).unwrap());
    let token = refresh_token(&login).await;
    let body = form(&[
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT),
        ("refresh_token", &token),
        ("scope", &format!("{SCOPE} openid profile offline_access")),
        ("client_info", "1"),
    ]);
    let request = post(&login, &format!("/{TENANT}/oauth2/v2.0/token"), &body);
    // Warm first: connections open, caches filled.
    drive(&login, &request, Duration::from_millis(500)).await;
    let (before, begun) = (signatures(&lab).await, Instant::now());
    drive(&login, &request, Duration::from_secs_f64(seconds)).await;
    let elapsed = begun.elapsed().as_secs_f64();
    println!("{}", (signatures(&lab).await - before) / elapsed);
}

const TENANT: &str = "contoso.example";
const CLIENT: &str = "c11e4700-0365-4c11-a0ff-11e036500001";
const SCOPE: &str = "api://5e12e400-0365-4c11-a0ff-11e036500002/access_as_user";

async fn drive(login: &Url, request: &str, time: Duration) {
    let end = Instant::now() + time;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (login, request) = (login.clone(), request.to_owned());
        tasks.spawn(async move {
            let mut connection = Connection::open(&login).await;
            while Instant::now() < end {
                let (status, _) = connection.ask(&request).await;
                assert_eq!(status, 200);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

async fn signatures(lab: &Url) -> f64 {
    let request = format!("GET /lab/keys HTTP/1.1\r\nHost: {}\r\n\r\n", authority(lab));
    let (_, body) = Connection::open(lab).await.ask(&request).await;
    let keys: Value = serde_json::from_slice(&body).unwrap();
    keys["signatures"].as_u64().unwrap() as f64
}

/// Signs Alice in, as every client does.
async fn refresh_token(login: &Url) -> String {
    let query = form(&[
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost"),
        ("scope", &format!("{SCOPE} openid profile offline_access")),
        ("login_hint", "alice@contoso.example"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ]);
    let request = format!("GET /{TENANT}/oauth2/v2.0/authorize?{query} HTTP/1.1\r\nHost: {}\r\n\r\n", authority(login));
    let mut connection = Connection::open(login).await;
    connection.ask(&request).await;
    let code = connection.location.as_deref().and_then(|address| Url::parse(address).ok());
    let code =
        code.and_then(|url| url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned()));
    let body = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("redirect_uri", "http://localhost"),
        ("code", &code.expect("a code")),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ]);
    let (_, answer) = connection.ask(&post(login, &format!("/{TENANT}/oauth2/v2.0/token"), &body)).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["refresh_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn form(fields: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(fields).unwrap()
}

fn post(host: &Url, path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        authority(host),
        body.len()
    )
}

fn authority(url: &Url) -> &str {
    url.authority()
}

/// A connection that stays open. As little work as possible: the load must not be what is measured.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    location: Option<String>,
}

impl Connection {
    async fn open(url: &Url) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(16 * 1024), location: None }
    }

    async fn ask(&mut self, request: &str) -> (u16, Vec<u8>) {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "the server hung up");
            let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end]).unwrap();
            let header = |name: &str| {
                let lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
            };
            let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
            let whole = end + 4 + length;
            if self.buffer.len() >= whole {
                let status = head.get(9..12).unwrap().parse().unwrap();
                self.location = header("location");
                return (status, self.buffer[end + 4..whole].to_vec());
            }
        }
    }
}
