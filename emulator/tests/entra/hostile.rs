//! Malformed input and foreign names: clear answers, no panic, others go on.

use std::time::Duration;

use emulator::Options;
use emulator::tls::Authority;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::scene::*;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn bodies_that_are_no_forms_are_refused_in_the_services_shape() {
    let scene = scene().await;
    let post = async |kind: &str, body: Vec<u8>| {
        let request = scene.http.post(scene.login("contoso.example/oauth2/v2.0/token")).header("content-type", kind);
        refused(request.body(body).send().await.unwrap()).await
    };
    assert_eq!(post("application/json", b"{\"grant_type\":".to_vec()).await, no(400, "invalid_request", 900_144));
    assert_eq!(post(FORM, b"".to_vec()).await, no(400, "invalid_request", 900_144));
    assert_eq!(post(FORM, vec![0xff; 64]).await, no(400, "invalid_request", 9_002_313));
    assert_eq!(post(FORM, b"grant_type=a&grant_type=b".to_vec()).await, no(400, "invalid_request", 9_000_411));
    assert_eq!(post(FORM, vec![b'a'; 5 * 1024 * 1024]).await, no(413, "invalid_request", 9_002_313));
    let unknown = format!("grant_type=magic&client_id={CLIENT}");
    assert_eq!(post(FORM, unknown.into_bytes()).await, no(400, "unsupported_grant_type", 70003));
    let got = scene.http.get(scene.login("contoso.example/oauth2/v2.0/token")).send().await.unwrap();
    assert_eq!(refused(got).await, no(400, "invalid_request", 900_561));
    assert_eq!(scene.http.get(scene.login("nothing/here")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_callers_request_id_comes_back() {
    let scene = scene().await;
    let id = "6f2c9b1e-0000-4000-8000-00000000abcd";
    let answer = scene
        .http
        .post(scene.login("contoso.example/oauth2/v2.0/token"))
        .header("client-request-id", id)
        .header("return-client-request-id", "true")
        .form(&[("grant_type", "refresh_token"), ("client_id", CLIENT)])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["client-request-id"], id);
    assert_eq!(answer.headers()["cache-control"], "no-store, no-cache");
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["correlation_id"], id);
}

#[tokio::test]
async fn a_foreign_host_name_is_misdirected_and_an_alias_gets_its_own_documents() {
    let scene = scene().await;
    let port = scene.running.login.port().unwrap();
    let path = "common/v2.0/.well-known/openid-configuration";
    for host in ["login.evil.example".to_owned(), format!("localhost:{}", port ^ 1), format!("localhost.evil:{port}")] {
        let answer = scene.http.get(scene.login(path)).header("host", &host).send().await.unwrap();
        assert_eq!(answer.status(), 421, "{host}");
    }
    let alias = scene.http.get(format!("http://127.0.0.1:{port}/{path}")).send().await.unwrap();
    let document: serde_json::Value = alias.json().await.unwrap();
    assert_eq!(document["issuer"], format!("http://127.0.0.1:{port}/{{tenantid}}/v2.0"));
}

#[tokio::test]
async fn tls_and_plain_share_a_port_and_a_broken_handshake_harms_nobody() {
    let authority = Authority::in_memory().unwrap();
    let leaf = authority.leaf(&["localhost", "127.0.0.1", "::1"]).unwrap();
    let scene = scene_with(Options { tls: Some(leaf), ..Options::default() }).await;
    let port = scene.running.login.port().unwrap();
    assert_eq!(scene.running.login.scheme(), "https");
    let mut broken = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    broken.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await.unwrap();
    broken.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), broken.read_to_end(&mut rest)).await.expect("closed");

    let trusting = trusting(authority.ca_pem());
    let path = "contoso.example/v2.0/.well-known/openid-configuration";
    let secure = trusting.get(scene.login(path)).send().await.unwrap();
    let document: serde_json::Value = secure.json().await.unwrap();
    assert!(document["issuer"].as_str().unwrap().starts_with(&format!("https://localhost:{port}/")));
    let plain = scene.http.get(format!("http://localhost:{port}/{path}")).send().await.unwrap();
    assert_eq!(plain.json::<serde_json::Value>().await.unwrap(), document, "one canonical origin");
    assert!(client().get(scene.login(path)).send().await.is_err(), "who does not trust our CA sees nothing");
}

#[test]
fn the_authority_is_kept_and_names_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let first = Authority::load_or_create(dir.path()).unwrap();
    let again = Authority::load_or_create(dir.path()).unwrap();
    assert_eq!(first.ca_pem(), again.ca_pem());
    assert!(again.leaf(&["login.microsoftonline.com"]).is_err());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(dir.path().join("ca-key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let wider = Authority::load_or_create_for(dir.path(), &["emulator.internal"]).unwrap();
    assert!(wider.leaf(&["emulator.internal", "localhost"]).is_ok());
}

#[expect(clippy::disallowed_methods, reason = "a client that trusts one CA more")]
fn trusting(ca: &str) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(ca.as_bytes()).unwrap();
    reqwest::Client::builder().no_proxy().tls_certs_only([ca]).build().unwrap()
}
