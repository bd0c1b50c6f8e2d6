//! The connector as a program of its own. It runs the policy that ships; there is no way to another.

use std::alloc::System;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use connector::sign_in::{SignIn, Step, sign_in};
use connector::{Config, Connector, Parts, Running, documents};
use tracing::Level;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};
use url::Url;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites what is freed. Mail, files and tokens pass through buffers of many libraries: this is the one place that sees all of them end.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// A read-only Microsoft 365 connector.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Configuration file (TOML). Variables OFFLINE365_CONNECTOR__SECTION__KEY overrule it.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// How the log on standard error is written.
    #[arg(long, value_enum, default_value_t = LogForm::Text, global = true)]
    log: LogForm,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogForm {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Says what is wrong with the configuration, and starts nothing.
    CheckConfig,
    /// Tries a server that was deployed: signs a person in at the issuer that it names, and lists its tools. Nothing is kept.
    SignIn(Trying),
    /// Reads one document from standard input. Started by the server.
    #[command(name = documents::worker::SUBCOMMAND, hide = true)]
    ExtractWorker,
}

#[derive(clap::Args)]
struct Trying {
    /// The MCP server's address, such as `https://connector.example/mcp`.
    server: Url,
    /// A public client that the issuer knows, with the redirect URI `http://localhost`.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// The port of the redirect URI; a free one if not given.
    #[arg(long)]
    port: Option<u16>,
    /// The issuer is Microsoft Entra: it knows the server by its App ID URI, and does not announce the PKCE that it checks.
    #[arg(long)]
    entra: bool,
    /// The server is somebody else's although its address is of this machine (a tunnel): it may name nothing else that is here.
    #[arg(long)]
    stranger: bool,
    /// Calls this tool, too.
    #[arg(long, value_name = "TOOL")]
    call: Option<String>,
    /// The arguments of that call, a JSON object.
    #[arg(long, value_name = "JSON", default_value = "{}", requires = "call")]
    arguments: String,
    /// Certificates to trust besides the system's (PEM).
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if matches!(arguments.command, Some(Command::ExtractWorker)) {
        return if documents::worker::serve().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    // Libraries print whole messages and headers at their finer levels: content stays out of the log whatever RUST_LOG says.
    let wanted = EnvFilter::builder().with_default_directive(Level::INFO.into()).from_env_lossy();
    let ours_or_serious = filter_fn(|facts| {
        let target = facts.target();
        target == "audit" || target.split("::").next() == Some("connector") || *facts.level() <= Level::WARN
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match arguments.log {
        LogForm::Text => lines.boxed(),
        LogForm::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(wanted.and(ours_or_serious))).init();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offline365-connector: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Some(Command::SignIn(trying)) = arguments.command {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(try_server(trying));
    }
    let config =
        Config::load(arguments.config.as_deref(), std::env::vars()).context("the configuration cannot be read")?;
    if matches!(arguments.command, Some(Command::CheckConfig)) {
        let problems = config.problems();
        for problem in &problems {
            eprintln!("{problem}");
        }
        anyhow::ensure!(problems.is_empty(), "{} to be put right", problems.len());
        print!("The configuration is good.\n\n{}", config.summary());
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let running = Connector::start(config, Parts::default()).await?;
        println!("MCP server: {}", running.mcp);
        if let Some(host) = &running.host {
            println!("Host: {host}");
        }
        if let Some(operations) = &running.operations {
            println!("Health and measurements: {operations}");
        }
        tokio::select! {
            () = stop_requested() => {}
            () = rotations(&running, arguments.config.as_deref()) => {}
        }
        running.shutdown().await;
        Ok(())
    })
}

async fn try_server(trying: Trying) -> anyhow::Result<()> {
    let arguments = serde_json::from_str(&trying.arguments).context("--arguments is not a JSON object")?;
    let extra_roots = trying.ca.map(std::fs::read_to_string).transpose().context("the certificates cannot be read")?;
    let what = SignIn {
        server: trying.server,
        client_id: trying.client_id,
        port: trying.port,
        entra: trying.entra,
        stranger: trying.stranger,
        call: trying.call.map(|name| (name, arguments)),
        extra_roots,
    };
    let tried = sign_in(&what, |step| match step {
        Step::Issuer(issuer) => println!("The server names the issuer {issuer}"),
        Step::Open(url) => println!("Sign in here: {url}"),
        Step::SignedIn { scope, expires_in } => println!("Signed in for {expires_in} s with {scope}"),
        Step::MoreWanted(scope) => println!("The server wants more: {scope}"),
    })
    .await?;
    println!("Tools: {}", tried.tools.join(", "));
    if let Some(result) = tried.result {
        println!("{result:#}");
    }
    Ok(())
}

/// SIGHUP: the configuration is read again, and the vault's keys in it are used from then on. Everything else needs a restart.
async fn rotations(running: &Running, file: Option<&Path>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut hangups) = signal(SignalKind::hangup()) {
            while hangups.recv().await.is_some() {
                let loaded = Config::load(file, std::env::vars());
                let outcome = match loaded {
                    Ok(config) => running.rotate(&config).await.map_err(anyhow::Error::from),
                    Err(error) => Err(error.into()),
                };
                match outcome {
                    Ok(Some(rows)) => eprintln!(
                        "vault keys: {} rows sealed anew, {} open with no key",
                        rows.sealed_anew, rows.unopened
                    ),
                    Ok(None) => eprintln!("vault keys: there is no host"),
                    Err(error) => eprintln!("vault keys: not changed: {error:#}"),
                }
            }
        }
    }
    #[cfg(not(unix))]
    let _ = (running, file);
    std::future::pending::<()>().await;
}

async fn stop_requested() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}
