//! What comes from outside may be anything: it is kept whole in the transcript, and harmless everywhere else.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Bundle, Change, Described, Environment, FaultRun, Hit, Negative, Scene};
use crate::check::Verdict;
use crate::recorder::{Expectation, Hop, Recorder, StepKind};
use crate::report::story;
use crate::run::{Observed, Outcome, State};
use crate::target::Authorization;

const LONG: usize = 5_000_000;

fn hop(to: &str, response: Vec<u8>) -> Hop {
    Hop {
        from: "harness",
        actor: "alice@contoso".to_owned(),
        to: to.to_owned(),
        method: "POST".to_owned(),
        url: format!("https://{to}.test/mcp?q=%3Cscript%3E"),
        request_headers: vec![("x-odd".to_owned(), "a\r\nb\u{1b}[2J".to_owned())],
        request: b"{\"jsonrpc\":\"2.0\"}".to_vec(),
        status: 200,
        response_headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        response,
    }
}

fn environment() -> Environment {
    Environment {
        run: "0".to_owned(),
        seed: 365,
        command: vec!["offline365".to_owned(), "<script>".to_owned()],
        commit: None,
        program: None,
        target: Described {
            name: "<script>\u{202e}".to_owned(),
            address: Some("https://connector.example/mcp".to_owned()),
            authorization: Some(Authorization {
                owner: "Contoso IT".to_owned(),
                reference: "TICKET-7".to_owned(),
                valid_until: jiff::civil::date(2199, 1, 1),
            }),
            ..Described::default()
        },
        wall: Change { before: String::new(), after: String::new() },
        tenants: BTreeMap::new(),
    }
}

#[test]
fn hostile_answers_are_kept_whole_and_harm_nothing() {
    let script = "<script>alert(1)</script></pre><img src=x onerror=alert(1)>\u{1b}[31m\u{202e}\u{0}\n\r\t]]>--%>";
    let bodies: [Vec<u8>; 4] = [
        script.as_bytes().to_vec(),
        format!("{{\"a\":\"{}\"}}", "x".repeat(LONG)).into_bytes(),
        [b"caf\xe9 \xff\xfe\xf0\x28\x8c\x28 ".as_slice(), script.as_bytes()].concat(),
        script.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ];
    let mut recorder = Recorder::default();
    for (number, body) in bodies.iter().enumerate() {
        recorder.step(StepKind::Attempt, "alice@contoso", &format!("{number} {script}"));
        recorder.hop(hop("connector", body.clone()));
        recorder.answered(0, false, Some(script.to_owned()), None);
        let (claim, expected, observed) = (script.to_owned(), "x".repeat(LONG), script.to_owned());
        recorder.expectation(Expectation { claim, expected, observed, held: false });
    }
    let check = crate::suites::find("tenant-isolation/foreign-id-read").expect("it is shipped");
    let mut outcome = Outcome::new(check, Verdict::Fail, Some(script.to_owned()));
    outcome.recorder = recorder;
    let told = story::render(&outcome.recorder.transcript(check.id).expect("nothing secret"));
    assert!(!told.contains(['\u{1b}', '\u{202e}', '\u{0}']) && told.len() < 20_000, "{} bytes", told.len());

    let scene = Scene::of(&outcome, "<script>", Vec::new(), "offline365 replay".to_owned()).expect("nothing secret");
    let bundle = Bundle::new(&environment(), &[scene], &Recorder::sweep(std::iter::empty())).expect("nothing secret");
    for (path, bytes) in bundle.files() {
        let text = std::str::from_utf8(bytes).expect(path);
        let kind = path.rsplit('.').next().unwrap_or_default();
        if matches!(kind, "json" | "har" | "sarif") {
            serde_json::from_slice::<Value>(bytes).expect(path);
            continue;
        }
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{0}']), "{path}");
        assert!(kind == "md" || !text.contains("<script") && !text.contains("<img"), "{path}");
        assert!(bytes.len() < 300_000, "{path}: {} bytes", bytes.len());
    }
    let manifest: Value = serde_json::from_slice(&bundle.files()["manifest.json"]).unwrap();
    assert_eq!(manifest["target"]["authorization"]["reference"], "TICKET-7");
    assert_eq!(manifest["target"]["authorization"]["valid_until"], "2199-01-01");
    let transcript: Value = serde_json::from_slice(&bundle.files()[&format!("{}/transcript.json", check.id)]).unwrap();
    let hops = transcript["entries"].as_array().unwrap().iter().filter(|entry| entry["entry"] == "hop");
    let kept: Vec<Vec<u8>> =
        hops.map(|hop| STANDARD.decode(hop["response"]["raw"].as_str().unwrap()).unwrap()).collect();
    assert_eq!(kept, bodies, "every byte is there");
    let har: Value = serde_json::from_slice(&bundle.files()[&format!("{}/transcript.har", check.id)]).unwrap();
    let content = |index: usize| har.pointer(&format!("/log/entries/{index}/response/content")).unwrap();
    assert_eq!(content(0)["text"], script);
    assert_eq!(
        (content(2)["encoding"].as_str(), content(2)["text"].as_str()),
        (Some("base64"), Some(STANDARD.encode(&bodies[2]).as_str()))
    );
}

#[test]
fn a_body_whose_secret_cannot_be_replaced_is_withheld() {
    let secret = "the-client-secret-of-a-server";
    let mut recorder = Recorder::default();
    recorder.secret("client-secret", secret);
    recorder.step(StepKind::Attempt, "alice@contoso", "asks");
    recorder.hop(hop("connector", format!("x {secret}").encode_utf16().flat_map(u16::to_be_bytes).collect()));
    recorder.hop(hop("connector", format!("plain {secret}").into_bytes()));
    let transcript = serde_json::to_string(&recorder.transcript("a/b").expect("nothing is left")).unwrap();
    assert!(
        transcript.contains("that hold <client-secret-1> (UTF-16)") && transcript.contains("plain <client-secret-1>")
    );
    assert!(!transcript.contains("the-client"));
}

#[test]
fn a_pass_has_to_be_earned() {
    let check = crate::suites::find("tenant-isolation/foreign-id-read").expect("it is shipped");
    let judged = |fault: Verdict, hits: Vec<Hit>| {
        let mut outcome = Outcome::new(check, Verdict::Pass, None);
        let state = || State { at: jiff::Timestamp::UNIX_EPOCH, fingerprint: "0".to_owned() };
        let negative = Negative { hits, ..Negative::default() };
        outcome.observed = Some(Observed { before: state(), after: state(), negative });
        let fault = FaultRun { broken: "cache-shared", sentence: "shared", verdict: fault, reason: None };
        Scene::of(&outcome, "ours", vec![fault], String::new()).expect("nothing secret").verdict
    };
    let hit = Hit {
        seq: 3,
        to: "mallory@fabrikam".to_owned(),
        of: "contoso/mail/alice/budget".to_owned(),
        encoding: "raw".to_owned(),
    };
    assert_eq!(judged(Verdict::Fail, Vec::new()).verdict, Verdict::Pass);
    for blind in [Verdict::Pass, Verdict::Inconclusive, Verdict::NotApplicable] {
        assert_eq!(judged(blind, Vec::new()).verdict, Verdict::Inconclusive, "a fault that is {blind}");
    }
    let shown = judged(Verdict::Fail, vec![hit]);
    assert_eq!(shown.verdict, Verdict::Fail);
    assert!(shown.reason.is_some_and(|reason| reason.contains("contoso/mail/alice/budget was shown to mallory")));
}
