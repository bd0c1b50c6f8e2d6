//! What stands for `${…}`? A name that a step gave something, or a fact of the world:
//!
//! | written | stands for |
//! |---|---|
//! | `${name}`, `${name.field}` | what `with`, `let`, `for_each` or `capture` named so |
//! | `${canary:contoso/mail/alice/budget}` | the word that only readers of this thing may ever see |
//! | `${tenant:contoso}` | the tenant's id |
//! | `${issuer:contoso}` | what its tokens name as issuer; of an id or a domain, what they would; `template`: the key set's |
//! | `${upn:alice@contoso}`, `${oid:alice@contoso}` | the person's sign-in name, object id |
//! | `${app:m365-server}`, `${app_uri:m365-server}`, `${secret:m365-server}` | a registration's client id, App ID URI, first secret |
//! | `${token:alice@contoso}`, `${claim:alice@contoso/tid}` | the token of somebody who signed in, one claim of it |
//! | `${upper:name}` | what is named so, in capitals |
//! | `${renumbered:name}` | the same of a cursor: its first base64 part says another number, and the rest is as it was |
//! | `${altered:name}` | what is named so, with three characters changed: an address or cursor that nobody ever gave out |
//! | `${base64:name}` | what is named so, as base64 |
//!
//! A text that is one `${…}` alone takes the value's own type; inside a longer text it is written out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fixtures::Plan;
use serde_json::Value;

/// Where names are looked up.
pub trait Names {
    /// The value of a name; `Ok(None)`: known to exist, its value only when the scenario runs.
    fn named(&self, name: &str) -> Result<Option<Value>, String>;
    /// The token under a name.
    fn token(&self, name: &str) -> Result<Option<String>, String>;
    /// The login host's address, once it is known.
    fn login(&self) -> Option<String>;
    /// The origin of a door of the world, once it is known.
    fn origin(&self, door: Door) -> Option<String>;
    /// The world's plan.
    fn plan(&self) -> &Plan;
}

/// A door of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Entra's.
    Login,
    /// Graph's.
    Graph,
    /// Of downloads.
    Content,
    /// The connector's.
    Connector,
}

impl Door {
    fn called(name: &str) -> Option<Self> {
        Some(match name {
            "login" => Self::Login,
            "graph" => Self::Graph,
            "content" => Self::Content,
            "connector" => Self::Connector,
            _ => return None,
        })
    }
}

/// The text with everything filled in; `Ok(None)`: fine, but its value is known only when the scenario runs.
pub fn fill(text: &str, names: &impl Names) -> Result<Option<Value>, String> {
    let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).filter(|inner| !inner.contains("${"));
    if let Some(inner) = whole {
        return lookup(inner, names);
    }
    let (mut out, mut rest, mut known) = (String::new(), text, true);
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (inner, after) = after.split_once('}').ok_or_else(|| "`${` without `}`".to_owned())?;
        match lookup(inner, names)? {
            Some(Value::String(text)) => out.push_str(&text),
            Some(value) => out.push_str(&value.to_string()),
            None => known = false,
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(known.then_some(Value::String(out)))
}

/// The value with every text in it filled in.
pub fn fill_value(value: &Value, names: &impl Names) -> Result<Option<Value>, String> {
    Ok(match value {
        Value::String(text) => fill(text, names)?,
        Value::Array(items) => {
            let items = items.iter().map(|item| fill_value(item, names)).collect::<Result<Option<Vec<_>>, _>>()?;
            items.map(Value::Array)
        }
        Value::Object(fields) => {
            let mut out = BTreeMap::new();
            let mut known = true;
            for (name, value) in fields {
                match fill_value(value, names)? {
                    Some(value) => drop(out.insert(name.clone(), value)),
                    None => known = false,
                }
            }
            known.then(|| Value::Object(out.into_iter().collect()))
        }
        other => Some(other.clone()),
    })
}

