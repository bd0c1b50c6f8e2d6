//! How do rows survive a crash, and how do two writers not overtake each other? In redb: each write is one transaction,
//! durable when it returns, and a conditional write compares inside its transaction.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableHandle as _};
use zeroize::Zeroizing;

use super::super::member::Member;
use super::super::organizations::SWITCHES;
use super::super::policy::HostPolicy;
use super::key::KeyRing;
use super::rows::{Row, Rows};
use super::seal::{self, Label, Revision, Sealer};
use super::{Record, Stored, TokenVault, VaultError, VaultKey};

/// Sealed rows by organization, user and record name. Public so that a test can move and edit rows as a thief would.
pub const RECORDS: TableDefinition<'static, (&'static str, &'static str, &'static str), &'static [u8]> =
    TableDefinition::new("records");

/// The record that holds a connection.
const RECORD: &str = "microsoft-365";

/// The host's one file, which only its owner may read.
#[derive(Clone)]
pub(in super::super) struct StateFile(pub(in super::super) Arc<Database>);

/// The vault in a redb file.
#[derive(Clone)]
pub struct RedbVault {
    file: StateFile,
    sealer: Arc<ArcSwap<Sealer>>,
    bound_to: fn(&Member, &str) -> Vec<u8>,
}

/// What a change of keys did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Rows that now open with the current key.
    pub sealed_anew: usize,
    /// Rows that none of the keys opens. They stay as they are.
    pub unopened: usize,
}

impl StateFile {
    /// Opens or creates `dir/vault.redb`. A second process on the same file is refused.
    pub(in super::super) fn open(dir: &Path) -> Result<Self, VaultError> {
        let path = dir.join("vault.redb");
        let failed = |error| VaultError::File { path: path.display().to_string(), error };
        make_private_dir(dir).map_err(failed)?;
        let file = open_private(&path).map_err(failed)?;
        let backend = FileBackend::new(file).map_err(|error| in_use(&path, error))?;
        let database = Database::builder().create_with_backend(backend).map_err(|error| in_use(&path, error))?;
        if !has_tables(&database)? {
            let transaction = database.begin_write()?;
            transaction.open_table(RECORDS)?;
            transaction.open_table(SWITCHES)?;
            transaction.commit()?;
        }
        Ok(Self(Arc::new(database)))
    }
}

impl RedbVault {
    /// The vault in `dir`, which is created if it is not there.
    pub fn open(dir: &Path, key: &VaultKey) -> Result<Self, VaultError> {
        let keys = KeyRing::only(key.clone());
        Ok(Self::within(StateFile::open(dir)?, &keys, HostPolicy::STRICT.bound_to))
    }

    pub(in super::super) fn within(file: StateFile, keys: &KeyRing, bound_to: fn(&Member, &str) -> Vec<u8>) -> Self {
        Self { file, sealer: Arc::new(ArcSwap::from_pointee(Sealer::new(keys, bound_to))), bound_to }
    }

    /// Uses other keys from now on. Rows of the old ones open as long as those are among `keys`; [`reseal`](Self::reseal)
    /// then moves them over.
    pub fn change_keys(&self, keys: &KeyRing) {
        self.sealer.store(Arc::new(Sealer::new(keys, self.bound_to)));
    }

    /// Seals every row of an older key anew, one transaction each, while others read and write.
    pub async fn reseal(&self) -> Result<Resealed, VaultError> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.reseal_now()).await.map_err(|_| VaultError::Interrupted)?
    }

    fn reseal_now(&self) -> Result<Resealed, VaultError> {
        let sealer = self.sealer.load_full();
        let mut done = Resealed::default();
        for (organization, user, record) in self.addresses(|row| sealer.is_old(row))? {
            let member = Member::new(organization.as_str(), user.as_str());
            let label = Label { member: &member, record: &record };
            let transaction = self.file.0.begin_write()?;
            {
                let mut table = transaction.open_table(RECORDS)?;
                let Some(row) = table.get(address(label))?.map(|row| row.value().to_vec()) else { continue };
                if !sealer.is_old(&row) {
                    continue;
                }
                let Ok(row) = sealer.reseal(label, &row) else {
                    done.unopened += 1;
                    continue;
                };
                table.insert(address(label), row.as_slice())?;
            }
            transaction.commit()?;
            done.sealed_anew += 1;
        }
        Ok(done)
    }

    fn addresses(&self, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<(String, String, String)>, VaultError> {
        let table = self.file.0.begin_read()?.open_table(RECORDS)?;
        let mut addresses = Vec::new();
        for row in table.iter()? {
            let (key, value) = row?;
            let (organization, user, record) = key.value();
            if wanted(value.value()) {
                addresses.push((organization.to_owned(), user.to_owned(), record.to_owned()));
            }
        }
        Ok(addresses)
    }

    /// Every row called `record`, of whomever. Rows that do not open are left out, and said so in the log.
    pub(in super::super) fn all_called(&self, record: &str) -> Result<Vec<(Member, Row)>, VaultError> {
        let sealer = self.sealer.load_full();
        let table = self.file.0.begin_read()?.open_table(RECORDS)?;
        let mut rows = Vec::new();
        for row in table.iter()? {
            let (key, value) = row?;
            let (organization, user, name) = key.value();
            if name != record {
                continue;
            }
            let member = Member::new(organization, user);
            match sealer.open(Label { member: &member, record }, value.value()) {
                Ok((plain, revision)) => rows.push((member, Row { plain, revision })),
                Err(error) => tracing::warn!(%member, record, %error, "a row does not open"),
            }
        }
        Ok(rows)
    }

    /// Transactions wait for the disk, so they leave the threads that serve requests.
    async fn run<T: Send + 'static>(
        &self,
        member: &Member,
        record: &str,
        work: impl FnOnce(&Database, &Sealer, Label<'_>) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (this, member, record) = (self.clone(), member.clone(), record.to_owned());
        let sealer = self.sealer.load_full();
        tokio::task::spawn_blocking(move || work(&this.file.0, &sealer, Label { member: &member, record: &record }))
            .await
            .map_err(|_| VaultError::Interrupted)?
    }
}

