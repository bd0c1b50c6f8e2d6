//! Which Graph permissions does a request need? The product's promise "revoke X and Y is blocked" is kept here; Graph's own
//! table is wider.

use crate::refusal::Refusal;

/// What a tool is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Read one's own profile.
    Profile,
    /// Read one's own mail.
    OwnMail,
    /// Read mail of a mailbox that somebody else owns.
    SharedMail,
    /// Find one's own mail without seeing what it says: the limited mode.
    BasicMail,
    /// Read one's own calendar, and when others are free.
    OwnCalendar,
    /// Read a calendar that somebody else owns; let Graph look for times that suit several.
    SharedCalendar,
    /// Search SharePoint and OneDrive; read what lies in the libraries of sites.
    Sites,
    /// Read one's own OneDrive.
    OwnFiles,
    /// Read what others keep in theirs and share.
    SharedFiles,
    /// Search and read chats.
    Chats,
    /// Search and read chats and channels of teams.
    Channels,
}

impl Need {
    /// Every need, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::Profile,
        Self::OwnMail,
        Self::SharedMail,
        Self::BasicMail,
        Self::OwnCalendar,
        Self::SharedCalendar,
        Self::Sites,
        Self::OwnFiles,
        Self::SharedFiles,
        Self::Chats,
        Self::Channels,
    ];
}

/// What is asked for by OpenID Connect, and opens nothing of Graph's.
const OPENID: &[&str] = &["openid", "profile", "email", "offline_access"];

/// What is known of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// It is there.
    Held,
    /// It is not: revoked, or never given.
    Missing,
    /// The issuer did not say.
    Unknown,
}

impl Grant {
    pub(crate) fn of<T>(result: &Result<T, Refusal>) -> Self {
        match result {
            Ok(_) => Self::Held,
            Err(refusal) if refusal.is_about_a_grant() => Self::Missing,
            Err(_) => Self::Unknown,
        }
    }
}

/// Whether a tool is in the list of somebody of whom these grants are known: one of them is enough, and what nobody could find out
/// keeps nothing out; the call will tell.
pub(super) fn is_listed(grants: &[Grant]) -> bool {
    grants.iter().any(|grant| *grant != Grant::Missing)
}

/// All of them must be granted. Shared mail needs `Mail.Read` too: revoking that blocks Outlook mail as a whole. So do channels
/// need `Chat.Read`: without it Teams is blocked. OneDrive is what `Files.Read` and `Files.Read.All` open, the libraries of sites
/// what `Sites.Read.All` opens; Graph itself takes any of the three for both.
pub(super) fn required(need: Need) -> &'static [&'static str] {
    match need {
        Need::Profile => &["User.Read"],
        Need::OwnMail => &["Mail.Read"],
        Need::SharedMail => &["Mail.Read", "Mail.Read.Shared"],
        Need::BasicMail => &["Mail.ReadBasic"],
        Need::OwnCalendar => &["Calendars.Read"],
        Need::SharedCalendar => &["Calendars.Read", "Calendars.Read.Shared"],
        Need::Sites => &["Sites.Read.All"],
        Need::OwnFiles => &["Files.Read"],
        Need::SharedFiles => &["Files.Read", "Files.Read.All"],
        Need::Chats => &["Chat.Read"],
        Need::Channels => &["Chat.Read", "ChannelMessage.Read.All"],
    }
}

/// What to ask of the token endpoint: exactly what is required, so that one revoked permission takes down one tool.
pub(super) fn requested(resource: &str, required: &[&str]) -> Vec<String> {
    required.iter().map(|scope| format!("{}/{scope}", resource.trim_end_matches('/'))).collect()
}

/// The first of `granted` that lets its holder change something. A token may hold more than was asked for, everything that the tenant
/// granted this application (<https://learn.microsoft.com/entra/identity-platform/scopes-oidc>): one that could write is not used. Graph's
/// permissions name what they open and then what may be done with it
/// (<https://learn.microsoft.com/graph/permissions-overview#permissions-naming-pattern>); what does not say that it reads counts as writing.
pub(super) fn writing(granted: &str) -> Option<&str> {
    granted.split_ascii_whitespace().find(|scope| {
        let name = scope.rsplit('/').next().unwrap_or(scope);
        let reads =
            name.split('.').nth(1).is_some_and(|does| does.starts_with("Read") && !does.starts_with("ReadWrite"));
        // `.default` names what was asked for, beside what was given for it.
        !reads && name != ".default" && !OPENID.contains(&name)
    })
}

/// The first of `required` that is not in `granted`, the `scope` of the token endpoint's answer. Scopes may come with or
/// without the resource in front.
pub(super) fn missing<'s>(resource: &str, required: &[&'s str], granted: &str) -> Option<&'s str> {
    let resource = resource.trim_end_matches('/');
    let held = |scope: &str| {
        granted.split(' ').any(|granted| {
            let bare = granted.strip_prefix(resource).and_then(|rest| rest.strip_prefix('/')).unwrap_or(granted);
            bare.eq_ignore_ascii_case(scope)
        })
    };
    required.iter().copied().find(|scope| !held(scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAPH: &str = "https://graph.microsoft.com";

    #[test]
    fn a_scope_is_held_as_a_whole_word_of_graphs() {
        for held in ["Mail.Read", "openid Mail.Read", "https://graph.microsoft.com/mail.read profile"] {
            assert_eq!(missing(GRAPH, &["Mail.Read"], held), None, "{held}");
        }
        for not_held in [
            "",
            "Mail.ReadBasic",
            "Mail.ReadWrite",
            "Mail.Read.Shared",
            "https://evil.example/Mail.Read",
            "https://graph.microsoft.com.evil/Mail.Read",
        ] {
            assert_eq!(missing(GRAPH, &["Mail.Read"], not_held), Some("Mail.Read"), "{not_held}");
        }
    }

    #[test]
    fn what_does_not_say_that_it_reads_counts_as_writing() {
        let all = Need::ALL.iter().flat_map(|need| required(*need)).copied();
        let reading = all.chain([
            "openid",
            "profile",
            "offline_access",
            "https://graph.microsoft.com/User.ReadBasic.All",
            "https://graph.microsoft.com/.default",
        ]);
        assert_eq!(writing(&reading.collect::<Vec<_>>().join(" ")), None);
        for scope in [
            "Mail.ReadWrite",
            "Mail.Send",
            "https://graph.microsoft.com/Files.ReadWrite.All",
            "TeamsAppInstallation.ReadWriteForUser",
            "Sites.Manage.All",
            "Sites.FullControl.All",
            "Directory.AccessAsUser.All",
            "User.Invite.All",
            "read",
        ] {
            assert_eq!(writing(&format!("openid Mail.Read {scope}")), Some(scope), "{scope}");
        }
    }

    #[test]
    fn the_exchange_asks_for_what_is_required_and_nothing_else() {
        for need in Need::ALL {
            let asked = requested(GRAPH, required(*need));
            let bare: Vec<_> =
                asked.iter().map(|scope| scope.strip_prefix("https://graph.microsoft.com/").unwrap()).collect();
            assert_eq!(bare, required(*need));
            assert!(bare.iter().all(|scope| scope.contains("Read") && !scope.contains("Write")), "{bare:?}");
        }
    }
}
