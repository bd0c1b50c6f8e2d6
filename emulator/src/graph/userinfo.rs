//! `/oidc/userinfo`: what the sign-in scopes of a token show of its user.
//!
//! <https://learn.microsoft.com/entra/identity-platform/userinfo>. It lives at the Graph host; discovery says so.

use serde_json::{Map, json};

use super::answer::Answer;
use super::error::{GraphError, Refusal};
use super::view::View;
use crate::entra::pairwise;
use crate::entra::verify::GraphAuthFailure;

/// Where it is.
pub(super) const PATH: &str = "/oidc/userinfo";

/// The claims. `sub` is the one of the client's id tokens.
pub(super) fn answer(view: &View<'_>) -> Result<Answer, Refusal> {
    let principal = view.principal();
    let has = |scope: &str| principal.scopes.contains(scope);
    if !has("openid") {
        return Err(GraphError::DirectoryDenied.because("the token lacks the scope openid".to_owned()));
    }
    let user = view.user(&principal.user.to_string()).ok_or(GraphError::Token(GraphAuthFailure::Gone))?;
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(pairwise(principal.tenant, principal.user, principal.client)));
    if has("profile") {
        let names = [
            ("name", Some(&user.display_name)),
            ("family_name", user.surname.as_ref()),
            ("given_name", user.given_name.as_ref()),
        ];
        for (name, value) in names {
            if let Some(value) = value {
                claims.insert(name.to_owned(), json!(value));
            }
        }
        claims.insert("picture".to_owned(), json!("https://graph.microsoft.com/v1.0/me/photo/$value"));
    }
    if has("email")
        && let Some(mail) = &user.mail
    {
        claims.insert("email".to_owned(), json!(mail));
    }
    Ok(Answer::json(serde_json::to_vec(&claims).unwrap_or_default()))
}
