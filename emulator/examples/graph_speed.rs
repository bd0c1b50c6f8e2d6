//! What Graph's checks cost: requests per second of server CPU for an authorised `/me` and a page of ten messages, divided by those of a
//! bare axum handler that answers the same bytes with the same headers. Both servers run in one process on a thread each of their own, and
//! take turns; their CPU seconds are read from the kernel.
//!
//! ```sh
//! cargo run --release -p emulator --example graph_speed [SECONDS]     # Linux: reads /proc/thread-self/schedstat
//! ```
//!
//! Five rounds; the median counts. Also told: how long the default world takes until it is ready.
#![expect(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement asks the machine for the time, and divides counts"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, header};
use bytes::Bytes;
use emulator::entra::keys::Version;
use emulator::serve::Arrived;
use emulator::{Emulator, Options, State};
use fixtures::Plan;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ROUNDS: usize = 5;
const CONNECTIONS: usize = 8;
const QUESTIONS: [&str; 2] = ["/v1.0/me", "/v1.0/me/messages?$top=10"];

fn main() {
    let seconds = std::env::args().nth(1).map_or(1.0, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(Duration::from_secs_f64(seconds)));
}

async fn measure(span: Duration) {
    let mut ready = Vec::new();
    let mut running = None;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        running = Some(Emulator::start(Plan::embedded().unwrap(), Options::default()).await.unwrap());
        ready.push(began.elapsed().as_secs_f64() * 1e3);
    }
    println!("default world ready in {:.0} ms (median of {ROUNDS})", median(ready));
    let state = Arc::clone(running.as_ref().unwrap().state());
    let token = token(&state);
    let graph = emulator::graph::router(Arc::clone(&state));
    for question in QUESTIONS {
        let (headers, body) = sample(&graph, question, &token).await;
        let bare = axum::Router::new().fallback(move || {
            let (headers, body) = (headers.clone(), body.clone());
            async move {
                let mut response = Response::new(Body::from(body));
                *response.headers_mut() = headers;
                response
            }
        });
        let mut ratios = Vec::new();
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            let ours = rate(&graph, question, &token, span).await;
            let theirs = rate(&bare, question, &token, span).await;
            ratios.push(ours / theirs);
            rates.push((ours, theirs));
        }
        let (ours, theirs) = rates[ROUNDS / 2];
        println!(
            "{question}: {:.2} of the bare handler ({ours:.0} and {theirs:.0} requests per server CPU second)",
            median(ratios)
        );
        state.reset();
    }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn token(state: &State) -> String {
    let plan = Plan::embedded().unwrap();
    let (tenant, person) = plan.person(fixtures::cast::ALICE).unwrap();
    let now = state.clock.now().as_second();
    let claims = json!({
        "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{}/", tenant.id),
        "tid": tenant.id, "oid": person.id(tenant), "sub": "sub", "ver": "1.0", "uti": "test",
        "appid": plan.registration("m365-server").unwrap().app_id,
        "scp": "User.Read Mail.Read", "iat": now - 300, "nbf": now - 300, "exp": now + 36_000,
    });
    let claims: Map<String, Value> = claims.as_object().unwrap().clone();
    state.keys.sign(tenant.id, Version::V1, &claims).unwrap()
}

/// What Graph answers, to be answered again without thought.
async fn sample(graph: &axum::Router, question: &str, token: &str) -> (HeaderMap, Bytes) {
    use tower::ServiceExt as _;
    let request = Request::get(question).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(Arrived { origin: "https://localhost:8444".to_owned() });
    let answer = graph.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let (parts, body) = answer.into_parts();
    (parts.headers, to_bytes(body, usize::MAX).await.unwrap())
}

/// Requests per CPU second of the thread that serves, over plain HTTP with keep-alive.
async fn rate(router: &axum::Router, question: &str, token: &str, span: Duration) -> f64 {
    let router = router.clone();
    let (told, address) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            let before = cpu();
            let serve = axum::serve(listener, router).with_graceful_shutdown(async { drop(stopped.await) });
            serve.await.unwrap();
            cpu() - before
        })
    });
    let address = address.recv().unwrap();
    let request = format!(
        "GET {question} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    );
    let until = Instant::now() + span;
    let clients = (0..CONNECTIONS).map(|_| tokio::spawn(ask(address, request.clone(), until)));
    let mut answered = 0;
    for client in clients.collect::<Vec<_>>() {
        answered += client.await.unwrap();
    }
    drop(stop);
    answered as f64 / server.join().unwrap()
}

/// Seconds of CPU that this thread has had.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap() / 1e9
}

async fn ask(address: std::net::SocketAddr, request: String, until: Instant) -> u64 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut served = 0;
    let mut buffer = Vec::with_capacity(1 << 17);
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).await.unwrap();
        buffer.clear();
        let whole = loop {
            assert!(stream.read_buf(&mut buffer).await.unwrap() > 0, "closed");
            if let Some(whole) = whole(&buffer) {
                break whole;
            }
        };
        while buffer.len() < whole {
            assert!(stream.read_buf(&mut buffer).await.unwrap() > 0, "closed");
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..200.min(buffer.len())]));
        served += 1;
    }
    served
}

/// How long the answer is, once its head is there.
fn whole(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&buffer[..head]).ok()?.to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1)?.lines().next()?.trim().parse::<usize>().ok()?;
    Some(head + 4 + length)
}
