//! Every request that is ever sent upstream, under every way in which its answer can go wrong: the answer as ever after another attempt, or a
//! clear refusal in time; never something made of half an answer, and no request to anybody else.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse as _;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use url::Url;

use crate::chaos::elsewhere;
use crate::scene::{ALICE, Scene, message};
use crate::stub::{Fault, Place, serve};

/// One request: what is called, what Graph answers one after the other, and which of its answers goes wrong.
struct Case {
    name: &'static str,
    tool: &'static str,
    with: Value,
    answers: Vec<Answer>,
    /// How many answers are as they should be before the one in question; `None`: that one is the download.
    before: Option<usize>,
    /// Left out of what is granted.
    without: Option<&'static str>,
}

enum Answer {
    Json(Value),
    /// To the host of downloads.
    Download,
}

impl Case {
    fn new(name: &'static str, tool: &'static str, with: Value, answers: Vec<Value>, before: usize) -> Self {
        let answers = answers.into_iter().map(Answer::Json).collect();
        Self { name, tool, with, answers, before: Some(before), without: None }
    }

    fn read(name: &'static str, uri: &str, answers: Vec<Value>, before: usize) -> Self {
        Self::new(name, "read_resource", json!({ "uri": uri }), answers, before)
    }

    /// One of a file's three answers, or its download.
    fn file(name: &'static str, before: Option<usize>) -> Self {
        let drive = json!({ "id": "b!drive", "driveType": "documentLibrary", "owner": { "user": { "id": "nobody" } } });
        let item =
            json!({ "id": "01ABC", "name": "plan.txt", "size": PLAN.len(), "file": { "mimeType": "text/plain" } });
        let mut case = Self::read(name, "file:///b%21drive/01ABC", vec![drive, item], 0);
        case.answers.push(Answer::Download);
        case.before = before;
        case
    }
}

const PLAN: &str = "the plan of the year";

