//! The site map of the dashboard. Pages under `/sub-accounts/{id}/...` and `/account/...` share their handlers
//! (`AccountScope`). Whatever changes something is a POST, and has passed `web::guard`.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder};

use super::auth::{invite, reset, set_up, sign_in};
use super::error::PageError;
use super::session_keys::{self, SessionKeys};
use super::settings::{
    account as account_settings, health as system_health, plan, pool, profile, sessions, transports,
};
use super::sub_accounts::{
    bulk, cap, create, delete, export, import, lift, limits, list, now, suspend, undelete, views,
};
use super::{
    account, activity, assets, components_page, domains, frame, guard, health, home, inside, jobs, metrics, numbers,
    queue, search, session, usage, view_as,
};
use crate::app::App;

/// Pages that need nobody signed in.
const OPEN: &[&str] = &["/sign-in", "/forgot", "/reset/", "/invite/", "/setup/", "/theme", "/dns/"];

/// Whether a path needs nobody signed in.
#[must_use]
pub fn is_open(path: &str) -> bool {
    OPEN.iter().any(|open| path == *open || (open.ends_with('/') && path.starts_with(open)))
}

/// Mounts the dashboard at `/`: last, because it answers for every address that nothing else took.
pub fn configure(config: &mut ServiceConfig, app: &Arc<App>) {
    if app.config.metrics_token.is_some() {
        config.service(page("/metrics").get(metrics::scrape));
    }
    config
        .app_data(web::Data::new(SessionKeys::of(app)))
        .service(page("/healthz").get(health::healthz))
        .service(page("/readyz").get(health::readyz))
        .service(
            web::scope("/static")
                .wrap(from_fn(frame::frame))
                .wrap(Compress::default())
                .service(page("/{path:.*}").get(assets::serve)),
        )
        .service(
            web::scope("")
                .wrap(from_fn(numbers::scope))
                .wrap(from_fn(guard::guard))
                .wrap(from_fn(inside::inside))
                .wrap(session::middleware(app))
                .wrap(from_fn(frame::frame))
                .wrap(Compress::default())
                .wrap(from_fn(session_keys::renew))
                .configure(|config| pages(config, app))
                .default_service(web::to(not_found)),
        );
}

