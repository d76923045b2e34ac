//! What comes back: bounces and complaints, from the bytes of a report to the page that counts it.

mod fixtures;
mod formats;
mod hostile;
