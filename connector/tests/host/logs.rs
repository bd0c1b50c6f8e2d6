//! The log, at its most talkative, tells nobody's secrets.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::level_filters::LevelFilter;

use crate::issuer::{ALICE, CONTOSO};
use crate::scene::{Scene, api_token};
use crate::server::Refuse;

#[tokio::test]
async fn no_secret_is_logged_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    // Other tests of this process have no subscriber. One of them may be the first at a place that logs, at the moment when ours
    // comes, and its "nobody listens" is then kept: so every place is passed once, and asked again who listens.
    everything_happens().await;
    tracing::callsite::rebuild_interest_cache();
    log.0.lock().unwrap().clear();
    let (scene, url, cookie) = everything_happens().await;

    let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for told in ["a sign-in was started", "an account was connected", "a tool was called", "a token was renewed"] {
        assert!(written.contains(told), "the control: {told}");
    }
    let query: Vec<_> = url::Url::parse(&url).unwrap().query_pairs().into_owned().collect();
    let of_the_flow = query.into_iter().filter(|(name, _)| name == "nonce" || name == "state").map(|(_, value)| value);
    let cookie = cookie.split_once('=').unwrap().1.to_owned();
    for secret in scene.issuer.secrets().into_iter().chain(of_the_flow).chain([api_token("alice"), cookie]) {
        assert!(!written.contains(&secret), "{secret}");
    }
    assert!(!written.contains("budget"), "no content either");
}

/// A sign-in that fails, one that succeeds, calls, renewals, refusals, a farewell: the scene, the sign-in address and the cookie.
async fn everything_happens() -> (Scene, String, String) {
    let scene = Scene::new().await;
    let (url, cookie) = scene.start("alice").await;
    let (code, state) = scene.issuer.sign_in(&url, CONTOSO, ALICE);
    scene.issuer.forge("aud", json!("another"));
    assert_eq!(scene.callback(&[("code", &code), ("state", &state)], Some(&cookie)).await.status, 400);
    scene.issuer.forge("aud", json!(crate::issuer::CLIENT));
    scene.connect("alice", ALICE).await;
    scene.clock.advance(3600);
    scene.server.refuse(Refuse::FirstWithClaims);
    assert_eq!(scene.call("alice").await.status, 200);
    scene.clock.advance(3600);
    scene.issuer.refuse(503, "temporarily_unavailable", 0);
    assert_eq!(scene.call("alice").await.status, 502);
    scene.issuer.refuse(400, "invalid_grant", 50173);
    assert_eq!(scene.call("alice").await.code(), "SIGN_IN_REQUIRED");
    scene.post("alice", "/api/disconnect", json!({})).await;
    (scene, url, cookie)
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
