//! The one table of options: what `canopy config` prints, and what the README's table is checked against.

/// An option: its key in the TOML file, its environment variable is `CANOPY_` and the key in capitals.
pub struct Opt {
    pub key: &'static str,
    pub default: &'static str,
    pub help: &'static str,
    /// Masked when printed.
    pub secret: bool,
}

const fn plain(key: &'static str, default: &'static str, help: &'static str) -> Opt {
    Opt { key, default, help, secret: false }
}

const fn secret(key: &'static str, default: &'static str, help: &'static str) -> Opt {
    Opt { key, default, help, secret: true }
}

pub const OPTIONS: &[Opt] = &[
    secret("database_url", "sqlite://canopy-data/canopy.db", "`sqlite://path` or `postgres://user@host/name`"),
    plain("database_connections", "8", "Pooled connections of this node"),
    plain("listen", "127.0.0.1:8080", "Address and port of dashboard and API"),
    plain("public_url", "", "Where people reach the dashboard; `http://` and the listen address when empty"),
    plain("data_dir", "canopy-data", "Where the mailbox and system mail kept on this machine are written"),
    secret(
        "secret_key",
        "",
        "Keys for secrets at rest: `version:base64 of 32 bytes`, several with commas, the first seals",
    ),
    plain(
        "trusted_proxies",
        "",
        "Networks of reverse proxies, whose `forwarded_header` is believed, with commas; none when empty",
    ),
    plain(
        "forwarded_header",
        "x-forwarded-for",
        "The header in which they name whom they speak for: `x-forwarded-for`, or `forwarded` (RFC 7239); no other is read",
    ),
    plain("dns", "", "`HOST:PORT` of the resolver that domain checks ask; the system's when empty"),
    secret(
        "default_transport",
        "mailbox",
        "For accounts without one of their own: `mailbox`, `direct`, or `smtp://user:password@host:port`",
    ),
    plain(
        "transport_allow",
        "",
        "Private networks and hosts that transports of accounts may connect to, with commas; none when empty",
    ),
    secret(
        "system_mail",
        "maildir",
        "How invitations, resets and alerts leave: `maildir`, or `smtp://user:password@host:port`",
    ),
    plain("mail_from", "Canopy <canopy@localhost>", "The sender of system mail"),
    plain("host_name", "localhost", "The name this node gives in EHLO"),
    plain("spf_include", "spf.canopy.example", "The name that clients include in their SPF record"),
    plain(
        "return_path_host",
        "bounces.canopy.example",
        "What clients' return path names point at, and where bounces of domains without one go; its MX is `mx_listen`",
    ),
    plain(
        "complaint_address",
        "",
        "Where mailbox providers send complaint reports: register it with them; `complaints@` and the return path host when empty",
    ),
    plain(
        "operator_address",
        "",
        "Who reads what comes to `postmaster@` and `abuse@` at the hosts of this platform; refused when empty",
    ),
    plain(
        "audit_heads_file",
        "",
        "File to which it is added daily how each chain of the audit ends, best on another machine, for `canopy verify-audit --against`; none when empty",
    ),
    plain("audit_heads_mail", "false", "Mails the same to `operator_address`"),
    plain("mx_listen", "", "Address and port on which bounces and complaints are received over SMTP; off when empty"),
    plain(
        "mx_tls_cert",
        "",
        "File of the certificate (PEM, with its chain) that STARTTLS shows at `mx_listen`, read anew when it changes; not offered when empty",
    ),
    plain("mx_tls_key", "", "File of its private key (PEM)"),
    plain("mx_connections", "200", "Conversations at once at `mx_listen`; one more is told to come later"),
    plain("mx_connections_per_address", "20", "The same from one address, or from one /64 network of IPv6"),
    plain(
        "mx_max_message_kb",
        "25600",
        "Largest message that is taken there, in kilobytes, announced as SIZE; at least 64",
    ),
    plain("mx_max_lines", "500000", "Lines of such a message"),
    plain(
        "mx_timeout_seconds",
        "60",
        "Seconds that a command, or a silence within a message, may take there; a message may take 5 times this, a conversation 15 times",
    ),
    plain(
        "submission_listen",
        "",
        "Addresses and ports on which clients hand in mail over SMTP, with commas, such as `0.0.0.0:587,0.0.0.0:2525`; off when empty",
    ),
    plain(
        "submission_tls_cert",
        "",
        "File of the certificate (PEM, with its chain) that STARTTLS shows at `submission_listen`, read anew when it changes",
    ),
    plain("submission_tls_key", "", "File of its private key (PEM)"),
    plain(
        "trusted_listen",
        "",
        "Address on loopback and port on which programs of this machine hand in mail without signing in; off when empty",
    ),
    plain("trusted_account", "", "The id of the account whose mail that is"),
    plain("metrics_listen", "", "Address and port on which `/metrics` is served to Prometheus; off when empty"),
    secret(
        "metrics_token",
        "",
        "What Prometheus sends as its bearer token, of at least 16 characters; serves `/metrics` on `listen` too; off when empty",
    ),
    plain("tracking_host", "track.canopy.example", "What clients' tracking, subscription and media names point at"),
    plain("mx_host", "mx.canopy.example", "The host that receives mail for clients' domains"),
    plain("rate_limit_per_second", "100", "API requests an account may make a second"),
    plain("rate_limit_burst", "200", "API requests an account may make at once"),
    plain("body_limit_mb", "30", "Largest request body, in megabytes"),
    plain(
        "memory_budget_mb",
        "512",
        "Megabytes for what arrives and what is made of it (bodies, forms, files, messages over SMTP), a quarter of them of one account, and an eighth more for those who hold little; beyond, 503 is answered, over SMTP 452; at least 3 times `body_limit_mb`",
    ),
    plain("session_idle_minutes", "720", "A dashboard session ends after this long without a request"),
    plain("session_absolute_hours", "336", "A dashboard session ends this long after sign-in"),
    plain(
        "accept_line_requests",
        "4096",
        "Requests that may wait to be committed on this node, a quarter of them of one account; more are answered 503 at once",
    ),
    plain(
        "accept_line_mb",
        "256",
        "Megabytes that these may take together, and a quarter of them those of one account",
    ),
    plain(
        "held_messages_per_account",
        "100000",
        "Messages that an account may hold at its cap; what comes beyond is refused as if it did not hold",
    ),
    plain("delivery_workers", "16", "Deliveries under way at once on this node"),
    plain(
        "roles",
        "web,worker,mx",
        "What this node does: `web` serves dashboard and API and takes mail over SMTP, `worker` delivers and keeps house, `mx` receives at `mx_listen`",
    ),
    plain("web_workers", "2", "Threads that serve requests"),
    plain("demo", "false", "Demo mode: shows the component page"),
];
