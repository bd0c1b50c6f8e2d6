//! The program as it ships, in a process of its own, with folders of its own to leave things in.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use connector::clock::{Clock as _, SystemClock};

use crate::scene::{CLIENT, CONTOSO, FABRIKAM, SERVER, Scene};

/// Its client secret.
pub(crate) const SECRET: &str = "a secret of the load test";

pub(crate) struct Program {
    child: Child,
    folder: tempfile::TempDir,
}

impl Program {
    /// Starts it against the scene's stubs, and lets the scene ask it instead of its own server.
    pub(crate) fn start(scene: &mut Scene, more: &[(&str, &str)]) -> Self {
        // The program has the machine's clock.
        scene.clock.advance(SystemClock.now().duration_since(scene.clock.now()).as_secs());
        let folder = tempfile::tempdir().unwrap();
        let (state, temporary) = (folder.path().join("state"), folder.path().join("tmp"));
        std::fs::create_dir_all(&state).unwrap();
        std::fs::create_dir_all(&temporary).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_offline365-connector"))
            .current_dir(&state)
            .env("TMPDIR", &temporary)
            .env("HOME", &state)
            .env("RUST_LOG", "trace")
            .env("OFFLINE365_CONNECTOR__SERVER__ALLOW_PLAIN_HTTP", "true")
            .env("OFFLINE365_CONNECTOR__ENTRA__LOGIN", scene.stub.login.as_str())
            .env("OFFLINE365_CONNECTOR__ENTRA__CLIENT_ID", SERVER)
            .env("OFFLINE365_CONNECTOR__ENTRA__CLIENT_SECRET", SECRET)
            .env("OFFLINE365_CONNECTOR__ENTRA__ALLOWED_CLIENTS", format!("[\"{CLIENT}\"]"))
            .env("OFFLINE365_CONNECTOR__GRAPH__URL", scene.stub.graph.as_str())
            .env("OFFLINE365_CONNECTOR__LIMITS__CALLS_PER_MINUTE", "0")
            .env("OFFLINE365_CONNECTOR__AUDIT__FILE", folder.path().join("audit.jsonl"))
            .env("OFFLINE365_CONNECTOR__ADMISSION__TENANTS", format!("[\"{CONTOSO}\", \"{FABRIKAM}\"]"))
            .envs(more.iter().copied())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        scene.running.mcp = first.trim().strip_prefix("MCP server: ").unwrap().parse().unwrap();
        Self { child, folder }
    }

    /// Resident memory, in kilobytes.
    pub(crate) fn resident(&self) -> u64 {
        resident(&self.child.id().to_string())
    }

    /// Resident memory of each process that it started, in kilobytes.
    pub(crate) fn started(&self) -> Vec<u64> {
        let parent = self.child.id().to_string();
        let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
        // proc(5): the name stands in brackets, then the state, then the parent.
        let is_child = |id: &String| {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            stat.rsplit_once(')').is_some_and(|(_, rest)| rest.split_whitespace().nth(1) == Some(parent.as_str()))
        };
        all.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(is_child)
            .map(|id| resident(&id))
            .collect()
    }

    /// Everything that it could have written to in its memory, as text: what a core dump would show
    /// (<https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html>).
    pub(crate) fn memory(&self) -> Vec<String> {
        use std::os::unix::fs::FileExt as _;
        let process = PathBuf::from("/proc").join(self.child.id().to_string());
        let memory = std::fs::File::open(process.join("mem")).unwrap();
        let maps = std::fs::read_to_string(process.join("maps")).unwrap();
        let mut regions = Vec::new();
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).unwrap());
            if !rest.starts_with("rw") {
                continue;
            }
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            // A region may have gone since.
            if memory.read_exact_at(&mut bytes, from).is_ok() {
                regions.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        regions
    }

    /// The files it has at the moment, apart from its log and its audit log.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let left = files(self.folder.path()).into_iter().map(|(path, _)| path);
        left.filter(|path| !path.ends_with("log") && !path.ends_with("audit.jsonl")).collect()
    }

    /// Ends it: what it leaves behind.
    pub(crate) fn end(mut self) -> Vec<(String, Vec<u8>)> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        files(self.folder.path()).into_iter().map(|(path, bytes)| (path.display().to_string(), bytes)).collect()
    }
}

fn resident(id: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
}
