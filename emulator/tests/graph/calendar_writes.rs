//! Events that are written: their scope, their effect in every calendar they touch, what others may not.

use emulator::rules::Rules;
use emulator::{Options, Running};
use fixtures::cast::{ALICE, BOB, CAROL};
use serde_json::{Value, json};

use crate::scene::{Caller, Scene};

const WRITES: &str = "Calendars.ReadWrite Calendars.ReadWrite.Shared MailboxSettings.ReadWrite";

fn meeting(attendees: &[&str]) -> Value {
    json!({
        "subject": "Quarterly numbers",
        "body": { "contentType": "HTML", "content": "<p>Bring yours</p>" },
        "start": { "dateTime": "2026-01-15T14:00:00", "timeZone": "W. Europe Standard Time" },
        "end": { "dateTime": "2026-01-15T15:00:00", "timeZone": "W. Europe Standard Time" },
        "location": { "displayName": "Aurora" },
        "attendees": attendees.iter().map(|address| json!({ "type": "required", "emailAddress": { "address": address } })).collect::<Vec<_>>(),
    })
}

fn fingerprint(running: &Running) -> [u8; 32] {
    running.state().world().content_fingerprint()
}

async fn found(caller: &Caller<'_>, subject: &str) -> Vec<Value> {
    let mut events = caller.all("/me/events?$top=200").await;
    events.retain(|event| event["subject"] == subject);
    events
}

#[tokio::test]
async fn a_meeting_is_created_answered_changed_and_cancelled_in_every_calendar() {
    let scene = Scene::new().await;
    let (alice, bob) = (scene.caller(ALICE, WRITES), scene.caller(BOB, WRITES));
    let before = fingerprint(&scene.running);
    let made = alice.send("POST", "/me/events", &meeting(&["bob@contoso.example", "nobody@else.example"])).await;
    assert_eq!(made.status, 201, "{}", made.json());
    assert_ne!(fingerprint(&scene.running), before);
    insta::assert_json_snapshot!("created_event", made.json(), {
        ".id" => "[id]", ".changeKey" => "[key]", "[\"@odata.etag\"]" => "[etag]", ".webLink" => "[link]", ".iCalUId" => "[uid]",
        "[\"@odata.context\"]" => "[context]"
    });
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(alice.get(&format!("/me/events/{id}")).await.json()["subject"], "Quarterly numbers");

    let invitation = found(&bob, "Quarterly numbers").await.remove(0);
    assert_eq!((&invitation["showAs"], &invitation["isOrganizer"]), (&json!("tentative"), &json!(false)));
    assert_eq!(invitation["iCalUId"], made.json()["iCalUId"]);
    let theirs = invitation["id"].as_str().unwrap();
    let accepted = bob.send("POST", &format!("/me/events/{theirs}/accept"), &json!({ "comment": "Fine" })).await;
    assert_eq!((accepted.status, accepted.bytes.len()), (202, 0));
    let seen = alice.get(&format!("/me/events/{id}?$select=attendees")).await.json();
    assert_eq!(seen["attendees"][0]["status"]["response"], "accepted");
    assert_eq!(bob.get(&format!("/me/events/{theirs}")).await.json()["responseStatus"]["response"], "accepted");

    let moved = json!({ "start": { "dateTime": "2026-01-16T09:00:00", "timeZone": "UTC" }, "location": { "displayName": "Borealis" } });
    let moved = alice.send("PATCH", &format!("/me/events/{id}"), &moved).await.json();
    assert_eq!(moved["end"]["dateTime"], "2026-01-16T10:00:00.0000000", "the length stays");
    let invitation = bob.get(&format!("/me/events/{theirs}")).await.json();
    assert_eq!(
        (&invitation["start"]["dateTime"], &invitation["location"]["displayName"]),
        (&json!("2026-01-16T09:00:00.0000000"), &json!("Borealis"))
    );

    assert_eq!(alice.send("DELETE", &format!("/me/events/{id}"), &json!({})).await.status, 204);
    assert_eq!(alice.get(&format!("/me/events/{id}")).await.code(), "404 ErrorItemNotFound");
    assert_eq!(bob.get(&format!("/me/events/{theirs}")).await.json()["isCancelled"], true);
    let journal = scene.running.state().journal.audit_since(0);
    assert_eq!(journal.iter().filter(|row| row.kind == "graph-write" && row.status < 300).count(), 4);
}

