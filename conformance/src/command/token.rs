//! `token`: signs somebody in and prints the token; or forges one from it. For tests by hand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use emulator::{Emulator, Options};
use fixtures::Plan;
use fixtures::cast::M365_SERVER;
use fixtures::plan::{KeyIssuer, SigningKey};
use serde_json::Value;
use url::Url;

use super::{CommandError, plan};
use crate::bench::SignIn;
use crate::client::{self, chain};
use crate::forge::{Algorithm, Draft, ForgeError};
use crate::up::Ready;

/// Options of `token`.
#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    /// The tenant's name
    #[arg(long, default_value = "contoso")]
    pub tenant: String,
    /// The user's name
    #[arg(long, default_value = "alice")]
    pub user: String,
    /// What the token is for: the connector's server, or Graph by an exchange
    #[arg(long, value_enum, default_value = "server")]
    pub resource: Resource,
    /// The file that a running `up` wrote; without one, .offline365/ready.json, or an emulator for this one token
    #[arg(long, value_name = "FILE")]
    pub ready: Option<PathBuf>,
    /// Changes, separated by commas: claims and header fields `name=value` (JSON or text; empty removes it), `alg=none|HS256|RS512|PS256`, `key=consumer`, `sign=keep`
    #[arg(long, value_name = "CHANGES", value_delimiter = ',')]
    pub forge: Vec<String>,
}

/// Whom a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Resource {
    /// The connector's server.
    Server,
    /// Microsoft Graph, On-Behalf-Of.
    Graph,
}

/// Runs it: the token alone goes to standard output.
pub async fn run(args: TokenArgs) -> Result<ExitCode, CommandError> {
    let plan = plan()?;
    let usual = Path::new(".offline365/ready.json");
    let ready = args.ready.as_deref().or_else(|| usual.exists().then_some(usual));
    let token = if let Some(path) = ready {
        let ready = Ready::read(path).map_err(|error| CommandError::Usage(error.to_string()))?;
        // The emulator answers plain HTTP on the same port: no CA is needed for a test token.
        let login = ready.login.replacen("https://", "http://", 1);
        let login = Url::parse(&login).map_err(|error| CommandError::Usage(format!("login: {error}")))?;
        mint(&args, &plan, &login).await?
    } else {
        let running = Emulator::start(plan.clone(), Options::default()).await;
        let running = running.map_err(|error| CommandError::Ours(error.to_string()))?;
        let token = mint(&args, &plan, &running.login).await;
        running.shutdown().await;
        token?
    };
    let token = forge(&plan, token, &args.forge)?;
    println!("{token}");
    Ok(ExitCode::SUCCESS)
}

async fn mint(args: &TokenArgs, plan: &Plan, login: &Url) -> Result<String, CommandError> {
    let who = format!("{}@{}", args.user, args.tenant);
    let sign_in = SignIn::new(plan, login, &who, 1).map_err(CommandError::Usage)?;
    let http = client::build().map_err(|error| CommandError::Ours(chain(&error)))?;
    let authorize = sign_in.authorize().map_err(CommandError::Ours)?;
    let answer = http.get(authorize).send().await.map_err(|error| CommandError::Ours(chain(&error)))?;
    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
    let location =
        location.ok_or_else(|| CommandError::Usage(format!("{who} cannot sign in: HTTP {}", answer.status())))?;
    let code = SignIn::code(location).map_err(CommandError::Usage)?;
    let (endpoint, form) = sign_in.redemption(&code);
    let tokens = SignIn::tokens(&post(&http, &endpoint, &form).await?).map_err(CommandError::Usage)?;
    match args.resource {
        Resource::Server => Ok(tokens.access),
        Resource::Graph => {
            let server = plan.registration(M365_SERVER);
            let server = server.ok_or_else(|| CommandError::Ours("no server registration".to_owned()))?;
            let form = vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()),
                ("requested_token_use", "on_behalf_of".to_owned()),
                ("client_id", server.app_id.to_string()),
                ("client_secret", server.secrets.first().map(|secret| secret.value.clone()).unwrap_or_default()),
                ("assertion", tokens.access),
                ("scope", "https://graph.microsoft.com/.default".to_owned()),
            ];
            let tokens = SignIn::tokens(&post(&http, &endpoint, &form).await?).map_err(CommandError::Usage)?;
            Ok(tokens.access)
        }
    }
}

async fn post(http: &reqwest::Client, url: &str, form: &[(&str, String)]) -> Result<Vec<u8>, CommandError> {
    let answer = http.post(url).form(form).send().await.map_err(|error| CommandError::Ours(chain(&error)))?;
    Ok(answer.bytes().await.map_err(|error| CommandError::Ours(chain(&error)))?.to_vec())
}

/// Applies the changes and signs anew, as Entra would unless told otherwise.
fn forge(plan: &Plan, token: String, changes: &[String]) -> Result<String, CommandError> {
    if changes.is_empty() {
        return Ok(token);
    }
    let failed = |error: ForgeError| CommandError::Ours(error.to_string());
    let mut draft = Draft::of(&token).map_err(failed)?;
    let mut key = active(plan)?;
    let (mut algorithm, mut keep) = (None, false);
    for change in changes {
        let (name, value) = change
            .split_once('=')
            .ok_or_else(|| CommandError::Usage(format!("--forge {change}: write it as name=value")))?;
        match (name, value) {
            ("alg", value) => algorithm = Some(value.to_owned()),
            ("key", "consumer") => key = consumer(plan)?,
            ("key", other) => {
                return Err(CommandError::Usage(format!("--forge key={other}: there is only key=consumer")));
            }
            ("sign", "keep") => keep = true,
            ("typ" | "kid" | "crit" | "x5t" | "jku" | "x5u", value) => draft = draft.header(name, json_or_text(value)),
            (name, "") => draft = draft.without(name),
            (name, value) => draft = draft.claim(name, json_or_text(value)),
        }
    }
    if keep {
        return Ok(draft.keep_signature().token);
    }
    let forged = match algorithm.as_deref() {
        None | Some("RS256") => draft.sign(key, Algorithm::Rs256),
        Some("RS384") => draft.sign(key, Algorithm::Rs384),
        Some("RS512") => draft.sign(key, Algorithm::Rs512),
        Some("PS256") => draft.sign(key, Algorithm::Ps256),
        Some("HS256") => Ok(draft.sign_hs256(key.certificate_pem.as_bytes())),
        Some(other) if other.eq_ignore_ascii_case("none") => Ok(draft.unsigned(other)),
        Some(other) => {
            return Err(CommandError::Usage(format!("--forge alg={other}: none, HS256, RS256, RS384, RS512 or PS256")));
        }
    };
    Ok(forged.map_err(failed)?.token)
}

fn json_or_text(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
}

fn active(plan: &Plan) -> Result<&SigningKey, CommandError> {
    plan.keys.first().ok_or_else(|| CommandError::Ours("the fixtures have no key".to_owned()))
}

fn consumer(plan: &Plan) -> Result<&SigningKey, CommandError> {
    let key = plan.keys.iter().find(|key| matches!(key.issuer, KeyIssuer::Tenant(_)));
    key.ok_or_else(|| CommandError::Ours("the fixtures have no key of personal accounts".to_owned()))
}
