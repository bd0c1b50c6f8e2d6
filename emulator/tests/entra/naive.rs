//! Whatever happens to a directory, in whatever order: no grant mints what a second, simple-minded reading of the rules refuses, and none
//! refuses what that allows.
//!
//! The model here shares no function with the issuer. It keeps a diary instead of counters, lists of names instead of objects, and
//! answers with a list of objections. Where it and the issuer differ, one of them is wrong.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use emulator::change::{Change, DirectoryChange, PasswordSetBy};
use emulator::directory::{GrantKey, Member, Password, Policy};
use emulator::entra::rules::IssuerRules;
use emulator::rules::Rules;
use emulator::{Options, State};
use fixtures::Plan;
use fixtures::access::Demand;
use fixtures::ids::{AppId, PolicyId, TenantId};
use fixtures::plan::Device;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::Value;

use crate::scene::*;

const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const APPS: [&str; 3] = [CLIENT, SERVER, GRAPH];
const TENANTS: [&str; 2] = ["contoso", "fabrikam"];
/// Handle and tenant; gina is a guest of contoso.
const PEOPLE: [&str; 6] =
    ["alice@contoso", "bob@contoso", "carol@contoso", "gina@contoso", "gina@fabrikam", "mallory@fabrikam"];
const GROUPS: [&str; 3] = ["leads", "finance", "pilot"];
const SCOPES: [&str; 3] = ["User.Read", "Mail.Read", "Mail.ReadBasic"];
const STEPS: usize = 70;

/// What may happen next. Numbers choose from the lists above, and from what was handed out so far.
#[derive(Debug, Clone, Copy)]
enum Step {
    SignIn { person: usize },
    Redeem { code: usize, tenant: usize, by_server: bool },
    Refresh { token: usize, tenant: usize, graph: bool },
    Exchange { token: usize, scopes: usize },
    Enable { person: usize, enabled: bool },
    Delete { person: usize },
    Restore { person: usize },
    Void { person: usize, how: usize },
    Device { person: usize, compliant: bool },
    Join { group: usize, person: usize, joins: bool },
    Nest { outer: usize, inner: usize, joins: bool },
    EnableApp { tenant: usize, app: usize, enabled: bool },
    RequireAssignment { tenant: usize, app: usize, required: bool },
    Assign { app: usize, member: usize, assigned: bool },
    DropApp { tenant: usize, app: usize },
    Grant { tenant: usize, pair: usize, person: Option<usize>, scope: usize, granted: bool },
    Policy { group: Option<usize>, app: usize, demand: usize, there: bool },
}

impl Step {
    /// Half of what happens is somebody who wants a token.
    fn of([kind, a, b, c]: [u8; 4]) -> Self {
        let [a, b, c] = [a, b, c].map(usize::from);
        let yes = c % 2 == 0;
        match kind % 32 {
            0..5 => Self::SignIn { person: a % PEOPLE.len() },
            5..10 => Self::Redeem { code: a, tenant: usize::from(b % 8 == 0), by_server: c % 8 == 0 },
            10..13 => Self::Refresh { token: a, tenant: usize::from(b % 8 == 0), graph: c % 3 == 0 },
            13..17 => Self::Exchange { token: a, scopes: b % 9 },
            17 => Self::Enable { person: a % PEOPLE.len(), enabled: c % 3 != 0 },
            18 if yes => Self::Delete { person: a % PEOPLE.len() },
            18 | 19 => Self::Restore { person: a % PEOPLE.len() },
            20 => Self::Void { person: a % PEOPLE.len(), how: b % 3 },
            21 => Self::Device { person: a % PEOPLE.len(), compliant: yes },
            22 => Self::Join { group: a % 3, person: b % 4, joins: yes },
            23 => Self::Nest { outer: a % 3, inner: b % 3, joins: yes },
            24 => Self::EnableApp { tenant: usize::from(b % 4 == 0), app: a % 3, enabled: c % 3 != 0 },
            25 => Self::RequireAssignment { tenant: usize::from(b % 4 == 0), app: a % 2, required: yes },
            26 => Self::Assign { app: a % 2, member: b % 7, assigned: c % 3 != 0 },
            27 if b % 4 == 0 => Self::DropApp { tenant: usize::from(c % 4 == 0), app: a % 2 },
            27..30 => Self::Grant {
                tenant: usize::from(b % 8 == 0),
                pair: a % 3,
                person: (b % 3 == 0).then_some(c % PEOPLE.len()),
                scope: b % 3,
                granted: c % 8 > 1,
            },
            _ => Self::Policy { group: (a % 4).checked_sub(1), app: b % 3, demand: c % 3, there: a % 8 < 3 },
        }
    }
}

