//! Two agencies with clients, and one of each thing that an address can name.

use canopy::actions::accept_message::Outcome;
use canopy::actions::create_saved_view::{Keeper, NewView, create_saved_view};
use canopy::actions::create_smtp_credential::{NewSmtpCredential, create_smtp_credential};
use canopy::actions::create_transport::create_transport;
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::key_grant::KeyHolder;
use canopy::actions::transport_changes::TransportChanges;
use canopy::domain::ids::Id;
use canopy::domain::text::{CredentialName, TransportName, ViewName};
use canopy::domain::transport::TransportKind;
use canopy::models::jobs::{self, Job};
use canopy::models::{api_keys, audit};

use crate::support::app::{Agency, Client, TestApp};

/// Text that is in the names of everything of the other agency, and of nothing of the own one.
pub const MARK: &str = "elmzebra";
/// An id that is none.
pub const MALFORMED: &str = "not-an-id-zz9";

/// What one account has that an address can name.
#[derive(Clone)]
pub struct Things {
    pub account: Id,
    pub key: Id,
    /// For SMTP.
    pub credential: Id,
    pub domain: String,
    pub message: Id,
    pub user: Id,
    pub job: Id,
    /// Of its agency.
    pub transport: Id,
    /// A saved view of the agency's owner; of the sibling and of others, what somebody else keeps for themselves.
    pub view: Id,
}

pub struct World {
    pub agency: Agency,
    pub own: Client,
    pub sibling: Client,
    pub deleted: Client,
    pub other: Agency,
    pub foreign: Client,
    pub things: Things,
    pub sibling_things: Things,
    pub foreign_things: Things,
}

impl World {
    pub async fn new(app: &TestApp) -> Self {
        let (agency, other) = (app.agency("Oak").await, app.agency(MARK).await);
        let (own, sibling) = (app.client(&agency, "oakone", 0).await, app.client(&agency, "oaktwo", 0).await);
        let deleted = app.client(&agency, "oakgone", 0).await;
        let foreign = app.client(&other, MARK, 0).await;
        let (parent, child) = (agency.id, deleted.id);
        app.write(move |conn, cx| delete_sub_account(conn, cx, parent, child).map(drop)).await;
        let colleague = app.member(agency.id, "colleague@oak.example", "administrator").await;
        let things = things(app, &own, agency.id, agency.owner, "own").await;
        let sibling_things = things_of_sibling(app, &sibling, agency.id, colleague).await;
        let foreign_things = things_of_foreign(app, &foreign, other.id, other.owner).await;
        Self { agency, own, sibling, deleted, other, foreign, things, sibling_things, foreign_things }
    }

    /// What both chains say was done, but for signing in and out: unchanged while nothing was changed.
    pub async fn heads(&self, app: &TestApp) -> Vec<(Id, Vec<String>)> {
        app.read(|conn| {
            let filter = audit::Filter { hidden: &["user.sign_"], ..audit::Filter::default() };
            let mut all = Vec::new();
            for audit::Head { root_id: root, .. } in audit::heads(conn)? {
                let entries = audit::page(conn, root, &filter, None, true, 100_000)?;
                all.push((root, entries.into_iter().map(|entry| entry.action).collect()));
            }
            Ok(all)
        })
        .await
    }
}

async fn things_of_sibling(app: &TestApp, client: &Client, root: Id, colleague: Id) -> Things {
    things(app, client, root, colleague, "sibling").await
}

async fn things_of_foreign(app: &TestApp, client: &Client, root: Id, owner: Id) -> Things {
    things(app, client, root, owner, MARK).await
}

async fn things(app: &TestApp, client: &Client, root: Id, keeper: Id, label: &str) -> Things {
    let to = format!("{label}@reader.example");
    let accepted = app.accept(client, &[&to]).await.expect("accepted");
    let Outcome::Queued { id: message } = accepted.entries[0].outcome else { panic!("it is queued") };
    let user = app.member(client.id, &format!("{label}@member.example"), "administrator").await;
    let (account, title) = (client.id, label.to_owned());
    let services = app.app.services.clone();
    let (key, credential, job, transport, view) = app
        .write(move |conn, cx| {
            let key = api_keys::page(conn, account, None, false, 1)?.first().expect("a key").id;
            let new = NewSmtpCredential {
                name: CredentialName::parse(&format!("{title} program")).expect("a name"),
                sandbox: false,
                domains: None,
            };
            let credential = create_smtp_credential(conn, cx, KeyHolder::Own(account), &new)?.credential.id;
            let job = Job {
                id: Id::new(cx.now),
                account_id: root,
                user_id: None,
                kind: "lift".into(),
                title: title.clone(),
                payload: "{}".into(),
                state: "done".into(),
                total: 0,
                done: 0,
                failed: 0,
                created_at: cx.at(),
                updated_at: cx.at(),
                finished_at: Some(cx.at()),
            };
            jobs::insert(conn, &job, &[])?;
            let new = TransportChanges {
                name: Some(TransportName::parse(&format!("{title} transport")).expect("a name")),
                kind: Some(TransportKind::Mailbox),
                ..TransportChanges::default()
            };
            let transport = create_transport(conn, cx, &services, root, &new)?.id;
            let keeper = Keeper { account: root, user: keeper, shares: false };
            let name = ViewName::parse(&format!("{title} view")).expect("a name");
            let new = NewView { name, shared: false, query: format!("q={title}") };
            let view = create_saved_view(conn, cx, keeper, &new)?.id;
            Ok((key, credential, job.id, transport, view))
        })
        .await;
    Things { account, key, credential, domain: client.domain.clone(), message, user, job, transport, view }
}
