//! `/events`, `/calendarView`, instances and attachments.

use super::{applied, shape, window};
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::exchange_id;
use crate::graph::json::{array, key, number, string};
use crate::graph::mail::{check_id, encoded, page_size, selection, unfit};
use crate::graph::odata::options::Kind;
use crate::graph::odata::record;
use crate::graph::route::Ask;
use crate::graph::view::{CalendarsView, Shown, View};
use crate::mailbox::Attachment;

const LISTED: &[Kind] = &[Kind::Select, Kind::Top, Kind::Skip, Kind::Filter, Kind::OrderBy, Kind::Count, Kind::Expand];

type Answered = Result<Answer, Refusal>;

pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let all = calendars.events().collect();
    page(&calendars, ask, all, "/events")
}

pub(super) fn list_in_default(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    in_calendar(&view.calendars(&ask.owner)?, ask, None, false)
}

pub(super) fn list_in_calendar(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    in_calendar(&view.calendars(&ask.owner)?, ask, Some(ask.key(0)), false)
}

pub(super) fn view_of_default(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    in_calendar(&view.calendars(&ask.owner)?, ask, None, true)
}

pub(super) fn view_of_calendar(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    in_calendar(&view.calendars(&ask.owner)?, ask, Some(ask.key(0)), true)
}

/// A user's view is of the default calendar: <https://learn.microsoft.com/graph/api/user-list-calendarview>.
pub(super) fn view(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let (from, to) = window::of(ask)?;
    let at = super::calendars::default(&calendars)?;
    let all = calendars.within(from, to).into_iter().filter(|shown| shown.instance.event.calendar == at).collect();
    page(&calendars, ask, all, "/calendarView")
}

fn in_calendar(calendars: &CalendarsView<'_>, ask: &Ask<'_>, id: Option<&str>, is_view: bool) -> Answered {
    let (at, within) = match id {
        Some(id) => (super::calendars::find(calendars, id)?, format!("/calendars('{}')", encoded(id))),
        None => (super::calendars::default(calendars)?, "/calendar".to_owned()),
    };
    let is_here = |shown: &Shown<'_>| shown.instance.event.calendar == at;
    if is_view {
        let (from, to) = window::of(ask)?;
        let all = calendars.within(from, to).into_iter().filter(is_here).collect();
        page(calendars, ask, all, &format!("{within}/calendarView"))
    } else {
        page(calendars, ask, calendars.events().filter(is_here).collect(), &format!("{within}/events"))
    }
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    single(&calendars, ask, &find(&calendars, ask.key(0))?)
}

pub(super) fn read_in_default(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let at = super::calendars::default(&calendars)?;
    single(&calendars, ask, &find_in(&calendars, at, ask.key(0))?)
}

pub(super) fn read_in_calendar(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let at = super::calendars::find(&calendars, ask.key(0))?;
    single(&calendars, ask, &find_in(&calendars, at, ask.key(1))?)
}

pub(super) fn instances(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let of = find(&calendars, ask.key(0))?;
    let (from, to) = window::of(ask)?;
    if of.instance.event.series.is_none() || of.instance.original.is_some() {
        return Err(GraphError::Calendar {
            code: "ErrorInvalidRequest",
            message: "Your request can't be completed. The event is not a series master.".to_owned(),
        }
        .into());
    }
    let all = calendars.instances(&of, from, to);
    page(&calendars, ask, all, &format!("/events('{}')/instances", encoded(ask.key(0))))
}

/// A visible event. What is another's, elsewhere or nowhere is refused alike.
pub(super) fn find<'a>(calendars: &CalendarsView<'a>, id: &str) -> Result<Shown<'a>, Refusal> {
    check_id(id)?;
    calendars.event(id).ok_or_else(|| GraphError::ItemNotFound.because("no such event within reach of the caller"))
}

fn find_in<'a>(calendars: &CalendarsView<'a>, at: usize, id: &str) -> Result<Shown<'a>, Refusal> {
    let found = find(calendars, id)?;
    if found.instance.event.calendar == at {
        Ok(found)
    } else {
        Err(GraphError::ItemNotFound.because("no such event in this calendar"))
    }
}

fn shape_of(calendars: &CalendarsView<'_>, ask: &Ask<'_>) -> Result<shape::Shape, Refusal> {
    let properties = shape::properties(ask.options.select.as_deref(), calendars.shows_notes)?;
    let mut attachments = false;
    for expand in &ask.options.expand {
        if !expand.name.eq_ignore_ascii_case("attachments") || expand.select.is_some() {
            ask.unmodelled(format!("$expand={:.60}", expand.name));
            return Err(GraphError::BadRequest(format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{:.60}'.",
                expand.name
            ))
            .into());
        }
        if !calendars.shows_notes {
            let why = "attachments need Calendars.Read; the token holds Calendars.ReadBasic";
            return Err(GraphError::MailAccessDenied.because(why));
        }
        attachments = true;
    }
    let zone = window::zone(ask)?;
    Ok(shape::Shape {
        properties,
        zone,
        body: ask.prefer.body_kind(),
        address: calendars.person().1.to_owned(),
        ids: ask.prefer.ids,
        attachments,
    })
}

