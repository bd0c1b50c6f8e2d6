//! Every tool on every way in which access ends: what is blocked just above the bound, what just below it still was, and that the rest goes on.

use fixtures::cast::{ALICE, BOB, CONTOSO, M365_SERVER, MALLORY};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bench::{Actor, Bench, Call};
use crate::broken;
use crate::check::{Check, Feature, Finding, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "revocation/every-tool",
    title: "Every tool on every way in which access ends",
    requirements: &["R-REV-2", "R-REV-3", "R-REV-4", "R-REV-5", "R-REV-7", "R-REV-9", "R-GATE-3", "R-GATE-4"],
    profile: Profile::Core,
    severity: Severity::High,
    needs: &[Feature::ClockControl, Feature::Exchange],
    setup: Setup::SHIPPED,
    attack: None,
    broken: &[
        &broken::CACHE_NEVER_EXPIRES,
        &broken::CACHE_SHARED,
        &broken::BASIC_IS_ENOUGH,
        &broken::MORE_THAN_NEEDED,
        &broken::REFUSAL_WITHOUT_A_REASON,
        &broken::ANSWERS_BY_ADDRESS,
        &broken::KEEPS_ANSWERS,
        &broken::SITES_BY_ANOTHER_PERMISSION,
        &broken::FILES_BY_ANOTHER_PERMISSION,
        &broken::CHATS_BY_ANOTHER_PERMISSION,
    ],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

/// Everything that the tools need, all of which contoso granted.
const GRANTED: &[&str] = &[
    "User.Read",
    "Mail.Read",
    "Mail.Read.Shared",
    "Calendars.Read",
    "Calendars.Read.Shared",
    "Chat.Read",
    "ChannelMessage.Read.All",
    "Sites.Read.All",
    "Files.Read",
    "Files.Read.All",
];

const MAIL: &[&str] = &["Mail.Read"];
const SHARED_MAIL: &[&str] = &["Mail.Read", "Mail.Read.Shared"];
const CALENDAR: &[&str] = &["Calendars.Read"];
const SHARED_CALENDAR: &[&str] = &["Calendars.Read", "Calendars.Read.Shared"];
const CHATS: &[&str] = &["Chat.Read"];
const CHANNELS: &[&str] = &["Chat.Read", "ChannelMessage.Read.All"];
const SITES: &[&str] = &["Sites.Read.All"];

/// One call, served until something it needs is gone.
struct Question {
    about: &'static str,
    by: &'static str,
    call: Call,
    needs: &'static [&'static str],
}

/// A way in which access ends.
enum Way {
    /// Permissions of the whole tenant.
    Scopes(&'static [&'static str]),
    /// The server's enterprise application is switched off.
    Disabled,
    /// From now on only assigned people may use it.
    Unassigned,
    /// Alice's account is disabled.
    Account,
    /// Alice's account is deleted.
    Deleted,
    /// The enterprise application is removed.
    Removed,
}

/// In this order: the last two are for good.
const WAYS: &[(&str, Way)] = &[
    ("Mail.Read", Way::Scopes(&["Mail.Read"])),
    ("Mail.Read.Shared", Way::Scopes(&["Mail.Read.Shared"])),
    ("Calendars.Read", Way::Scopes(&["Calendars.Read"])),
    ("Calendars.Read.Shared", Way::Scopes(&["Calendars.Read.Shared"])),
    ("Chat.Read", Way::Scopes(&["Chat.Read"])),
    ("ChannelMessage.Read.All", Way::Scopes(&["ChannelMessage.Read.All"])),
    ("Sites.Read.All", Way::Scopes(&["Sites.Read.All"])),
    ("Files.Read", Way::Scopes(&["Files.Read"])),
    ("Files.Read.All", Way::Scopes(&["Files.Read.All"])),
    ("User.Read", Way::Scopes(&["User.Read"])),
    ("every permission", Way::Scopes(GRANTED)),
    ("the application disabled", Way::Disabled),
    ("assignment required", Way::Unassigned),
    ("account disabled", Way::Account),
    ("account deleted", Way::Deleted),
    ("the application removed", Way::Removed),
];

