//! Drives, items by id and by path, lists, content on the other host.

use std::collections::BTreeMap;

use fixtures::plan::PersonKind;
use serde_json::{Value, json};

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

/// A file is put, renamed, moved, shared and deleted; each of it is written down, each changes the fingerprint, none goes without a scope.
#[tokio::test]
async fn writes_are_real_and_need_scope_and_access() {
    let scene = Scene::new().await;
    let alice = scene.caller("alice@contoso", "Files.ReadWrite");
    let bob = scene.caller("bob@contoso", "Files.ReadWrite.All");
    let reader = scene.caller("alice@contoso", "Files.Read.All");
    let mut seen = vec![scene.running.state().world().content_fingerprint()];
    let put = |caller: &crate::scene::Caller<'_>, path: &str, text: &str| {
        caller.request("PUT", path).header("content-type", "text/plain").body(text.to_owned())
    };
    let path = "/me/drive/root:/Reports/Fresh.txt:/content";
    assert_eq!(scene.send(put(&reader, path, "x")).await.code(), "403 accessDenied");
    assert_eq!(scene.running.state().world().content_fingerprint(), seen[0]);
    let made = scene.send(put(&alice, path, "first words")).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.bytes));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    seen.push(scene.running.state().world().content_fingerprint());
    let again = scene.send(put(&alice, path, "second words")).await;
    assert_eq!((again.status, again.json()["id"].as_str()), (200, Some(id.as_str())));
    seen.push(scene.running.state().world().content_fingerprint());
    let stale = put(&alice, path, "third").header("if-match", made.json()["eTag"].as_str().unwrap());
    assert_eq!(scene.send(stale).await.code(), "412 resourceModified");
    let item = format!("/me/drive/items/{id}");
    let bytes = download(&scene, &alice.get(&format!("{item}/content")).await).await.bytes;
    assert_eq!(bytes, b"second words");
    let folder = alice.send("POST", "/me/drive/root/children", &json!({ "name": "New", "folder": {} })).await;
    assert_eq!(folder.status, 201);
    let taken = alice.send("POST", "/me/drive/root/children", &json!({ "name": "new", "folder": {} })).await;
    assert_eq!(taken.code(), "409 nameAlreadyExists");
    seen.push(scene.running.state().world().content_fingerprint());
    let body = json!({ "name": "Moved.txt", "parentReference": { "id": folder.json()["id"] } });
    assert_eq!(alice.send("PATCH", &item, &body).await.status, 200);
    seen.push(scene.running.state().world().content_fingerprint());
    assert_eq!(alice.get("/me/drive/root:/New/Moved.txt").await.json()["id"], id);
    let circle = json!({ "parentReference": { "id": folder.json()["id"] } });
    let into_itself = format!("/me/drive/items/{}", folder.json()["id"].as_str().unwrap());
    assert_eq!(alice.send("PATCH", &into_itself, &circle).await.code(), "400 invalidRequest");
    // Nobody else has it until it is shared.
    let drive = drive_ids(&scene, "contoso")["alice@contoso"].clone();
    let there = format!("/drives/{drive}/items/{id}");
    assert_eq!(bob.get(&there).await.code(), "404 itemNotFound");
    let invite = json!({ "recipients": [{ "email": "bob@contoso.example" }, { "email": "carol@contoso.example" }], "roles": ["read"], "requireSignIn": true });
    let given = alice.send("POST", &format!("{item}/invite"), &invite).await;
    assert_eq!(given.status, 200, "{}", String::from_utf8_lossy(&given.bytes));
    seen.push(scene.running.state().world().content_fingerprint());
    assert_eq!(bob.get(&there).await.status, 200);
    assert_eq!(bob.send("DELETE", &there, &json!({})).await.code(), "403 accessDenied");
    let given = given.json()["value"].as_array().unwrap().clone();
    assert_eq!(given.len(), 2, "one permission for each");
    for (permission, who) in given.iter().zip(["bob@contoso", "carol@contoso"]) {
        assert_eq!(scene.caller(who, FILES).get(&there).await.status, 200);
        let permission = permission["id"].as_str().unwrap();
        let taken_back = alice.send("DELETE", &format!("{item}/permissions/{permission}"), &json!({})).await;
        assert_eq!(taken_back.status, 204);
        assert_eq!(scene.caller(who, FILES).get(&there).await.code(), "404 itemNotFound");
    }
    // All is as it was before the invitation.
    assert_eq!(scene.running.state().world().content_fingerprint(), seen[seen.len() - 2]);
    assert_eq!(bob.get(&there).await.code(), "404 itemNotFound");
    let link = json!({ "type": "view", "scope": "organization" });
    let link = alice.send("POST", &format!("{item}/createLink"), &link).await;
    assert_eq!(link.status, 201);
    seen.push(scene.running.state().world().content_fingerprint());
    follows(&scene, link.json()["link"]["webUrl"].as_str().unwrap()).await;
    assert_eq!(alice.send("DELETE", &item, &json!({})).await.status, 204);
    seen.push(scene.running.state().world().content_fingerprint());
    assert_eq!(alice.get(&item).await.code(), "404 itemNotFound");
    let different: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(different.len(), seen.len());
    let effects = scene.running.state().journal.side_effects_since(0);
    // What is more is the second permission, and Bob, who follows the link for good.
    assert_eq!(effects.len(), seen.len() + 2, "{effects:?}");
}