/// Client libraries mark what they made: <https://learn.microsoft.com/graph/api/singlevaluelegacyextendedproperty-post-singlevalueextendedproperties>.
#[tokio::test]
async fn an_event_with_extended_properties_is_taken() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, WRITES);
    let mut event = meeting(&[]);
    event["singleValueExtendedProperties"] =
        json!([{ "id": "String {00020329-0000-0000-C000-000000000046} Name Made", "value": "here" }]);
    assert_eq!(alice.send("POST", "/me/events", &event).await.status, 201);
}

#[tokio::test]
async fn a_series_is_made_and_one_instance_changed_declined_and_deleted() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, WRITES);
    let mut body = meeting(&[]);
    body["recurrence"] = json!({
        "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": ["thursday"] },
        "range": { "type": "numbered", "startDate": "2026-01-15", "numberOfOccurrences": 4 }
    });
    let made = alice.send("POST", "/me/calendar/events", &body).await.json();
    assert_eq!(
        (&made["type"], &made["recurrence"]["range"]["numberOfOccurrences"]),
        (&json!("seriesMaster"), &json!(4))
    );
    let id = made["id"].as_str().unwrap();
    let window = "startDateTime=2026-01-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z&$top=50";
    let instances = alice.get(&format!("/me/events/{id}/instances?{window}")).await.values();
    assert_eq!(instances.len(), 4);
    let second = instances[1]["id"].as_str().unwrap();
    let changed =
        alice.send("PATCH", &format!("/me/events/{second}"), &json!({ "subject": "Once elsewhere" })).await.json();
    assert_eq!((&changed["type"], &changed["subject"]), (&json!("exception"), &json!("Once elsewhere")));
    let third = instances[2]["id"].as_str().unwrap();
    assert_eq!(alice.send("DELETE", &format!("/me/events/{third}"), &json!({})).await.status, 204);
    let instances = alice.get(&format!("/me/events/{id}/instances?{window}")).await;
    assert_eq!(instances.subjects(), ["Quarterly numbers", "Once elsewhere", "Quarterly numbers"]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, WRITES);
    let before = fingerprint(&scene.running);
    let own = alice.send("POST", "/me/events", &meeting(&[])).await.json()["id"].as_str().unwrap().to_owned();
    let after = fingerprint(&scene.running);
    assert_ne!(before, after);
    let with = |name: &str, value: Value| {
        let mut body = meeting(&[]);
        body[name] = value;
        body
    };
    let mut answers = std::collections::BTreeMap::new();
    for (what, method, path, body) in [
        ("nothing", "POST", "/me/events".to_owned(), json!({})),
        ("no JSON object", "POST", "/me/events".to_owned(), json!([])),
        ("unknown property", "POST", "/me/events".to_owned(), with("subjekt", json!("x"))),
        ("wrong type", "POST", "/me/events".to_owned(), with("subject", json!(7))),
        (
            "unknown zone",
            "POST",
            "/me/events".to_owned(),
            with("start", json!({ "dateTime": "2026-01-15T14:00:00", "timeZone": "Mars" })),
        ),
        ("no date", "POST", "/me/events".to_owned(), with("start", json!({ "dateTime": "soon", "timeZone": "UTC" }))),
        (
            "ends before it begins",
            "POST",
            "/me/events".to_owned(),
            with("end", json!({ "dateTime": "2026-01-14T14:00:00", "timeZone": "UTC" })),
        ),
        ("all day at noon", "POST", "/me/events".to_owned(), with("isAllDay", json!(true))),
        (
            "a weekly series on no day",
            "POST",
            "/me/events".to_owned(),
            with("recurrence", json!({ "pattern": { "type": "weekly", "interval": 1 }, "range": { "type": "noEnd" } })),
        ),
        ("answer to one's own", "POST", format!("/me/events/{own}/accept"), json!({})),
        ("no such event", "PATCH", format!("/me/events/{}", "A".repeat(152)), json!({ "subject": "x" })),
        ("no id", "DELETE", "/me/events/x".to_owned(), json!({})),
        ("zone of the mailbox", "PATCH", "/me/mailboxSettings".to_owned(), json!({ "timeZone": "Mars" })),
    ] {
        let reply = alice.send(method, &path, &body).await;
        assert!((400..500).contains(&reply.status), "{what}: {}", reply.status);
        answers.insert(what, reply.code());
    }
    insta::assert_json_snapshot!("calendar_refusals", answers);
    assert_eq!(fingerprint(&scene.running), after);
    let reader = scene.caller(ALICE, "Calendars.Read MailboxSettings.Read");
    assert_eq!(reader.send("POST", "/me/events", &meeting(&[])).await.code(), "403 ErrorAccessDenied");
    assert_eq!(reader.send("PATCH", "/me/mailboxSettings", &json!({})).await.code(), "403 ErrorAccessDenied");
    assert_eq!(fingerprint(&scene.running), after);
}