impl Way {
    /// Whether the call is over because of it.
    fn ends(&self, question: &Question) -> bool {
        match self {
            Self::Scopes(scopes) => question.by != MALLORY && question.needs.iter().any(|need| scopes.contains(need)),
            Self::Disabled | Self::Unassigned | Self::Removed => question.by != MALLORY,
            Self::Account | Self::Deleted => question.by == ALICE,
        }
    }

    /// Takes access away, or (where that can be done) gives it back.
    async fn turn(&self, bench: &mut Bench, back: bool) -> Result<(), Finding> {
        let mut server = json!({ "tenant": CONTOSO, "app": M365_SERVER });
        let (path, body) = match self {
            Self::Scopes(scopes) if back => return bench.consent(CONTOSO, scopes).await,
            Self::Scopes(scopes) => return bench.revoke(CONTOSO, scopes).await,
            Self::Account => return bench.enable(CONTOSO, "alice", back).await,
            Self::Disabled | Self::Unassigned => {
                let field = if matches!(self, Self::Disabled) { "enabled" } else { "assignmentRequired" };
                let value = back == matches!(self, Self::Disabled);
                server[field] = value.into();
                ("/lab/service-principals/update", server)
            }
            Self::Deleted if !back => ("/lab/users/delete", json!({ "tenant": CONTOSO, "user": "alice" })),
            Self::Removed if !back => ("/lab/service-principals/remove", server),
            Self::Deleted | Self::Removed => return Ok(()),
        };
        let label = if back { "access is given back" } else { "access ends" };
        bench.control_world(label, path, &body).await.map(drop)
    }
}

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    let mut gone = Vec::new();
    for (name, way) in WAYS {
        // Anew each time: the tokens that people hold must not end before access does.
        let mut questions = Vec::new();
        for who in [ALICE, BOB, MALLORY] {
            if !gone.contains(&who) {
                let actor = bench.sign_in(who).await?;
                asked_by(bench, who, &actor, &mut questions).await?;
            }
        }
        way.turn(bench, false).await?;
        follow(bench, name, way, &questions).await?;
        way.turn(bench, true).await?;
        if matches!(way, Way::Deleted) {
            gone.push(ALICE);
        }
        // Nothing that was cached is left, and people have asked nothing for a while.
        bench.advance(bench.bound().max(SignedDuration::from_mins(2)) + SignedDuration::from_secs(1)).await?;
    }
    Ok(())
}

/// Asks for what ends at once, just below the bound and just above it; and for everything else when the bound is over.
async fn follow(bench: &mut Bench, name: &str, way: &Way, questions: &[Question]) -> Result<(), Finding> {
    let (bound, second) = (bench.bound(), SignedDuration::from_secs(1));
    let mut moments = vec![("at once", SignedDuration::ZERO)];
    if bound > second {
        moments.push(("just below the bound", bound - second));
    }
    moments.push(("just above the bound", bound + second));
    let mut waited = SignedDuration::ZERO;
    // Until when each was served.
    let mut stopped: Vec<Option<SignedDuration>> = vec![None; questions.len()];
    for (moment, after) in moments {
        bench.advance(after - waited).await?;
        waited = after;
        for (question, stopped) in questions.iter().zip(&mut stopped) {
            let (ends, over) = (way.ends(question), after > bound);
            if !ends && !over {
                continue;
            }
            let label = format!("{name}, {moment}: {} of {}", question.about, question.by);
            let reply = bench.attempt(&label, question.call.clone()).await?;
            bench.expect_only_own(&label, &reply)?;
            *stopped = if reply.served() { None } else { stopped.or(Some(after)) };
            if !ends {
                bench.expect(&label, "served as before", &reply.summary(), reply.served())?;
            } else if over {
                bench.expect(&label, "a refusal", &reply.summary(), !reply.served())?;
                if let Way::Scopes([permission]) = way {
                    bench.expect_names(&reply, permission)?;
                }
            }
        }
    }
    for (question, stopped) in questions.iter().zip(stopped).filter(|(question, _)| way.ends(question)) {
        bench.measure(&format!("{name}: {} of {}", question.about, question.by), stopped.unwrap_or(bound + second));
    }
    Ok(())
}

