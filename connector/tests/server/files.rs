//! Files, folders, sites and pages: what Graph is asked, with which permission, and where the content comes from.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

use crate::scene::{ALICE, Scene};
use crate::stub::serve;

pub(crate) const URI: &str = "file:///b%21drive/01ABC";

/// The host of downloads: what it answers, and what came.
#[derive(Clone)]
pub(crate) struct Content {
    answer: (u16, Vec<u8>, Option<String>),
    came: Arc<Mutex<Vec<HeaderMap>>>,
}

async fn fetch(State(content): State<Content>, headers: HeaderMap) -> Response {
    content.came.lock().unwrap().push(headers);
    let (status, body, location) = content.answer;
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location.parse().unwrap());
    }
    response
}

pub(crate) async fn content(status: u16, body: &[u8], location: Option<&str>) -> (Url, Content) {
    let content = Content { answer: (status, body.to_vec(), location.map(str::to_owned)), came: Arc::default() };
    (serve(Router::new().fallback(fetch).with_state(content.clone())).await, content)
}

pub(crate) async fn scene(downloads: &Url) -> Scene {
    let origin = downloads.origin().ascii_serialization();
    let scene = Scene::with(|config| {
        config.graph.downloads = vec![origin];
        config.limits.calls_per_minute = 0;
        config.documents.worker = Some(env!("CARGO_BIN_EXE_offline365-connector").into());
    })
    .await;
    for scope in ["Sites.Read.All", "Files.Read", "Files.Read.All"] {
        scene.stub.consent(scope);
    }
    scene
}

fn drive(kind: &str, owner: &str) -> Value {
    json!({ "id": "b!drive", "driveType": kind, "owner": { "user": { "id": owner } } })
}

fn file(name: &str, size: u64) -> Value {
    json!({ "id": "01ABC", "name": name, "size": size, "file": { "mimeType": "text/plain" } })
}

fn scopes(scene: &Scene) -> Vec<String> {
    scene.stub.exchanges().iter().map(|(_, form)| form["scope"].replace("https://graph.microsoft.com/", "")).collect()
}

pub(crate) fn found(scene: &Scene, kind: &str, owner: &str, name: &str, location: &str) {
    scene.stub.script(200, vec![], drive(kind, owner));
    scene.stub.script(200, vec![], file(name, 20));
    scene.stub.script(302, vec![("location", location.to_owned())], json!({}));
}

#[tokio::test]
async fn a_file_is_fetched_without_the_token() {
    let (downloads, content) = content(200, b"the plan of the year", None).await;
    let scene = scene(&downloads).await;
    found(&scene, "documentLibrary", "nobody", "plan.txt", &format!("{downloads}download.aspx?tempauth=x"));
    let result = scene.tool("read_resource", json!({ "uri": URI })).await.result();
    let document = &result["structuredContent"];
    assert_eq!((&document["kind"], &document["content"]), (&json!("file"), &json!("the plan of the year")));
    let paths: Vec<_> = scene.stub.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(
        paths,
        ["/v1.0/drives/b%21drive", "/v1.0/drives/b%21drive/items/01ABC", "/v1.0/drives/b%21drive/items/01ABC/content"]
    );
    let came = content.came.lock().unwrap();
    assert_eq!(came.len(), 1);
    assert!(!came[0].contains_key(header::AUTHORIZATION), "{came:?}");
}

#[tokio::test]
async fn each_drive_needs_the_permission_that_is_promised_for_it() {
    let (downloads, _) = content(200, b"the plan of the year", None).await;
    for (kind, owner, needed) in [
        ("documentLibrary", "anybody", "Sites.Read.All"),
        ("business", ALICE, "Files.Read"),
        ("business", "somebody else", "Files.Read Files.Read.All"),
        // What is not known is treated as the widest.
        ("new kind", ALICE, "Sites.Read.All"),
    ] {
        let scene = scene(&downloads).await;
        found(&scene, kind, owner, "a.txt", &format!("{downloads}a"));
        scene.tool("read_resource", json!({ "uri": URI })).await.result();
        assert_eq!(scopes(&scene).last().map(String::as_str), Some(needed), "{kind}");
        // Without it nothing is read, although Graph would take another one that is there.
        for scope in needed.split(' ') {
            let scene = self::scene(&downloads).await;
            scene.stub.revoke(scope);
            scene.stub.script(200, vec![], drive(kind, owner));
            let answer = scene.tool("read_resource", json!({ "uri": URI })).await;
            assert_eq!(answer.code(), "CONSENT_REQUIRED", "{kind} without {scope}");
            assert!(scene.stub.asked().iter().all(|asked| !asked.path.contains("/items/")), "{kind} without {scope}");
        }
    }
}

