//! Requests of a scenario, and what is expected of their answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::expect::{Capture, Expect, Traffic, matches};
use super::play::Stage;
use super::step::{Call, GraphRequest, Host, Http, Mcp, Together, TokenRequest};
use crate::bench::{self, Raw, Refusal, Reply};
use crate::check::Finding;
use crate::lab::Upstream;
use crate::recorder::StepKind;

/// What every request may say besides what it sends.
struct Said<'r> {
    label: String,
    control: Option<&'r String>,
    expect: Option<&'r Expect>,
    save: Option<&'r String>,
    capture: &'r BTreeMap<String, Capture>,
}

macro_rules! said {
    ($request:expr, $label:expr) => {
        Said {
            label: $request.label.clone().unwrap_or_else(|| $label),
            control: $request.control.as_ref(),
            expect: $request.expect.as_deref(),
            save: $request.save.as_ref(),
            capture: &$request.capture,
        }
    };
}

impl Stage<'_> {
    /// The same with the names in its label filled in, as far as they have a value.
    fn told<'s>(&self, said: Said<'s>) -> Said<'s> {
        let label = self.text(&said.label).unwrap_or_else(|_| said.label.clone());
        Said { label, ..said }
    }

    pub(super) async fn call(&mut self, call: &Call) -> Result<(), Finding> {
        let prepared = self.prepared(call)?;
        let said = self.told(said!(call, format!("calls {}", call.tool)));
        let reply = match said.control {
            Some(proof) => {
                let proof = self.text(proof)?;
                self.bench.control(&said.label, prepared, &proof).await?
            }
            None => self.bench.attempt(&said.label, prepared).await?,
        };
        self.answered(&said, reply)
    }

    pub(super) async fn mcp(&mut self, mcp: &Mcp) -> Result<(), Finding> {
        let mut call = match &mcp.by {
            Some(by) => self.actor(by)?.ask(&mcp.method),
            None => bench::Call::anonymous(&mcp.method),
        };
        if let Some(params) = &mcp.params {
            let params = self.value(params)?;
            // What a request is about stands in its header too: a tool's or prompt's name, a resource's address.
            if let Some(name) = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str) {
                call = call.header("mcp-name", name);
            }
            call = call.params(params);
        }
        if let Some(body) = &mcp.body {
            call = call.raw(self.text(body)?.into_bytes());
        }
        for (name, value) in &mcp.headers {
            call = call.header(name, &self.text(value)?);
        }
        let said = self.told(said!(mcp, format!("asks {}", mcp.method)));
        let reply = match said.control {
            Some(proof) => {
                let proof = self.text(proof)?;
                self.bench.control(&said.label, call, &proof).await?
            }
            None => self.bench.attempt(&said.label, call).await?,
        };
        self.answered(&said, reply)
    }

    pub(super) async fn http(&mut self, http: &Http) -> Result<(), Finding> {
        let to = match http.to {
            Host::Connector => bench::Host::Connector,
            Host::Login => bench::Host::Login,
            Host::Graph => bench::Host::Graph,
            Host::Content => bench::Host::Content,
        };
        let mut body = http.body.as_deref().map_or_else(|| Ok(String::new()), |body| self.text(body))?;
        body = body.repeat(http.repeat.unwrap_or(1) as usize);
        let mut headers = self.texts(&http.headers)?;
        if !http.form.is_empty() {
            body = serde_urlencoded::to_string(self.texts(&http.form)?).unwrap_or_default();
            headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        }
        let mut sender = "somebody".to_owned();
        if let Some(by) = &http.by {
            let actor = self.actor(by)?;
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
                headers.push(("authorization".to_owned(), format!("Bearer {}", actor.token())));
            }
            sender.clone_from(&actor.name);
        }
        let path = self.text(&http.path)?;
        let raw = Raw { actor: sender, to, method: http.method.clone(), path, headers, body: body.into_bytes() };
        let said = self.told(said!(http, format!("sends {} {}", http.method, http.path)));
        self.sent(&said, &raw).await
    }

    pub(super) async fn token_request(&mut self, token: &TokenRequest) -> Result<(), Finding> {
        let at = self.text(&token.at)?;
        let at = self.bench.plan.tenant(&at).map_or(at, |tenant| tenant.id.to_string());
        let body = serde_urlencoded::to_string(self.texts(&token.form)?).unwrap_or_default();
        let raw = Raw {
            actor: "somebody".to_owned(),
            to: bench::Host::Login,
            method: "POST".to_owned(),
            path: format!("/{at}/oauth2/v2.0/token"),
            headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
            body: body.into_bytes(),
        };
        let grant = token.form.get("grant_type").map_or("", String::as_str);
        let said = self.told(said!(token, format!("asks for a token by {grant}")));
        self.sent(&said, &raw).await
    }

    pub(super) async fn graph(&mut self, graph: &GraphRequest) -> Result<(), Finding> {
        let actor = self.actor(&graph.by)?;
        let mut headers = self.texts(&graph.headers)?;
        headers.push(("authorization".to_owned(), format!("Bearer {}", actor.token())));
        let mut body = Vec::new();
        if let Some(json) = &graph.json {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            body = self.value(json)?.to_string().into_bytes();
        }
        let (method, path) = (graph.method.clone(), self.text(&graph.path)?);
        let said = self.told(said!(graph, format!("asks Graph: {method} {path}")));
        let raw = Raw { actor: actor.name.clone(), to: bench::Host::Graph, method, path, headers, body };
        self.sent(&said, &raw).await
    }

    pub(super) async fn together(&mut self, together: &Together) -> Result<(), Finding> {
        for round in 1..=together.rounds {
            let calls = together.calls.iter().map(|call| self.prepared(call)).collect::<Result<Vec<_>, _>>()?;
            let label = together.label.as_deref().unwrap_or("everybody asks at once");
            let answers = self.bench.together(&format!("{label}, round {round}"), calls).await?;
            for (call, reply) in together.calls.iter().zip(answers.replies) {
                if let Some(proof) = &call.control {
                    let proof = self.text(proof)?;
                    if !reply.served() || !reply.shows(&proof) {
                        let why = reply.summary();
                        return Err(Finding::Inconclusive(format!("control failed: {}: {why}", call.by)));
                    }
                }
                self.answered(&said!(call, format!("round {round}, {}", call.tool)), reply)?;
            }
            for traffic in &together.upstream {
                self.expect_traffic(&format!("round {round}"), traffic, &answers.upstream)?;
            }
            self.upstream.extend(answers.upstream);
        }
        Ok(())
    }

    async fn sent(&mut self, said: &Said<'_>, raw: &Raw) -> Result<(), Finding> {
        let kind = if said.control.is_some() { StepKind::Control } else { StepKind::Attempt };
        let reply = self.bench.send(kind, &said.label, raw).await?;
        if let Some(proof) = said.control {
            self.proven(&said.label, &reply, proof)?;
        }
        self.answered(said, reply)
    }

    fn answered(&mut self, said: &Said<'_>, reply: Reply) -> Result<(), Finding> {
        self.heard(&reply);
        self.bench.expect_only_own(&said.label, &reply)?;
        if let Some(expect) = said.expect {
            self.expect(&said.label, expect, &reply)?;
        }
        for (name, capture) in said.capture {
            let value = self.captured(capture, &reply)?;
            let value = value.ok_or_else(|| {
                Finding::Inconclusive(format!("{}: the answer has no `{name}`: {}", said.label, reply.summary()))
            })?;
            self.values.insert(name.clone(), value);
        }
        if let Some(save) = said.save {
            self.answers.insert(save.clone(), reply);
        }
        Ok(())
    }

    /// Remembers what the connector said and asked.
    pub(super) fn heard(&mut self, reply: &Reply) {
        self.upstream.extend(reply.upstream.iter().cloned());
        self.said.push(reply.clone());
    }

    fn captured(&self, capture: &Capture, reply: &Reply) -> Result<Option<Value>, Finding> {
        Ok(match capture {
            Capture::UriOf(word) => reply.uri_with(&self.text(word)?).map(Value::String),
            Capture::NextCursor(_) => reply.next_cursor().map(Value::String),
            Capture::Json(pointer) => reply.json().and_then(|json| json.pointer(pointer).cloned()),
            Capture::Header(name) => reply.header(name).map(Value::from),
            Capture::Redirect(name) => {
                let location = reply.header("location").and_then(|location| url::Url::parse(location).ok());
                let field = |location: url::Url| {
                    let mut pairs = location.query_pairs();
                    pairs.find(|(known, _)| known == name).map(|(_, value)| Value::String(value.into_owned()))
                };
                location.and_then(field)
            }
            Capture::Field(name) => reply.form_field(name).map(Value::String),
            Capture::Exchange(name) => {
                let last = reply.exchanges().last();
                let answer = last.and_then(|last| serde_json::from_slice::<Value>(&last.response()).ok());
                answer.and_then(|answer| answer.get(name).cloned())
            }
        })
    }

    /// Everything that is said must hold.
    pub(super) fn expect(&mut self, label: &str, expect: &Expect, reply: &Reply) -> Result<(), Finding> {
        if let Some(served) = expect.served {
            let expected = if served { "served" } else { "a refusal" };
            self.bench.expect(label, expected, &reply.summary(), reply.served() == served)?;
        }
        if let Some(status) = expect.status {
            self.bench.expect_status(&format!("{label}: status"), reply, status)?;
        }
        if let Some(code) = &expect.code {
            let code = self.text(code)?;
            self.bench.expect_code(&format!("{label}: code"), reply, &code)?;
        }
        if let Some(number) = expect.aadsts {
            let expected = format!("AADSTS{number}");
            let held = reply.shows(&expected);
            self.bench.expect(&format!("{label}: Entra's error"), &expected, &reply.summary(), held)?;
        }
        for text in &expect.shows {
            let text = self.text(text)?;
            let held = reply.shows(&text);
            self.bench.expect(&format!("{label}: the answer holds"), &text, &reply.summary(), held)?;
        }
        for text in &expect.hides {
            let text = self.text(text)?;
            let held = !shows_in_any_form(reply, &text);
            let (expected, seen) = (format!("without `{text}`"), if held { "without it" } else { "it is there" });
            let seen = format!("{seen}; {}", reply.summary());
            self.bench.expect(&format!("{label}: the answer"), &expected, &seen, held)?;
        }
        if expect.loads_nothing {
            let loads = super::markdown::loads(reply);
            let claim = format!("{label}: shown as Markdown, it loads");
            let seen = if loads.is_empty() { "nothing".to_owned() } else { loads.join(", ") };
            self.bench.expect(&claim, "nothing", &seen, loads.is_empty())?;
        }
        if let Some(permission) = &expect.names_permission {
            self.bench.expect(&format!("{label}: not served"), "a refusal", &reply.summary(), !reply.served())?;
            self.bench.expect_names(reply, permission)?;
        }
        for (name, pattern) in &expect.headers {
            if !self.bench.challenges_are_told(name, reply) {
                continue;
            }
            let pattern = self.text(pattern)?;
            let seen = reply.header(name).unwrap_or("-").to_owned();
            let held = if pattern == "-" { reply.header(name).is_none() } else { matches(&pattern, &seen) };
            self.bench.expect(&format!("{label}: header {name}"), &pattern, &seen, held)?;
        }
        for (pointer, value) in &expect.json {
            let value = self.value(value)?;
            let seen = reply.json().and_then(|json| json.pointer(pointer).cloned());
            let told = seen.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
            self.bench.expect(
                &format!("{label}: {pointer}"),
                &value.to_string(),
                &told,
                seen.as_ref() == Some(&value),
            )?;
        }
        if let Some(other) = &expect.same_as {
            let other = self.answers.get(other).cloned();
            let other = other.ok_or_else(|| Finding::Inconclusive("nothing to compare with".to_owned()))?;
            self.bench.expect_same(&format!("{label}: cannot be told apart"), &other, reply)?;
        }
        for traffic in &expect.upstream {
            self.expect_traffic(label, traffic, &reply.upstream)?;
        }
        // Last: a refusal of another class shows nothing, and must not hide what was shown.
        if let Some(refused) = &expect.refused {
            let code = self.text(&refused.code)?;
            let refusal = Refusal::of(refused.status, &code, refused.by);
            self.bench.expect_refused(label, reply, refusal)?;
        }
        if expect.token_refused {
            self.bench.expect_token_refused(label, reply)?;
        }
        Ok(())
    }

    pub(super) fn expect_traffic(&mut self, label: &str, traffic: &Traffic, all: &[Upstream]) -> Result<(), Finding> {
        let text = |pattern: &Option<String>| pattern.as_deref().map(|pattern| self.text(pattern)).transpose();
        let (path, target) = (text(&traffic.path)?, text(&traffic.target)?);
        let (form, headers) = (self.texts(&traffic.form)?, self.texts(&traffic.headers)?);
        let fits = |pattern: &Option<String>, seen: &str| pattern.as_deref().is_none_or(|p| matches(p, seen));
        let meant = |request: &&Upstream| {
            fits(&traffic.to, &request.host)
                && fits(&traffic.method, &request.method)
                && fits(&path, request.path())
                && fits(&target, &request.target)
                && form.iter().all(|(name, pattern)| {
                    request.form().iter().any(|(field, value)| field == name && matches(pattern, value))
                })
                && headers.iter().all(|(name, pattern)| matches(pattern, request.header(name).unwrap_or_default()))
        };
        let found: Vec<&Upstream> = all.iter().filter(meant).collect();
        let what = format!("{label}: requests{}", told(traffic));
        for request in found.iter().filter(|_| !traffic.only.is_empty()) {
            let seen = format!("{} {}", request.method, request.path());
            let held = traffic.only.iter().any(|pattern| matches(pattern, &seen));
            self.bench.expect(&format!("{what} are of the listed kinds"), &traffic.only.join(", "), &seen, held)?;
        }
        if let Some(at_most) = traffic.at_most {
            let expected = format!("at most {at_most}");
            self.bench.expect(&what, &expected, &found.len().to_string(), found.len() <= at_most)?;
        }
        let is_bounded = !traffic.only.is_empty() || traffic.at_most.is_some();
        if !is_bounded || traffic.exactly.is_some() || traffic.at_least.is_some() {
            let (expected, held) = counted(traffic.exactly, traffic.at_least, found.len());
            self.bench.expect(&what, &expected, &found.len().to_string(), held)?;
        }
        Ok(())
    }

    /// A call, and what it is called.
    pub(super) fn labelled(&self, call: &Call) -> Result<(String, bench::Call), Finding> {
        let said = self.told(said!(call, format!("calls {}", call.tool)));
        Ok((said.label, self.prepared(call)?))
    }

    /// The answer to a call that was under way.
    pub(super) fn came(&mut self, call: &Call, label: &str, reply: Reply) -> Result<(), Finding> {
        if let Some(proof) = &call.control {
            self.proven(label, &reply, proof)?;
        }
        self.answered(&said!(call, label.to_owned()), reply)
    }

    fn proven(&mut self, label: &str, reply: &Reply, proof: &str) -> Result<(), Finding> {
        let proof = self.text(proof)?;
        let held = reply.served() && reply.shows(&proof);
        self.bench.recorder.control(held, &reply.summary());
        if held {
            return Ok(());
        }
        Err(Finding::Inconclusive(format!("control failed: {label}: {}", reply.summary())))
    }

    fn prepared(&self, call: &Call) -> Result<bench::Call, Finding> {
        let mut prepared = self.tool_call(&call.by, &call.tool, &call.with)?;
        if let Some(id) = &call.id {
            prepared = prepared.numbered(self.value(id)?);
        }
        for (name, value) in &call.headers {
            prepared = prepared.header(name, &self.text(value)?);
        }
        Ok(prepared)
    }

    pub(super) fn tool_call(
        &self,
        by: &str,
        tool: &str,
        with: &BTreeMap<String, Value>,
    ) -> Result<bench::Call, Finding> {
        let arguments = self.values_of(with)?.into_iter().collect();
        Ok(self.actor(by)?.call(&self.text(tool)?, Value::Object(arguments)))
    }

    fn actor(&self, by: &str) -> Result<&bench::Actor, Finding> {
        let by = self.text(by)?;
        self.actors.get(&by).ok_or_else(|| Finding::Inconclusive(format!("`{by}` has not signed in")))
    }

    fn texts(&self, texts: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, Finding> {
        texts.iter().map(|(name, text)| Ok((name.clone(), self.text(text)?))).collect()
    }
}

/// A text as it is, or as base64 shows it.
fn shows_in_any_form(reply: &Reply, text: &str) -> bool {
    reply.shows(text) || reply.shows(&STANDARD.encode(text))
}

/// What was expected of a number, for people, and whether it holds.
pub(super) fn counted(exactly: Option<usize>, at_least: Option<usize>, found: usize) -> (String, bool) {
    match (exactly, at_least) {
        (Some(exactly), _) => (exactly.to_string(), found == exactly),
        (None, Some(at_least)) => (format!("at least {at_least}"), found >= at_least),
        (None, None) => ("at least 1".to_owned(), found > 0),
    }
}

fn told(traffic: &Traffic) -> String {
    let mut out = String::new();
    for (word, pattern) in [("to", &traffic.to), ("by", &traffic.method), ("for", &traffic.path)] {
        if let Some(pattern) = pattern {
            let _ = write!(out, " {word} {pattern}");
        }
    }
    for (name, pattern) in traffic.form.iter().chain(&traffic.headers) {
        let _ = write!(out, " with {name}={pattern}");
    }
    out
}
