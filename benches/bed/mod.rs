//! What every benchmark stands on: a program in this process over a fresh database, with clients ready to send.
//! `CANOPY_BENCH_DATABASE_URL` names an empty PostgreSQL database; without it a SQLite file in a temporary folder.

use std::sync::Arc;
use std::time::Instant;

use canopy::actions::accept_message::{Prepared, PreparedEntry};
use canopy::actions::create_sub_account::{NewSubAccount, create_sub_account};
use canopy::actions::{ActionResult, Cx};
use canopy::app::App;
use canopy::clock::Clock;
use canopy::config::{Config, Settings};
use canopy::dns::{Dns, ZoneMap};
use canopy::domain::cap::MonthlyCap;
use canopy::domain::ids::Id;
use canopy::domain::text::AccountName;
use canopy::domain::website::Website;
use canopy::models::accounts::{self, Account};
use canopy::models::domains::{self, Domain};
use canopy::secrets::{DkimKey, SecretKeys};

/// A running program and its clients.
pub struct Bed {
    pub app: Arc<App>,
    pub clients: Vec<Id>,
    folder: std::path::PathBuf,
}

impl Bed {
    /// A parent with `clients` sub accounts, each with a verified domain.
    pub fn new(clients: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("canopy-bench-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let mut settings = Settings::default();
        let file = format!("sqlite://{}", folder.join("bench.db").display());
        settings.set("database_url", std::env::var("CANOPY_BENCH_DATABASE_URL").unwrap_or(file));
        settings.set("data_dir", folder.display().to_string());
        settings.set("secret_key", SecretKeys::generate().1);
        let config = Config::from_settings(&settings).expect("the options are right");
        let app = App::start(config, Clock::default(), Dns::zone(ZoneMap::default())).expect("the program starts");
        let cx = Cx::system(app.clock.now(), "bench");
        let key = DkimKey::generate();
        let sealed = app.services.secrets.seal("dkim", &key.to_pkcs8_der());
        let clients =
            app.db.write(|conn| seed(conn, &cx, clients, &sealed, &key.public_base64())).expect("the seed is written");
        Self { app, clients, folder }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // What is left lies in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn seed(
    conn: &mut canopy::models::AnyConnection,
    cx: &Cx,
    clients: usize,
    sealed: &[u8],
    public: &str,
) -> ActionResult<Vec<Id>> {
    let parent = Account::new(Id::new(cx.now), None, "Bench", "bench.example", cx.at());
    accounts::insert(conn, &parent)?;
    let mut ids = Vec::with_capacity(clients);
    for number in 0..clients {
        let name = format!("client{number}");
        let new = NewSubAccount {
            name: AccountName::parse(&name).expect("a name"),
            website: Website::parse(&format!("{name}.example")).expect("a website"),
            cap: MonthlyCap::NONE,
            external_id: None,
            tags: Vec::new(),
        };
        let account = create_sub_account(conn, cx, parent.id, &new)?;
        domains::insert(conn, &domain(cx, account.id, &format!("{name}.example"), sealed, public))?;
        ids.push(account.id);
    }
    Ok(ids)
}

fn domain(cx: &Cx, account_id: Id, name: &str, sealed: &[u8], public: &str) -> Domain {
    Domain {
        id: Id::new(cx.now),
        account_id,
        name: name.into(),
        dkim_selector: None,
        active_selector: "canopy".into(),
        dkim_private_sealed: sealed.to_vec(),
        dkim_public: public.into(),
        tracking_subdomain: None,
        return_path_subdomain: None,
        subscription_subdomain: None,
        media_subdomain: None,
        dkim_rotation_interval_days: None,
        dsn_recipient: None,
        record_states: "{}".into(),
        verified_at: Some(cx.at()),
        last_check_at: Some(cx.at()),
        next_check_at: (cx.now + chrono::TimeDelta::days(1)).naive_utc(),
        failed_checks: 0,
        share_digest: None,
        share_sealed: None,
        created_at: cx.at(),
        updated_at: cx.at(),
        deleted_at: None,
    }
}

/// A message of 2 KiB to one recipient from client `number`.
pub fn message(bed: &Bed, number: usize) -> Prepared {
    let number = number % bed.clients.len();
    let from = serde_json::json!({ "address": format!("hello@client{number}.example"), "name": null });
    let payload = serde_json::json!({ "from": from, "to": [], "cc": [], "reply_to": null, "subject": "Hello",
                                      "text": "x".repeat(2048), "html": null, "amp": null, "headers": [] });
    Prepared {
        account_id: bed.clients[number],
        sender: format!("hello@client{number}.example"),
        sender_domain: format!("client{number}.example"),
        entries: vec![PreparedEntry {
            email: "ann@example.org".into(),
            email_lower: "ann@example.org".into(),
            name: None,
            body: Ok(("Hello".into(), 0)),
        }],
        contents: vec![payload.to_string().into_bytes()],
        attachments: Vec::new(),
        tags: Vec::new(),
        sandbox: None,
        track_opens: None,
        track_clicks: None,
        data_retention: None,
        metadata_retention: None,
        first_attempt: None,
        expires: None,
        reply: None,
    }
}

/// How many of `count` things are done a second by `work`.
pub fn rate(count: usize, work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    count as f64 / started.elapsed().as_secs_f64()
}
