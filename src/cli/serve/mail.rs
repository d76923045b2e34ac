//! The SMTP listeners of a node, from binding to their end.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::app::App;
use crate::domain::ids::Id;
use crate::models::accounts;
use crate::smtp::{Bound, Limits, Listener, Tls};

type Failed = Box<dyn std::error::Error>;

/// Listeners that are bound, before they answer anybody.
#[derive(Default)]
pub struct Listeners {
    /// Where bounces and complaints come in.
    inbound: Option<Bound>,
    /// Where clients hand in mail.
    submission: Vec<Bound>,
    /// Where programs of this machine do, in the name of an account.
    trusted: Option<(Bound, Id)>,
}

impl Listeners {
    /// Binds what the options name, as far as it is of this node's roles.
    ///
    /// # Errors
    /// A sentence for the operator: an address that is taken, a certificate that cannot be used, no such account.
    pub fn bind(app: &App) -> Result<Self, Failed> {
        let mut listeners = Self::default();
        if let Some(address) = app.config.mx_listen.filter(|_| app.config.roles.mx) {
            let (bound, tls) = (bound(address)?, Tls::of(&app.config)?);
            let starttls = if tls.is_some() { "offered" } else { "not offered" };
            log::info!("receiving bounces and complaints on {}, STARTTLS {starttls}", bound.address);
            listeners.inbound = Some(bound.with_tls(tls));
        }
        if !app.config.roles.web {
            return Ok(listeners);
        }
        let tls = if app.config.submission_listen.is_empty() { None } else { Tls::of_submission(&app.config)? };
        for address in &app.config.submission_listen {
            let bound = bound(*address)?;
            log::info!("taking mail of clients on {}", bound.address);
            listeners.submission.push(bound.with_tls(tls.clone()));
        }
        if let Some((address, account)) = app.config.trusted {
            if app.db.read(|conn| accounts::find(conn, account)).map_err(|error| error.to_string())?.is_none() {
                return Err(
                    "the option trusted_account (CANOPY_TRUSTED_ACCOUNT) cannot be used: there is no such account"
                        .into(),
                );
            }
            let bound = bound(address)?;
            log::info!("taking mail of the account {account} on {}, from whoever is on this machine", bound.address);
            listeners.trusted = Some((bound, account));
        }
        Ok(listeners)
    }

    /// The same with a listener for bounces and complaints.
    pub fn with_inbound(self, inbound: Bound) -> Self {
        Self { inbound: Some(inbound), ..self }
    }

    /// Starts them.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(self, app: &Arc<App>) -> std::io::Result<Vec<Listener>> {
        let inbound = self.inbound.map(|bound| Listener::start(app, bound, Limits::of(&app.config)));
        let submission =
            self.submission.into_iter().map(|bound| Listener::submission(app, bound, Limits::of_submission()));
        let trusted = self.trusted.map(|(bound, account)| Listener::trusted(app, bound, account, Limits::of_trusted()));
        inbound.into_iter().chain(submission).chain(trusted).collect()
    }
}

fn bound(address: SocketAddr) -> Result<Bound, String> {
    Bound::at(address).map_err(|error| format!("cannot listen on {address}: {error}"))
}
