//! What Canopy knows about email, caps, roles and money. Pure: no I/O, no async; `now` is an argument.

pub mod allocation;
pub mod cap;
pub mod domain_name;
pub mod email_address;
pub mod hold;
pub mod ids;
pub mod ip_allow_list;
pub mod message;
pub mod money;
pub mod period;
pub mod rating;
pub mod refusal;
pub mod role;
pub mod scopes;
pub mod text;
pub mod website;
