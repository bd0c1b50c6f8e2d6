//! `/organization`: the caller's tenant.
//!
//! With `User.Read` alone it is its id, name and verified domains: <https://learn.microsoft.com/graph/api/organization-list>.

use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, boolean, key, string};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::View;

const WHOLE: &[&str] =
    &["Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const PROPERTIES: &[&str] = &[
    "id",
    "deletedDateTime",
    "businessPhones",
    "city",
    "country",
    "countryLetterCode",
    "createdDateTime",
    "displayName",
    "onPremisesSyncEnabled",
    "postalCode",
    "preferredLanguage",
    "state",
    "street",
    "technicalNotificationMails",
    "tenantType",
    "verifiedDomains",
];

/// A list of one.
pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select, Kind::Top])?;
    let mut out = super::document(&format!("{}/$metadata#organization", ask.root));
    key(&mut out, "value");
    array(&mut out, [()], |out, ()| {
        out.push(b'{');
        write(out, view, ask);
        out.push(b'}');
    });
    Ok(super::closed(out))
}

/// By its id, which no other tenant's is.
pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    if !ask.key(0).eq_ignore_ascii_case(&view.tenant_id().to_string()) {
        let error = GraphError::NoSuchObject(ask.key(0).to_owned());
        return Err(error.because("an organization that is not the caller's, or none"));
    }
    let mut out = super::document(&format!("{}/$metadata#organization/$entity", ask.root));
    write(&mut out, view, ask);
    Ok(super::closed(out))
}

fn write(out: &mut Vec<u8>, view: &View<'_>, ask: &Ask<'_>) {
    let selected = |name: &&&str| {
        ask.options.select.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)))
    };
    for name in PROPERTIES.iter().filter(selected) {
        key(out, name);
        match *name {
            "id" => string(out, &view.tenant_id().to_string()),
            "displayName" => string(out, view.organization()),
            "tenantType" if view.admits(WHOLE) => string(out, "AAD"),
            "businessPhones" | "technicalNotificationMails" => out.extend_from_slice(b"[]"),
            "verifiedDomains" => array(out, [view.domain()], |out, domain| {
                out.push(b'{');
                for (name, text) in [("capabilities", "Email, OfficeCommunicationsOnline"), ("name", domain)] {
                    key(out, name);
                    string(out, text);
                }
                for name in ["isDefault", "isInitial"] {
                    key(out, name);
                    boolean(out, true);
                }
                key(out, "type");
                string(out, "Managed");
                out.push(b'}');
            }),
            _ => out.extend_from_slice(b"null"),
        }
    }
}
