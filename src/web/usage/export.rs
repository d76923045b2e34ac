//! The whole table as CSV: every account, whatever page the screen was on. Money only for who may see it.

use actix_web::web::Query;

use super::load::{Loaded, UsageQuery, load};
use crate::actions::usage_report::{Counted, UsageLine};
use crate::domain::money::Money;
use crate::domain::role::Permission;
use crate::web::acting::Acting;
use crate::web::csv::line;
use crate::web::error::{PageError, PageResult};
use crate::web::files::{COUNTS, counts, download, file_name};

const HEAD: [&str; 4] = ["account", "id", "external_id", "name"];

/// `GET /usage.csv`
pub async fn csv(acting: Acting, asked: Query<UsageQuery>) -> PageResult {
    if acting.account.parent_id.is_some() {
        return Err(PageError::not_found());
    }
    acting.require(Permission::ViewUsage)?;
    let loaded = load(&acting, &asked).await?;
    let text = text(&loaded, acting.may(Permission::ViewCost));
    let what = format!("usage-{}", loaded.span.first_day());
    Ok(download("text/csv; charset=utf-8", &file_name(&acting.account.name, &what, "csv"), text.into_bytes()))
}

fn text(loaded: &Loaded, money: bool) -> String {
    let report = &loaded.report;
    let mut head: Vec<&str> = HEAD.into_iter().chain(COUNTS).collect();
    if money {
        head.extend(["currency", "allocated_cost"]);
    }
    let mut out = line(&head);
    let mut add = |kind: &str, named: Option<&UsageLine>, counted: Counted| {
        out.push_str(&line(&cells(loaded, money, kind, named, counted)));
    };
    add("parent", Some(&report.parent), report.parent.counted);
    report.children.iter().for_each(|row| add("sub account", Some(row), row.counted));
    report.removed.iter().for_each(|row| add("removed sub account", Some(row), row.counted));
    add("total", None, report.total);
    out
}

fn cells(loaded: &Loaded, money: bool, kind: &str, named: Option<&UsageLine>, counted: Counted) -> Vec<String> {
    let mut cells = vec![
        kind.to_owned(),
        named.map(|row| row.account_id.to_string()).unwrap_or_default(),
        named.and_then(|row| row.external_id.clone()).unwrap_or_default(),
        named.map(|row| row.name.clone()).unwrap_or_default(),
    ];
    cells.extend(counts(&counted.messages).map(|count| count.to_string()));
    if money {
        // Without a plan both stay empty: a cost that is not known is no zero.
        let cost = loaded.report.plan.as_ref().zip(counted.cost_minor);
        cells.push(cost.map(|(plan, _)| plan.currency.code().to_owned()).unwrap_or_default());
        let plain = |(plan, minor): (&crate::domain::rating::Plan, i64)| {
            Money::new(minor, plan.currency).to_decimal().to_string()
        };
        cells.push(cost.map(plain).unwrap_or_default());
    }
    cells
}
