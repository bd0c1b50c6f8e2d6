//! What must come of a question, by what happened before? A few facts and the bound that the connector declares; nothing of how it works.

use std::collections::BTreeMap;

use fixtures::cast::{ALICE, BOB, GINA_GUEST};

use super::{Asked, Event, PEOPLE, TENANTS};

/// What must come of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is served.
    Served,
    /// It is refused.
    Refused,
    /// Either: something changed, and the bound is not over yet; or nothing was promised.
    Either,
}

/// A roll-over of keys, or two, keep nobody out: the next key is announced before. More of them within so many seconds may, because keys are not
/// asked for again at every unknown name.
const KEYS_SETTLE: i64 = 600;
const ROLLS: usize = 2;

/// Something that is so, since when.
#[derive(Debug, Clone, Copy)]
struct Since {
    is: bool,
    at: i64,
}

/// What the world is like.
#[derive(Debug, Clone)]
pub struct Model {
    now: i64,
    bound: i64,
    granted: BTreeMap<(&'static str, &'static str), Since>,
    enabled: BTreeMap<&'static str, Since>,
    /// Whether only assigned people are let in, and whether Alice's group is assigned: nobody else is.
    required: BTreeMap<&'static str, Since>,
    assigned: Since,
    /// Whether a policy lets nobody in.
    blocked: BTreeMap<&'static str, Since>,
    /// Whether Bob's folder is shared with Alice.
    shared: Since,
    /// Since when Alice's mail has another address than in the beginning.
    moved: Option<i64>,
    /// When somebody signed in, and when their sessions were ended last.
    signed_in: BTreeMap<&'static str, i64>,
    ended: BTreeMap<&'static str, i64>,
    rolled: Vec<i64>,
}

/// How much a history asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Questions in it.
    pub questions: usize,
    /// Of which so many have one right outcome.
    pub decided: usize,
}

impl Tally {
    /// Whether a connector that did anything at all would not do.
    pub fn is_enough(self) -> bool {
        self.questions >= super::QUESTIONS && self.decided * 2 >= self.questions
    }
}

/// How much these events ask. `bound`: of the connector, in seconds.
pub fn tally(events: &[Event], bound: i64) -> Tally {
    let mut model = Model::new(bound);
    let mut tally = Tally::default();
    for event in events {
        if !model.allows(event) {
            continue;
        }
        if let Event::Ask(asked) = event {
            tally.questions += asked.len();
            tally.decided += asked.iter().filter(|(who, asked)| model.outcome(who, *asked) != Outcome::Either).count();
        }
        model.apply(event);
    }
    tally
}

/// The company of somebody.
pub fn tenant_of(who: &str) -> &'static str {
    let tenant = who.split_once('@').map_or("", |(_, tenant)| tenant);
    TENANTS.into_iter().find(|known| *known == tenant).unwrap_or_default()
}

impl Model {
    /// The world as it begins: everything granted, everybody signed in. `bound`: the seconds within which a change acts.
    pub fn new(bound: i64) -> Self {
        let long_ago = Since { is: true, at: -bound - 1 };
        let scopes = || Asked::OWN.map(Asked::needs);
        Self {
            now: 0,
            bound,
            granted: TENANTS.iter().flat_map(|tenant| scopes().map(|scope| ((*tenant, scope), long_ago))).collect(),
            enabled: PEOPLE.into_iter().map(|who| (who, long_ago)).collect(),
            required: TENANTS.into_iter().map(|tenant| (tenant, Since { is: false, ..long_ago })).collect(),
            assigned: Since { is: false, ..long_ago },
            blocked: TENANTS.into_iter().map(|tenant| (tenant, Since { is: false, ..long_ago })).collect(),
            shared: long_ago,
            moved: None,
            signed_in: PEOPLE.into_iter().map(|who| (who, 0)).collect(),
            ended: BTreeMap::new(),
            rolled: Vec::new(),
        }
    }

    /// Whether an event means anything now: what is so already cannot become so, and nobody signs in who may not.
    pub fn allows(&self, event: &Event) -> bool {
        let is = |since: Option<&Since>| since.is_some_and(|since| since.is);
        match event {
            Event::SignsIn { who, renews } => {
                let was_ended = self.ended.get(who).is_some_and(|ended| self.signed_in.get(who) <= Some(ended));
                let tenant = tenant_of(who);
                let may = is(self.enabled.get(who)) && !is(self.blocked.get(tenant));
                let is_let_in = !is(self.required.get(tenant)) || (self.assigned.is && *who == ALICE);
                may && is_let_in && !(*renews && was_ended)
            }
            Event::Permission { tenant, scope, granted } => is(self.granted.get(&(*tenant, *scope))) != *granted,
            Event::Account { who, enabled } => is(self.enabled.get(who)) != *enabled,
            Event::Assignment { tenant, required } => is(self.required.get(tenant)) != *required,
            Event::Group { assigned } => self.assigned.is != *assigned,
            Event::Policy { tenant, blocks } => is(self.blocked.get(tenant)) != *blocks,
            Event::Share { shared } => self.shared.is != *shared && self.works(BOB),
            // Another move changes nothing more.
            Event::Moves => self.moved.is_none() && self.works(ALICE),
            // Tokens live an hour: no history does.
            Event::Passes(seconds) => self.now + seconds < 45 * 60,
            // One more than keeps nobody out; each costs as much time as twenty questions.
            Event::KeysRoll => self.rolled.len() <= ROLLS,
            Event::SessionsEnd { .. } | Event::Ask(_) => true,
        }
    }

