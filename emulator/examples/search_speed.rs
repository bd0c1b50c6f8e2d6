//! What a tenant with 20,000 files and folders costs: until it is ready, in memory, and for each search.
//!
//! ```sh
//! cargo run --release -p emulator --example search_speed [ITEMS]     # Linux: reads /proc/self/status
//! ```
//!
//! Searches are asked in process, through Graph's router, token, permission row, view, trimming and audit row included: words that are
//! common, rare, nowhere, phrases, prefixes, properties, all of it at once, each by people who see most, some and little of it, through
//! `/search/query` and through the search of a drive. The first search of a drive makes its index: it is told by itself.
#![expect(clippy::disallowed_methods, reason = "a measurement asks the machine for the time")]

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use emulator::entra::keys::Version;
use emulator::{Emulator, Options, State};
use fixtures::Plan;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const ROUNDS: usize = 40;
const QUERIES: [&str; 14] = [
    "term1",
    "term5 term9",
    "term3000",
    "term3999 OR term7",
    "nowhere",
    "\"generated tenant\"",
    "budget*",
    "filetype:csv term2",
    "author:\"Ana Adler 0\"",
    "NOT term1",
    "path:\"https://generated.sharepoint.example/sites/site3\" term4",
    "lastmodifiedtime>=2025-12-01 term6",
    "isdocument:true",
    "*",
];

fn main() {
    let items = std::env::args().nth(1).map_or(20_000, |text| text.parse().unwrap());
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(measure(items));
}

async fn measure(items: usize) {
    let began = Instant::now();
    drop(Emulator::start(Plan::embedded().unwrap(), Options::default()).await.unwrap());
    println!("default world ready in {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    let plan = Plan::generated_files(items).unwrap();
    let began = Instant::now();
    let running = Emulator::start(plan, Options::default()).await.unwrap();
    let ready = began.elapsed().as_secs_f64() * 1e3;
    let state = Arc::clone(running.state());
    let count = |state: &State| -> usize {
        let world = state.world();
        let tenant = world.tenant_named("generated").unwrap();
        tenant.drives.looked_at().map(|drive| drive.items().filter(|item| item.parent.is_some()).count()).sum()
    };
    println!("{} items ready in {ready:.0} ms, {:.0} MiB resident", count(&state), memory());
    let graph = emulator::graph::router(Arc::clone(&state));
    let people: Vec<String> = ["user0", "user7", "user33"].iter().map(|name| token(&state, name)).collect();
    let began = Instant::now();
    ask(&graph, &people[0], "term1").await;
    println!(
        "first search, which makes the indexes of what the caller sees: {:.1} ms",
        began.elapsed().as_secs_f64() * 1e3
    );
    for person in &people {
        ask(&graph, person, "term1").await;
    }
    for (name, is_drive) in [("/search/query", false), ("/drives/{id}/root/search(q='…')", true)] {
        let mut times = Vec::new();
        let mut slowest = (0.0, String::new());
        for round in 0..ROUNDS {
            for query in QUERIES {
                let person = &people[round % people.len()];
                let began = Instant::now();
                let found = if is_drive {
                    within(&graph, &state, person, query).await
                } else {
                    ask(&graph, person, query).await
                };
                let time = began.elapsed().as_secs_f64() * 1e3;
                if time > slowest.0 {
                    slowest = (time, format!("{query} ({found} found)"));
                }
                times.push(time);
            }
        }
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        println!(
            "{name}: {} searches, median {:.2} ms, p99 {:.2} ms, slowest {:.2} ms: {}",
            times.len(),
            at(50),
            at(99),
            slowest.0,
            slowest.1
        );
    }
    println!("{:.0} MiB resident, indexes and texts included", memory());
}

/// Resident memory, MiB.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn token(state: &State, name: &str) -> String {
    let world = state.world();
    let tenant = world.tenant_named("generated").unwrap();
    let user = tenant.directory.user_named(name).unwrap();
    let now = state.clock.now().as_second();
    let claims = json!({
        "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{}/", tenant.id),
        "tid": tenant.id, "oid": user.id, "sub": "sub", "ver": "1.0", "uti": "test",
        "appid": world.app_named("m365-server").unwrap().app_id,
        "scp": "User.Read Files.Read.All Sites.Read.All", "iat": now - 300, "nbf": now - 300, "exp": now + 36_000,
    });
    state.keys.sign(tenant.id, Version::V1, claims.as_object().unwrap()).unwrap()
}

async fn answered(graph: &axum::Router, request: Request<Body>) -> Value {
    let answer = graph.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body: Value = serde_json::from_slice(&to_bytes(answer.into_body(), usize::MAX).await.unwrap()).unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

/// How many a search of everything finds.
async fn ask(graph: &axum::Router, token: &str, query: &str) -> u64 {
    let body = json!({ "requests": [{ "entityTypes": ["driveItem"], "query": { "queryString": query }, "size": 25 }] });
    let request = Request::post("/v1.0/search/query")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    answered(graph, request).await["value"][0]["hitsContainers"][0]["total"].as_u64().unwrap()
}

/// How many the first page of a search of one library has.
async fn within(graph: &axum::Router, state: &State, token: &str, query: &str) -> u64 {
    let world = state.world();
    let tenant = world.tenant_named("generated").unwrap();
    let is_open = |drive: &&Arc<emulator::drive::Drive>| drive.url.contains("/sites/site0/");
    let drive = tenant.drives.looked_at().find(is_open).unwrap();
    let first = query.split(|letter: char| !letter.is_alphanumeric()).find(|part| !part.is_empty()).unwrap_or_default();
    let url = format!("/v1.0/drives/{}/root/search(q='{first}')?$top=25", drive.id);
    let request =
        Request::get(url).header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty()).unwrap();
    answered(graph, request).await["value"].as_array().unwrap().len() as u64
}