/// A link opens nothing by itself, for one request to who follows it, and nothing to whom it is not for.
async fn follows(scene: &Scene, url: &str) {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(url);
    let path = format!("/shares/u!{encoded}/driveItem");
    let follow = ("prefer", "redeemSharingLinkIfNecessary");
    let bob = scene.caller("bob@contoso", "Files.ReadWrite.All");
    assert_eq!(bob.get(&path).await.code(), "403 accessDenied");
    assert_eq!(bob.get_with(&path, follow.0, follow.1).await.status, 200);
    assert_eq!(bob.get(&path).await.code(), "403 accessDenied");
    let gina = scene.caller("gina@contoso", "Files.ReadWrite.All");
    assert_eq!(gina.get_with(&path, follow.0, follow.1).await.code(), "403 accessDenied");
    let mallory = scene.caller("mallory@fabrikam", "Files.ReadWrite.All");
    assert_eq!(mallory.get_with(&path, follow.0, follow.1).await.code(), "404 itemNotFound");
    let reader = scene.caller("bob@contoso", "Files.Read.All");
    assert_eq!(reader.get(&path).await.code(), "403 accessDenied");
    // For good: a read that writes, once, and for nobody else.
    let fingerprint = || scene.running.state().world().content_fingerprint();
    let (before, effects) = (fingerprint(), scene.running.state().journal.side_effects_since(0).len());
    for (who, scopes) in [("gina@contoso", "Files.ReadWrite.All"), ("bob@contoso", "Files.Read")] {
        assert_eq!(scene.caller(who, scopes).get_with(&path, "prefer", "redeemSharingLink").await.status, 403);
    }
    assert_eq!(fingerprint(), before);
    for _ in 0..2 {
        assert_eq!(bob.get_with(&path, "prefer", "redeemSharingLink").await.status, 200);
    }
    assert_ne!(fingerprint(), before);
    let made = scene.running.state().journal.side_effects_since(0).split_off(effects);
    assert_eq!(made.iter().map(|effect| effect.operation.as_str()).collect::<Vec<_>>(), ["GET /shares/{id}/driveItem"]);
    assert_eq!(bob.get(&path).await.status, 200);
    let carol = scene.caller("carol@contoso", "Files.ReadWrite.All");
    assert_eq!(carol.get(&path).await.code(), "403 accessDenied");
}