/// What somebody asks. Each is asked once here, which warms every cache and shows that it works.
async fn asked_by(
    bench: &mut Bench,
    by: &'static str,
    actor: &Actor,
    questions: &mut Vec<Question>,
) -> Result<(), Finding> {
    let mut ask = Asking { bench, by, actor, questions };
    ask.found("get_me", "get_me", json!({}), "grantedPermissions", &["User.Read"]).await?;
    if by == MALLORY {
        return Ok(());
    }
    let hit = ask.found("mail search", "outlook_email_search", json!({ "limit": 1 }), "mail:///", MAIL).await?;
    ask.read("reading a mail", &hit, MAIL).await?;
    let window = json!({ "afterDateTime": "last week", "beforeDateTime": "next week", "limit": 1 });
    let hit = ask.found("calendar search", "outlook_calendar_search", window, "calendar:///", CALENDAR).await?;
    ask.read("reading an event", &hit, CALENDAR).await?;
    let free = json!({ "participants": ["carol@contoso.example"], "afterDateTime": "tomorrow", "beforeDateTime": "next week", "maxCandidates": 1 });
    ask.found("free times", "find_meeting_availability", free, "confidence", CALENDAR).await?;
    let any = json!({ "query": "*", "limit": 1 });
    let hit = ask.found("chat search", "chat_message_search", any, "teams:///chats/", CHATS).await?;
    ask.read("reading a chat message", &hit, CHATS).await?;
    let folders = json!({ "name": "Reports", "limit": 1 });
    ask.found("folder search", "sharepoint_folder_search", folders, "items", SITES).await?;
    if by == ALICE { ask.of_alice().await } else { ask.of_bob().await }
}

struct Asking<'a> {
    bench: &'a mut Bench,
    by: &'static str,
    actor: &'a Actor,
    questions: &'a mut Vec<Question>,
}

impl Asking<'_> {
    /// The address of what was found.
    async fn found(
        &mut self,
        about: &'static str,
        tool: &str,
        with: Value,
        proof: &str,
        needs: &'static [&'static str],
    ) -> Result<String, Finding> {
        let call = self.actor.call(tool, with);
        let reply = self.bench.control(&format!("{about} of {}", self.by), call.clone(), proof).await?;
        self.questions.push(Question { about, by: self.by, call, needs });
        Ok(reply.uri_with(proof).unwrap_or_default())
    }

    async fn read(&mut self, about: &'static str, uri: &str, needs: &'static [&'static str]) -> Result<(), Finding> {
        self.found(about, "read_resource", json!({ "uri": uri }), "content", needs).await.map(drop)
    }

    /// What she alone has: a colleague's calendar, a channel, a file of a site and one of her own.
    async fn of_alice(&mut self) -> Result<(), Finding> {
        let with = json!({ "calendarOwnerEmail": "bob@contoso.example", "limit": 1 });
        self.found("a colleague's calendar", "outlook_calendar_search", with, "calendar:///", SHARED_CALENDAR).await?;
        let with = json!({ "query": "\"month end\"", "includeChannels": true, "limit": 1 });
        let hit = self.found("channel search", "chat_message_search", with, "teams:///teams/", CHANNELS).await?;
        self.read("reading a channel's message", &hit, CHANNELS).await?;
        let policy = self.bench.canary("contoso/files/finance/policy")?;
        let with = json!({ "query": policy });
        let hit = self.found("file search", "sharepoint_search", with, "Travel policy.docx", SITES).await?;
        self.read("reading a file of a site", &hit, SITES).await?;
        let notes = self.bench.canary("contoso/files/alice/notes")?;
        let with = json!({ "query": notes });
        let hit = self.found("file search in OneDrive", "sharepoint_search", with, "notes.txt", SITES).await?;
        self.read("reading a file of her OneDrive", &hit, &["Files.Read"]).await
    }

    /// What he alone has: a shared mailbox, and a file that Alice shares with him.
    async fn of_bob(&mut self) -> Result<(), Finding> {
        let with = json!({ "mailboxOwnerEmail": "support@contoso.example", "limit": 1 });
        let hit = self.found("shared mailbox search", "outlook_email_search", with, "mail:///", SHARED_MAIL).await?;
        self.read("reading a mail of a shared mailbox", &hit, SHARED_MAIL).await?;
        let plan = self.bench.canary("contoso/files/alice/shared-plan")?;
        let hit =
            self.found("file search", "sharepoint_search", json!({ "query": plan }), "Team plan.docx", SITES).await?;
        self.read("reading a file that Alice shares", &hit, &["Files.Read", "Files.Read.All"]).await
    }
}
