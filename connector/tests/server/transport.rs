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
    assert!(checked(&good).status.success());
    for section in ["[policy]\ntoken_rules = []\n", "[danger]\n", "[server]\nbroken = true\n"] {
        let refused = checked(&format!("{good}{section}"));
        assert!(!refused.status.success(), "{section}");
    }
}
