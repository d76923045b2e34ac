//! Submits the table's cases one after another, and counts what the audit has after each.

use canopy::actions::accept_message::Outcome;
use canopy::actions::bulk_run::run_jobs_once;
use canopy::actions::share_domain::share_token;
use canopy::domain::ids::Id;
use canopy::models::audit::{self, Entry};
use canopy::models::{api_keys, domains, jobs, memberships, saved_views, smtp_credentials, transports};
use chrono::TimeDelta;

use super::{Case, FIRST, Who, Writes, cases};
use crate::isolation::world::World;
use crate::support::app::{PASSWORD, TestApp};
use crate::support::visitor::{Page, Visitor};
use crate::web::links::mailed_link;

/// What one submission came to.
pub struct Told {
    pub path: &'static str,
    pub expected: Writes,
    pub status: u16,
    pub page: String,
    pub entries: Vec<Entry>,
}

impl Told {
    /// What is wrong with it, if anything.
    pub fn fault(&self) -> Option<String> {
        let taken = matches!(self.status, 200 | 303);
        let refused = matches!(self.status, 403 | 404);
        let as_expected = if matches!(self.expected, Writes::Refused(_)) { refused } else { taken };
        if as_expected && self.entries.len() == self.expected.entries() {
            return None;
        }
        let actions: Vec<&str> = self.entries.iter().map(|entry| entry.action.as_str()).collect();
        let said = self.page.split("<main").nth(1).unwrap_or(&self.page);
        let said: String = said.chars().take(1500).collect();
        Some(format!("{}: {}, {actions:?} for {:?}: {said}", self.path, self.status, self.expected))
    }
}

struct Walk<'a> {
    app: &'a TestApp,
    world: World,
    owner: Visitor,
    client: Visitor,
    /// Sent with every form that has no field of the name.
    extra: &'a [(String, &'static str)],
}

