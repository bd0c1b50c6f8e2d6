//! Which steps are there? Each is a verb with its fields; nothing else is control flow but `for_each`, over people or values.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::expect::{Capture, Expect, Traffic};
use crate::package::{self, Part};

/// One step.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Somebody signs in: from now on steps can be `by` them.
    SignIn(SignIn),
    /// A token that is wrong in something, made from a genuine one: from now on steps can be `by` its name.
    Forge(Box<Forge>),
    /// An administrator grants Graph permissions of the connector to a tenant.
    Consent(Permissions),
    /// An administrator withdraws Graph permissions of the connector; without `scopes`, all of them.
    Revoke(Permissions),
    /// An administrator enables or disables an account.
    Account(Account),
    /// An administrator ends every session of somebody.
    EndSessions(Who),
    /// Any other control of the world: a path of `/lab/openapi.json` and its body.
    Lab(LabCall),
    /// Time passes, for the world and the connector.
    Clock(Clock),
    /// A document is made; its bytes, base64, get a name.
    Document(Document),
    /// Names for values.
    Let(BTreeMap<String, Value>),
    /// Somebody calls a tool.
    Call(Call),
    /// Somebody sends any other MCP request, or a tool call that is wrong as a message.
    Mcp(Mcp),
    /// A plain HTTP request to the connector, to Entra's host, or to Graph.
    Http(Http),
    /// A form to a token endpoint.
    Token(TokenRequest),
    /// A Graph request by somebody who signed in for Graph.
    Graph(GraphRequest),
    /// Calls that run side by side.
    Together(Together),
    /// A call that waits at a fault of the lab while other things happen.
    During(During),
    /// The call is tried at once, just below the connector's declared bound and just above it: above, it must be refused. Measures the time.
    UntilRefused(UntilRefused),
    /// The same steps for each of a list.
    ForEach(ForEach),
    /// Keeps a fingerprint of all content under a name.
    Remember(World),
    /// All content is as it was when its fingerprint was kept.
    Unchanged(World),
    /// What the world's audit log must hold.
    Audit(Audit),
    /// What the connector's own audit log must hold.
    Events(Events),
    /// What the connector asked of Entra and Graph since the scenario began.
    Traffic(Traffic),
    /// No token, code or credential that was seen so far is in any answer of the connector so far.
    NoSecrets(super::expect::Nothing),
}

macro_rules! requests {
    ($($(#[$doc:meta])* struct $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$attr])* pub $field: $type,)*
            /// What it is for, as reports tell it.
            #[serde(default)]
            pub label: Option<String>,
            /// The positive control: it must be served, and its answer must hold this text. Otherwise the scenario shows nothing.
            #[serde(default)]
            pub control: Option<String>,
            /// What must hold of the answer.
            #[serde(default)]
            pub expect: Option<Box<Expect>>,
            /// Keeps the answer under a name, for `same_as`.
            #[serde(default)]
            pub save: Option<String>,
            /// Keeps parts of the answer under names.
            #[serde(default)]
            pub capture: BTreeMap<String, Capture>,
        }
    )*};
}

requests! {
    /// A tool call.
    struct Call {
        /// Who calls.
        by: String,
        /// The tool.
        tool: String,
        /// Its arguments.
        #[serde(default)]
        with: BTreeMap<String, Value>,
        /// Further request headers; an empty text leaves a header out.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The message's id; 1 if nothing is said.
        #[serde(default)]
        id: Option<Value>,
    }

    /// An MCP request.
    struct Mcp {
        /// Who asks; nobody: without a token.
        #[serde(default)]
        by: Option<String>,
        /// The method.
        method: String,
        /// Its parameters.
        #[serde(default)]
        params: Option<Value>,
        /// The whole body instead, as it is.
        #[serde(default)]
        body: Option<String>,
        /// Further request headers; an empty text leaves a header out.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    }

    /// An HTTP request.
    struct Http {
        /// `connector`, `login`, `graph` or `content`.
        to: Host,
        /// The method; `GET` if nothing is said.
        #[serde(default = "get")]
        method: String,
        /// Path and query at that host; of the connector: `mcp` is its endpoint.
        path: String,
        /// Who asks: their token is the bearer, unless `headers` bring another one of theirs.
        #[serde(default)]
        by: Option<String>,
        /// Request headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body.
        #[serde(default)]
        body: Option<String>,
        /// The body as a form.
        #[serde(default)]
        form: BTreeMap<String, String>,
        /// How often the body is repeated: for what is too large to write down.
        #[serde(default)]
        repeat: Option<u32>,
    }

    /// A request to a token endpoint.
    struct TokenRequest {
        /// Name or id of the tenant, or `common`, `organizations`.
        at: String,
        /// The form.
        form: BTreeMap<String, String>,
    }

    /// A Graph request.
    struct GraphRequest {
        /// Who asks.
        by: String,
        /// The method; `GET` if nothing is said.
        #[serde(default = "get")]
        method: String,
        /// Path and query, from `/v1.0/`, or a link that Graph gave out.
        path: String,
        /// Request headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body as JSON.
        #[serde(default)]
        json: Option<Value>,
    }
}

/// Where an HTTP request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Host {
    /// The connector under test.
    Connector,
    /// Entra.
    Login,
    /// Microsoft Graph.
    Graph,
    /// Where the content of files lies.
    Content,
}

