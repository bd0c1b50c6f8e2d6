//! Does an event match? Graph's calendar view knows dates alone; the rest is decided here.

use super::super::Note;
use super::Input;
use crate::graph::calendar::Event;
use crate::graph::mail::EmailAddress;
use crate::refusal::Refusal;

/// What a hit has to be. All in lower case.
pub(super) struct Filters {
    words: Vec<String>,
    attendee: Option<String>,
    organizer: Option<String>,
}

impl Filters {
    pub(super) fn of(input: &Input, notes: &mut Vec<Note>) -> Result<Self, Refusal> {
        let word = |parameter, text: Option<&String>| match text.map(|text| text.trim().to_lowercase()) {
            Some(text) if text.is_empty() => Err(Refusal::argument(parameter, format!("`{parameter}` is empty."))),
            text => Ok(text),
        };
        let query = input.query.as_deref().map_or("", str::trim);
        if query == "*" {
            notes.push(Note::new("WILDCARD_AS_ALL", "`*` asks for everything: answered without a query."));
        }
        let words = query.split_whitespace().filter(|word| *word != "*").map(str::to_lowercase).collect();
        let attendee = word("attendee", input.attendee.as_ref())?;
        let organizer = word("organizer", input.organizer.as_ref())?;
        if attendee.iter().chain(&organizer).any(|text| !text.contains('@')) {
            notes.push(Note::new(
                "NAME_MATCHED",
                "A name or a part of an address was looked for in names and addresses.",
            ));
        }
        Ok(Self { words, attendee, organizer })
    }

    pub(super) fn matches(&self, event: &Event) -> bool {
        let organizer = event.organizer.as_ref().map(|organizer| &organizer.email_address);
        let invited = || event.attendees.iter().map(|attendee| &attendee.email_address);
        self.organizer.as_deref().is_none_or(|text| organizer.is_some_and(|person| is_called(person, text)))
            && self.attendee.as_deref().is_none_or(|text| invited().any(|person| is_called(person, text)))
            && self.words.iter().all(|word| {
                let place = event.location.as_ref().and_then(|location| location.display_name.as_ref());
                let texts = [event.subject.as_ref(), event.body_preview.as_ref(), place];
                texts.iter().flatten().any(|text| text.to_lowercase().contains(word))
                    || organizer.into_iter().chain(invited()).any(|person| is_called(person, word))
            })
    }
}

/// A whole address is compared as one; anything else is looked for in address and name.
fn is_called(person: &EmailAddress, text: &str) -> bool {
    let part = |part: &Option<String>| part.as_deref().map(str::to_lowercase);
    match (part(&person.address), part(&person.name)) {
        (Some(address), _) if text.contains('@') => address == text || (!text.contains('.') && address.contains(text)),
        (address, name) => address.into_iter().chain(name).any(|part| part.contains(text)),
    }
}
