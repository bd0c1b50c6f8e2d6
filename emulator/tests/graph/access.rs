//! Who may read what: measured, compared with what fixture rows say by hand, and kept as one reviewed matrix.

use std::collections::BTreeSet;

use fixtures::plan::PersonKind;
use serde_json::json;

use crate::scene::{Reply, Scene};

const SCOPES: [(&str, &str); 4] = [
    ("own", "User.Read Mail.Read Calendars.Read Files.Read"),
    ("basic", "User.Read Mail.ReadBasic Calendars.ReadBasic"),
    (
        "shared",
        "User.ReadBasic.All Mail.Read Mail.Read.Shared Calendars.Read Calendars.Read.Shared Files.Read.All Sites.Read.All",
    ),
    ("none", "User.Read"),
];

fn holds(reply: &Reply, canary: &str) -> bool {
    String::from_utf8_lossy(&reply.bytes).contains(canary)
}

/// Every event, asked for by everybody of its tenant with every scope there is.
#[tokio::test]
async fn events_are_read_by_their_readers_and_nobody_else() {
    let scene = Scene::new().await;
    for tenant in scene.plan.tenants.iter().filter(|tenant| !tenant.calendars.events.is_empty()) {
        let people: Vec<_> = tenant.people.iter().filter(|person| person.enabled).collect();
        for owner in people.iter().filter(|owner| owner.has_mailbox()) {
            let of = owner.reference(tenant);
            let events: Vec<_> = tenant.calendars.events.iter().filter(|event| event.owner == of).collect();
            // Nobody signs in as a room or a shared mailbox.
            for person in people.iter().filter(|person| matches!(person.kind, PersonKind::Member | PersonKind::Guest)) {
                let who = person.reference(tenant);
                let caller = scene.caller(&who, SCOPES[2].1);
                let read =
                    caller.get(&format!("/users/{}/events?$top=500&$expand=attachments", owner.upn(tenant))).await;
                let time = |text: &str| json!({ "dateTime": text, "timeZone": "UTC" });
                let body = json!({ "schedules": [owner.upn(tenant)], "startTime": time("2026-01-05T00:00:00"), "endTime": time("2026-03-01T00:00:00") });
                let told = caller.send("POST", "/me/calendar/getSchedule", &body).await;
                for event in &events {
                    let canary = event.canary.as_deref().unwrap();
                    assert_eq!(holds(&read, canary), event.readers.contains(&who), "{who} reads {}", event.handle);
                    let may_be_told = event.readers.contains(&who) || event.viewers.contains(&who);
                    assert!(may_be_told || !holds(&told, canary), "{who} is told of {}", event.handle);
                    if !event.viewers.is_empty() {
                        assert_eq!(holds(&told, canary), may_be_told, "{who} is told of {}", event.handle);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn the_access_matrix() {
    let scene = Scene::new().await;
    let items = [
        ("mail of alice", "/users/alice@contoso.example/messages?$top=500", "contoso/mail/alice/budget"),
        ("mail of support", "/users/support@contoso.example/messages?$top=500", "contoso/mail/support/support-bug"),
        ("event of alice", "/users/alice@contoso.example/events?$top=500", "contoso/calendar/alice/board"),
        ("private event of alice", "/users/alice@contoso.example/events?$top=500", "contoso/calendar/alice/doctor"),
        (
            "event of alice, Project Falcon",
            "/users/alice@contoso.example/events?$top=500",
            "contoso/calendar/alice/falcon-kickoff",
        ),
        ("event of bob", "/users/bob@contoso.example/events?$top=500", "contoso/calendar/bob/sales-call"),
        (
            "private event of support",
            "/users/support@contoso.example/events?$top=500",
            "contoso/calendar/support/escalation",
        ),
        (
            "event of mallory",
            "/users/mallory@fabrikam.example/events?$top=500",
            "fabrikam/calendar/mallory/budget-review",
        ),
        ("file of alice", "/users/alice@contoso.example/drive/search(q='')", "contoso/files/alice/budget"),
        (
            "file of alice, shared",
            "/users/alice@contoso.example/drive/root:/Shared/Team%20plan.docx",
            "contoso/files/alice/shared-plan",
        ),
        (
            "file of alice, taken back",
            "/users/alice@contoso.example/drive/root:/Shared/Old%20forecast.xlsx",
            "contoso/files/alice/taken-back",
        ),
        (
            "file of alice, linked to the organization",
            "/users/alice@contoso.example/drive/root:/Links/For%20the%20company.docx",
            "contoso/files/alice/link-organization",
        ),
        (
            "file of alice, blocked",
            "/users/alice@contoso.example/drive/root:/Shared/Card%20numbers.csv",
            "contoso/files/alice/card-numbers",
        ),
        (
            "file of finance",
            "/sites/contoso.sharepoint.example:/sites/finance:/drive/root:/Forecast/Forecast%202026.xlsx",
            "contoso/files/finance/forecast",
        ),
        (
            "file of finance, unique permissions",
            "/sites/contoso.sharepoint.example:/sites/finance:/drive/root:/Payroll/Payroll%20January.xlsx",
            "contoso/files/finance/payroll",
        ),
        ("items of a list", "/sites/contoso.sharepoint.example:/sites/finance:/lists", "Vendors"),
        ("profile of alice", "/users/alice@contoso.example?$select=id,displayName,jobTitle", "Head of Finance"),
        ("all users", "/users?$top=500", "Alice Hansen"),
    ];
    let canary = |handle: &str| {
        let tenants = &scene.plan.tenants;
        let mail = tenants.iter().flat_map(|tenant| &tenant.messages).find(|row| row.handle == handle);
        let event = tenants.iter().flat_map(|tenant| &tenant.calendars.events).find(|row| row.handle == handle);
        let file = tenants.iter().flat_map(|tenant| &tenant.files.files).find(|row| row.handle == handle);
        // What a file holds is behind a redirect: whoever sees it sees its name.
        let name = file.and_then(|row| row.path.rsplit('/').next()).map(str::to_owned);
        let found = name
            .or_else(|| mail.and_then(|row| row.canary.clone()))
            .or_else(|| event.and_then(|row| row.canary.clone()));
        assert!(found.is_some() || !handle.contains('/'), "{handle}");
        found.unwrap_or_else(|| handle.to_owned())
    };
    let actors =
        ["alice", "bob", "carol", "dave", "erin", "frank", "admin", "gina"].map(|name| format!("{name}@contoso"));
    let mut matrix = Vec::new();
    for (item, path, handle) in items {
        let word = canary(handle);
        for (name, scopes) in SCOPES {
            let mut cells = Vec::new();
            for actor in actors.iter().map(String::as_str).chain(["mallory@fabrikam"]) {
                let reply = scene.caller(actor, scopes).get(path).await;
                let cell = match (reply.status, holds(&reply, &word)) {
                    (200, true) => "yes".to_owned(),
                    (200, false) => "not shown".to_owned(),
                    (status, _) => status.to_string(),
                };
                cells.push(format!("{actor} {cell}"));
            }
            matrix.push(format!("{item} | {name} | {}", cells.join(", ")));
        }
    }
    assert_eq!(matrix.iter().collect::<BTreeSet<_>>().len(), items.len() * SCOPES.len());
    insta::assert_json_snapshot!("access_matrix", matrix);
}
