//! The application: everything built once and passed down. No statics.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::actions::accept_message::Committer;
use crate::actions::error::{ActionError, ActionResult};
use crate::actions::renderers::Renderers;
use crate::actions::sign_in_smtp::SenderKey;
use crate::actions::{Cx, Services};
use crate::clock::Clock;
use crate::config::{Config, Transport};
use crate::delivery::probe::probe;
use crate::delivery::transport::direct::{Direct, Means};
use crate::delivery::transport::gate::Gates;
use crate::delivery::transport::mailbox::Mailbox;
use crate::delivery::transport::relay::{Relay, Timeouts};
use crate::delivery::transport::share::Share;
use crate::dns::Dns;
use crate::doctor::Runs;
use crate::domain::conversation::Conversation;
use crate::domain::ids::Id;
use crate::load::{Load, Owner};
use crate::mailer::{Mailer, SystemTransport};
use crate::metrics::Metrics;
use crate::models::families::Families;
use crate::models::health::Lack;
use crate::models::held::Shelves;
use crate::models::nodes::Node;
use crate::models::remembered::Remembered;
use crate::models::saved_views::SavedView;
use crate::models::sub_account_list::Facets;
use crate::models::transports;
use crate::models::trends::Trends;
use crate::models::usage::RunningPeriods;
use crate::models::{AnyConnection, Db, migrate};
use crate::secrets::SecretKeys;

/// How long the short read that begins a request may take: longer than a busy database ever does.
const GLIMPSE: Duration = Duration::from_secs(15);

pub struct App {
    pub config: Config,
    pub db: Arc<Db>,
    pub clock: Arc<Clock>,
    pub services: Arc<Services>,
    /// What this node counts of itself.
    pub metrics: Arc<Metrics>,
    pub committer: Committer,
    /// Where clients' templates are rendered.
    pub renderers: Arc<Renderers>,
    /// What this node gives at once.
    pub load: Load,
    pub dns: Dns,
    pub mailer: Mailer,
    pub relay: Relay,
    pub direct: Direct,
    /// What transports may do at once, and how fast, on this node.
    pub gates: Gates<Id>,
    /// This node's part of these limits.
    pub share: Share,
    /// How this node is known to the others.
    pub node: Node,
    pub mailbox: Mailbox,
    /// What this node remembers of lists, so that their pages stay quick.
    pub facets: Facets,
    pub running: RunningPeriods,
    pub trends: Trends,
    /// Who may hand in mail over SMTP: asked at each of their commands.
    pub standings: Remembered<SenderKey, ()>,
    /// Views by account and person.
    pub views: Remembered<(Id, Id), Vec<SavedView>>,
    /// What the last looks at this installation found.
    pub health: Runs,
}

/// What another node did to whoever hands in mail shows at their commands after this long; what this one did, at once. A
/// message is never accepted on it: the committer looks under its locks.
const SENDERS: TimeDelta = TimeDelta::milliseconds(100);