fn pages(config: &mut ServiceConfig, app: &Arc<App>) {
    config
        .service(page("/").get(home::home))
        .service(page("/switch-account").post(home::switch_account))
        .service(page("/theme").post(home::theme))
        // Signing in
        .service(page("/sign-in").get(sign_in::show).post(sign_in::submit))
        .service(page("/sign-out").post(sign_in::sign_out))
        .service(page("/forgot").get(reset::ask).post(reset::send))
        .service(page("/reset/{token}").get(reset::show).post(reset::submit))
        .service(page("/invite/{token}").get(invite::show).post(invite::submit))
        .service(page("/setup/{token}").get(set_up::show).post(set_up::submit))
        // Sub accounts
        .service(page("/sub-accounts").get(list::show))
        .service(page("/sub-accounts/now").get(now::show))
        .service(page("/sub-accounts.csv").get(export::csv))
        .service(page("/sub-accounts/new").get(create::show).post(create::submit))
        .service(page("/sub-accounts/import").get(import::show).post(import::submit))
        .service(page("/sub-accounts/views").get(views::list::show))
        .service(page("/sub-accounts/views/new").get(views::form::new).post(views::form::create))
        .service(page("/sub-accounts/views/{view}").get(views::form::edit).post(views::form::update))
        .service(page("/sub-accounts/views/{view}/update").post(views::change::update))
        .service(page("/sub-accounts/views/{view}/delete").post(views::change::delete))
        .service(page("/sub-accounts/bulk").get(bulk::show).post(bulk::ask))
        .service(page("/sub-accounts/bulk/start").post(bulk::start))
        .service(page("/sub-accounts/{id}/cap").get(cap::show).post(cap::submit))
        .service(page("/sub-accounts/{id}/limits").get(limits::show).post(limits::submit))
        .service(page("/sub-accounts/{id}/suspend").get(suspend::show).post(suspend::submit))
        .service(page("/sub-accounts/{id}/lift").get(lift::show).post(lift::submit))
        .service(page("/sub-accounts/{id}/delete").get(delete::show).post(delete::submit))
        .service(page("/sub-accounts/{id}/undelete").get(undelete::show).post(undelete::submit))
        // Long work
        .service(page("/jobs").get(jobs::index))
        .service(page("/jobs/{id}.csv").get(jobs::csv))
        .service(page("/jobs/{id}").get(jobs::show))
        // Acting inside a client
        .service(page("/sub-accounts/{id}/view-as").get(view_as::ask).post(view_as::begin))
        .service(page("/view-as/raise").post(view_as::raise))
        .service(page("/view-as/leave").post(view_as::leave))
        // What waits
        .service(page("/queue").get(queue::show).post(queue::change))
        // Usage and cost
        .service(page("/usage").get(usage::show))
        .service(page("/usage.csv").get(usage::csv))
        .service(page("/usage.xlsx").get(usage::xlsx))
        // Activity
        .service(page("/activity").get(activity::show))
        .service(page("/activity.csv").get(activity::csv))
        .service(page("/activity/verify").post(activity::verify))
        .service(page("/activity/{seq}").get(activity::entry))
        // Settings
        .service(page("/brand/{account}/logo").get(account_settings::logo))
        .service(page("/settings").get(account_settings::show).post(account_settings::save))
        .service(page("/settings/plan").get(plan::show).post(plan::submit))
        .service(page("/settings/plan/withdraw").post(plan::withdraw))
        .service(page("/settings/health").get(system_health::show).post(system_health::check))
        .service(page("/settings/limits").get(pool::show).post(pool::submit))
        .service(page("/settings/profile").get(profile::show).post(profile::rename))
        .service(page("/settings/profile/email").post(profile::change_address))
        .service(page("/settings/profile/email/{token}").get(profile::confirm_address))
        .service(page("/settings/profile/password").post(profile::change_own_password))
        .service(page("/settings/transports").get(transports::list::show))
        .service(page("/settings/transports/new").get(transports::form::new).post(transports::form::create))
        .service(page("/settings/transports/no-default").post(transports::list::no_default))
        .service(page("/settings/transports/{transport}").get(transports::form::edit).post(transports::form::update))
        .service(page("/settings/transports/{transport}/default").post(transports::list::make_default))
        .service(
            page("/settings/transports/{transport}/delete")
                .get(transports::delete::ask)
                .post(transports::delete::delete),
        )
        .service(page("/settings/transports/{transport}/test").get(transports::test::show).post(transports::test::send))
        .service(page("/settings/sessions").get(sessions::show))
        .service(page("/settings/sessions/end").post(sessions::end))
        .service(page("/settings/sessions/end-others").post(sessions::end_others));
    config.service(page("/search").get(search::show));
    account::routes::configure(config);
    domains::routes::configure(config);
    if app.config.demo {
        config
            .service(page("/dev/components").get(components_page::show_index))
            .service(page("/dev/components/{name}").get(components_page::show));
    }
}

async fn not_found() -> Result<HttpResponse, PageError> {
    Err(PageError::not_found())
}

/// An address and the methods it knows; every other is a 405 page that names them.
pub(super) struct Page {
    resource: Resource,
    allow: Vec<&'static str>,
}

pub(super) fn page(path: &str) -> Page {
    Page { resource: web::resource(path), allow: Vec::new() }
}

impl Page {
    pub(super) fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let mut next = self.method(Method::GET, "GET, HEAD", handler.clone());
        next.resource = next.resource.route(web::method(Method::HEAD).to(handler));
        next
    }

    pub(super) fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::POST, "POST", handler)
    }

    fn method<F, Args>(mut self, method: Method, name: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.allow.push(name);
        Self { resource: self.resource.route(web::method(method).to(handler)), allow: self.allow }
    }
}

impl actix_web::dev::HttpServiceFactory for Page {
    fn register(self, config: &mut actix_web::dev::AppService) {
        let allow = HeaderValue::from_str(&self.allow.join(", ")).unwrap_or(HeaderValue::from_static("GET"));
        let refuse = move || {
            let allow = allow.clone();
            async move {
                let mut answer = HttpResponse::from_error(PageError::new(405));
                answer.headers_mut().insert(ALLOW, allow);
                answer
            }
        };
        self.resource.default_service(web::to(refuse)).register(config);
    }
}
