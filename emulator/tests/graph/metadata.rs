//! Every answer against Microsoft's metadata: an unknown property, a wrong type, a missing key.
//!
//! Open types may carry extensions in the real service; here are none, so that an unknown property is a mistake in them too.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::scene::{ALL, Scene};

/// What does not fit and why: `type.property`. An entry that nothing needs fails.
const EXCEPTIONS: [(&str, &str); 3] = [
    (
        "message.id",
        "an attached message has no id of its own, as the real service answers it: empty; one that is found has none at all",
    ),
    ("chatMessage.webLink", "what a search finds in chats is shaped like mail: /graph/search-concept-chat-messages"),
    ("chatMessageFromIdentitySet.emailAddress", "the same"),
];

#[derive(Debug, Default)]
struct Type {
    base: Option<&'static str>,
    properties: BTreeMap<&'static str, &'static str>,
}

struct Metadata {
    types: BTreeMap<&'static str, Type>,
    enums: BTreeMap<&'static str, Vec<&'static str>>,
}

fn metadata() -> &'static Metadata {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        let mut read = Metadata { types: BTreeMap::new(), enums: BTreeMap::new() };
        for line in include_str!("metadata.txt").lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let (kind, name) = (words.next().unwrap(), words.next().unwrap());
            if kind == "enum" {
                read.enums.insert(name, words.collect());
                continue;
            }
            let (name, base) = match name.trim_end_matches('*').split_once(':') {
                Some((name, base)) => (name, Some(base)),
                None => (name.trim_end_matches('*'), None),
            };
            let properties = words.filter_map(|word| word.split_once('=')).collect();
            read.types.insert(name, Type { base, properties });
        }
        read
    })
}

impl Metadata {
    /// The type and those it is made from, itself first.
    fn chain(&self, name: &str) -> Vec<(&'static str, &Type)> {
        let mut chain = Vec::new();
        let mut next = self.types.get_key_value(name);
        while let Some((name, found)) = next {
            chain.push((*name, found));
            next = found.base.and_then(|base| self.types.get_key_value(base));
        }
        chain
    }

    fn object(&self, value: &Value, name: &str, wrong: &mut Vec<String>) {
        let Some(map) = value.as_object() else {
            wrong.push(format!("{name}: no object"));
            return;
        };
        // What an item says of itself counts, if it is one of the kind.
        let said = map
            .get("@odata.type")
            .and_then(Value::as_str)
            .map(|said| said.trim_start_matches('#').trim_start_matches("microsoft.graph."));
        let name = said.filter(|said| self.chain(said).iter().any(|(base, _)| *base == name)).unwrap_or(name);
        let chain = self.chain(name);
        // Columns of a list are properties of their own, and those that are not selected are not there, `id` included.
        if name == "fieldValueSet" {
            return;
        }
        if chain.is_empty() {
            wrong.push(format!("{name}: no such type"));
        }
        if chain.iter().any(|(base, _)| *base == "entity")
            && map.get("id").and_then(Value::as_str).is_none_or(str::is_empty)
        {
            wrong.push(format!("{name}.id"));
        }
        for (property, value) in map.iter().filter(|(property, _)| !property.contains('@')) {
            match chain.iter().find_map(|(_, found)| found.properties.get(property.as_str())) {
                Some(kind) => self.value(value, kind, &format!("{name}.{property}"), wrong),
                None => wrong.push(format!("{name}.{property}")),
            }
        }
    }

    fn value(&self, value: &Value, kind: &str, place: &str, wrong: &mut Vec<String>) {
        let (kind, nullable) = (kind.trim_end_matches('?'), kind.ends_with('?'));
        if value.is_null() && nullable {
            return;
        }
        if let Some(inner) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
            match value.as_array() {
                Some(items) => items.iter().for_each(|item| self.value(item, inner, place, wrong)),
                None => wrong.push(place.to_owned()),
            }
            return;
        }
        let text = value.as_str();
        let fits = match kind {
            "Boolean" => value.is_boolean(),
            "Int16" | "Int32" | "Int64" => value.is_i64(),
            "Double" | "Single" | "Decimal" => value.is_number(),
            "DateTimeOffset" => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            "Binary" | "String" | "Guid" | "Duration" | "Date" | "TimeOfDay" | "Stream" => text.is_some(),
            kind if self.enums.contains_key(kind) => {
                text.is_some_and(|text| text.split(',').all(|word| self.enums[kind].contains(&word)))
            }
            kind => return self.object(value, kind, wrong),
        };
        if !fits {
            wrong.push(place.to_owned());
        }
    }
}

