//! Chats, teams and channels, as far as one principal may see them.

use std::sync::Arc;

use fixtures::ids::{GroupId, UserId};
use jiff::Timestamp;

use super::View;
use crate::directory::{Group, User};
use crate::graph::error::{GraphError, Refusal};
use crate::rules::Rules;
use crate::teams::{Channel, Chat, Message, Team, Thread};

/// One chat.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct ChatView<'a> {
    pub(in crate::graph) chat: &'a Chat,
    since: Option<Timestamp>,
    rules: &'a Rules,
}

/// One team.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct TeamView<'a> {
    pub(in crate::graph) team: &'a Team,
    pub(in crate::graph) group: &'a Group,
    caller: UserId,
    rules: &'a Rules,
    is_member: bool,
}

/// One channel.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) struct ChannelView<'a> {
    pub(in crate::graph) team: &'a Team,
    pub(in crate::graph) channel: &'a Channel,
}

impl<'a> View<'a> {
    /// Whether the token shows what is said in chats.
    pub(in crate::graph) fn shows_chats(&self) -> bool {
        (self.rules.shows_chat)(&self.principal.scopes)
    }

    /// The caller's chats.
    pub(in crate::graph) fn chats(&self) -> impl Iterator<Item = ChatView<'a>> {
        let (caller, rules) = (self.principal.user, self.rules);
        self.tenant
            .teams
            .chats()
            .filter(move |chat| (rules.chat)(chat, caller))
            .map(move |chat| ChatView::of(chat, caller, rules))
    }

    /// A chat by id. One that is not open to the caller is another refusal than one that is not there, as the real service has it.
    pub(in crate::graph) fn chat(&self, id: &str) -> Result<ChatView<'a>, Refusal> {
        let Some(chat) = self.tenant.teams.chat(id) else {
            return Err(GraphError::NoSuchThread.because("no such chat in this tenant"));
        };
        if !(self.rules.chat)(chat, self.principal.user) {
            return Err(GraphError::Forbidden("Forbidden".to_owned())
                .because("access rule `chat`: the caller is no member of the chat"));
        }
        Ok(ChatView::of(chat, self.principal.user, self.rules))
    }

    fn team_view(&self, team: &'a Arc<Team>) -> Option<TeamView<'a>> {
        let caller = self.principal.user;
        let group = self.tenant.directory.group(team.group)?;
        let is_member = (self.rules.team)(self.tenant, team.group, caller);
        Some(TeamView { team, group, caller, rules: self.rules, is_member })
    }

    /// Teams that are open to the caller.
    pub(in crate::graph) fn teams(&self) -> impl Iterator<Item = TeamView<'a>> {
        self.tenant.teams.teams().filter_map(|team| self.team_view(team)).filter(|team| team.is_member)
    }

    /// A team by the id of its group, open to the caller or not.
    fn any_team(&self, key: &str) -> Result<TeamView<'a>, Refusal> {
        let Ok(id) = key.parse::<GroupId>() else {
            return Err(GraphError::BadRequest("teamId needs to be a valid GUID.".to_owned()).into());
        };
        let team = self.tenant.teams.team(id).and_then(|team| self.team_view(team));
        team.ok_or_else(|| GraphError::NoSuchThread.because("no such team in this tenant"))
    }

    /// A team that is open to the caller.
    pub(in crate::graph) fn team(&self, key: &str) -> Result<TeamView<'a>, Refusal> {
        let team = self.any_team(key)?;
        if team.is_member {
            Ok(team)
        } else {
            Err(GraphError::Forbidden("Forbidden".to_owned())
                .because("access rule `team`: the caller is no member of the team"))
        }
    }

    /// A channel that is open to the caller, who need not be in the team when the channel is shared.
    pub(in crate::graph) fn channel(&self, team: &str, channel: &str) -> Result<ChannelView<'a>, Refusal> {
        let team = self.any_team(team)?;
        let Some(channel) = team.team.channel(channel) else {
            return Err(GraphError::NoSuchThread.because("no such channel in this team"));
        };
        team.open(channel).ok_or_else(|| {
            GraphError::Forbidden("Forbidden".to_owned())
                .because(format!("access rule `channel`: a {} channel that is not the caller's", channel.kind.as_str()))
        })
    }

    /// Every channel that is open to the caller.
    pub(in crate::graph) fn channels(&self) -> impl Iterator<Item = ChannelView<'a>> {
        let teams: Vec<_> = self.tenant.teams.teams().filter_map(|team| self.team_view(team)).collect();
        teams.into_iter().flat_map(|team| team.channels().collect::<Vec<_>>())
    }

    /// The users who are in a team.
    pub(in crate::graph) fn team_members(&self, of: &TeamView<'a>) -> impl Iterator<Item = &'a User> {
        let directory = &self.tenant.directory;
        of.group.users.iter().filter_map(|user| directory.user(*user))
    }
}

impl<'a> ChatView<'a> {
    fn of(chat: &'a Arc<Chat>, caller: UserId, rules: &'a Rules) -> Self {
        let since = chat.member(caller).and_then(|member| member.since);
        Self { chat, since, rules }
    }

    /// Whether a message of this chat is shown to the caller.
    pub(super) fn shows(&self, message: &Message) -> bool {
        (self.rules.history)(self.since, message.created)
    }

    /// What the caller may see of what was said, the newest first.
    pub(in crate::graph) fn messages(&self) -> impl Iterator<Item = &'a Arc<Message>> + use<'a> {
        let view = *self;
        view.chat.thread.messages().rev().filter(move |message| view.shows(message))
    }

    /// A message by id.
    pub(in crate::graph) fn message(&self, id: &str) -> Option<&'a Arc<Message>> {
        self.chat.thread.message(id).filter(|message| self.shows(message))
    }
}

impl<'a> TeamView<'a> {
    /// A channel of this team, if it is open to the caller.
    fn open(&self, channel: &'a Channel) -> Option<ChannelView<'a>> {
        let in_channel = channel.member(self.caller).is_some();
        (self.rules.channel)(channel.kind, self.is_member, in_channel)
            .then_some(ChannelView { team: self.team, channel })
    }

    /// Channels that are open to the caller, the general one first.
    pub(in crate::graph) fn channels(&self) -> impl Iterator<Item = ChannelView<'a>> {
        self.team.channels().filter_map(|channel| self.open(channel))
    }
}

impl<'a> ChannelView<'a> {
    fn thread(&self) -> &'a Thread {
        &self.channel.thread
    }

    /// Messages that answer none, the newest first.
    pub(in crate::graph) fn roots(&self) -> impl Iterator<Item = &'a Arc<Message>> + use<'a> {
        self.thread().messages().rev().filter(|message| message.reply_to.is_none())
    }

    /// Replies to a message, the newest first.
    pub(in crate::graph) fn replies(&self, root: &'a Message) -> impl Iterator<Item = &'a Arc<Message>> + use<'a> {
        self.thread().messages().rev().filter(|message| message.reply_to.as_deref() == Some(root.id.as_str()))
    }

    /// A message that answers none.
    pub(in crate::graph) fn root(&self, id: &str) -> Option<&'a Arc<Message>> {
        self.thread().message(id).filter(|message| message.reply_to.is_none())
    }

    /// A reply to a message.
    pub(in crate::graph) fn reply(&self, root: &str, id: &str) -> Option<&'a Arc<Message>> {
        self.thread().message(id).filter(|message| message.reply_to.as_deref() == Some(root))
    }
}
