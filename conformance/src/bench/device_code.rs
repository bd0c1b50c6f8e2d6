//! How does a person sign in with another device? The connector shows a code, the person types it at Entra
//! (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>).

use std::time::Duration;

use serde_json::{Value, json};

use super::Bench;
use super::sign_in::{Tokens, attribute, hidden_fields};
use crate::lab::Upstream;
use crate::target::Programs;

/// How long the connector may take to show a code, and to notice that it was typed: it polls every few seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

impl Bench {
    /// Signs a person in to a program of their own. What comes back names the program and is no token of anybody's.
    pub(super) async fn signed_in_by_code(&mut self, programs: &Programs, upn: &str) -> Result<Tokens, String> {
        let session = format!("sign-in {}", self.sign_ins);
        let begun = self.lab.exchanges(self.seen).await.map_err(|error| error.to_string())?.len();
        let tool = self.doors.device_code.tool.clone();
        let params = json!({ "name": tool, "arguments": {} });
        // The tool may answer at once, or when the sign-in is over.
        let asked = async {
            match &tool {
                Some(_) => programs.ask(&session, "tools/call", &params, &json!(0)).await,
                None => programs.ask(&session, "ping", &json!({}), &json!(0)).await,
            }
        };
        let mut asked = std::pin::pin!(asked);
        let mut answer: Option<Value> = None;
        let mut typed = false;
        let looks = PATIENCE.as_millis() / PAUSE.as_millis();
        for _ in 0..looks {
            tokio::select! {
                said = &mut asked, if answer.is_none() => answer = Some(said?),
                () = tokio::time::sleep(PAUSE) => {}
            }
            let seen = self.lab.exchanges(self.seen).await.map_err(|error| error.to_string())?;
            let new = seen.get(begun..).unwrap_or_default();
            if !typed && let Some(code) = new.iter().find_map(user_code) {
                let shown = format!("{}{}", answer.clone().unwrap_or_default(), programs.said());
                if shown.contains(&code) {
                    self.type_in(&code, upn).await?;
                    typed = true;
                }
            }
            if typed && new.iter().any(redeemed) && (tool.is_none() || answer.is_some()) {
                return Ok(Tokens { access: session.clone(), refresh: None });
            }
        }
        Err(if typed {
            "the code was typed, and the connector did not fetch the token".to_owned()
        } else {
            format!(
                "the connector shows no code of Entra's ({}); it said: {}",
                tool.as_ref().map_or_else(|| "[device_code] tool is not set".to_owned(), |tool| format!("tool {tool}")),
                programs.said()
            )
        })
    }

    async fn type_in(&mut self, code: &str, upn: &str) -> Result<(), String> {
        let mut page = self.doors.login.join("common/oauth2/deviceauth").map_err(|error| error.to_string())?;
        for _ in 0..3 {
            let query = [("otc", code), ("login_hint", upn)];
            let answer = self.exchange("login", self.http.get(page.clone()).query(&query)).await?;
            let location = answer.response_headers.iter().find(|(name, _)| name == "location");
            if let Some((_, location)) = location {
                page = page.join(location).map_err(|error| error.to_string())?;
                page.set_query(None);
                continue;
            }
            let text = String::from_utf8_lossy(&answer.response).into_owned();
            let form = text.split("<form").nth(1).filter(|_| text.contains("appverify"));
            let form = form.ok_or_else(|| super::page(&answer))?;
            let action =
                page.join(&attribute(form, "action").unwrap_or_default()).map_err(|error| error.to_string())?;
            let mut fields = hidden_fields(form);
            fields.push(("confirm".to_owned(), "continue".to_owned()));
            let set = answer.response_headers.iter().filter(|(name, _)| name == "set-cookie");
            let cookies: Vec<&str> = set.filter_map(|(_, set)| set.split(';').next()).collect();
            let post = self.http.post(action).header("cookie", cookies.join("; ")).form(&fields);
            let done = self.exchange("login", post).await?;
            return if done.status == 200 { Ok(()) } else { Err(super::page(&done)) };
        }
        Err("the page for codes only redirects".to_owned())
    }
}

/// The code that Entra gave out, if this is where.
fn user_code(upstream: &Upstream) -> Option<String> {
    let asked = upstream.host == "login" && upstream.path().ends_with("/devicecode");
    let answer: Value = serde_json::from_slice(&upstream.response()).ok().filter(|_| asked)?;
    answer.get("user_code").and_then(Value::as_str).map(str::to_owned)
}

/// Whether a device fetched its token.
fn redeemed(upstream: &Upstream) -> bool {
    upstream.status == 200 && upstream.token_field("device_code").is_some()
}
