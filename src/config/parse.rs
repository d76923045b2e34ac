//! From option texts to values.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use secrecy::SecretString;

use super::{Config, ConfigError, MxLimits, Roles, Settings, Transport};
use crate::actions::accept_message::Line;
use crate::delivery::transport::{DirectConfig, RelayConfig, Route, TlsMode};
use crate::dns::PlatformNames;
use crate::domain::destination::Destinations;
use crate::domain::email_address::EmailAddress;
use crate::domain::forwarded::ForwardedHeader;
use crate::domain::ids::Id;
use crate::domain::return_path::MAX_HOST as MAX_RETURN_PATH_HOST;
use crate::load::READ;

pub fn config(settings: &Settings) -> Result<Config, ConfigError> {
    let listen: SocketAddr = address(settings, "listen")?;
    let public_url = match settings.get("public_url").trim_end_matches('/') {
        "" => format!("http://{listen}"),
        url if url.starts_with("http://") || url.starts_with("https://") => url.to_owned(),
        _ => return Err(wrong("public_url", "it must start with http:// or https://")),
    };
    let (mail_from_name, mail_from_address) = sender(settings.get("mail_from"))?;
    let host_name = settings.get("host_name").to_owned();
    let config = Config {
        database_url: settings.get("database_url").into(),
        database_connections: number(settings, "database_connections")?,
        listen,
        public_url,
        data_dir: settings.get("data_dir").into(),
        secret_key: settings.get("secret_key").into(),
        trusted_proxies: networks(settings.get("trusted_proxies"))?,
        forwarded_header: ForwardedHeader::parse(settings.get("forwarded_header").trim())
            .ok_or_else(|| wrong("forwarded_header", "it must be x-forwarded-for or forwarded"))?,
        dns: optional_address(settings, "dns")?,
        default_transport: default_transport(settings.get("default_transport"), &host_name)?,
        destinations: Destinations::parse(settings.get("transport_allow"))
            .map_err(|refusal| wrong("transport_allow", refusal.message()))?,
        direct_port: port(settings, "direct_port", 25)?,
        policy_port: port(settings, "policy_port", 443)?,
        direct_roots: Some(settings.get("direct_roots")).filter(|path| !path.is_empty()).map(PathBuf::from),
        system_mail: transport("system_mail", settings.get("system_mail"), "maildir", &host_name)?,
        mail_from_name,
        mail_from_address,
        platform: PlatformNames {
            spf_include: settings.get("spf_include").into(),
            return_path: host(settings, "return_path_host")?,
            tracking: settings.get("tracking_host").into(),
            mx: settings.get("mx_host").into(),
            dmarc_rua: None,
        },
        complaint_address: complaint_address(settings)?,
        operator_address: operator_address(settings)?,
        audit_heads_file: Some(settings.get("audit_heads_file")).filter(|path| !path.is_empty()).map(PathBuf::from),
        audit_heads_mail: settings.get("audit_heads_mail") == "true",
        mx_listen: optional_address(settings, "mx_listen")?,
        mx_tls: tls_files(settings, ["mx_tls_cert", "mx_tls_key"])?,
        mx_limits: mx_limits(settings)?,
        submission_listen: submission_listen(settings)?,
        submission_tls: tls_files(settings, ["submission_tls_cert", "submission_tls_key"])?,
        trusted: trusted(settings)?,
        metrics_listen: optional_address(settings, "metrics_listen")?,
        metrics_token: metrics_token(settings.get("metrics_token"))?,
        host_name,
        rate_limit_per_second: number(settings, "rate_limit_per_second")?,
        rate_limit_burst: number(settings, "rate_limit_burst")?,
        body_limit: number::<usize>(settings, "body_limit_mb")?.saturating_mul(1024 * 1024),
        memory_budget: number(settings, "memory_budget_mb")?,
        session_idle: TimeDelta::minutes(number(settings, "session_idle_minutes")?),
        session_absolute: TimeDelta::hours(number(settings, "session_absolute_hours")?),
        accept_line: Line {
            requests: number(settings, "accept_line_requests")?,
            megabytes: number(settings, "accept_line_mb")?,
        },
        held_messages: number(settings, "held_messages_per_account")?,
        delivery_workers: number(settings, "delivery_workers")?,
        roles: roles(settings.get("roles"))?,
        web_workers: number(settings, "web_workers")?,
        demo: settings.get("demo") == "true",
    };
    if config.audit_heads_mail && config.operator_address.is_none() {
        return Err(wrong("audit_heads_mail", "it needs operator_address, to which it is mailed"));
    }
    if config.memory_budget.saturating_mul(1024 * 1024) < config.body_limit.saturating_mul(READ) {
        return Err(wrong(
            "memory_budget_mb",
            "it must be at least three times body_limit_mb: else the largest body is never taken",
        ));
    }
    let host = config.operator_address.as_deref().and_then(|address| address.rsplit_once('@'));
    if host.is_some_and(|(_, host)| config.own_hosts().iter().any(|own| own.eq_ignore_ascii_case(host))) {
        return Err(wrong("operator_address", "it is at a host of this platform: its mail would come back here"));
    }
    Ok(config)
}