fn get() -> String {
    "GET".to_owned()
}

/// A sign-in.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The person, `name@tenant`.
    pub who: String,
    /// Under which name steps are `by` them; the person's, if nothing is said.
    #[serde(default, rename = "as")]
    pub name: Option<String>,
    /// How.
    #[serde(default)]
    pub flow: Flow,
    /// For `refresh`: whose sign-in is renewed; that of `who`, if nothing is said.
    #[serde(default)]
    pub from: Option<String>,
    /// At which authority: a tenant's name or id, `common`, `organizations`; the person's own, if nothing is said.
    #[serde(default)]
    pub at: Option<String>,
    /// The registration of the client; the connector's public client, if nothing is said.
    #[serde(default)]
    pub client: Option<String>,
    /// Scopes, if not those of the connector.
    #[serde(default)]
    pub scope: Option<String>,
    /// Claims that a challenge asked for, as JSON: what `exchange: claims` captures.
    #[serde(default)]
    pub claims: Option<String>,
    /// Six digits: the code of their second factor, or the one they choose, when a page asks for it.
    #[serde(default)]
    pub second_factor: Option<String>,
    /// It must be refused with this number (`AADSTS…`, without the letters).
    #[serde(default)]
    pub refused: Option<u32>,
}

/// How somebody signs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// In the browser: authorization code with PKCE.
    #[default]
    Code,
    /// By the refresh token of an earlier sign-in.
    Refresh,
}

/// A forged token.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forge {
    /// Whose genuine token it is made from.
    pub from: String,
    /// Under which name steps are `by` it.
    #[serde(rename = "as")]
    pub name: String,
    /// Claims that are set.
    #[serde(default)]
    pub claims: BTreeMap<String, Value>,
    /// Claims that are taken out.
    #[serde(default)]
    pub without: Vec<String>,
    /// Time claims that are moved, in seconds.
    #[serde(default)]
    pub shift: BTreeMap<String, i64>,
    /// Header fields that are set.
    #[serde(default)]
    pub header: BTreeMap<String, Value>,
    /// A claim that is given a second time, in front.
    #[serde(default)]
    pub twice: BTreeMap<String, Value>,
    /// How it is signed; as Entra would, if nothing is said.
    #[serde(default)]
    pub sign: Sign,
}

/// How a forged token is signed.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// With Entra's key, as Entra does.
    #[default]
    Genuine,
    /// With Entra's key by another algorithm.
    With(Algorithm),
    /// As Entra does, but the header names this algorithm.
    Labelled(String),
    /// With the key of personal accounts.
    Consumer,
    /// With the key of personal accounts under the name of Entra's.
    ConsumerAsGenuine,
    /// With HMAC, keyed with what the issuer publishes of its key, in this form.
    PublicAsSecret(PublicForm),
    /// Not at all: the header says so in this spelling.
    Unsigned(String),
    /// The genuine token's signature under changed contents.
    Keep,
}

/// A signature algorithm that Entra does not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// RSA with SHA-384.
    Rs384,
    /// RSA with SHA-512.
    Rs512,
    /// RSA-PSS with SHA-256.
    Ps256,
}

/// How a public key is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PublicForm {
    /// The certificate as PEM.
    Pem,
    /// The certificate as DER.
    Der,
    /// The member of the key set, as JSON text.
    Jwk,
}

/// Graph permissions of the connector in a tenant.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// The tenant's name.
    pub tenant: String,
    /// The permissions; in `revoke`, none stands for all.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// An account and what it is set to.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The person, `name@tenant`.
    pub who: String,
    /// Whether the account is enabled.
    pub enabled: bool,
}

/// A person.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// `name@tenant`.
    pub who: String,
}

/// A control of the world.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabCall {
    /// Its path, for example `/lab/users/update`.
    pub post: String,
    /// The body.
    #[serde(default)]
    pub json: BTreeMap<String, Value>,
    /// What it is for, as reports tell it.
    #[serde(default)]
    pub label: Option<String>,
    /// Keeps parts of the answer under names: JSON pointers.
    #[serde(default)]
    pub capture: BTreeMap<String, String>,
}

/// A move of the clock.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Seconds that pass; `bound` stands for the connector's declared bound: `bound+1`.
    pub pass: Value,
}