/// Every case, in order, from an empty installation on; `extra` fields go with each.
pub async fn told(app: &TestApp, extra: &[(String, &'static str)]) -> Vec<Told> {
    let link = app.write(canopy::actions::set_up::offer).await.expect("an empty database");
    let first = submitted(app, &Visitor::new(app), &FIRST, &format!("/setup/{}", link.as_str()), extra, &[]).await;
    let world = World::new(app).await;
    let owner = Visitor::signed_in(app, &world.agency.email).await;
    for _ in 0..2 {
        Visitor::signed_in(app, &world.agency.email).await;
    }
    let client = Visitor::signed_in(app, "own@member.example").await;
    let walk = Walk { app, world, owner, client, extra };
    let mut all = vec![first];
    for case in cases() {
        all.push(walk.submit(case).await);
    }
    all
}

impl Walk<'_> {
    async fn submit(&self, case: &Case) -> Told {
        let stranger = Visitor::new(self.app);
        let visitor = match case.who {
            Who::Owner => &self.owner,
            Who::Client => &self.client,
            Who::Stranger => &stranger,
        };
        let path = self.filled(case, case.path).await;
        let mut fields = Vec::new();
        for (name, value) in case.fields {
            fields.push((*name, self.filled(case, value).await));
        }
        submitted(self.app, visitor, case, &path, self.extra, &fields).await
    }

    /// A text with the name in it filled in: the newest of its kind that the account has.
    async fn filled(&self, case: &Case, text: &str) -> String {
        let mut text = text.to_owned();
        while let Some((before, rest)) = text.clone().split_once('{') {
            let (name, after) = rest.split_once('}').expect("a name ends");
            text = format!("{before}{}{after}", self.value(case, name).await);
        }
        text
    }

    /// Whose things a case is about.
    fn account(&self, case: &Case) -> Id {
        let own = case.who == Who::Client || case.path.contains("{id}") || case.path == "/queue";
        if own { self.world.own.id } else { self.world.agency.id }
    }

    async fn value(&self, case: &Case, name: &str) -> String {
        match name {
            "id" => self.world.own.id.to_string(),
            "agency" => self.world.agency.id.to_string(),
            "once" => Id::new(self.app.app.clock.now()).to_string(),
            "password" => PASSWORD.to_owned(),
            "day" => (self.app.app.clock.now() + TimeDelta::days(9)).format("%Y-%m-%d").to_string(),
            "plan" => self.owner.get("/settings/plan").await.hidden("plan"),
            "session" => self.owner.get("/settings/sessions").await.hidden("session"),
            "message" => self.message().await,
            "token" => self.token(case).await,
            _ => self.newest(case, name).await,
        }
    }

    async fn newest(&self, case: &Case, name: &str) -> String {
        let (account, agency, owner) = (self.account(case), self.world.agency.id, self.world.agency.owner);
        let name = name.to_owned();
        let found = self.app.read(move |conn| {
            Ok(match name.as_str() {
                "key" => api_keys::page(conn, account, None, false, 1)?.first().map(|row| row.id.to_string()),
                "credential" => {
                    smtp_credentials::page(conn, account, None, (None, false), 1)?.first().map(|row| row.id.to_string())
                }
                "member" => memberships::of_account(conn, account)?.last().map(|(_, user)| user.id.to_string()),
                "domain" => domains::all(conn, account)?.last().map(|row| row.name.clone()),
                "transport" => transports::all(conn, agency)?.iter().map(|row| row.id).max().map(|id| id.to_string()),
                "view" => {
                    saved_views::own(conn, agency, owner)?.iter().map(|row| row.id).max().map(|id| id.to_string())
                }
                other => panic!("the table has a name that the walk does not know: {other}"),
            })
        });
        found.await.expect("there is one")
    }

    /// One that waits.
    async fn message(&self) -> String {
        let accepted = self.app.accept(&self.world.own, &["waits@reader.example"]).await.expect("accepted");
        match &accepted.entries[0].outcome {
            Outcome::Queued { id } => id.to_string(),
            other => panic!("it is queued: {other:?}"),
        }
    }

    async fn token(&self, case: &Case) -> String {
        let mailed = match case.path {
            "/reset/{token}" => Some(("colleague@oak.example", "/reset/")),
            "/invite/{token}" => Some(("new@oak.example", "/invite/")),
            _ => None,
        };
        if let Some((email, place)) = mailed {
            return mailed_link(self.app, email, place).await.expect("a mail").replace(place, "");
        }
        let (own, services) = (self.world.own.id, self.app.app.services.clone());
        let token = self.app.read(move |conn| {
            let newest = domains::all(conn, own)?.pop().expect("a domain");
            share_token(&services, &newest)
        });
        token.await.expect("it is shared")
    }
}

/// Sends it, says yes to what was understood, does what it started, and reads what was written meanwhile.
async fn submitted(
    app: &TestApp,
    visitor: &Visitor,
    case: &Case,
    path: &str,
    extra: &[(String, &'static str)],
    fields: &[(&str, String)],
) -> Told {
    let given: Vec<(&str, &str)> = if fields.is_empty() {
        case.fields.to_vec()
    } else {
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
    };
    let more = extra.iter().filter(|(name, _)| given.iter().all(|(given, _)| given != name));
    let mut all: Vec<(&str, &str)> =
        given.iter().copied().chain(more.map(|(name, value)| (name.as_str(), *value))).collect();
    let before = entries(app).await.len();
    let mut page = visitor.fill(path, &all).await;
    let understood = page.hidden("understood");
    if page.status == 200 && !understood.is_empty() {
        all.retain(|(name, _)| *name != "understood");
        all.push(("understood", &understood));
        page = visitor.fill(path, &all).await;
    }
    done(app, &page).await;
    let entries = entries(app).await.split_off(before);
    Told { path: case.path, expected: case.writes, status: page.status, page: page.html, entries }
}

/// Runs the job that a form led to.
async fn done(app: &TestApp, page: &Page) {
    let Some(id) = page.location.strip_prefix("/jobs/").and_then(|id| id.parse::<Id>().ok()) else { return };
    loop {
        let node = std::sync::Arc::clone(&app.app);
        let run = tokio::task::spawn_blocking(move || run_jobs_once(&node.db, &node.cx("jobs"), &node.services));
        run.await.expect("it ends").expect("the database answers");
        let found = app.read(move |conn| {
            let roots = audit::heads(conn)?;
            let found: Vec<_> =
                roots.iter().map(|head| jobs::find(conn, head.root_id, id)).collect::<Result<Vec<_>, _>>()?;
            Ok(found.into_iter().flatten().any(|job| job.finished_at.is_some()))
        });
        if found.await {
            return;
        }
    }
}

/// All that was ever written, in the order of its time.
async fn entries(app: &TestApp) -> Vec<Entry> {
    app.read(|conn| {
        let mut all = Vec::new();
        for head in audit::heads(conn)? {
            all.extend(audit::page(conn, head.root_id, &audit::Filter::default(), None, true, 100_000)?);
        }
        all.sort_by_key(|entry| (entry.at, entry.root_id, entry.seq));
        Ok(all)
    })
    .await
}
