//! A message as `$search` sees it: no more than the caller is shown.

use jiff::Timestamp;

use crate::mailbox::{Importance, Message};
use crate::search::{Document, Field, Flag, Instant};

/// Who may not read a body may not probe it either.
pub(super) struct Searched<'a> {
    pub(super) message: &'a Message,
    pub(super) has_body: bool,
}

impl Document for Searched<'_> {
    fn texts(&self, visit: &mut dyn FnMut(Field, &str)) {
        self.message.texts(&mut |field, text| {
            if self.has_body || !matches!(field, Field::Body | Field::Attachment) {
                visit(field, text);
            }
        });
    }

    fn time(&self, of: Instant) -> Option<Timestamp> {
        self.message.time(of)
    }

    fn flag(&self, flag: Flag) -> Option<bool> {
        self.message.flag(flag)
    }

    fn size(&self) -> Option<u64> {
        self.message.size()
    }

    fn importance(&self) -> Option<Importance> {
        self.message.importance()
    }
}
