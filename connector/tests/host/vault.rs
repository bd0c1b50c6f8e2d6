//! The vault: rows that open for their owner alone, and a state folder that tells a thief nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use connector::host::vault::{
    Account, Connected, KeyError, RECORDS, Record, RedbVault, TokenVault as _, VaultError, VaultKey,
};
use connector::host::{HostConfig, HostParts, HostStartError, Member};
use jiff::Timestamp;
use redb::{Database, ReadableDatabase as _};
use serde_json::json;

use crate::issuer::{ALICE, BOB, CONTOSO};
use crate::scan::{forms, found_in};
use crate::scene::{Scene, api_token};

const ALICES_ROW: (&str, &str, &str) = ("contoso", "alice", "microsoft-365");

#[tokio::test]
async fn a_row_that_was_moved_edited_or_sealed_with_another_key_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let (key, alice) = (VaultKey::generate().unwrap(), Member::new("contoso", "alice"));
    let vault = RedbVault::open(dir.path(), &key).unwrap();
    vault.write(&alice, connected("alices")).await.unwrap();
    assert!(matches!(vault.read(&alice).await, Ok(Some(_))), "the control");
    drop(vault);

    let row = row(dir.path(), ALICES_ROW);
    let mut flipped = row.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for (place, bytes) in [
        (("contoso", "bob", "microsoft-365"), row.clone()),
        (("fabrikam", "alice", "microsoft-365"), row.clone()),
        (("contosoalice", "", "microsoft-365"), row.clone()),
        (ALICES_ROW, flipped),
        (ALICES_ROW, row[..40].to_vec()),
        (ALICES_ROW, row[..5].to_vec()),
        (ALICES_ROW, Vec::new()),
    ] {
        put(dir.path(), place, &bytes);
        let vault = RedbVault::open(dir.path(), &key).unwrap();
        let opened = vault.read(&Member::new(place.0, place.1)).await;
        assert!(matches!(opened, Err(VaultError::Tampered)), "{place:?}: {opened:?}");
    }
    put(dir.path(), ALICES_ROW, &row);
    let other = RedbVault::open(dir.path(), &VaultKey::generate().unwrap()).unwrap();
    assert!(matches!(other.read(&alice).await, Err(VaultError::OtherKey)));
}

#[tokio::test]
async fn a_thief_who_moves_alices_row_to_bob_gets_nothing_through_the_host() {
    let mut scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.close().await;
    let alices = row(&scene.state(), ALICES_ROW);
    put(&scene.state(), ("contoso", "bob", "microsoft-365"), &alices);
    scene.open().await;

    let answer = scene.call("bob").await;
    assert_eq!((answer.status, answer.code()), (500, "INTERNAL"));
    assert_eq!(scene.server.calls().len(), 0);
    assert_eq!(scene.connection("bob").await, "sign_in_required");
    assert_eq!(scene.call("alice").await.status, 200, "the control, and the restart");
    scene.connect("bob", BOB).await;
    assert_eq!(scene.call("bob").await.status, 200, "a spoilt row does not keep its owner out for good");
}

#[tokio::test]
async fn a_conditional_write_loses_against_whoever_wrote_or_erased_first() {
    let dir = tempfile::tempdir().unwrap();
    let vault = RedbVault::open(dir.path(), &VaultKey::generate().unwrap()).unwrap();
    let (alice, bob) = (Member::new("contoso", "alice"), Member::new("contoso", "bob"));
    let first = vault.write(&alice, connected("1")).await.unwrap();
    let bobs = vault.write(&bob, connected("1")).await.unwrap();
    let second = vault.replace(&alice, first, connected("2")).await.unwrap().expect("nobody was in the way");
    assert!(vault.replace(&alice, first, connected("3")).await.unwrap().is_none(), "overtaken");
    assert!(vault.replace(&alice, bobs, connected("3")).await.unwrap().is_none(), "somebody else's revision");
    assert_eq!(vault.read(&alice).await.unwrap().unwrap().revision, second);
    assert!(vault.erase(&alice).await.unwrap());
    assert!(vault.replace(&alice, second, connected("4")).await.unwrap().is_none(), "erased");
    assert!(vault.read(&alice).await.unwrap().is_none());
    assert!(!vault.erase(&alice).await.unwrap());
    assert!(vault.read(&bob).await.unwrap().is_some());
}

