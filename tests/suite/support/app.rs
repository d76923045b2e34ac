//! The program in this process: a fresh database, a random port, and the verbs tests speak in.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc;

use canopy::actions::accept_message::{Accepted, Prepared, PreparedEntry};
use canopy::actions::clear_queue;
use canopy::actions::{ActionResult, Cx};
use canopy::app::App;
use canopy::cli::serve::{Site, install_tls};
use canopy::clock::Clock;
use canopy::config::{Config, Settings};
use canopy::dns::{Dns, ZoneMap};
use canopy::domain::ids::Id;
use canopy::models::accounts::{self, Account};
use canopy::models::system_mails;
use canopy::secrets::{self, SecretKeys};
use diesel::connection::SimpleConnection as _;
use serde_json::Value;

use super::postgres::TestPostgres;
pub use super::rows::all_scopes;
use super::rows::{self, Signing};
use super::temp_dir::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

/// A running program.
pub struct TestApp {
    pub app: Arc<App>,
    /// `http://127.0.0.1:port`.
    pub url: String,
    pub http: reqwest::Client,
    handle: actix_web::dev::ServerHandle,
    _postgres: Option<TestPostgres>,
    /// The data folder, removed with this value.
    _dir: TempDir,
}

/// A parent account with its owner and a key that may do everything.
#[derive(Clone, Debug)]
pub struct Agency {
    pub id: Id,
    pub owner: Id,
    pub email: String,
    pub key: String,
}

/// A sub account with a key that may do everything a child's can, and a verified domain.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: Id,
    pub key: String,
    pub domain: String,
}

/// The password of every user the tests make.
pub const PASSWORD: &str = "correct horse battery staple";

/// Runs `test` on SQLite and, where there is one, on PostgreSQL.
pub async fn on_both<F: Future<Output = ()>>(test: impl Fn(TestApp) -> F) {
    for on in [On::Sqlite, On::Postgres] {
        if let Some(app) = TestApp::start(on).await {
            test(app).await;
        }
    }
}

impl TestApp {
    /// A program on SQLite.
    pub async fn sqlite() -> Self {
        Self::start(On::Sqlite).await.expect("SQLite is always there")
    }

    /// A program on `on`; `None` where this machine has no PostgreSQL and may skip.
    pub async fn start(on: On) -> Option<Self> {
        Self::start_with(on, |_| {}).await
    }

    /// The same with options of its own.
    pub async fn start_with(on: On, change: impl FnOnce(&mut Settings)) -> Option<Self> {
        let dir = TempDir::new();
        let (database_url, postgres) = match on {
            On::Sqlite => (format!("sqlite://{}", dir.path().join("canopy.db").display()), None),
            On::Postgres => {
                let database = TestPostgres::migrated()?;
                (database.url(), Some(database))
            }
        };
        let mut settings = settings(&database_url, &dir);
        change(&mut settings);
        let config = Config::from_settings(&settings).expect("the tests' options are right");
        Some(Self::serve(config, postgres, dir))
    }

    /// A program over a database that somebody else started.
    pub fn over(database_url: &str) -> Self {
        let dir = TempDir::new();
        let config = Config::from_settings(&settings(database_url, &dir)).expect("the tests' options are right");
        Self::serve(config, None, dir)
    }

