//! Which authority exchanges a token? The one of the tenant that the token is from: `common` would let the issuer guess.

use crate::caller::Caller;

pub(super) fn of(caller: &Caller) -> String {
    caller.tenant().to_string()
}
