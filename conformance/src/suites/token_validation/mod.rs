//! Which tokens does the connector believe? One check for each rule: a token that is wrong in that alone is refused, nobody else hears of
//! it, and its genuine twin is served.

mod algorithm;
mod audience;
mod client;
mod critical_header;
mod delegated;
mod expiry;
mod identity;
mod issuer;
mod key_issuer;
mod not_before;
mod scope;
mod signature;
mod tenant_id;
mod r#type;
mod unique_claims;
mod version;
mod work_account;

use fixtures::Plan;
use fixtures::cast::{ALICE, BUDGET, M365_CLIENT};
use fixtures::plan::{KeyIssuer, SigningKey};

use super::QUERY;
use crate::bench::Bench;
use crate::check::{Check, Finding};
use crate::forge::{Draft, ForgeError, Forged};

/// The tenant of all personal Microsoft accounts.
const CONSUMER: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Every check of this suite.
pub(super) const CHECKS: &[&Check] = &[
    &algorithm::CHECK,
    &audience::CHECK,
    &client::CHECK,
    &critical_header::CHECK,
    &delegated::CHECK,
    &expiry::CHECK,
    &identity::CHECK,
    &issuer::CHECK,
    &key_issuer::CHECK,
    &not_before::CHECK,
    &scope::CHECK,
    &signature::CHECK,
    &tenant_id::CHECK,
    &r#type::CHECK,
    &unique_claims::CHECK,
    &version::CHECK,
    &work_account::CHECK,
];

/// What a forger works with: a genuine token and keys.
struct Kit<'a> {
    plan: &'a Plan,
    genuine: Draft,
    /// The key that Entra signs with.
    key: &'a SigningKey,
    /// The key of the tenant of personal accounts.
    consumer: &'a SigningKey,
}

impl<'a> Kit<'a> {
    fn new(plan: &'a Plan, genuine: &str) -> Result<Self, ForgeError> {
        let missing = |what: &str| ForgeError::Key(what.to_owned());
        let key = plan.keys.first().ok_or_else(|| missing("active"))?;
        let consumer = plan.keys.iter().find(|key| matches!(key.issuer, KeyIssuer::Tenant(_)));
        let consumer = consumer.ok_or_else(|| missing("consumer"))?;
        Ok(Self { plan, genuine: Draft::of(genuine)?, key, consumer })
    }

    /// The genuine token, to be changed.
    fn genuine(&self) -> Draft {
        self.genuine.clone()
    }

    /// A tenant's id.
    fn tenant(&self, name: &str) -> Result<String, ForgeError> {
        let tenant = self.plan.tenant(name).ok_or(ForgeError::NotAToken("no such tenant"))?;
        Ok(tenant.id.to_string())
    }

    /// The public client's id.
    fn client(&self) -> Result<String, ForgeError> {
        let client = self.plan.registration(M365_CLIENT).ok_or(ForgeError::NotAToken("no client"))?;
        Ok(client.app_id.to_string())
    }

    /// The issuer that a tenant's tokens name, after the genuine one.
    fn issuer_of(&self, tenant: &str) -> String {
        let text = |claim| self.genuine.get(claim).and_then(serde_json::Value::as_str).unwrap_or_default();
        text("iss").replace(text("tid"), tenant)
    }

    /// A time claim of the genuine token.
    fn seconds(&self, claim: &str) -> Result<i64, ForgeError> {
        let value = self.genuine.get(claim).and_then(serde_json::Value::as_i64);
        value.ok_or(ForgeError::NotAToken("a time claim is missing"))
    }
}

/// The genuine token is served; each forgery of it is refused as invalid, for a list of tools and for a search; the genuine one still is.
async fn refuses(bench: &mut Bench, forgeries: fn(&Kit<'_>) -> Result<Vec<Forged>, ForgeError>) -> Result<(), Finding> {
    let alice = bench.sign_in(ALICE).await?;
    let canary = bench.canary(BUDGET)?;
    bench.control("the genuine token is served", alice.search(QUERY), &canary).await?;
    for (number, forged) in (1..).zip(forge(bench, alice.token(), forgeries)?) {
        let (what, changes) = (format!("forgery {number}"), forged.changes.join("; "));
        bench.forged(&what, &forged);
        let liar = alice.with(&forged);
        let list = bench.attempt(&format!("asks for the tools with {what}: {changes}"), liar.list_tools()).await?;
        bench.expect_token_refused(&format!("{what} ({changes}), tools"), &list)?;
        let search = bench.attempt(&format!("searches mail with {what}"), liar.search(QUERY)).await?;
        bench.expect_token_refused(&format!("{what}, search"), &search)?;
    }
    bench.control("the genuine token is still served", alice.search(QUERY), &canary).await?;
    Ok(())
}

fn forge(
    bench: &Bench,
    genuine: &str,
    forgeries: fn(&Kit<'_>) -> Result<Vec<Forged>, ForgeError>,
) -> Result<Vec<Forged>, Finding> {
    let plan = bench.plan.clone();
    let forged = Kit::new(&plan, genuine).and_then(|kit| forgeries(&kit));
    forged.map_err(|error| Finding::Inconclusive(format!("failure of ours: {error}")))
}
