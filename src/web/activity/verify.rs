//! `POST /activity/verify`: walks the account's chain and says whether it is whole.

use std::sync::Arc;

use crate::actions::ActionResult;
use crate::actions::verify_chain::{Verdict, verify as walk};
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::{AnyConnection, audit};
use crate::secrets::SecretKeys;
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::format;
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::{Flash, Tone};
use crate::web::page::see_other;

/// A chain that grows while it is walked is walked again, so often.
const TRIES: usize = 5;

/// `POST /activity/verify`
pub async fn verify(acting: Acting, _: Posted<Nothing>) -> PageResult {
    acting.require(Permission::ViewActivity)?;
    if acting.account.parent_id.is_some() {
        return Err(PageError::not_found());
    }
    let root = acting.account.id;
    let keys = Arc::clone(&acting.app.services.secrets);
    let verdict = acting.app.read_much(acting.owner(), move |conn| verdict(conn, &keys, root)).await?;
    acting.flash(&told(&verdict));
    Ok(see_other("/activity"))
}

fn verdict(conn: &mut AnyConnection, keys: &SecretKeys, root: Id) -> ActionResult<Verdict> {
    let mut head = audit::head(conn, root)?;
    for _ in 1..TRIES {
        let verdict = walk(conn, Some(keys), root, head.as_ref())?;
        let now = audit::head(conn, root)?;
        if !matches!(verdict, Verdict::Broken { .. }) || now == head {
            return Ok(verdict);
        }
        head = now;
    }
    walk(conn, Some(keys), root, head.as_ref())
}

fn told(verdict: &Verdict) -> Flash {
    match verdict {
        Verdict::Whole { entries } => Flash {
            detail: "Every entry follows the one before it, and none was changed, dropped or cut off.".into(),
            ..Flash::new(
                Tone::Good,
                format!(
                    "The chain is whole: {}.",
                    format::count(entries.unsigned_abs(), "entry was checked", "entries were checked")
                ),
            )
        },
        Verdict::Unsigned { entries } => Flash {
            detail:
                "It is not signed yet: whoever can write the database could have written it anew. The program signs it \
                     within minutes of its start."
                    .into(),
            ..Flash::new(
                Tone::Warn,
                format!(
                    "The chain holds together: {}.",
                    format::count(entries.unsigned_abs(), "entry was checked", "entries were checked")
                ),
            )
        },
        Verdict::NoKey { version } => Flash {
            detail:
                "Whoever runs this installation keeps older keys in the option secret_key, behind the newest. Nothing \
                     that could be checked was wrong."
                    .into(),
            ..Flash::new(Tone::Warn, format!("The chain cannot be verified: key version {version} is not configured."))
        },
        Verdict::Broken { seq, problem } => Flash {
            detail: format!("{problem}. Tell whoever runs this installation; entries before it can be trusted."),
            ..Flash::new(Tone::Bad, format!("The chain is broken at entry {}.", format::number(seq)))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_key_is_said_and_not_called_broken() {
        let flash = told(&Verdict::NoKey { version: 3 });
        assert_eq!(flash.text, "The chain cannot be verified: key version 3 is not configured.");
        let flash = told(&Verdict::Broken { seq: 1_204, problem: "entry 1204 was changed".into() });
        assert_eq!(flash.text, "The chain is broken at entry 1,204.");
        assert!(told(&Verdict::Unsigned { entries: 2 }).detail.contains("not signed yet"));
    }
}