/// The simple-minded reading.
#[derive(Default)]
struct Model {
    /// Closed accounts, and those in the recycle bin, by reference.
    disabled: BTreeSet<String>,
    deleted: BTreeSet<String>,
    compliant: BTreeSet<String>,
    /// What voided sign-ins: when, whose, how.
    diary: Vec<(usize, String, usize)>,
    /// Members of contoso's groups: references, and `group:NAME`.
    groups: BTreeMap<String, BTreeSet<String>>,
    /// Applications that are there, by tenant and id.
    there: BTreeSet<(String, String)>,
    off: BTreeSet<(String, String)>,
    picky: BTreeSet<(String, String)>,
    assigned: BTreeMap<(String, String), BTreeSet<String>>,
    /// Tenant, client, resource, person (or everybody), scope.
    grants: BTreeSet<(String, String, String, Option<String>, String)>,
    /// Of contoso: group (or everybody), application, demand.
    policies: BTreeSet<(Option<String>, String, usize)>,
    codes: Vec<Held>,
    refresh: Vec<Held>,
    access: Vec<Held>,
    now: usize,
}

/// Something that was handed out.
#[derive(Clone)]
struct Held {
    value: String,
    person: String,
    /// When its sign-in was.
    since: usize,
    /// The client it was handed to.
    client: &'static str,
    spent: bool,
}

fn tenant_of(person: &str) -> &str {
    person.split_once('@').map_or("", |(_, tenant)| tenant)
}

impl Model {
    fn of(plan: &Plan) -> Self {
        let mut model = Self::default();
        for tenant in plan.tenants.iter().filter(|tenant| TENANTS.contains(&tenant.name.as_str())) {
            let id = |name: &str| plan.registration(name).unwrap().app_id.to_string();
            model.there.insert((tenant.name.clone(), GRAPH.to_owned()));
            for row in &tenant.service_principals {
                model.there.insert((tenant.name.clone(), id(&row.app)));
            }
            for row in &tenant.grants {
                for scope in &row.scopes {
                    model.grants.insert((tenant.name.clone(), id(&row.client), id(&row.resource), None, scope.clone()));
                }
            }
            if tenant.name == "contoso" {
                for group in &tenant.groups {
                    let short = |member: &String| match member.strip_prefix("group:") {
                        Some(group) => format!("group:{}", group.split('@').next().unwrap()),
                        None => member.clone(),
                    };
                    model.groups.insert(group.name.clone(), group.members.iter().map(short).collect());
                }
            }
        }
        model
    }

    fn account(person: &str) -> &str {
        if person == "gina@contoso" { "gina@fabrikam" } else { person }
    }

    fn sits_in(&self, person: &str, group: &str, depth: usize) -> bool {
        let members = &self.groups[group];
        members.contains(person)
            || depth > 0
                && members
                    .iter()
                    .filter_map(|member| member.strip_prefix("group:"))
                    .any(|inner| self.sits_in(person, inner, depth - 1))
    }

    fn granted(&self, person: &str, client: &str, resource: &str) -> BTreeSet<String> {
        let tenant = tenant_of(person);
        self.grants
            .iter()
            .filter(|(at, from, to, whose, _)| {
                at == tenant && from == client && to == resource && whose.as_deref().is_none_or(|whose| whose == person)
            })
            .map(|(.., scope)| scope.clone())
            .collect()
    }

