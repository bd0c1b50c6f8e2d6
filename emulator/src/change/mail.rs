//! Changes of mailboxes: messages, folders, and mail that is sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use fixtures::ids::{TenantId, UserId};

use super::{ChangeError, Moment};
use crate::mailbox::{EditError, FolderIndex, Mailbox, MessageEdit, Moved, NewMessage};
use crate::world::{TenantWorld, World};

/// A change of one mailbox. Ids of what comes into being derive from its `handle`.
#[derive(Debug, Clone)]
pub enum MailChange {
    /// Adds a message.
    Create {
        /// The message.
        message: NewMessage,
        /// Id or well-known name of its folder.
        folder: String,
    },
    /// Changes a message.
    Edit {
        /// Message id.
        id: String,
        /// What becomes of it.
        edit: MessageEdit,
    },
    /// Puts a message, or a copy of it, into another folder.
    Place {
        /// Message id.
        id: String,
        /// Id or well-known name of the folder.
        folder: String,
        /// Of the message in its new place.
        handle: String,
        /// The one in the old place stays.
        is_copy: bool,
    },
    /// Takes a message away for good.
    Remove {
        /// Message id.
        id: String,
    },
    /// Sends a message: keeps the sender's copy, if there is to be one, and lays one into every mailbox it goes to.
    Send {
        /// The draft it was, which goes.
        draft: Option<String>,
        /// The copy for `Sent Items`.
        kept: Option<NewMessage>,
        /// The file as recipients get it.
        mime: Bytes,
        /// Addresses of the recipients. One that is no mailbox of this world gets nothing, and nobody is told.
        recipients: BTreeSet<String>,
        /// Of the recipients' copies.
        handle: String,
    },
    /// Makes a folder.
    CreateFolder {
        /// Id or well-known name of the folder it lies in.
        parent: String,
        /// `displayName`.
        name: String,
        /// Its id derives from it.
        handle: String,
    },
    /// Renames a folder or puts it under another.
    PlaceFolder {
        /// Folder id.
        id: String,
        /// Id or well-known name of the folder it is to lie in.
        parent: Option<String>,
        /// `displayName`.
        name: Option<String>,
    },
    /// Deletes a folder: into `Deleted Items`, or for good when it lies there.
    DeleteFolder {
        /// Folder id.
        id: String,
    },
}

impl MailChange {
    pub(super) fn apply(
        self,
        world: &mut World,
        id: TenantId,
        owner: UserId,
        moment: &Moment,
    ) -> Result<(), ChangeError> {
        let now = moment.now;
        let tenant = tenant(world, id)?;
        let mailbox = mailbox(tenant, owner)?;
        match self {
            Self::Create { message, folder } => {
                let folder = folder_of(mailbox, &folder)?;
                mailbox.add(message, folder)?;
            }
            Self::Edit { id, edit } => mailbox.edit(&id, edit, now)?,
            Self::Place { id, folder, handle, is_copy } => {
                let folder = folder_of(mailbox, &folder)?;
                if is_copy {
                    mailbox.copy(&id, folder, &handle, now)?;
                } else {
                    mailbox.relocate(&id, folder, &handle, now)?;
                }
            }
            Self::Remove { id } => mailbox.remove(&id)?,
            Self::Send { draft, kept, mime, recipients, handle } => {
                let drafted = draft.as_deref().and_then(|draft| Some(mailbox.message(draft)?.first_id().to_owned()));
                if let Some(draft) = draft {
                    mailbox.remove(&draft)?;
                }
                if let Some(kept) = kept {
                    let sent = folder_of(mailbox, "sentitems")?;
                    let kept = mailbox.add(kept, sent)?;
                    if let Some(drafted) = drafted {
                        mailbox.descend(&kept, drafted)?;
                    }
                }
                for (at, owner) in addressed(world, &recipients) {
                    let handle = format!("{handle}/{at}/{owner}");
                    deliver(self::mailbox(self::tenant(world, at)?, owner)?, &mime, handle, moment)?;
                }
            }
            Self::CreateFolder { parent, name, handle } => {
                let parent = folder_of(mailbox, &parent)?;
                mailbox.create_folder(parent, &name, &handle)?;
            }
            Self::PlaceFolder { id, parent, name } => {
                let parent = parent.map(|parent| folder_of(mailbox, &parent)).transpose()?;
                let moved = mailbox.place_folder(&id, parent, name.as_deref())?;
                follow(tenant, owner, &moved);
            }
            Self::DeleteFolder { id } => {
                let moved = mailbox.delete_folder(&id)?;
                follow(tenant, owner, &moved);
            }
        }
        Ok(())
    }
}

fn tenant(world: &mut World, id: TenantId) -> Result<&mut TenantWorld, ChangeError> {
    world.tenants.get_mut(&id).map(Arc::make_mut).ok_or(ChangeError::Tenant(id))
}

fn mailbox(tenant: &mut TenantWorld, owner: UserId) -> Result<&mut Mailbox, ChangeError> {
    tenant.mailboxes.get_mut(owner).map(Arc::make_mut).ok_or(ChangeError::Mailbox(owner))
}

fn folder_of(mailbox: &Mailbox, key: &str) -> Result<FolderIndex, EditError> {
    mailbox.folder_named(key).ok_or(EditError::Folder)
}

/// Whose mailboxes these addresses are, in every tenant: mail knows no tenants.
fn addressed(world: &World, recipients: &BTreeSet<String>) -> Vec<(TenantId, UserId)> {
    let is_named = |address: &str| recipients.iter().any(|recipient| recipient.eq_ignore_ascii_case(address));
    let of = |tenant: &TenantWorld| -> Vec<(TenantId, UserId)> {
        let users = tenant.mailboxes.owners().filter_map(|owner| tenant.directory.user(owner));
        let named = users.filter(|user| is_named(&user.upn) || user.mail.as_deref().is_some_and(is_named));
        named.map(|user| (tenant.id, user.id)).collect()
    };
    world.tenants.values().flat_map(|tenant| of(tenant)).collect()
}

fn deliver(mailbox: &mut Mailbox, mime: &Bytes, handle: String, moment: &Moment) -> Result<(), EditError> {
    let inbox = folder_of(mailbox, "inbox")?;
    let message = NewMessage {
        handle,
        mime: mime.clone(),
        received: moment.now,
        is_read: false,
        is_draft: false,
        is_flagged: false,
        categories: Vec::new(),
    };
    mailbox.add(message, inbox).map(drop)
}

/// What is shared of a folder stays shared wherever the folder goes, and nothing that later takes its place is.
fn follow(tenant: &mut TenantWorld, owner: UserId, moved: &[Moved]) {
    let Some(owner) = tenant.directory.user(owner).map(|user| format!("{}@{}", user.name, tenant.name)) else { return };
    let mut delegations = tenant.delegations.to_vec();
    delegations.retain_mut(|row| {
        let Some(folder) = row.folder.as_mut().filter(|_| row.mailbox == owner) else { return true };
        match moved.iter().find(|moved| moved.from == *folder) {
            None => true,
            Some(Moved { to: Some(to), .. }) => {
                folder.clone_from(to);
                true
            }
            Some(Moved { to: None, .. }) => false,
        }
    });
    tenant.delegations = delegations.into();
}
