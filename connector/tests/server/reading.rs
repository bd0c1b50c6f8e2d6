//! Documents one after the other: what the program that reads them keeps, and what it costs while nobody reads.

use serde_json::json;

use crate::files;
use crate::program::Program;
use crate::speed::document_of;

/// How often: `OFFLINE365_READS=1000` for the figures of docs/speed.md.
fn reads() -> u32 {
    std::env::var("OFFLINE365_READS").ok().map_or(60, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_leaves_no_file_and_no_memory() {
    let file = document_of(100_000, "heliotrope-canary");
    let (downloads, _) = files::content(200, &file, None).await;
    let mut scene = files::scene(&downloads).await;
    let origin = format!("[\"{}\"]", downloads.origin().ascii_serialization());
    let program = Program::start(&mut scene, &[("OFFLINE365_CONNECTOR__GRAPH__DOWNLOADS", &origin)]);
    let token = scene.alice();
    let (mut early, count) = (0, reads());
    for round in 0..count {
        files::found(&scene, "documentLibrary", "nobody", "plan.docx", &format!("{downloads}a"));
        let answer = scene.call(&token, "read_resource", json!({ "uri": files::URI })).await;
        assert!(answer.text.contains("heliotrope-canary"), "read {round}: {}", answer.text);
        assert_eq!(program.files(), Vec::<std::path::PathBuf>::new(), "read {round}");
        if round == count / 6 {
            early = program.resident();
        }
    }
    let (late, idle) = (program.resident(), program.started());
    println!(
        "{count} reads: resident {early} kB after a sixth of them, {late} kB at the end; workers that wait: {idle:?} kB"
    );
    assert!(late * 10 <= early * 11, "resident memory grew from {early} to {late} kB");
    assert_eq!(idle.len(), 1, "one worker is kept started");
    assert!(idle.iter().sum::<u64>() <= 15 * 1024, "{idle:?}");
    for (name, bytes) in program.end() {
        assert!(!String::from_utf8_lossy(&bytes).contains("heliotrope"), "a word of the document in {name}");
    }
}