/// The type that an `@odata.context` speaks of, and whether of many.
fn subject(context: &str) -> Option<(&'static str, bool)> {
    let fragment = context.split_once('#')?.1;
    if fragment == "Collection(microsoft.graph.searchResponse)" {
        return Some(("searchResponse", true));
    }
    // What functions answer is named by its type.
    let named = |name: &str| metadata().types.get_key_value(name).map(|(name, _)| *name);
    if let Some(inner) = fragment.strip_prefix("Collection(").filter(|inner| !inner.starts_with("microsoft.graph.")) {
        return Some((named(inner.trim_end_matches(')'))?, true));
    }
    if let Some(inner) = fragment.strip_prefix("Collection(microsoft.graph.") {
        return Some((named(inner.trim_end_matches(')'))?, true));
    }
    if let Some(name) = fragment.strip_prefix("microsoft.graph.") {
        return Some((named(name)?, false));
    }
    let (path, is_one) = match fragment.strip_suffix("/$entity") {
        Some(path) => (path, true),
        None => (fragment, false),
    };
    // Keys and selections in parentheses say nothing about the type.
    let mut depth = 0;
    let bare: String = path
        .chars()
        .filter(|letter| {
            depth += i32::from(*letter == '(') - i32::from(*letter == ')');
            depth == 0 && *letter != ')'
        })
        .collect();
    let of_drives = bare.starts_with("drives");
    let of_teams = bare.starts_with("chats") || bare.starts_with("teams");
    let name = match bare.rsplit('/').next()? {
        "messages" | "replies" if of_teams => "chatMessage",
        "items" | "children" if of_drives => "driveItem",
        "driveItems" => "driveItem",
        "drives" => "drive",
        "permissions" => "permission",
        "versions" => "driveItemVersion",
        "thumbnails" => "thumbnailSet",
        "sites" => "site",
        "lists" => "list",
        "items" | "listItems" => "listItem",
        "fields" => "fieldValueSet",
        "columns" => "columnDefinition",
        "pages" => "baseSitePage",
        "microsoft.graph.sitePage" => "sitePage",
        "shares" => "sharedDriveItem",
        "chats" => "chat",
        "teams" => "team",
        "channels" => "channel",
        "members" => "conversationMember",
        "users" => "user",
        "messages" => "message",
        "mailFolders" | "childFolders" => "mailFolder",
        "attachments" => "attachment",
        "signIns" => "signIn",
        "calendars" | "calendar" => "calendar",
        "calendarGroups" => "calendarGroup",
        "events" | "calendarView" | "instances" => "event",
        "mailboxSettings" => "mailboxSettings",
        "directoryObjects" => "directoryObject",
        "groups" => "group",
        "directoryRoles" => "directoryRole",
        "organization" => "organization",
        "photo" | "photos" => "profilePhoto",
        _ => return None,
    };
    Some((name, !is_one && name != "mailboxSettings"))
}

/// What of an answer does not fit, without the exceptions.
pub(crate) fn misfits(body: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some((name, is_many)) = body["@odata.context"].as_str().and_then(subject) else { return wrong };
    if is_many {
        match body["value"].as_array() {
            Some(items) => items.iter().for_each(|item| metadata().object(item, name, &mut wrong)),
            None => wrong.push(format!("{name}: no collection")),
        }
    } else {
        metadata().object(body, name, &mut wrong);
    }
    // The directory shows a key only to who selects it; Exchange always.
    if body["@odata.context"].as_str().is_some_and(|context| context.contains("#users(") && name == "user") {
        wrong.retain(|what| what != "user.id");
    }
    wrong
}

/// The same, and what is excepted taken out.
pub(crate) fn unexcused(body: &Value) -> Vec<String> {
    let mut wrong = misfits(body);
    wrong.retain(|what| !EXCEPTIONS.iter().any(|(excepted, _)| what == excepted));
    wrong
}

#[test]
fn one_fault_of_each_kind_is_seen() {
    let body = |item: Value| json!({ "@odata.context": "https://x/v1.0/$metadata#users('1')/messages(subject)", "value": [item] });
    assert_eq!(misfits(&body(json!({ "id": "1", "subject": "s", "@odata.etag": "e" }))), [""; 0]);
    for (item, fault) in [
        (json!({ "id": "1", "subjekt": "s" }), "message.subjekt"),
        (json!({ "id": "1", "isRead": "yes" }), "message.isRead"),
        (json!({ "id": "1", "importance": "urgent" }), "message.importance"),
        (json!({ "id": "1", "receivedDateTime": "yesterday" }), "message.receivedDateTime"),
        (json!({ "id": "1", "from": { "emailAddress": { "adress": "a" } } }), "emailAddress.adress"),
        (json!({ "id": "1", "toRecipients": {} }), "message.toRecipients"),
        (json!({ "subject": "s" }), "message.id"),
    ] {
        assert_eq!(misfits(&body(item)), [fault]);
    }
}

