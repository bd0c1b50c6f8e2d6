//! The sign-in page: an account and a password, or an account of the list.

use std::fmt::Write as _;

use axum::response::Response;

use super::layout::{Page, alert, escape, hidden};

/// A person on the sign-in page.
pub(crate) struct Choice {
    pub(crate) name: String,
    pub(crate) upn: String,
    /// Continues the request as this person.
    pub(crate) link: String,
}

/// What the page shows.
pub(crate) struct SignIn<'a> {
    pub(crate) organization: Option<&'a str>,
    /// The application that is signed in to.
    pub(crate) app: Option<&'a str>,
    pub(crate) action: &'a str,
    /// `ctx`, `flowToken`, `canary`.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    pub(crate) login: &'a str,
    pub(crate) error: Option<&'a str>,
    pub(crate) people: &'a [Choice],
}

/// The page.
pub(crate) fn page(show: &SignIn<'_>) -> Response {
    let mut list = String::new();
    for person in show.people {
        let _ = write!(
            list,
            "<li><a href=\"{}\">{}<br><small>{}</small></a></li>",
            escape(&person.link),
            escape(&person.name),
            escape(&person.upn)
        );
    }
    if !list.is_empty() {
        list = format!("<nav aria-labelledby=pick><h2 id=pick>Pick an account</h2><ul>{list}</ul></nav>");
    }
    let app = show.app.map_or_else(String::new, |app| format!("<p>to continue to <b>{}</b></p>", escape(app)));
    let described = if show.error.is_some() { " aria-describedby=error aria-invalid=true" } else { "" };
    let body = format!(
        "{app}{}<form method=post action=\"{}\">{}\
         <label for=login>Email, phone, or Skype</label><input type=text id=login name=login value=\"{}\" autocomplete=username \
         autocapitalize=none spellcheck=false required{described}>\
         <label for=passwd>Password</label><input type=password id=passwd name=passwd autocomplete=current-password required{described}>\
         <div class=actions><button type=submit>Sign in</button></div></form>{list}",
        alert(show.error),
        escape(show.action),
        hidden(show.hidden.iter().copied()),
        escape(show.login)
    );
    Page::new("Sign in", body).organization(show.organization).send()
}