    /// Everything that speaks against a token; what it would carry, when nothing does. `kind`: 0 what a client with a secret kept, 1 all else.
    fn objections(
        &self,
        person: &str,
        since: usize,
        kind: usize,
        (client, resource): (&str, &str),
        wanted: Option<&BTreeSet<String>>,
    ) -> Result<BTreeSet<String>, Vec<String>> {
        let mut against = Vec::new();
        let tenant = tenant_of(person).to_owned();
        for who in [person, Self::account(person)] {
            if self.deleted.contains(who) || self.disabled.contains(who) {
                against.push(format!("{who} is closed"));
            }
        }
        for (when, whose, how) in &self.diary {
            let matters = *how != 1 || kind != 0;
            if *when >= since && whose == Self::account(person) && matters {
                against.push(format!("voided at {when} in way {how}"));
            }
        }
        for app in [client, resource] {
            let at = (tenant.clone(), app.to_owned());
            if !self.there.contains(&at) || self.off.contains(&at) {
                against.push(format!("{app} is not there, or off"));
            }
            if self.picky.contains(&at) {
                let list = self.assigned.get(&at).cloned().unwrap_or_default();
                let direct = list.contains(person);
                let by_group = list
                    .iter()
                    .filter_map(|member| member.strip_prefix("group:"))
                    .any(|group| tenant == "contoso" && self.groups[group].contains(person));
                if !direct && !by_group {
                    against.push(format!("not assigned to {app}"));
                }
            }
        }
        for (group, app, demand) in self.policies.iter().filter(|_| tenant == "contoso") {
            let applies =
                app == resource && group.as_ref().is_none_or(|group| self.sits_in(person, group, GROUPS.len()));
            // 0 blocks, 1 wants a second factor, which nobody here ever shows, 2 wants a device.
            if applies && (*demand < 2 || !self.compliant.contains(person)) {
                against.push(format!("policy: {demand}"));
            }
        }
        let granted = self.granted(person, client, resource);
        let carried = match wanted {
            None => granted.clone(),
            Some(wanted) => wanted.clone(),
        };
        if granted.is_empty() && wanted.is_none() || !carried.is_subset(&granted) {
            against.push(format!("not consented: {carried:?} of {granted:?}"));
        }
        if against.is_empty() { Ok(carried) } else { Err(against) }
    }
}

/// One run: the emulator and the model beside it.
struct Run<'a> {
    scene: &'a Scene,
    plan: &'a Plan,
    model: Model,
    attempts: usize,
    minted: usize,
}