#[tokio::test]
async fn a_large_file_comes_in_pieces() {
    let scene = Scene::new().await;
    let alice = scene.caller("alice@contoso", "Files.ReadWrite");
    let opened = alice.send("POST", "/me/drive/root:/Reports/Large.txt:/createUploadSession", &json!({})).await;
    assert_eq!(opened.status, 200, "{}", String::from_utf8_lossy(&opened.bytes));
    let url = opened.json()["uploadUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with(scene.running.content.as_str()));
    let piece = |range: &str, text: &str| {
        scene.request("PUT", &url).header("content-range", range.to_owned()).body(text.to_owned())
    };
    let first = scene.send(piece("bytes 0-4/11", "Hello")).await;
    assert_eq!((first.status, &first.json()["nextExpectedRanges"][0]), (202, &json!("5-")));
    assert_eq!(scene.send(piece("bytes 6-10/11", "world")).await.status, 416);
    assert_eq!(alice.get("/me/drive/root:/Reports/Large.txt").await.status, 404);
    let last = scene.send(piece("bytes 5-10/11", " world")).await;
    assert_eq!(last.status, 201);
    let redirect = alice.get("/me/drive/root:/Reports/Large.txt:/content").await;
    assert_eq!(download(&scene, &redirect).await.bytes, b"Hello world");
    let forged = url.replace("tempauth=", "tempauth=A");
    assert_eq!(scene.send(scene.request("GET", &forged)).await.status, 401);
    let rows = scene.running.state().journal.audit_since(0);
    assert!(rows.iter().any(|row| row.kind == "content-write" && row.status == 201));
}

/// Microsoft's own clients send 5 MiB at a time: <https://learn.microsoft.com/graph/sdks/large-file-upload>.
#[tokio::test]
async fn what_is_sent_at_once_may_be_as_large_as_clients_send_it() {
    const PIECE: usize = 5 * 1024 * 1024;
    let scene = Scene::new().await;
    let alice = scene.caller("alice@contoso", "Files.ReadWrite");
    let opened = alice.send("POST", "/me/drive/root:/Reports/Large.bin:/createUploadSession", &json!({})).await.json();
    let whole = vec![b'x'; PIECE + 1];
    for (from, to, status) in [(0, PIECE, 202), (PIECE, PIECE + 1, 201)] {
        let range = format!("bytes {from}-{}/{}", to - 1, whole.len());
        let piece = scene.request("PUT", opened["uploadUrl"].as_str().unwrap()).header("content-range", range);
        assert_eq!(scene.send(piece.body(whole[from..to].to_vec())).await.status, status);
    }
    let simple = alice.request("PUT", "/me/drive/root:/Reports/Simple.bin:/content").body(whole.clone());
    assert_eq!(scene.send(simple).await.json()["size"], whole.len());
    // Everything else is held to 4 MB.
    let message = alice.request("POST", "/me/messages").body(whole);
    assert_eq!(scene.send(message).await.status, 413);
}

#[tokio::test]
async fn sites_lists_and_pages_of_who_is_let_in() {
    let scene = Scene::new().await;
    let scopes = "Sites.Read.All";
    for (who, lets) in
        [("alice@contoso", true), ("bob@contoso", true), ("dave@contoso", false), ("gina@contoso", false)]
    {
        let caller = scene.caller(who, scopes);
        let found = caller.get("/sites?search=finance").await.values();
        assert_eq!(found.len(), usize::from(lets), "{who}");
        let at = caller.get("/sites/contoso.sharepoint.example:/sites/finance").await;
        assert_eq!(at.status, if lets { 200 } else { 404 }, "{who}");
    }
    let carol = scene.caller("carol@contoso", scopes);
    let site = carol.get("/sites/contoso.sharepoint.example:/sites/finance").await.json();
    let id = site["id"].as_str().unwrap();
    assert_eq!(id.split(',').count(), 3);
    let lists = carol.get(&format!("/sites/{id}/lists")).await.values();
    let names: Vec<_> = lists.iter().map(|list| list["displayName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Documents", "Contracts", "Vendors"]);
    let bare = carol.get(&format!("/sites/{id}/lists/Vendors/items")).await.values();
    assert!(bare.iter().all(|item| item.get("fields").is_none()));
    let items =
        carol.get(&format!("/sites/{id}/lists/Vendors/items?expand=fields(select=Title,Status)")).await.values();
    assert_eq!(items.len(), 3);
    assert!(items[0]["fields"]["Title"].as_str().unwrap().starts_with("Northwind Traders"));
    let filtered =
        |column: &str| format!("/sites/{id}/lists/Vendors/items?$expand=fields&$filter=fields/{column} eq 'Open'");
    assert_eq!(carol.get(&filtered("Status")).await.values().len(), 2);
    assert_eq!(carol.get(&filtered("Contact")).await.code(), "400 invalidRequest");
    let warned = carol.get_with(&filtered("Contact"), "prefer", "HonorNonIndexedQueriesWarningMayFailRandomly").await;
    assert_eq!(warned.values().len(), 0);
    // A library shows as a list what its drive shows: Bob sees no payroll there either.
    let bob = scene.caller("bob@contoso", scopes);
    let names = |values: Vec<Value>| -> Vec<String> {
        values.iter().map(|item| item["fields"]["FileLeafRef"].as_str().unwrap().to_owned()).collect()
    };
    let of = format!("/sites/{id}/lists/Documents/items?expand=fields");
    let (hers, his) = (names(carol.get(&of).await.values()), names(bob.get(&of).await.values()));
    assert!(hers.contains(&"Payroll January.xlsx".to_owned()) && !his.contains(&"Payroll January.xlsx".to_owned()));
    let pages = carol.get(&format!("/sites/{id}/pages")).await.values();
    let page = pages[0]["id"].as_str().unwrap();
    let read = format!("/sites/{id}/pages/{page}/microsoft.graph.sitePage?$expand=canvasLayout");
    let page = carol.get(&read).await.json();
    let html = &page["canvasLayout"]["horizontalSections"][0]["columns"][0]["webparts"][0]["innerHtml"];
    assert!(html.as_str().unwrap().contains("closed on the fifth day"));
    let mallory = scene.caller("mallory@fabrikam", scopes);
    assert_eq!(mallory.get(&format!("/sites/{id}")).await.code(), "404 itemNotFound");
    for only_applications in ["/sites/getAllSites", "/sites/delta"] {
        assert_ne!(carol.get(only_applications).await.status, 200, "{only_applications}");
    }
}

/// The marker of every document is found in it, by its readers, and in no other; what the index does not read is found by name alone.
#[tokio::test]
async fn documents_are_found_by_what_they_say_and_by_nobody_else() {
    let scene = Scene::new().await;
    let mut kinds = std::collections::BTreeSet::new();
    for tenant in &scene.plan.tenants {
        let drives = drive_ids(&scene, &tenant.name);
        let people = tenant.people.iter().filter(|person| person.enabled && person.kind == PersonKind::Member);
        for person in people {
            let who = person.reference(tenant);
            let caller = scene.caller(&who, FILES);
            for file in &tenant.files.files {
                let word = file.canary.as_deref().unwrap();
                let found = caller.get(&format!("/drives/{}/search(q='{word}')", drives[&file.drive])).await;
                let extension = file.path.rsplit('.').next().unwrap();
                let expected = file.readers.contains(&who) && extension != "md";
                if found.status == 200 {
                    let names: Vec<_> =
                        found.values().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
                    let name = file.path.rsplit('/').next().unwrap().to_owned();
                    assert_eq!(
                        names,
                        if expected { vec![name] } else { Vec::new() },
                        "{who} looks for {}",
                        file.handle
                    );
                } else {
                    assert!(!expected, "{who} looks for {}: {}", file.handle, found.code());
                }
                kinds.insert(extension);
            }
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["csv", "docx", "md", "pdf", "pptx", "txt", "xlsx"]);
}

/// The same question of two people who differ in what neither may see is answered with the same bytes.
#[tokio::test]
async fn what_is_hidden_changes_no_byte() {
    // A file beside ones that Bob sees, with permissions of its own, and two in a folder that he does not see.
    let mut plan = fixtures::Plan::embedded().unwrap();
    let files = &mut plan.tenants.iter_mut().find(|tenant| tenant.name == "contoso").unwrap().files;
    let (drive, path) = ("finance/Documents".to_owned(), "Forecast/Budget secret.txt".to_owned());
    let mut hidden = files.files.iter().find(|file| file.drive == drive).unwrap().clone();
    (hidden.handle, hidden.path) = ("contoso/files/finance/hidden".to_owned(), path.clone());
    files.files.push(hidden);
    files.restricted.push(fixtures::files::Restricted { drive, path });
    let (before, after) = (Scene::new().await, Scene::of(plan, emulator::Options::default()).await);
    let carol = after.caller("carol@contoso", "Files.ReadWrite.All");
    let drives = drive_ids(&after, "contoso");
    let payroll = format!("/drives/{}/root:/Payroll", drives["finance/Documents"]);
    for name in ["Budget bonus.txt", "Forecast.txt"] {
        let path = format!("{payroll}/{}:/content", encoded(name));
        let made = after.send(carol.request("PUT", &path).body("budget forecast bonus")).await;
        assert_eq!(made.status, 201);
    }
    let id = &drives["finance/Documents"];
    for path in [
        format!("/drives/{id}/root"),
        format!("/drives/{id}/root/children"),
        format!("/drives/{id}/root/children?$top=2&$count=true"),
        format!("/drives/{id}/root:/Forecast:/children?$count=true&$expand=permissions"),
        format!("/drives/{id}/search(q='budget')"),
        format!("/drives/{id}/root/search(q='forecast')?$top=1"),
        "/me/drive/search(q='budget')".to_owned(),
        "/me/drive/recent".to_owned(),
        "/me/drive/sharedWithMe".to_owned(),
        "/sites/contoso.sharepoint.example:/sites/finance".to_owned(),
        "/sites/contoso.sharepoint.example:/sites/finance:/lists".to_owned(),
    ] {
        let of = |scene: &Scene, reply: &Reply| {
            let text = String::from_utf8(reply.bytes.clone()).unwrap();
            let text = text.replace(scene.running.content.as_str(), "https://content/");
            text.replace(scene.running.graph.as_str(), "https://graph/")
        };
        let left = before.caller("bob@contoso", FILES).get(&path).await;
        let right = after.caller("bob@contoso", FILES).get(&path).await;
        assert_eq!(left.status, 200, "{path}");
        assert_eq!(of(&before, &left), of(&after, &right), "{path}");
    }
}

/// Every file and list of contoso × what is granted × who asks: each group of people by what they got.
#[tokio::test]
async fn the_access_matrix_of_files() {
    let scene = Scene::new().await;
    let tenant = scene.plan.tenant("contoso").unwrap();
    let drives = drive_ids(&scene, "contoso");
    let actors =
        ["alice", "bob", "carol", "dave", "erin", "frank", "admin", "gina"].map(|name| format!("{name}@contoso"));
    let scopes = ["Files.Read", "Files.Read.All", "Sites.Read.All", "Sites.Selected", "User.Read"];
    let mut paths: Vec<(String, String)> = tenant
        .files
        .files
        .iter()
        .map(|file| (file.handle.clone(), format!("/drives/{}/root:/{}", drives[&file.drive], encoded(&file.path))))
        .collect();
    let finance = "/sites/contoso.sharepoint.example:/sites/finance:";
    let site = scene.caller("alice@contoso", "Sites.Read.All").get(finance).await.json();
    let site = site["id"].as_str().unwrap().to_owned();
    paths.push(("list Vendors of finance".to_owned(), format!("/sites/{site}/lists/Vendors/items?$expand=fields")));
    paths.push(("site finance".to_owned(), finance.to_owned()));
    let mut matrix = Vec::new();
    for (name, path) in &paths {
        for scopes in scopes {
            let mut got: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
            for who in actors.iter().map(String::as_str).chain(["mallory@fabrikam"]) {
                let reply = scene.caller(who, scopes).get(path).await;
                let short = who.trim_end_matches("@contoso");
                got.entry(reply.status).or_default().push(short);
            }
            let told: Vec<_> = got.iter().map(|(status, who)| format!("{status} {}", who.join(" "))).collect();
            matrix.push(format!("{name} | {scopes} | {}", told.join(", ")));
        }
    }
    insta::assert_json_snapshot!("access_matrix_of_files", matrix);
}
