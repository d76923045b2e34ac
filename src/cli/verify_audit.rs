//! `canopy verify-audit`: walks every audit chain from its first entry to its head.

use super::CommandResult;
use crate::actions::audit::{Verdict, verify};
use crate::actions::error::ActionError;
use crate::config::Config;
use crate::domain::ids::Id;
use crate::models::accounts::Account;
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
        let name = named(root, account);
        match verdict {
            Verdict::Whole { entries } => println!("{name}: {entries} entries, whole."),
            Verdict::Broken { problem, .. } => {
                broken += 1;
                println!("{name}: broken: {problem}.");
            }
        }
    }
    for root in db.read(|conn| Ok::<_, ActionError>(audit::without_head(conn)?))? {
        let account = db.read(|conn| Ok::<_, ActionError>(accounts::find_any(conn, root)?))?;
        broken += 1;
        println!("{}: broken: its head is missing.", named(root, account));
    }
    if broken > 0 {
        return Err(format!("{broken} of the audit chains are broken").into());
    }
    println!("The audit is whole.");
    Ok(())
}

fn named(root: Id, account: Option<Account>) -> String {
    account.map_or_else(|| root.to_string(), |account| format!("{} ({root})", account.name))
}