pub(super) fn single(calendars: &CalendarsView<'_>, ask: &Ask<'_>, shown: &Shown<'_>) -> Answered {
    ask.only(&[Kind::Select, Kind::Expand])?;
    let shape = shape_of(calendars, ask)?;
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    let (root, owner) = (&ask.root, calendars.owner());
    string(&mut out, &format!("{root}/$metadata#users('{owner}')/events{}/$entity", selection(ask)));
    shape::event(&mut out, shown, &shape);
    out.push(b'}');
    Ok(applied(Answer::json(out), ask))
}

fn page(calendars: &CalendarsView<'_>, ask: &Ask<'_>, mut all: Vec<Shown<'_>>, within: &str) -> Answered {
    ask.only(LISTED)?;
    let shape = shape_of(calendars, ask)?;
    let fit = |error| unfit(ask, error, "Event");
    let filter =
        ask.options.filter.clone().map(|filter| record::bind(filter, shape::SCHEMA)).transpose().map_err(fit)?;
    let orders = record::bind_orders(&ask.options.order_by, shape::SCHEMA).map_err(fit)?;
    let size = page_size(ask)?;
    let skip = ask.options.skip.unwrap_or(0);
    let address = &shape.address;
    if let Some(filter) = &filter {
        all.retain(|shown| {
            let id = shown.instance.id();
            record::holds(filter, &shape::Filtered { shown, id: &id, address })
        });
    }
    if !orders.is_empty() {
        // No order is by id.
        all.sort_by(|left, right| {
            let record = |shown| shape::Filtered { shown, id: "", address };
            record::ordering(&orders, &record(left), &record(right))
        });
    }
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    let (root, owner) = (&ask.root, calendars.owner());
    string(&mut out, &format!("{root}/$metadata#users('{owner}'){within}{}", selection(ask)));
    if ask.options.count {
        key(&mut out, "@odata.count");
        number(&mut out, all.len());
    }
    key(&mut out, "value");
    array(&mut out, all.iter().skip(skip).take(size), |out, shown| {
        out.push(b'{');
        shape::event(out, shown, &shape);
        out.push(b'}');
    });
    if all.len() > skip.saturating_add(size) {
        key(&mut out, "@odata.nextLink");
        string(&mut out, &ask.next(Kind::Skip, &(skip + size).to_string()));
    }
    out.push(b'}');
    Ok(applied(Answer::json(out), ask))
}

pub(super) fn attachments(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let shown = find(&calendars, ask.key(0))?;
    ask.only(&[Kind::Select, Kind::Top, Kind::Skip, Kind::Count, Kind::Filter])?;
    check_select(ask)?;
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &attachment_context(&calendars, ask));
    if ask.options.count {
        key(&mut out, "@odata.count");
        number(&mut out, shown.item.attachments.len());
    }
    key(&mut out, "value");
    let size = ask.options.top.map_or(Ok(usize::MAX), |_| page_size(ask))?;
    let page = shown.item.attachments.iter().skip(ask.options.skip.unwrap_or(0)).take(size);
    array(&mut out, page, |out, attachment| {
        out.push(b'{');
        shape::attachment(
            out,
            attachment,
            shown.instance.event.modified,
            ask.options.select.as_deref(),
            ask.prefer.ids,
        );
        out.push(b'}');
    });
    out.push(b'}');
    Ok(applied(Answer::json(out), ask))
}

pub(super) fn attachment(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let shown = find(&calendars, ask.key(0))?;
    ask.only(&[Kind::Select])?;
    check_select(ask)?;
    let found = attached(&shown, ask.key(1))?;
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &format!("{}/$entity", attachment_context(&calendars, ask)));
    shape::attachment(&mut out, found, shown.instance.event.modified, ask.options.select.as_deref(), ask.prefer.ids);
    out.push(b'}');
    Ok(applied(Answer::json(out), ask))
}

pub(super) fn attachment_value(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let calendars = view.calendars(&ask.owner)?;
    let shown = find(&calendars, ask.key(0))?;
    ask.only(&[])?;
    let found = attached(&shown, ask.key(1))?;
    Ok(Answer::bytes(found.content_type.as_deref().unwrap_or("application/octet-stream"), found.content.clone()))
}

fn attached<'a>(shown: &'a Shown<'_>, id: &str) -> Result<&'a Attachment, Refusal> {
    check_id(id)?;
    let id = exchange_id::ordinary(id);
    let found = shown.item.attachments.iter().find(|attachment| attachment.id == id);
    found.ok_or_else(|| GraphError::ItemNotFound.because("no such attachment of this event"))
}

fn check_select(ask: &Ask<'_>) -> Result<(), GraphError> {
    for name in ask.options.select.iter().flatten() {
        if !name.eq_ignore_ascii_case("id") && !shape::ATTACHMENT.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(crate::graph::mail::no_property(name, "Attachment"));
        }
    }
    Ok(())
}

fn attachment_context(calendars: &CalendarsView<'_>, ask: &Ask<'_>) -> String {
    let (root, owner, id) = (&ask.root, calendars.owner(), encoded(ask.key(0)));
    format!("{root}/$metadata#users('{owner}')/events('{id}')/attachments{}", selection(ask))
}
