//! 429: so many requests for each application and user.

use emulator::throttle::Throttle;
use emulator::{Options, clock::Clock};
use jiff::SignedDuration;
use serde_json::json;

use crate::scene::Scene;

#[tokio::test]
async fn who_asks_too_often_waits_as_long_as_it_is_told() {
    let throttle = Some(Throttle { requests: 2, seconds: 10 });
    let scene =
        Scene::with(Options { throttle, clock: Clock::standing(emulator::options::EPOCH), ..Options::default() }).await;
    let alice = scene.caller(fixtures::cast::ALICE, "User.Read Mail.Read");
    let bob = scene.caller(fixtures::cast::BOB, "User.Read Mail.Read");
    let other_app = scene.bearer(scene.token(
        fixtures::cast::ALICE,
        "User.Read",
        &json!({ "appid": scene.plan.registration("m365-client").unwrap().app_id }),
    ));
    assert_eq!(alice.get("/me").await.status, 200);
    assert_eq!(alice.get("/me/messages?$top=1").await.status, 200);
    let refused = alice.get("/me/messages?$top=1").await;
    assert_eq!(refused.code(), "429 ApplicationThrottled");
    assert_eq!(refused.header("retry-after"), "10");
    assert_eq!(bob.get("/me").await.status, 200, "another user");
    assert_eq!(other_app.get("/me").await.status, 200, "another application");

    scene.running.state().clock.advance(SignedDuration::from_secs(9));
    let refused = alice.get("/me").await;
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("429 Request_ThrottledTemporarily", "1"));
    scene.running.state().clock.advance(SignedDuration::from_secs(1));
    assert_eq!(alice.get("/me").await.status, 200);

    let rows = scene.running.state().journal.audit_since(0);
    let row = rows.iter().find(|row| row.status == 429).unwrap();
    assert_eq!(row.reason.as_deref(), Some("the setting `throttle` lets 2 requests pass in 10 s"));
}