/// Calendars, people, groups, organization: one answer of each kind is held against its type, and a fault in each is seen.
#[tokio::test]
async fn a_fault_in_an_answer_of_every_kind_is_seen() {
    let scene = Scene::new().await;
    let alice = scene.caller(
        fixtures::cast::ALICE,
        "User.Read.All Directory.Read.All Calendars.Read Calendars.Read.Shared MailboxSettings.Read Mail.Read",
    );
    let from_to = "startDateTime=2026-01-01T00:00:00Z&endDateTime=2027-12-01T00:00:00Z";
    let get = [
        "/me".to_owned(),
        "/users".to_owned(),
        "/me/manager".to_owned(),
        "/me/memberOf".to_owned(),
        "/me/memberOf/microsoft.graph.group".to_owned(),
        "/users/admin@contoso.example/memberOf/microsoft.graph.directoryRole".to_owned(),
        "/organization".to_owned(),
        "/me/photo".to_owned(),
        "/me/calendar".to_owned(),
        "/me/calendars".to_owned(),
        "/me/calendarGroups".to_owned(),
        "/me/events".to_owned(),
        format!("/me/calendarView?{from_to}"),
        "/me/mailboxSettings".to_owned(),
        "/me/mailFolders".to_owned(),
        "/me/messages".to_owned(),
    ];
    let mut bodies = Vec::new();
    for path in &get {
        bodies.push((path.clone(), alice.get(path).await.json()));
    }
    let slot = json!({ "start": { "dateTime": "2026-01-13T08:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2026-01-13T17:00:00", "timeZone": "UTC" } });
    let meeting =
        json!({ "attendees": [], "timeConstraint": { "activityDomain": "unrestricted", "timeSlots": [slot] } });
    let schedule = json!({ "schedules": ["bob@contoso.example"], "startTime": slot["start"], "endTime": slot["end"] });
    for (path, asked) in [("/me/findMeetingTimes", meeting), ("/me/calendar/getSchedule", schedule)] {
        bodies.push((path.to_owned(), alice.send("POST", path, &asked).await.json()));
    }
    for (path, body) in bodies {
        assert!(body.get("error").is_none(), "{path}: {body}");
        assert_eq!(unexcused(&body), [""; 0], "{path}");
        for fault in [plant_unknown, plant_type, plant_missing] {
            let mut faulty = body.clone();
            let item = match faulty.get_mut("value").and_then(Value::as_array_mut) {
                Some(items) => items.first_mut().unwrap_or_else(|| panic!("{path}: an empty list proves nothing")),
                None => &mut faulty,
            };
            if fault(item.as_object_mut().unwrap()) {
                assert!(!misfits(&faulty).is_empty(), "{path}: a planted fault was not seen: {faulty}");
            }
        }
    }
}

type Fields = serde_json::Map<String, Value>;

fn plant_unknown(item: &mut Fields) -> bool {
    item.insert("frobnicate".to_owned(), json!(1));
    true
}

/// The first property that is text becomes a number.
fn plant_type(item: &mut Fields) -> bool {
    let found = item.iter_mut().find(|(name, value)| !name.contains('@') && value.is_string());
    found.map(|(_, value)| *value = json!(7)).is_some()
}

/// The key, where there is one.
fn plant_missing(item: &mut Fields) -> bool {
    item.remove("id").is_some()
}

#[tokio::test]
async fn every_exception_is_needed() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let mut needed = Vec::new();
    let mut checked = 0;
    for path in ["/me", "/users", "/me/messages?$top=1000", "/me/mailFolders?$top=100", "/me/mailFolders/inbox"] {
        let body = alice.get(path).await.json();
        needed.extend(misfits(&body));
        checked += body["value"].as_array().map_or(1, Vec::len);
    }
    let dave = scene.caller(fixtures::cast::DAVE, ALL);
    let frank = scene.caller("frank@contoso", ALL);
    let mut kinds = std::collections::BTreeSet::new();
    for (who, message) in [
        (&alice, alice.all("/me/messages?$top=1000&$filter=hasAttachments eq true").await),
        (&dave, dave.all("/me/messages?$top=1000&$filter=hasAttachments eq true").await),
        (&frank, frank.all("/me/messages?$top=1000&$filter=hasAttachments eq true").await),
    ]
    .into_iter()
    .flat_map(|(who, messages)| messages.into_iter().map(move |message| (who, message)))
    {
        let id = message["id"].as_str().unwrap();
        for attachment in who.all(&format!("/me/messages/{id}/attachments")).await {
            kinds.insert(attachment["@odata.type"].as_str().unwrap().to_owned());
            let is_item = attachment["@odata.type"] == "#microsoft.graph.itemAttachment";
            let expand = if is_item { "?$expand=microsoft.graph.itemAttachment/item" } else { "" };
            let path = format!("/me/messages/{id}/attachments/{}{expand}", attachment["id"].as_str().unwrap());
            needed.extend(misfits(&who.get(&path).await.json()));
            checked += 1;
        }
    }
    let all = ["file", "item", "reference"].map(|kind| format!("#microsoft.graph.{kind}Attachment"));
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all, "all three kinds are in the fixtures");
    let talker = scene.caller(fixtures::cast::ALICE, "Chat.Read");
    let body = json!({ "requests": [{ "entityTypes": ["chatMessage"], "query": { "queryString": "budget" } }] });
    needed.extend(misfits(&talker.send("POST", "/search/query", &body).await.json()));
    assert!(checked > 50, "{checked}");
    let unknown: Vec<_> = needed.iter().filter(|what| !EXCEPTIONS.iter().any(|(name, _)| name == what)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let stale: Vec<_> = EXCEPTIONS.iter().filter(|(name, _)| !needed.iter().any(|what| what == name)).collect();
    assert!(stale.is_empty(), "{stale:?}");
}
