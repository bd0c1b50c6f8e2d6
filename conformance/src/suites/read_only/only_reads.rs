//! Does nothing but reading leave the connector, whatever is asked of it, in a tenant that granted it to write?

use fixtures::cast::{ALICE, BUDGET, CONTOSO};
use serde_json::{Value, json};

use super::super::QUERY;
use crate::bench::{Bench, Reply};
use crate::broken;
use crate::check::{Check, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "read-only/only-reads",
    title: "Only reads leave the connector",
    requirements: &["R-RO-1"],
    profile: Profile::Core,
    severity: Severity::Critical,
    needs: &[],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[&broken::MARKS_AS_READ, &broken::SENDS_MAIL],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    bench.consent(CONTOSO, super::WRITE_SCOPES).await?;
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    let uri = bench.uri_of(&alice, BUDGET, QUERY).await?;
    let mut seen = vec![bench.control("Alice reads a mail", alice.read(&uri), &canary).await?];
    let folders = json!({ "uri": "mail:///folders/Inbox" });
    let calls = [
        ("lists the tools", alice.list_tools()),
        ("asks who she is", alice.get_me()),
        ("lists unread mail", alice.call("outlook_email_search", json!({ "unreadOnly": true, "limit": 5 }))),
        ("lists a folder", alice.call("read_resource", folders)),
        ("asks for a tool that would write", alice.call("outlook_send_mail", json!({ "to": "x@fabrikam.example" }))),
        ("asks for something that is none", alice.read("mail:///messages/%2e%2e%2fsendMail")),
    ];
    for (what, call) in calls {
        seen.push(bench.attempt(&format!("Alice {what}"), call).await?);
    }
    let asked: Vec<String> = seen
        .iter()
        .flat_map(Reply::graph)
        .filter(|request| request.method != "GET")
        .map(|request| format!("{} {}", request.method, request.path()))
        .collect();
    let observed = if asked.is_empty() { "GET alone".to_owned() } else { asked.join(", ") };
    bench.expect("what was asked of Graph", "GET alone", &observed, asked.is_empty())?;
    let list = seen.iter().find_map(|reply| reply.result()?.get("tools")?.as_array().cloned()).unwrap_or_default();
    if list.is_empty() {
        return Err(Finding::Inconclusive("control failed: no tools are listed".to_owned()));
    }
    for tool in &list {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let reads =
            tool.pointer("/annotations/readOnlyHint") == Some(&Value::Bool(true)) && !super::sounds_like_writing(&name);
        bench.expect(
            &format!("the tool {name} reads"),
            "readOnlyHint, no verb of writing",
            &tool.to_string(),
            reads,
        )?;
    }
    Ok(())
}