#[tokio::test]
async fn a_redirect_that_leads_elsewhere_is_not_followed() {
    let (downloads, content) = content(200, b"the plan of the year", None).await;
    let (other, not_ours) = self::content(200, b"the plan of the year", None).await;
    for location in [other.as_str(), "https://files.attacker.example/a", "/relative", "file:///etc/passwd", ""] {
        let scene = scene(&downloads).await;
        found(&scene, "documentLibrary", "nobody", "plan.txt", location);
        let answer = scene.tool("read_resource", json!({ "uri": URI })).await;
        assert_eq!(answer.code(), "UPSTREAM_ERROR", "{location}");
    }
    assert!(content.came.lock().unwrap().is_empty() && not_ours.came.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_host_of_downloads_that_fails_is_one_refusal() {
    for (status, location, code) in [
        (404, None, "NOT_FOUND"),
        (401, None, "NOT_FOUND"),
        (302, Some("https://files.attacker.example/a"), "UPSTREAM_ERROR"),
        (301, Some("/again"), "UPSTREAM_ERROR"),
        (500, None, "UPSTREAM_ERROR"),
    ] {
        let (downloads, _) = content(status, b"", location).await;
        let scene = scene(&downloads).await;
        found(&scene, "documentLibrary", "nobody", "plan.txt", &format!("{downloads}a"));
        assert_eq!(scene.tool("read_resource", json!({ "uri": URI })).await.code(), code, "{status}");
    }
}

#[tokio::test]
async fn what_is_not_read_is_refused_before_it_is_fetched() {
    let (downloads, content) = content(200, b"the plan of the year", None).await;
    for (name, mime, size, code) in [
        ("photo.png", "image/png", 20, "UNSUPPORTED_TYPE"),
        ("app.js", "application/x-javascript", 20, "UNSUPPORTED_TYPE"),
        ("big.txt", "text/plain", 40_000_000, "TOO_LARGE"),
    ] {
        let scene = scene(&downloads).await;
        scene.stub.script(200, vec![], drive("documentLibrary", "nobody"));
        let item = json!({ "id": "01ABC", "name": name, "size": size, "file": { "mimeType": mime } });
        scene.stub.script(200, vec![], item);
        let answer = scene.tool("read_resource", json!({ "uri": URI })).await;
        assert_eq!(answer.code(), code, "{name}");
        let told = answer.result().to_string();
        assert!(code == "TOO_LARGE" || told.contains(&format!("mime type '{mime}' is not allowed")), "{told}");
    }
    assert!(content.came.lock().unwrap().is_empty());
    // A size that Graph did not tell, or told wrongly.
    let (downloads, _) = self::content(200, &vec![b'a'; 33 * 1024 * 1024], None).await;
    let scene = scene(&downloads).await;
    found(&scene, "documentLibrary", "nobody", "plan.txt", &format!("{downloads}a"));
    assert_eq!(scene.tool("read_resource", json!({ "uri": URI })).await.code(), "TOO_LARGE");
}

#[tokio::test]
async fn a_name_is_looked_for_where_there_is_no_such_id() {
    let (downloads, _) = content(200, b"the plan of the year", None).await;
    let scene = scene(&downloads).await;
    scene.stub.script(200, vec![], drive("documentLibrary", "nobody"));
    scene.stub.script(404, vec![], json!({ "error": { "code": "itemNotFound" } }));
    scene.stub.script(200, vec![], json!({ "id": "01F", "name": "Reports: Q1", "folder": { "childCount": 1 } }));
    let children = json!({ "value": [file("a b.txt", 3)], "@odata.nextLink": null });
    scene.stub.script(200, vec![], children);
    let uri = "file:///b%21drive/Reports%3A%20Q1";
    let result = scene.tool("read_resource", json!({ "uri": uri })).await.result();
    let child = &result["structuredContent"]["metadata"]["children"][0];
    assert_eq!((&child["uri"], &child["name"], &child["readable"]), (&json!(URI), &json!("a b.txt"), &json!(true)));
    assert_eq!(scene.stub.asked()[2].path, "/v1.0/drives/b%21drive/root:/Reports%3A%20Q1");
}

#[tokio::test]
async fn a_page_is_read_as_its_text() {
    let (downloads, _) = content(200, b"", None).await;
    let scene = scene(&downloads).await;
    let text = json!({ "@odata.type": "#microsoft.graph.textWebPart", "innerHtml": "<h2>Welcome</h2><p>to the <b>intranet</b></p>" });
    let other = json!({ "data": { "serverProcessedContent": { "searchablePlainTexts": [{ "key": "t", "value": "News <today>" }] } } });
    let canvas = json!({ "horizontalSections": [{ "columns": [{ "webparts": [text, other] }] }] });
    scene.stub.script(200, vec![], json!({ "id": "p", "title": "Home", "canvasLayout": canvas }));
    let uri = "page:///sites/contoso.sharepoint.com%2Ca%2Cb/pages/p";
    let result = scene.tool("read_resource", json!({ "uri": uri })).await.result();
    let content = result["structuredContent"]["content"].as_str().unwrap();
    assert!(
        content.contains("Welcome") && content.contains("intranet") && content.contains("News <today>"),
        "{content}"
    );
    let asked = &scene.stub.asked()[0];
    assert_eq!(asked.path, "/v1.0/sites/contoso.sharepoint.com%2Ca%2Cb/pages/p/microsoft.graph.sitePage");
    assert_eq!(scopes(&scene), ["Sites.Read.All"]);
}
