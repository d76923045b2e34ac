//! Settings, System health: what `canopy check` looks at, for an agency's own people: the installation, and the agency's
//! own transports. What others said in their own words is shown of what the agency set up itself only.

use std::sync::Arc;

use askama::Template;

use crate::doctor::{self, Finding, Means, Subject, Verdict, Whose};
use crate::domain::role::Permission;
use crate::web::acting::{self, Acting};
use crate::web::error::{PageError, PageResult};
use crate::web::format::{self, When};
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html, see_other};
use crate::web::scope::Tab;

const PAGE: &str = "/settings/health";

#[derive(Template)]
#[template(path = "settings/health.html")]
struct HealthPage {
    shell: Shell,
    tabs: Vec<Tab>,
    run: Option<Looked>,
}

struct Looked {
    at: When,
    /// In a few words: "Everything is in order", "2 things fail".
    verdict: String,
    tone: &'static str,
    rows: Vec<Row>,
}

struct Row {
    subject: String,
    state: &'static str,
    label: &'static str,
    found: String,
    advice: String,
    detail: String,
}

impl Row {
    fn new(finding: &Finding) -> Self {
        let (state, label) = match finding.verdict {
            Verdict::Ok => ("active", "ok"),
            Verdict::Skip => ("off", "not checked"),
            Verdict::Warn => ("near", "warning"),
            Verdict::Fail => ("held", "fails"),
        };
        let mut subject = finding.subject.clone();
        if let Some(first) = subject.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let detail = if finding.own { finding.detail.clone() } else { String::new() };
        Self { subject, state, label, found: finding.found.clone(), advice: finding.advice.clone(), detail }
    }
}

/// Only an agency's own people.
fn require(acting: &Acting) -> Result<(), PageError> {
    acting.require(Permission::ManageSettings)?;
    if acting.account.parent_id.is_none() {
        return Ok(());
    }
    Err(acting::refused(acting.grant.as_ref()).saying("Your agency looks after this installation. Ask them."))
}

/// `GET /settings/health`
pub async fn show(acting: Acting) -> PageResult {
    require(&acting)?;
    let run = acting.app.health.last(acting.account.id).map(|run| {
        let mut findings: Vec<&Finding> = run.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        let (verdict, tone) = verdict(&run.findings);
        let at = When::new(run.at.naive_utc(), acting.now().naive_utc(), acting.time_zone());
        Looked { at, verdict, tone, rows: findings.into_iter().map(Row::new).collect() }
    });
    html(&HealthPage { shell: acting.shell("System health"), tabs: navigation::settings(&acting), run })
}

fn verdict(findings: &[Finding]) -> (String, &'static str) {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count() as u64;
    match (count(Verdict::Fail), count(Verdict::Warn)) {
        (0, 0) => ("Everything that was looked at is in order.".to_owned(), "good"),
        (0, warned) => (format!("{} to look at.", format::count(warned, "thing", "things")), "warn"),
        (failed, _) => (format!("{} to mend.", format::count(failed, "thing", "things")), "bad"),
    }
}

/// `POST /settings/health`: looks again.
pub async fn check(acting: Acting, _: Posted<Nothing>) -> PageResult {
    require(&acting)?;
    let (app, account) = (&acting.app, acting.account.id);
    let subject = Subject {
        // It reads the whole file: the command line does.
        integrity: None,
        config: app.config.clone(),
        db: Ok(Arc::clone(&app.db)),
        dns: Ok(app.dns.clone()),
        now: acting.now(),
        whose: Whose::Parent(account),
        probe_domain: None,
        means: Means::default(),
    };
    if !app.health.run(account, acting.now(), doctor::examine(subject)).await {
        acting.flash(&Flash::new(Tone::Warn, "Another check is under way. Try again in a moment."));
    }
    Ok(see_other(PAGE))
}
