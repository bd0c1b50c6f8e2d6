//! Upload sessions: a sealed address on the content host that takes the bytes of one file in pieces.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use fixtures::ids::{AppId, TenantId, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::{Change, DriveChange};
use crate::drive::NewContent;
use crate::graph::route::Ask;
use crate::graph::view::{DriveView, View};
use crate::seed::Seed;

const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 7);
/// The largest file that a session takes, in bytes.
const LIMIT: usize = 250 * 1024 * 1024;

/// What an address of a session says, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) client: AppId,
    pub(crate) drive: String,
    /// The file as it will be.
    pub(crate) item: String,
    /// Folder and name of a new file; absent for the content of one that is there.
    new: Option<(String, String)>,
    handle: String,
    pub(crate) expires: i64,
}

fn key(seed: &Seed) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &seed.key("upload address"))
}

impl Session {
    pub(super) fn of(
        view: &View<'_>,
        ask: &Ask<'_>,
        drive: &DriveView<'_>,
        change: &DriveChange,
        item: String,
        handle: String,
    ) -> Self {
        let principal = view.principal();
        let new = match change {
            DriveChange::Add(new) => Some((new.parent.clone(), new.name.clone())),
            _ => None,
        };
        let expires = ask.now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX).as_second();
        let (tenant, user, client) = (principal.tenant, principal.user, principal.client);
        Self { tenant, user, client, drive: drive.drive().id.clone(), item, new, handle, expires }
    }

    /// The address, and until when it takes anything.
    pub(super) fn url(&self, ask: &Ask<'_>) -> (String, Timestamp) {
        let said = serde_json::to_vec(self).unwrap_or_default();
        let tag = hmac::sign(&key(ask.seed), &said);
        let sealed = [tag.as_ref(), &said].concat();
        let url = format!("{}/_api/v2.0/uploadSession?tempauth={}", ask.content, URL_SAFE_NO_PAD.encode(sealed));
        (url, Timestamp::from_second(self.expires).unwrap_or(Timestamp::MAX))
    }

    /// Reads an address; `None` when it is not ours or was changed.
    pub(crate) fn read(seed: &Seed, text: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, said) = sealed.split_first_chunk::<32>()?;
        hmac::verify(&key(seed), said, tag).ok()?;
        serde_json::from_slice(said).ok()
    }

    /// The change that all of its bytes make.
    pub(crate) fn finished(self, bytes: Bytes) -> Change {
        let change = match self.new {
            Some((parent, name)) => {
                DriveChange::Add(NewContent { name, parent, bytes: Some(bytes), handle: self.handle })
            }
            None => DriveChange::Replace { id: self.item, bytes },
        };
        Change::Drive { tenant: self.tenant, drive: self.drive, by: self.user, change }
    }
}

/// The pieces that came so far, by session.
#[derive(Debug, Default)]
pub struct Uploads(Mutex<BTreeMap<String, Vec<u8>>>);

/// What became of a piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// More is to come, from this byte on.
    Next(usize),
    /// All of it is here.
    Whole(Bytes),
    /// It does not begin where the last one ended, or does not say what it is.
    Unfit,
}

impl Uploads {
    /// Takes one piece: `Content-Range: bytes 0-25/128`.
    pub(crate) fn take(&self, session: &str, range: &str, bytes: &[u8]) -> Piece {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((first, last, total)) = content_range(range) else { return Piece::Unfit };
        let so_far = open.get(session).map_or(0, Vec::len);
        if first != so_far || last < first || last - first + 1 != bytes.len() || last >= total || total > LIMIT {
            return Piece::Unfit;
        }
        let held = open.entry(session.to_owned()).or_default();
        held.extend_from_slice(bytes);
        if held.len() < total {
            return Piece::Next(held.len());
        }
        Piece::Whole(open.remove(session).unwrap_or_default().into())
    }

    /// How many bytes of a session came.
    pub(crate) fn held(&self, session: &str) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(session).map_or(0, Vec::len)
    }

    /// Forgets one session.
    pub(crate) fn cancel(&self, session: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn content_range(text: &str) -> Option<(usize, usize, usize)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?, total.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_order_or_not_at_all() {
        let uploads = Uploads::default();
        assert_eq!(uploads.take("a", "bytes 0-1/5", b"ab"), Piece::Next(2));
        for unfit in ["bytes 3-4/5", "bytes 2-4/3", "bytes 2-1/5", "2-4/5", "bytes 2-3/5", "bytes 2-4/*"] {
            assert_eq!(uploads.take("a", unfit, b"cde"), Piece::Unfit, "{unfit}");
        }
        assert_eq!(uploads.take("b", "bytes 2-4/5", b"cde"), Piece::Unfit);
        assert_eq!(uploads.take("a", "bytes 2-4/5", b"cde"), Piece::Whole(Bytes::from_static(b"abcde")));
        assert_eq!(uploads.held("a"), 0);
    }
}
