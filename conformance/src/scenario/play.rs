//! How is a scenario run? Step by step on a bench; every answer of the connector is also searched for content of others.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fixtures::Plan;
use fixtures::plan::{KeyIssuer, SigningKey};
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::step::{
    Account, Audit, During, Events, Flow, ForEach, Forge, LabCall, Permissions, PublicForm, Sign, SignIn, Step,
    UntilRefused,
};
use super::template::{self, Door, Names};
use super::{Scenario, step};
use crate::bench::{Actor, Bench, Reply, Way};
use crate::check::Finding;
use crate::forge::{self, Algorithm, Draft, ForgeError, Forged};
use crate::lab::Upstream;

/// Runs a scenario.
pub async fn play(bench: &mut Bench, scenario: &Scenario) -> Result<(), Finding> {
    let mut stage = Stage {
        bench,
        values: scenario.with.clone(),
        actors: BTreeMap::new(),
        answers: BTreeMap::new(),
        worlds: BTreeMap::new(),
        said: Vec::new(),
        upstream: Vec::new(),
    };
    stage.steps(&scenario.steps).await
}

/// Everything that the steps so far left behind.
pub(super) struct Stage<'b> {
    pub(super) bench: &'b mut Bench,
    pub(super) values: BTreeMap<String, Value>,
    pub(super) actors: BTreeMap<String, Actor>,
    pub(super) answers: BTreeMap<String, Reply>,
    worlds: BTreeMap<String, String>,
    /// Every answer of the connector.
    pub(super) said: Vec<Reply>,
    /// Every request of the connector.
    pub(super) upstream: Vec<Upstream>,
}

impl Names for Stage<'_> {
    fn named(&self, name: &str) -> Result<Option<Value>, String> {
        self.values.get(name).cloned().map(Some).ok_or_else(|| format!("nothing is named `{name}`"))
    }

    fn token(&self, name: &str) -> Result<Option<String>, String> {
        let actor = self.actors.get(name).ok_or_else(|| format!("`{name}` has not signed in"))?;
        Ok(Some(actor.token().to_owned()))
    }

    fn login(&self) -> Option<String> {
        Some(self.bench.login().to_string())
    }

    fn origin(&self, door: Door) -> Option<String> {
        Some(self.bench.door(door).origin().ascii_serialization())
    }

    fn plan(&self) -> &Plan {
        &self.bench.plan
    }
}

/// Nothing is shown when a name has no value.
fn unknown(why: String) -> Finding {
    Finding::Inconclusive(why)
}

