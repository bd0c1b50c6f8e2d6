//! Teams, their channels, and who is in them.

use fixtures::plan::PersonKind;
use fixtures::teams::ChannelKind;

use super::super::answer::Answer;
use super::super::error::{GraphError, Refusal};
use super::super::mail::selection;
use super::super::odata::options::Kind;
use super::super::odata::record::{self, Record, Type, Value};
use super::super::route::Ask;
use super::super::view::View;
use super::super::view::teams::{ChannelView, TeamView};
use super::shape::{self, Common, Person};
use super::{encoded, of_caller, query};

fn common<'a>(view: &View<'_>, ask: &'a Ask<'_>) -> Common<'a> {
    Common { tenant: view.tenant_id(), select: ask.options.select.as_deref() }
}

/// <https://learn.microsoft.com/graph/api/user-list-joinedteams>: takes no query options, and never pages.
pub(super) fn joined(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    of_caller(view, ask)?;
    query::only(ask, &[Kind::Select])?;
    let teams: Vec<_> = view.teams().collect();
    let context = format!("{}/$metadata#teams{}", ask.root, selection(ask));
    let body = query::collection(&context, &teams, None, |out, team| {
        shape::team(out, team, common(view, ask), None, None);
    });
    Ok(Answer::json(body))
}

/// <https://learn.microsoft.com/graph/api/team-get>
pub(super) fn team(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[Kind::Select])?;
    let team = view.team(ask.key(0))?;
    let people: Vec<_> = view.team_members(&team).collect();
    let guests = people.iter().filter(|user| user.kind == PersonKind::Guest).count();
    let owners = people.iter().filter(|user| team.team.owners.contains(&user.id)).count();
    let counts = [owners, people.len().saturating_sub(guests), guests];
    let context = format!("{}/$metadata#teams{}/$entity", ask.root, selection(ask));
    let mut out = Vec::new();
    shape::team(&mut out, &team, common(view, ask), Some(&context), Some(counts));
    Ok(Answer::json(out))
}

fn people<'a>(view: &View<'a>, team: &TeamView<'a>) -> Vec<Person<'a>> {
    view.team_members(team).map(|user| Person::of_team(user, team.team.owners.contains(&user.id))).collect()
}

/// <https://learn.microsoft.com/graph/api/team-list-members>
pub(super) fn team_members(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[Kind::Top, Kind::SkipToken])?;
    let size = query::size(ask, 100, 999)?;
    let team = view.team(ask.key(0))?;
    let (items, next) = query::page(view, ask, people(view, &team).into_iter(), size)?;
    let group = team.group.id.to_string();
    let context = format!("{}/$metadata#teams('{group}')/members", ask.root);
    let tenant = view.tenant_id();
    let body = query::collection(&context, &items, next.as_deref(), |out, person| {
        shape::member(out, person, &group, tenant, None);
    });
    Ok(Answer::json(body))
}

struct Filtered<'a>(&'a ChannelView<'a>);

const SCHEMA: &record::Schema =
    &[("id", Type::Text), ("displayName", Type::Text), ("membershipType", Type::Text), ("createdDateTime", Type::Time)];

impl Record for Filtered<'_> {
    fn value(&self, name: &str) -> Value<'_> {
        let channel = self.0.channel;
        match name {
            "id" => Value::Text(&channel.id),
            "displayName" => Value::Text(&channel.name),
            "membershipType" => Value::Text(channel.kind.as_str()),
            "createdDateTime" => Value::Time(channel.created),
            _ => Value::Null,
        }
    }
}

/// <https://learn.microsoft.com/graph/api/channel-list>: never pages.
pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[Kind::Select, Kind::Filter, Kind::Expand])?;
    let filter =
        ask.options.filter.clone().map(|filter| record::bind(filter, SCHEMA)).transpose().map_err(|unfit| {
            let (record::Unfit::Unknown(name) | record::Unfit::Type(name)) = unfit;
            ask.unmodelled(format!("$filter of channels by {name:.40}"));
            GraphError::BadRequest("The query specified in the URI is not valid.".to_owned())
        })?;
    if let Some(item) = ask.options.expand.first() {
        ask.unmodelled(format!("$expand={:.40} of channels", item.name));
        return Err(GraphError::BadRequest("The query specified in the URI is not valid.".to_owned()).into());
    }
    let team = view.team(ask.key(0))?;
    let channels: Vec<_> = team
        .channels()
        .filter(|channel| filter.as_ref().is_none_or(|filter| record::holds(filter, &Filtered(channel))))
        .collect();
    let context = format!("{}/$metadata#teams('{}')/channels{}", ask.root, team.group.id, selection(ask));
    let body = query::collection(&context, &channels, None, |out, channel| {
        shape::channel(out, channel, common(view, ask), None);
    });
    Ok(Answer::json(body))
}

fn single(view: &View<'_>, ask: &Ask<'_>, channel: &ChannelView<'_>) -> Answer {
    let context = format!("{}/$metadata#teams('{}')/channels{}/$entity", ask.root, channel.team.group, selection(ask));
    let mut out = Vec::new();
    shape::channel(&mut out, channel, common(view, ask), Some(&context));
    Answer::json(out)
}

/// <https://learn.microsoft.com/graph/api/channel-get>
pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[Kind::Select, Kind::Filter])?;
    let channel = view.channel(ask.key(0), ask.key(1))?;
    Ok(single(view, ask, &channel))
}

/// <https://learn.microsoft.com/graph/api/team-get-primarychannel>: the general one.
pub(super) fn primary(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[Kind::Select])?;
    let team = view.team(ask.key(0))?;
    let channel = team.channels().next().ok_or_else(|| GraphError::NoSuchThread.because("the team has no channel"))?;
    Ok(single(view, ask, &channel))
}

/// <https://learn.microsoft.com/graph/api/channel-list-members>
pub(super) fn members(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    query::only(ask, &[])?;
    let channel = view.channel(ask.key(0), ask.key(1))?;
    let team = view.team(ask.key(0));
    let people = match (channel.channel.kind, &team) {
        (ChannelKind::Standard, Ok(team)) => people(view, team),
        _ => channel.channel.members.iter().map(Person::of).collect(),
    };
    let (group, id) = (channel.team.group, &channel.channel.id);
    let context = format!("{}/$metadata#teams('{group}')/channels('{}')/members", ask.root, encoded(id));
    let tenant = view.tenant_id();
    let body = query::collection(&context, &people, None, |out, person| shape::member(out, person, id, tenant, None));
    Ok(Answer::json(body))
}