#[tokio::test]
async fn no_token_is_readable_in_any_file_of_the_host() {
    let mut scene = Scene::new().await;
    scene.issuer.set_expires_in(600);
    for (user, oid) in [("alice", ALICE), ("bob", BOB)] {
        scene.connect(user, oid).await;
    }
    scene.clock.advance(600);
    assert_eq!(scene.call("alice").await.status, 200);
    scene.post("bob", "/api/disconnect", json!({})).await;
    scene.start("bob").await;

    let mut secrets = scene.issuer.secrets();
    secrets.extend(["alice", "bob"].map(api_token));
    assert!(secrets.len() > 10, "the control: there is something to look for");
    for running in [true, false] {
        if !running {
            scene.close().await;
        }
        let found = found_in(scene.folder(), &secrets);
        assert!(found.is_empty(), "{found:?}");
    }
    for form in forms(secrets.first().unwrap().as_bytes()) {
        fs::write(scene.folder().join("control"), [b"x", form.as_slice(), b"x"].concat()).unwrap();
        assert_eq!(found_in(scene.folder(), &secrets).len(), 1, "the control: {}", String::from_utf8_lossy(&form));
    }
}

#[tokio::test]
async fn the_state_folder_is_its_owners_alone() {
    let scene = Scene::new().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scene.state()), 0o700);
    for entry in fs::read_dir(scene.state()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    let file = scene.folder().join("key");
    let first = VaultKey::load_or_create(&file).unwrap();
    assert_eq!(mode(&file), 0o600);
    let loaded = VaultKey::load_or_create(&file).unwrap();
    assert_eq!(format!("{:?}", (first, loaded)), "(VaultKey(..), VaultKey(..))");
}

#[tokio::test]
async fn the_key_comes_from_a_file_and_from_nothing_that_is_no_key() {
    let mut scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.close().await;
    let file = scene.folder().join("key");
    let text = secrecy::ExposeSecret::expose_secret(&scene.key.to_base64()).to_owned();
    let from_file = || {
        let config = HostConfig { vault_key: None, vault_key_file: Some(file.clone()), ..scene.config() };
        HostParts::open(config, scene.surroundings()).map(drop)
    };
    assert!(matches!(from_file(), Err(HostStartError::Key(KeyError::File { .. }))));
    for wrong in ["", "AAAA", &text[..40], "not base64 at all, but long enough to be one"] {
        fs::write(&file, wrong).unwrap();
        assert!(matches!(from_file(), Err(HostStartError::Key(KeyError::Malformed))), "{wrong}");
    }
    fs::write(&file, format!("{text}\n")).unwrap();
    from_file().unwrap();
}

#[tokio::test]
async fn a_second_host_on_the_same_folder_is_told_what_is_wrong() {
    let scene = Scene::new().await;
    let second = HostParts::open(scene.config(), scene.surroundings()).map(drop);
    assert!(matches!(second, Err(HostStartError::Vault(VaultError::InUse { .. }))), "{second:?}");
}

#[tokio::test]
async fn a_file_that_was_left_open_to_others_is_closed_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vault.redb");
    drop(RedbVault::open(dir.path(), &VaultKey::generate().unwrap()).unwrap());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    drop(RedbVault::open(dir.path(), &VaultKey::generate().unwrap()).unwrap());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn debug_prints_no_secret() {
    let key = VaultKey::generate().unwrap();
    let config = HostConfig::new("client", "state", &key).with_user("alice", "larkspur-api-token");
    let printed = format!("{config:?} {key:?} {:?}", connected("larkspur"));
    let key_text = secrecy::ExposeSecret::expose_secret(&key.to_base64()).to_owned();
    assert!(!printed.contains("larkspur") && !printed.contains(&key_text), "{printed}");
    assert!(printed.contains("alice"), "the control");
    let hash = "9f86d081";
    let config: HostConfig = toml::from_str(&format!(
        "client_id = 'x'\nvault_key = 'larkspur'\n[users.alice]\ntoken_sha256 = '{hash}{}'",
        "0".repeat(56)
    ))
    .unwrap();
    assert!(!format!("{config:?}").contains("larkspur"));
    assert!(!format!("{config:?}").contains(hash));
}

