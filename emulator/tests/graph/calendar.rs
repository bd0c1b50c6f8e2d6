//! Calendars over sockets: views, series, zones, sharing, free/busy, meeting times.

use serde_json::{Value, json};

use crate::scene::{Reply, Scene};

const READ: &str = "User.Read Calendars.Read";
const SHARED: &str = "User.Read Calendars.Read Calendars.Read.Shared";
const WEEK: &str = "startDateTime=2026-01-12T00:00:00Z&endDateTime=2026-01-19T00:00:00Z&$top=50";

fn lines(reply: &Reply) -> Vec<String> {
    let line = |event: &Value| {
        let (start, subject) = (event["start"]["dateTime"].as_str().unwrap(), event["subject"].as_str().unwrap());
        // The last word is the canary.
        let subject = subject.rsplit_once(' ').map_or(subject, |(subject, _)| subject);
        format!("{} {} {}", &start[..16], event["type"].as_str().unwrap(), subject)
    };
    reply.values().iter().map(line).collect()
}

fn named(reply: &Reply, subject: &str) -> Value {
    let found = reply.values().into_iter().find(|event| event["subject"].as_str().unwrap().starts_with(subject));
    found.unwrap_or_else(|| panic!("no {subject}"))
}

#[tokio::test]
async fn a_view_opens_series() {
    let scene = Scene::new().await;
    let alice = scene.caller("alice@contoso", READ);
    insta::assert_json_snapshot!(lines(&alice.get(&format!("/me/calendarView?{WEEK}")).await));
    let events = alice.get("/me/events?$top=50").await.values();
    assert!(events.iter().all(|event| event["type"] == "seriesMaster" || event["type"] == "singleInstance"));
    assert_eq!(alice.get("/me/calendarView").await.code(), "400 ErrorInvalidParameter");
    let wide = "/me/calendarView?startDateTime=2020-01-01&endDateTime=2030-01-01";
    assert_eq!(alice.get(wide).await.code(), "400 ErrorCalendarViewRangeTooBig");
    let paged = alice.all("/me/calendarView?startDateTime=2025-12-01&endDateTime=2026-02-01&$top=7").await;
    let whole = alice.get("/me/calendarView?startDateTime=2025-12-01&endDateTime=2026-02-01&$top=500").await.values();
    assert_eq!(paged, whole);
}

#[tokio::test]
async fn an_event_has_its_shape_and_its_zone() {
    let scene = Scene::new().await;
    let alice = scene.caller("alice@contoso", READ);
    let budget = named(&alice.get("/me/events?$top=50").await, "Budget review");
    let path = format!("/me/events/{}", budget["id"].as_str().unwrap());
    let reply = alice.get(&path).await;
    insta::assert_json_snapshot!("event", reply.json(), {"[\"@odata.context\"]" => "[context]"});
    let zoned = alice
        .get_with(&path, "prefer", "outlook.timezone=\"Tokyo Standard Time\", outlook.body-content-type=\"text\"")
        .await;
    assert_eq!(
        zoned.json()["start"],
        json!({"dateTime": "2026-01-13T18:00:00.0000000", "timeZone": "Tokyo Standard Time"})
    );
    assert_eq!(
        zoned.header("preference-applied"),
        "outlook.timezone=\"Tokyo Standard Time\", outlook.body-content-type=\"text\""
    );
    let unknown = alice.get_with(&path, "prefer", "outlook.timezone=\"Middle Earth\"").await;
    assert_eq!(unknown.code(), "400 TimeZoneNotSupportedException");
    let attachments = alice.get(&format!("{path}/attachments")).await.values();
    assert_eq!(attachments[0]["name"], "figures.csv");
    let raw = alice.get(&format!("{path}/attachments/{}/$value", attachments[0]["id"].as_str().unwrap())).await;
    assert!(String::from_utf8(raw.bytes).unwrap().starts_with("quarter,amount"));

    let standup = named(&alice.get("/me/events?$top=50").await, "Standup");
    insta::assert_json_snapshot!("recurrence", standup["recurrence"]);
    let instances = alice.get(&format!("/me/events/{}/instances?{WEEK}", standup["id"].as_str().unwrap())).await;
    insta::assert_json_snapshot!("instances", lines(&instances));
    for instance in instances.values() {
        let again =
            alice.get(&format!("/me/events/{}?$select=start,originalStart", instance["id"].as_str().unwrap())).await;
        assert_eq!(again.json()["start"], instance["start"]);
    }
}

#[tokio::test]
async fn reading_without_bodies() {
    let scene = Scene::new().await;
    let basic = scene.caller("alice@contoso", "Calendars.ReadBasic");
    let budget = named(&basic.get("/me/events?$top=50").await, "Budget review");
    assert_eq!((budget.get("body"), budget.get("bodyPreview")), (None, None));
    assert_eq!(budget["location"]["displayName"].as_str().unwrap().split(' ').next(), Some("Room"));
    let path = format!("/me/events/{}/attachments", budget["id"].as_str().unwrap());
    assert_eq!(basic.get(&path).await.code(), "403 ErrorAccessDenied");
    assert_eq!(basic.get("/me/events?$expand=attachments").await.code(), "403 ErrorAccessDenied");
    assert_eq!(scene.caller("alice@contoso", "Mail.Read").get("/me/events").await.code(), "403 ErrorAccessDenied");
}

