//! Renewal: in time, once for everybody who waits, and never against a disconnect.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use connector::host::Member;
use connector::host::vault::{Record, RedbVault, Revision, Stored, TokenVault, VaultError};
use futures_util::future::{BoxFuture, join_all};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::issuer::{ALICE, BOB, CONTOSO};
use crate::scene::Scene;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end_and_not_before() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.clock.advance(HOUR - 301);
    assert_eq!(scene.call("alice").await.status, 200);
    assert_eq!(scene.issuer.asked("refresh_token").len(), 0);

    scene.clock.advance(1);
    assert_eq!(scene.call("alice").await.status, 200);
    let asked = scene.issuer.asked("refresh_token");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["claims"], r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
    let tokens: BTreeSet<_> = scene.server.calls().into_iter().map(|call| call.token).collect();
    assert_eq!(tokens.len(), 2, "the second call went out with the new token");

    assert_eq!(scene.call("alice").await.status, 200);
    assert_eq!(scene.issuer.asked("refresh_token").len(), 1, "the new token is kept");
}

#[tokio::test]
async fn the_refresh_token_that_came_last_is_the_one_that_is_used() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    for _ in 0..3 {
        scene.clock.advance(HOUR);
        assert_eq!(scene.call("alice").await.status, 200);
    }
    let used: BTreeSet<_> =
        scene.issuer.asked("refresh_token").into_iter().map(|form| form["refresh_token"].clone()).collect();
    assert_eq!(used.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_renew_once_per_person() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.connect("bob", BOB).await;
    scene.clock.advance(HOUR);
    scene.issuer.hold();
    let calls = (0..12).map(|n| scene.call(if n % 2 == 0 { "alice" } else { "bob" }));
    let letting_go = async {
        scene.issuer.arrival().await;
        scene.issuer.arrival().await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        scene.issuer.release();
    };
    let (answers, ()) = tokio::join!(join_all(calls), letting_go);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, 200, "{answer:?}");
        let oid = if n % 2 == 0 { ALICE } else { BOB };
        assert_eq!(answer.body["result"]["structuredContent"]["calledBy"], oid);
    }
    assert_eq!(scene.issuer.asked("refresh_token").len(), 2);
}

#[tokio::test]
async fn a_call_that_looked_before_a_renewal_and_comes_after_it_does_not_renew_again() {
    let mut scene = Scene::new().await;
    scene.close().await;
    let vault = SlowVault::new(RedbVault::open(&scene.folder().join("other"), &scene.key).unwrap());
    scene.open_with(|parts| parts.with_vault(Arc::clone(&vault) as Arc<dyn TokenVault>)).await;
    scene.connect("alice", ALICE).await;
    scene.clock.advance(HOUR);

    vault.hold_next_read();
    let late = scene.call("alice");
    let prompt = async {
        vault.held.acquire().await.unwrap().forget();
        assert_eq!(scene.call("alice").await.status, 200);
        vault.go_on.add_permits(1);
    };
    let (answer, ()) = tokio::join!(late, prompt);
    assert_eq!(answer.status, 200);
    assert_eq!(scene.issuer.asked("refresh_token").len(), 1);
}

#[tokio::test]
async fn a_disconnect_wins_over_a_renewal_under_way() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.clock.advance(HOUR);
    scene.issuer.hold();
    let disconnecting = async {
        scene.issuer.arrival().await;
        let gone = scene.post("alice", "/api/disconnect", json!({})).await;
        assert_eq!(gone.body, json!({ "disconnected": true }));
        scene.issuer.release();
    };
    let (answer, ()) = tokio::join!(scene.call("alice"), disconnecting);
    assert_eq!((answer.status, answer.code()), (409, "NOT_CONNECTED"));
    assert_eq!(scene.connection("alice").await, "not_connected");
    assert_eq!(scene.server.calls().len(), 0, "the token that came too late is not used");
}

#[tokio::test]
async fn a_renewal_that_comes_back_after_a_new_sign_in_does_not_replace_it() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.clock.advance(HOUR);
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, BOB);
    scene.issuer.hold();
    let reconnecting = async {
        scene.issuer.arrival().await;
        assert_eq!(scene.post("alice", "/api/disconnect", json!({})).await.status, 200);
        scene.issuer.release();
    };
    let (_, ()) = tokio::join!(scene.call("alice"), reconnecting);
    let late = scene.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await;
    assert_eq!(late.code(), "UNKNOWN_SIGN_IN", "the disconnect called it off");
    scene.connect("alice", BOB).await;
    let me = scene.get("alice", "/api/me").await;
    assert_eq!(me.body["connection"]["account"]["object_id"], BOB);
}

