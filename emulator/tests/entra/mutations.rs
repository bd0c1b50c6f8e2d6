//! One character changed anywhere, and nothing is accepted: codes, verifiers, assertions, client assertions. Nor is anything twice.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::assertion::{certified, signed};
use crate::scene::*;

const ALICE: &str = "alice@contoso.example";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~=+/ ";

/// How a text is changed: always to another text.
#[derive(Debug, Clone)]
enum Change {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Swap(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    let letter = || prop::sample::select(LETTERS);
    prop_oneof![
        4 => (index(), letter()).prop_map(|(at, letter)| Change::Replace(at, letter)),
        1 => (index(), letter()).prop_map(|(at, letter)| Change::Insert(at, letter)),
        1 => index().prop_map(Change::Remove),
        1 => index().prop_map(Change::Swap),
    ]
}

fn changed(text: &str, change: &Change) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    match change {
        Change::Replace(at, letter) => bytes[at.index(text.len())] = *letter,
        Change::Insert(at, letter) => bytes.insert(at.index(text.len() + 1), *letter),
        Change::Remove(at) => drop(bytes.remove(at.index(text.len()))),
        Change::Swap(at) => {
            let at = at.index(text.len() - 1);
            bytes.swap(at, at + 1);
        }
    }
    let other = String::from_utf8(bytes).unwrap();
    (other != text).then_some(other)
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

fn check(status: u16, what: &str) -> Result<(), TestCaseError> {
    // A refusal of the service, never a success and never a breakdown.
    prop_assert!((400..500).contains(&status), "{what}: {status}");
    Ok(())
}

#[test]
fn a_changed_code_or_verifier_fails_and_no_replay_succeeds() {
    let runtime = Runtime::new().unwrap();
    let scene = runtime.block_on(scene());
    let outcome = runner(96).run(&(change(), any::<bool>()), |(change, in_code)| {
        runtime.block_on(async {
            let code = scene.code(CONTOSO, ALICE).await;
            let Some(other) = changed(if in_code { &code } else { VERIFIER }, &change) else { return Ok(()) };
            let (code_sent, verifier) =
                if in_code { (other.as_str(), VERIFIER) } else { (code.as_str(), other.as_str()) };
            let answer = scene.redeem(CONTOSO, code_sent, &[("code_verifier", verifier)]).await;
            check(answer.status().as_u16(), &format!("{change:?}"))?;
            prop_assert_eq!(
                scene.redeem(CONTOSO, &code, &[]).await.status().as_u16(),
                200,
                "the right one still works"
            );
            check(scene.redeem(CONTOSO, &code, &[]).await.status().as_u16(), "replay")
        })
    });
    outcome.unwrap();
}

#[test]
fn a_changed_token_is_no_assertion() {
    let runtime = Runtime::new().unwrap();
    let scene = runtime.block_on(scene());
    let alice: Value = runtime.block_on(scene.signed_in(CONTOSO, ALICE));
    let token = alice["access_token"].as_str().unwrap();
    assert_eq!(runtime.block_on(scene.exchange(CONTOSO, token, &[])).status(), 200);
    let outcome = runner(300).run(&prop::collection::vec(change(), 1..4), |changes| {
        let other = changes.iter().try_fold(token.to_owned(), |text, change| changed(&text, change));
        let Some(other) = other.filter(|other| other != token) else { return Ok(()) };
        let answer = runtime.block_on(scene.exchange(CONTOSO, &other, &[]));
        check(answer.status().as_u16(), &format!("{changes:?}"))
    });
    outcome.unwrap();
}

#[test]
fn a_changed_client_assertion_proves_nobody() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(certified());
    let good = signed(&world.header(), &world.claims(), &world.key);
    assert_eq!(runtime.block_on(world.exchange(CONTOSO, &good)).status(), 200);
    let outcome = runner(120).run(&change(), |change| {
        let Some(other) = changed(&good, &change) else { return Ok(()) };
        let answer = runtime.block_on(world.exchange(CONTOSO, &other));
        check(answer.status().as_u16(), &format!("{change:?}"))
    });
    outcome.unwrap();
}
