//! Mailboxes as rows and files.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::ids::exchange_id;
use fixtures::plan::{Dates, MailFolder, Message as Row, Origin, Tenant};
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use super::{Saving, earlier};
use crate::holdings::Holdings;
use crate::mailbox::{Mailbox, Message, moved};
use crate::world::TenantWorld;

pub(super) fn write(saving: &mut Saving<'_>, tenant: &TenantWorld, mailboxes: &Holdings<Mailbox>, rows: &mut Tenant) {
    let planned = saving.plan.tenant(&tenant.name).map(|tenant| tenant.messages.as_slice()).unwrap_or_default();
    let mut by_owner: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in planned {
        by_owner.entry(&row.mailbox).or_default().push(row);
    }
    let mut with_files = 0;
    for (owner, mailbox) in mailboxes.iter() {
        let Some(reference) = tenant.reference(owner) else { continue };
        let known: BTreeMap<String, &Row> = by_owner
            .get(reference.as_str())
            .into_iter()
            .flatten()
            .map(|row| {
                let id = row.id.clone().unwrap_or_else(|| exchange_id("message", tenant.id, owner, &row.handle));
                (id, *row)
            })
            .collect();
        for (_, folder) in mailbox.folders().filter(|(_, folder)| folder.well_known.is_none()) {
            let derived = exchange_id("folder", tenant.id, owner, &folder.path);
            rows.folders.push(MailFolder {
                mailbox: reference.clone(),
                path: folder.path.clone(),
                id: (folder.id != derived).then(|| folder.id.clone()),
            });
        }
        for message in mailbox.messages() {
            let folder = mailbox.folder(message.folder).map(|folder| folder.path.clone()).unwrap_or_default();
            let row = row(saving.shift, &reference, folder, message, known.get(&message.id).copied());
            with_files += usize::from(row.id.is_some() && !message.attachments.is_empty());
            rows.messages.push(row);
        }
    }
    if with_files > 0 {
        let name = &tenant.name;
        saving.lost.push(format!("{name}: ids of attachments of {with_files} message(s) that came while it ran"));
    }
}

fn row(shift: SignedDuration, owner: &str, folder: String, message: &Message, known: Option<&Row>) -> Row {
    let draft = (message.is_draft != (folder == "Drafts")).then_some(message.is_draft);
    let own = Row {
        handle: String::new(),
        mailbox: owner.to_owned(),
        folder,
        mime: Cow::Borrowed(&[]),
        is_read: message.is_read,
        flagged: message.is_flagged,
        categories: message.categories.clone(),
        canary: None,
        readers: vec![owner.to_owned()],
        dates: Dates::FollowClock,
        id: None,
        first_id: (message.first_id() != message.id).then(|| message.first_id().to_owned()),
        draft,
        received: None,
        origin: Origin { file: String::new(), line: None },
    };
    if let Some(known) = known {
        let is_moved = known.dates == Dates::FollowClock && !shift.is_zero();
        let file = if is_moved { moved(known.mime.clone(), shift) } else { known.mime.clone() };
        if *file == *message.mime {
            return Row {
                handle: known.handle.clone(),
                mime: known.mime.clone(),
                canary: known.canary.clone(),
                readers: known.readers.clone(),
                dates: known.dates,
                id: known.id.clone(),
                received: known.received,
                ..own
            };
        }
    }
    let mime: Cow<'static, [u8]> = Cow::Owned(message.mime.to_vec());
    let back = moved(mime.clone(), -shift);
    let follows = *moved(back.clone(), shift) == *mime;
    Row {
        handle: known.map_or_else(|| handle(owner, &message.id), |known| known.handle.clone()),
        mime: if follows { back } else { mime },
        readers: known.map_or_else(|| own.readers.clone(), |known| known.readers.clone()),
        dates: if follows { Dates::FollowClock } else { Dates::AsWritten },
        id: Some(message.id.clone()),
        received: Some(if follows { earlier(message.received, shift) } else { message.received }),
        ..own
    }
}

/// A handle for a message that has none: the same each time it is saved.
fn handle(owner: &str, id: &str) -> String {
    let (name, tenant) = owner.split_once('@').unwrap_or((owner, ""));
    let hash = Sha256::digest(id.as_bytes());
    let word = URL_SAFE_NO_PAD.encode(hash.get(..9).unwrap_or_default());
    format!("{tenant}/mail/{name}/saved/{word}")
}
