//! Changes of chats and channels: what is said in them.

use std::sync::Arc;

use fixtures::ids::{GroupId, TenantId};

use super::ChangeError;
use crate::teams::NewMessage;
use crate::world::World;

/// A change of one tenant's chats and channels.
#[derive(Debug, Clone)]
pub enum TeamsChange {
    /// Says something in a chat.
    PostToChat {
        /// Chat id.
        chat: String,
        /// What.
        message: NewMessage,
    },
    /// Says something in a channel, or answers there.
    PostToChannel {
        /// Object id of the team's group.
        team: GroupId,
        /// Channel id.
        channel: String,
        /// What.
        message: NewMessage,
    },
}

impl TeamsChange {
    pub(super) fn apply(self, world: &mut World, tenant: TenantId) -> Result<(), ChangeError> {
        let tenant = world.tenants.get_mut(&tenant).map(Arc::make_mut).ok_or(ChangeError::Tenant(tenant))?;
        let teams = Arc::make_mut(&mut tenant.teams);
        match self {
            Self::PostToChat { chat, message } => teams.post_to_chat(&chat, message)?,
            Self::PostToChannel { team, channel, message } => teams.post_to_channel(team, &channel, message)?,
        };
        Ok(())
    }
}
