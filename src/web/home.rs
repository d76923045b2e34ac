//! `/`, the switcher, the colours.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use serde::Deserialize;

use super::acting::Acting;
use super::error::{PageError, PageResult};
use super::forms::Posted;
use super::layout::Theme;
use super::page::{own_path, see_other};
use super::{navigation, overview, session};
use crate::domain::ids::Id;
use crate::domain::role::Permission;

/// `GET /`: an agency's overview; for everybody else, the first page that the role may open.
pub async fn home(acting: Acting) -> PageResult {
    if acting.account.parent_id.is_none() && acting.may(Permission::ViewOverview) {
        return overview::show(acting).await;
    }
    let first = navigation::lines(&acting).into_iter().map(|line| line.href).find(|href| href != "/");
    Ok(see_other(&first.ok_or_else(PageError::forbidden)?))
}

#[derive(Deserialize)]
pub struct Choice {
    account: Id,
}

/// `POST /switch-account`
pub async fn switch_account(acting: Acting, form: Posted<Choice>) -> PageResult {
    if !acting.is_member_of(form.account) {
        return Err(PageError::not_found());
    }
    session::choose_account(&acting.session, form.account);
    Ok(see_other("/"))
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct Colours {
    theme: String,
    back: String,
}

/// `POST /theme`: without script; with it, the page sets the same cookie itself.
pub async fn theme(request: HttpRequest, form: Posted<Colours>) -> PageResult {
    let mut answer = see_other(own_path(&form.back));
    let secure = request.connection_info().scheme() == "https";
    let cookie = Cookie::build("theme", Theme::parse(&form.theme).as_str())
        .path("/")
        .secure(secure)
        .same_site(SameSite::Lax)
        .max_age(Duration::days(365))
        .finish();
    answer.add_cookie(&cookie).map_err(|error| {
        log::error!("a cookie cannot be set: {error}");
        PageError::new(500)
    })?;
    Ok(answer)
}
