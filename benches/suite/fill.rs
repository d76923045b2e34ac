//! An agency of any size, with an owner who can sign in and a plan that prices its mail.

use canopy::actions::ensure_period::ensure_period;
use canopy::actions::set_plan::{Begins, set_plan};
use canopy::domain::ids::Id;
use canopy::domain::money::Currency;
use canopy::domain::rating::{Plan, Tier};
use canopy::models::AnyConnection;
use canopy::models::accounts::{self, Account};
use canopy::secrets;
use diesel::connection::SimpleConnection as _;

use crate::World;
pub use crate::support::many::{Agency, Size};
use crate::support::{many, rows};

pub const EMAIL: &str = "owner@bench.example";
pub const PASSWORD: &str = "correct horse battery staple";

/// Writes it.
pub fn agency(world: &World, size: Size) -> Agency {
    let hash = secrets::hash_password(PASSWORD);
    let agency = world.write(|conn, cx| {
        let mut account = Account::new(Id::new(cx.now), None, "Bench", "bench.example", cx.at());
        let owner = rows::person(conn, cx, EMAIL, &hash)?;
        account.owner_id = Some(owner);
        accounts::insert(conn, &account)?;
        rows::join(conn, cx, account.id, owner, "owner")?;
        set_plan(conn, cx, account.id, plan(), Begins::Running)?;
        Ok(Agency { id: account.id, period: ensure_period(conn, account.id, cx.now)?.id })
    });
    let today = world.app.clock.now().date_naive();
    world.write(|conn, _| Ok(conn.batch_execute(&many::sql(conn, agency, size, today))?));
    settle(world);
    agency
}

/// What PostgreSQL does by itself in the minutes after so much was written, and what would disturb the measurement.
pub fn settle(world: &World) {
    let settled: Result<(), diesel::result::Error> = world.app.db.exclusive(|conn| match conn {
        AnyConnection::Pg(conn) => conn.batch_execute("VACUUM ANALYZE"),
        AnyConnection::Sqlite(_) => Ok(()),
    });
    settled.expect("the database settles");
}

fn plan() -> Plan {
    let tiers = vec![
        Tier { up_to: Some(1_000_000), micros_per_thousand: 400_000 },
        Tier { up_to: None, micros_per_thousand: 250_000 },
    ];
    Plan { currency: Currency::parse("EUR").expect("a currency"), monthly_fee_minor: 49_900, included: 100_000, tiers }
}