fn lookup(inner: &str, names: &impl Names) -> Result<Option<Value>, String> {
    let Some((kind, of)) = inner.split_once(':') else {
        let (name, field) = inner.split_once('.').unwrap_or((inner, ""));
        let value = names.named(name)?;
        if field.is_empty() {
            return Ok(value);
        }
        let Some(value) = value else { return Ok(None) };
        let pointer = format!("/{}", field.replace('.', "/"));
        let inside = value.pointer(&pointer).cloned();
        return inside.map(Some).ok_or_else(|| format!("`{name}` has no field `{field}`"));
    };
    let plan = names.plan();
    let person = || {
        plan.person(of)
            .ok_or_else(|| format!("nobody is called `{of}`; people are `name@tenant`, for example alice@contoso"))
    };
    let registration = || {
        let known = || plan.registrations.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", ");
        plan.registration(of).ok_or_else(|| format!("there is no registration `{of}`; there are {}", known()))
    };
    let text = |text: Option<String>, what: &str| {
        text.map(|text| Some(Value::String(text))).ok_or_else(|| format!("`{of}` has no {what}"))
    };
    match kind {
        "canary" => {
            let mark = plan.mark(of).ok_or_else(|| format!("nothing marked is called `{of}`; handles stand in the tables under fixtures/, for example contoso/mail/alice/budget, contoso/calendar/alice/standup, contoso/teams/budget-group#1"))?;
            Ok(Some(mark.word.to_owned().into()))
        }
        "tenant" => text(plan.tenant(of).map(|tenant| tenant.id.to_string()), "id: there is no such tenant"),
        "issuer" => {
            let tenant = match of {
                "template" => "{tenantid}".to_owned(),
                of => plan.tenant(of).map_or_else(|| of.to_owned(), |tenant| tenant.id.to_string()),
            };
            Ok(names.login().map(|login| format!("{}/{tenant}/v2.0", login.trim_end_matches('/')).into()))
        }
        "origin" => {
            let door = Door::called(of)
                .ok_or_else(|| format!("there is no door `{of}`; there are login, graph, content and connector"))?;
            Ok(names.origin(door).map(Value::String))
        }
        "upn" => person().map(|(tenant, person)| Some(person.upn(tenant).into())),
        "oid" => person().map(|(tenant, person)| Some(person.id(tenant).to_string().into())),
        "app" => registration().map(|registration| Some(registration.app_id.to_string().into())),
        "app_uri" => text(registration()?.identifier_uris.first().cloned(), "App ID URI"),
        "secret" => text(registration()?.secrets.first().map(|secret| secret.value.clone()), "secret"),
        "token" => names.token(of).map(|token| token.map(Value::String)),
        "claim" => {
            let (who, claim) =
                of.rsplit_once('/').ok_or_else(|| format!("write `${{claim:WHO/CLAIM}}`, not `{inner}`"))?;
            let Some(token) = names.token(who)? else { return Ok(None) };
            let draft = crate::forge::Draft::of(&token).map_err(|error| error.to_string())?;
            draft.get(claim).cloned().map(Some).ok_or_else(|| format!("the token of `{who}` has no claim `{claim}`"))
        }
        "renumbered" => Ok(names.named(of)?.map(|value| renumbered(value.as_str().unwrap_or_default()).into())),
        "altered" => Ok(names.named(of)?.map(|value| altered(value.as_str().unwrap_or_default()).into())),
        "upper" => Ok(names.named(of)?.map(|value| value.as_str().unwrap_or_default().to_uppercase().into())),
        "base64" => Ok(names.named(of)?.map(|value| STANDARD.encode(value.as_str().unwrap_or_default()).into())),
        kind => Err(format!(
            "`${{{kind}:…}}` is nothing; there are canary, tenant, issuer, origin, upn, oid, app, app_uri, secret, token, claim, altered, renumbered, upper, base64"
        )),
    }
}

/// The same text, in whose first part of base64 another digit stands; what holds none is altered.
fn renumbered(text: &str) -> String {
    let other = |c: char| {
        if c == '9' {
            '8'
        } else if c.is_ascii_digit() {
            '9'
        } else {
            c
        }
    };
    let changed = text.split('.').enumerate().find_map(|(at, part)| {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
        let digit = plain.find(|c: char| c.is_ascii_digit())?;
        let (before, after) = plain.split_at_checked(digit)?;
        let (first, rest) = after.split_at_checked(1)?;
        let plain = [before, &first.chars().map(other).collect::<String>(), rest].concat();
        Some((at, URL_SAFE_NO_PAD.encode(plain)))
    });
    let Some((at, changed)) = changed else { return altered(text) };
    let parts = text.split('.').enumerate().map(|(index, part)| if index == at { changed.as_str() } else { part });
    parts.collect::<Vec<_>>().join(".")
}

/// The same text with three letters in its middle changed.
fn altered(text: &str) -> String {
    let middle = text.len() / 2;
    let change = |(index, c): (usize, char)| match c {
        _ if index < middle || index > middle + 2 => c,
        'A' => 'B',
        c if c.is_ascii_alphanumeric() => 'A',
        c => c,
    };
    text.char_indices().map(change).collect()
}
