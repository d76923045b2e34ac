//! Signed-in devices: see them, end one, end all others.

use askama::Template;
use serde::Deserialize;

use crate::actions::end_sessions::{end_other_sessions, end_session};
use crate::models::sessions::{self, Session};
use crate::secrets::{hex, unhex};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::format::{self, When};
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html, see_other};
use crate::web::scope::Tab;
use crate::web::{navigation, session};

const PAGE: &str = "/settings/sessions";

#[derive(Template)]
#[template(path = "settings/sessions.html")]
struct SessionsPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    idle: String,
}

struct Row {
    device: String,
    address: String,
    signed_in: When,
    last_used: When,
    digest: String,
    current: bool,
}

/// `GET /settings/sessions`
pub async fn show(acting: Acting) -> PageResult {
    let user = acting.user.id;
    let found = acting.app.read(move |conn| Ok(sessions::of_user(conn, user)?)).await?;
    let own = session::own_digest(&acting.session).unwrap_or_default();
    let rows = found.iter().map(|row| shown(row, &acting, &own)).collect();
    let idle = format::count(acting.app.config.session_idle.num_hours().unsigned_abs(), "hour", "hours");
    html(&SessionsPage { shell: acting.shell("Signed-in devices"), tabs: navigation::settings(&acting), rows, idle })
}

fn shown(row: &Session, acting: &Acting, own: &str) -> Row {
    let when = |at| When::new(at, acting.now().naive_utc(), acting.time_zone());
    let digest = hex(&row.digest);
    Row {
        device: device(&row.user_agent),
        address: row.address.clone(),
        signed_in: when(row.created_at),
        last_used: when(row.last_seen_at),
        current: digest == own,
        digest,
    }
}

/// Browser and system in words a person recognises; order matters, because browsers claim to be one another.
fn device(agent: &str) -> String {
    let first =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

#[derive(Deserialize)]
pub struct One {
    session: String,
}

/// `POST /settings/sessions/end`
pub async fn end(acting: Acting, form: Posted<One>) -> PageResult {
    let (cx, user) = (acting.cx(), acting.user.clone());
    let wanted = unhex(&form.session).unwrap_or_default();
    let ended = acting.app.write(move |conn| end_session(conn, &cx, &user, &wanted)).await?;
    let text = if ended { "That device is signed out." } else { "That device was signed out already." };
    acting.flash(&Flash::new(Tone::Good, text));
    Ok(see_other(PAGE))
}

/// `POST /settings/sessions/end-others`
pub async fn end_others(acting: Acting, _: Posted<Nothing>) -> PageResult {
    let (cx, user) = (acting.cx(), acting.user.clone());
    let own = session::own_digest(&acting.session).and_then(|text| unhex(&text)).unwrap_or_default();
    let ended = acting.app.write(move |conn| end_other_sessions(conn, &cx, &user, &own)).await?;
    acting.flash(&Flash::new(Tone::Good, format!("Signed out: {}.", format::count(ended as u64, "device", "devices"))));
    Ok(see_other(PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_by_what_people_call_them() {
        let edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0";
        assert_eq!(device(edge), "Edge on Windows");
        assert_eq!(device("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1"), "Safari on iPhone");
        assert_eq!(device(""), "Unknown device");
    }
}
