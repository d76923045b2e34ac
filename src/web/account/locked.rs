//! What only the client and its people see: from outside, the tab says so and leads to View as.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::activity::title;
use super::frame::{self, Frame};
use crate::domain::role::Permission;
use crate::domain::standing::Standing;
use crate::web::error::PageError;
use crate::web::layout::Shell;
use crate::web::page::html_with;
use crate::web::scope::AccountScope;

#[derive(Template)]
#[template(path = "account/locked.html")]
struct LockedPage {
    shell: Shell,
    frame: Frame,
    what: &'static str,
    name: String,
    /// `None` where the role may not view as.
    view_as: Option<String>,
}

/// `None` when they may; else the page that says why not, where View as would help.
///
/// # Errors
/// The 403 page where nothing would help.
pub async fn page(
    scope: &AccountScope,
    permission: Permission,
    what: &'static str,
) -> Result<Option<HttpResponse>, PageError> {
    if scope.may(permission) {
        return Ok(None);
    }
    let inside = Standing::ViewAs { raised: true };
    if !scope.is_from_outside() || !inside.may(scope.acting.role, permission) {
        scope.require(permission)?;
    }
    let (facts, ()) = frame::load(scope, |_, _, _| Ok(())).await?;
    let page = LockedPage {
        frame: Frame::new(scope, &facts, what),
        shell: scope.shell(&title(scope, what)),
        what,
        name: scope.account.name.clone(),
        view_as: scope.may(Permission::ViewAs).then(|| scope.path("/view-as")),
    };
    html_with(StatusCode::FORBIDDEN, &page).map(Some)
}
