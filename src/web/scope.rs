//! The account that a page is about. The same page serves an agency at `/sub-accounts/{id}/...` and a client (or
//! whoever views as one) at `/account/...`: it asks `AccountScope`, and writes its links from `scope.base`.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::acting::{self, Acting};
use super::error::PageError;
use super::layout::Shell;
use super::navigation;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::domain::standing::Standing;
use crate::models::accounts::{self, Account};
use crate::telemetry::path_of;

/// The base of the pages that an agency finds in its Settings.
const SETTINGS: &str = "/settings";

/// One account, and how the person stands to it.
#[derive(Clone)]
pub struct AccountScope {
    pub acting: Acting,
    pub account: Account,
    pub standing: Standing,
    /// Before every link of the page: `/sub-accounts/{id}`, `/account`, or `/settings` for an agency's own.
    pub base: String,
}

/// One tab above a page about a sub account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    pub label: &'static str,
    pub href: String,
    pub current: bool,
}

impl AccountScope {
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.standing.may(self.acting.role, permission)
    }

    /// Goes on only when they may.
    ///
    /// # Errors
    /// The 403 page. A client's messages and members, seen from outside, name the way: View as.
    pub fn require(&self, permission: Permission) -> Result<(), PageError> {
        if self.may(permission) {
            return Ok(());
        }
        let inside = Standing::ViewAs { raised: true };
        if self.standing == Standing::Parent && inside.may(self.acting.role, permission) {
            return Err(PageError::forbidden()
                .saying("Only the client sees this. View as the client to look at it; you will be asked why.")
                .back_to("Back to the sub account", &self.base));
        }
        Err(acting::refused(self.acting.grant.as_ref()))
    }

    /// Whether an agency looks at a client from outside: then the page carries the client's header and tabs.
    #[must_use]
    pub fn is_from_outside(&self) -> bool {
        self.standing == Standing::Parent
    }

    /// Whether somebody reads what the client reads: a member of the account, or who views as one.
    #[must_use]
    pub fn is_from_inside(&self) -> bool {
        matches!(self.standing, Standing::Client | Standing::ViewAs { .. })
    }

    /// What the page is a part of, where that heads it: an agency's Settings.
    #[must_use]
    pub fn section(&self) -> Option<&'static str> {
        (self.base == SETTINGS).then_some("Settings")
    }

    /// An address of this account: `scope.path("/domains")`.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.base)
    }

    /// A number for a form that must do its work once.
    #[must_use]
    pub fn new_form(&self) -> String {
        Id::new(self.acting.now()).to_string()
    }

    /// The number that a form came with; a new one where it has none that can be read.
    #[must_use]
    pub fn form_once(&self, typed: &str) -> Id {
        typed.parse().unwrap_or_else(|_| Id::new(self.acting.now()))
    }

    /// The frame. Takes the flash: call it once.
    #[must_use]
    pub fn shell(&self, title: &str) -> Shell {
        self.acting.shell(title)
    }

    /// The tabs that exist and that the role may open; none for a client, whose navigation has them. An agency's own
    /// mail has them too.
    #[must_use]
    pub fn tabs(&self) -> Vec<Tab> {
        if self.base == SETTINGS {
            navigation::settings(&self.acting)
        } else if matches!(self.standing, Standing::Parent | Standing::Member) {
            navigation::tabs(self)
        } else {
            Vec::new()
        }
    }
}

impl FromRequest for AccountScope {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let acting = Acting::from_request(request, payload);
        let of_children = path_of(request).starts_with("/sub-accounts/");
        let id = request.match_info().get("id").map(str::to_owned).filter(|_| of_children);
        Box::pin(async move {
            let acting = acting.await?;
            match id {
                Some(id) => outside(acting, &id).await,
                None => Ok(inside(acting)),
            }
        })
    }
}

fn inside(acting: Acting) -> AccountScope {
    let (account, standing) = (acting.account.clone(), acting.standing());
    let base = if acting.path.starts_with("/settings/") { SETTINGS } else { "/account" };
    AccountScope { acting, account, standing, base: base.into() }
}

/// Unknown, malformed, deleted and another agency's ids are refused alike.
async fn outside(acting: Acting, id: &str) -> Result<AccountScope, PageError> {
    if acting.grant.is_some() || !acting.role.may(Permission::ViewSubAccounts) {
        return Err(acting::refused(acting.grant.as_ref()));
    }
    let id: Id = id.parse().map_err(|_| PageError::not_found())?;
    let parent = acting.home.id;
    let account = acting.app.read(move |conn| Ok(accounts::find_child(conn, parent, id)?)).await?;
    let account = account.ok_or_else(PageError::not_found)?;
    Ok(AccountScope { acting, base: format!("/sub-accounts/{}", account.id), account, standing: Standing::Parent })
}
