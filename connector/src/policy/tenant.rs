//! May this tenant, and this person, use the connector and this tool now?

use crate::caller::Caller;
use crate::server::admission::{Admission, Closed};

pub(super) fn admit(admission: &dyn Admission, caller: &Caller) -> Result<(), Closed> {
    admission.admit(caller.tenant(), caller.user())
}

pub(super) fn tool_enabled(admission: &dyn Admission, caller: &Caller, tool: &str) -> bool {
    admission.tool_enabled(caller.tenant(), caller.user(), tool)
}
