//! What comes back: bounces and complaints, from the bytes of a report to the page that counts it.

mod conversations;
pub mod fixtures;
mod formats;
mod hostile;
mod kills;
mod late;
mod limits;
pub mod mx;
mod operator;
mod refusals;
pub mod smuggling;
mod soft;
mod starttls;
mod story;