#[tokio::test]
async fn settings_are_read_written_and_the_owners_alone() {
    let scene = Scene::new().await;
    let alice = scene.caller(ALICE, WRITES);
    let before = alice.get("/me/mailboxSettings").await.json();
    insta::assert_json_snapshot!("mailbox_settings", before, { "[\"@odata.context\"]" => "[context]" });
    let written = json!({
        "timeZone": "Tokyo Standard Time",
        "automaticRepliesSetting": { "status": "alwaysEnabled", "internalReplyMessage": "Away" },
        "workingHours": { "daysOfWeek": ["monday"], "startTime": "10:00:00.0000000", "endTime": "16:00:00.0000000" }
    });
    let after = alice.send("PATCH", "/me/mailboxSettings", &written).await.json();
    assert_eq!(
        (&after["timeZone"], &after["workingHours"]["startTime"]),
        (&json!("Tokyo Standard Time"), &json!("10:00:00.0000000"))
    );
    assert_eq!(
        alice.get("/me/mailboxSettings").await.json()["automaticRepliesSetting"]["internalReplyMessage"],
        "Away"
    );
    assert_eq!(
        scene.caller(BOB, WRITES).get("/users/alice@contoso.example/mailboxSettings").await.code(),
        "403 ErrorAccessDenied"
    );
}

/// What `person` gets for a new event in the default calendar of `owner`, and what its `canEdit` says.
async fn writes_into(rules: Rules, person: &str, owner: &str) -> (String, Value) {
    let scene = Scene::with(Options { rules, ..Options::default() }).await;
    let caller = scene.caller(person, WRITES);
    let made = caller.send("POST", &format!("/users/{owner}/events"), &meeting(&[])).await;
    let calendar = caller.get(&format!("/users/{owner}/calendar")).await.json();
    (if made.status == 201 { "created".to_owned() } else { made.code() }, calendar["canEdit"].clone())
}

#[tokio::test]
async fn who_was_given_a_calendar_for_reading_does_not_write_into_it() {
    let denied = ("403 ErrorAccessDenied".to_owned(), json!(false));
    let created = ("created".to_owned(), json!(true));
    assert_eq!(writes_into(Rules::STRICT, ALICE, "bob@contoso.example").await, created);
    assert_eq!(writes_into(Rules::STRICT, CAROL, "alice@contoso.example").await, denied);
    // The careless emulator is seen by the same question.
    let careless = Rules { edits_calendar: |_, _, _, _| true, ..Rules::STRICT };
    assert_eq!(writes_into(careless, CAROL, "alice@contoso.example").await, created);
}

/// Bob, who may write into her calendar but does not see private events, changes one of Alice's.
async fn a_hidden_event_is_changed(rules: Rules) -> String {
    let mut plan = fixtures::Plan::embedded().unwrap();
    let contoso = plan.tenants.iter_mut().find(|tenant| tenant.name == "contoso").unwrap();
    let share = contoso.calendars.shares.iter_mut().find(|row| row.owner == ALICE && row.to.as_deref() == Some(CAROL));
    share.unwrap().role = fixtures::calendar::Role::Write;
    let scene = Scene::of(plan, Options { rules, ..Options::default() }).await;
    let own = scene.caller(ALICE, WRITES).all("/me/events?$top=200&$filter=sensitivity eq 'private'").await;
    let carol = scene.caller(CAROL, WRITES);
    let path = format!("/users/alice@contoso.example/events/{}", own[0]["id"].as_str().unwrap());
    carol.send("PATCH", &path, &json!({ "importance": "high" })).await.code()
}

#[tokio::test]
async fn who_does_not_see_a_private_event_does_not_change_it() {
    assert_eq!(a_hidden_event_is_changed(Rules::STRICT).await, "403 ErrorAccessDenied");
    let careless = Rules { details: |_, _| true, ..Rules::STRICT };
    assert_eq!(a_hidden_event_is_changed(careless).await, "200 (none)");
}