#[tokio::test]
async fn keys_change_while_people_work_and_an_old_one_can_be_taken_away() {
    let mut scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.connect("bob", BOB).await;
    let chat = scene.post("alice", "/api/chats", json!({ "title": "kept" })).await;
    let id = chat.body["id"].as_str().unwrap().to_owned();
    scene.close().await;

    let (old, new) = (scene.key.to_base64(), VaultKey::generate().unwrap().to_base64());
    let both = HostConfig { vault_key: Some(new.clone()), vault_old_keys: vec![old.clone()], ..scene.config() };
    let only_new = HostConfig { vault_key: Some(new), ..scene.config() };
    let doors = scene.open_config(scene.config()).await;
    // Two callers who never stop asking while the keys change under them.
    let (working, stop) = (std::sync::atomic::AtomicU32::new(0), std::sync::atomic::AtomicBool::new(false));
    let work = async {
        while !stop.load(std::sync::atomic::Ordering::SeqCst) {
            for user in ["alice", "bob"] {
                assert_eq!(scene.call(user).await.status, 200);
                working.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        }
    };
    let change = async {
        let done = doors.rotate(&both).await.unwrap();
        assert_eq!((done.sealed_anew, done.unopened), (3, 0));
        let before = working.load(std::sync::atomic::Ordering::SeqCst);
        while working.load(std::sync::atomic::Ordering::SeqCst) < before + 4 {
            tokio::task::yield_now().await;
        }
        assert_eq!(doors.rotate(&only_new).await.unwrap().sealed_anew, 0, "nothing needs the old key");
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
    };
    tokio::join!(work, change);
    drop(doors);
    scene.close().await;
    scene.open_config(only_new).await;
    assert_eq!(scene.call("alice").await.status, 200);
    assert_eq!(scene.get("alice", &format!("/api/chats/{id}")).await.body["title"], "kept");
    scene.close().await;
    // The old key alone opens nothing any more, and is said to.
    let doors = scene.open().await;
    assert_eq!(doors.reseal().await.unwrap().unopened, 3);
    assert_eq!(scene.call("alice").await.code(), "INTERNAL");
}

#[tokio::test]
async fn a_renewal_under_way_is_kept_although_its_row_was_sealed_anew_meanwhile() {
    let mut scene = Scene::new().await;
    scene.close().await;
    let doors = scene.open().await;
    scene.connect("alice", ALICE).await;
    scene.clock.advance(3600);
    let new = VaultKey::generate().unwrap().to_base64();
    let both = HostConfig { vault_key: Some(new), vault_old_keys: vec![scene.key.to_base64()], ..scene.config() };
    scene.issuer.hold();
    let rotating = async {
        scene.issuer.arrival().await;
        assert_eq!(doors.rotate(&both).await.unwrap().sealed_anew, 1);
        scene.issuer.release();
    };
    let (answer, ()) = tokio::join!(scene.call("alice"), rotating);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(scene.call("alice").await.status, 200);
    assert_eq!(scene.issuer.asked("refresh_token").len(), 1);
}

#[tokio::test]
async fn a_key_file_may_hold_older_keys_behind_the_new_one() {
    let mut scene = Scene::new().await;
    scene.connect("alice", ALICE).await;
    scene.close().await;
    let text = |key: &VaultKey| secrecy::ExposeSecret::expose_secret(&key.to_base64()).to_owned();
    let file = scene.folder().join("keys");
    fs::write(&file, format!("{}\n{}\n", text(&VaultKey::generate().unwrap()), text(&scene.key))).unwrap();
    let doors = scene.open_config(HostConfig { vault_key: None, vault_key_file: Some(file), ..scene.config() }).await;
    assert_eq!(scene.call("alice").await.status, 200);
    assert_eq!(doors.reseal().await.unwrap().sealed_anew, 1);
}

fn connected(words: &str) -> Record {
    Record::Connected(Connected {
        account: Account {
            tenant: CONTOSO.to_owned(),
            object_id: ALICE.to_owned(),
            username: None,
            display_name: None,
        },
        access_token: format!("access {words}").into(),
        access_expires_at: Timestamp::UNIX_EPOCH,
        refresh_token: format!("refresh {words}").into(),
        refreshed_at: Timestamp::UNIX_EPOCH,
    })
}

fn row(dir: &Path, place: (&str, &str, &str)) -> Vec<u8> {
    let database = Database::open(dir.join("vault.redb")).unwrap();
    let table = database.begin_read().unwrap().open_table(RECORDS).unwrap();
    table.get(place).unwrap().unwrap().value().to_vec()
}

fn put(dir: &Path, place: (&str, &str, &str), row: &[u8]) {
    let database = Database::open(dir.join("vault.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(RECORDS).unwrap().insert(place, row).unwrap();
    transaction.commit().unwrap();
}