impl Stage<'_> {
    fn steps<'s>(&'s mut self, steps: &'s [Spanned<Step>]) -> BoxFuture<'s, Result<(), Finding>> {
        Box::pin(async move {
            for step in steps {
                let line = step.defined.line();
                self.step(&step.value).await.map_err(|finding| placed(finding, line))?;
            }
            Ok(())
        })
    }

    async fn step(&mut self, step: &Step) -> Result<(), Finding> {
        match step {
            Step::SignIn(sign_in) => self.sign_in(sign_in).await,
            Step::Forge(forge) => self.forge(forge),
            Step::Consent(permissions) => self.permissions(permissions, true).await,
            Step::Revoke(permissions) => self.permissions(permissions, false).await,
            Step::Account(account) => self.account(account).await,
            Step::EndSessions(who) => {
                let (user, tenant) = self.person(&who.who)?;
                self.bench.end_sessions(&tenant, &user).await
            }
            Step::Lab(lab) => self.lab(lab).await,
            Step::Clock(clock) => {
                let by = seconds(&clock.pass, self.bench.bound().as_secs());
                let by = by.ok_or_else(|| unknown(format!("{} is no time", clock.pass)))?;
                self.bench.advance(SignedDuration::from_secs(by)).await
            }
            Step::Document(document) => self.document(document),
            Step::Let(values) => {
                for (name, value) in values {
                    let value = self.value(value)?;
                    self.values.insert(name.clone(), value);
                }
                Ok(())
            }
            Step::Call(call) => self.call(call).await,
            Step::Mcp(mcp) => self.mcp(mcp).await,
            Step::Http(http) => self.http(http).await,
            Step::Token(token) => self.token_request(token).await,
            Step::Graph(graph) => self.graph(graph).await,
            Step::Together(together) => self.together(together).await,
            Step::During(during) => self.during(during).await,
            Step::UntilRefused(until) => self.until_refused(until).await,
            Step::ForEach(each) => self.for_each(each).await,
            Step::Remember(world) => {
                let fingerprint = self.bench.fingerprint().await?;
                self.worlds.insert(world.world.clone(), fingerprint);
                Ok(())
            }
            Step::Unchanged(world) => self.unchanged(world).await,
            Step::Audit(audit) => self.audit(audit).await,
            Step::Events(events) => self.events(events),
            Step::Traffic(traffic) => {
                let upstream = self.upstream.clone();
                self.expect_traffic("since the scenario began", traffic, &upstream)
            }
            Step::NoSecrets(_) => self.no_secrets(),
        }
    }

    async fn sign_in(&mut self, sign_in: &SignIn) -> Result<(), Finding> {
        let who = self.text(&sign_in.who)?;
        let name = sign_in.name.as_deref().map_or_else(|| Ok(who.clone()), |name| self.text(name))?;
        let from = sign_in.from.as_deref().map_or_else(|| Ok(who.clone()), |from| self.text(from))?;
        let at = sign_in.at.as_deref().map(|at| self.text(at)).transpose()?;
        let scope = sign_in.scope.as_deref().map(|scope| self.text(scope)).transpose()?;
        let claims = sign_in.claims.as_deref().map(|claims| self.text(claims)).transpose()?;
        let renewed = match sign_in.flow {
            Flow::Code => None,
            Flow::Refresh => {
                Some(self.actors.get(&from).cloned().ok_or_else(|| unknown(format!("`{from}` has not signed in")))?)
            }
        };
        let way = Way {
            at: at.as_deref(),
            client: sign_in.client.as_deref(),
            scope: scope.as_deref(),
            claims: claims.as_deref(),
            second_factor: sign_in.second_factor.as_deref(),
            refresh: renewed.as_ref(),
            ..Way::of(&who)
        };
        match (self.bench.sign_in_by(&way).await?, sign_in.refused) {
            (Ok(actor), None) => drop(self.actors.insert(name, actor)),
            (Ok(_), Some(number)) => {
                self.bench.expect("the sign-in is refused", &format!("AADSTS{number}"), "signed in", false)?;
            }
            (Err(why), None) => return Err(Finding::Inconclusive(format!("{who} cannot sign in: {why}"))),
            (Err(why), Some(number)) => {
                let expected = format!("AADSTS{number}");
                let held = why.contains(&expected);
                self.bench.expect("the sign-in is refused", &expected, &why, held)?;
            }
        }
        Ok(())
    }

    fn forge(&mut self, forge: &Forge) -> Result<(), Finding> {
        let from = self.text(&forge.from)?;
        let name = self.text(&forge.name)?;
        let actor = self.actors.get(&from).cloned().ok_or_else(|| unknown(format!("`{from}` has not signed in")))?;
        let claims = self.values_of(&forge.claims)?;
        let header = self.values_of(&forge.header)?;
        let twice = self.values_of(&forge.twice)?;
        let plan = self.bench.plan.clone();
        let forged = forged(&plan, actor.token(), forge, claims, header, twice);
        let forged = forged.map_err(|error| Finding::Inconclusive(format!("failure of ours: {error}")))?;
        self.bench.forged(&name, &forged);
        self.actors.insert(name, actor.with(&forged));
        Ok(())
    }

    async fn permissions(&mut self, permissions: &Permissions, granted: bool) -> Result<(), Finding> {
        let tenant = self.text(&permissions.tenant)?;
        let scopes = permissions.scopes.iter().map(|scope| self.text(scope)).collect::<Result<Vec<_>, _>>()?;
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        if granted { self.bench.consent(&tenant, &scopes).await } else { self.bench.revoke(&tenant, &scopes).await }
    }

    async fn account(&mut self, account: &Account) -> Result<(), Finding> {
        let (user, tenant) = self.person(&account.who)?;
        self.bench.enable(&tenant, &user, account.enabled).await
    }

    async fn lab(&mut self, lab: &LabCall) -> Result<(), Finding> {
        let body: serde_json::Map<String, Value> = self.values_of(&lab.json)?.into_iter().collect();
        let label = lab.label.clone().unwrap_or_else(|| lab.post.clone());
        let answer = self.bench.control_world(&label, &lab.post, &Value::Object(body)).await?;
        for (name, pointer) in &lab.capture {
            let value = answer.pointer(pointer).cloned();
            let value = value.ok_or_else(|| unknown(format!("{} answered nothing at {pointer}", lab.post)))?;
            self.values.insert(name.clone(), value);
        }
        Ok(())
    }

    async fn for_each(&mut self, each: &ForEach) -> Result<(), Finding> {
        for value in &each.list {
            let value = self.value(value)?;
            self.values.insert(each.name.clone(), value);
            self.steps(&each.steps).await?;
        }
        self.values.remove(&each.name);
        Ok(())
    }

    async fn until_refused(&mut self, until: &UntilRefused) -> Result<(), Finding> {
        let call = self.tool_call(&until.by, &until.tool, &until.with)?;
        let who = format!("{} calls {}", self.text(&until.by)?, until.tool);
        let reply = crate::suites::blocked(self.bench, &until.measures, &who, &call).await?;
        self.heard(&reply);
        match &until.expect {
            Some(expect) => self.expect(&who, expect, &reply),
            None => Ok(()),
        }
    }

    async fn unchanged(&mut self, world: &step::World) -> Result<(), Finding> {
        let before = self.worlds.get(&world.world).cloned();
        let before = before.ok_or_else(|| unknown(format!("no world `{}` is remembered", world.world)))?;
        let after = self.bench.fingerprint().await?;
        self.bench.expect("content is untouched", &before, &after, before == after)
    }

    async fn audit(&mut self, audit: &Audit) -> Result<(), Finding> {
        let rows = self.bench.audit().await?;
        let fields = audit.fields.iter().map(|(name, pattern)| Ok((name, self.text(pattern)?)));
        let fields = fields.collect::<Result<Vec<_>, Finding>>()?;
        let meant = |row: &&Value| {
            field(row, "kind") == audit.kind
                && fields.iter().all(|(name, pattern)| super::expect::matches(pattern, &field(row, name)))
        };
        let found = rows.iter().filter(meant).count();
        let (expected, held) = super::requests::counted(audit.exactly, audit.at_least, found);
        self.bench.expect(&format!("rows of kind {} in the audit log", audit.kind), &expected, &found.to_string(), held)
    }

    /// Each line was read back as JSON: one that somebody broke in two is none, or is one too many.
    fn events(&mut self, events: &Events) -> Result<(), Finding> {
        let lines = self.bench.events()?;
        let fields = events.fields.iter().map(|(name, pattern)| Ok((name, self.text(pattern)?)));
        let fields = fields.collect::<Result<Vec<_>, Finding>>()?;
        for text in &events.hides {
            let text = self.text(text)?;
            let found = lines.iter().filter(|line| line.to_string().contains(&text)).count();
            self.bench.expect("lines of the connector's log that hold it", "0", &found.to_string(), found == 0)?;
        }
        if !events.hides.is_empty() && events.exactly.is_none() && events.at_least.is_none() {
            return Ok(());
        }
        let meant = |line: &&Value| {
            events.event.as_deref().is_none_or(|event| field(line, "event") == event)
                && fields.iter().all(|(name, pattern)| super::expect::matches(pattern, &field(line, name)))
        };
        let found = lines.iter().filter(meant).count();
        let (expected, held) = super::requests::counted(events.exactly, events.at_least, found);
        self.bench.expect("lines in the connector's log", &expected, &found.to_string(), held)
    }

    /// The call waits; the steps happen; then its answer is looked at.
    async fn during(&mut self, during: &During) -> Result<(), Finding> {
        let (label, prepared) = self.labelled(&during.call)?;
        let under_way = self.bench.begin(prepared).await?;
        self.steps(&during.steps).await?;
        let reply = self.bench.finish(&label, under_way).await?;
        self.came(&during.call, &label, reply)
    }

    fn document(&mut self, document: &step::Document) -> Result<(), Finding> {
        let cannot = |why: String| unknown(format!("{} cannot be made: {why}", document.name));
        let filled = self.value(&serde_json::to_value(document).map_err(|error| cannot(error.to_string()))?)?;
        let filled: step::Document = serde_json::from_value(filled).map_err(|error| cannot(error.to_string()))?;
        let bytes = filled.bytes().map_err(|error| cannot(error.to_string()))?;
        self.values.insert(document.name.clone(), STANDARD.encode(bytes).into());
        Ok(())
    }

    /// Tokens that Entra gave the connector, tokens and credentials of the scenario: in no answer, and in no line of a log that can be read.
    fn no_secrets(&mut self) -> Result<(), Finding> {
        let given = self.upstream.iter().filter(|upstream| upstream.is_token_request());
        let given = given.filter_map(|request| serde_json::from_slice::<Value>(&request.response()).ok());
        let mut secrets: Vec<String> = given
            .flat_map(|answer| {
                let field = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
                [field("access_token"), field("refresh_token")]
            })
            .flatten()
            .collect();
        if secrets.is_empty() {
            return Err(unknown("control failed: no token for Graph was seen".to_owned()));
        }
        secrets.extend(self.actors.values().map(|actor| actor.token().to_owned()));
        let plan = self.bench.plan.clone();
        let kept = plan.registrations.iter().flat_map(|registration| &registration.secrets);
        secrets.extend(kept.map(|secret| secret.value.clone()));
        let shown = self.said.iter().filter(|reply| secrets.iter().any(|secret| reply.shows(secret))).count();
        let claim = format!("answers of {} that hold one of {} tokens and credentials", self.said.len(), secrets.len());
        self.bench.expect(&claim, "0", &shown.to_string(), shown == 0)?;
        let lines = match self.bench.events() {
            Err(Finding::NotApplicable(_)) => return Ok(()),
            lines => lines?,
        };
        let told = |line: &&Value| secrets.iter().any(|secret| line.to_string().contains(secret.as_str()));
        let found = lines.iter().filter(told).count();
        let claim = format!("lines of {} in the connector's log that hold one", lines.len());
        self.bench.expect(&claim, "0", &found.to_string(), found == 0)
    }

    /// `name@tenant`, taken apart.
    fn person(&self, who: &str) -> Result<(String, String), Finding> {
        let who = self.text(who)?;
        let (user, tenant) = who.split_once('@').ok_or_else(|| unknown(format!("`{who}` is nobody")))?;
        Ok((user.to_owned(), tenant.to_owned()))
    }

    pub(super) fn text(&self, text: &str) -> Result<String, Finding> {
        let value = template::fill(text, self).map_err(unknown)?;
        Ok(match value {
            Some(Value::String(text)) => text,
            Some(value) => value.to_string(),
            None => return Err(unknown(format!("`{text}` has no value"))),
        })
    }

    pub(super) fn value(&self, value: &Value) -> Result<Value, Finding> {
        template::fill_value(value, self).map_err(unknown)?.ok_or_else(|| unknown(format!("{value} has no value")))
    }

    pub(super) fn values_of(&self, values: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>, Finding> {
        values.iter().map(|(name, value)| Ok((name.clone(), self.value(value)?))).collect()
    }
}

