//! Copies of a tenant: whole, separate, quick, gone again.

use serde_json::{Value, json};

use crate::{Scene, scene};

impl Scene {
    async fn copy(&self, name: &str) -> Value {
        self.done("/lab/tenants/clone", json!({ "tenant": "contoso", "name": name })).await
    }

    async fn enable(&self, tenant: &str, enabled: bool) {
        self.done("/lab/users/update", json!({ "tenant": tenant, "user": "alice", "enabled": enabled })).await;
    }

    /// Alice's subjects, by a token that the issuer's rules allow.
    pub(crate) async fn subjects(&self, tenant: &str) -> Vec<String> {
        let order = json!({ "tenant": tenant, "user": "alice", "client": "m365-server", "resource": "graph" });
        let token = self.done("/lab/mint", order).await["token"].clone();
        let url = self.running.graph.join("v1.0/me/messages?$select=subject").unwrap();
        let answer = self.http.get(url).bearer_auth(token.as_str().unwrap()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{tenant}");
        let page: Value = answer.json().await.unwrap();
        page["value"].as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_copy_has_everything_and_disturbs_nobody() {
    let scene = scene().await;
    let copy = scene.copy("worker-1").await;
    assert_eq!((&copy["name"], &copy["domain"]), (&json!("worker-1"), &json!("worker-1.example")));
    assert_eq!(scene.subjects("worker-1").await, scene.subjects("contoso").await);
    assert!(!scene.subjects("worker-1").await.is_empty());
    let id = copy["id"].as_str().unwrap();
    let hint = "alice@contoso.example";
    for (address, status) in [("worker-1.example", 302), (id, 302), ("worker-1", 400), ("common", 302)] {
        assert_eq!(scene.code_of(address, hint).await, status, "{address}");
    }
    scene.enable("worker-1", false).await;
    assert_eq!((scene.code_of(id, hint).await, scene.code_of("contoso.example", hint).await), (200, 302));
    scene.enable("worker-1", true).await;
    scene.enable("contoso", false).await;
    assert_eq!((scene.code_of(id, hint).await, scene.code_of("contoso.example", hint).await), (302, 200));
    assert_eq!(scene.code_of("common", hint).await, 200, "at common the name leads to the original alone");
}

#[tokio::test]
async fn copies_have_the_same_id_in_every_run_and_leave_nothing_behind() {
    let scene = scene().await;
    let before = scene.read("/lab/fingerprint").await;
    let first = scene.copy("worker-1").await;
    let again = scene.post("/lab/tenants/clone", json!({ "tenant": "contoso", "name": "worker-1" })).await;
    assert_eq!(again.status(), 409);
    let original = scene.post("/lab/tenants/clone", json!({ "tenant": "fabrikam", "name": "contoso" })).await;
    assert_eq!(original.status(), 409);
    for name in ["", "Worker", "a.b", "x\u{e9}"] {
        let refused = scene.post("/lab/tenants/clone", json!({ "tenant": "contoso", "name": name })).await;
        assert_eq!(refused.status(), 400, "{name:?}");
    }
    assert_ne!(scene.read("/lab/fingerprint").await, before);
    scene.done("/lab/tenants/delete", json!({ "tenant": "worker-1" })).await;
    assert_eq!(scene.read("/lab/fingerprint").await, before);
    assert_eq!(scene.copy("worker-1").await, first);
    let (one, two) =
        (scene.done("/lab/tenants/clone", json!({ "tenant": "contoso" })).await, scene.copy("other").await);
    assert_ne!(one["id"], two["id"]);
    assert_eq!(
        scene.read("/lab/tenants").await.as_array().unwrap().iter().filter(|t| t["copyOf"] == "contoso").count(),
        3
    );
}

/// As many workers as there are, each with a tenant of its own: a copy costs next to nothing. The quickest of twenty, over HTTP: what
/// the machine does beside it is not what is measured.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a measurement asks the machine for the time")]
async fn a_copy_takes_at_most_five_milliseconds() {
    let scene = scene().await;
    scene.copy("warm").await;
    let mut quickest = std::time::Duration::MAX;
    for number in 0..20 {
        let begun = std::time::Instant::now();
        let copy = scene.copy(&format!("worker-{number}")).await;
        quickest = quickest.min(begun.elapsed());
        assert_eq!(scene.code_of(copy["id"].as_str().unwrap(), "alice@contoso.example").await, 302);
    }
    println!("a copy of contoso: {quickest:?}");
    assert!(quickest.as_micros() <= 5_000, "{quickest:?}");
}