fn wrong(key: &str, why: &str) -> ConfigError {
    ConfigError(format!("the option {key} (CANOPY_{}) cannot be used: {why}", key.to_uppercase()))
}

fn number<T: FromStr>(settings: &Settings, key: &'static str) -> Result<T, ConfigError> {
    settings.get(key).trim().parse().map_err(|_| wrong(key, "it must be a whole number"))
}

/// A port that only tests choose.
fn port(settings: &Settings, key: &'static str, usual: u16) -> Result<u16, ConfigError> {
    if settings.get(key).is_empty() { Ok(usual) } else { number(settings, key) }
}

fn address(settings: &Settings, key: &'static str) -> Result<SocketAddr, ConfigError> {
    let found = settings.get(key).to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| wrong(key, "it must be HOST:PORT"))
}

fn optional_address(settings: &Settings, key: &'static str) -> Result<Option<SocketAddr>, ConfigError> {
    if settings.get(key).is_empty() { Ok(None) } else { address(settings, key).map(Some) }
}

/// A host name that addresses can end in, as it is signed: lower case, without a final dot.
fn host(settings: &Settings, key: &'static str) -> Result<String, ConfigError> {
    let name = settings.get(key).trim().trim_end_matches('.').to_ascii_lowercase();
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if name.is_empty() || name.len() > MAX_RETURN_PATH_HOST || !name.bytes().all(letters) {
        return Err(wrong(key, "it must be a host name"));
    }
    Ok(name)
}

/// Certificate and key: both or neither. Their files are read when the listener starts.
fn tls_files(settings: &Settings, [cert, key]: [&'static str; 2]) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
    match (settings.get(cert).trim(), settings.get(key).trim()) {
        ("", "") => Ok(None),
        ("", _) => Err(wrong(cert, &format!("{key} is given, and no certificate that it belongs to"))),
        (_, "") => Err(wrong(key, &format!("{cert} is given, and no private key for it"))),
        (certificate, key) => Ok(Some((certificate.into(), key.into()))),
    }
}

/// Clients sign in by a password, which is taken inside TLS only: without a certificate nobody could.
fn submission_listen(settings: &Settings) -> Result<Vec<SocketAddr>, ConfigError> {
    const KEY: &str = "submission_listen";
    let one = |text: &str| text.to_socket_addrs().ok().and_then(|mut all| all.next());
    let addresses = settings.get(KEY).split(',').map(str::trim).filter(|text| !text.is_empty());
    let addresses: Vec<SocketAddr> = addresses
        .map(|text| one(text).ok_or_else(|| wrong(KEY, "it must be HOST:PORT, or several with commas")))
        .collect::<Result<_, _>>()?;
    if !addresses.is_empty() && settings.get("submission_tls_cert").trim().is_empty() {
        return Err(wrong(KEY, "clients sign in inside TLS only: set submission_tls_cert and submission_tls_key"));
    }
    Ok(addresses)
}

/// Whoever reaches this listener sends in the account's name, so that nobody from elsewhere may.
fn trusted(settings: &Settings) -> Result<Option<(SocketAddr, Id)>, ConfigError> {
    let Some(address) = optional_address(settings, "trusted_listen")? else { return Ok(None) };
    if !address.ip().is_loopback() {
        return Err(wrong(
            "trusted_listen",
            "nobody signs in there, so it must be an address of loopback: 127.0.0.1:2526",
        ));
    }
    let account = settings.get("trusted_account").trim().parse();
    let account =
        account.map_err(|_| wrong("trusted_account", "it must be the id of the account whose mail that is"))?;
    Ok(Some((address, account)))
}

/// Below these a listener takes next to nothing; far above, strangers fill the memory and hold all the places.
fn mx_limits(settings: &Settings) -> Result<MxLimits, ConfigError> {
    let within = |key: &'static str, least: usize, most: usize| {
        let given = number::<usize>(settings, key)?;
        let right = (least..=most).contains(&given);
        if right { Ok(given) } else { Err(wrong(key, &format!("it must be between {least} and {most}"))) }
    };
    Ok(MxLimits {
        connections: within("mx_connections", 1, 100_000)?,
        connections_per_address: within("mx_connections_per_address", 1, 100_000)?,
        // RFC 5321 section 4.5.3.1.7 asks for 64 K octets at least.
        size: within("mx_max_message_kb", 64, 1024 * 1024)? * 1024,
        lines: within("mx_max_lines", 1000, 100_000_000)?,
        timeout: Duration::from_secs(within("mx_timeout_seconds", 1, 3600)? as u64),
    })
}

