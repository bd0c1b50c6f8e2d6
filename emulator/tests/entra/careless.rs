//! For each decision of the issuer: what it keeps out, tried at a careful issuer and at one that gets this single decision wrong.
//!
//! A decision that nothing here would miss cannot be added: the test reads the names of all of them from the table itself.

use std::collections::BTreeSet;

use emulator::Options;
use emulator::change::{Change, DirectoryChange};
use emulator::directory::{Conditions, Requested};
use emulator::entra::rules::IssuerRules;
use emulator::entra::verify::principal;
use emulator::rules::Rules;
use fixtures::Plan;
use fixtures::ids::{AppId, TenantId};
use fixtures::plan::{Grant, RedirectKind, ServicePrincipal};
use jsonwebtoken::EncodingKey;
use reqwest::Response;
use serde_json::{Value, json};

use crate::assertion::{certified_of, signed, with};
use crate::scene::*;

const ALICE: &str = "alice@contoso.example";
const MALLORY: &str = "mallory@fabrikam.example";
const FABRIKAM: &str = "fabrikam.example";
const INTEROP: &str = "1e7e4090-0365-4c11-a0ff-11e036500003";
const SPA: &str = "1e7e4090-0365-4c11-a0ff-11e036500005";
const INTRANET: &str = "1e7e4090-0365-4c11-a0ff-11e036500006";
const CP1: (&str, &str) = ("claims", r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);

/// Each decision, got wrong.
fn careless() -> Vec<(&'static str, IssuerRules)> {
    let strict = IssuerRules::STRICT;
    vec![
        ("account", IssuerRules { account: |_| Ok(()), ..strict }),
        ("voided", IssuerRules { voided: |_, _| None, ..strict }),
        ("at_home", IssuerRules { at_home: |_, _| true, ..strict }),
        ("switched_on", IssuerRules { switched_on: |_| true, ..strict }),
        ("assigned", IssuerRules { assigned: |_, _, _, _| true, ..strict }),
        ("may_consent", IssuerRules { may_consent: |_, _| true, ..strict }),
        ("may_use", IssuerRules { may_use: |_, _| true, ..strict }),
        (
            "consented",
            IssuerRules {
                consented: |_, question| match question.requested {
                    Requested::Named(named) => Ok(named.clone()),
                    Requested::Everything => Ok(BTreeSet::new()),
                },
                ..strict
            },
        ),
        ("access", IssuerRules { access: |_, _, _, _| Ok(Conditions::default()), ..strict }),
        (
            "address",
            IssuerRules {
                address: |headers, _, _| headers.get("x-forwarded-for")?.to_str().ok()?.parse().ok(),
                ..strict
            },
        ),
        ("critical", IssuerRules { critical: |_, _, _| Ok(()), ..strict }),
        ("secret", IssuerRules { secret: |_, _, _| Ok(()), ..strict }),
        ("own_credential", IssuerRules { own_credential: |_, _| true, ..strict }),
        ("tenant_binding", IssuerRules { tenant_binding: |_, _| true, ..strict }),
        ("redirect", IssuerRules { redirect: |_, _, _| Some(RedirectKind::Native), ..strict }),
        ("challenged", IssuerRules { challenged: |_, _| true, ..strict }),
        ("redirect_binding", IssuerRules { redirect_binding: |_, _| true, ..strict }),
        ("verifier", IssuerRules { verifier: |_, _| true, ..strict }),
        ("run_out", IssuerRules { run_out: |_, _| false, ..strict }),
        ("again", IssuerRules { again: |_| true, ..strict }),
        ("reuse_ends_family", IssuerRules { reuse_ends_family: || false, ..strict }),
        ("exchangeable", IssuerRules { exchangeable: |_| Ok(()), ..strict }),
        ("exchange_audience", IssuerRules { exchange_audience: |_, _| true, ..strict }),
        ("proof_audience", IssuerRules { proof_audience: |_, _, _, _| true, ..strict }),
    ]
}

#[tokio::test]
async fn each_decision_got_wrong_lets_something_in_that_a_careful_issuer_keeps_out() {
    // The table prints its fields by name.
    let printed = format!("{:#?}", IssuerRules::STRICT);
    let fields: BTreeSet<&str> = printed.lines().filter_map(|line| Some(line.trim().split_once(": ")?.0)).collect();
    let wrong = careless();
    let named: BTreeSet<&str> = wrong.iter().map(|(field, _)| *field).collect();
    assert_eq!(named, fields, "every decision has its careless variant here");
    for (field, issuer) in wrong {
        assert!(!lets_in(field, IssuerRules::STRICT).await, "a careful issuer: {field}");
        assert!(lets_in(field, issuer).await, "nobody would notice an issuer that gets `{field}` wrong");
    }
}

