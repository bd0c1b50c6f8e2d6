//! The consent page: who asks, whether anybody knows them, and for what.

use std::fmt::Write as _;

use axum::response::Response;

use super::layout::{Page, escape, hidden};

/// What the page shows.
pub(crate) struct Consent<'a> {
    pub(crate) organization: &'a str,
    pub(crate) action: &'a str,
    /// `ctx`, `flowToken`, `canary`.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    pub(crate) app: &'a str,
    /// The verified publisher, if there is one.
    pub(crate) publisher: Option<&'a str>,
    /// Who decides.
    pub(crate) who: &'a str,
    pub(crate) scope: Scope,
    /// Resource and permission.
    pub(crate) permissions: &'a [(String, String)],
}

/// Whom the decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The person alone.
    Self_,
    /// The person, who may decide for everybody by a check mark.
    Either,
    /// Everybody.
    Organization,
}

/// The page.
pub(crate) fn page(show: &Consent<'_>) -> Response {
    let publisher = match show.publisher {
        Some(name) => format!("<span class=verified>✓ {} (verified publisher)</span>", escape(name)),
        None => "<span class=unverified>unverified</span>".to_owned(),
    };
    let mut list = String::new();
    for (resource, permission) in show.permissions {
        let _ = write!(list, "<li>{}<br><small>{}</small></li>", escape(permission), escape(resource));
    }
    let (title, intro, choice) = match show.scope {
        Scope::Self_ => ("Permissions requested", "This application would like to:", ""),
        Scope::Either => (
            "Permissions requested",
            "This application would like to:",
            "<label class=check><input type=checkbox name=consentOnBehalfOfOrganization value=true> \
             Consent on behalf of your organization</label>",
        ),
        Scope::Organization => (
            "Permissions requested: review for your organization",
            "If you accept, this application gets access for all users in your organization. Nobody else will be prompted:",
            "",
        ),
    };
    let body = format!(
        "<p><small>{}</small></p><p><b>{}</b><br>{publisher}</p><p>{intro}</p><ul class=permissions>{list}</ul>\
         <form method=post action=\"{}\">{}{choice}<div class=actions>\
         <button type=submit name=acceptConsent value=true>Accept</button>\
         <button class=quiet type=submit name=acceptConsent value=false>Cancel</button></div></form>",
        escape(show.who),
        escape(show.app),
        escape(show.action),
        hidden(show.hidden.iter().copied()),
    );
    Page::new(title, body).organization(Some(show.organization)).send()
}
