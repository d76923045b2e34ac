//! `canopy verify-audit`: walks every audit chain from its first entry to its head.

use super::CommandResult;
use crate::actions::audit::{Verdict, verify};
use crate::actions::error::ActionError;
use crate::config::Config;
use crate::models::{Db, accounts, audit};

/// Says for each parent account whether its chain is whole.
///
/// # Errors
/// When one is not: the program's exit code is then 1.
pub fn run(config: &Config) -> CommandResult {
    let db = Db::open(config.database_url(), 1)?;
    let heads = db.read(|conn| Ok::<_, ActionError>(audit::heads(conn)?))?;
    let mut broken = 0;
    for (root, seq, hash) in heads {
        let (verdict, account) =
            db.read(|conn| Ok::<_, ActionError>((verify(conn, root, seq, &hash)?, accounts::find_any(conn, root)?)))?;
        let name = account.map_or_else(|| root.to_string(), |account| format!("{} ({root})", account.name));
        match verdict {
            Verdict::Whole { entries } => println!("{name}: {entries} entries, whole."),
            Verdict::Broken { problem, .. } => {
                broken += 1;
                println!("{name}: broken: {problem}.");
            }
        }
    }
    if broken > 0 {
        return Err(format!("{broken} of the audit chains are broken").into());
    }
    println!("The audit is whole.");
    Ok(())
}
