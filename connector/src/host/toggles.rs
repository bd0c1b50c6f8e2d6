//! Which tools has somebody switched off for themselves, everywhere? Kept sealed; held in memory too, since the server asks on
//! every call, in the words of a Microsoft account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::{Fault, HostError};
use super::member::Member;
use super::vault::{Account, RedbVault, Rows, VaultError};

const RECORD: &str = "tools";

/// What people switched off for themselves.
pub(super) struct UserToggles {
    rows: Arc<dyn Rows>,
    held: RwLock<BTreeMap<Member, Content>>,
    writing: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default, Deserialize, Serialize)]
struct Content {
    off: BTreeSet<String>,
    /// Tenant and object id of the account that the person has connected.
    account: Option<(String, String)>,
}

impl UserToggles {
    /// What the file says.
    pub(super) fn load(vault: &RedbVault) -> Result<Self, VaultError> {
        let mut held = BTreeMap::new();
        for (member, row) in vault.all_called(RECORD)? {
            held.insert(member, serde_json::from_slice(&row.plain).map_err(|_| VaultError::Unreadable)?);
        }
        let rows = Arc::new(vault.clone());
        Ok(Self { rows, held: RwLock::new(held), writing: tokio::sync::Mutex::default() })
    }

    /// What `member` switched off.
    pub(super) fn off(&self, member: &Member) -> BTreeSet<String> {
        self.read(|held| held.get(member).map(|held| held.off.clone())).unwrap_or_default()
    }

    /// Whether somebody who connected this account switched `tool` off.
    pub(super) fn off_for_account(&self, tenant: &str, object_id: &str, tool: &str) -> bool {
        self.read(|held| {
            held.values().any(|content| {
                let account = content.account.as_ref().map(|(tenant, id)| (tenant.as_str(), id.as_str()));
                content.off.contains(tool) && account == Some((tenant, object_id))
            })
        })
    }

    /// Switches a tool for `member`, whose account is `account`.
    pub(super) async fn switch(
        &self,
        member: &Member,
        account: Option<&Account>,
        tool: &str,
        on: bool,
    ) -> Result<(), HostError> {
        self.change(member, |content| {
            content.account = account.map(identity);
            if on {
                content.off.remove(tool);
            } else {
                content.off.insert(tool.to_owned());
            }
        })
        .await
    }

    /// Notes which account `member` has connected, or that they have none.
    pub(super) async fn linked(&self, member: &Member, account: Option<&Account>) -> Result<(), HostError> {
        // Whoever never switched anything has nothing to be found by.
        if self.off(member).is_empty() {
            return Ok(());
        }
        self.change(member, |content| content.account = account.map(identity)).await
    }

    async fn change(&self, member: &Member, change: impl FnOnce(&mut Content)) -> Result<(), HostError> {
        let _one_at_a_time = self.writing.lock().await;
        // Another replica may have written: the row is the truth, memory follows.
        let current = self.rows.read(member, RECORD).await.map_err(Fault::Vault)?;
        let (mut content, seen) = match current {
            Some(row) => {
                let content = serde_json::from_slice(&row.plain).map_err(|_| Fault::Vault(VaultError::Unreadable))?;
                (content, Some(row.revision))
            }
            None => (Content::default(), None),
        };
        change(&mut content);
        let plain = Zeroizing::new(serde_json::to_vec(&content).map_err(|_| Fault::Vault(VaultError::Unreadable))?);
        let written = self.rows.replace(member, RECORD, seen, plain).await.map_err(Fault::Vault)?;
        written.ok_or(Fault::Interrupted)?;
        let mut held = self.held.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        held.insert(member.clone(), content);
        Ok(())
    }

    fn read<T>(&self, look: impl FnOnce(&BTreeMap<Member, Content>) -> T) -> T {
        look(&self.held.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

fn identity(account: &Account) -> (String, String) {
    (account.tenant.clone(), account.object_id.clone())
}