impl Run<'_> {
    fn state(&self) -> &State {
        self.scene.running.state()
    }

    fn id(&self, tenant: &str) -> TenantId {
        self.plan.tenant(tenant).unwrap().id
    }

    fn member(&self, reference: &str) -> Member {
        if let Some(group) = reference.strip_prefix("group:") {
            let contoso = self.plan.tenant("contoso").unwrap();
            Member::Group(contoso.group(group).unwrap().id(contoso))
        } else {
            let (tenant, person) = self.plan.person(reference).unwrap();
            Member::User(person.id(tenant))
        }
    }

    /// Does it; whether it could be done.
    fn change(&self, tenant: &str, change: DirectoryChange) -> bool {
        self.state().apply(Change::directory(self.id(tenant), change)).is_ok()
    }

    async fn step(&mut self, step: Step) -> Result<(), String> {
        self.model.now += 1;
        match step {
            Step::SignIn { person } => self.sign_in(PEOPLE[person]).await,
            Step::Redeem { code, tenant, by_server } => self.redeem(code, tenant, by_server).await,
            Step::Refresh { token, tenant, graph } => self.refresh(token, tenant, graph).await,
            Step::Exchange { token, scopes } => self.exchange(token, scopes).await,
            other => {
                self.happen(other);
                Ok(())
            }
        }
    }

    async fn sign_in(&mut self, person: &str) -> Result<(), String> {
        let (tenant, row) = self.plan.person(person).unwrap();
        let answer = self.scene.authorize(&tenant.domain, &[("login_hint", &row.upn(tenant))]).await;
        let code = parameter(&answer, "code");
        let wanted = BTreeSet::from(["access_as_user".to_owned()]);
        let expected = self.model.objections(person, self.model.now, 1, (CLIENT, SERVER), Some(&wanted));
        self.agree(&format!("{person} signs in"), code.as_ref().map(|_| wanted), &expected)?;
        if let Some(value) = code {
            let held = Held { value, person: person.to_owned(), since: self.model.now, client: CLIENT, spent: false };
            self.model.codes.push(held);
        }
        Ok(())
    }

    async fn redeem(&mut self, code: usize, tenant: usize, by_server: bool) -> Result<(), String> {
        let count = self.model.codes.len();
        if count == 0 {
            return Ok(());
        }
        let held = self.model.codes[code % count].clone();
        let home = usize::from(tenant_of(&held.person) == TENANTS[1]);
        let at = TENANTS[(home + tenant) % 2];
        // The server asks for what it would get for a code of its own.
        let of_server =
            [("client_id", SERVER), ("client_secret", SECRET), ("scope", "https://graph.microsoft.com/User.Read")];
        let secret: &[(&str, &str)] = if by_server { &of_server } else { &[] };
        let answer = self.scene.redeem(&self.plan.tenant(at).unwrap().domain, &held.value, secret).await;
        let fits = at == tenant_of(&held.person) && !by_server && !held.spent;
        let wanted = BTreeSet::from(["access_as_user".to_owned()]);
        let expected = if fits {
            self.model.codes[code % count].spent = true;
            self.model.objections(&held.person, held.since, 1, (CLIENT, SERVER), Some(&wanted))
        } else {
            Err(vec!["the code does not fit".to_owned()])
        };
        self.minted(&format!("code of {} at {at}", held.person), answer, &held, CLIENT, &expected).await
    }

    async fn refresh(&mut self, token: usize, tenant: usize, graph: bool) -> Result<(), String> {
        let count = self.model.refresh.len();
        if count == 0 {
            return Ok(());
        }
        let held = self.model.refresh[token % count].clone();
        let home = usize::from(tenant_of(&held.person) == TENANTS[1]);
        let at = TENANTS[(home + tenant) % 2];
        let (resource, scope, wanted) = if graph {
            (GRAPH, "https://graph.microsoft.com/User.Read", "User.Read")
        } else {
            (SERVER, ACCESS, "access_as_user")
        };
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", held.client),
            ("refresh_token", held.value.as_str()),
            ("scope", scope),
        ];
        if held.client == SERVER {
            form.push(("client_secret", SECRET));
        }
        let answer = self.scene.token(&self.plan.tenant(at).unwrap().domain, &form).await;
        let kind = usize::from(held.client != SERVER);
        let wanted = BTreeSet::from([wanted.to_owned()]);
        let expected = if at == tenant_of(&held.person) {
            self.model.objections(&held.person, held.since, kind, (held.client, resource), Some(&wanted))
        } else {
            Err(vec!["another tenant's".to_owned()])
        };
        self.minted(&format!("refresh of {} at {at}", held.person), answer, &held, resource, &expected).await
    }

    async fn exchange(&mut self, token: usize, scopes: usize) -> Result<(), String> {
        let count = self.model.access.len();
        if count == 0 {
            return Ok(());
        }
        let held = self.model.access[token % count].clone();
        let wanted: Option<BTreeSet<String>> = match scopes {
            0 | 1 => None,
            bits => Some((0..3).filter(|at| (bits - 1) & (1 << at) != 0).map(|at| SCOPES[at].to_owned()).collect()),
        };
        let scope = match &wanted {
            None => "https://graph.microsoft.com/.default".to_owned(),
            Some(wanted) => {
                wanted.iter().map(|scope| format!("https://graph.microsoft.com/{scope}")).collect::<Vec<_>>().join(" ")
            }
        };
        if scope.is_empty() {
            return Ok(());
        }
        let scope = format!("{scope} offline_access");
        let domain = &self.plan.tenant(tenant_of(&held.person)).unwrap().domain;
        let answer = self.scene.exchange(domain, &held.value, &[("scope", &scope)]).await;
        let expected = self.model.objections(&held.person, held.since, 1, (SERVER, GRAPH), wanted.as_ref());
        let held = Held { client: SERVER, ..held };
        self.minted(&format!("exchange for {}", held.person), answer, &held, GRAPH, &expected).await
    }

    /// Compares an answer of the token endpoint, and keeps what it handed out.
    async fn minted(
        &mut self,
        what: &str,
        answer: reqwest::Response,
        held: &Held,
        resource: &str,
        expected: &Result<BTreeSet<String>, Vec<String>>,
    ) -> Result<(), String> {
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.map_err(|error| error.to_string())?;
        let carried = body["access_token"].as_str().map(|token| {
            let claims = claims(token);
            claims["scp"].as_str().unwrap_or_default().split(' ').map(str::to_owned).collect::<BTreeSet<_>>()
        });
        if status != 200 && !(400..=401).contains(&status) {
            return Err(format!("{what}: {status}"));
        }
        if let (None, Err(_)) = (&carried, expected) {
            self.attempts += 1;
            return Ok(());
        }
        self.agree(&format!("{what}: {body}"), carried, expected)?;
        self.minted += 1;
        let keep = |value: &Value| Held { value: value.as_str().unwrap_or_default().to_owned(), ..held.clone() };
        if body["refresh_token"].is_string() {
            self.model.refresh.push(keep(&body["refresh_token"]));
        }
        if resource == CLIENT || resource == SERVER {
            self.model.access.push(keep(&body["access_token"]));
        }
        Ok(())
    }

    fn agree(
        &mut self,
        what: &str,
        carried: Option<BTreeSet<String>>,
        expected: &Result<BTreeSet<String>, Vec<String>>,
    ) -> Result<(), String> {
        const SIGN_IN: [&str; 4] = ["openid", "profile", "email", "offline_access"];
        let plain = |scopes: &BTreeSet<String>| -> BTreeSet<String> {
            scopes.iter().filter(|scope| !SIGN_IN.contains(&scope.as_str())).cloned().collect()
        };
        self.attempts += 1;
        match (carried, expected) {
            (Some(carried), Ok(expected)) if plain(&carried) == plain(expected) => Ok(()),
            (None, Err(_)) => Ok(()),
            (carried, expected) => Err(format!("{what}: the issuer says {carried:?}, the model {expected:?}")),
        }
    }

    /// A change, to both.
    fn happen(&mut self, step: Step) {
        let user = |reference: &str| match self.member(reference) {
            Member::User(id) => id,
            Member::Group(_) => unreachable!("a person"),
        };
        let app_id = |app: usize| -> AppId { APPS[app].parse().unwrap() };
        let at = |tenant: usize, app: usize| (TENANTS[tenant].to_owned(), APPS[app].to_owned());
        match step {
            Step::Enable { person, enabled } => {
                let who = PEOPLE[person];
                if self.change(tenant_of(who), DirectoryChange::EnableUser { user: user(who), enabled }) {
                    set(&mut self.model.disabled, who, !enabled);
                }
            }
            Step::Delete { person } => {
                let who = PEOPLE[person];
                if self.change(tenant_of(who), DirectoryChange::DeleteUser { user: user(who) }) {
                    self.model.deleted.insert(who.to_owned());
                }
            }
            Step::Restore { person } => {
                let who = PEOPLE[person];
                if self.change(tenant_of(who), DirectoryChange::RestoreUser { user: user(who) }) {
                    self.model.deleted.remove(who);
                }
            }
            Step::Void { person, how } => {
                let who = PEOPLE[person];
                let password = || Password::new("another");
                let change = match how {
                    0 => DirectoryChange::RevokeSessions { user: user(who) },
                    1 => {
                        DirectoryChange::SetPassword { user: user(who), password: password(), by: PasswordSetBy::User }
                    }
                    _ => DirectoryChange::SetPassword {
                        user: user(who),
                        password: password(),
                        by: PasswordSetBy::Administrator,
                    },
                };
                if self.change(tenant_of(who), change) {
                    self.model.diary.push((self.model.now, who.to_owned(), how));
                }
            }
            Step::Device { person, compliant } => {
                let who = PEOPLE[person];
                let device = if compliant { Device::Compliant } else { Device::Registered };
                if self.change(tenant_of(who), DirectoryChange::SetDevice { user: user(who), device }) {
                    set(&mut self.model.compliant, who, compliant);
                }
            }
            Step::Join { group, person, joins } => self.member_of(GROUPS[group], PEOPLE[person].to_owned(), joins),
            Step::Nest { outer, inner, joins } if outer != inner => {
                self.member_of(GROUPS[outer], format!("group:{}", GROUPS[inner]), joins);
            }
            Step::EnableApp { tenant, app, enabled } => {
                let change = DirectoryChange::EnableServicePrincipal { app: app_id(app), enabled };
                if self.change(TENANTS[tenant], change) {
                    set(&mut self.model.off, at(tenant, app), !enabled);
                }
            }
            Step::RequireAssignment { tenant, app, required } => {
                let change = DirectoryChange::RequireAssignment { app: app_id(app), required };
                if self.change(TENANTS[tenant], change) {
                    set(&mut self.model.picky, at(tenant, app), required);
                }
            }
            Step::Assign { app, member, assigned } => self.assign(app, member, assigned),
            Step::DropApp { tenant, app } => {
                if self.change(TENANTS[tenant], DirectoryChange::RemoveServicePrincipal { app: app_id(app) }) {
                    let at = at(tenant, app);
                    self.model.there.remove(&at);
                    self.model.off.remove(&at);
                    self.model.picky.remove(&at);
                    self.model.assigned.remove(&at);
                    self.model
                        .grants
                        .retain(|(where_, from, to, ..)| *where_ != at.0 || (*from != at.1 && *to != at.1));
                }
            }
            Step::Grant { tenant, pair, person, scope, granted } => self.grant(tenant, pair, person, scope, granted),
            Step::Policy { group, app, demand, there } => self.policy(group, app, demand, there),
            // A group in itself; and what is no change.
            Step::Nest { .. }
            | Step::SignIn { .. }
            | Step::Redeem { .. }
            | Step::Refresh { .. }
            | Step::Exchange { .. } => {}
        }
    }

    fn assign(&mut self, app: usize, member: usize, assigned: bool) {
        let name = match member {
            0..4 => PEOPLE[member].to_owned(),
            group => format!("group:{}", GROUPS[group - 4]),
        };
        let (app_id, member): (AppId, Member) = (APPS[app].parse().unwrap(), self.member(&name));
        let change = if assigned {
            DirectoryChange::Assign { app: app_id, member }
        } else {
            DirectoryChange::Unassign { app: app_id, member }
        };
        if self.change("contoso", change) {
            let at = (TENANTS[0].to_owned(), APPS[app].to_owned());
            set(self.model.assigned.entry(at).or_default(), name, assigned);
        }
    }

    fn member_of(&mut self, group: &str, who: String, joins: bool) {
        let Member::Group(id) = self.member(&format!("group:{group}")) else { return };
        let member = self.member(&who);
        let change = if joins {
            DirectoryChange::AddMember { group: id, member }
        } else {
            DirectoryChange::RemoveMember { group: id, member }
        };
        if self.change("contoso", change) {
            set(self.model.groups.get_mut(group).unwrap(), who, joins);
        }
    }

    fn grant(&mut self, tenant: usize, pair: usize, person: Option<usize>, scope: usize, granted: bool) {
        let (client, resource, scope) = match pair {
            0 => (CLIENT, SERVER, "access_as_user"),
            1 => (SERVER, GRAPH, SCOPES[scope]),
            _ => (CLIENT, GRAPH, "User.Read"),
        };
        // A person of another directory grants nothing here.
        let person = person.map(|person| PEOPLE[person]).filter(|person| tenant_of(person) == TENANTS[tenant]);
        let principal = person.map(|person| match self.member(person) {
            Member::User(id) => id,
            Member::Group(_) => unreachable!("a person"),
        });
        let key = GrantKey { client: client.parse().unwrap(), resource: resource.parse().unwrap(), principal };
        let scopes = BTreeSet::from([scope.to_owned()]);
        let change = if granted {
            DirectoryChange::Consent { grant: key, scopes }
        } else {
            DirectoryChange::Revoke { grant: key, scopes: Some(scopes) }
        };
        if self.change(TENANTS[tenant], change) {
            let at = |app: &str| (TENANTS[tenant].to_owned(), app.to_owned());
            if granted {
                self.model.there.extend([at(client), at(resource)]);
            }
            let row = (
                TENANTS[tenant].to_owned(),
                client.to_owned(),
                resource.to_owned(),
                person.map(str::to_owned),
                scope.to_owned(),
            );
            set(&mut self.model.grants, row, granted);
        }
    }

    fn policy(&mut self, group: Option<usize>, app: usize, demand: usize, there: bool) {
        let name = format!("{group:?} {app} {demand}");
        let id = PolicyId::derived(&name);
        let change = if there {
            DirectoryChange::PutPolicy(Box::new(Policy {
                id,
                name,
                enabled: true,
                include: group.map(|group| self.member(&format!("group:{}", GROUPS[group]))).into_iter().collect(),
                exclude: BTreeSet::new(),
                resources: BTreeSet::from([APPS[app].parse().unwrap()]),
                contexts: BTreeSet::new(),
                locations: BTreeSet::new(),
                except_locations: BTreeSet::new(),
                demands: vec![[Demand::Block, Demand::SecondFactor, Demand::CompliantDevice][demand]],
            }))
        } else {
            DirectoryChange::RemovePolicy { policy: id }
        };
        if self.change("contoso", change) {
            let row = (group.map(|group| GROUPS[group].to_owned()), APPS[app].to_owned(), demand);
            set(&mut self.model.policies, row, there);
        }
    }
}

