//! `GET /sub-accounts/views`: every view that the member sees, in words, and the way to change it.

use std::collections::HashMap;

use askama::Template;

use super::{keeper, opened};
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::saved_views::{self, SavedView};
use crate::models::users;
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::layout::Shell;
use crate::web::page::html;

#[derive(Template)]
#[template(path = "sub_accounts/views.html")]
struct ViewsPage {
    shell: Shell,
    rows: Vec<Row>,
    account: String,
}

struct Row {
    id: String,
    name: String,
    href: String,
    shows: String,
    seen_by: String,
    may_change: bool,
}

/// `GET /sub-accounts/views`
pub async fn show(acting: Acting) -> PageResult {
    acting.require(Permission::ViewSubAccounts)?;
    let (keeper, money) = (keeper(&acting), acting.may(Permission::ViewCost));
    let (views, people) = acting
        .app
        .read(move |conn| {
            let views = saved_views::seen_by(conn, keeper.account, keeper.user)?;
            let others: Vec<Id> = views.iter().map(|view| view.user_id).filter(|maker| *maker != keeper.user).collect();
            let people = if others.is_empty() { Vec::new() } else { users::find_many(conn, &others)? };
            Ok((views, people))
        })
        .await?;
    let names: HashMap<Id, String> = people.into_iter().map(|person| (person.id, person.name)).collect();
    let row = |view: &SavedView| Row {
        id: view.id.to_string(),
        name: view.name.clone(),
        href: opened(view, money).href(),
        shows: opened(view, money).in_words(),
        seen_by: match (view.shared, names.get(&view.user_id)) {
            (false, _) => "Only you".into(),
            (true, None) => "All members, shared by you".into(),
            (true, Some(name)) => format!("All members, shared by {name}"),
        },
        may_change: keeper.may_change(view),
    };
    let rows = views.iter().map(row).collect();
    html(&ViewsPage { rows, account: acting.account.name.clone(), shell: acting.shell("Saved views") })
}