#[tokio::test]
async fn a_revoked_session_ends_the_connection_and_a_new_sign_in_mends_it() {
    for (error, aadsts, reason) in [
        ("invalid_grant", 50173, "SESSION_ENDED"),
        ("invalid_grant", 65001, "ADMIN_CONSENT_REQUIRED"),
        ("invalid_grant", 50105, "NOT_ASSIGNED"),
        ("invalid_grant", 50057, "ACCOUNT_UNUSABLE"),
        ("interaction_required", 50076, "POLICY_BLOCKED"),
        ("unauthorized_client", 700_016, "APP_NOT_IN_TENANT"),
    ] {
        let scene = Scene::new().await;
        scene.connect("alice", ALICE).await;
        scene.clock.advance(HOUR);
        scene.issuer.refuse(400, error, aadsts);
        let answer = scene.call("alice").await;
        assert_eq!((answer.status, answer.code()), (409, "SIGN_IN_REQUIRED"), "{aadsts}");
        assert_eq!(answer.body["error"]["reason"], reason);
        assert!(!answer.text.contains("script"), "{}", answer.text);

        scene.issuer.accept();
        assert_eq!(scene.call("alice").await.code(), "SIGN_IN_REQUIRED", "the tokens are gone, not just set aside");
        assert_eq!(scene.connection("alice").await, "sign_in_required");
        assert_eq!(scene.issuer.asked("refresh_token").len(), 1);
        scene.connect("alice", ALICE).await;
        assert_eq!(scene.call("alice").await.status, 200);
    }
}

#[tokio::test]
async fn a_busy_issuer_costs_nobody_their_connection() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    for (status, error) in
        [(503, "temporarily_unavailable"), (429, "x"), (400, "invalid_request"), (401, "invalid_client")]
    {
        scene.clock.advance(HOUR - 100);
        scene.issuer.refuse(status, error, 0);
        assert_eq!(scene.call("alice").await.status, 200, "{status}: the old token still has 100 seconds");
        scene.clock.advance(100);
        let answer = scene.call("alice").await;
        assert_eq!((answer.status, answer.code()), (502, "ISSUER_UNAVAILABLE"), "{status}");
        scene.issuer.accept();
        assert_eq!(scene.call("alice").await.status, 200, "{status}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_not_used_for_ninety_days_is_dead() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.clock.advance(89 * DAY);
    assert_eq!(scene.call("alice").await.status, 200, "use keeps it alive");
    scene.clock.advance(90 * DAY + 1);
    let answer = scene.call("alice").await;
    assert_eq!((answer.code(), &answer.body["error"]["reason"]), ("SIGN_IN_REQUIRED", &json!("SESSION_ENDED")));
    assert_eq!(scene.issuer.asked("refresh_token").len(), 1, "a dead token is not sent anywhere");
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_tear_a_renewal_in_half() {
    let scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.clock.advance(HOUR);
    scene.issuer.hold();
    let impatient = tokio::time::timeout(std::time::Duration::from_millis(200), scene.call("alice"));
    let (gone, ()) = tokio::join!(impatient, scene.issuer.arrival());
    assert!(gone.is_err());
    let next = scene.call("alice");
    let letting_go = async { scene.issuer.release() };
    let (answer, ()) = tokio::join!(next, letting_go);
    assert_eq!(answer.status, 200);
    assert_eq!(scene.issuer.asked("refresh_token").len(), 1);
}

/// A vault that can be told to hold back what it read.
struct SlowVault {
    inner: RedbVault,
    hold: AtomicBool,
    held: Semaphore,
    go_on: Semaphore,
}

impl SlowVault {
    fn new(inner: RedbVault) -> Arc<Self> {
        Arc::new(Self { inner, hold: AtomicBool::new(false), held: Semaphore::new(0), go_on: Semaphore::new(0) })
    }

    fn hold_next_read(&self) {
        self.hold.store(true, Ordering::SeqCst);
    }
}

impl TokenVault for SlowVault {
    fn read<'a>(&'a self, member: &'a Member) -> BoxFuture<'a, Result<Option<Stored>, VaultError>> {
        Box::pin(async move {
            let hold = self.hold.swap(false, Ordering::SeqCst);
            let stored = self.inner.read(member).await;
            if hold {
                self.held.add_permits(1);
                self.go_on.acquire().await.unwrap().forget();
            }
            stored
        })
    }

    fn write<'a>(&'a self, member: &'a Member, record: Record) -> BoxFuture<'a, Result<Revision, VaultError>> {
        self.inner.write(member, record)
    }

    fn replace<'a>(
        &'a self,
        member: &'a Member,
        seen: Revision,
        record: Record,
    ) -> BoxFuture<'a, Result<Option<Revision>, VaultError>> {
        self.inner.replace(member, seen, record)
    }

    fn erase<'a>(&'a self, member: &'a Member) -> BoxFuture<'a, Result<bool, VaultError>> {
        self.inner.erase(member)
    }
}
