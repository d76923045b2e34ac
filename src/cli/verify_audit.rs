//! `canopy verify-audit`: walks every audit chain from its first entry to its head, and holds it against what was kept of it
//! outside the database.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::CommandResult;
use crate::actions::error::ActionError;
use crate::actions::verify_chain::{Verdict, verify};
use crate::app::secret_keys;
use crate::config::Config;
use crate::domain::audit_head::AuditHead;
use crate::domain::ids::Id;
use crate::models::{AnyConnection, Db, accounts, audit};
use crate::secrets::{SecretKeys, hex};
use secrecy::ExposeSecret;

#[derive(Args)]
pub struct Arguments {
    /// A file with lines of how the chains ended before (`audit_heads_file`, a log, a mail): finds what is gone together
    /// with its head.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

/// What was found of one chain.
struct Line {
    name: String,
    words: String,
    whole: bool,
}

/// Says for each parent account whether its chain is whole.
///
/// # Errors
/// When one is not, or cannot be verified: the program's exit code is then 1.
pub fn run(config: &Config, arguments: &Arguments) -> CommandResult {
    let keys = match config.secret_key.expose_secret() {
        "" => None,
        text => Some(secret_keys(text)?),
    };
    let known = arguments.against.as_deref().map(read).transpose()?.unwrap_or_default();
    let db = Db::open(config.database_url(), 1)?;
    let (mut broken, mut unsure) = (0, 0);
    for root in db.read(|conn| roots(conn, &known))? {
        let line = db.read(|conn| look(conn, keys.as_ref(), root, &known))?;
        println!("{}: {}", line.name, line.words);
        broken += i32::from(!line.whole && line.words.starts_with("broken"));
        unsure += i32::from(!line.whole && !line.words.starts_with("broken"));
    }
    match (broken, unsure) {
        (0, 0) => println!("The audit is whole."),
        (0, unsure) => return Err(format!("{unsure} of the audit chains cannot be verified").into()),
        (broken, _) => return Err(format!("{broken} of the audit chains are broken").into()),
    }
    Ok(())
}

/// The heads that a file tells of.
fn read(path: &Path) -> Result<BTreeSet<AuditHead>, Box<dyn std::error::Error>> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let heads: BTreeSet<AuditHead> = String::from_utf8_lossy(&bytes).lines().filter_map(AuditHead::parse).collect();
    if heads.is_empty() { Err(format!("{shown} tells of no audit chain").into()) } else { Ok(heads) }
}

/// Every chain that there is or should be: with a head, with entries, of a live parent account, or known from outside.
fn roots(conn: &mut AnyConnection, known: &BTreeSet<AuditHead>) -> Result<BTreeSet<Id>, ActionError> {
    let mut roots: BTreeSet<Id> = audit::heads(conn)?.into_iter().map(|head| head.root_id).collect();
    roots.extend(audit::without_head(conn)?);
    roots.extend(accounts::roots(conn)?.into_iter().map(|account| account.id));
    roots.extend(known.iter().map(|head| head.root));
    Ok(roots)
}

fn look(
    conn: &mut AnyConnection,
    keys: Option<&SecretKeys>,
    root: Id,
    known: &BTreeSet<AuditHead>,
) -> Result<Line, ActionError> {
    let account = accounts::find_any(conn, root)?;
    let name = account.map_or_else(|| root.to_string(), |account| format!("{} ({root})", account.name));
    let head = audit::head(conn, root)?;
    let (mut words, mut whole) = told(&verify(conn, keys, root, head.as_ref())?);
    if !words.starts_with("broken")
        && let Some(lost) = lost(conn, root, known)?
    {
        (words, whole) = (format!("broken: {lost}."), false);
    }
    Ok(Line { name, words, whole })
}

fn told(verdict: &Verdict) -> (String, bool) {
    match verdict {
        Verdict::Whole { entries } => (format!("{entries} entries, whole."), true),
        Verdict::Unsigned { entries } => (
            format!(
                "cannot be verified: {entries} entries that are not signed yet: `canopy serve` does so after its start."
            ),
            false,
        ),
        Verdict::Broken { problem, .. } => (format!("broken: {problem}."), false),
        Verdict::NoKey { version } => {
            (format!("cannot be verified: key version {version} is not configured (secret_key)."), false)
        }
    }
}

/// What the file knows of a chain and the chain does not.
fn lost(conn: &mut AnyConnection, root: Id, known: &BTreeSet<AuditHead>) -> Result<Option<String>, ActionError> {
    for head in known.iter().filter(|head| head.root == root) {
        match audit::hash_at(conn, root, head.seq)? {
            Some(hash) if hex(&hash) == head.hash => {}
            Some(_) => return Ok(Some(format!("entry {} is not the one that the file knows", head.seq))),
            None => return Ok(Some(format!("the file knows entry {}, which is gone", head.seq))),
        }
    }
    Ok(None)
}