/// A member of a row, as text.
fn field(row: &Value, name: &str) -> String {
    match row.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

fn forged(
    plan: &Plan,
    genuine: &str,
    forge: &Forge,
    claims: BTreeMap<String, Value>,
    header: BTreeMap<String, Value>,
    twice: BTreeMap<String, Value>,
) -> Result<Forged, ForgeError> {
    let missing = |what: &str| ForgeError::Key(what.to_owned());
    let key = plan.keys.first().ok_or_else(|| missing("active"))?;
    let consumer = plan.keys.iter().find(|key| matches!(key.issuer, KeyIssuer::Tenant(_)));
    let consumer = consumer.ok_or_else(|| missing("consumer"));
    let mut draft = Draft::of(genuine)?;
    for (name, by) in &forge.shift {
        let value = draft.get(name).and_then(Value::as_i64).ok_or(ForgeError::NotAToken("a time claim is missing"))?;
        draft = draft.claim(name, value + by);
    }
    for name in &forge.without {
        draft = draft.without(name);
    }
    for (name, value) in claims {
        draft = draft.claim(&name, value);
    }
    for (name, value) in header {
        draft = draft.header(&name, value);
    }
    for (name, value) in twice {
        draft = draft.repeated(&name, &value);
    }
    match &forge.sign {
        Sign::Genuine => draft.sign(key, Algorithm::Rs256),
        Sign::With(step::Algorithm::Rs384) => draft.sign(key, Algorithm::Rs384),
        Sign::With(step::Algorithm::Rs512) => draft.sign(key, Algorithm::Rs512),
        Sign::With(step::Algorithm::Ps256) => draft.sign(key, Algorithm::Ps256),
        Sign::Labelled(label) => draft.mislabelled(key, label),
        Sign::Consumer => draft.sign(consumer?, Algorithm::Rs256),
        Sign::ConsumerAsGenuine => draft.sign_as(consumer?, &key.kid),
        Sign::PublicAsSecret(form) => public_bytes(key, *form).map(|secret| draft.sign_hs256(&secret)),
        Sign::Unsigned(spelling) => Ok(draft.unsigned(spelling)),
        Sign::Keep => Ok(draft.keep_signature()),
    }
}

/// What everybody can read of the issuer's key, as the bytes that a careless library would take for a secret.
fn public_bytes(key: &SigningKey, form: PublicForm) -> Result<Vec<u8>, ForgeError> {
    let unreadable = || ForgeError::Key(key.kid.clone());
    match form {
        PublicForm::Pem => Ok(key.certificate_pem.as_bytes().to_vec()),
        PublicForm::Der => forge::certificate(key).ok_or_else(unreadable),
        PublicForm::Jwk => forge::public_jwk(key).ok_or_else(unreadable),
    }
}

/// A finding, with the line of the step that found it. Inner steps have said theirs already.
fn placed(finding: Finding, line: u64) -> Finding {
    let place =
        |why: String| if why.ends_with(')') && why.contains("(line ") { why } else { format!("{why} (line {line})") };
    match finding {
        Finding::Fail(why) => Finding::Fail(place(why)),
        Finding::Inconclusive(why) => Finding::Inconclusive(place(why)),
        other @ Finding::NotApplicable(_) => other,
    }
}

/// `61`, `bound`, `bound-1`, `bound+1`, in seconds.
pub(super) fn seconds(pass: &Value, bound: i64) -> Option<i64> {
    let text = match pass {
        Value::Number(number) => return number.as_i64().filter(|seconds| *seconds > 0),
        Value::String(text) => text.replace(' ', ""),
        _ => return None,
    };
    let more = text.strip_prefix("bound")?;
    let more = if more.is_empty() { 0 } else { more.parse::<i64>().ok()? };
    Some((bound + more).max(0))
}
