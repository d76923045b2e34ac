//! `canopy check`: whether this installation is in order, a line for each thing that was looked at.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::CommandResult;
use super::serve::install_tls;
use crate::clock::Clock;
use crate::config::{Config, Settings};
use crate::dns::Dns;
use crate::doctor::{self, Depth, Finding, Means, Subject, Verdict, Whose};
use crate::models::Db;

#[derive(clap::Args)]
pub struct Arguments {
    /// Connects to this domain's mail server, to see whether port 25 is open outwards.
    #[arg(long, value_name = "DOMAIN")]
    probe_domain: Option<String>,
    /// Reads the database's files as thoroughly as it can, however long that takes.
    #[arg(long)]
    integrity: bool,
    /// Prints one line of JSON.
    #[arg(long)]
    json: bool,
}

/// How long a database may take to open.
const OPENING: Duration = Duration::from_secs(10);

/// Looks, and prints what was found.
///
/// # Errors
/// When something failed: the program's exit code is then 1.
pub fn run(settings: &Settings, wanted: &Arguments) -> CommandResult {
    let findings = match Config::from_settings(settings) {
        Ok(config) => look(config, wanted)?,
        Err(error) => vec![Finding::fail("configuration", error.to_string(), "`canopy config` prints every option.")],
    };
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    if wanted.json {
        println!("{}", json!({ "ok": failed == 0, "checks": findings }));
    } else {
        findings.iter().for_each(|finding| println!("{}", line(finding)));
    }
    match failed {
        0 => Ok(()),
        1 => Err("1 check failed".into()),
        many => Err(format!("{many} checks failed").into()),
    }
}

fn line(finding: &Finding) -> String {
    let Finding { subject, verdict, found, advice, detail, .. } = finding;
    let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
    let text = format!("{:<4}  {subject}: {found}{detail} {advice}", verdict.word());
    // One line, whatever others said.
    text.trim_end().chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

fn look(config: Config, wanted: &Arguments) -> Result<Vec<Finding>, Box<dyn std::error::Error>> {
    install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let findings = runtime.block_on(async {
        let dns = match config.dns {
            Some(address) => Dns::at(address, doctor::PATIENCE / 2),
            None => Dns::system(),
        };
        let subject = Subject {
            db: open(&config).await,
            dns: dns.map_err(|error| error.to_string()),
            now: Clock::default().now(),
            whose: Whose::Everybody,
            probe_domain: wanted.probe_domain.clone(),
            integrity: Some(if wanted.integrity { Depth::Full } else { Depth::Quick }),
            means: Means::default(),
            config,
        };
        doctor::examine(subject).await
    });
    // A server that never answers holds its thread; it is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(findings)
}

/// The database as it is: none is made, and no migration runs.
async fn open(config: &Config) -> Result<Arc<Db>, String> {
    if let Some(path) = config.database_url().strip_prefix("sqlite://")
        && !Path::new(path).exists()
    {
        return Err(format!("there is no file {path}"));
    }
    let (url, connections) = (config.database_url().to_owned(), config.database_connections.min(2));
    let opening = tokio::task::spawn_blocking(move || Db::open(&url, connections));
    match tokio::time::timeout(OPENING, opening).await {
        Ok(Ok(Ok(db))) => Ok(Arc::new(db)),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it did not answer within {} s", OPENING.as_secs())),
    }
}