/// Whether the request that `field` is there to refuse is answered after all.
async fn lets_in(field: &str, issuer: IssuerRules) -> bool {
    match field {
        "account" | "voided" | "at_home" | "switched_on" | "assigned" | "consented" | "access" | "address"
        | "critical" | "may_consent" => directory(field, issuer).await,
        "exchangeable" | "exchange_audience" | "proof_audience" => tokens(field, issuer).await,
        _ => credentials(field, issuer).await,
    }
}

async fn started(issuer: IssuerRules) -> Scene {
    scene_of(plan(), options(issuer)).await
}

fn options(issuer: IssuerRules) -> Options {
    Options { rules: Rules { issuer, ..Rules::STRICT }, ..Options::default() }
}

/// Contoso's own application was put into fabrikam by somebody, with consent.
fn plan() -> Plan {
    let mut plan = Plan::embedded().unwrap();
    let fabrikam = plan.tenants.iter_mut().find(|tenant| tenant.name == "fabrikam").unwrap();
    let app = "contoso-intranet".to_owned();
    fabrikam.service_principals.push(ServicePrincipal {
        app: app.clone(),
        enabled: true,
        assignment_required: false,
        assigned: Vec::new(),
    });
    fabrikam.grants.push(Grant {
        client: app,
        resource: "graph".to_owned(),
        principal: None,
        scopes: vec!["User.Read".to_owned()],
    });
    plan
}

fn change(scene: &Scene, change: DirectoryChange) {
    let contoso: TenantId = Plan::embedded().unwrap().tenant("contoso").unwrap().id;
    scene.running.state().apply(Change::directory(contoso, change)).unwrap();
}

async fn refreshed(scene: &Scene, body: &Value) -> bool {
    let token = body["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token), ("scope", ACCESS)];
    scene.token(CONTOSO, &form).await.status() == 200
}

fn got_code(answer: &Response) -> bool {
    parameter(answer, "code").is_some()
}

async fn directory(field: &str, issuer: IssuerRules) -> bool {
    let scene = started(issuer).await;
    let client: AppId = CLIENT.parse().unwrap();
    let before = scene.signed_in(CONTOSO, ALICE).await;
    let alice = json!({ "tenant": "contoso", "user": "alice" });
    match field {
        "account" => {
            scene.lab("/lab/users/update", with(&alice, &json!({ "enabled": false }))).await;
            refreshed(&scene, &before).await
        }
        "voided" => {
            scene.lab("/lab/users/revoke-sessions", alice).await;
            refreshed(&scene, &before).await
        }
        "at_home" => {
            let asked = [("client_id", INTRANET), ("scope", "User.Read"), ("login_hint", MALLORY)];
            got_code(&scene.authorize(FABRIKAM, &asked).await)
        }
        "switched_on" => {
            change(&scene, DirectoryChange::EnableServicePrincipal { app: client, enabled: false });
            refreshed(&scene, &before).await
        }
        "assigned" => {
            change(&scene, DirectoryChange::RequireAssignment { app: client, required: true });
            refreshed(&scene, &before).await
        }
        "consented" => {
            let consent = json!({ "tenant": "contoso", "client": "m365-client", "resource": "m365-server" });
            scene.lab("/lab/grants/revoke", consent).await;
            refreshed(&scene, &before).await
        }
        "may_consent" => {
            scene.lab("/lab/settings", json!({ "userConsent": "off" })).await;
            let scope = ("scope", "https://graph.microsoft.com/Mail.Read");
            let page = scene.authorize(CONTOSO, &[scope, ("login_hint", ALICE)]).await.text().await.unwrap();
            page.contains("Permissions requested")
        }
        "access" => {
            let policy = json!({ "tenant": "contoso", "policy": { "name": "closed", "demands": ["block"] } });
            scene.lab("/lab/policies/put", policy).await;
            refreshed(&scene, &before).await
        }
        "address" => {
            let office = json!({ "name": "office", "ranges": ["203.0.113.0/24"] });
            scene.lab("/lab/locations/put", json!({ "tenant": "contoso", "location": office })).await;
            let policy = json!({ "name": "inside", "demands": ["block"], "exceptLocations": ["office"] });
            scene.lab("/lab/policies/put", json!({ "tenant": "contoso", "policy": policy })).await;
            scene.lab("/lab/settings", json!({ "clientAddress": "198.51.100.7" })).await;
            let token = before["refresh_token"].as_str().unwrap();
            let form = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
            let request = scene.http.post(scene.login("contoso.example/oauth2/v2.0/token")).form(&form);
            request.header("x-forwarded-for", "203.0.113.9").send().await.unwrap().status() == 200
        }
        _critical => {
            let answer = scene.exchange(CONTOSO, before["access_token"].as_str().unwrap(), &[CP1]).await;
            let graph: Value = answer.json().await.unwrap();
            let token = graph["access_token"].as_str().unwrap();
            principal(scene.running.state(), token).unwrap();
            scene.lab("/lab/users/revoke-sessions", alice).await;
            principal(scene.running.state(), token).is_ok()
        }
    }
}

async fn credentials(field: &str, issuer: IssuerRules) -> bool {
    let scene = started(issuer).await;
    let code = scene.code(CONTOSO, ALICE).await;
    let redeemed = async |tenant: &str, changes: &[(&str, &str)]| {
        let answer = scene.redeem(tenant, &code, changes).await;
        answer.status() == 200
    };
    match field {
        "secret" => {
            let alice = scene.signed_in(CONTOSO, ALICE).await;
            let token = alice["access_token"].as_str().unwrap();
            scene.exchange(CONTOSO, token, &[("client_secret", "guessed")]).await.status() == 200
        }
        "own_credential" => {
            redeemed(CONTOSO, &[("client_id", INTEROP), ("scope", "https://graph.microsoft.com/User.Read")]).await
        }
        "tenant_binding" => redeemed(FABRIKAM, &[]).await,
        "redirect" => {
            let asked = [("redirect_uri", "https://evil.example/"), ("login_hint", ALICE)];
            got_code(&scene.authorize(CONTOSO, &asked).await)
        }
        "challenged" => {
            let asked = [
                ("client_id", SPA),
                ("redirect_uri", "http://localhost/interop/spa"),
                ("scope", "User.Read"),
                ("code_challenge", ""),
                ("code_challenge_method", ""),
                ("login_hint", ALICE),
            ];
            got_code(&scene.authorize(CONTOSO, &asked).await)
        }
        "may_use" => {
            let form = [
                ("grant_type", "password"),
                ("client_id", CLIENT),
                ("username", ALICE),
                ("password", "Passw0rd!alice"),
                ("scope", ACCESS),
            ];
            scene.token(CONTOSO, &form).await.status() == 200
        }
        "redirect_binding" => redeemed(CONTOSO, &[("redirect_uri", "http://localhost:8401")]).await,
        "verifier" => redeemed(CONTOSO, &[("code_verifier", CHALLENGE)]).await,
        "run_out" => {
            scene.lab("/lab/clock", json!({ "advance": "PT10M" })).await;
            redeemed(CONTOSO, &[]).await
        }
        "again" => {
            assert!(redeemed(CONTOSO, &[]).await);
            redeemed(CONTOSO, &[]).await
        }
        "reuse_ends_family" => {
            scene.lab("/lab/settings", json!({ "refreshReuse": "family" })).await;
            let first: Value = scene.redeem(CONTOSO, &code, &[]).await.json().await.unwrap();
            let form = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("scope", ACCESS)];
            let token = ("refresh_token", first["refresh_token"].as_str().unwrap());
            let second: Value = scene.token(CONTOSO, &[&form[..], &[token]].concat()).await.json().await.unwrap();
            assert!(!refreshed(&scene, &first).await, "a used one is refused in any case");
            refreshed(&scene, &second).await
        }
        unknown => panic!("nothing tries `{unknown}`"),
    }
}

