//! Is the world the same after everything was read as it was before?

use fixtures::cast::{ALICE, BUDGET, CONTOSO};
use serde_json::{Value, json};

use super::super::QUERY;
use crate::bench::Bench;
use crate::broken;
use crate::check::{Check, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "read-only/no-trace",
    title: "Reading leaves no trace in content",
    requirements: &["R-RO-1", "R-DATA-1"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::MARKS_AS_READ, &broken::SENDS_MAIL, &broken::REALLY_MARKS_AS_READ, &broken::REALLY_SENDS_MAIL],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    bench.consent(CONTOSO, super::WRITE_SCOPES).await?;
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    let before = bench.fingerprint().await?;
    let page = alice.call("outlook_email_search", json!({ "unreadOnly": true, "limit": 25 }));
    let unread = bench.attempt("Alice lists her unread mail", page).await?;
    let uris: Vec<String> =
        unread.items().iter().filter_map(|item| item.get("uri").and_then(Value::as_str).map(str::to_owned)).collect();
    if uris.is_empty() {
        return Err(Finding::Inconclusive(format!("control failed: no unread mail: {}", unread.summary())));
    }
    for uri in uris.iter().take(8) {
        let read = bench.attempt("Alice reads it", alice.read(uri)).await?;
        if !read.served() {
            return Err(Finding::Inconclusive(format!("control failed: {uri}: {}", read.summary())));
        }
    }
    let budget = bench.uri_of(&alice, BUDGET, QUERY).await?;
    bench.control("Alice reads the budget", alice.read(&budget), &canary).await?;
    let after = bench.fingerprint().await?;
    bench.expect("content is untouched", &before, &after, before == after)?;
    let rows =
        bench.lab().audit(0).await.map_err(|error| Finding::Inconclusive(format!("failure of ours: {error}")))?;
    let of = |kind: &str| rows.iter().filter(|row| row.get("kind").and_then(Value::as_str) == Some(kind)).count();
    let (reads, writes) = (of("graph-read"), of("graph-write"));
    if reads == 0 {
        return Err(Finding::Inconclusive("control failed: the audit log has no reads".to_owned()));
    }
    bench.expect("the audit log knows of no attempt to write", "0 rows", &writes.to_string(), writes == 0)
}