    fn serve(config: Config, postgres: Option<TestPostgres>, dir: TempDir) -> Self {
        install_tls();
        let (ready, started) = mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = App::start(config.clone(), Clock::default(), dns_of(&config)).expect("the program starts");
                let site = Site::bind(&app).expect("a free port");
                let url = format!("http://{}", site.address);
                let server = site.start(&app).expect("the site starts");
                ready.send((app, url, server.handle())).expect("the test waits");
                server.await.expect("the site ends well");
            });
        });
        let (app, url, handle) = started.recv().expect("the program starts");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { app, url, http, handle, _postgres: postgres, _dir: dir }
    }

    /// From now on SQLite's writes do not wait for the disk: for tests of very many that judge no durability.
    pub fn without_waiting_for_the_disk(&self) {
        if !self.app.db.is_shared() {
            let off = self.app.db.exclusive(|conn| conn.batch_execute("PRAGMA synchronous = OFF"));
            off.expect("it is set");
        }
    }

    /// A second node over the same database: an application without a site.
    pub fn second_node(&self) -> Arc<App> {
        App::start(self.app.config.clone(), Clock::default(), self.app.dns.clone()).expect("a second node starts")
    }

    /// Writes in one transaction, as the program itself.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut canopy::models::AnyConnection, &Cx) -> ActionResult<T> + Send + 'static,
    ) -> T {
        let cx = self.app.cx("test");
        self.app.write(move |conn| work(conn, &cx)).await.expect("the write succeeds")
    }

    /// Reads the last committed state.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut canopy::models::AnyConnection) -> ActionResult<T> + Send + 'static,
    ) -> T {
        self.app.read(work).await.expect("the read succeeds")
    }

    /// A parent account with its owner and an all-scopes key.
    pub async fn agency(&self, name: &str) -> Agency {
        let email = format!("owner@{}.example", name.to_lowercase().replace(' ', "-"));
        let (name, address) = (name.to_owned(), email.clone());
        let hash = secrets::hash_password(PASSWORD);
        let (id, owner) = self
            .write(move |conn, cx| {
                let mut account = Account::new(Id::new(cx.now), None, &name, "agency.example", cx.at());
                let owner = rows::person(conn, cx, &address, &hash)?;
                account.owner_id = Some(owner);
                accounts::insert(conn, &account)?;
                rows::join(conn, cx, account.id, owner, "owner")?;
                Ok((account.id, owner))
            })
            .await;
        let key = self.key(id, &all_scopes()).await;
        Agency { id, owner, email, key }
    }

    /// An accepted member of an account.
    pub async fn member(&self, account: Id, email: &str, role: &'static str) -> Id {
        let (email, hash) = (email.to_owned(), secrets::hash_password(PASSWORD));
        self.write(move |conn, cx| {
            let user = rows::person(conn, cx, &email, &hash)?;
            rows::join(conn, cx, account, user, role)?;
            Ok(user)
        })
        .await
    }

    /// A sub account ready to send from `{label}.example`, with a cap (0 for none).
    pub async fn client(&self, agency: &Agency, label: &str, cap: i64) -> Client {
        let (parent, name) = (agency.id, label.to_owned());
        let id = self.write(move |conn, cx| rows::sub_account(conn, cx, parent, &name, cap)).await;
        let domain = format!("{label}.example");
        self.verified_domain(id, &domain).await;
        let key = self.key(id, &rows::child_scopes()).await;
        Client { id, key, domain }
    }

    /// A key of an account with these scopes; answers its secret.
    pub async fn key(&self, account: Id, scopes: &[String]) -> String {
        let scopes = scopes.to_vec();
        self.write(move |conn, cx| rows::key(conn, cx, account, &scopes)).await
    }

    /// A domain of an account whose DNS is taken as verified.
    pub async fn verified_domain(&self, account: Id, name: &str) -> Id {
        let (name, signing) = (name.to_owned(), Signing::new(&self.app.services.secrets));
        self.write(move |conn, cx| rows::verified_domain(conn, cx, account, &name, &signing)).await
    }

    /// Accepts one plain message a recipient, past the API, as every way in does.
    pub async fn accept(&self, client: &Client, recipients: &[&str]) -> ActionResult<Accepted> {
        self.app.committer.accept(prepared(client, recipients)).await
    }

    /// Takes what waits in the outbox: readers with subjects, oldest first.
    pub async fn outbox(&self) -> Vec<(String, String)> {
        let now = (self.app.clock.now() + chrono::TimeDelta::minutes(1)).naive_utc();
        self.write(move |conn, _| {
            let mails = system_mails::claim(conn, now, now, 100)?;
            let seen = mails.iter().map(|mail| (mail.recipient.clone(), mail.subject.clone())).collect();
            for mail in mails {
                system_mails::remove(conn, mail.id)?;
            }
            Ok(seen)
        })
        .await
    }

    /// Ends what is to be cleared from queues, as far as nothing of it is under way.
    pub async fn clear_queues(&self) {
        let begin = || self.read(clear_queue::begin);
        while let Some(mut place) = begin().await {
            loop {
                let slice = self.read(move |conn| clear_queue::look(conn, place, 500)).await;
                let (here, ids) = (slice.here, slice.ids);
                let left = self.write(move |conn, cx| clear_queue::end(conn, cx.now, here, &ids)).await;
                let Some(next) = slice.next else {
                    let place = here.leaving(left);
                    if self.write(move |conn, cx| clear_queue::done(conn, cx, place)).await {
                        break;
                    }
                    return;
                };
                place = next.leaving(left);
            }
        }
    }

    /// One API request; answers status and body.
    pub async fn call(&self, method: &str, path: &str, key: &str, body: Option<&Value>) -> (u16, Value) {
        let response = self.send(method, path, key, body, &[]).await;
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// One API request with headers of its own.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> reqwest::Response {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.expect("the program answers")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// A request as the edge hands it over.
pub fn prepared(client: &Client, recipients: &[&str]) -> Prepared {
    Prepared {
        account_id: client.id,
        sender: format!("hello@{}", client.domain),
        sender_domain: client.domain.clone(),
        entries: recipients
            .iter()
            .map(|email| PreparedEntry {
                email: (*email).to_owned(),
                email_lower: email.to_lowercase(),
                name: None,
                body: Ok(("Hello".into(), 0)),
            })
            .collect(),
        contents: vec![payload(&client.domain)],
        is_raw: false,
        all_or_none: false,
        attachments: Vec::new(),
        tags: vec!["welcome".into()],
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

/// The resolver that the option `dns` names; without it an empty zone in this process.
fn dns_of(config: &Config) -> Dns {
    match config.dns {
        Some(address) => Dns::server(&address.to_string()).expect("a resolver"),
        None => Dns::zone(ZoneMap::default()),
    }
}

fn payload(domain: &str) -> Vec<u8> {
    let from = serde_json::json!({ "address": format!("hello@{domain}"), "name": null });
    serde_json::json!({ "from": from, "to": [], "cc": [], "reply_to": null, "subject": "Hello", "text": "Hello there",
                        "html": null, "amp": null, "headers": [] })
    .to_string()
    .into_bytes()
}

fn settings(database_url: &str, dir: &TempDir) -> Settings {
    let mut settings = Settings::default();
    settings.set("database_url", database_url);
    settings.set("database_connections", "8");
    settings.set("listen", "127.0.0.1:0");
    settings.set("public_url", "http://canopy.test");
    settings.set("data_dir", dir.path().display().to_string());
    settings.set("secret_key", SecretKeys::generate().1);
    settings.set("rate_limit_per_second", "100000");
    settings.set("rate_limit_burst", "100000");
    // The peers of the tests are on this machine.
    settings.set("transport_allow", "127.0.0.0/8,::1");
    settings
}