async fn tokens(field: &str, issuer: IssuerRules) -> bool {
    let scene = started(issuer).await;
    match field {
        // A token for Graph, presented by the middle tier as if it had been made for it.
        "exchange_audience" => {
            let alice = scene.signed_in(CONTOSO, ALICE).await;
            let answer = scene.exchange(CONTOSO, alice["access_token"].as_str().unwrap(), &[]).await;
            let graph: Value = answer.json().await.unwrap();
            scene.exchange(CONTOSO, graph["access_token"].as_str().unwrap(), &[]).await.status() == 200
        }
        // The middle tier's own id token: the audience is right, and it is no access token.
        "exchangeable" => {
            let web = "https://localhost/connect/admin-consent";
            let asked = [
                ("client_id", SERVER),
                ("redirect_uri", web),
                ("scope", "openid profile https://graph.microsoft.com/User.Read"),
                ("login_hint", ALICE),
            ];
            let code = parameter(&scene.authorize(CONTOSO, &asked).await, "code").unwrap();
            let own = [("client_id", SERVER), ("client_secret", SECRET), ("redirect_uri", web)];
            let body: Value = scene.redeem(CONTOSO, &code, &own).await.json().await.unwrap();
            scene.exchange(CONTOSO, body["id_token"].as_str().unwrap(), &[]).await.status() == 200
        }
        // What the client signed for another service.
        _proof_audience => {
            let world = certified_of(options(issuer)).await;
            let claims = with(&world.claims(), &json!({ "aud": "https://login.evil.example/oauth2/v2.0/token" }));
            let key: &EncodingKey = &world.key;
            world.exchange(CONTOSO, &signed(&world.header(), &claims, key)).await.status() == 200
        }
    }
}

/// What a client signed to prove itself is taken as often as it is shown, until it expires: MSAL for Python sends the same one for
/// minutes. Each of the three is the same decision's other side.
#[tokio::test]
async fn the_same_client_assertion_is_taken_twice() {
    let world = certified_of(Options::default()).await;
    let assertion = signed(&world.header(), &world.claims(), &world.key);
    for _ in 0..2 {
        assert_eq!(world.exchange(CONTOSO, &assertion).await.status(), 200);
    }
}
