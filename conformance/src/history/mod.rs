//! What can happen to two companies that use one connector, one thing after the other? Drawn at random, told to a small [`model`] that knows what
//! must come of it, and written down as a scenario: what fails is made shorter ([`shrink`]) and is a file that `replay` runs.

pub mod model;
pub mod script;
pub mod shrink;

use fixtures::cast::{ALICE, ALICE_FABRIKAM, BOB, CONTOSO, FABRIKAM, GINA_GUEST, MALLORY};

/// Who takes part: two people of each company, two of whom have one object id, and a guest of the first.
pub const PEOPLE: [&str; 5] = [ALICE, BOB, MALLORY, ALICE_FABRIKAM, GINA_GUEST];
/// The companies.
pub const TENANTS: [&str; 2] = [CONTOSO, FABRIKAM];

/// What people ask, and the permission that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `get_me`.
    Profile,
    /// A search of the own mail.
    Mail,
    /// A search of the own calendar.
    Calendar,
    /// A search of chats.
    Chats,
    /// A search of files.
    Files,
    /// A mail by the address that its owner, Alice or Mallory, was given in the beginning.
    MailOf(&'static str),
    /// A file in a folder that Bob shares with Alice, by the address that he was given.
    FileOfBob,
}

impl Asked {
    /// All that people ask of what is their own.
    pub const OWN: [Self; 5] = [Self::Profile, Self::Mail, Self::Calendar, Self::Chats, Self::Files];

    /// The permission that it needs.
    pub const fn needs(self) -> &'static str {
        match self {
            Self::Profile => "User.Read",
            Self::Mail | Self::MailOf(_) => "Mail.Read",
            Self::Calendar => "Calendars.Read",
            Self::Chats => "Chat.Read",
            Self::Files | Self::FileOfBob => "Sites.Read.All",
        }
    }
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody signs in, with a password or by renewing the sign-in before.
    SignsIn {
        /// Who.
        who: &'static str,
        /// By renewing.
        renews: bool,
    },
    /// An administrator grants or withdraws a permission of the connector.
    Permission {
        /// The company.
        tenant: &'static str,
        /// The permission.
        scope: &'static str,
        /// Whether it is there afterwards.
        granted: bool,
    },
    /// An administrator enables or disables an account.
    Account {
        /// Whose.
        who: &'static str,
        /// Whether it can be used afterwards.
        enabled: bool,
    },
    /// An administrator ends every session of somebody.
    SessionsEnd {
        /// Whose.
        who: &'static str,
    },
    /// An administrator lets in assigned people only, of whom there are none, or everybody again.
    Assignment {
        /// The company.
        tenant: &'static str,
        /// Whether it is required afterwards.
        required: bool,
    },
    /// An administrator of contoso assigns the group that Alice is in, and nobody else who takes part; or takes it back.
    Group {
        /// Whether it is assigned afterwards.
        assigned: bool,
    },
    /// An administrator puts a policy in force that lets nobody in, or takes it back.
    Policy {
        /// The company.
        tenant: &'static str,
        /// Whether it is in force afterwards.
        blocks: bool,
    },
    /// Bob shares a folder with Alice, or takes it back.
    Share {
        /// Whether it is shared afterwards.
        shared: bool,
    },
    /// Alice files the mail that is asked for elsewhere and back: its address is another one afterwards.
    Moves,
    /// The issuer signs with a new key from now on.
    KeysRoll,
    /// So many seconds pass.
    Passes(i64),
    /// Questions, side by side where there are several.
    Ask(Vec<(&'static str, Asked)>),
}

/// Kinds of what happens: a history can be drawn from a few of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sign-ins.
    SignsIn,
    /// Permissions.
    Permission,
    /// Accounts of members.
    Account,
    /// The guest's account, where she is a guest.
    Guest,
    /// Ended sessions.
    SessionsEnd,
    /// Whether assignment is required.
    Assignment,
    /// The assigned group.
    Group,
    /// Conditional access.
    Policy,
    /// A shared folder.
    Share,
    /// A mail that is moved.
    Moves,
    /// Signing keys.
    KeysRoll,
    /// Time.
    Passes,
    /// Questions side by side.
    Together,
    /// Single questions.
    Ask,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::SignsIn,
        Self::Permission,
        Self::Account,
        Self::Guest,
        Self::SessionsEnd,
        Self::Assignment,
        Self::Group,
        Self::Policy,
        Self::Share,
        Self::Moves,
        Self::KeysRoll,
        Self::Passes,
        Self::Together,
        Self::Ask,
    ];
}

