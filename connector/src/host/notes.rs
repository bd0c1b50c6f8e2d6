//! What does the host write into the audit log? Who signed in, connected, was renewed, left, called a tool, switched or shared
//! something, and how it ended. Never a token, a question or an answer.

use std::sync::Arc;

use super::error::HostError;
use super::member::{HostUser, Member, OrganizationName};
use super::vault::Account;
use crate::audit::{AuditEvent, AuditSink, EventKind};
use crate::clock::Clock;

pub(super) use crate::audit::HostEvent as Event;

/// The host's pen.
#[derive(Clone)]
pub(super) struct Notes {
    audit: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
}

impl Notes {
    pub(super) fn new(audit: Arc<dyn AuditSink>, clock: Arc<dyn Clock>) -> Self {
        Self { audit, clock }
    }

    /// Something that a person did, who may be a member of nothing.
    pub(super) fn person(&self, user: &HostUser, organization: Option<&OrganizationName>, event: Event, outcome: &str) {
        self.write(self.begun(user, organization, event, outcome));
    }

    /// Something that a member did.
    pub(super) fn member(&self, member: &Member, event: Event, outcome: &str) {
        self.person(&member.user, Some(&member.organization), event, outcome);
    }

    /// The same, with how it ended.
    pub(super) fn outcome<T>(&self, member: &Member, event: Event, outcome: &Result<T, HostError>) {
        let outcome = outcome.as_ref().map_or_else(|error| error.told().0, |_| "ok");
        self.member(member, event, outcome);
    }

    /// The same, of a Microsoft account.
    pub(super) fn account(&self, member: &Member, account: &Account, event: Event, outcome: &str) {
        let mut line = self.begun(&member.user, Some(&member.organization), event, outcome);
        line.tenant = Some(account.tenant.clone());
        line.user = Some(account.object_id.clone());
        self.write(line);
    }

    /// The same, of a tool.
    pub(super) fn tool(&self, member: &Member, event: Event, tool: &str, outcome: &str) {
        let mut line = self.begun(&member.user, Some(&member.organization), event, outcome);
        line.tool = Some(tool.to_owned());
        self.write(line);
    }

    fn begun(
        &self,
        user: &HostUser,
        organization: Option<&OrganizationName>,
        event: Event,
        outcome: &str,
    ) -> AuditEvent {
        let mut line = AuditEvent::new(self.clock.now(), EventKind::Host(event), outcome);
        line.person = Some(user.as_str().to_owned());
        line.organization = organization.map(|name| name.as_str().to_owned());
        line
    }

    fn write(&self, line: AuditEvent) {
        self.audit.record(&line);
    }
}
