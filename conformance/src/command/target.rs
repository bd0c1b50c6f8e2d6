//! `target`: drafts a profile for a connector by asking it, and says what is wrong between it and us.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use url::Url;

use super::{CommandError, plan, write};
use crate::report::terminal::printable;
use crate::run::{Ask, Runner};
use crate::target::{Profile, Protocol};

/// The tools that checks call.
const TOOLS: &[&str] = &[
    "outlook_email_search",
    "outlook_calendar_search",
    "find_meeting_availability",
    "chat_message_search",
    "sharepoint_search",
    "sharepoint_folder_search",
    "read_resource",
    "get_me",
];

/// Words in the name of a tool that does what ours does.
const NEAR: &[(&str, &[&str])] = &[
    ("outlook_email_search", &["mail", "message"]),
    ("outlook_calendar_search", &["calendar", "event"]),
    ("find_meeting_availability", &["availab", "meeting_time", "free"]),
    ("chat_message_search", &["chat", "teams"]),
    ("sharepoint_search", &["file", "sharepoint", "drive"]),
    ("sharepoint_folder_search", &["folder"]),
    ("read_resource", &["read", "fetch"]),
    ("get_me", &["whoami", "get_me", "profile"]),
];

/// Options of `target`.
#[derive(Debug, clap::Args)]
pub struct TargetArgs {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What `target` can do.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Drafts a profile: signs Alice in, asks the connector for its tools, and writes down what it seems to have
    Init {
        /// Its MCP endpoint
        #[arg(long, value_name = "URL")]
        mcp: Url,
        /// The port at which it expects the login host
        #[arg(long, default_value_t = 0, value_name = "PORT")]
        login_port: u16,
        /// The port at which it expects Graph
        #[arg(long, default_value_t = 0, value_name = "PORT")]
        graph_port: u16,
        /// It speaks the revision of MCP with sessions, 2025-11-25
        #[arg(long)]
        sessions: bool,
        /// Where the profile goes; printed otherwise
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Tries address, sign-in, tools and one read, and says what to change
    Doctor {
        /// The profile
        #[arg(value_name = "FILE")]
        profile: PathBuf,
    },
}

/// Runs it.
pub async fn run(args: TargetArgs) -> Result<ExitCode, CommandError> {
    match args.what {
        What::Init { mcp, login_port, graph_port, sessions, out } => {
            let protocol = if sessions { Protocol::Sessions } else { Protocol::Stateless };
            let profile = Profile { protocol, login_port, graph_port, ..Profile::at("my-connector", mcp) };
            let draft = draft(&profile, asked(&profile).await?);
            match out {
                Some(path) => write(&path, &draft)?,
                None => print!("{draft}"),
            }
            Ok(ExitCode::SUCCESS)
        }
        What::Doctor { profile } => {
            let profile = Profile::read(&profile)?;
            let findings = findings(&profile, asked(&profile).await?);
            for (good, told) in &findings {
                println!("{} {}", if *good { "✓" } else { "✗" }, printable(told));
            }
            let good = findings.iter().all(|(good, _)| *good);
            Ok(ExitCode::from(if good { 0 } else { 3 }))
        }
    }
}

async fn asked(profile: &Profile) -> Result<Ask, CommandError> {
    Ok(Runner::new(plan()?, crate::report::DEFAULT_SEED).ask_around(profile).await)
}

/// The names of the tools that are listed.
fn tools(ask: &Ask) -> Result<Vec<String>, &String> {
    let list = ask.tools.as_ref()?;
    let list = list.get("tools").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(list.iter().filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned)).collect())
}

/// A profile as far as it can be guessed; what could not be is a comment.
fn draft(profile: &Profile, ask: Ask) -> String {
    let mut out = format!(
        "# Drafted by `offline365 target init`; see docs/targets.md.\nname = \"my-connector\"\nmcp = {}\nlogin_port = {}\ngraph_port = {}\n",
        json!(profile.mcp),
        profile.login_port,
        profile.graph_port
    );
    out.push_str("# What it has besides: \"tenant-gate\", \"tool-toggles\", \"cursors\", \"resources\".\nfeatures = []\n# How long after a revocation it may go on.\nobo_max_age_seconds = 60\n# Whether its refusals carry our codes.\nerror_codes = false\n");
    if profile.protocol == Protocol::Sessions {
        out.push_str("protocol = \"2025-11-25\"\n");
    }
    match tools(&ask) {
        Err(why) => {
            let _ = writeln!(out, "\n# Its tools could not be listed: {}", printable(why));
        }
        Ok(names) => {
            let likely = |ours: &str| {
                let near = NEAR.iter().filter(|(tool, _)| *tool == ours).flat_map(|(_, words)| *words);
                let near: Vec<_> = near.collect();
                let exact = names.iter().find(|name| *name == ours);
                exact.or_else(|| names.iter().find(|name| near.iter().any(|word| name.contains(*word))))
            };
            let missing: Vec<&str> = TOOLS.iter().copied().filter(|&ours| likely(ours).is_none()).collect();
            if !missing.is_empty() {
                let _ = writeln!(out, "# Nothing looks like these among {}.", printable(&names.join(", ")));
                let _ = writeln!(out, "missing_tools = {}", json!(missing));
            }
            for &ours in TOOLS {
                if let Some(name) = likely(ours).filter(|name| *name != ours) {
                    let _ = writeln!(
                        out,
                        "\n[tools.{ours}]\nname = {}\n# arguments = {{ query = \"{{query}}\" }}\n# answer = {{ items = \"/items\", uri = \"/uri\" }}",
                        json!(name)
                    );
                }
            }
        }
    }
    out
}

/// What is right and what is wrong, in the order in which it has to be mended.
fn findings(profile: &Profile, ask: Ask) -> Vec<(bool, String)> {
    let mut out = Vec::new();
    match &ask.ground {
        Err(why) => {
            out.push((false, format!("the emulator or the target cannot be started: {why}")));
            return out;
        }
        Ok(where_) => out.push((true, format!("login at {}, Graph at {}", where_.0, where_.1))),
    }
    match &ask.anonymous {
        Err(why) => {
            out.push((false, format!("nobody answers at {}: {why}; is it running, is `mcp` right?", profile.mcp)));
            return out;
        }
        Ok(None) => {}
        Ok(Some(401)) => out.push((true, "without a token it answers 401".to_owned())),
        Ok(Some(status)) => {
            out.push((false, format!("without a token it answers {status}, not 401: is `mcp` its MCP endpoint?")));
        }
    }
    match tools(&ask) {
        Err(why) => out.push((false, format!("Alice is not let in: {why}; does it take the issuer, keys and audience of the addresses above, and contoso as a tenant? does sign_in say how people sign in, protocol what it speaks?"))),
        Ok(names) => {
            out.push((!names.is_empty(), format!("it lists {} tools", names.len())));
            for &ours in TOOLS {
                if profile.missing_tools.contains(ours) {
                    continue;
                }
                let there = profile.tools.name(ours);
                let listed = names.iter().any(|name| name == there);
                let told = if listed { format!("{ours} is {there}") } else { format!("{ours} is {there}, which is not listed: name it in [tools.{ours}], or in missing_tools; there are {}", names.join(", ")) };
                out.push((listed, told));
            }
        }
    }
    match &ask.search {
        Ok(()) => out.push((true, "a search finds Alice's mail".to_owned())),
        Err(why) => out.push((false, format!("a search does not find Alice's mail: {why}; is it pointed at Graph above, does [tools.outlook_email_search] say arguments and answer?"))),
    }
    out.extend(profile.findings().into_iter().map(|finding| (false, finding)));
    out
}
