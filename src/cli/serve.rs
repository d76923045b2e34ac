//! `canopy serve`: the site, its workers, and a graceful end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web as actix};
use tokio::sync::watch;

mod ending;
mod mail;
mod metrics;

use super::CommandResult;
use crate::actions::set_up;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::dns::Dns;
use crate::jobs::{Workers, heartbeat, make_ahead};
use crate::{api, smtp, telemetry, web};
use mail::Listeners;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// A sentence for the operator when it cannot start.
pub fn run(config: Config) -> CommandResult {
    on_system(async move {
        let dns = match config.dns {
            Some(address) => Dns::server(&address.to_string())?,
            None => Dns::system()?,
        };
        let app = App::start(config, Clock::default(), dns)?;
        let site = Site::bind(&app)?;
        log::info!("serving {} on {}", app.config.public_url, site.address);
        if app.config.platform.return_path.ends_with(".example") {
            log::warn!(
                "the option return_path_host names no real host: most hosts will refuse mail that leaves from it"
            );
        }
        if app.config.roles.web {
            offer_set_up(&app)?;
        }
        site.run(app).await
    })
}

/// On an empty database: prints, once, the link that makes the first owner. It is a secret, so it is not logged.
fn offer_set_up(app: &App) -> CommandResult {
    let cx = app.cx("set-up");
    if let Some(token) = app.db.write(|conn| set_up::offer(conn, &cx))? {
        println!("Nobody has an account here yet. Make the first one, within a day, at");
        println!("{}/setup/{}", app.config.public_url, token.as_str());
    }
    Ok(())
}

/// Runs `work` to its end on a system of this thread.
pub fn on_system<T>(work: impl Future<Output = T>) -> T {
    install_tls();
    actix_web::rt::System::new().block_on(work)
}

/// One provider for all TLS: two would panic at first use.
pub fn install_tls() {
    // A second call in one process finds the first one's, which is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A bound listener, before it serves.
pub struct Site {
    listener: TcpListener,
    pub address: SocketAddr,
    /// Where mail comes in.
    mail: Listeners,
}

impl Site {
    /// Binds the configured address.
    ///
    /// # Errors
    /// When it is taken or not ours.
    pub fn bind(app: &App) -> Result<Self, Box<dyn std::error::Error>> {
        let listener = TcpListener::bind(app.config.listen)
            .map_err(|error| format!("cannot listen on {}: {error}", app.config.listen))?;
        Ok(Self { mail: Listeners::bind(app)?, ..Self::on(listener)? })
    }

    /// The same site with a listener for bounces and complaints.
    #[must_use]
    pub fn with_inbound(self, inbound: smtp::Bound) -> Self {
        Self { mail: self.mail.with_inbound(inbound), ..self }
    }

    /// Takes a listener that is bound already.
    ///
    /// # Errors
    /// When it does not know its own address.
    pub fn on(listener: TcpListener) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, mail: Listeners::default() })
    }

    /// Serves until stopped; workers end with it.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self, app: Arc<App>) -> CommandResult {
        self.run_telling(app, || Ok(())).await
    }

    /// As [`Site::run`], and calls `ready` once a request was answered: the signals to end are heard by then too.
    ///
    /// # Errors
    /// When the server fails, or `ready` does.
    pub async fn run_telling(mut self, app: Arc<App>, ready: impl FnOnce() -> std::io::Result<()>) -> CommandResult {
        ending::bound()?;
        // Before anything is accepted: later, whoever accepts has to wait for it.
        if let Err(error) = make_ahead(&app, app.clock.now()).await {
            log::warn!("the days that messages lie in could not be made at the start: {error:?}");
        }
        let mail = std::mem::take(&mut self.mail).start(&app)?;
        let (stop, stopped) = watch::channel(false);
        let heartbeat = actix_web::rt::spawn(heartbeat::run(Arc::clone(&app), stopped));
        let workers = if app.config.roles.worker { Some(Workers::start(&app)?) } else { None };
        let address = self.address;
        let metrics = metrics::start(&app)?;
        let server = actix_web::rt::spawn(self.start(&app)?);
        actix_web::rt::task::spawn_blocking(move || until_answered(address)).await??;
        ready()?;
        let served = server.await?;
        ending::ends_soon();
        if let Some(metrics) = metrics {
            metrics.stop(false).await;
        }
        mail.into_iter().for_each(smtp::Listener::stop);
        if let Some(workers) = workers {
            workers.stop();
        }
        stop.send_replace(true);
        heartbeat.await?;
        Ok(served?)
    }

    /// The server, not yet awaited; its handle stops it.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub fn start(self, app: &Arc<App>) -> Result<actix_web::dev::Server, Box<dyn std::error::Error>> {
        let shared = Arc::clone(app);
        let limits = actix::Data::new(api::Limits::new(app));
        let server = HttpServer::new(move || {
            actix_web::App::new()
                .app_data(actix::Data::from(Arc::clone(&shared)))
                .app_data(limits.clone())
                .app_data(actix::PayloadConfig::new(shared.config.body_limit))
                .wrap(telemetry::RequestLog::new(Arc::clone(&shared)))
                .configure(|config| mount(config, &shared))
        })
        .workers(app.config.web_workers.max(1))
        // Who hangs up waits for no answer: what is done for it alone ends. Nobody needs HTTP half closed.
        .h1_allow_half_closed(false)
        .shutdown_timeout(5)
        .listen(self.listener)?;
        Ok(server.run())
    }
}

/// What this node's roles answer: a node without `web` tells how it is, and nothing else.
fn mount(config: &mut actix::ServiceConfig, app: &Arc<App>) {
    if app.config.roles.web {
        config.configure(api::routes::configure).configure(|config| web::routes::configure(config, app));
    } else {
        config.configure(web::health::configure);
    }
}

/// Asks the server at `address` for its health until it answers. Blocks.
fn until_answered(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    stream.read_exact(&mut [0])
}

/// Stops a server gracefully.
pub async fn stop(handle: ServerHandle) {
    handle.stop(true).await;
}
