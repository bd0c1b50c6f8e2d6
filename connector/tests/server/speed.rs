//! How fast is it? One command prints the figures of docs/speed.md and holds them to their bounds:
//! `cargo test -p connector --test server --release speed -- --ignored --nocapture`

use std::time::{Duration, Instant};

use connector::policy::token::{self, Expected, RULES};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_json::json;

use crate::files;
use crate::scene::{CLIENT, SERVER, Scene};
use crate::stub::Stub;

/// p50 and p99.
fn quantiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// What this process has used of the processor, in all threads (proc(5): fields 14 and 15 of stat, in hundredths).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed_of_a_warm_tool_call() {
    let scene = Scene::with(|config| config.limits.calls_per_minute = 0).await;
    let alice = scene.alice();
    let (mut direct, mut through) = (Vec::new(), Vec::new());
    for round in 0..2200 {
        let begun = Instant::now();
        let url = scene.stub.graph.join("/v1.0/me").unwrap();
        scene.http.get(url).bearer_auth("x").send().await.unwrap().bytes().await.unwrap();
        let one = begun.elapsed();
        let begun = Instant::now();
        scene.call(&alice, "get_me", json!({})).await;
        let other = begun.elapsed();
        // The first ones warm up.
        if round >= 200 {
            direct.push(one);
            through.push(other);
        }
    }
    let (direct, through) = (quantiles(direct), quantiles(through));
    let (p50, p99) = (through.0.saturating_sub(direct.0), through.1.saturating_sub(direct.1));
    println!(
        "warm get_me less the same Graph call made directly: p50 {p50:?}, p99 {p99:?} (direct {direct:?}, through {through:?})"
    );
    assert!(p50 <= Duration::from_millis(1) && p99 <= Duration::from_millis(3));
}

#[tokio::test]
#[ignore = "a measurement"]
async fn speed_of_a_token_check() {
    let scene = Scene::start().await;
    let expected = Expected {
        login: scene.stub.login.clone(),
        client_id: SERVER.to_owned(),
        scope: "access_as_user".to_owned(),
        clients: [CLIENT.to_owned()].into(),
        now: Timestamp::from_second(scene.clock.seconds()).unwrap(),
    };
    let (alice, key) = (scene.alice(), Stub::signing_key(&format!("{}{{tenantid}}/v2.0", scene.stub.login)));
    let times = (0..5000).map(|_| {
        let begun = Instant::now();
        let mut presented = token::parse(&alice).unwrap();
        presented.key = Some(key.clone());
        assert!(token::broken_rule(RULES, &presented, &expected).is_none());
        begun.elapsed()
    });
    let (p50, p99) = quantiles(times.collect());
    println!("token check with known keys: p50 {p50:?}, p99 {p99:?}");
    assert!(p50 <= Duration::from_micros(60));
}

/// Client, connector and stubs share one thread, so that the figure is a lower bound of what one core does.
#[tokio::test]
#[ignore = "a measurement"]
async fn speed_of_the_list() {
    let scene = Scene::start().await;
    let alice = scene.alice();
    scene.current_era(&alice, "tools/list", json!({})).await.result();
    let (begun, spent) = (Instant::now(), processor_seconds());
    let count = 6000;
    let lists = stream::iter(0..count).map(|_| scene.current_era(&alice, "tools/list", json!({}))).buffer_unordered(16);
    let served = lists.filter(|answer| std::future::ready(answer.status == 200)).count().await;
    let took = begun.elapsed();
    // Of the processor's time, so that what else runs on the machine does not count.
    let rate = f64::from(count) / (processor_seconds() - spent);
    println!("tools/list: {rate:.0} per second of one core, client included ({took:?} on the wall)");
    assert_eq!(served, 6000);
    assert!(rate >= 3000.0, "{rate}");
}

/// A document of words that nothing compresses well, so that two megabytes of text are one of file.
pub(crate) fn document_of(characters: usize, first: &str) -> Vec<u8> {
    use std::fmt::Write as _;
    use std::io::Write as _;
    let mut words = 0x9e37_79b9_7f4a_7c15_u64;
    let mut body = format!("<w:p><w:r><w:t>{first}</w:t></w:r></w:p>");
    while body.len() < characters {
        body.push_str("<w:p><w:r><w:t>");
        for _ in 0..60 {
            words = words.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let _ = write!(body, "{:x} ", words >> 28);
        }
        body.push_str("</w:t></w:r></w:p>");
    }
    let document = format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>{body}</w:body></w:document>"
    );
    let types = "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    let relations = "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/></Relationships>";
    let mut package = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in
        [("[Content_Types].xml", types), ("_rels/.rels", relations), ("word/document.xml", document.as_str())]
    {
        package.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        package.write_all(text.as_bytes()).unwrap();
    }
    package.finish().unwrap().into_inner()
}

/// From the tool call to its answer: three requests to Graph, the download, a worker process, the first part of the text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed_of_a_document() {
    let file = document_of(2_100_000, "words");
    let (downloads, _) = files::content(200, &file, None).await;
    let scene = files::scene(&downloads).await;
    let mut times = Vec::new();
    for round in 0..35 {
        files::found(&scene, "documentLibrary", "nobody", "plan.docx", &format!("{downloads}a"));
        let begun = Instant::now();
        let answer = scene.tool("read_resource", json!({ "uri": files::URI })).await.result();
        let took = begun.elapsed();
        assert_eq!(answer["structuredContent"]["truncated"], true, "{}", answer["structuredContent"]["error"]);
        if round >= 5 {
            times.push(took);
        }
    }
    let (p50, p99) = quantiles(times);
    println!("a docx of {} kB to its answer: p50 {p50:?}, p99 {p99:?}", file.len() / 1000);
    assert!(p50 <= Duration::from_millis(60));
}