impl Event {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::SignsIn { .. } => Kind::SignsIn,
            Self::Permission { .. } => Kind::Permission,
            Self::Account { who: GINA_GUEST, .. } => Kind::Guest,
            Self::Account { .. } => Kind::Account,
            Self::SessionsEnd { .. } => Kind::SessionsEnd,
            Self::Assignment { .. } => Kind::Assignment,
            Self::Group { .. } => Kind::Group,
            Self::Policy { .. } => Kind::Policy,
            Self::Share { .. } => Kind::Share,
            Self::Moves => Kind::Moves,
            Self::KeysRoll => Kind::KeysRoll,
            Self::Passes(_) => Kind::Passes,
            Self::Ask(asked) if asked.len() > 1 => Kind::Together,
            Self::Ask(_) => Kind::Ask,
        }
    }
}

/// Random choices, the same for the same seed (splitmix64, <https://prng.di.unimi.it/splitmix64.c>).
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// The choices of a seed.
    pub const fn of_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// One of several; nothing of nothing.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// What single histories are about, besides questions and time: where everything happens at once, little of it happens twice.
const SUBJECTS: [&[Kind]; 10] = [
    &[Kind::SignsIn, Kind::SessionsEnd],
    &[Kind::Permission],
    &[Kind::Account],
    &[Kind::Guest],
    &[Kind::Assignment, Kind::Group],
    &[Kind::Policy],
    &[Kind::Share],
    &[Kind::Moves],
    &[Kind::KeysRoll, Kind::SignsIn],
    &[Kind::Together],
];

/// Histories after which each subject had its turn; every second one is about everything.
pub const ROUND: u64 = 2 * SUBJECTS.len() as u64;

/// Questions that a history has at least, of which half have one right outcome.
pub const QUESTIONS: usize = 8;

/// The kinds of things in the history of this number.
pub fn kinds(number: u64) -> Vec<Kind> {
    let at = usize::try_from(number % ROUND / 2).unwrap_or(0);
    match SUBJECTS.get(at) {
        Some(subject) if number.is_multiple_of(2) => [subject, &[Kind::Ask, Kind::Passes][..]].concat(),
        _ => Kind::ALL.to_vec(),
    }
}

/// The history of a seed: so many things of these kinds, and then as many as it takes until enough of its questions have one right outcome.
pub fn drawn(seed: u64, length: usize, kinds: &[Kind], bound: i64) -> Vec<Event> {
    let mut draw = Draw::of_seed(seed);
    let all = std::iter::repeat_with(|| some_of(&mut draw, kinds));
    // Whatever the kinds are, it ends.
    let mut all = all.take(8 * length).flatten();
    let mut events: Vec<_> = all.by_ref().take(length).collect();
    while !model::tally(&events, bound).is_enough() {
        // A foreign mail is nobody's, whatever happened.
        events.push(all.next().unwrap_or_else(|| Event::Ask(vec![(BOB, Asked::MailOf(ALICE))])));
    }
    events
}

/// What is drawn of these kinds. Where few are left, as often a change as a lone question: those would be most of it.
fn some_of(draw: &mut Draw, kinds: &[Kind]) -> Vec<Event> {
    let any = kinds.len() == Kind::ALL.len();
    let lone = draw.chance(2);
    let is_lone =
        |some: &[Event]| matches!(some, [Event::Passes(_)]) || matches!(some, [Event::Ask(asked)] if asked.len() == 1);
    let is_wanted =
        |some: &Vec<Event>| some.iter().all(|event| kinds.contains(&event.kind())) && (any || lone == is_lone(some));
    // The rarest kind is one in a hundred and forty.
    std::iter::repeat_with(|| some(draw)).take(2_000).find(is_wanted).unwrap_or_default()
}

/// One thing; or, where it can be taken back, all that shows whether it acts: the question before, after it and after it was taken back.
fn some(draw: &mut Draw) -> Vec<Event> {
    let change = event(draw);
    if change == (Event::Group { assigned: true }) && !draw.chance(4) {
        return only_the_group();
    }
    let Some(asked) = concerns(&change, draw).filter(|_| draw.chance(2)) else { return vec![change] };
    let ask = || Event::Ask(vec![asked]);
    let mut all = vec![ask(), change.clone(), Event::Passes(61), ask()];
    if let Some(back) = taken_back(&change) {
        all.extend([back, Event::Passes(61), ask()]);
    }
    all
}