fn cases() -> Vec<Case> {
    let folder = json!({ "value": [{ "id": "p", "displayName": "Projects", "childFolderCount": 0 }] });
    let mail = message("m", "Hello", "2026-01-11T08:00:00Z");
    let mails = json!({ "value": [mail] });
    let when = |hour: u32| json!({ "dateTime": format!("2026-01-13T{hour:02}:00:00.0000000"), "timeZone": "UTC" });
    let event = json!({ "id": "e", "subject": "Review", "start": when(9), "end": when(10), "isAllDay": false });
    let events = json!({ "value": [event] });
    let said = json!({ "summary": "budget", "resource": {
        "id": "1", "chatId": "19:0bd0@thread.v2", "createdDateTime": "2026-01-09T08:00:00Z",
        "from": { "emailAddress": { "name": "Bob", "address": "bob@contoso.example" } },
    } });
    let found =
        |hit: &Value| json!({ "value": [{ "hitsContainers": [{ "hits": [hit], "moreResultsAvailable": false }] }] });
    let file = json!({ "resource": {
        "id": "01ABC", "name": "plan.txt", "size": 20, "file": { "mimeType": "text/plain" },
        "webUrl": "https://contoso.sharepoint.com/plan.txt", "parentReference": { "driveId": "b!drive" },
    } });
    let board = json!({ "resource": {
        "id": "01F", "name": "Board", "folder": { "childCount": 1 },
        "webUrl": "https://contoso.sharepoint.com/Board", "parentReference": { "driveId": "b!drive" },
    } });
    let slot = json!({ "confidence": 100.0, "organizerAvailability": "free", "meetingTimeSlot": { "start": when(9), "end": when(10) } });
    let times = json!({ "emptySuggestionsReason": "", "meetingTimeSuggestions": [slot] });
    let schedule = json!({ "value": [
        { "scheduleId": "alice@contoso.example", "availabilityView": "0000" },
        { "scheduleId": "bob@contoso.example", "availabilityView": "0000" },
    ] });
    let meet = json!({
        "participants": ["bob@contoso.example"], "afterDateTime": "2026-01-13T09:00:00Z", "beforeDateTime": "2026-01-13T10:00:00Z",
    });
    let child = json!({ "value": [{ "id": "01C", "name": "a.txt", "size": 3, "file": { "mimeType": "text/plain" } }] });
    let library = json!({ "id": "b!drive", "driveType": "documentLibrary" });
    let root = json!({ "id": "01F", "name": "Board", "folder": { "childCount": 1 } });
    let site = json!({ "id": "contoso,a,b", "displayName": "Finance" });
    let drives = json!({ "value": [{ "id": "b!drive", "name": "Documents" }] });
    let page = json!({ "id": "p", "title": "Home", "canvasLayout": { "horizontalSections": [{ "columns": [{ "webparts": [
        { "@odata.type": "#microsoft.graph.textWebPart", "innerHtml": "<p>Welcome</p>" },
    ] }] }] } });
    let spoken = json!({ "id": "1", "createdDateTime": "2026-01-09T08:00:00Z", "body": { "contentType": "text", "content": "budget" } });
    let unshared = Case {
        without: Some("Calendars.Read.Shared"),
        ..Case::new("getSchedule", "find_meeting_availability", meet.clone(), vec![schedule], 0)
    };
    vec![
        Case::new("me", "get_me", json!({}), vec![json!({ "id": ALICE, "displayName": "Alice" })], 0),
        Case::new("messages", "outlook_email_search", json!({}), vec![mails.clone()], 0),
        Case::new("messages, searched", "outlook_email_search", json!({ "query": "hello" }), vec![mails.clone()], 0),
        Case::new(
            "mail folders",
            "outlook_email_search",
            json!({ "folderName": "Projects" }),
            vec![folder.clone(), mails.clone()],
            0,
        ),
        Case::new(
            "messages of a folder",
            "outlook_email_search",
            json!({ "folderName": "Projects" }),
            vec![folder.clone(), mails],
            1,
        ),
        Case::read("top folders", "mail:///folders/", vec![folder], 0),
        Case::read("message", "mail:///messages/m", vec![mail], 0),
        Case::new("calendar view", "outlook_calendar_search", json!({}), vec![events], 0),
        Case::read("event", "calendar:///events/e", vec![event], 0),
        Case::new("findMeetingTimes", "find_meeting_availability", meet, vec![times], 0),
        unshared,
        Case::new("search of chats", "chat_message_search", json!({ "query": "budget" }), vec![found(&said)], 0),
        Case::read("chat message", "teams:///chats/19%3A0bd0%40thread.v2/messages/1", vec![spoken], 0),
        Case::new("search of files", "sharepoint_search", json!({ "query": "plan" }), vec![found(&file)], 0),
        Case::new("search of folders", "sharepoint_folder_search", json!({ "name": "Board" }), vec![found(&board)], 0),
        Case::file("drive", Some(0)),
        Case::file("item", Some(1)),
        Case::file("content", Some(2)),
        Case::file("download", None),
        Case::read("children", "file:///b%21drive/01F", vec![library, root, child], 2),
        Case::read("site", "site:///contoso%2Ca%2Cb", vec![site], 0),
        Case::read("libraries", "drive:///sites/contoso%2Ca%2Cb", vec![drives], 0),
        Case::read("page", "page:///sites/contoso%2Ca%2Cb/pages/p", vec![page], 0),
    ]
}

fn faults(away: &Url) -> Vec<(&'static str, Fault)> {
    let away = format!("{away}v1.0/me/messages");
    vec![
        ("429, at once again", Fault::Status(429, Some("0"))),
        ("429, no word of when", Fault::Status(429, None)),
        ("429, in a minute", Fault::Status(429, Some("62"))),
        ("500", Fault::Status(500, None)),
        ("502", Fault::Status(502, None)),
        ("503, in a second", Fault::Status(503, Some("1"))),
        ("504", Fault::Status(504, None)),
        ("reset", Fault::Reset),
        ("slow", Fault::Hang),
        ("truncated", Fault::Truncated),
        ("without end", Fault::Endless),
        ("a page of HTML", Fault::Text("text/html", "<html>sign in</html>")),
        ("half a JSON", Fault::Text("application/json", "{\"value\":[{")),
        ("an empty object", Fault::Text("application/json", "{}")),
        ("another type", Fault::Text("text/html", "{\"value\":[]}")),
        ("a redirect", Fault::Redirect(away)),
    ]
}