/// Why the program cannot start, in a sentence for its operator.
#[derive(Debug)]
pub struct StartError(pub String);

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl App {
    /// Opens the database, brings its schema up to date, and starts the committer.
    ///
    /// # Errors
    /// A sentence for the operator: a database that does not open, a key that cannot be read.
    pub fn start(config: Config, clock: Clock, dns: Dns) -> Result<Arc<Self>, StartError> {
        let secrets = secret_keys(config.secret_key.expose_secret())?;
        if let Some(parent) =
            config.database_url().strip_prefix("sqlite://").and_then(|path| std::path::Path::new(path).parent())
        {
            std::fs::create_dir_all(parent)
                .map_err(|error| StartError(format!("cannot create {}: {error}", parent.display())))?;
        }
        let db = Arc::new(
            Db::open(config.database_url(), config.database_connections)
                .map_err(|error| StartError(error.to_string()))?,
        );
        migrate::up(&db).map_err(|error| StartError(error.to_string()))?;
        let clock = Arc::new(clock);
        let node = Node {
            id: Id::new(clock.now()),
            roles: config.roles.names(),
            host_name: config.host_name.clone(),
            started_at: clock.now().naive_utc(),
            seen_at: clock.now().naive_utc(),
        };
        let services = Arc::new(Services {
            secrets: Arc::new(secrets),
            public_url: config.public_url.clone(),
            destinations: config.destinations.clone(),
            families: Families::default(),
            shelves: Shelves::of(config.held_messages),
        });
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
        let metrics = Metrics::new(clock.now().timestamp() as f64)
            .map_err(|error| StartError(format!("cannot count what happens: {error}")))?;
        let metrics = Arc::new(metrics);
        let committer = Committer::start(
            Arc::clone(&db),
            Arc::clone(&clock),
            Arc::clone(&services),
            Arc::clone(&metrics),
            config.accept_line,
        )
        .map_err(|error| StartError(format!("cannot start the committer: {error}")))?;
        let renderers = Renderers::start()
            .map_err(|error| StartError(format!("cannot start the threads that render templates: {error}")))?;
        let system = match &config.system_mail {
            Transport::Mailbox => SystemTransport::Maildir(config.data_dir.join("system-mail")),
            Transport::Smtp(relay) => SystemTransport::Smtp(relay.clone()),
        };
        Ok(Arc::new(Self {
            mailer: Mailer::new(system, &config.mail_from_name, &config.mail_from_address),
            relay: Relay::new(Timeouts::default()).reaching(config.destinations.clone()),
            direct: direct(&config, &dns, &db)?,
            gates: Gates::default(),
            share: Share::default(),
            node,
            mailbox: Mailbox::new(config.data_dir.join("mailbox")),
            load: Load::new(config.memory_budget, config.database_connections),
            facets: Facets::default(),
            running: RunningPeriods::default(),
            trends: Trends::default(),
            standings: Remembered::lasting(SENDERS),
            views: Remembered::default(),
            health: Runs::default(),
            config,
            db,
            clock,
            services,
            metrics,
            committer,
            renderers: Arc::new(renderers),
            dns,
        }))
    }

    /// The circumstances of what the program does by itself, now.
    #[must_use]
    pub fn cx(&self, label: &str) -> Cx {
        Cx::system(self.clock.now(), label, &self.services.secrets)
    }

    /// Runs a read off the async threads.
    ///
    /// # Errors
    /// Whatever `work` answers.
    pub async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut AnyConnection) -> ActionResult<T> + Send + 'static,
    ) -> ActionResult<T> {
        let db = Arc::clone(&self.db);
        finished(tokio::task::spawn_blocking(move || db.read(work)).await)
    }

    /// Runs a read of much, an export or a walk through everything, once there is a place for `owner`: one account leaves
    /// the database's connections to others, however much it asks for.
    ///
    /// # Errors
    /// `Unavailable` where too many wait; whatever `work` answers.
    pub async fn read_much<T: Send + 'static>(
        self: &Arc<Self>,
        owner: Owner,
        work: impl FnOnce(&mut AnyConnection) -> ActionResult<T> + Send + 'static,
    ) -> ActionResult<T> {
        let place = self.load.exports.enter(owner).await?;
        self.read(move |conn| {
            // Until the work ends, though nobody may wait for it any more.
            let _place = place;
            work(conn)
        })
        .await
    }

    /// Runs a short read by key: on SQLite at once, when a connection is free, since changing threads costs more than
    /// reading a few pages that are in memory; on PostgreSQL, which is asked over a socket, as [`App::read`] does. Nearly
    /// every request begins with one, so that none waits long for a server that took the question and froze.
    ///
    /// # Errors
    /// Whatever `work` answers; `Unavailable` when the database does not answer in time.
    pub async fn glimpse<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut AnyConnection) -> ActionResult<T> + Send + 'static,
    ) -> ActionResult<T> {
        match self.db.idle_reader() {
            Some(reader) => reader.read(work),
            None => timeout(GLIMPSE, self.read(work)).await.unwrap_or_else(|_| {
                self.db.health.answered(false);
                Err(ActionError::Unavailable(Lack::Database))
            }),
        }
    }

    /// Sends one message by `transport` at once and answers what was said.
    ///
    /// # Errors
    /// `Internal` when the transport cannot be read.
    pub async fn try_transport(
        &self,
        transport: transports::Transport,
        from: &str,
        to: &str,
    ) -> ActionResult<Conversation> {
        probe(self, transport, from, to).await
    }

    /// Runs a write transaction off the async threads, and forgets what it may have changed.
    ///
    /// # Errors
    /// Whatever `work` answers: then nothing was written.
    pub async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut AnyConnection) -> ActionResult<T> + Send + 'static,
    ) -> ActionResult<T> {
        // The work may be done though nobody waits for it any more: it forgets by itself.
        let app = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || {
            let written = app.written(work);
            app.forget();
            written
        });
        finished(written.await)
    }

    /// Runs a write transaction that changes nothing of what is remembered: the steady work of deliveries.
    ///
    /// # Errors
    /// Whatever `work` answers: then nothing was written.
    pub async fn write_behind<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut AnyConnection) -> ActionResult<T> + Send + 'static,
    ) -> ActionResult<T> {
        let app = Arc::clone(self);
        finished(tokio::task::spawn_blocking(move || app.written(work)).await)
    }

    fn written<T>(&self, work: impl FnOnce(&mut AnyConnection) -> ActionResult<T>) -> ActionResult<T> {
        let written = self.db.write(work);
        self.db.health.wrote(written.as_ref().err().and_then(ActionError::lack));
        written
    }

    /// Lists and senders are read anew.
    fn forget(&self) {
        self.facets.changed();
        self.running.changed();
        self.standings.changed();
        self.views.changed();
    }
}

/// Sends to recipients' servers: one destination may take a quarter of the node's places, so that a slow one leaves room.
fn direct(config: &Config, dns: &Dns, db: &Arc<Db>) -> Result<Direct, StartError> {
    let roots = config.direct_roots.iter().map(CertificateDer::pem_file_iter);
    let roots = roots.collect::<Result<Vec<_>, _>>().and_then(|files| files.into_iter().flatten().collect());
    let means = Means {
        dns: dns.clone(),
        db: Arc::clone(db),
        allowed: config.destinations.clone(),
        port: config.direct_port,
        policy_port: config.policy_port,
        roots: roots.map_err(|error| StartError(format!("direct_roots cannot be read: {error}")))?,
        at_once: u32::try_from(config.delivery_workers / 4).unwrap_or(u32::MAX).max(1),
    };
    Ok(Direct::new(means, Timeouts::default()))
}

fn finished<T>(joined: Result<ActionResult<T>, tokio::task::JoinError>) -> ActionResult<T> {
    joined.unwrap_or_else(|error| Err(ActionError::Internal(format!("a task did not finish: {error}"))))
}

/// The keys that the option `secret_key` gives.
///
/// # Errors
/// A sentence for the operator where it is empty or cannot be read.
pub fn secret_keys(text: &str) -> Result<SecretKeys, StartError> {
    if text.is_empty() {
        let (_, example) = SecretKeys::generate();
        return Err(StartError(format!(
            "the option secret_key (CANOPY_SECRET_KEY) is not set: it seals DKIM keys and passwords at rest, and signs the audit. \
             Keep it safe and set it, for example to {example}"
        )));
    }
    SecretKeys::parse(text).map_err(|error| StartError(format!("the option secret_key cannot be used: {error}")))
}
