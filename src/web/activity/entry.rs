//! `/activity/{seq}`: one entry with everything that was recorded, before and after.

use actix_web::web::Path;
use askama::Template;
use serde_json::Value;

use super::hidden;
use super::list::{Line, line, names};
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::accounts;
use crate::models::audit::{self, Filter};
use crate::secrets::hex;
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::layout::Shell;
use crate::web::page::html;

#[derive(Template)]
#[template(path = "activity/entry.html")]
struct EntryPage {
    shell: Shell,
    line: Line,
    action: String,
    /// The client that was viewed as; empty for none.
    viewing_as: String,
    request_id: String,
    /// JSON, indented; empty for nothing.
    before: String,
    after: String,
    hash: String,
    previous_hash: String,
}

/// `GET /activity/{seq}`
pub async fn entry(acting: Acting, seq: Path<String>) -> PageResult {
    acting.require(Permission::ViewActivity)?;
    if acting.account.parent_id.is_some() {
        return Err(PageError::not_found());
    }
    let seq: i64 = seq.parse().ok().filter(|seq| (1..i64::MAX).contains(seq)).ok_or_else(PageError::not_found)?;
    let root = acting.account.id;
    let filter = Filter { hidden: hidden::in_lists(acting.may(Permission::ViewCost)), ..Filter::default() };
    let found = acting.app.read(move |conn| {
        let entries = audit::page(conn, root, &filter, Some(seq + 1), false, 1)?;
        let names = names(conn, &entries)?;
        let entry = entries.into_iter().next().filter(|entry| entry.seq == seq);
        let viewed: Vec<Id> = entry.iter().filter_map(|entry| entry.on_behalf_of).collect();
        let viewed = accounts::named(conn, &viewed)?.into_iter().next().map(|(_, name, ..)| name);
        Ok((entry, names, viewed))
    });
    let (entry, names, viewed) = found.await?;
    let entry = entry.ok_or_else(PageError::not_found)?;
    html(&EntryPage {
        line: line(&acting, &names, &entry),
        shell: acting.shell(&format!("Activity {seq}")),
        action: entry.action,
        viewing_as: viewed.unwrap_or_default(),
        request_id: entry.request_id,
        before: indented(entry.before.as_deref()),
        after: indented(entry.after.as_deref()),
        hash: hex(&entry.hash),
        previous_hash: hex(&entry.previous_hash),
    })
}

fn indented(json: Option<&str>) -> String {
    let Some(json) = json else { return String::new() };
    let value = serde_json::from_str::<Value>(json).ok();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| json.to_owned())
}
