//! Lifting a suspension.

use actix_web::web::Path as UrlPath;
use askama::Template;

use super::{Path, child};
use crate::actions::lift_suspension::lift_suspension;
use crate::domain::role::Permission;
use crate::models::suspensions::{self, Suspension};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::format::When;
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html, see_other};

use super::suspend::Stops;

#[derive(Template)]
#[template(path = "sub_accounts/lift.html")]
struct LiftPage {
    shell: Shell,
    id: String,
    name: String,
    holds: Vec<(Suspension, When)>,
    stops: Stops,
}

/// `GET /sub-accounts/{id}/lift`
pub async fn show(acting: Acting, path: UrlPath<Path>) -> PageResult {
    let account = child(&acting, &path, Permission::Suspend).await?;
    let (now, shown) = (acting.now().naive_utc(), account.clone());
    let (open, stops) = acting
        .app
        .read(move |conn| Ok((suspensions::open(conn, shown.id, now)?, Stops::of(conn, &shown, now)?)))
        .await?;
    let tz = acting.time_zone();
    let holds = open.into_iter().map(|hold| (hold.clone(), When::new(hold.created_at, now, tz))).collect();
    html(&LiftPage {
        shell: acting.shell(&format!("Lift the suspension of {}", account.name)),
        id: account.id.to_string(),
        name: account.name,
        holds,
        stops,
    })
}

/// `POST /sub-accounts/{id}/lift`
pub async fn submit(acting: Acting, path: UrlPath<Path>, _: Posted<Nothing>) -> PageResult {
    let account = child(&acting, &path, Permission::Suspend).await?;
    let (cx, parent, id) = (acting.cx(), acting.account.id, account.id);
    acting.app.write(move |conn| lift_suspension(conn, &cx, parent, id)).await?;
    let detail = "Its keys are taken again, and what waited leaves now.".to_owned();
    acting.flash(&Flash { detail, ..Flash::new(Tone::Good, format!("{} may send.", account.name)) });
    Ok(see_other(&format!("/sub-accounts/{id}")))
}