type Queue = Arc<Mutex<VecDeque<Fault>>>;

/// A host of downloads whose first answers are those of the queue.
async fn downloads() -> (Url, Queue) {
    let queue = Queue::default();
    let faults = Arc::clone(&queue);
    let answer = move || {
        let fault = faults.lock().unwrap().pop_front();
        async move {
            match fault {
                Some(fault) => fault.answer().await,
                None => PLAN.into_response(),
            }
        }
    };
    (serve(Router::new().fallback(answer)).await, queue)
}

/// What the tool answers to the case, with this fault or none.
async fn ask(case: &Case, fault: Option<&Fault>) -> Value {
    let (host, queue) = downloads().await;
    let origin = host.origin().ascii_serialization();
    let scene = Scene::with(|config| {
        config.graph.downloads = vec![origin];
        config.limits.request_seconds = 1;
        config.limits.calls_per_minute = 0;
        config.documents.worker = Some(env!("CARGO_BIN_EXE_offline365-connector").into());
    })
    .await;
    for scope in ["Sites.Read.All", "Files.Read", "Calendars.Read", "Calendars.Read.Shared"] {
        if case.without != Some(scope) {
            scene.stub.consent(scope);
        }
    }
    for answer in &case.answers {
        match answer {
            Answer::Json(body) => scene.stub.script(200, vec![], body.clone()),
            Answer::Download => scene.stub.script(302, vec![("location", format!("{host}plan"))], json!({})),
        }
    }
    if let Some(fault) = fault {
        match case.before {
            Some(before) => {
                scene.stub.spare(Place::Graph, before);
                scene.stub.fail(Place::Graph, fault, 1);
            }
            None => queue.lock().unwrap().push_back(fault.clone()),
        }
    }
    let asked = scene.tool(case.tool, case.with.clone());
    let answer = tokio::time::timeout(Duration::from_secs(10), asked).await;
    answer.unwrap_or_else(|_| panic!("{}: no answer in time under {fault:?}", case.name)).result()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_under_every_fault_is_answered_as_ever_or_refused() {
    let (away, seen) = elsewhere().await;
    let faults = faults(&away);
    let told = stream::iter(cases()).map(|case| {
        let faults = &faults;
        async move {
            let as_ever = ask(&case, None).await;
            assert_ne!(as_ever["isError"], true, "{}: {as_ever}", case.name);
            let outcomes = stream::iter(faults).map(|(name, fault)| {
                let (case, as_ever) = (&case, &as_ever);
                async move {
                    let answer = ask(case, Some(fault)).await;
                    let outcome = match answer["structuredContent"]["error"]["code"].as_str() {
                        Some(code) => code.to_owned(),
                        None if answer == *as_ever => "as ever".to_owned(),
                        None => format!("made of it: {}", answer["structuredContent"]),
                    };
                    (*name, outcome)
                }
            });
            let outcomes: BTreeMap<_, _> = outcomes.buffered(4).collect().await;
            (case.name, outcomes)
        }
    });
    let told: BTreeMap<_, _> = told.buffered(4).collect().await;
    assert!(seen.lock().unwrap().is_empty(), "nobody else was asked");
    let made: Vec<_> =
        told.iter().filter(|(_, outcomes)| outcomes.values().any(|told| told.starts_with("made"))).collect();
    assert!(made.is_empty(), "{made:#?}");
    insta::assert_snapshot!("every_request_under_every_fault", table(&told));
}

/// By request, then by fault.
fn table(told: &BTreeMap<&str, BTreeMap<&str, String>>) -> String {
    let mut lines = Vec::new();
    for (request, outcomes) in told {
        lines.push(format!("{request}:"));
        lines.extend(outcomes.iter().map(|(fault, outcome)| format!("  {fault}: {outcome}")));
    }
    lines.join("\n")
}
