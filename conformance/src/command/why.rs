//! `offline365 why REQUEST_ID`: why Graph or Entra refused, or what a token rests on, in the emulator's own words.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use url::Url;

use super::CommandError;
use crate::lab::Lab;
use crate::up::Ready;

/// `offline365 why`
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// `request-id` or `client-request-id` of an answer; of an Entra error its trace id.
    #[arg(value_name = "REQUEST_ID")]
    pub request_id: String,
    /// The lab of a running emulator; without it, that of a running `up`.
    #[arg(long, value_name = "URL", env = "OFFLINE365_LAB_URL")]
    pub lab: Option<Url>,
    /// The state folder of a running `up`.
    #[arg(long, value_name = "DIR", default_value = ".offline365")]
    pub state: PathBuf,
}

/// Asks the lab for the rows of one request and tells them.
pub async fn run(args: WhyArgs) -> Result<ExitCode, CommandError> {
    let lab = if let Some(lab) = args.lab {
        lab
    } else {
        let ready = Ready::read(&args.state.join("ready.json"))
            .map_err(|failure| CommandError::Usage(format!("{failure}; or name the lab with --lab URL")))?;
        ready.lab.parse().map_err(|error| CommandError::Ours(format!("{}: {error}", ready.lab)))?
    };
    let http = crate::client::build().map_err(|error| CommandError::Ours(error.to_string()))?;
    let rows = Lab::new(http, lab).audit_of(&args.request_id).await;
    let rows = rows.map_err(|error| CommandError::Ours(error.to_string()))?;
    if rows.is_empty() {
        let id = &args.request_id;
        return Err(CommandError::Usage(format!("no request {id:?} since the last reset; ids stand in `request-id`")));
    }
    for row in &rows {
        print!("{}", told(row));
    }
    Ok(ExitCode::SUCCESS)
}

/// One row for people.
fn told(row: &Value) -> String {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let status = row.get("status").and_then(Value::as_u64).unwrap_or_default();
    let mut out = format!("{} → {status} {}\n", text("operation"), text("error"));
    let scopes: Vec<&str> =
        row.get("scopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let scopes = scopes.join(" ");
    let why = match text("reason") {
        "" => "it was answered",
        reason => reason,
    };
    for (name, value) in [
        ("why", why),
        ("kind", text("kind")),
        ("time", text("time")),
        ("tenant", text("tenant")),
        ("user", text("user")),
        ("client", text("client")),
        ("scopes", &scopes),
        ("resource", text("resource")),
    ] {
        if !value.is_empty() {
            let value: String = value.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
            let _ = writeln!(out, "  {name:<9}{value}");
        }
    }
    out
}
