//! How the agency's mail leaves: two named transports, both of them mailboxes, so that nothing leaves the machine.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::agency;
use super::clerk::Clerk;
use super::client::Client;
use super::random::Random;
use crate::actions::{ActionResult, transport_changes};
use crate::domain::transport::{Tls, TransportKind};
use crate::models::AnyConnection;
use crate::models::transports::{self, Transport};

/// What accounts without a choice of their own use.
const DEFAULT: &str = "Mailbox on this machine";
/// For a client that writes to many at once.
const GENTLE: &str = "Newsletters, gently";

impl Clerk<'_> {
    /// Sets up both, the first as the agency's default.
    ///
    /// # Errors
    /// Only the database's.
    pub(super) fn ways(&mut self, conn: &mut AnyConnection, random: &mut Random) -> ActionResult<()> {
        let at = self.calendar.now - TimeDelta::days(agency::AGE_DAYS - 1);
        for (n, name, max_connections, messages_per_second) in [(0, DEFAULT, 0, 0), (1, GENTLE, 4, 10)] {
            let at = at + TimeDelta::minutes(7 * n);
            let row = Transport {
                id: random.id(at),
                account_id: self.parent,
                name: name.into(),
                kind: TransportKind::Mailbox.as_str().into(),
                host: String::new(),
                port: 0,
                tls: Tls::None.as_str().into(),
                username: String::new(),
                password_sealed: None,
                source_ip: String::new(),
                helo: String::new(),
                max_connections,
                messages_per_second,
                created_at: at.naive_utc(),
                updated_at: at.naive_utc(),
            };
            transports::insert(conn, &row)?;
            let shown = transport_changes::shown(&row);
            self.deed(0, at, self.parent, "transport.create", name, None, Some(shown));
            if name == DEFAULT {
                transports::choose(conn, self.parent, Some(row.id), at.naive_utc())?;
                let (before, after) = chosen(name);
                self.deed(0, at, self.parent, "transport.set_default", agency::NAME, before, after);
            } else {
                self.gentle = Some(row.id);
            }
        }
        Ok(())
    }

    /// A client that leaves by the second.
    pub(super) fn choose_way(&mut self, client: &Client) {
        let Some(transport) = self.gentle else { return };
        let at = self.calendar.ago(38.0);
        self.rows.chosen.push((client.id, transport, at.naive_utc()));
        let (before, after) = chosen(GENTLE);
        self.deed(0, at, client.id, "transport.choose", &client.name, before, after);
    }
}

/// A choice where there was none, as the audit shows it.
fn chosen(name: &str) -> (Option<Value>, Option<Value>) {
    (Some(json!({ "transport": null })), Some(json!({ "transport": name })))
}