/// What shows who a group lets in: one who is in it, one who is not, and nobody when it is assigned no more.
fn only_the_group() -> Vec<Event> {
    let ask = |who| Event::Ask(vec![(who, Asked::Profile)]);
    vec![
        Event::Group { assigned: true },
        Event::Assignment { tenant: CONTOSO, required: true },
        Event::Passes(61),
        ask(ALICE),
        ask(BOB),
        Event::Group { assigned: false },
        Event::Passes(61),
        ask(ALICE),
    ]
}

/// A question that a change decides, where it is one for the worse.
fn concerns(change: &Event, draw: &mut Draw) -> Option<(&'static str, Asked)> {
    let of = |draw: &mut Draw, tenant: &str| {
        let people: Vec<_> = PEOPLE.into_iter().filter(|who| model::tenant_of(who) == tenant).collect();
        draw.one_of(&people).copied()
    };
    match change {
        Event::Permission { tenant, scope, granted: false } => {
            Some((of(draw, tenant)?, *Asked::OWN.iter().find(|asked| asked.needs() == *scope)?))
        }
        Event::Account { who, enabled: false } | Event::SessionsEnd { who } => Some((*who, Asked::Profile)),
        Event::Assignment { tenant, required: true } | Event::Policy { tenant, blocks: true } => {
            Some((of(draw, tenant)?, Asked::Profile))
        }
        Event::Share { shared: false } => Some((ALICE, Asked::FileOfBob)),
        Event::Moves => Some((ALICE, Asked::MailOf(ALICE))),
        _ => None,
    }
}

/// What makes a change undone.
fn taken_back(change: &Event) -> Option<Event> {
    Some(match change {
        Event::Permission { tenant, scope, granted } => Event::Permission { tenant, scope, granted: !granted },
        Event::Account { who, enabled } => Event::Account { who, enabled: !enabled },
        Event::SessionsEnd { who } => Event::SignsIn { who, renews: false },
        Event::Assignment { tenant, required } => Event::Assignment { tenant, required: !required },
        Event::Policy { tenant, blocks } => Event::Policy { tenant, blocks: !blocks },
        Event::Share { shared } => Event::Share { shared: !shared },
        _ => return None,
    })
}

fn event(draw: &mut Draw) -> Event {
    let who = draw.one_of(&PEOPLE).copied().unwrap_or(ALICE);
    let tenant = draw.one_of(&TENANTS).copied().unwrap_or(CONTOSO);
    match draw.below(28) {
        0 | 1 => Event::SignsIn { who, renews: draw.chance(2) },
        2..=4 => {
            let scope = draw.one_of(&Asked::OWN).copied().unwrap_or(Asked::Mail).needs();
            Event::Permission { tenant, scope, granted: draw.chance(2) }
        }
        5 => Event::Account { who, enabled: draw.chance(2) },
        6 => Event::SessionsEnd { who },
        7 => Event::Assignment { tenant, required: draw.chance(3) },
        8 => Event::Group { assigned: draw.chance(2) },
        9 => Event::Policy { tenant, blocks: draw.chance(3) },
        10 => Event::Share { shared: draw.chance(2) },
        11 => Event::Moves,
        12 => Event::KeysRoll,
        // About the bound, and shorter.
        13..=16 => Event::Passes([1, 5, 20, 40, 59, 60, 61, 90].get(draw.below(8)).copied().unwrap_or(1)),
        17 | 18 => Event::Ask((0..4).map(|_| question(draw)).collect()),
        _ => Event::Ask(vec![question(draw)]),
    }
}

fn question(draw: &mut Draw) -> (&'static str, Asked) {
    let who = draw.one_of(&PEOPLE).copied().unwrap_or(ALICE);
    let asked = match draw.below(8) {
        0 => Asked::MailOf(ALICE),
        1 => Asked::MailOf(MALLORY),
        2 => Asked::FileOfBob,
        _ => draw.one_of(&Asked::OWN).copied().unwrap_or(Asked::Mail),
    };
    (who, asked)
}
