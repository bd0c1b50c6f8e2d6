//! `authorization_code`: single use, ten minutes, bound to tenant, client, redirect URI and verifier.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{Accepted, Asked, EntraError, has_origin};
use crate::entra::store::{Challenge, ChallengeMethod};

pub(super) fn redeem(asked: &Asked<'_>) -> Result<Accepted, EntraError> {
    let Asked { state, form, client, .. } = asked;
    let value = form.need("code")?;
    let redirect_uri = form.need("redirect_uri")?;
    let code = state.issued.code(value).ok_or(EntraError::GrantInvalid)?;
    if code.client != client.registration.app_id {
        return Err(EntraError::GrantInvalid);
    }
    if !asked.authority.covers(code.tenant) {
        return Err(EntraError::CodeOfOtherTenant);
    }
    if code.redirect_uri != redirect_uri {
        return Err(EntraError::RedirectOfOtherRequest);
    }
    match (code.spa, has_origin(asked.headers)) {
        (true, false) => return Err(EntraError::SpaWithoutOrigin),
        (false, true) => return Err(EntraError::OriginWithoutSpa),
        _ => {}
    }
    if code.spent {
        return Err(EntraError::CodeSpent);
    }
    if code.expires_at <= asked.now {
        return Err(EntraError::CodeExpired);
    }
    // A wrong verifier does not spend the code: seen at the real service.
    if let Some(challenge) = &code.challenge {
        verify(challenge, form.need("code_verifier")?)?;
    }
    let scopes = asked.scopes(&code.scopes)?;
    if form.get("scope").is_some() && scopes.resources.len() > 1 {
        return Err(EntraError::SeveralResources);
    }
    if !state.issued.spend_code(value) {
        return Err(EntraError::CodeSpent);
    }
    let scopes = with_sign_in_scopes(scopes, &code.scopes);
    Ok(Accepted {
        tenant: code.tenant,
        user: code.user,
        signed_in: code.signed_in,
        issued_at: code.signed_in.at,
        scopes,
        nonce: code.nonce,
        always_refreshable: false,
    })
}

/// `openid`, `profile` and `offline_access` of the authorization request hold for the redemption too.
fn with_sign_in_scopes(
    mut scopes: crate::entra::store::AskedScopes,
    authorized: &crate::entra::store::AskedScopes,
) -> crate::entra::store::AskedScopes {
    scopes.oidc.extend(authorized.oidc.iter().cloned());
    scopes
}

fn verify(challenge: &Challenge, verifier: &str) -> Result<(), EntraError> {
    let derived = match challenge.method {
        ChallengeMethod::Plain => verifier.to_owned(),
        ChallengeMethod::S256 => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
    };
    if derived.as_bytes().ct_eq(challenge.value.as_bytes()).into() { Ok(()) } else { Err(EntraError::VerifierMismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_fits_and_nothing_near_it() {
        let challenge = Challenge {
            value: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            method: ChallengeMethod::S256,
        };
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(verify(&challenge, verifier).is_ok());
        for position in 0..verifier.len() {
            let mut other = verifier.as_bytes().to_vec();
            other[position] ^= 1;
            assert!(verify(&challenge, std::str::from_utf8(&other).unwrap()).is_err());
        }
    }
}
