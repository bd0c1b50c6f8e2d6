//! How do rows survive a crash, and how do two writers not overtake each other? In redb: each write is one transaction,
//! durable when it returns, and a conditional write compares inside its transaction.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableHandle as _};

use super::super::member::Member;
use super::super::organizations::SWITCHES;
use super::seal::{self, Label, Revision, Sealer};
use super::{Record, Stored, TokenVault, VaultError, VaultKey};

/// Sealed rows by organization, user and record name. Public so that a test can move and edit rows as a thief would.
pub const RECORDS: TableDefinition<'static, (&'static str, &'static str, &'static str), &'static [u8]> =
    TableDefinition::new("records");

/// The one kind of record there is so far.
const RECORD: &str = "microsoft-365";

/// The host's one file, which only its owner may read.
#[derive(Clone)]
pub(in super::super) struct StateFile(pub(in super::super) Arc<Database>);

/// The vault in a redb file.
#[derive(Clone)]
pub struct RedbVault {
    file: StateFile,
    sealer: Arc<Sealer>,
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
        Ok(Self::within(StateFile::open(dir)?, key))
    }

    pub(in super::super) fn within(file: StateFile, key: &VaultKey) -> Self {
        Self { file, sealer: Arc::new(Sealer::new(key)) }
    }

    /// Transactions wait for the disk, so they leave the threads that serve requests.
    async fn run<T: Send + 'static>(
        &self,
        member: &Member,
        work: impl FnOnce(&Database, &Sealer, Label<'_>) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (this, member) = (self.clone(), member.clone());
        tokio::task::spawn_blocking(move || work(&this.file.0, &this.sealer, Label { member: &member, record: RECORD }))
            .await
            .map_err(|_| VaultError::Interrupted)?
    }
}

impl TokenVault for RedbVault {
    fn read<'a>(&'a self, member: &'a Member) -> BoxFuture<'a, Result<Option<Stored>, VaultError>> {
        Box::pin(self.run(member, |database, sealer, label| {
            let table = database.begin_read()?.open_table(RECORDS)?;
            let Some(row) = table.get(address(label))? else { return Ok(None) };
            let (plain, revision) = sealer.open(label, row.value())?;
            Ok(Some(Stored { record: Record::from_plain(&plain)?, revision }))
        }))
    }

    fn write<'a>(&'a self, member: &'a Member, record: Record) -> BoxFuture<'a, Result<Revision, VaultError>> {
        Box::pin(self.run(member, move |database, sealer, label| {
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
        Box::pin(self.run(member, move |database, sealer, label| {
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
        Box::pin(self.run(member, |database, _, label| {
            let transaction = database.begin_write()?;
            let existed = transaction.open_table(RECORDS)?.remove(address(label))?.is_some();
            transaction.commit()?;
            Ok(existed)
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