    /// Whether somebody can change things of their own at Graph.
    fn works(&self, who: &str) -> bool {
        let is = |since: Option<&Since>| since.is_some_and(|since| since.is);
        is(self.enabled.get(who)) && !is(self.blocked.get(tenant_of(who)))
    }

    /// It happens.
    pub fn apply(&mut self, event: &Event) {
        let at = self.now;
        match event {
            Event::SignsIn { who, .. } => {
                self.signed_in.insert(who, at);
            }
            Event::Permission { tenant, scope, granted } => {
                self.granted.insert((tenant, scope), Since { is: *granted, at });
            }
            Event::Account { who, enabled } => {
                self.enabled.insert(who, Since { is: *enabled, at });
            }
            Event::SessionsEnd { who } => {
                self.ended.insert(who, at);
            }
            Event::Assignment { tenant, required } => {
                self.required.insert(tenant, Since { is: *required, at });
            }
            Event::Group { assigned } => self.assigned = Since { is: *assigned, at },
            Event::Policy { tenant, blocks } => {
                self.blocked.insert(tenant, Since { is: *blocks, at });
            }
            Event::Share { shared } => self.shared = Since { is: *shared, at },
            Event::Moves => self.moved = Some(at),
            Event::KeysRoll => self.rolled.push(at),
            Event::Passes(seconds) => self.now += seconds,
            Event::Ask(_) => {}
        }
    }

    /// What must come of a question now.
    pub fn outcome(&self, who: &str, asked: Asked) -> Outcome {
        let tenant = tenant_of(who);
        let granted = match self.good(self.granted.get(&(tenant, asked.needs())), true) {
            // A file of somebody's OneDrive is read by another permission, too.
            Outcome::Refused if asked == Asked::FileOfBob => Outcome::Either,
            said => said,
        };
        let facts = [
            granted,
            self.good(self.enabled.get(who), true),
            self.good(self.blocked.get(tenant), false),
            self.let_in(who),
            self.its_own(who, asked),
        ];
        if facts.contains(&Outcome::Refused) {
            return Outcome::Refused;
        }
        let signed_in = self.signed_in.get(who).copied().unwrap_or_default();
        let was_ended = self.ended.get(who).is_some_and(|ended| *ended >= signed_in);
        let rolls = self.rolled.iter().filter(|rolled| self.now - **rolled < KEYS_SETTLE).count();
        let is_served = facts.iter().all(|fact| *fact == Outcome::Served);
        if is_served && !was_ended && rolls <= ROLLS { Outcome::Served } else { Outcome::Either }
    }

    /// What one fact alone says. At the bound itself either may be.
    fn good(&self, since: Option<&Since>, good: bool) -> Outcome {
        match since {
            Some(since) if self.now - since.at <= self.bound => Outcome::Either,
            Some(since) if since.is == good => Outcome::Served,
            _ => Outcome::Refused,
        }
    }

    /// Whether somebody's application lets them in: everybody, or those who are assigned.
    fn let_in(&self, who: &str) -> Outcome {
        let everybody = self.good(self.required.get(tenant_of(who)), false);
        let group = if who == ALICE { self.good(Some(&self.assigned), true) } else { Outcome::Refused };
        match (everybody, group) {
            (Outcome::Served, _) | (_, Outcome::Served) => Outcome::Served,
            (Outcome::Refused, Outcome::Refused) => Outcome::Refused,
            _ => Outcome::Either,
        }
    }

    /// Whether it is theirs to see at all.
    fn its_own(&self, who: &str, asked: Asked) -> Outcome {
        match asked {
            Asked::MailOf(owner) if owner != who => Outcome::Refused,
            Asked::MailOf(ALICE) => match self.moved {
                Some(at) => self.good(Some(&Since { is: false, at }), true),
                None => Outcome::Served,
            },
            Asked::FileOfBob if who == BOB => Outcome::Served,
            Asked::FileOfBob if who == ALICE => self.good(Some(&self.shared), true),
            Asked::FileOfBob => Outcome::Refused,
            // A guest has neither mailbox nor calendar, and sees of the rest what was given to her.
            Asked::Profile => Outcome::Served,
            _ if who == GINA_GUEST => Outcome::Either,
            _ => Outcome::Served,
        }
    }
}
