//! What came back from the target, and what it asked of Entra and Graph meanwhile.

use serde_json::Value;

use super::sign_in::hidden_fields;
use crate::check::Layer;
use crate::lab::Upstream;
use crate::target::Shape;

/// One answer of the target.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Who asked.
    pub actor: String,
    /// HTTP status; 0 when no answer came.
    pub status: u16,
    /// Answer headers in order.
    pub headers: Vec<(String, String)>,
    /// The bytes of the answer.
    pub body: Vec<u8>,
    /// What the connector asked of Entra and Graph. Empty for calls that ran side by side: see [`Together`].
    pub upstream: Vec<Upstream>,
    message: Option<Value>,
    /// Who answered plain HTTP; nothing for an MCP answer.
    plain: Option<Layer>,
    shape: Shape,
}

/// Answers to calls that ran side by side.
#[derive(Debug)]
pub struct Together {
    /// In the order of the calls.
    pub replies: Vec<Reply>,
    /// What the connector asked for all of them.
    pub upstream: Vec<Upstream>,
}

impl Reply {
    pub(super) fn new(actor: &str, status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        let message = message(&headers, &body);
        Self {
            actor: actor.to_owned(),
            status,
            headers,
            body,
            upstream: Vec::new(),
            message,
            plain: None,
            shape: Shape::default(),
        }
    }

    /// The same, with things at other places.
    pub(super) fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The answer to a plain HTTP request.
    pub(super) fn plain(self, by: Layer) -> Self {
        Self { plain: Some(by), ..self }
    }

    /// The answer as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// An answer header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The JSON-RPC result.
    pub fn result(&self) -> Option<&Value> {
        self.message.as_ref()?.get("result")
    }

    /// The answer as JSON: the result of an MCP answer, the body of a plain one.
    pub fn json(&self) -> Option<Value> {
        if self.plain.is_none()
            && let Some(result) = self.result()
        {
            return Some(result.clone());
        }
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether the call was served: a result that is no error; of plain HTTP, a status that says so.
    pub fn served(&self) -> bool {
        if self.plain.is_some() {
            return (200..300).contains(&self.status);
        }
        self.status == 200 && self.result().is_some_and(|result| result.get("isError") != Some(&Value::Bool(true)))
    }

    /// The structured answer of a tool.
    pub fn structured(&self) -> Option<Value> {
        let result = self.result()?;
        let text = || serde_json::from_str(result.pointer("/content/0/text")?.as_str()?).ok();
        result.get("structuredContent").cloned().or_else(text)
    }

    /// The structured error of a tool.
    pub fn error(&self) -> Option<Value> {
        self.structured()?.get("error").cloned()
    }

    /// The error's code, wherever the answer carries one: a tool's error, JSON-RPC's, or the body of a 401 or 403.
    pub fn code(&self) -> Option<String> {
        let structured = self.structured();
        if let Some(code) = structured.as_ref().and_then(|answer| answer.pointer(&self.shape.code)?.as_str()) {
            return Some(code.to_owned());
        }
        if let Some(code) = self.message.as_ref().and_then(|message| message.pointer("/error/code")) {
            return Some(code.as_str().map_or_else(|| code.to_string(), str::to_owned));
        }
        // Of a 403 the body says more than OAuth's one word for it.
        if self.status == 403
            && let Some(code) = self.code_of_body()
        {
            return Some(code);
        }
        if let Some(challenge) = self.header("www-authenticate")
            && let Some((_, rest)) = challenge.split_once("error=\"")
        {
            return rest.split_once('"').map(|(code, _)| code.to_owned());
        }
        self.code_of_body()
    }

    fn code_of_body(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let code = body.pointer("/error/code").or_else(|| body.get("error"))?;
        code.as_str().map(str::to_owned)
    }

    /// What a refusal says to people and models: a tool's text, or the whole body.
    pub fn explanation(&self) -> String {
        let text = self.result().and_then(|result| result.pointer("/content/0/text")).and_then(Value::as_str);
        text.map_or_else(|| self.text(), str::to_owned)
    }

    /// The hits of a search.
    pub fn items(&self) -> Vec<Value> {
        let items = self.structured().and_then(|answer| answer.pointer(&self.shape.items)?.as_array().cloned());
        items.unwrap_or_default()
    }

    /// The address of the hit whose text has this word.
    pub fn uri_with(&self, word: &str) -> Option<String> {
        let hit = self.items().into_iter().find(|item| item.to_string().contains(word))?;
        hit.pointer(&self.shape.uri).and_then(Value::as_str).map(str::to_owned)
    }

    /// What the form on a page sends under this name.
    pub fn form_field(&self, name: &str) -> Option<String> {
        hidden_fields(&self.text()).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The cursor of the next page.
    pub fn next_cursor(&self) -> Option<String> {
        self.structured()?.pointer(&self.shape.cursor)?.as_str().map(str::to_owned)
    }

    /// Whether the word is anywhere in the answer, headers included.
    pub fn shows(&self, word: &str) -> bool {
        self.text().contains(word) || self.headers.iter().any(|(_, value)| value.contains(word))
    }

    /// Its On-Behalf-Of requests.
    pub fn exchanges(&self) -> impl Iterator<Item = &Upstream> {
        self.upstream.iter().filter(|upstream| upstream.is_exchange())
    }

    /// Its Graph requests.
    pub fn graph(&self) -> impl Iterator<Item = &Upstream> {
        self.upstream.iter().filter(|upstream| upstream.host == "graph")
    }

    /// Who refused it, told by who was asked: the last of Graph and Entra that said no, else the connector itself.
    pub fn refused_by(&self) -> Option<Layer> {
        if self.served() {
            return None;
        }
        if let Some(by) = self.plain.filter(|by| *by != Layer::Connector) {
            return Some(by);
        }
        let last = self.upstream.iter().rev().find(|upstream| upstream.status >= 400);
        Some(last.map_or(
            Layer::Connector,
            |upstream| {
                if upstream.is_token_request() { Layer::Issuer } else { Layer::Graph }
            },
        ))
    }

    /// One line for reports: status, code, size. No content.
    pub fn summary(&self) -> String {
        if self.served() {
            return format!("served: HTTP {}, {} bytes", self.status, self.body.len());
        }
        let code = self.code().unwrap_or_else(|| "no code".to_owned());
        let by = self.refused_by().map_or_else(String::new, |layer| format!(", refused by the {layer}"));
        format!("HTTP {}, {code}{by}", self.status)
    }
}

/// The JSON-RPC message: the body itself, or the last event of a stream that answers.
fn message(headers: &[(String, String)], body: &[u8]) -> Option<Value> {
    let kind = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map(|(_, value)| value);
    let answers = |value: &Value| value.get("result").is_some() || value.get("error").is_some();
    if kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
        // A line may end in CR LF, too (WHATWG HTML, 9.2.5).
        let text = String::from_utf8_lossy(body).replace("\r\n", "\n");
        let data = text.split("\n\n").map(|event| {
            let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
            lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
        });
        return data.filter_map(|data| serde_json::from_str(&data).ok()).find(answers);
    }
    let message: Value = serde_json::from_slice(body).ok()?;
    (message.get("jsonrpc").is_some() && answers(&message)).then_some(message)
}
