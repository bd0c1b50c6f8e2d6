//! Every query option, against the same done by hand.

use serde_json::Value;

use crate::scene::{ALL, Caller, Scene};

async fn filtered(alice: &Caller<'_>, filter: &str) -> Vec<String> {
    let query = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
    let all = alice.all(&format!("/me/messages?$top=50&$filter={query}")).await;
    all.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect()
}

type Test = Box<dyn Fn(&Value) -> bool>;

fn text(message: &Value, path: &str) -> String {
    message.pointer(path).and_then(Value::as_str).unwrap_or_default().to_lowercase()
}

fn people(message: &Value, name: &str, address: &str) -> bool {
    message[name].as_array().unwrap().iter().any(|person| text(person, "/emailAddress/address") == address)
}

#[tokio::test]
async fn filters_keep_what_they_say() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let all = alice.all("/me/messages?$top=1000").await;
    let cases: Vec<(&str, Test)> = vec![
        ("isRead eq false", Box::new(|message| message["isRead"] == false)),
        ("not isRead", Box::new(|message| message["isRead"] == false)),
        ("hasAttachments eq true", Box::new(|message| message["hasAttachments"] == true)),
        ("hasAttachments ne true", Box::new(|message| message["hasAttachments"] != true)),
        ("importance eq 'high'", Box::new(|message| message["importance"] == "high")),
        ("flag/flagStatus eq 'flagged'", Box::new(|message| message["flag"]["flagStatus"] == "flagged")),
        ("subject eq 'BUDGET 2026'", Box::new(move |message| text(message, "/subject") == "budget 2026")),
        ("contains(subject,'budget')", Box::new(move |message| text(message, "/subject").contains("budget"))),
        ("startswith(subject,'re:')", Box::new(move |message| text(message, "/subject").starts_with("re:"))),
        (
            "endswith(tolower(subject),'2026') eq true",
            Box::new(move |message| text(message, "/subject").ends_with("2026")),
        ),
        (
            "from/emailAddress/address eq 'carol@contoso.example'",
            Box::new(move |message| text(message, "/from/emailAddress/address") == "carol@contoso.example"),
        ),
        (
            "(from/emailAddress/address) eq 'carol@contoso.example' and isRead eq true",
            Box::new(move |message| {
                text(message, "/from/emailAddress/address") == "carol@contoso.example" && message["isRead"] == true
            }),
        ),
        (
            "receivedDateTime ge 2026-01-05T00:00:00Z and receivedDateTime lt 2026-01-10T00:00:00Z",
            Box::new(move |message| ("2026-01-05".."2026-01-10").contains(&&text(message, "/receivedDateTime")[..10])),
        ),
        (
            "receivedDateTime gt 2026-01-05",
            Box::new(move |message| text(message, "/receivedDateTime").as_str() > "2026-01-05t00:00:00z"),
        ),
        (
            "toRecipients/any(r:r/emailAddress/address eq 'alice@contoso.example')",
            Box::new(move |message| people(message, "toRecipients", "alice@contoso.example")),
        ),
        (
            "not ccRecipients/any(c: startswith(c/emailAddress/address,'alice'))",
            Box::new(move |message| {
                !message["ccRecipients"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|person| text(person, "/emailAddress/address").starts_with("alice"))
            }),
        ),
        (
            "categories/any(c:c eq 'Budget')",
            Box::new(|message| message["categories"].as_array().unwrap().contains(&Value::from("Budget"))),
        ),
        (
            "importance in ('high','low') or isDraft eq true",
            Box::new(|message| message["importance"] != "normal" || message["isDraft"] == true),
        ),
    ];
    for (filter, test) in cases {
        let by_hand: Vec<_> = all
            .iter()
            .filter(|message| test(message))
            .map(|message| message["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(filtered(&alice, filter).await, by_hand, "{filter}");
        if !filter.contains("'low'") && !filter.contains("importance") && !filter.starts_with("endswith") {
            assert!(
                !by_hand.is_empty() && by_hand.len() < all.len(),
                "{filter} tells nothing apart: {}",
                by_hand.len()
            );
        }
    }
    let id = all[3]["internetMessageId"].as_str().unwrap();
    assert_eq!(filtered(&alice, &format!("internetMessageId eq '{id}'")).await, [all[3]["id"].as_str().unwrap()]);
}

#[tokio::test]
async fn an_order_needs_its_property_in_the_filter_first() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    for (query, status) in [
        (
            "$filter=receivedDateTime ge 1900-01-01T00:00:00Z and from/emailAddress/address eq 'carol@contoso.example'&$orderby=receivedDateTime desc",
            200,
        ),
        (
            "$filter=from/emailAddress/address eq 'carol@contoso.example' and receivedDateTime ge 1900-01-01T00:00:00Z&$orderby=receivedDateTime desc",
            400,
        ),
        ("$filter=from/emailAddress/address eq 'carol@contoso.example'&$orderby=receivedDateTime desc", 400),
        ("$filter=isRead eq true&$orderby=isRead,subject", 400),
        ("$filter=from/emailAddress/address eq 'carol@contoso.example'", 200),
        ("$orderby=subject", 200),
    ] {
        let reply = alice.get(&format!("/me/messages?{query}")).await;
        assert_eq!(reply.status, status, "{query}");
        if status == 400 {
            assert_eq!(reply.code(), "400 InefficientFilter", "{query}");
        }
    }
    let subjects = alice.all("/me/messages?$orderby=subject desc&$top=4").await;
    let subjects: Vec<_> = subjects.iter().map(|message| message["subject"].as_str().unwrap().to_lowercase()).collect();
    let mut sorted = subjects.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!(subjects, sorted);
}

