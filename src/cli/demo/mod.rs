//! `canopy demo`: a database of its own, a believable agency in it, and the site on top.

mod folder;
mod output;
mod zone;

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::PathBuf;

use super::CommandResult;
use super::serve::{self, Site};
use crate::actions::choose_transport::choose_transport;
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Settings};
use crate::dns::Dns;
use crate::domain::ids::Id;
use crate::seed::Wish;
use crate::smtp;
use folder::{Folder, Kept};
use output::Output;

/// Where bounces and complaints come in, unless `mx_listen` says another place.
const FREE_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

#[derive(clap::Args)]
pub struct Arguments {
    /// Address and port of dashboard and API; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8025", value_name = "HOST:PORT")]
    listen: String,
    /// Where database, mailbox and sign-ins are kept. Delete it to begin anew.
    #[arg(long, default_value = "canopy-data/demo", value_name = "FOLDER")]
    data: PathBuf,
    /// How many clients the agency has.
    #[arg(long, default_value_t = 48, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200_000))]
    sub_accounts: u32,
    /// Days of usage to look back on.
    #[arg(long, default_value_t = 90, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=730))]
    days: u32,
    /// The same number gives the same business data, relative to today.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// A real resolver for domain checks; without it this process answers for the verified domains.
    #[arg(long, value_name = "HOST:PORT")]
    dns: Option<String>,
    /// A real smarthost, `smtp://HOST:PORT`; without it mail is kept in the data folder.
    #[arg(long, value_name = "URL")]
    relay: Option<String>,
    /// Prints one line of JSON once requests are accepted, and nothing else.
    #[arg(long)]
    json: bool,
}

/// Serves the demo until SIGTERM or SIGINT.
///
/// # Errors
/// A sentence that says what stands in the way.
pub fn run(settings: Settings, wanted: &Arguments) -> CommandResult {
    if std::env::var_os("RUST_LOG").is_none() {
        // Whoever looks around wants the sign-ins on the screen, not a line for each request.
        log::set_max_level(log::LevelFilter::Warn);
    }
    let clock = Clock::default();
    let listener = listen(&wanted.listen)?;
    let settings = asked(settings, wanted, listener.local_addr()?)?;
    let wish = Wish { sub_accounts: wanted.sub_accounts as usize, days: wanted.days, seed: wanted.seed };
    let folder = Folder::at(&wanted.data)?;
    let kept = folder.open_or_seed(&wish, clock.now())?;
    let config = kept_in(settings, &folder, &kept)?;
    let inbound = smtp::Bound::at(config.mx_listen.unwrap_or(FREE_PORT))
        .map_err(|error| format!("cannot listen for bounces: {error}"))?;
    let output = Output::new(&config.public_url, inbound.address, &folder, &kept, &wish);
    serve::on_system(async move {
        let dns = match config.dns {
            Some(address) => Dns::server(&address.to_string())?,
            None => Dns::zone(zone::of_verified(&folder, &config.platform)?),
        };
        let app = App::start(config, clock, dns)?;
        if wanted.relay.is_some() {
            leave_by_configuration(&app, kept.sign_ins.account_id)?;
        }
        let inbound = inbound.with_tls(smtp::Tls::of(&app.config)?);
        Site::on(listener)?.with_inbound(inbound).run_telling(app, || output.print(wanted.json)).await
    })
}

/// Binds the address before anything is made, so that a taken port costs nobody a wait.
fn listen(text: &str) -> Result<TcpListener, Box<dyn std::error::Error>> {
    let address = text.to_socket_addrs().ok().and_then(|mut all| all.next());
    let address = address.ok_or_else(|| format!("--listen {text} is no address: write HOST:PORT"))?;
    TcpListener::bind(address).map_err(|error| {
        let taken = error.kind() == std::io::ErrorKind::AddrInUse;
        let advice = "another program listens there, perhaps a demo that still runs; choose another with --listen";
        let why = if taken { advice.to_owned() } else { error.to_string() };
        format!("cannot listen on {address}: {why}").into()
    })
}

/// The options that the flags ask for, held to be right before anything is made.
fn asked(
    mut settings: Settings,
    wanted: &Arguments,
    address: SocketAddr,
) -> Result<Settings, Box<dyn std::error::Error>> {
    settings.set("listen", address.to_string());
    settings.set("public_url", format!("http://{}", reachable(address)));
    settings.set("dns", wanted.dns.clone().unwrap_or_default());
    settings.set("default_transport", wanted.relay.clone().unwrap_or_else(|| "mailbox".into()));
    settings.set("system_mail", "maildir");
    settings.set("transport_allow", "127.0.0.0/8,::1");
    settings.set("roles", "web,worker,mx");
    settings.set("demo", "true");
    let flagged = |words: String, option: &str, flag: &str| {
        words.replace(&format!("the option {option} (CANOPY_{})", option.to_uppercase()), flag)
    };
    match Config::from_settings(&settings) {
        Ok(_) => Ok(settings),
        Err(error) => Err(flagged(flagged(error.to_string(), "default_transport", "--relay"), "dns", "--dns").into()),
    }
}

/// The agency chose the mailbox as its default: whoever names a relay wants that used.
fn leave_by_configuration(app: &App, agency: Id) -> CommandResult {
    let cx = app.cx("demo");
    app.db.write(|conn| choose_transport(conn, &cx, agency, agency, None))?;
    Ok(())
}

/// The configuration of what is kept in `folder`.
fn kept_in(mut settings: Settings, folder: &Folder, kept: &Kept) -> Result<Config, Box<dyn std::error::Error>> {
    settings.set("database_url", folder.database_url());
    settings.set("data_dir", folder.path().display().to_string());
    settings.set("secret_key", kept.secret_key.clone());
    Ok(Config::from_settings(&settings)?)
}

/// An address for the browser: one that listens everywhere is reached at this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}
