//! `/me`, `/users`, `/users/{id}`.

use super::answer::Answer;
use super::error::{GraphError, Refusal};
use super::json::{array, key, number, optional, string};
use super::odata::options::Kind;
use super::odata::record::{self, Record, Schema, Type, Unfit, Value};
use super::route::{Ask, Owner, Route, Under, Verb, Workload};
use super::view::View;
use crate::directory::User;

/// Reads the whole profile of everybody.
const EVERYBODY: &[&str] = &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

/// The rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        verb: Verb::Get,
        under: Under::Owner,
        template: "",
        own: &[
            "User.Read",
            "User.ReadWrite",
            "User.ReadBasic.All",
            "User.Read.All",
            "User.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        others: &[
            "User.ReadBasic.All",
            "User.Read.All",
            "User.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        workload: Workload::Directory,
        handler: read,
    },
    Route {
        verb: Verb::Get,
        under: Under::Root,
        template: "/users",
        own: &[
            "User.ReadBasic.All",
            "User.Read.All",
            "User.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        others: &[],
        workload: Workload::Directory,
        handler: list,
    },
];

const PAGE: usize = 100;
const LIMIT: usize = 999;

/// What a user shows without `$select`, in order.
const DEFAULT: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];
/// What comes with `$select` alone.
const ON_REQUEST: &[&str] =
    &["accountEnabled", "department", "userType", "mailNickname", "proxyAddresses", "signInSessionsValidFromDateTime"];
/// What `User.ReadBasic.All` shows of others.
const BASIC: &[&str] = &["displayName", "givenName", "surname", "mail", "userPrincipalName", "id"];

fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    let properties = properties(ask)?;
    let user = match &ask.owner {
        Owner::Nobody | Owner::Caller => view.user(&view.caller().to_string()),
        Owner::Named(key) => view.user(key),
    };
    let Some(user) = user else {
        let named = match &ask.owner {
            Owner::Named(key) => key.clone(),
            Owner::Nobody | Owner::Caller => view.caller().to_string(),
        };
        return Err(GraphError::NoSuchObject(named).because("no such user in the caller's tenant"));
    };
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    let (root, selection) = (&ask.root, super::mail::selection(ask));
    string(&mut out, &format!("{root}/$metadata#users{selection}/$entity"));
    write(&mut out, user, &properties, shows_all(view, user));
    out.push(b'}');
    Ok(Answer::json(out))
}

fn list(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select, Kind::Top, Kind::Filter, Kind::OrderBy, Kind::Search, Kind::Count, Kind::SkipToken])?;
    let options = &ask.options;
    let properties = properties(ask)?;
    let is_eventual =
        ask.headers.get("consistencylevel").is_some_and(|level| level.as_bytes().eq_ignore_ascii_case(b"eventual"));
    if !is_eventual
        && (options.has(Kind::Search)
            || options.has(Kind::Count)
            || (options.filter.is_some() && !options.order_by.is_empty()))
    {
        let message =
            "Request with $search, $count or $orderby with $filter needs the header ConsistencyLevel: eventual.";
        return Err(GraphError::UnsupportedQuery(message.to_owned()).into());
    }
    let filter = options
        .filter
        .clone()
        .map(|filter| record::bind(filter, USER))
        .transpose()
        .map_err(|error| unfit(ask, error))?;
    let orders = record::bind_orders(&options.order_by, USER).map_err(|error| unfit(ask, error))?;
    let terms = options
        .search
        .as_deref()
        .map(search)
        .transpose()
        .inspect_err(|_| ask.unmodelled("$search of users of this kind"))?;
    let size = match options.top {
        Some(top) if top == 0 || top > LIMIT => {
            return Err(GraphError::UnsupportedQuery(format!(
                "Invalid page size specified: '{top}'. Must be between 1 and {LIMIT} inclusive."
            ))
            .into());
        }
        top => top.unwrap_or(PAGE),
    };
    let bound = ask.bound_query();
    let offset = match &options.skip_token {
        None => 0,
        Some(token) => ask.links.offset(view.principal(), &bound, token).ok_or_else(|| {
            GraphError::UnsupportedQuery("The specified page token value is not valid.".to_owned())
                .because("a next link of another caller or query, or not of this service")
        })?,
    };
    let mut users: Vec<&User> = view
        .users()
        .filter(|user| {
            filter
                .as_ref()
                .is_none_or(|filter| record::holds(filter, &Filtered { user, shows_all: shows_all(view, user) }))
        })
        .filter(|user| terms.as_ref().is_none_or(|terms| found(user, terms)))
        .collect();
    let as_record = |user| Filtered { user, shows_all: shows_all(view, user) };
    users.sort_by(|left, right| record::ordering(&orders, &as_record(left), &as_record(right)));
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    let (root, selection) = (&ask.root, super::mail::selection(ask));
    string(&mut out, &format!("{root}/$metadata#users{selection}"));
    if options.count && offset == 0 {
        key(&mut out, "@odata.count");
        number(&mut out, users.len());
    }
    let end = offset.saturating_add(size);
    if users.len() > end {
        key(&mut out, "@odata.nextLink");
        let token = ask.links.token(view.principal(), &bound, end);
        string(&mut out, &ask.next(Kind::SkipToken, &token));
    }
    key(&mut out, "value");
    array(&mut out, users.into_iter().skip(offset).take(size), |out, user| {
        out.push(b'{');
        write(out, user, &properties, shows_all(view, user));
        out.push(b'}');
    });
    out.push(b'}');
    Ok(Answer::json(out))
}

