//! An event as an iCalendar file (RFC 5545): what [`file`](super::file) reads.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;

use super::item::{Attendee, Item, Sensitivity, ShowAs, Weeks};
use super::{Event, Series};
use crate::mailbox::{Attachment, BodyKind, Correspondent, Importance};

/// The most octets of a line (RFC 5545, 3.1).
const LINE: usize = 75;

/// The file of an event, a series with everything that differs in it. Its dates stand `weeks` earlier.
pub(crate) fn file(event: &Event, weeks: Weeks) -> Vec<u8> {
    let mut file = File { text: String::new(), back: weeks.back() };
    file.line("BEGIN:VCALENDAR");
    file.line("VERSION:2.0");
    file.line("PRODID:-//offline365//saved//EN");
    file.component(&event.uid, &event.item, event.series.as_ref(), None);
    for (original, item) in event.series.iter().flat_map(Series::exceptions) {
        file.component(&event.uid, item, None, Some((*original, &event.item)));
    }
    file.line("END:VCALENDAR");
    file.text.into_bytes()
}

struct File {
    text: String,
    back: Weeks,
}

impl File {
    /// A line, folded.
    fn line(&mut self, line: &str) {
        let mut length = 0;
        for letter in line.chars() {
            if length + letter.len_utf8() > LINE {
                self.text.push_str("\r\n ");
                length = 1;
            }
            self.text.push(letter);
            length += letter.len_utf8();
        }
        self.text.push_str("\r\n");
    }

    /// A text. What iCalendar cannot escape goes in base64.
    fn words(&mut self, name: &str, text: &str) {
        if text.chars().any(|letter| letter.is_control() && letter != '\n') {
            self.line(&format!("{name};ENCODING=BASE64;VALUE=BINARY:{}", STANDARD.encode(text)));
        } else {
            self.line(&format!("{name}:{}", escaped(text)));
        }
    }

    fn time(&mut self, name: &str, at: DateTime, like: &Item) {
        let at = self.back.moved(at);
        let text = if like.is_all_day {
            format!("{name};VALUE=DATE:{}", at.strftime("%Y%m%d"))
        } else if like.zone.name() == "UTC" {
            format!("{name}:{}", at.strftime("%Y%m%dT%H%M%SZ"))
        } else {
            format!("{name};TZID=\"{}\":{}", like.zone.name(), at.strftime("%Y%m%dT%H%M%S"))
        };
        self.line(&text);
    }

    fn component(&mut self, uid: &str, item: &Item, series: Option<&Series>, differs: Option<(DateTime, &Item)>) {
        self.line("BEGIN:VEVENT");
        self.words("UID", uid);
        if let Some((original, master)) = differs {
            self.time("RECURRENCE-ID", original, master);
        }
        self.time("DTSTART", item.start, item);
        self.time("DTEND", item.end, item);
        if let Some(series) = series {
            let rule = series.rule_until(series.until().map(|until| self.back.moved(until)));
            self.line(&format!("RRULE:{rule}"));
            for gone in series.gone() {
                self.time("EXDATE", *gone, item);
            }
        }
        self.words("SUMMARY", &item.subject);
        if !item.location.is_empty() {
            self.words("LOCATION", &item.location);
        }
        let (text, html) = (item.body.content(BodyKind::Text), item.body.content(BodyKind::Html));
        if !text.is_empty() {
            self.words("DESCRIPTION", text);
        }
        if !html.is_empty() {
            self.words("X-ALT-DESC", html);
        }
        self.standing(item);
        if let Some(organizer) = &item.organizer {
            self.line(&format!("ORGANIZER{}", calendar_user(organizer)));
        }
        for attendee in &item.attendees {
            self.line(&attendance(attendee));
        }
        for category in &item.categories {
            self.words("CATEGORIES", category);
        }
        for attachment in &item.attachments {
            self.line(&attached(attachment));
        }
        self.line("END:VEVENT");
    }

    fn standing(&mut self, item: &Item) {
        self.line(match item.sensitivity {
            Sensitivity::Normal => "CLASS:PUBLIC",
            Sensitivity::Personal => "CLASS:PERSONAL",
            Sensitivity::Private => "CLASS:PRIVATE",
            Sensitivity::Confidential => "CLASS:CONFIDENTIAL",
        });
        self.line(match item.show_as {
            ShowAs::Free => "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
            ShowAs::Tentative => "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",
            ShowAs::Busy => "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
            ShowAs::Oof => "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
            ShowAs::WorkingElsewhere => "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",
        });
        self.line(match item.importance {
            Importance::High => "PRIORITY:1",
            Importance::Normal => "PRIORITY:5",
            Importance::Low => "PRIORITY:9",
        });
        if item.is_cancelled {
            self.line("STATUS:CANCELLED");
        }
        if let Some(minutes) = item.reminder {
            self.line(&format!("X-REMINDER-MINUTES:{minutes}"));
        }
        if let Some(url) = &item.join_url {
            self.words("X-MICROSOFT-SKYPETEAMSMEETINGURL", url);
        }
    }
}

/// Backslashes first (RFC 5545, 3.3.11).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(letter);
            }
            '\n' => out.push_str("\\n"),
            letter => out.push(letter),
        }
    }
    out
}

/// A parameter's value: quotation marks cannot stand in one (RFC 6868 is read by few).
fn parameter(text: &str) -> String {
    text.chars().map(|letter| if letter == '"' || letter.is_control() { '\'' } else { letter }).collect()
}

fn calendar_user(who: &Correspondent) -> String {
    format!(";CN=\"{}\":mailto:{}", parameter(&who.name), who.address)
}

fn attendance(attendee: &Attendee) -> String {
    let mut line = "ATTENDEE".to_owned();
    line.push_str(match attendee.kind {
        "resource" => ";CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT",
        "optional" => ";ROLE=OPT-PARTICIPANT",
        _ => ";ROLE=REQ-PARTICIPANT",
    });
    line.push_str(match attendee.response {
        "accepted" => ";PARTSTAT=ACCEPTED",
        "tentativelyAccepted" => ";PARTSTAT=TENTATIVE",
        "declined" => ";PARTSTAT=DECLINED",
        _ => ";PARTSTAT=NEEDS-ACTION",
    });
    line.push_str(&calendar_user(&attendee.person));
    line
}

fn attached(attachment: &Attachment) -> String {
    let mut line = format!("ATTACH;X-ID=\"{}\";X-FILENAME=\"{}\"", attachment.id, parameter(&attachment.name));
    if let Some(kind) = &attachment.content_type {
        let _ = write!(line, ";FMTTYPE=\"{}\"", parameter(kind));
    }
    let _ = write!(line, ";ENCODING=BASE64;VALUE=BINARY:{}", STANDARD.encode(&attachment.content));
    line
}
