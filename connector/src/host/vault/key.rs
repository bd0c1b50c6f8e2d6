//! Where does the vault's key come from? From the configuration, the environment or a file, and from exactly one of them.

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::super::config::HostConfig;
use crate::entropy::{self, NoEntropy};

/// 32 bytes that open the vault. Wiped when dropped; prints nothing.
#[derive(Clone)]
pub struct VaultKey(Zeroizing<[u8; 32]>);

/// The key that rows are sealed with, and keys that rows may still be sealed with.
///
/// To change keys without downtime: put the new key first and keep the old one behind it; rows are sealed anew in the
/// background, and the log says when the old key opens nothing any more and can be taken away.
#[derive(Debug, Clone)]
pub struct KeyRing {
    /// Seals and opens.
    pub current: VaultKey,
    /// Open.
    pub old: Vec<VaultKey>,
}

impl KeyRing {
    /// One key.
    pub fn only(key: VaultKey) -> Self {
        Self { current: key, old: Vec::new() }
    }

    /// The keys of this configuration. The place that holds the key may hold older ones behind it, a line each.
    pub(in super::super) fn of(config: &HostConfig) -> Result<Self, KeyError> {
        let text = match (&config.vault_key, &config.vault_key_env, &config.vault_key_file) {
            (Some(text), None, None) => Zeroizing::new(text.expose_secret().to_owned()),
            (None, Some(name), None) => {
                Zeroizing::new(std::env::var(name).map_err(|_| KeyError::Variable(name.clone()))?)
            }
            (None, None, Some(path)) => Zeroizing::new(
                std::fs::read_to_string(path)
                    .map_err(|error| KeyError::File { path: path.display().to_string(), error })?,
            ),
            _ => return Err(KeyError::Sources),
        };
        let mut keys = text.split_whitespace().map(VaultKey::parse).collect::<Result<Vec<_>, _>>()?;
        for old in &config.vault_old_keys {
            keys.push(VaultKey::parse(old.expose_secret())?);
        }
        if keys.is_empty() {
            return Err(KeyError::Malformed);
        }
        Ok(Self { current: keys.remove(0), old: keys })
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// None or several of the three settings are set.
    #[error("set exactly one of host.vault_key, host.vault_key_env and host.vault_key_file")]
    Sources,
    /// The variable named by `vault_key_env` is missing.
    #[error("the environment variable {0} (host.vault_key_env) is not set")]
    Variable(String),
    /// The file named by `vault_key_file` cannot be read or written.
    #[error("{path} (host.vault_key_file): {error}")]
    File {
        /// The file.
        path: String,
        /// What went wrong.
        error: std::io::Error,
    },
    /// The text is not a key.
    #[error("a vault key is 32 bytes in base64")]
    Malformed,
    /// See [`NoEntropy`].
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

impl VaultKey {
    /// A new key from the operating system.
    pub fn generate() -> Result<Self, NoEntropy> {
        Ok(Self(Zeroizing::new(entropy::bytes()?)))
    }

    /// The key in `path`, which is made (for its owner alone) if it is not there: for a vault on one machine whose
    /// operator brings no key of their own. A key beside the vault protects backups of the vault alone.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let failed = |error| KeyError::File { path: path.display().to_string(), error };
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&Zeroizing::new(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // Written aside and put in place whole: a crash between leaves no half key behind.
                let key = Self::generate()?;
                let aside = path.with_extension("new");
                let mut options = std::fs::OpenOptions::new();
                options.write(true).create(true).truncate(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(&aside).map_err(failed)?;
                file.write_all(key.to_base64().expose_secret().as_bytes()).map_err(failed)?;
                file.sync_all().map_err(failed)?;
                std::fs::rename(&aside, path).map_err(failed)?;
                Ok(key)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The key as the configuration takes it.
    pub fn to_base64(&self) -> SecretString {
        SecretString::from(STANDARD.encode(self.0.as_slice()))
    }

    fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| KeyError::Malformed)?);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return Err(KeyError::Malformed);
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Names the key without telling it, so that a row sealed with another one is recognised as such.
    pub(super) fn id(&self) -> [u8; 8] {
        let digest = Sha256::new().chain_update(b"offline365 vault key id").chain_update(self.0.as_slice()).finalize();
        let mut id = [0; 8];
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        id
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey(..)")
    }
}
