//! What stays on disk between runs: the CA, the vault and its key, and who is running now.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::failure::Failure;

/// The default state folder, where the command runs.
pub(super) const DEFAULT: &str = ".offline365";

/// A state folder: the user's, or one that goes away with the run.
#[derive(Debug)]
pub(super) struct State {
    folder: PathBuf,
    /// Removes the folder when dropped, if it is one for this run alone.
    _temporary: Option<tempfile::TempDir>,
}

impl State {
    /// The named folder, made if it is not there.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(Failure::file(folder))?;
        // Absolute, because the CA's path travels to programs that run elsewhere.
        let folder = fs::canonicalize(folder).map_err(Failure::file(folder))?;
        // A folder of secrets and databases that nobody wants in a commit.
        let ignore = folder.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(Failure::file(&ignore))?;
        }
        Ok(Self { folder, _temporary: None })
    }

    /// A folder for one run: two runs side by side do not meet, and nothing stays.
    pub(super) fn temporary() -> Result<Self, Failure> {
        let temporary = tempfile::Builder::new()
            .prefix("offline365-")
            .tempdir()
            .map_err(|source| Failure::File { path: std::env::temp_dir(), source })?;
        Ok(Self { folder: temporary.path().to_owned(), _temporary: Some(temporary) })
    }

    /// The folder, absolute.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The certificate that foreign programs trust.
    pub(super) fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The system's roots and ours: for programs whose CA variable replaces the roots instead of adding to them.
    pub(super) fn bundle(&self) -> PathBuf {
        self.folder.join("bundle.pem")
    }

    /// What the running `up` wrote; absent when none runs.
    pub(super) fn ready(&self) -> PathBuf {
        self.folder.join("ready.json")
    }

    /// The key of the host's token store; the connector makes it, for its owner's eyes alone.
    pub(super) fn vault_key(&self) -> PathBuf {
        self.folder.join("vault.key")
    }
}

/// Replaces a file's content in one step: a reader sees the old whole or the new whole.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".offline365-").tempfile_in(folder)?;
        file.write_all(content)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(Failure::file(path))
}

/// Where systems keep the roots that `SSL_CERT_FILE` would replace; the first that exists is used.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// The system's roots followed by ours. A program that was pointed at a bundle of its own already keeps that one's roots.
pub(super) fn bundle(ca_pem: &str) -> String {
    let own = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let roots = own
        .into_iter()
        .chain(SYSTEM_ROOTS.iter().map(PathBuf::from))
        .find_map(|path| fs::read_to_string(path).ok().filter(|text| text.contains("-----BEGIN CERTIFICATE-----")))
        .unwrap_or_default();
    let gap = if roots.is_empty() || roots.ends_with('\n') { "" } else { "\n" };
    format!("{roots}{gap}{ca_pem}")
}
