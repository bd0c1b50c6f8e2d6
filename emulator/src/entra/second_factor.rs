//! Between sign-in and answer: what a person can do about conditional access. A second factor is shown or registered on a page.

use axum::response::Response;

use super::authorize::session::{self, Somebody};
use super::error::EntraError;
use super::flow::Step;
use super::form::Form;
use super::pages::second_factor as page;
use super::visit::{Arrival, Visit};
use crate::change::{Change, DirectoryChange};
use crate::directory::Password;

/// What a person can do about a refusal of conditional access here and now; `None` when the refusal is of another kind.
pub(super) fn remedy(
    visit: &Visit<'_>,
    step: Step,
    form: &Form,
    somebody: &Somebody<'_>,
    refusal: &EntraError,
) -> Option<Response> {
    match refusal {
        EntraError::SecondFactorRequired { .. } => Some(show(visit, step, form, somebody, true, None)),
        EntraError::SecondFactorEnrollment { .. } => Some(show(visit, step, form, somebody, false, None)),
        EntraError::SignInTooOld { .. } => {
            Some(visit.sign_in_page(step, form, Some(&somebody.user.upn), Some(refusal)))
        }
        // A page says so; nothing is sent to the application.
        EntraError::AccessBlocked { .. }
        | EntraError::DeviceNotCompliant { .. }
        | EntraError::DeviceUnmanaged { .. } => Some(visit.error(refusal)),
        _ => None,
    }
}

fn show(
    visit: &Visit<'_>,
    step: Step,
    form: &Form,
    somebody: &Somebody<'_>,
    is_registered: bool,
    error: Option<&str>,
) -> Response {
    page::page(&page::SecondFactor {
        organization: &somebody.tenant.display_name,
        upn: &somebody.user.upn,
        is_registered,
        action: &format!("/{}/SAS/ProcessAuth", visit.tenant_segment()),
        hidden: &visit.fields(step, form, Some(&somebody.session)).pairs(),
        error,
    })
}

/// `/{t}/SAS/ProcessAuth`: what the page posts (`otc`, and the request it belongs to).
pub(super) async fn endpoint(arrival: Arrival) -> Response {
    arrival.answer(|visit, posted| verify(visit, posted).unwrap_or_else(|error| visit.error(&error)))
}

fn verify(visit: &Visit<'_>, posted: &Form) -> Result<Response, EntraError> {
    let (step, form) = visit.posted(posted, session::cookie(visit.headers))?;
    let somebody = session::current(visit, visit.authority()?).ok_or(EntraError::LoginRequired)?;
    let account = visit.world.account(somebody.user).ok_or(EntraError::LoginRequired)?;
    let code = posted.get("otc").unwrap_or_default().trim();
    if account.has_second_factor() {
        if !account.second_factor_is(code) {
            let error = "You didn't enter the expected verification code. Please try again.";
            return Ok(show(visit, step, &form, &somebody, true, Some(error)));
        }
    } else if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        let home = somebody.user.home.map_or(somebody.tenant.id, |(tenant, _)| tenant);
        let change = DirectoryChange::SetSecondFactor { user: account.id, code: Some(Password::new(code)) };
        visit.state.apply(Change::directory(home, change)).map_err(|_| EntraError::LoginRequired)?;
    } else {
        return Ok(show(visit, step, &form, &somebody, false, Some("Enter six digits.")));
    }
    session::strengthen(visit, &somebody.session);
    // The session is another one now.
    let somebody = session::current(visit, visit.authority()?).ok_or(EntraError::LoginRequired)?;
    Ok(step.resume(visit, &form, somebody))
}
