//! `POST /activity/verify`: walks the account's chain and says whether it is whole.

use crate::actions::ActionResult;
use crate::actions::audit::{Verdict, verify as walk};
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::{AnyConnection, audit};
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
    let verdict = acting.app.read(move |conn| verdict(conn, root)).await?;
    acting.flash(&told(&verdict));
    Ok(see_other("/activity"))
}

fn verdict(conn: &mut AnyConnection, root: Id) -> ActionResult<Verdict> {
    let mut head = audit::head(conn, root)?;
    for _ in 1..TRIES {
        let verdict = against(conn, root, head.as_ref())?;
        let now = audit::head(conn, root)?;
        if matches!(verdict, Verdict::Whole { .. }) || now == head {
            return Ok(verdict);
        }
        head = now;
    }
    against(conn, root, head.as_ref())
}

fn against(conn: &mut AnyConnection, root: Id, head: Option<&(i64, Vec<u8>)>) -> ActionResult<Verdict> {
    match head {
        Some((seq, hash)) => walk(conn, root, *seq, hash),
        None => walk(conn, root, 0, &[0; 32]),
    }
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
        Verdict::Broken { seq, problem } => Flash {
            detail: format!("{problem}. Tell whoever runs this installation; entries before it can be trusted."),
            ..Flash::new(Tone::Bad, format!("The chain is broken at entry {}.", format::number(seq)))
        },
    }
}
