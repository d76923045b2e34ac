//! Configuration: defaults, then a TOML file, then `CANOPY_*` variables. Every option stands in one table.

mod options;
mod parse;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

use crate::actions::accept_message::Line;
use crate::delivery::transport::{RelayConfig, Route};
use crate::dns::PlatformNames;
use crate::domain::destination::Destinations;
use crate::domain::forwarded::ForwardedHeader;
use crate::domain::ids::Id;
pub use options::{OPTIONS, Opt};

/// How system mail leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Kept on this machine.
    Mailbox,
    Smtp(RelayConfig),
}

/// What this node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Serves dashboard and API.
    pub web: bool,
    /// Delivers, and does what goes on in the background.
    pub worker: bool,
    /// Receives bounces and complaints, where `mx_listen` says on which address.
    pub mx: bool,
}

impl Roles {
    /// As the option names them.
    #[must_use]
    pub fn names(self) -> String {
        let named = [(self.web, "web"), (self.worker, "worker"), (self.mx, "mx")];
        named.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect::<Vec<_>>().join(",")
    }
}

/// What a stranger may ask of the inbound listener, as far as the operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MxLimits {
    pub connections: usize,
    pub connections_per_address: usize,
    /// Octets of a message.
    pub size: usize,
    /// Lines of a message.
    pub lines: usize,
    /// A command, or a silence within a message.
    pub timeout: Duration,
}

/// The effective configuration of a node.
#[derive(Clone, Debug)]
pub struct Config {
    pub database_url: SecretString,
    pub database_connections: u32,
    pub listen: SocketAddr,
    /// Without a trailing slash.
    pub public_url: String,
    pub data_dir: PathBuf,
    pub secret_key: SecretString,
    pub trusted_proxies: Vec<IpNet>,
    /// The header of these that is read.
    pub forwarded_header: ForwardedHeader,
    pub dns: Option<SocketAddr>,
    pub default_transport: Route,
    /// Where transports of accounts may connect to.
    pub destinations: Destinations,
    /// The port of recipients' mail servers: 25, but for tests.
    pub direct_port: u16,
    /// The port of the hosts of MTA-STS policies: 443, but for tests.
    pub policy_port: u16,
    /// A file (PEM) of certificates that both are trusted by beside the system's: for tests.
    pub direct_roots: Option<PathBuf>,
    pub system_mail: Transport,
    pub mail_from_name: String,
    pub mail_from_address: String,
    pub host_name: String,
    pub platform: PlatformNames,
    /// Lower case.
    pub complaint_address: String,
    /// Who reads what comes to postmaster and abuse; `None` refuses it. At no host of ours.
    pub operator_address: Option<String>,
    /// Where it is added daily how the chains of the audit end.
    pub audit_heads_file: Option<PathBuf>,
    /// Whether that is mailed to the operator too.
    pub audit_heads_mail: bool,
    /// Where bounces and complaints are received; `None` is off.
    pub mx_listen: Option<SocketAddr>,
    /// The files of the certificate and the key that STARTTLS shows there; `None` offers none.
    pub mx_tls: Option<(PathBuf, PathBuf)>,
    pub mx_limits: MxLimits,
    /// Where clients hand in mail over SMTP; nowhere is off.
    pub submission_listen: Vec<SocketAddr>,
    /// Certificate and key that STARTTLS shows there; always there where it listens.
    pub submission_tls: Option<(PathBuf, PathBuf)>,
    /// Where programs of this machine hand in mail without signing in, and the account whose mail that is.
    pub trusted: Option<(SocketAddr, Id)>,
    /// Where Prometheus is served; `None` is off.
    pub metrics_listen: Option<SocketAddr>,
    /// What it has to show, on every listener; without it the main listener serves no metrics.
    pub metrics_token: Option<SecretString>,
    pub rate_limit_per_second: u32,
    pub rate_limit_burst: u32,
    /// Bytes.
    pub body_limit: usize,
    /// Megabytes for what arrives.
    pub memory_budget: usize,
    pub session_idle: chrono::TimeDelta,
    pub session_absolute: chrono::TimeDelta,
    /// What may wait to be committed.
    pub accept_line: Line,
    /// Messages that an account may hold at its cap.
    pub held_messages: u32,
    pub delivery_workers: usize,
    pub roles: Roles,
    pub web_workers: usize,
    pub demo: bool,
}

/// What is wrong with the configuration, in a sentence that names the option.
#[derive(Debug)]
pub struct ConfigError(pub String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// The options as text, before they are read.
#[derive(Clone)]
pub struct Settings(BTreeMap<&'static str, String>);

impl Default for Settings {
    fn default() -> Self {
        Self(OPTIONS.iter().map(|option| (option.key, option.default.to_owned())).collect())
    }
}

impl Settings {
    /// Defaults, then `file` where given, then the environment.
    ///
    /// # Errors
    /// A file that cannot be read, is not TOML, or holds an option there is not.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        if let Some(path) = file {
            settings.read_file(path)?;
        }
        for option in OPTIONS {
            if let Ok(value) = std::env::var(format!("CANOPY_{}", option.key.to_uppercase())) {
                settings.0.insert(option.key, value);
            }
        }
        Ok(settings)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError(format!("cannot read {shown}: {error}")))?;
        let table: toml::Table = text.parse().map_err(|error| ConfigError(format!("{shown} is not TOML: {error}")))?;
        for (key, value) in table {
            let option = OPTIONS
                .iter()
                .find(|option| option.key == key)
                .ok_or_else(|| ConfigError(format!("{shown}: there is no option {key}; `canopy config` lists them")))?;
            let value = match value {
                toml::Value::String(text) => text,
                other => other.to_string(),
            };
            self.0.insert(option.key, value);
        }
        Ok(())
    }

    /// Sets one option by its key. For the command line and tests.
    pub fn set(&mut self, key: &'static str, value: impl Into<String>) {
        self.0.insert(key, value.into());
    }

    fn get(&self, key: &'static str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// Every option as TOML, secrets masked.
    #[must_use]
    pub fn printed(&self) -> String {
        let mut text = String::new();
        for option in OPTIONS {
            let value = self.get(option.key);
            let shown = if option.secret { masked(option.key, value) } else { value.to_owned() };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# {}\n{} = {:?}", option.help, option.key, shown);
        }
        text
    }
}

/// Of a URL the place is shown, not who signs in there, nor its query, which may hold a password as well.
fn masked(key: &str, value: &str) -> String {
    if value.is_empty() || !key_is_url(key) {
        return if value.is_empty() { String::new() } else { "****".into() };
    }
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let place = match rest.rsplit_once('@') {
        Some((_, place)) => format!("****@{place}"),
        None => rest.to_owned(),
    };
    match place.split_once('?') {
        Some((place, _)) => format!("{scheme}://{place}?****"),
        None => format!("{scheme}://{place}"),
    }
}

fn key_is_url(key: &str) -> bool {
    matches!(key, "database_url" | "default_transport" | "system_mail")
}

impl Config {
    /// Reads the options.
    ///
    /// # Errors
    /// A sentence that names the first option that cannot be read.
    pub fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        parse::config(settings)
    }

    #[must_use]
    pub fn database_url(&self) -> &str {
        self.database_url.expose_secret()
    }

    /// The hosts at which this platform has addresses of its own: of return paths, of complaints, and of this node.
    #[must_use]
    pub fn own_hosts(&self) -> [&str; 3] {
        let complaints = self.complaint_address.rsplit_once('@').map_or("", |(_, host)| host);
        [&self.platform.return_path, complaints, &self.host_name]
    }

    /// Whether cookies may take `Secure` and the `__Host-` prefix.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
