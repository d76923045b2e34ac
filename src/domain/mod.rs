//! What Canopy knows about email, caps, roles and money. Pure: no I/O, no async; `now` is an argument.

pub mod allocation;
pub mod bounce;
pub mod cap;
pub mod client_import;
pub mod conversation;
pub mod destination;
pub mod dkim_selector;
pub mod domain_name;
pub mod email_address;
pub mod forecast;
pub mod hold;
pub mod ids;
pub mod ip_allow_list;
pub mod message;
pub mod money;
pub mod password;
pub mod period;
pub mod rating;
pub mod refusal;
pub mod retry;
pub mod role;
pub mod scopes;
pub mod standing;
pub mod text;
pub mod transport;
pub mod website;
