//! `/activity.csv`: what the list is narrowed to, for spreadsheets and auditors.

use actix_web::web::Query;
use chrono::SecondsFormat;

use super::filter::{ActivityQuery, resolve};
use super::list::{Names, by, names};
use super::sentence;
use crate::domain::role::Permission;
use crate::models::audit::{self, Entry};
use crate::secrets::hex;
use crate::web::acting::Acting;
use crate::web::csv::line;
use crate::web::error::{PageError, PageResult};
use crate::web::files::{download, file_name};

/// The newest entries that one file holds. The page says so.
pub const MOST: usize = 50_000;
const BLOCK: i64 = 1_000;

const HEAD: [&str; 14] = [
    "seq",
    "at",
    "actor",
    "actor_kind",
    "address",
    "account",
    "account_id",
    "action",
    "target",
    "what",
    "before",
    "after",
    "request_id",
    "hash",
];

/// `GET /activity.csv`
pub async fn csv(acting: Acting, asked: Query<ActivityQuery>) -> PageResult {
    acting.require(Permission::ViewActivity)?;
    if acting.account.parent_id.is_some() {
        return Err(PageError::not_found());
    }
    let asked = asked.into_inner().tidy();
    let (root, account, mut filter) = (acting.account.id, asked.account.clone(), asked.filter(&acting));
    let text = acting.app.read_much(acting.owner(), move |conn| {
        resolve(conn, root, &account, &mut filter)?;
        let (mut out, mut edge, mut written) = (line(&HEAD), None, 0);
        while written < MOST {
            let entries = audit::page(conn, root, &filter, edge, false, BLOCK)?;
            let Some(last) = entries.last() else { break };
            edge = Some(last.seq);
            let names = names(conn, &entries)?;
            entries.iter().for_each(|entry| out.push_str(&line(&cells(entry, &names))));
            written += entries.len();
        }
        Ok(out)
    });
    let name = file_name(&acting.account.name, "activity", "csv");
    Ok(download("text/csv; charset=utf-8", &name, text.await?.into_bytes()))
}

fn cells(entry: &Entry, names: &Names) -> [String; 14] {
    let said = sentence::sentence(entry);
    let what = std::iter::once(said.text).chain(said.details).collect::<Vec<_>>().join("; ");
    [
        entry.seq.to_string(),
        entry.at.and_utc().to_rfc3339_opts(SecondsFormat::Micros, true),
        by(entry),
        entry.actor_kind.clone(),
        entry.address.clone(),
        names.get(&entry.account_id).map(|(name, _)| name.clone()).unwrap_or_default(),
        entry.account_id.to_string(),
        entry.action.clone(),
        entry.target.clone(),
        what,
        entry.before.clone().unwrap_or_default(),
        entry.after.clone().unwrap_or_default(),
        entry.request_id.clone(),
        hex(&entry.hash),
    ]
}
