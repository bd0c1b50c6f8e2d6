//! The `offline365` command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conformance::command::{
    self, BrokenArgs, CheckArgs, CommandError, DiffArgs, FixturesArgs, ListArgs, ReplayArgs, TargetArgs, TokenArgs,
    VerifyArgs, WhyArgs,
};
use conformance::up::{self, EnvArgs, ExecArgs, UpArgs};
use connector::documents::worker;

/// Microsoft 365 offline: a fake Entra ID and Graph, a read-only connector, and the suites that prove it safe.
#[derive(Debug, Parser)]
#[command(name = "offline365", version, about, arg_required_else_help = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts emulator, connector and host, and says where everything is
    Up(Box<UpArgs>),
    /// Starts everything, runs a command that is pointed at it, returns its status
    Exec(Box<ExecArgs>),
    /// Prints the environment of a running `up`
    Env(EnvArgs),
    /// Runs suites against a connector
    Check(CheckArgs),
    /// Runs attacks and tells the story
    Replay(ReplayArgs),
    /// Runs broken connectors against the checks that must catch them
    Broken(BrokenArgs),
    /// Says whether a bundle of evidence is what was produced
    Verify(VerifyArgs),
    /// Says whether two bundles of evidence say the same
    Diff(DiffArgs),
    /// Lists checks, attacks, broken connectors, requirements
    List(ListArgs),
    /// Drafts a profile for a connector elsewhere, or says what is wrong with one
    Target(TargetArgs),
    /// Mints or forges a token for tests by hand
    Token(TokenArgs),
    /// Checks fixture folders; begins own registrations from an existing .env
    Fixtures(FixturesArgs),
    /// Says why a request was answered or refused as it was
    Why(WhyArgs),
}

fn main() -> ExitCode {
    // The connector inside starts this program again to read a document: before there is a runtime, for that process pays for
    // what it has.
    if std::env::args().nth(1).as_deref() == Some(worker::SUBCOMMAND) {
        return if worker::serve().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    leave_when_nobody_listens();
    run()
}

/// `offline365 list | head -1`: a reader who has seen enough closes the pipe. That is no fault of ours to tell of, and ends the
/// program as the signal of a closed pipe would (status 141).
fn leave_when_nobody_listens() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panicked| {
        let said = panicked.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
            std::process::exit(141);
        }
        tell(panicked);
    }));
}

#[tokio::main]
async fn run() -> ExitCode {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version were asked for; everything else is a wrong command line.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    // Who runs the services by hand is told why they refuse; suites make thousands of refusals on purpose.
    let quiet = match line.command {
        Command::Up(_) | Command::Exec(_) => "warn,rmcp=error,offline365::refused=info",
        _ => "warn,rmcp=error",
    };
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(quiet)),
        )
        .with_writer(std::io::stderr)
        .init();
    let done = match line.command {
        Command::Up(args) => return up::up(*args).await,
        Command::Exec(args) => return up::exec(*args).await,
        Command::Env(args) => return up::env(&args),
        Command::Check(args) => command::check(args).await,
        Command::Replay(args) => command::replay(args).await,
        Command::Broken(args) => command::broken(args).await,
        Command::Verify(args) => command::verify(&args),
        Command::Diff(args) => command::diff(&args),
        Command::List(args) => command::list(&args),
        Command::Target(args) => command::target(args).await,
        Command::Token(args) => command::token(args).await,
        Command::Fixtures(args) => command::fixtures(args).await,
        Command::Why(args) => command::why(args).await,
    };
    done.unwrap_or_else(|error: CommandError| {
        eprintln!("offline365: {error}");
        ExitCode::from(error.exit_code())
    })
}