/// Calls that run side by side.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Together {
    /// The calls. Each is expected to be what its own `expect` says; what went upstream is told of all of them together.
    pub calls: Vec<Call>,
    /// How often, one round after the other.
    #[serde(default = "once")]
    pub rounds: u32,
    /// What it is for, as reports tell it.
    #[serde(default)]
    pub label: Option<String>,
    /// What the connector asked of Entra and Graph for all of them.
    #[serde(default)]
    pub upstream: Vec<Traffic>,
}

fn once() -> u32 {
    1
}

/// A call that is under way while other things happen. It must meet a fault of the lab that lets it wait (`hold`): the steps begin when it
/// waits there, and one of them lets it go.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct During {
    /// The call. What it is expected to be is asked after the steps.
    pub call: Call,
    /// What happens meanwhile.
    #[schemars(with = "Vec<Step>")]
    #[serde(serialize_with = "super::bare")]
    pub steps: Vec<Spanned<Step>>,
}

/// A document, made part by part, so that it can be wrong.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The name of its bytes, base64.
    #[serde(rename = "as")]
    pub name: String,
    /// Which kind: what belongs to it and is not given is added.
    pub kind: DocumentKind,
    /// Its parts by name, for example `word/document.xml`.
    pub parts: BTreeMap<String, DocumentPart>,
    /// So many empty parts more.
    #[serde(default)]
    pub empty_parts: u32,
}

/// Which kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DocumentKind {
    /// Word.
    Docx,
    /// Excel, with one sheet.
    Xlsx,
}

/// A part of a document: a text, or one that repeats.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DocumentPart {
    /// All of it.
    Text(String),
    /// Written out, it would be too long for a file like this.
    Long(LongPart),
}

/// A part that repeats itself.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LongPart {
    /// How it begins.
    #[serde(default)]
    pub before: String,
    /// What stands there again and again.
    #[serde(default)]
    pub fill: String,
    /// How often.
    #[serde(default)]
    pub times: u32,
    /// How it ends.
    #[serde(default)]
    pub after: String,
    /// The size that the package declares for it, where that is a lie.
    #[serde(default)]
    pub declares: Option<u32>,
}

/// A call that stops being served.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UntilRefused {
    /// Who calls.
    pub by: String,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    #[serde(default)]
    pub with: BTreeMap<String, Value>,
    /// What is measured, as the report names it.
    pub measures: String,
    /// What must hold of the refusal above the bound.
    #[serde(default)]
    pub expect: Option<Box<Expect>>,
}

/// The same steps for each of a list.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForEach {
    /// The name of the one at hand: `${name}` in the steps.
    pub name: String,
    /// People, forged tokens, or values.
    #[serde(rename = "in")]
    pub list: Vec<Value>,
    /// What happens for each.
    #[schemars(with = "Vec<Step>")]
    #[serde(serialize_with = "super::bare")]
    pub steps: Vec<Spanned<Step>>,
}

/// A fingerprint's name.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// For example `before`.
    pub world: String,
}

/// Rows of the world's audit log since the scenario began.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The kind of row: `graph-read`, `graph-write`, `token`, ….
    pub kind: String,
    /// Patterns of fields.
    #[serde(default, rename = "where")]
    pub fields: BTreeMap<String, String>,
    /// Exactly so many.
    #[serde(default)]
    pub exactly: Option<usize>,
    /// At least so many.
    #[serde(default)]
    pub at_least: Option<usize>,
}

/// Lines of the connector's own audit log since the scenario began.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// The kind of line, in the connector's own words; every kind if nothing is said.
    #[serde(default)]
    pub event: Option<String>,
    /// Patterns of fields.
    #[serde(default, rename = "where")]
    pub fields: BTreeMap<String, String>,
    /// Texts that no line may hold.
    #[serde(default)]
    pub hides: Vec<String>,
    /// Exactly so many.
    #[serde(default)]
    pub exactly: Option<usize>,
    /// At least so many.
    #[serde(default)]
    pub at_least: Option<usize>,
}

impl Document {
    /// The document itself.
    pub fn bytes(&self) -> std::io::Result<Vec<u8>> {
        let part = |(name, part): (&String, &DocumentPart)| match part {
            DocumentPart::Text(text) => Part::text(name, text),
            DocumentPart::Long(long) => Part {
                name: name.clone(),
                before: long.before.clone(),
                fill: long.fill.clone(),
                times: long.times as usize,
                after: long.after.clone(),
                declares: long.declares,
            },
        };
        let more = (0..self.empty_parts).map(|number| Part::text(&format!("customXml/{number}.xml"), ""));
        let parts = self.parts.iter().map(part).chain(more).collect();
        match self.kind {
            DocumentKind::Docx => package::word(parts),
            DocumentKind::Xlsx => package::excel(parts),
        }
    }
}

impl Step {
    /// The verb, as files write it.
    pub fn verb(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.as_object().and_then(|fields| fields.keys().next().cloned()).unwrap_or_default()
    }
}
