//! Golden claims: what stands in each kind of token, and who witnesses each claim.

use std::collections::{BTreeMap, BTreeSet};

use emulator::Options;
use fixtures::Plan;
use serde_json::{Map, Value, json};

use crate::scene::*;

const ALICE: &str = "alice@contoso.example";
const GINA: &str = "gina@fabrikam.example";
const CP1: (&str, &str) = ("claims", r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);

/// Tokens by kind, ports and lifetimes left out.
async fn tokens() -> BTreeMap<&'static str, Value> {
    let mut all = BTreeMap::new();
    let mut keep = |kind, scene: &Scene, token: &Value| {
        let mut shown = claims(token.as_str().unwrap_or_else(|| panic!("{kind}: {token}")));
        if let Some(issuer) =
            shown["iss"].as_str().map(|issuer| issuer.replace(scene.running.login.as_str(), "https://login/"))
        {
            shown["iss"] = json!(issuer);
        }
        shown["exp"] = json!("[exp]");
        all.insert(kind, Value::Object(shown));
    };
    let scene = scene().await;
    for (who, v2, id, v1, evaluated) in [
        (ALICE, "v2 user", "id v2 user", "v1 Graph user", "v1 Graph user CAE"),
        (GINA, "v2 guest", "id v2 guest", "v1 Graph guest", "v1 Graph guest CAE"),
    ] {
        let body = scene.signed_in(CONTOSO, who).await;
        keep(v2, &scene, &body["access_token"]);
        keep(id, &scene, &body["id_token"]);
        let assertion = body["access_token"].as_str().unwrap().to_owned();
        let graph: Value = scene.exchange(CONTOSO, &assertion, &[]).await.json().await.unwrap();
        keep(v1, &scene, &graph["access_token"]);
        let graph: Value = scene.exchange(CONTOSO, &assertion, &[CP1]).await.json().await.unwrap();
        keep(evaluated, &scene, &graph["access_token"]);
    }
    for (kind, scope) in
        [("v1 Graph app", "https://graph.microsoft.com/.default"), ("v2 app", &format!("api://{SERVER}/.default"))]
    {
        let form =
            [("grant_type", "client_credentials"), ("client_id", SERVER), ("client_secret", SECRET), ("scope", scope)];
        let body: Value = scene.token(CONTOSO, &form).await.json().await.unwrap();
        keep(kind, &scene, &body["access_token"]);
    }
    let mut plan = Plan::embedded().unwrap();
    plan.registrations.iter_mut().find(|app| app.name == "m365-server").unwrap().access_token_version = 1;
    let scene = scene_of(plan, Options::default()).await;
    let body = scene.signed_in(CONTOSO, ALICE).await;
    keep("v1 user", &scene, &body["access_token"]);
    let mut url = scene.login("contoso.example/oauth2/authorize");
    let changes = [("scope", "openid"), ("resource", &format!("api://{SERVER}")), ("login_hint", ALICE)];
    url.query_pairs_mut().extend_pairs(authorization(&changes));
    let code = parameter(&scene.http.get(url).send().await.unwrap(), "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let body = scene.http.post(scene.login("contoso.example/oauth2/token")).form(&form).send().await.unwrap();
    keep("id v1 user", &scene, &body.json::<Value>().await.unwrap()["id_token"]);
    all
}

fn names(token: &Value) -> BTreeSet<&str> {
    token.as_object().map(Map::keys).into_iter().flatten().map(String::as_str).collect()
}

#[tokio::test]
async fn golden_claims_of_every_kind_of_token() {
    let all = tokens().await;
    insta::assert_json_snapshot!("golden_claims", all);
    // What the tables of the claims references say, kind by kind.
    for (kind, token) in &all {
        let has = names(token);
        let is_v1 = kind.contains("v1");
        assert_eq!(token["ver"], if is_v1 { "1.0" } else { "2.0" }, "{kind}");
        assert_eq!(token["iss"].as_str().unwrap().starts_with("https://sts.windows.net/"), is_v1, "{kind}");
        let (is_id, is_app, is_guest) = (kind.starts_with("id"), kind.ends_with("app"), kind.contains("guest"));
        assert_eq!(has.contains("scp"), !is_id && !is_app, "{kind}: scp");
        assert_eq!(has.contains(if is_v1 { "appid" } else { "azp" }), !is_id, "{kind}: client");
        assert_eq!(has.contains("xms_cc"), kind.ends_with("CAE"), "{kind}: xms_cc");
        assert_eq!(has.contains("idp") && !is_app, is_guest, "{kind}: idp");
        assert!(!(is_guest && has.contains("upn")), "{kind}: a guest has no upn");
        assert_eq!(has.contains("nonce"), kind.starts_with("id v2") || *kind == "id v1 user", "{kind}: nonce");
        assert!(!(is_app && has.contains("name")), "{kind}: nobody's name");
        for claim in ["aud", "exp", "iat", "iss", "nbf", "oid", "rh", "sub", "tid", "uti", "ver"] {
            assert!(has.contains(claim), "{kind}: {claim}");
        }
    }
    let subs: BTreeSet<_> =
        ["v2 user", "id v2 user", "v1 Graph user"].iter().map(|kind| all[kind]["sub"].as_str()).collect();
    assert_eq!(subs.len(), 3, "sub is pairwise");
    assert_eq!(all["v2 user"]["oid"], all["v1 Graph user"]["oid"]);
}

#[tokio::test]
async fn every_claim_names_a_witness_that_exists() {
    let page = include_str!("../../../docs/fidelity.md");
    let table = page.split("### Claims and their witnesses").nth(1).expect("the table of claims");
    let table = table.split("\n## ").next().unwrap();
    let rows: BTreeMap<&str, &str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(claim, rest)| (claim, rest.rsplit('`').nth(1).expect("a witness")))
        .collect();
    let sources = [
        include_str!("golden.rs"),
        include_str!("grants.rs"),
        include_str!("flows.rs"),
        include_str!("application.rs"),
        include_str!("assertion.rs"),
        include_str!("authorize.rs"),
        include_str!("access.rs"),
    ];
    let all = tokens().await;
    let mut claims: BTreeSet<&str> = all.values().flat_map(names).collect();
    // Beside a code and an access token alone, and where a context was asked for.
    claims.extend(["c_hash", "at_hash", "email", "acrs"]);
    for claim in &claims {
        let witness = rows.get(claim).unwrap_or_else(|| panic!("docs/fidelity.md has no row for the claim {claim}"));
        let test = format!("fn {witness}(");
        let source =
            sources.iter().find(|source| source.contains(&test)).unwrap_or_else(|| panic!("no test {witness}"));
        let body = source.split(&test).nth(1).unwrap().split("\n#[tokio::test]").next().unwrap();
        let is_named = body.contains(&format!("\"{claim}\"")) || *witness == "golden_claims_of_every_kind_of_token";
        assert!(is_named, "{witness} does not look at {claim}");
    }
    for claim in rows.keys() {
        assert!(claims.contains(claim), "docs/fidelity.md has a row for {claim}, which no token carries");
    }
}
