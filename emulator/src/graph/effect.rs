//! Rows that change something: a view and a question in, a [`Change`] out, and how to answer once it is done.

use std::fmt;

use bytes::Bytes;
use http::StatusCode;

use super::answer::Answer;
use super::error::Refusal;
use super::route::{Ask, Under, Verb, Workload};
use super::view::View;
use super::{calendar, files, mail, subscriptions, teams};
use crate::change::Change;

/// One row.
#[derive(Debug)]
pub(super) struct WriteRoute {
    pub(super) verb: Verb,
    pub(super) under: Under,
    /// The rest of the path.
    pub(super) template: &'static str,
    /// One of these, for what is the caller's own.
    pub(super) own: &'static [&'static str],
    /// One of these, for what is another's.
    pub(super) others: &'static [&'static str],
    pub(super) workload: Workload,
    /// Which key of the path names the thing: the first of a path that goes through a folder names the folder.
    pub(super) at: usize,
    pub(super) handler: Writer,
}

/// Decides what is to change. Changes nothing itself.
pub(super) type Writer = fn(&View<'_>, &Ask<'_>, at: usize) -> Result<Effect, Refusal>;

/// What is to change, and what is answered from the world in which it has.
pub(super) struct Effect {
    /// Nothing, where there was nothing to do.
    pub(super) change: Option<Change>,
    pub(super) then: Then,
}

type Then = Box<dyn FnOnce(&View<'_>, &Ask<'_>) -> Result<Answer, Refusal>>;

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effect").field("change", &self.change).finish_non_exhaustive()
    }
}

impl Effect {
    /// Answers with what `then` finds in the new world.
    pub(super) fn then(
        change: Change,
        status: StatusCode,
        then: impl FnOnce(&View<'_>, &Ask<'_>) -> Result<Answer, Refusal> + 'static,
    ) -> Self {
        let then: Then = Box::new(move |view, ask| then(view, ask).map(|answer| Answer { status, ..answer }));
        Self { change: Some(change), then }
    }

    /// Answers as a read does: nothing was to be changed.
    pub(super) fn none(then: impl FnOnce(&View<'_>, &Ask<'_>) -> Result<Answer, Refusal> + 'static) -> Self {
        Self { change: None, then: Box::new(then) }
    }

    /// Answers with a status alone.
    pub(super) fn silent(change: Change, status: StatusCode) -> Self {
        Self::then(change, status, |_, _| Ok(Answer::json(Bytes::new())))
    }
}

/// All rows that change something.
pub(super) fn rows() -> impl Iterator<Item = &'static WriteRoute> {
    [mail::WRITES, calendar::WRITES, teams::WRITES, subscriptions::WRITES]
        .into_iter()
        .chain(files::WRITES.iter().copied())
        .flatten()
}
