//! The first owner and account of an empty installation, by the link that `canopy serve` prints.

use actix_session::Session;
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use serde::Deserialize;

use super::{bare, cx, dead_link, hashed, welcome};
use crate::actions::ActionError;
use crate::actions::set_up::{FirstOwner, check, set_up};
use crate::app::App;
use crate::domain::email_address::EmailAddress;
use crate::domain::password::NewPassword;
use crate::domain::text::{AccountName, PersonName};
use crate::domain::website::Website;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::Bare;
use crate::web::page::html_with;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SetUpForm {
    account: String,
    website: String,
    name: String,
    email: String,
    password: String,
}

#[derive(Template)]
#[template(path = "auth/set_up.html")]
struct SetUpPage {
    shell: Bare,
    token: String,
    form: SetUpForm,
    errors: Errors,
}

fn dead(error: ActionError) -> PageError {
    dead_link(error, "Start `canopy serve` again to get a new one, while nobody has an account here.")
}

fn page(request: &HttpRequest, current: &Session, token: String, form: SetUpForm, errors: Errors) -> PageResult {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shell = bare(request, current, "Set up Canopy");
    html_with(status, &SetUpPage { shell, token, form, errors })
}

/// `GET /setup/{token}`
pub async fn show(request: HttpRequest, app: Data<App>, current: Session, token: Path<String>) -> PageResult {
    let (now, token) = (app.clock.now().naive_utc(), token.into_inner());
    let wanted = token.clone();
    app.into_inner().read(move |conn| check(conn, now, &wanted)).await.map_err(dead)?;
    page(&request, &current, token, SetUpForm::default(), Errors::none())
}

/// `POST /setup/{token}`
pub async fn submit(
    request: HttpRequest,
    app: Data<App>,
    current: Session,
    token: Path<String>,
    form: Posted<SetUpForm>,
) -> PageResult {
    let (app, token, form) = (app.into_inner(), token.into_inner(), form.into_inner());
    let (now, wanted) = (app.clock.now().naive_utc(), token.clone());
    app.read(move |conn| check(conn, now, &wanted)).await.map_err(dead)?;
    let mut first = match parsed(&form) {
        Ok(first) => first,
        Err(errors) => return page(&request, &current, token, form, errors),
    };
    first.password_hash = hashed(&app, &request, form.password).await?;
    let cx = cx(&app, &request);
    let user = app.write(move |conn| set_up(conn, &cx, &token, first)).await.map_err(dead)?;
    Ok(welcome(&app, &request, &current, &user, "Your account is ready."))
}

fn parsed(form: &SetUpForm) -> Result<FirstOwner, Errors> {
    let mut errors = Errors::none();
    let account = errors.take("account", AccountName::parse(&form.account));
    let website = errors.take("website", Website::parse(&form.website));
    let name = errors.take("name", PersonName::parse(&form.name));
    let email = errors.take("email", EmailAddress::parse(&form.email));
    let password = errors.take("password", NewPassword::parse(&form.password, &form.email));
    match (account, website, name, email, password) {
        (Some(account), Some(website), Some(name), Some(email), Some(_)) => {
            Ok(FirstOwner { email, name, password_hash: String::new(), account, website })
        }
        _ => Err(errors),
    }
}