#[tokio::test]
async fn search_finds_words_where_they_are_looked_for() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let count = async |search: &str| {
        let search = percent_encoding::utf8_percent_encode(search, percent_encoding::NON_ALPHANUMERIC);
        alice.get(&format!("/me/messages?$search={search}&$top=1000")).await.values().len()
    };
    let all = alice.all("/me/messages?$top=1000").await.len();
    assert_eq!(count("\"wolmdorkquol\"").await, 1, "a word of one body");
    assert_eq!(count("\"wolmdork*\"").await, 1, "a beginning");
    assert_eq!(count("\"wolmdork\"").await, 0, "half a word is none");
    assert_eq!(count("wolmdorkquol").await, 1, "without the quotes");
    assert_eq!(count("\"body:wolmdorkquol\"").await, 1);
    assert_eq!(count("\"subject:wolmdorkquol\"").await, 0);
    let (from, subject) = (count("\"from:carol\"").await, count("\"subject:budget\"").await);
    assert!(from > 0 && subject > 0);
    let both = count("\"from:carol subject:budget\"").await;
    assert_eq!(both, count("\"from:carol AND subject:budget\"").await);
    assert_eq!(count("\"from:carol OR subject:budget\"").await, from + subject - both);
    assert_eq!(count("\"NOT from:carol\"").await, all - from);
    assert_eq!(count("\"from:carol from:bob\"").await, count("\"from:carol OR from:bob\"").await);
    let phrase = filtered(&alice, "contains(subject,'budget 2026')").await.len();
    assert_eq!(count("\"subject:\\\"budget 2026\\\"\"").await, phrase);
    assert_eq!(count("\"hasAttachments:true\"").await + count("\"hasAttachments:false\"").await, all);
    assert_eq!(count("\"received>=2026-01-05\"").await + count("\"received<2026-01-05\"").await, all);
    assert_eq!(count("\"size:0..99999999\"").await, all);
    assert_eq!(count("\"kind:email\"").await, all);
    assert_eq!(
        count("\"participants:alice@contoso.example\"").await,
        count("\"from:alice@contoso.example OR recipients:alice@contoso.example\"").await
    );
    let sent: Vec<_> = alice
        .get("/me/messages?$search=\"budget\"&$top=1000")
        .await
        .values()
        .iter()
        .map(|message| message["sentDateTime"].as_str().unwrap().to_owned())
        .collect();
    assert!(sent.is_sorted_by(|left, right| left >= right), "newest first");
}

#[tokio::test]
async fn select_shows_what_it_names() {
    let scene = Scene::new().await;
    let alice = scene.caller(fixtures::cast::ALICE, ALL);
    let one = &alice.get("/me/messages?$top=1&$select=Subject, isRead").await.values()[0];
    let names: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["@odata.etag", "id", "isRead", "subject"]);
    let one = &alice.get("/me/messages?$top=1&$select=internetMessageHeaders").await.values()[0];
    assert!(one["internetMessageHeaders"].as_array().unwrap().iter().any(|header| header["name"] == "Subject"));
    assert!(alice.get("/me/messages?$top=1").await.values()[0].get("internetMessageHeaders").is_none());
    let counted = alice.get("/me/messages?$count=true&$top=1&$filter=isRead eq true").await.json();
    assert_eq!(counted["@odata.count"], filtered(&alice, "isRead eq true").await.len());
}
