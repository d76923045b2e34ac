//! A cap for many, as it was understood: the number, whose cap it becomes, and what it does to them, before the job starts.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use askama::Template;
use serde_json::json;

use super::bulk::Form;
use super::cap::shown;
use crate::actions::ensure_period::running;
use crate::actions::undelete_sub_account::UNDELETE_WITHIN;
use crate::domain::cap::MonthlyCap;
use crate::domain::ids::Id;
use crate::domain::refusal::Refusal;
use crate::models::sub_account_list::{CapChange, Chosen, cap_change};
use crate::secrets::{digest, hex};
use crate::web::acting::Acting;
use crate::web::error::PageError;
use crate::web::layout::Shell;
use crate::web::page::html;

#[derive(Template)]
#[template(path = "sub_accounts/bulk_cap.html")]
struct UnderstoodPage {
    shell: Shell,
    form: Form,
    /// "5,000", or "No cap".
    cap: String,
    understood: String,
    /// "312 accounts".
    accounts: String,
    effects: Vec<(&'static str, String)>,
    button: String,
}

/// A cap, and the accounts that are to have it.
pub struct Understood {
    cap: MonthlyCap,
    change: CapChange,
}

/// What the form says, as one word: the job starts when the page that showed it comes back with the same cap for the same
/// accounts, those that are ticked or those that match the same filter.
#[must_use]
pub fn understood(form: &Form, cap: i64) -> String {
    let which = if form.scope == "all" {
        json!(["all", form.f_q, form.f_hold, form.f_cap, form.f_health, form.f_tag])
    } else {
        let ids: BTreeSet<Id> = form.ids().into_iter().collect();
        json!(["ticked", ids.iter().map(Id::to_string).collect::<Vec<_>>()])
    };
    format!("{cap}:{}", hex(&digest(&which.to_string())))
}

impl Understood {
    /// Counts what the cap would do; `None` when no account is chosen.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn read(acting: &Acting, form: &Form, cap: i64) -> Result<Option<Self>, PageError> {
        let (parent, now) = (acting.account.id, acting.now());
        let chosen =
            if form.scope == "all" { Chosen::Matching(form.params().filter()) } else { Chosen::These(form.ids()) };
        let change = acting.app.read(move |conn| {
            let running = running(conn, parent, now)?.map(|period| (period.id, period.part().cap(cap)));
            Ok(cap_change(conn, parent, &chosen, cap, running, (now - UNDELETE_WITHIN).naive_utc())?)
        });
        let change = change.await?;
        let cap = MonthlyCap::new(cap).map_err(|refusal: Refusal| PageError::new(400).saying(refusal.message()))?;
        Ok((change.all > 0).then_some(Self { cap, change }))
    }

    /// The page that asks once more.
    ///
    /// # Errors
    /// 500 when it cannot be drawn.
    pub fn page(&self, acting: &Acting, form: Form) -> Result<HttpResponse, PageError> {
        let accounts = count(acting, self.change.all);
        let button = match self.cap.limit() {
            Some(_) => format!("Set the cap of {accounts}"),
            None => format!("Remove the cap of {accounts}"),
        };
        html(&UnderstoodPage {
            shell: acting.shell("Set monthly caps"),
            cap: shown(self.cap, acting.numbers),
            understood: understood(&form, self.cap.value()),
            effects: self.effects(acting),
            accounts,
            button,
            form,
        })
    }

    /// How many of them have what now, without what nobody has.
    fn effects(&self, acting: &Acting) -> Vec<(&'static str, String)> {
        let change = &self.change;
        let capped = self.cap.limit().is_some();
        let all = [
            (if capped { "Have this cap already" } else { "Have no cap already" }, change.same),
            ("Have no cap until now", change.uncapped),
            (if capped { "Have a higher cap until now" } else { "Have a cap until now" }, change.higher),
            ("Have a lower cap until now", change.lower),
            ("Are at the new cap at once, with as many messages accepted this period", change.reached),
        ];
        let some = all.into_iter().filter(|(_, number)| *number > 0);
        some.map(|(what, number)| (what, count(acting, number))).collect()
    }
}

fn count(acting: &Acting, number: i64) -> String {
    let noun = if number == 1 { "account" } else { "accounts" };
    format!("{} {noun}", acting.numbers.whole(number))
}