fn set<T: Ord>(all: &mut BTreeSet<T>, one: impl Into<T>, is_in: bool) {
    if is_in {
        all.insert(one.into());
    } else {
        all.remove(&one.into());
    }
}

/// Runs random histories against an issuer with these rules: how many requests were compared and how many tokens minted, or the first
/// history in which issuer and model differ.
fn compare(issuer: IssuerRules, cases: u32, shrink: u32) -> Result<(usize, usize), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let plan = Plan::embedded().unwrap();
    let options = Options { rules: Rules { issuer, ..Rules::STRICT }, ..Options::default() };
    let scene = runtime.block_on(scene_of(plan.clone(), options));
    let config = Config { cases, max_shrink_iters: shrink, failure_persistence: None, ..Config::default() };
    let totals = RefCell::new((0, 0));
    let history = vec(any::<[u8; 4]>(), STEPS);
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let outcome = runner.run(&history, |history| {
        scene.running.state().reset();
        let mut run = Run { scene: &scene, plan: &plan, model: Model::of(&plan), attempts: 0, minted: 0 };
        for step in history.into_iter().map(Step::of) {
            runtime
                .block_on(run.step(step))
                .map_err(|difference| TestCaseError::fail(format!("{step:?}: {difference}")))?;
        }
        let mut totals = totals.borrow_mut();
        *totals = (totals.0 + run.attempts, totals.1 + run.minted);
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(totals.into_inner()),
        Err(TestError::Fail(reason, history)) => {
            let told: Vec<_> = history.into_iter().map(|step| format!("{:?}", Step::of(step))).collect();
            Err(format!("{reason}\nafter\n{}", told.join("\n")))
        }
        Err(TestError::Abort(reason)) => Err(reason.to_string()),
    }
}

