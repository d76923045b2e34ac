//! A domain's records for whoever keeps its DNS, behind a link nobody can guess: no sign-in, the agency's brand, the
//! records and what is still wrong, and nothing else of the account.

use std::sync::Arc;

use actix_session::Session;
use actix_web::HttpRequest;
use actix_web::web::{Data, Path};
use askama::Template;

use super::changes::told;
use super::records::{self, RecordRow, Shape};
use crate::app::App;
use crate::dns_check;
use crate::models::accounts::{self, Account};
use crate::models::domains::{self, Domain};
use crate::secrets;
use crate::web::acting::brand_of_agency;
use crate::web::error::{PageError, PageResult};
use crate::web::format::When;
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::Bare;
use crate::web::page::{html, see_other};
use crate::web::{frame, session};

#[derive(Template)]
#[template(path = "domains/open_page.html")]
struct OpenPage {
    shell: Bare,
    path: String,
    name: String,
    state: Shape,
    next: String,
    records: Vec<RecordRow>,
    checked: Option<When>,
}

/// Unknown, ended and removed look alike.
async fn find(app: &Arc<App>, token: &str) -> Result<(Domain, Account), PageError> {
    let digest = secrets::digest(token);
    let found = app
        .read(move |conn| {
            let Some(domain) = domains::find_by_share(conn, &digest)? else { return Ok(None) };
            let Some(account) = accounts::find(conn, domain.account_id)? else { return Ok(None) };
            let agency = accounts::find(conn, account.root_id())?;
            Ok(agency.map(|agency| (domain, agency)))
        })
        .await?;
    found.ok_or_else(PageError::not_found)
}

/// `GET /dns/{token}`
pub async fn show(request: HttpRequest, app: Data<App>, current: Session, token: Path<String>) -> PageResult {
    let app = app.into_inner();
    let (domain, agency) = find(&app, &token).await?;
    let records = records::rows(&domain, &app.config.platform);
    let (state, next) = standing(&domain, &records);
    let when = |at| When::new(at, app.clock.now().naive_utc(), chrono_tz::UTC);
    html(&OpenPage {
        shell: Bare {
            title: format!("DNS records for {}", domain.name),
            brand: brand_of_agency(&agency),
            theme: frame::theme(&request),
            csrf: session::csrf(&app.services.secrets, &current),
            flash: session::take_flash(&current),
            wide: true,
        },
        path: format!("/dns/{token}"),
        state,
        next,
        records,
        checked: domain.last_check_at.map(when),
        name: domain.name,
    })
}

/// `POST /dns/{token}/check`
pub async fn check(app: Data<App>, current: Session, token: Path<String>, _: Posted<Nothing>) -> PageResult {
    let app = app.into_inner();
    let (before, _) = find(&app, &token).await?;
    let after = dns_check::run_in_turn(&app, before.account_id, before.id).await?;
    session::flash(&current, &told(&before, &after));
    Ok(see_other(&format!("/dns/{token}")))
}

/// How the records stand. Whether another account holds the name is no business of the reader's.
fn standing(domain: &Domain, records: &[RecordRow]) -> (Shape, String) {
    let (found, needed) = records::found_of_needed(records);
    if found == needed {
        let next = "Every needed record is in place. There is nothing left to do here.";
        return (("active", "All in place"), next.to_owned());
    }
    let shape = if domain.last_check_at.is_none() { ("wait", "Not checked yet") } else { ("near", "Not done yet") };
    let next = format!(
        "{found} of {needed} needed records are in place. Publish what is missing, then check again. DNS can take an \
         hour or more to show a change."
    );
    (shape, next)
}
