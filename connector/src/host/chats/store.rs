//! How is a chat kept? Sealed; written with a comparison, so that of two writers neither is lost.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::super::error::{Fault, HostError, Refusal};
use super::super::member::{HostUser, Member, OrganizationName};
use super::super::vault::{Revision, Rows, VaultError};
use super::record::{Chat, ChatId, Kept};

/// A chat is its organization's: many read it, so its row is bound to nobody in particular. No person has this name, since an
/// empty one is refused.
const NOBODY: &str = "";

/// Two people writing in one chat meet now and then; so many times in a row is something else.
const ATTEMPTS: usize = 50;

pub(super) struct Store(Arc<dyn Rows>);

impl Store {
    pub(super) fn new(rows: Arc<dyn Rows>) -> Self {
        Self(rows)
    }

    pub(super) async fn insert(&self, owner: &Member, chat: &Chat) -> Result<(), HostError> {
        let written = self.0.replace(&room(&owner.organization), &name(&chat.id), None, plain(chat)?).await;
        written.map_err(Fault::Vault)?.ok_or(Fault::Interrupted)?;
        Ok(())
    }

    pub(super) async fn read(
        &self,
        organization: &OrganizationName,
        id: &ChatId,
    ) -> Result<Option<(Chat, Revision)>, HostError> {
        let Some(row) = self.0.read(&room(organization), &name(id)).await.map_err(Fault::Vault)? else {
            return Ok(None);
        };
        let chat = serde_json::from_slice(&row.plain).map_err(|_| Fault::Vault(VaultError::Unreadable))?;
        Ok(Some((chat, row.revision)))
    }

    /// Changes a chat as it is now, again if somebody else was faster.
    pub(super) async fn update(
        &self,
        organization: &OrganizationName,
        id: &ChatId,
        change: impl Fn(&mut Chat) -> Result<(), Refusal>,
    ) -> Result<Chat, HostError> {
        for _ in 0..ATTEMPTS {
            let (mut chat, seen) = self.read(organization, id).await?.ok_or(Refusal::NoSuchChat)?;
            change(&mut chat)?;
            let written = self.0.replace(&room(organization), &name(id), Some(seen), plain(&chat)?).await;
            if written.map_err(Fault::Vault)?.is_some() {
                return Ok(chat);
            }
        }
        Err(Fault::Interrupted.into())
    }

    /// Every chat of an organization. Rows that do not open are left out: one bad row must not hide the rest.
    pub(super) async fn all(&self, organization: &OrganizationName) -> Result<Vec<Chat>, HostError> {
        let names = self.0.names(&room(organization), "chat/").await.map_err(Fault::Vault)?;
        let mut chats = Vec::new();
        for name in names {
            match self.0.read(&room(organization), &name).await {
                Ok(Some(row)) => chats.extend(serde_json::from_slice::<Chat>(&row.plain)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%organization, %error, "a chat does not open"),
            }
        }
        Ok(chats)
    }

    /// Forgets a chat and the results in it.
    pub(super) async fn erase(&self, owner: &Member, chat: &Chat) -> Result<(), HostError> {
        // Results first: what is left after a crash in between can still be deleted by its owner.
        for turn in &chat.turns {
            let asker = asker(&owner.organization, &turn.asker);
            self.0.erase(&asker, &result_name(&chat.id, turn.number)).await.map_err(Fault::Vault)?;
        }
        self.0.erase(&room(&owner.organization), &name(&chat.id)).await.map_err(Fault::Vault)?;
        Ok(())
    }

    /// Keeps a result for `asker`.
    pub(super) async fn keep(&self, asker: &Member, id: &ChatId, turn: u32, kept: &Kept) -> Result<(), HostError> {
        let plain = serde_json::to_vec(kept).map_err(|_| Fault::Vault(VaultError::Unreadable))?;
        let written = self.0.replace(asker, &result_name(id, turn), None, Zeroizing::new(plain)).await;
        written.map_err(Fault::Vault)?.ok_or(Fault::Interrupted)?;
        Ok(())
    }

    /// Drops a result again.
    pub(super) async fn drop_result(&self, asker: &Member, id: &ChatId, turn: u32) -> Result<(), HostError> {
        self.0.erase(asker, &result_name(id, turn)).await.map_err(Fault::Vault)?;
        Ok(())
    }

    /// The result of a turn, which is `asker`'s.
    pub(super) async fn result(&self, asker: &Member, id: &ChatId, turn: u32) -> Result<Option<Kept>, HostError> {
        match self.0.read(asker, &result_name(id, turn)).await {
            Ok(row) => Ok(row.and_then(|row| serde_json::from_slice(&row.plain).ok())),
            Err(error) => {
                tracing::warn!(%asker, %error, "a result does not open");
                Ok(None)
            }
        }
    }
}

pub(super) fn asker(organization: &OrganizationName, user: &HostUser) -> Member {
    Member { organization: organization.clone(), user: user.clone() }
}

fn room(organization: &OrganizationName) -> Member {
    Member::new(organization.clone(), NOBODY)
}

fn name(id: &ChatId) -> String {
    format!("chat/{}", id.as_str())
}

fn result_name(id: &ChatId, turn: u32) -> String {
    format!("result/{}/{turn}", id.as_str())
}

fn plain(chat: &Chat) -> Result<Zeroizing<Vec<u8>>, HostError> {
    let plain = serde_json::to_vec(chat).map_err(|_| Fault::Vault(VaultError::Unreadable))?;
    Ok(Zeroizing::new(plain))
}
