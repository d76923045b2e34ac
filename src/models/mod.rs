//! The only home of diesel: connections, the schema, and one file per aggregate.
//! Functions take `&mut AnyConnection` and answer `QueryResult`; they know no HTTP, JSON views or templates.

pub mod account_tags;
pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod bulk;
pub mod connection;
pub mod counters;
pub mod domains;
pub mod durability;
pub mod held;
pub mod idempotency;
pub mod installation;
pub mod jobs;
pub mod leases;
pub mod limits;
pub mod memberships;
pub mod messages;
pub mod migrate;
pub mod periods;
pub mod plans;
mod portable;
pub mod queue;
pub mod queue_view;
pub mod returned;
pub mod schema;
pub mod sessions;
pub mod sign_in_failures;
pub mod sub_account_list;
pub mod summaries;
pub mod suppressions;
pub mod suspensions;
pub mod system_mails;
pub mod transports;
pub mod trends;
mod types;
pub mod usage;
pub mod user_tokens;
pub mod users;
pub mod view_as;

pub use connection::{AnyConnection, Db};