fn complaint_address(settings: &Settings) -> Result<String, ConfigError> {
    let address = match settings.get("complaint_address").trim() {
        "" => format!("complaints@{}", host(settings, "return_path_host")?),
        given => given.to_ascii_lowercase(),
    };
    EmailAddress::parse(&address).map_err(|_| wrong("complaint_address", "it must be an email address"))?;
    Ok(address)
}

fn operator_address(settings: &Settings) -> Result<Option<String>, ConfigError> {
    let address = settings.get("operator_address").trim();
    if address.is_empty() {
        return Ok(None);
    }
    EmailAddress::parse(address).map_err(|_| wrong("operator_address", "it must be an email address"))?;
    Ok(Some(address.to_owned()))
}

/// A token that nobody guesses: whoever has it reads how much every account sends.
fn metrics_token(text: &str) -> Result<Option<SecretString>, ConfigError> {
    match text.trim() {
        "" => Ok(None),
        token if token.len() >= 16 && token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(token.into())),
        _ => Err(wrong("metrics_token", "it must have at least 16 visible ASCII characters")),
    }
}

fn networks(text: &str) -> Result<Vec<ipnet::IpNet>, ConfigError> {
    let one = |entry: &str| {
        entry
            .parse()
            .or_else(|_| entry.parse::<std::net::IpAddr>().map(ipnet::IpNet::from))
            .map_err(|_| wrong("trusted_proxies", "each entry must be an address or a network such as 10.0.0.0/8"))
    };
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(one).collect()
}

fn roles(text: &str) -> Result<Roles, ConfigError> {
    let mut roles = Roles { web: false, worker: false, mx: false };
    for role in text.split(',').map(str::trim).filter(|role| !role.is_empty()) {
        match role {
            "web" => roles.web = true,
            "worker" => roles.worker = true,
            "mx" => roles.mx = true,
            _ => return Err(wrong("roles", "it must be some of web, worker and mx, with commas")),
        }
    }
    if roles.web || roles.worker || roles.mx {
        Ok(roles)
    } else {
        Err(wrong("roles", "it must name at least one role"))
    }
}

fn sender(text: &str) -> Result<(String, String), ConfigError> {
    let (name, address) = match text.split_once('<') {
        Some((name, rest)) => (name.trim(), rest.trim_end().trim_end_matches('>')),
        None => ("Canopy", text.trim()),
    };
    if !address.contains('@') || text.chars().any(char::is_control) {
        return Err(wrong("mail_from", "it must be an address, or Name <address>"));
    }
    Ok((name.to_owned(), address.to_owned()))
}

fn default_transport(text: &str, host_name: &str) -> Result<Route, ConfigError> {
    if text == "direct" {
        return Ok(Route::Direct(DirectConfig { local_name: host_name.into(), source: None }));
    }
    Ok(match transport("default_transport", text, "mailbox", host_name)? {
        Transport::Mailbox => Route::Mailbox,
        Transport::Smtp(relay) => Route::Relay(relay),
    })
}

