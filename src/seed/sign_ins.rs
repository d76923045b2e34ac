//! What opens the demo's doors: kept beside its database in a file that only its owner may read.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::ids::Id;

/// A person who can sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    pub email: String,
    pub password: String,
    /// The role's name on screen.
    pub role: String,
    /// Whose member, where it is not the agency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A sub account that can send at once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    pub id: Id,
    pub name: String,
    pub api_key: String,
    /// Verified: mail may come from any address at it.
    pub domain: String,
}

/// Everything a visitor needs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIns {
    /// The parent account.
    pub account_id: Id,
    pub account_name: String,
    /// A key of the parent account with every scope.
    pub api_key: String,
    pub users: Vec<SignIn>,
    /// Members of clients.
    pub client_users: Vec<SignIn>,
    pub sub_account: Ready,
}

impl fmt::Debug for SignIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignIns({})", self.account_id)
    }
}
