//! Chats, teams and channels as rows and files: as the plan has them. There is no writer for what was sent or changed since.

use fixtures::plan::Tenant;

use super::Saving;
use crate::teams::Teams;
use crate::world::TenantWorld;

pub(super) fn write(saving: &mut Saving<'_>, tenant: &TenantWorld, now: &Teams, rows: &mut Tenant) {
    let Some(planned) = saving.plan.tenant(&tenant.name) else { return };
    rows.teams.clone_from(&planned.teams);
    if now.fingerprint() != Teams::of(planned, saving.shift).fingerprint() {
        let name = &tenant.name;
        saving
            .lost
            .push(format!("{name}: what was sent or changed in chats and channels while it ran: none is written yet"));
    }
}
