//! How connections come in and go out.

use std::process::Command;

use connector::{Config, Connector, Parts, StartError};

use crate::scene::{CLIENT, CONTOSO, SERVER};

fn config() -> Config {
    let mut config = Config::new(SERVER, "a secret".into(), CLIENT);
    config.admission.tenants = vec![CONTOSO.parse().unwrap()];
    config
}

#[tokio::test]
async fn without_tls_it_serves_loopback_alone_and_only_when_told() {
    assert!(matches!(Connector::start(config(), Parts::default()).await, Err(StartError::Config(_))));
    let mut open = config();
    open.server.allow_plain_http = true;
    open.server.listen = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(Connector::start(open, Parts::default()).await, Err(StartError::Config(_))));
}

#[tokio::test]
async fn an_address_in_use_is_told_as_that() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config();
    config.server.allow_plain_http = true;
    config.server.listen = taken.local_addr().unwrap();
    let Err(StartError::Bind { address, source }) = Connector::start(config, Parts::default()).await else {
        panic!("it started")
    };
    assert_eq!((address, source.kind()), (taken.local_addr().unwrap(), std::io::ErrorKind::AddrInUse));
}

#[test]
fn the_program_offers_no_other_policy() {
    let help = Command::new(env!("CARGO_BIN_EXE_offline365-connector")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    insta::assert_snapshot!("program_help", help);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("connector.toml");
    let good = format!(
        "[server]\nallow_plain_http = true\n[entra]\nclient_id = \"{SERVER}\"\nclient_secret = \"s\"\nallowed_clients = [\"{CLIENT}\"]\n[admission]\ntenants = [\"{CONTOSO}\"]\n"
    );
    let checked = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_offline365-connector"));
        command.args(["check-config", "--config"]).arg(&file).output().unwrap()
    };
    let checked_good = checked(&good);
    assert!(checked_good.status.success());
    insta::assert_snapshot!("check_config", String::from_utf8(checked_good.stdout).unwrap());
    let bad = checked(
        &good
            .replace(CONTOSO, "00000000-0000-0000-0000-000000000000")
            .replace(CLIENT, "not an id")
            .replace("\"s\"", "\"\""),
    );
    assert!(!bad.status.success());
    insta::assert_snapshot!("check_config_problems", String::from_utf8(bad.stderr).unwrap());
    for section in ["[policy]\ntoken_rules = []\n", "[danger]\n", "[server]\nbroken = true\n"] {
        let refused = checked(&format!("{good}{section}"));
        assert!(!refused.status.success(), "{section}");
    }
}

#[tokio::test]
async fn it_speaks_tls_with_the_certificate_it_is_given() {
    let leaf = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let mut config = config();
    config.server.tls_cert_pem = Some(leaf.cert.pem());
    config.server.tls_key_pem = Some(leaf.signing_key.serialize_pem().into());
    let running = Connector::start(config, Parts::default()).await.unwrap();
    assert_eq!((running.mcp.scheme(), running.mcp.host_str()), ("https", Some("localhost")));
    let root = reqwest::Certificate::from_pem(leaf.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().add_root_certificate(root).build().unwrap();
    let answer = client.post(running.mcp.clone()).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    for _ in 0..5 {
        let answer = client.post(running.mcp.clone()).body(vec![b' '; 5 * 1024 * 1024]).send().await.unwrap();
        assert_eq!(answer.status(), 401, "a refusal arrives at a client that is still sending");
    }

    let address = ("127.0.0.1", running.mcp.port().unwrap());
    for garbage in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"\x16\x03\x01\x00\x05\x01".as_slice()] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, garbage).await.unwrap();
    }
    assert_eq!(client.post(running.mcp.clone()).send().await.unwrap().status(), 401, "it still serves");
    let mcp = running.mcp.clone();
    running.shutdown().await;
    assert!(client.post(mcp).send().await.is_err());
}

/// What ships knows nothing of what tests it.
#[test]
fn the_program_needs_no_emulator_no_fixtures_and_no_door_to_danger() {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        let output = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let tree =
        ["tree", "--package", "connector", "--edges", "normal,build", "--prefix", "none", "--offline", "--locked"];
    let names: std::collections::BTreeSet<String> =
        cargo(&tree).lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect();
    assert!(names.contains("rmcp") && names.contains("connector"), "{names:?}");
    for foreign in ["emulator", "fixtures", "conformance"] {
        assert!(!names.contains(foreign), "{foreign}");
    }
    let features = cargo(&[&tree[..], &["--format", "{p} {f}"]].concat());
    let ours = features.lines().find(|line| line.starts_with("connector ")).unwrap();
    assert!(!ours.ends_with("broken"), "{ours}");
}