/// Whether the token shows more of this user than the basic profile.
fn shows_all(view: &View<'_>, user: &User) -> bool {
    view.admits(EVERYBODY) || (user.id == view.caller() && view.admits(&["User.Read", "User.ReadWrite"]))
}

fn properties(ask: &Ask<'_>) -> Result<Vec<&'static str>, GraphError> {
    let Some(names) = &ask.options.select else { return Ok(DEFAULT.to_vec()) };
    names
        .iter()
        .map(|name| {
            DEFAULT.iter().chain(ON_REQUEST).copied().find(|known| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
                ask.unmodelled(format!("user property {name:.40}"));
                GraphError::BadRequest(format!("Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.user'."))
            })
        })
        .collect()
}

fn write(out: &mut Vec<u8>, user: &User, properties: &[&str], shows_all: bool) {
    for name in properties {
        key(out, name);
        if !shows_all && !BASIC.contains(name) {
            out.extend_from_slice(if is_collection(name) { b"[]" } else { b"null" });
            continue;
        }
        match *name {
            "id" => string(out, &user.id.to_string()),
            "displayName" => string(out, &user.display_name),
            "givenName" => optional(out, user.given_name.as_deref()),
            "surname" => optional(out, user.surname.as_deref()),
            "mail" => optional(out, user.mail.as_deref()),
            "userPrincipalName" => string(out, &user.upn),
            "jobTitle" => optional(out, user.job_title.as_deref()),
            "department" => optional(out, user.department.as_deref()),
            "officeLocation" => optional(out, user.office.as_deref()),
            "mobilePhone" => optional(out, user.mobile_phone.as_deref()),
            "preferredLanguage" => optional(out, user.language.as_deref()),
            "accountEnabled" => super::json::boolean(out, user.enabled),
            "userType" => string(out, if user.home.is_some() { "Guest" } else { "Member" }),
            "mailNickname" => string(out, &user.name),
            "proxyAddresses" => array(out, user.mail.iter(), |out, mail| string(out, &format!("SMTP:{mail}"))),
            "signInSessionsValidFromDateTime" => match user.voided.since {
                Some(at) => super::json::time(out, at),
                None => out.extend_from_slice(b"null"),
            },
            _ => out.extend_from_slice(b"[]"),
        }
    }
}

fn is_collection(name: &str) -> bool {
    matches!(name, "businessPhones" | "proxyAddresses")
}

const USER: &Schema = &[
    ("id", Type::Text),
    ("displayName", Type::Text),
    ("givenName", Type::Text),
    ("surname", Type::Text),
    ("mail", Type::Text),
    ("userPrincipalName", Type::Text),
    ("jobTitle", Type::Text),
    ("department", Type::Text),
    ("officeLocation", Type::Text),
    ("accountEnabled", Type::Bool),
];

struct Filtered<'a> {
    user: &'a User,
    shows_all: bool,
}

impl Record for Filtered<'_> {
    fn value(&self, name: &str) -> Value<'_> {
        let user = self.user;
        match name {
            "displayName" => Value::Text(&user.display_name),
            "givenName" => maybe(user.given_name.as_deref()),
            "surname" => maybe(user.surname.as_deref()),
            "mail" => maybe(user.mail.as_deref()),
            "userPrincipalName" => Value::Text(&user.upn),
            "jobTitle" if self.shows_all => maybe(user.job_title.as_deref()),
            "department" if self.shows_all => maybe(user.department.as_deref()),
            "officeLocation" if self.shows_all => maybe(user.office.as_deref()),
            "accountEnabled" if self.shows_all => Value::Bool(user.enabled),
            _ => Value::Null,
        }
    }
}

fn maybe(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Null, Value::Text)
}

fn unfit(ask: &Ask<'_>, error: Unfit) -> GraphError {
    let (Unfit::Unknown(name) | Unfit::Type(name)) = error;
    ask.unmodelled(format!("$filter or $orderby of this kind on {name:.40}"));
    GraphError::UnsupportedQuery(format!(
        "Unsupported or invalid query filter clause specified for property '{name}' of resource 'User'."
    ))
}

/// `"displayName:ann" OR "mail:ann"`: property and word, one of which must be found.
fn search(text: &str) -> Result<Vec<(String, String)>, GraphError> {
    text.split(" OR ")
        .map(|clause| {
            let (name, word) = clause.trim().trim_matches('"').split_once(':')?;
            let name = ["displayName", "mail", "userPrincipalName", "givenName", "surname"]
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(name.trim()))?;
            let word = word.trim().to_lowercase();
            (!word.is_empty()).then(|| (name.to_owned(), word))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| GraphError::UnsupportedQuery("The $search clause is not valid.".to_owned()))
}

/// Words match from their beginning: `$search` of the directory is over tokens, not over substrings.
fn found(user: &User, terms: &[(String, String)]) -> bool {
    let filtered = Filtered { user, shows_all: false };
    terms.iter().any(|(name, word)| match filtered.value(name) {
        Value::Text(text) => {
            let text = text.to_lowercase();
            text.starts_with(word.as_str())
                || text.split(|letter: char| !letter.is_alphanumeric()).any(|token| token.starts_with(word.as_str()))
        }
        _ => false,
    })
}
