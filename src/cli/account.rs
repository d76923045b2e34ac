//! `canopy account add`: a parent account, for the operator.

use std::sync::Arc;

use clap::Args;
use secrecy::ExposeSecret;

use super::{CommandResult, user};
use crate::actions::Cx;
use crate::actions::add_user::add_user;
use crate::actions::create_account::create_account;
use crate::actions::error::ActionError;
use crate::app::secret_keys;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::text::AccountName;
use crate::domain::website::Website;
use crate::models::{Db, migrate};

#[derive(Args)]
pub struct Add {
    #[arg(long)]
    name: String,
    #[arg(long)]
    website: String,
    /// Makes this person its owner, and prints a link where they choose a password.
    #[arg(long)]
    owner_email: Option<String>,
}

/// Creates the account, and its owner where one is named.
pub fn add(config: &Config, arguments: &Add) -> CommandResult {
    let (name, website) = (AccountName::parse(&arguments.name)?, Website::parse(&arguments.website)?);
    let owner = match &arguments.owner_email {
        Some(email) => Some(user::new_user(email, None, "owner", None)?),
        None => None,
    };
    let db = Db::open(config.database_url(), 1)?;
    migrate::up(&db)?;
    let cx =
        Cx::system(Clock::default().now(), "command line", &Arc::new(secret_keys(config.secret_key.expose_secret())?));
    let (account, added) = db.write(|conn| -> Result<_, ActionError> {
        let account = create_account(conn, &cx, &name, &website)?;
        let added = match owner {
            Some(owner) => Some(add_user(conn, &cx, account.id, owner)?),
            None => None,
        };
        Ok((account, added))
    })?;
    println!("Created {} with the id {}.", account.name, account.id);
    if let Some(added) = added {
        user::report(config, &added);
    }
    Ok(())
}