/// Reads `local`, or `smtp://user:password@host:port` (`smtps://` for TLS from the first byte).
pub fn transport(key: &str, text: &str, local: &str, host_name: &str) -> Result<Transport, ConfigError> {
    if text == local {
        return Ok(Transport::Mailbox);
    }
    let (tls, rest) = match text.split_once("://") {
        Some(("smtp", rest)) => (TlsMode::Opportunistic, rest),
        Some(("smtp+starttls", rest)) => (TlsMode::StartTls, rest),
        Some(("smtps", rest)) => (TlsMode::Implicit, rest),
        _ => {
            return Err(wrong(
                key,
                &format!("it must be {local}, or smtp://, smtp+starttls:// or smtps:// and HOST:PORT"),
            ));
        }
    };
    let (auth, place) = match rest.rsplit_once('@') {
        Some((auth, place)) => (Some(auth), place),
        None => (None, rest),
    };
    let (host, port) = place.trim_end_matches('/').rsplit_once(':').ok_or_else(|| wrong(key, "the port is missing"))?;
    let port = port.parse().map_err(|_| wrong(key, "the port must be a number"))?;
    let auth = auth.map(|auth| {
        let (user, password) = auth.split_once(':').unwrap_or((auth, ""));
        (user.to_owned(), password.to_owned())
    });
    Ok(Transport::Smtp(RelayConfig {
        host: host.into(),
        port,
        tls,
        auth,
        local_name: host_name.into(),
        source: None,
        trusted: true,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
        let mut settings = Settings::default();
        for (key, value) in pairs {
            settings.set(key, *value);
        }
        config(&settings)
    }

    #[test]
    fn what_comes_back_goes_to_the_platforms_host_and_is_received_where_asked() {
        let config = with(&[("return_path_host", "Bounces.Example.COM.")]).expect("right");
        assert_eq!(config.platform.return_path, "bounces.example.com");
        assert_eq!(config.complaint_address, "complaints@bounces.example.com");
        assert_eq!(config.mx_listen, None, "off");
        let config = with(&[("mx_listen", "127.0.0.1:2525"), ("complaint_address", "FBL@example.com")]).expect("right");
        assert_eq!(config.mx_listen.map(|address| address.port()), Some(2525));
        assert_eq!(config.complaint_address, "fbl@example.com");
    }

    #[test]
    fn clients_hand_in_mail_where_asked_and_programs_on_loopback_alone() {
        let files = [("submission_tls_cert", "cert.pem"), ("submission_tls_key", "key.pem")];
        let config = with(&[("submission_listen", "127.0.0.1:587, [::1]:2525"), files[0], files[1]]).expect("right");
        let ports: Vec<u16> = config.submission_listen.iter().map(|address| address.port()).collect();
        assert_eq!((ports, config.trusted), (vec![587, 2525], None));
        let account = Id::new(chrono::DateTime::UNIX_EPOCH);
        let trusted = |address| with(&[("trusted_listen", address), ("trusted_account", &account.to_string())]);
        assert_eq!(trusted("[::1]:2526").expect("right").trusted.map(|(_, account)| account), Some(account));
        assert!(trusted("0.0.0.0:2526").is_err());
        let nobodys = with(&[("trusted_listen", "127.0.0.1:2526")]).expect_err("nobody's");
        assert!(nobodys.0.contains("trusted_account"), "{nobodys}");
    }

    #[test]
    fn a_wrong_one_is_named() {
        let long = "a".repeat(211);
        for (key, value) in [
            ("return_path_host", ""),
            ("return_path_host", "a b"),
            ("return_path_host", long.as_str()),
            ("complaint_address", "complaints"),
            ("mx_listen", "25"),
            ("mx_tls_key", "key.pem"),
            ("submission_tls_cert", "cert.pem"),
            ("submission_listen", "127.0.0.1:587"),
            ("submission_listen", "587"),
            ("trusted_listen", "0.0.0.0:2526"),
            ("trusted_listen", "192.0.2.1:2526"),
            ("operator_address", "operator"),
            ("operator_address", "Me@Bounces.canopy.example"),
            ("mx_connections", "0"),
            ("mx_connections_per_address", "many"),
            ("mx_max_message_kb", "63"),
            ("mx_max_lines", "999"),
            ("mx_timeout_seconds", "0"),
            ("mx_timeout_seconds", "3601"),
            ("forwarded_header", "x-real-ip"),
            ("forwarded_header", ""),
            ("metrics_listen", "9100"),
            ("metrics_token", "short"),
            ("metrics_token", "sixteen letters and spaces"),
        ] {
            let error = with(&[(key, value)]).expect_err(value);
            assert!(error.0.contains(key), "{error}");
        }
    }
}