#[tokio::test]
async fn shared_calendars_show_what_was_shared() {
    let scene = Scene::new().await;
    let view = format!("/users/alice@contoso.example/calendarView?{WEEK}");
    // A reader sees private events as times, a delegate with private access sees them.
    let carol = scene.caller("carol@contoso", SHARED);
    insta::assert_json_snapshot!("reader", lines(&carol.get(&view).await));
    let hidden = named(&carol.get(&view).await, "Private");
    let path = format!("/users/alice@contoso.example/events/{}", hidden["id"].as_str().unwrap());
    insta::assert_json_snapshot!("private_event", carol.get(&path).await.json(), {"[\"@odata.context\"]" => "[context]"});
    let filtered = carol.get("/users/alice@contoso.example/events?$filter=startsWith(subject,'Doctor')").await;
    assert!(filtered.values().is_empty());
    let dave = scene.caller("dave@contoso", SHARED).get(&view).await;
    assert!(lines(&dave).iter().any(|line| line.ends_with("Doctor")));
    // Subjects in free/busy answers, a calendar shared beside the default one, nothing at all: three refusals of the view.
    for (person, scopes) in
        [("erin@contoso", SHARED), ("frank@contoso", SHARED), ("gina@contoso", SHARED), ("carol@contoso", READ)]
    {
        assert_eq!(scene.caller(person, scopes).get(&view).await.code(), "403 ErrorAccessDenied", "{person}");
    }
    let bob = scene.caller("bob@contoso", SHARED);
    let calendars = bob.get("/users/alice@contoso.example/calendars").await.values();
    assert_eq!(
        calendars.iter().map(|calendar| calendar["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["Project Falcon"]
    );
    assert_eq!(bob.get(&view).await.code(), "404 ErrorItemNotFound");
    let nobody =
        bob.get("/users/nobody@contoso.example/calendarView?startDateTime=2026-01-12&endDateTime=2026-01-13").await;
    let foreign = bob.get("/users/mallory@fabrikam.example/calendar").await;
    assert_eq!((nobody.code().as_str(), foreign.code().as_str()), ("403 ErrorAccessDenied", "403 ErrorAccessDenied"));
}

#[tokio::test]
async fn schedules_are_trimmed_entity_by_entity() {
    let scene = Scene::new().await;
    let body = json!({
        "Schedules": ["alice@contoso.example", "bob@contoso.example", "frank@contoso.example", "aurora@contoso.example",
                      "tundra@contoso.example", "nobody@contoso.example", "mallory@fabrikam.example"],
        "StartTime": {"dateTime": "2026-01-13T09:00:00", "timeZone": "Romance Standard Time"},
        "EndTime": {"dateTime": "2026-01-14T18:00:00", "timeZone": "Romance Standard Time"},
        "availabilityViewInterval": 60,
    });
    for person in ["carol@contoso", "erin@contoso", "frank@contoso", "gina@contoso"] {
        let reply = scene.caller(person, "Calendars.ReadBasic").send("POST", "/me/calendar/getSchedule", &body).await;
        let name = format!("schedule_{}", person.split('@').next().unwrap());
        insta::assert_json_snapshot!(name, reply.values());
    }
}

#[tokio::test]
async fn meeting_times_are_found_or_not_for_a_reason() {
    let scene = Scene::new().await;
    let alice = scene.caller("alice@contoso", SHARED);
    let ask = |attendees: &[&str], from: &str, to: &str, more: Value| {
        let attendees: Vec<_> = attendees.iter().map(|address| json!({"emailAddress": {"address": address}})).collect();
        let slot = json!({"start": {"dateTime": from, "timeZone": "UTC"}, "end": {"dateTime": to, "timeZone": "UTC"}});
        let mut body =
            json!({"attendees": attendees, "timeConstraint": {"timeSlots": [slot]}, "meetingDuration": "PT1H"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let day =
        ask(&["bob@contoso.example"], "2026-01-13T07:00:00", "2026-01-13T17:00:00", json!({"maxCandidates": "3"}));
    insta::assert_json_snapshot!("meeting", alice.send("POST", "/me/findMeetingTimes", &day).await.json(), {"[\"@odata.context\"]" => "[context]"});
    let why = |reply: Reply| reply.json()["emptySuggestionsReason"].as_str().unwrap().to_owned();
    let busy = ask(&["bob@contoso.example"], "2026-01-13T09:00:00", "2026-01-13T10:00:00", json!({}));
    assert_eq!(why(alice.send("POST", "/me/findMeetingTimes", &busy).await), "OrganizerUnavailable");
    let sales = ask(
        &["bob@contoso.example"],
        "2026-01-13T08:00:00",
        "2026-01-13T09:00:00",
        json!({"minimumAttendeePercentage": 100}),
    );
    assert_eq!(why(alice.send("POST", "/me/findMeetingTimes", &sales).await), "AttendeesUnavailable");
    let hidden = ask(&["frank@contoso.example"], "2026-01-13T12:00:00", "2026-01-13T16:00:00", json!({}));
    assert_eq!(why(alice.send("POST", "/me/findMeetingTimes", &hidden).await), "AttendeesUnavailableOrUnknown");
    let night = ask(&[], "2026-01-13T01:00:00", "2026-01-13T04:00:00", json!({}));
    assert_eq!(why(alice.send("POST", "/me/findMeetingTimes", &night).await), "Unknown");
    let slow = ask(&["tundra@contoso.example"], "2026-01-13T12:00:00", "2026-01-13T16:00:00", json!({}));
    assert_eq!(alice.send("POST", "/me/findMeetingTimes", &slow).await.code(), "504 ErrorTimeoutExpired");
    let narrow = scene.caller("alice@contoso", READ).send("POST", "/me/findMeetingTimes", &day).await;
    assert_eq!(narrow.code(), "403 ErrorAccessDenied");
}
