//! Whether an installation is in order: its database, clock, disk and key, its names in DNS, and its ways out. For
//! `canopy check` and for Settings, System health. Looks and connects; sends no mail and changes nothing.

mod certificate;
mod database;
mod expiry;
mod finding;
mod inbound;
mod integrity;
mod machine;
mod mail;
mod names;
mod return_path;
mod runs;
mod spf;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;

use crate::config::{Config, Transport};
use crate::delivery::route::way;
use crate::delivery::transport::Route;
use crate::dns::Dns;
use crate::domain::ids::Id;
use crate::models::{AnyConnection, Db, transports};
use crate::secrets::SecretKeys;

pub use crate::models::integrity::Depth;
pub use finding::{Finding, Verdict};
pub use machine::{Space, space};
pub use runs::{Run, Runs};

/// How long one connection or question may take.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Transports that are looked at.
const TRANSPORTS: i64 = 50;

/// Whose transports are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Everybody,
    /// This parent's, and what the installation's operator configured.
    Parent(Id),
}

/// What a look uses beside the configuration; tests bring their own.
#[derive(Clone)]
pub struct Means {
    /// Trusted beside the system's certificates.
    pub roots: Vec<CertificateDer<'static>>,
    pub space: fn(&Path) -> io::Result<Space>,
    pub patience: Duration,
}

impl Default for Means {
    fn default() -> Self {
        Self { roots: Vec::new(), space, patience: PATIENCE }
    }
}

/// What is looked at. What could not be opened is a finding, not the end.
#[derive(Clone)]
pub struct Subject {
    pub config: Config,
    /// Else why it did not open.
    pub db: Result<Arc<Db>, String>,
    pub dns: Result<Dns, String>,
    pub now: DateTime<Utc>,
    pub whose: Whose,
    /// A domain to whose mail server a connection is tried.
    pub probe_domain: Option<String>,
    /// How much of the database's files is read; `None` reads nothing for it.
    pub integrity: Option<Depth>,
    pub means: Means,
}

/// A way out, with the name that findings give it.
#[derive(Clone, Debug)]
pub(crate) struct Exit {
    name: String,
    route: Route,
    /// Set up by the account that asks.
    own: bool,
}

/// Looks at everything, side by side; findings come in one order.
pub async fn examine(subject: Subject) -> Vec<Finding> {
    let (exits, broken) = exits(&subject).await;
    let (subject, exits) = (&subject, &exits);
    let checks: Vec<BoxFuture<'_, Vec<Finding>>> = vec![
        limited(subject, "database", database::findings(subject)),
        // As long as it says itself.
        integrity::findings(subject).boxed(),
        async { machine::disks(subject) }.boxed(),
        async { vec![machine::secret_key(&subject.config)] }.boxed(),
        limited(subject, "resolver", names::resolver(subject)),
        limited(subject, "certificate", certificate::findings(subject)),
        limited(subject, inbound::NAME, inbound::findings(subject)),
        limited(subject, inbound::SUBMISSION, inbound::submission(subject)),
        limited(subject, "return path", return_path::mx(subject, exits)),
        limited(subject, "SPF", return_path::spf(subject, exits)),
        limited(subject, "reverse DNS", names::reverse(subject, exits)),
        limited(subject, "port 25", mail::port_25(subject, exits)),
        // Each relay has its own time.
        mail::relays(subject, exits).boxed(),
    ];
    let mut all: Vec<Finding> = join_all(checks).await.into_iter().flatten().collect();
    all.extend(broken);
    all
}

/// A check that takes no longer than four answers would.
fn limited<'a>(
    subject: &Subject,
    name: &'static str,
    check: impl Future<Output = Vec<Finding>> + Send + 'a,
) -> BoxFuture<'a, Vec<Finding>> {
    let most = subject.means.patience * 4;
    async move {
        timeout(most, check).await.unwrap_or_else(|_| {
            let found = format!("There was no answer within {} s.", most.as_secs());
            vec![Finding::fail(name, found, "See that it runs, and that no firewall stands between.")]
        })
    }
    .boxed()
}

/// Every way that mail leaves by, and what is wrong with those that cannot be read.
async fn exits(subject: &Subject) -> (Vec<Exit>, Vec<Finding>) {
    let config = &subject.config;
    let mut all = vec![Exit { name: "default transport".into(), route: config.default_transport.clone(), own: false }];
    if let Transport::Smtp(relay) = &config.system_mail {
        all.push(Exit { name: "system mail".into(), route: Route::Relay(relay.clone()), own: false });
    }
    let (rows, mut broken) = match rows(subject).await {
        Ok(rows) => (rows, Vec::new()),
        Err(why) => {
            let found = "The transports of accounts cannot be read before the database is in order.";
            (Vec::new(), vec![Finding::skip("transports", found).because(why)])
        }
    };
    let keys = SecretKeys::parse(secrecy::ExposeSecret::expose_secret(&config.secret_key));
    for row in rows {
        let (name, own) = (format!("transport {}", row.name), subject.whose != Whose::Everybody);
        let Ok(keys) = &keys else { break };
        match way(Some(&row), config, keys) {
            Ok(way) => all.push(Exit { name, route: way.route, own }),
            Err(error) => {
                let advice = "Set it up again; after a change of secret_key, keep the old key behind the new one.";
                broken.push(Finding { own, ..Finding::fail(&name, "It cannot be used.", advice).because(error) });
            }
        }
    }
    (all, broken)
}

async fn rows(subject: &Subject) -> Result<Vec<transports::Transport>, String> {
    let (db, whose) = (subject.db.clone()?, subject.whose);
    let read = move |conn: &mut AnyConnection| match whose {
        Whose::Everybody => transports::first(conn, TRANSPORTS),
        Whose::Parent(parent) => transports::page(conn, parent, None, true, TRANSPORTS),
    };
    let reading = tokio::task::spawn_blocking(move || db.read(read));
    match timeout(subject.means.patience * 2, reading).await {
        Ok(Ok(rows)) => rows.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the database did not answer in time".into()),
    }
}
