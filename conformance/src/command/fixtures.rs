//! `fixtures`: worlds as files: checked, begun from a configuration that exists, saved while they run, generated.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use fixtures::Plan;

use super::CommandError;

mod dotenv;
mod save;

/// Options of `fixtures`.
#[derive(Debug, clap::Args)]
pub struct FixturesArgs {
    #[command(subcommand)]
    command: FixturesCommand,
}

#[derive(Debug, clap::Subcommand)]
enum FixturesCommand {
    /// Checks a folder of fixtures: every problem with file, line and remedy; exit code 1 when there is one
    Validate {
        /// The folder that `up --fixtures` would be given
        dir: PathBuf,
    },
    /// Writes a file for `up --app` from an existing .env: client ids, secrets, tenant, redirect URIs, scopes as they are
    Init {
        /// The .env file
        #[arg(long, value_name = "FILE")]
        from_env: PathBuf,
        /// Where to write; without it, to standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The tenant of the world that goes by the tenant id of the .env
        #[arg(long, default_value = "contoso")]
        like: String,
    },
    /// Writes the world of a running `up` into a folder from which `up --fixtures` comes up the same; tells what does not
    Save(save::SaveArgs),
    /// Writes the built-in world with one more tenant of any size (generated.example; user0, user1, … in groups of a hundred)
    Generate {
        /// The folder to write: a new one, or an empty one
        dir: PathBuf,
        /// How many people the tenant has
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        people: usize,
    },
}

/// Runs it.
pub async fn run(args: FixturesArgs) -> Result<ExitCode, CommandError> {
    match args.command {
        FixturesCommand::Validate { dir } => Ok(validate(&dir)),
        FixturesCommand::Init { from_env, out, like } => init(&from_env, out.as_deref(), &like),
        FixturesCommand::Save(args) => save::save(args).await,
        FixturesCommand::Generate { dir, people } => save::generate(&dir, people),
    }
}

fn validate(dir: &Path) -> ExitCode {
    let problems = match Plan::from_dir(dir) {
        Ok(plan) => plan.validate(),
        Err(error) => error.problems().to_vec(),
    };
    for problem in &problems {
        eprintln!("{problem}");
    }
    match problems.len() {
        0 => {
            println!("{}: no problem found", dir.display());
            ExitCode::SUCCESS
        }
        count => {
            println!("{}: {count} problem{}", dir.display(), if count == 1 { "" } else { "s" });
            ExitCode::FAILURE
        }
    }
}

fn init(from: &Path, out: Option<&Path>, like: &str) -> Result<ExitCode, CommandError> {
    let text =
        std::fs::read_to_string(from).map_err(|error| CommandError::Usage(format!("{}: {error}", from.display())))?;
    let found = dotenv::understand(&dotenv::parse(&text));
    if found.apps.is_empty() {
        let message = "{}: no client id found; expected AZURE_CLIENT_ID=…, CLIENT_ID=… or another name that ends so";
        return Err(CommandError::Usage(message.replacen("{}", &from.display().to_string(), 1)));
    }
    let file = toml(&found, like, &from.display().to_string());
    match out {
        None => print!("{file}"),
        Some(path) => {
            super::write(path, &file)?;
            eprintln!(
                "{}: {} application(s); now: offline365 up --app {}",
                path.display(),
                found.apps.len(),
                path.display()
            );
        }
    }
    for left in &found.left_out {
        eprintln!("not understood and left out: {left}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The file for `--app`. A JSON string is a TOML string.
fn toml(found: &dotenv::Found, like: &str, from: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let list = |all: &[String]| format!("[{}]", all.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", "));
    let mut file =
        format!("# Written by `offline365 fixtures init --from-env {from}`; docs/own-apps.md has every field.\n");
    if let Some(tenant) = &found.tenant {
        let _ = write!(file, "\n[[tenant]]\nid = {}\nlike = {}\n", quoted(tenant), quoted(like));
    }
    for app in &found.apps {
        let _ = write!(
            file,
            "\n[[app]]\nname = {}\nclient_id = {}\ntenant = {}\n",
            quoted(&app.name),
            quoted(&app.client_id),
            quoted(like)
        );
        if app.secrets.is_empty() && app.certificates.is_empty() {
            file.push_str("public_client = true\n");
        }
        let mut member = |name: &str, values: &[String]| {
            if !values.is_empty() {
                let _ = writeln!(file, "{name} = {}", list(values));
            }
        };
        member("secrets", &app.secrets);
        member("certificates", &app.certificates);
        member("identifier_uris", &app.identifier_uris);
        member("scopes", &app.scopes);
        if !app.redirect_uris.is_empty() {
            let platform = match (app.in_page, app.secrets.is_empty() && app.certificates.is_empty()) {
                (true, _) => "spa",
                (false, true) => "native",
                (false, false) => "web",
            };
            let _ = writeln!(file, "redirect_uris = {{ {platform} = {} }}", list(&app.redirect_uris));
        }
        file.push_str("grants = [\n");
        let mut grants: BTreeMap<&str, &[String]> = BTreeMap::from([("graph", app.graph_scopes.as_slice())]);
        if !app.scopes.is_empty() {
            grants.insert(&app.name, &app.scopes);
        }
        for (resource, scopes) in grants {
            let _ = writeln!(file, "  {{ resource = {}, scopes = {} }},", quoted(resource), list(scopes));
        }
        file.push_str("]\n");
    }
    file
}
