//! The three commands: `up`, `exec`, `env`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::child::{self, Ending};
use super::environment::Environment;
use super::failure::Failure;
use super::health;
use super::hints::Hints;
use super::house::House;
use super::options::{EnvArgs, ExecArgs, Ports, UpArgs};
use super::ready::Ready;
use super::state::{self, State};

/// Starts everything, says where it is and what to try, and serves until it is told to end.
pub async fn up(args: UpArgs) -> ExitCode {
    finish(run_up(args).await.map(|()| 0))
}

/// Starts everything, runs a command that is pointed at it, and returns the command's status.
pub async fn exec(args: ExecArgs) -> ExitCode {
    finish(run_exec(args).await)
}

/// Prints the environment of a running `up`.
pub fn env(args: &EnvArgs) -> ExitCode {
    finish(run_env(args).map(|()| 0))
}

fn finish(result: Result<u8, Failure>) -> ExitCode {
    ExitCode::from(result.unwrap_or_else(|failure| {
        eprintln!("offline365: {failure}");
        failure.exit_code()
    }))
}

async fn run_up(args: UpArgs) -> Result<(), Failure> {
    let begun = begin();
    let mut ending = Ending::listen()?;
    let state = State::open(args.house.state.as_deref().unwrap_or(Path::new(state::DEFAULT)))?;
    let house = House::start(&args.house, Ports::USUAL, &state).await?;
    let ready_file = state.ready();
    let served = tokio::select! {
        served = serve(&house, &ready_file, args.ready_json.as_deref(), begun) => served,
        _ = ending.next() => Ok(()),
    };
    withdraw(house.ready(), &ready_file);
    let (unmodelled, stubbed) = (house.unmodelled(), house.stubbed());
    house.shutdown().await;
    served?;
    println!("\n{}", summary("unmodelled", &unmodelled));
    if !stubbed.is_empty() {
        println!("{}", summary("stubbed", &stubbed));
    }
    Ok(())
}

/// Until cancelled: makes the house known once it serves, then watches for what it was asked and does not model.
async fn serve(house: &House, ready_file: &Path, ready_json: Option<&Path>, begun: Instant) -> Result<(), Failure> {
    health::serves(house.ready(), house.ca_pem()).await?;
    publish(house.ready(), ready_file, ready_json)?;
    let hints = Hints { ready: house.ready(), program: &program(), ready_file };
    print!("{}", hints.print(begun.elapsed().as_millis()));
    announce_unmodelled(house).await;
    Ok(())
}

async fn run_exec(args: ExecArgs) -> Result<u8, Failure> {
    let mut ending = Ending::listen()?;
    let state = match &args.house.state {
        Some(folder) => State::open(folder)?,
        None => State::temporary()?,
    };
    let house = House::start(&args.house, Ports::FREE, &state).await?;
    let status = serve_command(&args, &house, &state, &mut ending).await;
    withdraw(house.ready(), &state.ready());
    let (unmodelled, stubbed) = (house.unmodelled(), house.stubbed());
    house.shutdown().await;
    if !unmodelled.is_empty() {
        eprintln!("offline365: {}", summary("unmodelled", &unmodelled));
    }
    if !stubbed.is_empty() {
        eprintln!("offline365: {}", summary("stubbed", &stubbed));
    }
    status
}

async fn serve_command(args: &ExecArgs, house: &House, state: &State, ending: &mut Ending) -> Result<u8, Failure> {
    tokio::select! {
        served = health::serves(house.ready(), house.ca_pem()) => served?,
        signal = ending.next() => return Ok(u8::try_from(128 + signal.as_raw()).unwrap_or(70)),
    }
    let ready_file = state.ready();
    publish(house.ready(), &ready_file, args.ready_json.as_deref())?;
    let no_proxy = ["no_proxy", "NO_PROXY"].iter().find_map(|name| std::env::var(name).ok());
    let environment = Environment::new(house.ready(), no_proxy.as_deref()).with_ready_json(&ready_file);
    child::run(&args.command, &environment, ending).await
}

fn run_env(args: &EnvArgs) -> Result<(), Failure> {
    let folder = args.state.as_deref().unwrap_or(Path::new(state::DEFAULT));
    let file = args.ready_json.clone().unwrap_or_else(|| folder.join("ready.json"));
    let ready = Ready::read(&file)?;
    let no_proxy = ["no_proxy", "NO_PROXY"].iter().find_map(|name| std::env::var(name).ok());
    let file = fs::canonicalize(&file).map_err(Failure::file(&file))?;
    print!("{}", Environment::new(&ready, no_proxy.as_deref()).with_ready_json(&file).render(args.format));
    Ok(())
}

/// Writes the state folder's file, then the one that was asked for: who waits for that one finds everything in place.
fn publish(ready: &Ready, ready_file: &Path, ready_json: Option<&Path>) -> Result<(), Failure> {
    ready.write(ready_file)?;
    ready_json.map_or(Ok(()), |file| ready.write(file))
}

/// Takes back the state folder's file, unless another house has written its own there since.
fn withdraw(ready: &Ready, file: &Path) {
    if Ready::read(file).is_ok_and(|current| current == *ready) {
        // Gone already is as good.
        let _ = fs::remove_file(file);
    }
}

/// Says once of everything that is asked and not modelled that it was asked. Never ends.
async fn announce_unmodelled(house: &House) {
    let mut said = BTreeSet::new();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut fresh = house.unmodelled();
        fresh.retain(|what, _| said.insert(what.clone()));
        if !fresh.is_empty() {
            println!("{} (each is said once; counts are printed at the end)", summary("unmodelled", &fresh));
        }
    }
}

fn summary(kind: &str, counted: &BTreeMap<String, u64>) -> String {
    let total: u64 = counted.values().sum();
    let each: Vec<String> = counted.iter().map(|(what, count)| format!("\n  {count} × {what}")).collect();
    format!("{kind} requests: {total}{}", each.concat())
}

/// How this command can be started again from here.
fn program() -> String {
    let Ok(exe) = std::env::current_exe() else { return "offline365".to_owned() };
    let here = std::env::current_dir().ok();
    let relative = here.as_deref().and_then(|here| exe.strip_prefix(here).ok());
    relative.map_or_else(|| exe.display().to_string(), |path| format!("./{}", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "how long the start took is printed, and nothing depends on it")]
fn begin() -> Instant {
    Instant::now()
}
