//! A connector that the harness does not host: started with the machine's clock, reached by URL alone, described by a profile.

use std::collections::BTreeSet;
use std::net::TcpListener;

use conformance::broken::{self, Broken};
use conformance::check::{Feature, Verdict};
use conformance::run::{Outcome, Runner};
use conformance::suites;
use conformance::target::{Profile, Target};
use connector::danger::{self, Edges};
use connector::policy::Policy;
use connector::{Config, Parts};
use fixtures::Plan;
use serde_json::json;

/// Ports that were free a moment ago.
fn free() -> [u16; 3] {
    let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn config(plan: &Plan, login: u16, graph: u16, content: u16) -> Config {
    let server = plan.registration("m365-server").unwrap();
    let client = plan.registration("m365-client").unwrap();
    let tenants: Vec<String> = plan.tenants.iter().map(|tenant| tenant.id.to_string()).collect();
    let config = json!({
        "server": { "listen": "127.0.0.1:0", "allow_plain_http": true },
        "entra": {
            "login": format!("http://localhost:{login}"),
            "client_id": server.app_id,
            "client_secret": server.secrets[0].value,
            "app_id_uri": server.identifier_uris[0],
            "allowed_clients": [client.app_id],
        },
        "graph": { "url": format!("http://localhost:{graph}"), "downloads": [format!("http://localhost:{content}")] },
        "documents": { "worker": env!("CARGO_BIN_EXE_offline365") },
        "admission": { "tenants": tenants },
        // A run asks in seconds what people ask in a day: docs/targets.md says so to whoever brings a target.
        "limits": { "calls_per_minute": 0 },
    });
    serde_json::from_value(config).unwrap()
}

async fn ask(broken: Option<&Broken>) -> Vec<Outcome> {
    let plan = Plan::embedded().unwrap();
    let [login, graph, content] = free();
    let (policy, edges) = broken.map_or_else(|| (Policy::STRICT, Edges::default()), |broken| (broken.fault)());
    let config = config(&plan, login, graph, content);
    let connector = danger::start_with_policy(config, Parts::default(), policy, edges).await.unwrap();
    let profile = Profile {
        login_port: login,
        graph_port: graph,
        content_port: content,
        features: BTreeSet::from([Feature::TenantGate, Feature::ToolToggles, Feature::Cursors, Feature::Resources]),
        ..Profile::at("elsewhere", connector.mcp.clone())
    };
    let checks: Vec<_> = suites::all().collect();
    let outcomes = Runner::new(plan, 365).run(&checks, &Target::Remote(Box::new(profile))).await;
    connector.shutdown().await;
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suites_do_not_depend_on_hosting_the_target() {
    let outcomes = ask(None).await;
    for outcome in &outcomes {
        let told =
            outcome.check.needs.iter().any(|need| {
                matches!(need, Feature::ClockControl | Feature::Setup | Feature::AuditLog | Feature::Client)
            });
        let expected = if told { Verdict::NotApplicable } else { Verdict::Pass };
        assert_eq!(outcome.verdict, expected, "{}: {:?}", outcome.check.id, outcome.reason);
    }
    let held = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Pass).count();
    assert!(held >= 30, "only {held} could be asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_elsewhere_is_found_and_nothing_else() {
    let named: Vec<&str> = suites::all()
        .filter(|check| check.broken.iter().any(|broken| broken.name == broken::NO_SIGNATURE.name))
        .map(|check| check.id)
        .collect();
    let others: Vec<_> = ask(Some(&broken::NO_SIGNATURE))
        .await
        .into_iter()
        .filter(|outcome| (outcome.verdict == Verdict::Fail) != named.contains(&outcome.check.id))
        .map(|outcome| (outcome.check.id, outcome.verdict, outcome.reason))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
}
