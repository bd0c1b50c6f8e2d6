//! The page that posts an answer to a redirect URI (`response_mode=form_post`).

use axum::response::Response;

use super::layout::{Page, escape, hidden};

const SUBMIT: &str = "document.forms[0].submit()";

/// The page that posts parameters to `target`: by itself, or by a button where scripts are off.
pub(crate) fn page(target: &str, parameters: &[(&str, &str)]) -> Response {
    let body = format!(
        "<form method=\"POST\" name=\"hiddenform\" action=\"{}\">{}<noscript><p>Script is disabled. Click Submit to continue.</p>\
         <button type=\"submit\">Submit</button></noscript></form>",
        escape(target),
        hidden(parameters.iter().copied())
    );
    Page::new("Working...", body).script(SUBMIT).send()
}
