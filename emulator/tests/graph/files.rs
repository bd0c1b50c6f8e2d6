//! Drives, items by id and by path, lists, content on the other host.

use std::collections::BTreeMap;

use fixtures::plan::PersonKind;
use serde_json::Value;

use crate::scene::{Reply, Scene};

const FILES: &str = "User.Read Files.Read.All Sites.Read.All";

/// Drive ids by what rows call them: `alice@contoso`, `finance/Documents`.
pub(crate) fn drive_ids(scene: &Scene, tenant: &str) -> BTreeMap<String, String> {
    let world = scene.running.state().world();
    let here = world.tenant_named(tenant).unwrap();
    here.drives
        .values()
        .map(|drive| {
            let name = match &drive.kind {
                emulator::drive::Kind::Personal(owner) => {
                    format!("{}@{tenant}", here.directory.user(*owner).unwrap().name)
                }
                emulator::drive::Kind::Library(site) => format!("{site}/{}", drive.name),
            };
            (name, drive.id.clone())
        })
        .collect()
}

fn encoded(path: &str) -> String {
    percent_encode(path)
}

pub(crate) fn percent_encode(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

async fn download(scene: &Scene, redirect: &Reply) -> Reply {
    assert_eq!(redirect.status, 302);
    assert!(redirect.bytes.is_empty());
    scene.send(scene.request("GET", redirect.header("location"))).await
}

/// Every file, asked for by everybody of its tenant, by path and by id: who reads it was said by hand.
#[tokio::test]
async fn files_are_read_by_their_readers_and_nobody_else() {
    let scene = Scene::new().await;
    let mut asked = 0;
    for tenant in &scene.plan.tenants {
        let drives = drive_ids(&scene, &tenant.name);
        let people = tenant.people.iter().filter(|person| person.enabled);
        for person in people.filter(|person| matches!(person.kind, PersonKind::Member | PersonKind::Guest)) {
            let who = person.reference(tenant);
            let caller = scene.caller(&who, FILES);
            for file in &tenant.files.files {
                let at = format!("/drives/{}/root:/{}", drives[&file.drive], encoded(&file.path));
                let reply = caller.get(&at).await;
                let may = file.readers.contains(&who);
                assert_eq!(reply.status == 200, may, "{who} and {}: {}", file.handle, reply.code());
                assert!(may || [403, 404].contains(&reply.status), "{who} and {}", file.handle);
                asked += 1;
                if may {
                    let id = reply.json()["id"].as_str().unwrap().to_owned();
                    let by_id = caller.get(&format!("/drives/{}/items/{id}/content", drives[&file.drive])).await;
                    assert_eq!(download(&scene, &by_id).await.bytes, *file.content, "{}", file.handle);
                }
            }
        }
    }
    assert!(asked > 300, "{asked}");
}

#[tokio::test]
async fn a_drive_and_what_is_in_it() {
    let scene = Scene::new().await;
    let alice = scene.caller("alice@contoso", "Files.Read");
    let drive = alice.get("/me/drive").await.json();
    assert_eq!((drive["driveType"].as_str(), drive["name"].as_str()), (Some("business"), Some("OneDrive")));
    let names = |values: Vec<Value>| -> Vec<String> {
        values.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let root = names(alice.get("/me/drive/root/children").await.values());
    assert_eq!(
        root,
        ["Contracts", "Guests", "Links", "notes.txt", "Private", "Project Falcon", "Reports", "Shared", "todo.md"]
    );
    for path in [
        "/me/drive/root:/Reports:/children",
        "/users/alice@contoso.example/drive/root:/Reports:/children",
        "/me/drive/root:/reports/:/children",
    ] {
        assert_eq!(names(alice.get(path).await.values()), ["Annual plan.docx", "Budget 2026.xlsx"], "{path}");
    }
    let found = names(alice.get("/me/drive/root/search(q='budget')").await.values());
    assert_eq!(found.len(), 4, "{found:?}");
    let first = alice.get("/me/drive/root/children?$top=4&$select=name").await;
    let mut paged = names(first.values());
    let mut next = first.json()["@odata.nextLink"].as_str().map(str::to_owned);
    while let Some(link) = next {
        let page = alice.get(&link).await;
        paged.extend(names(page.values()));
        next = page.json()["@odata.nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(paged, root);
    let mallory = scene.caller("mallory@fabrikam", FILES);
    let foreign = mallory.get(&format!("/drives/{}", drive["id"].as_str().unwrap())).await;
    assert_eq!(foreign.code(), "404 itemNotFound");
    assert!(scene.running.unmodelled().is_empty(), "{:?}", scene.running.unmodelled());
}

#[tokio::test]
async fn content_comes_from_another_host_without_a_token_and_in_ranges() {
    let scene = Scene::new().await;
    let alice = scene.caller("alice@contoso", "Files.Read");
    let redirect = alice.get("/me/drive/root:/notes.txt:/content").await;
    let url = redirect.header("location").to_owned();
    assert!(url.starts_with(scene.running.content.as_str()), "{url}");
    assert_ne!(scene.running.content.port(), scene.running.graph.port());
    let whole = download(&scene, &redirect).await;
    assert_eq!(whole.header("content-type"), "text/plain");
    let part = scene.send(scene.request("GET", &url).header("range", "bytes=2-5")).await;
    assert_eq!((part.status, part.bytes.as_slice()), (206, &whole.bytes[2..=5]));
    assert_eq!(part.header("content-range"), format!("bytes 2-5/{}", whole.bytes.len()));
    let tag = whole.header("etag").to_owned();
    assert_eq!(scene.send(scene.request("GET", &url).header("if-none-match", tag)).await.status, 304);
    let beyond = scene.send(scene.request("GET", &url).header("range", "bytes=99999-")).await;
    assert_eq!(beyond.status, 416);
    let altered = url.replace("tempauth=", "tempauth=A");
    assert_eq!(scene.send(scene.request("GET", &altered)).await.status, 401);
    assert_eq!(alice.get("/me/drive/root:/notes.txt:/content?format=pdf").await.code(), "406 notSupported");
    assert_eq!(alice.get("/me/drive/root:/Reports:/content").await.code(), "400 invalidRequest");
    // The audit log names who the address was made for.
    let rows = scene.running.state().journal.audit_since(0);
    assert!(rows.iter().any(|row| row.kind == "content-read" && row.status == 206 && row.user.is_some()));
}

#[tokio::test]
async fn whoever_reads_an_unopened_onedrive_opens_it() {
    let scene = Scene::new().await;
    let erin = scene.caller("erin@contoso", "Files.Read");
    let before = scene.running.state().world().content_fingerprint();
    assert_eq!(erin.get("/me/drive/root").await.code(), "404 ResourceNotFound");
    assert_eq!(scene.running.state().world().content_fingerprint(), before);
    assert_eq!(erin.get("/me/drive").await.status, 200);
    assert_ne!(scene.running.state().world().content_fingerprint(), before);
    assert_eq!(erin.get("/me/drive/root/children").await.values().len(), 0);
    let writes = |scene: &Scene| {
        let rows = scene.running.state().journal.audit_since(0);
        rows.iter().filter(|row| row.kind == "graph-write" && row.operation == "GET /me/drive").count()
    };
    assert_eq!(writes(&scene), 1);
    assert_eq!(erin.get("/me/drive").await.status, 200);
    assert_eq!(writes(&scene), 1);
    let gina = scene.caller("gina@contoso", FILES);
    assert_eq!(gina.get("/me/drive").await.code(), "403 UnknownError");
}

#[tokio::test]
async fn scopes_reach_no_further_than_they_say() {
    let scene = Scene::new().await;
    let drives = drive_ids(&scene, "contoso");
    let own = scene.caller("bob@contoso", "Files.Read");
    let team = format!("/drives/{}/root:/Shared/Team%20plan.docx", drives["alice@contoso"]);
    assert_eq!(own.get(&team).await.code(), "403 accessDenied");
    assert_eq!(own.get("/me/drive/sharedWithMe").await.code(), "403 accessDenied");
    assert_eq!(own.get("/sites?search=finance").await.code(), "403 accessDenied");
    let all = scene.caller("bob@contoso", "Files.Read.All");
    assert_eq!(all.get(&team).await.status, 200);
    let shared = all.get("/me/drive/sharedWithMe").await.values();
    let names: Vec<_> = shared.iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(shared.iter().all(|item| item["remoteItem"]["parentReference"]["driveId"].is_string()));
    assert_eq!(all.get("/sites/root").await.code(), "403 accessDenied");
    let profile = scene.caller("bob@contoso", "User.Read");
    assert_eq!(profile.get("/me/drive").await.status, 200);
    assert_eq!(profile.get("/me/drive/root").await.code(), "403 accessDenied");
    let selected = scene.caller("bob@contoso", "Sites.Selected");
    assert_eq!(selected.get("/sites/root").await.code(), "403 accessDenied");
}
