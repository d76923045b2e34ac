//! The agency itself: its account, its people, its key, its plan, and the mail it sends of its own.

use chrono::TimeDelta;
use serde_json::json;

use super::calendar::{Calendar, TIME_ZONE};
use super::clerk::Clerk;
use super::client::{Client, Part};
use super::random::Random;
use super::sectors::SECTORS;
use super::story::Actor;
use super::traffic::Traffic;
use super::{Ready, Sender, SignIns, letters};
use crate::actions::{ActionResult, set_plan};
use crate::domain::ids::Id;
use crate::domain::rating::Tier;
use crate::domain::role::Role;
use crate::domain::scopes;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::periods;
use crate::models::plans::{self, PlanRow};

/// How long the agency has been here.
pub const AGE_DAYS: i64 = 700;

pub const NAME: &str = "Harbor Studio";
const DOMAIN: &str = "harborstudio.example";

/// The agency's people, in the order in which the story names them.
const PEOPLE: &[(&str, &str, Role)] = &[
    ("Mara Lindholm", "mara", Role::Administrator),
    ("Jonas Weber", "jonas", Role::Support),
    ("Priya Nair", "priya", Role::BillingManager),
    ("Tomas Novak", "tomas", Role::Analyst),
    ("Sofia Almeida", "sofia", Role::Developer),
    ("Henrik Strand", "henrik", Role::Owner),
];

pub struct Agency<'a> {
    id: Id,
    calendar: &'a Calendar,
}

impl<'a> Agency<'a> {
    pub fn new(id: Id, calendar: &'a Calendar) -> Self {
        Self { id, calendar }
    }

    /// Writes the agency. The sign-ins name no sub account yet.
    ///
    /// # Errors
    /// Only the database's.
    pub fn write(&self, conn: &mut AnyConnection, clerk: &mut Clerk<'_>) -> ActionResult<SignIns> {
        let since = self.calendar.now - TimeDelta::days(AGE_DAYS);
        let mut random = Random::stream(clerk.wish.seed, "agency", 0);
        let mut users = Vec::new();
        for (name, local, role) in PEOPLE {
            let email = format!("{local}@{DOMAIN}");
            users.push(clerk.person(self.id, name, &email, *role, &mut random));
            let id = clerk.rows.users.last().map_or(self.id, |user| user.id);
            clerk.actors.push(Actor { id, email });
        }
        let mut account = self.account(clerk.rows.users.last().map(|user| user.id));
        account.metadata_retention = clerk.wish.kept_days();
        account.data_retention = account.data_retention.min(account.metadata_retention);
        clerk.rows.accounts.push(account);
        let api_key = clerk.key("Agency", self.id, since, &scopes::all_static_names(), &mut random);
        clerk.deed(5, since, self.id, "account.create", NAME, None, Some(json!({ "name": NAME })));
        self.own_mail(clerk, &mut random)?;
        clerk.rows.write(conn)?;
        for period in &self.calendar.periods {
            periods::insert(conn, period)?;
        }
        self.plan(conn, clerk, &mut random)?;
        clerk.ways(conn, &mut random)?;
        let nobody = Ready { id: self.id, name: NAME.into(), api_key: api_key.clone(), domain: DOMAIN.into() };
        Ok(SignIns {
            account_id: self.id,
            account_name: NAME.into(),
            api_key,
            users,
            client_users: Vec::new(),
            sub_account: nobody,
        })
    }

    fn account(&self, owner: Option<Id>) -> Account {
        let since = (self.calendar.now - TimeDelta::days(AGE_DAYS)).naive_utc();
        let mut account = Account::new(self.id, None, NAME, DOMAIN, since);
        account.owner_id = owner;
        account.about = "Web and email for shops, practices and clubs.".into();
        account.time_zone = TIME_ZONE.into();
        account.anchor_day = i32::try_from(self.calendar.anchor_day).unwrap_or(1);
        account
    }

    /// The agency's own newsletters and invoices: part of the pool, and of the bill.
    fn own_mail(&self, clerk: &mut Clerk<'_>, random: &mut Random) -> ActionResult<()> {
        let since = self.calendar.now - TimeDelta::days(AGE_DAYS);
        let mut own = Client {
            id: self.id,
            part: Part::Usual,
            name: NAME.into(),
            domain: DOMAIN.into(),
            sector: &SECTORS[4],
            external_id: String::new(),
            tags: Vec::new(),
            created_at: since,
            usual: 16.0,
            growth: 1.2,
            random: random.clone(),
        };
        let mut traffic = Traffic::of(&mut own, self.calendar);
        traffic.cap = 0;
        let sender = Sender {
            account_id: self.id,
            parent_id: self.id,
            domain_id: random.id(since),
            name: NAME.into(),
            domain: DOMAIN.into(),
            sector: own.sector,
            kept_days: clerk.wish.kept_days(),
        };
        let domain = clerk.domain_row(&sender, since, 0);
        clerk.rows.domains.push(domain);
        clerk.ledger(&sender, &traffic);
        letters::write(&mut clerk.rows, &sender, &traffic, self.calendar, random)
    }

    fn plan(&self, conn: &mut AnyConnection, clerk: &mut Clerk<'_>, random: &mut Random) -> ActionResult<()> {
        let since = self.calendar.periods[0].start_at;
        let tiers = [
            Tier { up_to: Some(50_000), micros_per_thousand: 900_000 },
            Tier { up_to: Some(500_000), micros_per_thousand: 600_000 },
            Tier { up_to: None, micros_per_thousand: 400_000 },
        ];
        let by = &clerk.actors[2].email;
        let row = PlanRow {
            id: random.id(since.and_utc()),
            account_id: self.id,
            effective_from: since,
            currency: "USD".into(),
            monthly_fee_minor: 4_900,
            included: 10_000,
            tiers: json!(tiers).to_string(),
            created_by: by.clone(),
            created_at: since,
        };
        plans::insert(conn, &row)?;
        let plan = set_plan::read(&row)?;
        clerk.deed(2, since.and_utc(), self.id, "plan.set", NAME, None, Some(set_plan::shown(&plan)));
        Ok(())
    }
}
