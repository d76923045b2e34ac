//! What actions need besides the database: keys to seal with, and the names this installation goes by.

use std::sync::Arc;

use crate::domain::destination::Destinations;
use crate::models::families::Families;
use crate::models::held::Shelves;
use crate::secrets::SecretKeys;

pub struct Services {
    pub secrets: Arc<SecretKeys>,
    /// Where people reach the dashboard, without a trailing slash: for links in mail.
    pub public_url: String,
    /// Where transports of accounts may connect to.
    pub destinations: Destinations,
    pub families: Families,
    /// How many messages an account may hold at its cap.
    pub shelves: Shelves,
}
