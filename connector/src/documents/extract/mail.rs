//! A mail as a file: who wrote to whom, its text, and the names of what is attached to it.

use std::fmt::Write as _;

use mail_parser::{Address, MessageParser, MimeHeaders as _};

use super::{Unreadable, html};
use crate::documents::model::{Body, Extracted, Remark};

pub(super) fn read(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let message = MessageParser::new().parse(bytes).ok_or(Unreadable::Damaged)?;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    line("From", people(message.from()));
    line("To", people(message.to()));
    line("Cc", people(message.cc()));
    line("Date", message.date().map(mail_parser::DateTime::to_rfc3339).unwrap_or_default());
    line("Subject", message.subject().unwrap_or_default().to_owned());
    let names: Vec<_> = message
        .attachments()
        .map(|part| part.attachment_name().unwrap_or("a part without a name").to_owned())
        .collect();
    line("Attachments", names.join(", "));
    let mut remark: Option<Remark> = None;
    let words = match (message.text_body.first(), message.html_body.first()) {
        (Some(part), html) if html != Some(part) => message.body_text(0).unwrap_or_default().into_owned(),
        (_, Some(_)) => {
            let (words, given_up) = html::to_text(&message.body_html(0).unwrap_or_default())?;
            remark = given_up;
            words
        }
        _ => message.body_text(0).unwrap_or_default().into_owned(),
    };
    let text = format!("{text}\n{}", words.replace("\r\n", "\n"));
    let title = message.subject().map(str::to_owned);
    Ok(Extracted { title, body: Body::Text { text }, remarks: remark.into_iter().collect() })
}

fn people(address: Option<&Address<'_>>) -> String {
    let Some(address) = address else { return String::new() };
    let people = address.iter().map(|person| match (person.name(), person.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(name), None) => name.to_owned(),
        (None, address) => address.unwrap_or_default().to_owned(),
    });
    people.collect::<Vec<_>>().join(", ")
}
