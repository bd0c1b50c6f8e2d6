//! An event: when, where, who, and its text.

use serde_json::json;

use super::super::outlook_calendar_search::{moment, people};
use super::super::outlook_email_search::Person;
use super::{Content, Kind, Whole, object, text};
use crate::graph::calendar::Event;
use crate::graph::client::Reader;
use crate::graph::request::GraphRead;
use crate::refusal::Refusal;
use crate::resource_uri::{Mailbox, Segment};

pub(super) async fn read(graph: &Reader<'_>, mailbox: &Mailbox, id: &Segment) -> Result<Whole, Refusal> {
    let event: Event = graph.read(&GraphRead::Event { mailbox, id }).await?;
    let mut notes = Vec::new();
    let content = match event.body {
        None => String::new(),
        Some(body) if body.content_type.eq_ignore_ascii_case("html") => text::of_html(body.content, &mut notes).await?,
        Some(body) => body.content,
    };
    let metadata = json!({
        "id": event.id,
        "iCalUId": event.i_cal_uid,
        "organizer": event.organizer.map(Person::of),
        "attendees": people(event.attendees),
        "start": event.start.map(moment),
        "end": event.end.map(moment),
        "location": event.location.and_then(|location| location.display_name),
        "isAllDay": event.is_all_day,
        "isCancelled": event.is_cancelled,
        "isOrganizer": event.is_organizer,
        "isOnlineMeeting": event.is_online_meeting,
        "joinUrl": event.online_meeting.and_then(|meeting| meeting.join_url),
        "showAs": event.show_as,
        "sensitivity": event.sensitivity,
        "categories": event.categories,
        "seriesMasterId": event.series_master_id,
        "webLink": event.web_link,
    });
    Ok(Whole {
        kind: Kind::Event,
        mime_type: "text/plain".to_owned(),
        title: event.subject,
        metadata: object(metadata),
        content: Content::Text(content),
        notes,
    })
}