#[test]
fn issuer_and_model_agree_about_every_history() {
    let (attempts, minted) = compare(IssuerRules::STRICT, 300, 200).unwrap_or_else(|difference| panic!("{difference}"));
    // A comparison in which hardly anything succeeds, or is tried, says little.
    assert!(attempts > 6_000 && minted > 1_000, "{attempts} requests, {minted} tokens");
}

#[test]
fn a_careless_issuer_is_caught_whichever_rule_it_forgets() {
    let strict = IssuerRules::STRICT;
    let careless: [(&str, IssuerRules); 8] = [
        ("account", IssuerRules { account: |_| Ok(()), ..strict }),
        ("voided", IssuerRules { voided: |_, _| None, ..strict }),
        ("switched on", IssuerRules { switched_on: |_| true, ..strict }),
        ("assigned", IssuerRules { assigned: |_, _, _, _| true, ..strict }),
        (
            "assigned through nested groups",
            IssuerRules {
                assigned: |directory, user, app, _| {
                    let groups = directory.groups_of(user.id);
                    app.assigned_users.contains(&user.id) || !app.assigned_groups.is_disjoint(&groups)
                },
                ..strict
            },
        ),
        (
            "consented",
            IssuerRules {
                consented: |directory, question| {
                    Ok(match question.requested {
                        emulator::directory::Requested::Named(named) => named.clone(),
                        emulator::directory::Requested::Everything => {
                            directory.granted(question.client.app_id, question.resource.app_id, question.user)
                        }
                    })
                },
                ..strict
            },
        ),
        ("access", IssuerRules { access: |_, _, _, _| Ok(emulator::directory::Conditions::default()), ..strict }),
        ("tenant binding", IssuerRules { tenant_binding: |_, _| true, ..strict }),
    ];
    for (name, rules) in careless {
        assert!(compare(rules, 600, 0).is_err(), "an issuer without `{name}` is like a careful one");
    }
}