impl TokenVault for RedbVault {
    fn read<'a>(&'a self, member: &'a Member) -> BoxFuture<'a, Result<Option<Stored>, VaultError>> {
        Box::pin(self.run(member, RECORD, |database, sealer, label| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            let Some(row) = table.get(address(label))? else { return Ok(None) };
            let (plain, revision) = sealer.open(label, row.value())?;
            Ok(Some(Stored { record: Record::from_plain(&plain)?, revision }))
        }))
    }

    fn write<'a>(&'a self, member: &'a Member, record: Record) -> BoxFuture<'a, Result<Revision, VaultError>> {
        Box::pin(self.run(member, RECORD, move |database, sealer, label| {
            let (row, revision) = sealer.seal(label, &record.to_plain()?)?;
            let transaction = database.begin_write()?;
            transaction.open_table(RECORDS)?.insert(address(label), row.as_slice())?;
            transaction.commit()?;
            Ok(revision)
        }))
    }

    fn replace<'a>(
        &'a self,
        member: &'a Member,
        seen: Revision,
        record: Record,
    ) -> BoxFuture<'a, Result<Option<Revision>, VaultError>> {
        Box::pin(self.run(member, RECORD, move |database, sealer, label| {
            let (row, revision) = sealer.seal(label, &record.to_plain()?)?;
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(RECORDS)?;
                let current = table.get(address(label))?.and_then(|row| seal::revision(row.value()));
                if current != Some(seen) {
                    return Ok(None);
                }
                table.insert(address(label), row.as_slice())?;
            }
            transaction.commit()?;
            Ok(Some(revision))
        }))
    }

    fn erase<'a>(&'a self, member: &'a Member) -> BoxFuture<'a, Result<bool, VaultError>> {
        Box::pin(self.run(member, RECORD, |database, _, label| {
            let transaction = database.begin_write()?;
            let existed = transaction.open_table(RECORDS)?.remove(address(label))?.is_some();
            transaction.commit()?;
            Ok(existed)
        }))
    }
}

impl Rows for RedbVault {
    fn read<'a>(&'a self, owner: &'a Member, name: &'a str) -> BoxFuture<'a, Result<Option<Row>, VaultError>> {
        Box::pin(self.run(owner, name, |database, sealer, label| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            let Some(row) = table.get(address(label))? else { return Ok(None) };
            let (plain, revision) = sealer.open(label, row.value())?;
            Ok(Some(Row { plain, revision }))
        }))
    }

    fn replace<'a>(
        &'a self,
        owner: &'a Member,
        name: &'a str,
        seen: Option<Revision>,
        plain: Zeroizing<Vec<u8>>,
    ) -> BoxFuture<'a, Result<Option<Revision>, VaultError>> {
        Box::pin(self.run(owner, name, move |database, sealer, label| {
            let (row, revision) = sealer.seal(label, &plain)?;
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(RECORDS)?;
                let current = table.get(address(label))?.map(|row| seal::revision(row.value()));
                if current.is_some() != seen.is_some() || current.flatten() != seen {
                    return Ok(None);
                }
                table.insert(address(label), row.as_slice())?;
            }
            transaction.commit()?;
            Ok(Some(revision))
        }))
    }

    fn erase<'a>(&'a self, owner: &'a Member, name: &'a str) -> BoxFuture<'a, Result<bool, VaultError>> {
        Box::pin(self.run(owner, name, |database, _, label| {
            let transaction = database.begin_write()?;
            let existed = transaction.open_table(RECORDS)?.remove(address(label))?.is_some();
            transaction.commit()?;
            Ok(existed)
        }))
    }

    fn names<'a>(&'a self, owner: &'a Member, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, VaultError>> {
        Box::pin(self.run(owner, prefix, |database, _, label| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            let mut names = Vec::new();
            for row in table.range(address(label)..)? {
                let (key, _) = row?;
                let (organization, user, name) = key.value();
                let same = organization == label.member.organization.as_str() && user == label.member.user.as_str();
                if !same || !name.starts_with(label.record) {
                    break;
                }
                names.push(name.to_owned());
            }
            Ok(names)
        }))
    }
}

fn in_use(path: &Path, error: DatabaseError) -> VaultError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => VaultError::InUse { path: path.display().to_string() },
        error => error.into(),
    }
}

/// A look first: a write waits for the disk, and all starts but the first have nothing to write.
fn has_tables(database: &Database) -> Result<bool, VaultError> {
    let transaction = database.begin_read()?;
    let names: Vec<_> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
    Ok([RECORDS.name(), SWITCHES.name()].iter().all(|name| names.iter().any(|there| there == name)))
}

fn address(label: Label<'_>) -> (&str, &str, &str) {
    (label.member.organization.as_str(), label.member.user.as_str(), label.record)
}

#[cfg(unix)]
fn make_private_dir(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn make_private_dir(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)
}

/// Private from its first moment, and made so again if somebody widened it.
#[cfg(unix)]
fn open_private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}
