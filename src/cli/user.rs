//! `canopy user add`: a person in an account, for the operator.

use std::io::Read;
use std::sync::Arc;

use clap::Args;
use secrecy::ExposeSecret;

use super::CommandResult;
use crate::actions::add_user::{Added, NewUser, add_user};
use crate::actions::{ActionError, Cx};
use crate::app::secret_keys;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::password::NewPassword;
use crate::domain::role::Role;
use crate::domain::text::PersonName;
use crate::models::{AnyConnection, Db, accounts, migrate};
use crate::secrets::hash_password;

#[derive(Args)]
pub struct Add {
    #[arg(long)]
    email: String,
    /// What the person is called; the part before the @ when left out.
    #[arg(long)]
    name: Option<String>,
    /// The account's id, or the name of a parent account.
    #[arg(long)]
    account: String,
    /// owner, administrator, developer, analyst, `billing_manager` or support.
    #[arg(long, default_value = "administrator")]
    role: String,
    /// Reads the password from standard input instead of printing a link to choose one.
    #[arg(long)]
    password_stdin: bool,
}

/// Adds the person, and prints the link where they choose a password, once.
pub fn add(config: &Config, arguments: &Add) -> CommandResult {
    let new = new_user(&arguments.email, arguments.name.as_deref(), &arguments.role, password(arguments)?)?;
    let db = Db::open(config.database_url(), 1)?;
    migrate::up(&db)?;
    let cx =
        Cx::system(Clock::default().now(), "command line", &Arc::new(secret_keys(config.secret_key.expose_secret())?));
    let added = db.write(|conn| {
        let account = find_account(conn, &arguments.account)?;
        add_user(conn, &cx, account, new)
    })?;
    report(config, &added);
    Ok(())
}

/// From texts to a person.
pub fn new_user(
    email: &str,
    name: Option<&str>,
    role: &str,
    password: Option<String>,
) -> Result<NewUser, Box<dyn std::error::Error>> {
    let email = EmailAddress::parse(email)?;
    let name = PersonName::parse(name.unwrap_or_else(|| email.local()))?;
    let password_hash = match password {
        Some(password) => Some(hash_password(NewPassword::parse(&password, &email.to_string())?.as_str())),
        None => None,
    };
    Ok(NewUser { email, name, role: Role::parse(role)?, password_hash })
}

/// Says what was done, and the link where one is needed.
pub fn report(config: &Config, added: &Added) {
    println!("Added {}.", added.user.email);
    if let Some(token) = &added.invitation {
        println!("They choose a password here, once, within 7 days:");
        println!("{}/invite/{}", config.public_url, token.as_str());
    }
}

fn password(arguments: &Add) -> Result<Option<String>, Box<dyn std::error::Error>> {
    if !arguments.password_stdin {
        return Ok(None);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn find_account(conn: &mut AnyConnection, wanted: &str) -> Result<Id, ActionError> {
    if let Ok(id) = wanted.parse() {
        return Ok(id);
    }
    let named: Vec<_> = accounts::roots(conn)?.into_iter().filter(|account| account.name == wanted).collect();
    match named.as_slice() {
        [one] => Ok(one.id),
        [] => Err(ActionError::NotFound("account")),
        _ => Err(ActionError::Conflict(format!("several accounts are called {wanted}: name one by its id"))),
    }
}
