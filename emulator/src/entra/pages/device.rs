//! The pages on which a person lets a device in: the code is typed, then confirmed.

use axum::response::Response;

use super::layout::{Page, alert, escape, hidden};

/// Where the code from the device is typed.
pub(crate) fn enter(action: &str, code: &str, error: Option<&str>) -> Response {
    let described = if error.is_some() { " aria-describedby=error aria-invalid=true" } else { "" };
    let body = format!(
        "<p>Enter the code displayed on your app or device.</p>{}<form method=post action=\"{}\">\
         <label for=otc>Code</label><input type=text class=code id=otc name=otc value=\"{}\" maxlength=16 autocomplete=off \
         spellcheck=false required{described}><div class=actions><button type=submit>Next</button></div></form>",
        alert(error),
        escape(action),
        escape(code)
    );
    Page::new("Enter code", body).send()
}

/// Whether this person meant to sign in to that application, on another device.
pub(crate) fn confirm(action: &str, fields: &[(&str, &str)], app: &str, who: &str, organization: &str) -> Response {
    let body = format!(
        "<p>You’re signing in to <b>{}</b> on another device as {}. If it’s not you, or you did not start this, close the page.</p>\
         <form method=post action=\"{}\">{}<div class=actions><button type=submit name=confirm value=continue>Continue</button>\
         <button class=quiet type=submit name=confirm value=cancel>Cancel</button></div></form>",
        escape(app),
        escape(who),
        escape(action),
        hidden(fields.iter().copied())
    );
    let title = format!("Are you trying to sign in to {app}?");
    Page::new(&title, body).organization(Some(organization)).send()
}
