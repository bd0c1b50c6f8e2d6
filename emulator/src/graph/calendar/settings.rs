//! `/mailboxSettings`: time zone, hours of work, automatic replies. The owner's alone.
//!
//! <https://learn.microsoft.com/graph/api/user-get-mailboxsettings>

use http::StatusCode;
use jiff::civil::Time;
use serde_json::Value;

use super::window;
use crate::calendar::{DAYS, Replies, Settings};
use crate::change::{CalendarChange, Change};
use crate::graph::answer::Answer;
use crate::graph::body::{self, Fields};
use crate::graph::effect::Effect;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, key, string};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::{CalendarsView, View};

const PROPERTIES: &[&str] = &[
    "archiveFolder",
    "timeZone",
    "delegateMeetingMessageDeliveryOptions",
    "dateFormat",
    "timeFormat",
    "userPurpose",
    "automaticRepliesSetting",
    "language",
    "workingHours",
];
const AUDIENCES: [(&str, &str); 3] = [("none", "none"), ("contactsOnly", "contactsOnly"), ("all", "all")];
const STATUSES: [(&str, &str); 3] =
    [("disabled", "disabled"), ("alwaysEnabled", "alwaysEnabled"), ("scheduled", "scheduled")];

fn own<'a>(view: &View<'a>, ask: &Ask<'_>) -> Result<CalendarsView<'a>, Refusal> {
    let calendars = view.calendars(&ask.owner)?;
    if calendars.is_own {
        Ok(calendars)
    } else {
        Err(GraphError::MailAccessDenied.because("settings of a mailbox are its owner's alone"))
    }
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    let calendars = own(view, ask)?;
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &format!("{}/$metadata#users('{}')/mailboxSettings", ask.root, calendars.owner()));
    let selected = |name: &&&str| {
        ask.options.select.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)))
    };
    for name in PROPERTIES.iter().filter(selected) {
        key(&mut out, name);
        property(&mut out, name, calendars.settings());
    }
    out.push(b'}');
    Ok(Answer::json(out))
}

fn property(out: &mut Vec<u8>, name: &str, settings: &Settings) {
    let [date, time] = &settings.formats;
    match name {
        "timeZone" => string(out, settings.zone.name()),
        "delegateMeetingMessageDeliveryOptions" => string(out, "sendToDelegateOnly"),
        "dateFormat" => string(out, date),
        "timeFormat" => string(out, time),
        "userPurpose" => string(out, "user"),
        "automaticRepliesSetting" => {
            let replies = &settings.replies;
            out.push(b'{');
            for (name, text) in [
                ("status", replies.status.unwrap_or("disabled")),
                ("externalAudience", replies.audience.unwrap_or("all")),
                ("internalReplyMessage", &replies.internal),
                ("externalReplyMessage", &replies.external),
            ] {
                key(out, name);
                string(out, text);
            }
            out.push(b'}');
        }
        "language" => {
            let locale = settings.language.as_deref().unwrap_or("en-US");
            out.push(b'{');
            for name in ["locale", "displayName"] {
                key(out, name);
                string(out, locale);
            }
            out.push(b'}');
        }
        "workingHours" => {
            out.push(b'{');
            key(out, "daysOfWeek");
            array(out, &settings.days, |out, day| string(out, day));
            for (name, at) in [("startTime", settings.from), ("endTime", settings.to)] {
                key(out, name);
                string(out, &at.strftime("%H:%M:%S.0000000").to_string());
            }
            key(out, "timeZone");
            out.push(b'{');
            key(out, "name");
            string(out, settings.zone.name());
            out.extend_from_slice(b"}}");
        }
        // archiveFolder: the id of a folder that only some have.
        _ => out.extend_from_slice(b"null"),
    }
}

pub(super) fn update(view: &View<'_>, ask: &Ask<'_>, _at: usize) -> Result<Effect, Refusal> {
    let calendars = own(view, ask)?;
    let body = body::parse(ask)?;
    let fields = Fields::of(&body, "mailboxSettings", PROPERTIES)?;
    let mut settings = calendars.settings().clone();
    if let Some(zone) = fields.text("timeZone")? {
        settings.zone = window::named(zone)?;
    }
    for (name, format) in ["dateFormat", "timeFormat"].into_iter().zip(&mut settings.formats) {
        if let Some(text) = fields.text(name)? {
            text.clone_into(format);
        }
    }
    if let Some(language) = fields.get("language").filter(|language| !language.is_null()) {
        let language = Fields::of(language, "localeInfo", &["locale", "displayName"])?;
        settings.language = language.text("locale")?.map(str::to_owned);
    }
    if let Some(replies) = fields.get("automaticRepliesSetting").filter(|replies| !replies.is_null()) {
        set_replies(&mut settings.replies, replies, ask)?;
    }
    if let Some(hours) = fields.get("workingHours").filter(|hours| !hours.is_null()) {
        set_hours(&mut settings, hours)?;
    }
    let change = Change::Calendar {
        tenant: calendars.tenant(),
        mailbox: calendars.owner(),
        change: CalendarChange::Settings(Box::new(settings)),
    };
    Ok(Effect::then(change, StatusCode::OK, read))
}

fn set_replies(replies: &mut Replies, value: &Value, ask: &Ask<'_>) -> Result<(), GraphError> {
    const TIMES: [&str; 2] = ["scheduledStartDateTime", "scheduledEndDateTime"];
    let known = &["status", "externalAudience", "internalReplyMessage", "externalReplyMessage", TIMES[0], TIMES[1]];
    let fields = Fields::of(value, "automaticRepliesSetting", known)?;
    if fields.any(&TIMES).is_some() {
        ask.unmodelled("automatic replies by a schedule");
    }
    replies.status = fields.word("status", "microsoft.graph.automaticRepliesStatus", &STATUSES)?.or(replies.status);
    let audience = fields.word("externalAudience", "microsoft.graph.externalAudienceScope", &AUDIENCES)?;
    replies.audience = audience.or(replies.audience);
    for (name, text) in
        [("internalReplyMessage", &mut replies.internal), ("externalReplyMessage", &mut replies.external)]
    {
        if let Some(written) = fields.text(name)? {
            written.clone_into(text);
        }
    }
    Ok(())
}

fn set_hours(settings: &mut Settings, value: &Value) -> Result<(), GraphError> {
    let fields = Fields::of(value, "workingHours", &["daysOfWeek", "startTime", "endTime", "timeZone"])?;
    let wrong = |name: &str| GraphError::Calendar {
        code: "ErrorInvalidParameter",
        message: format!("The value of '{name}' is invalid."),
    };
    if let Some(days) = fields.texts("daysOfWeek")? {
        settings.days =
            DAYS.into_iter().filter(|day| days.iter().any(|given| given.eq_ignore_ascii_case(day))).collect();
    }
    for (name, at) in [("startTime", &mut settings.from), ("endTime", &mut settings.to)] {
        if let Some(text) = fields.text(name)? {
            *at = text.parse::<Time>().map_err(|_| wrong(name))?;
        }
    }
    if let Some(zone) = fields.get("timeZone").filter(|zone| !zone.is_null()) {
        let zone = Fields::of(zone, "timeZoneBase", &["name"])?;
        settings.zone = window::named(zone.need("name")?)?;
    }
    Ok(())
}
