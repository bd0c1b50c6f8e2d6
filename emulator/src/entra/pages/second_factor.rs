//! The page for a second factor: its code, or the registration of one.

use axum::response::Response;

use super::layout::{Page, alert, escape, hidden};

/// What the page shows.
pub(crate) struct SecondFactor<'a> {
    pub(crate) organization: &'a str,
    pub(crate) upn: &'a str,
    /// Whether there is one to be shown, or one is to be chosen.
    pub(crate) is_registered: bool,
    pub(crate) action: &'a str,
    /// `ctx`, `flowToken`, `canary`.
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    pub(crate) error: Option<&'a str>,
}

/// The page.
pub(crate) fn page(show: &SecondFactor<'_>) -> Response {
    let (title, text) = if show.is_registered {
        ("Enter code", "Enter the code of your authenticator app.")
    } else {
        (
            "More information required",
            "Your organization asks for a second factor. Choose six digits: your code from now on.",
        )
    };
    let described = if show.error.is_some() { " aria-describedby=error aria-invalid=true" } else { "" };
    let body = format!(
        "<p><small>{}</small></p>{}<p>{text}</p><form method=post action=\"{}\">{}<label for=otc>Code</label>\
         <input type=text id=otc name=otc inputmode=numeric autocomplete=one-time-code required{described}>\
         <div class=actions><button type=submit>Verify</button></div></form>",
        escape(show.upn),
        alert(show.error),
        escape(show.action),
        hidden(show.hidden.iter().copied()),
    );
    Page::new(title, body).organization(Some(show.organization)).send()
}
