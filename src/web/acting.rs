//! Who acts, through which account, and what they may do: the extractor of every signed-in page.
//! `Acting` answers for the account itself; `AccountScope` (web/scope.rs) for an account that a page is about.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_session::{Session, SessionExt};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{DateTime, Utc};

use super::error::PageError;
use super::layout::{AccountChoice, Brand, Flash, Person, Shell, Theme, ViewAs};
use super::{frame, navigation, session};
use crate::actions::{Actor, ActorKind, Cx};
use crate::app::App;
use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;
use crate::domain::role::{Permission, Role};
use crate::domain::standing::Standing;
use crate::load::{Owner, Share};
use crate::models::accounts::{self, Account};
use crate::models::users::{self, User};
use crate::models::view_as::{self, Grant};
use crate::models::{AnyConnection, memberships};
use crate::telemetry::{self, RequestInfo};

/// A signed-in person, acting through one account.
#[derive(Clone)]
pub struct Acting {
    pub app: Arc<App>,
    pub info: RequestInfo,
    pub session: Session,
    pub user: User,
    /// The account they are a member of, as chosen in the switcher.
    pub home: Account,
    /// Their role there.
    pub role: Role,
    /// The account they look at: `home`, or the child they view as.
    pub account: Account,
    /// Viewing as a child.
    pub grant: Option<Grant>,
    pub theme: Theme,
    /// How they write numbers: as the parent does.
    pub numbers: NumberStyle,
    /// Path of the request, decoded.
    pub path: String,
    /// Every account they may choose, with their role.
    memberships: Vec<(Account, Role)>,
    brand: Brand,
}

impl Acting {
    /// How they stand to the account they look at.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match &self.grant {
            Some(grant) => Standing::ViewAs { raised: grant.raised },
            None if self.account.parent_id.is_some() => Standing::Client,
            None => Standing::Member,
        }
    }

    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.standing().may(self.role, permission)
    }

    /// Goes on only when they may.
    ///
    /// # Errors
    /// The 403 page, with what would help.
    pub fn require(&self, permission: Permission) -> Result<(), PageError> {
        if self.may(permission) { Ok(()) } else { Err(refused(self.grant.as_ref())) }
    }

    /// The circumstances of an action, for the audit.
    #[must_use]
    pub fn cx(&self) -> Cx {
        Cx {
            now: self.now(),
            keys: Arc::clone(&self.app.services.secrets),
            actor: Actor {
                kind: ActorKind::User,
                id: Some(self.user.id),
                label: self.user.email.clone(),
                account_id: Some(self.home.id),
                on_behalf_of: self.grant.as_ref().map(|grant| grant.account_id),
                address: self.info.ip.to_string(),
                request_id: self.info.id.clone(),
            },
        }
    }

    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }

    /// In whose turn work that takes long is done: the account's that they look at.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::Account(self.account.id)
    }

    /// Of this node's memory, for what they are shown.
    #[must_use]
    pub fn share(&self) -> Share {
        self.app.load.memory.share(Owner::Person(self.user.id))
    }

    /// The zone in which times are shown: the parent's.
    #[must_use]
    pub fn time_zone(&self) -> chrono_tz::Tz {
        self.home.time_zone.parse().unwrap_or(chrono_tz::UTC)
    }

    /// Says something at the top of the next page.
    pub fn flash(&self, flash: &Flash) {
        session::flash(&self.session, flash);
    }

    /// The frame of a page. Takes the flash: call it once.
    #[must_use]
    pub fn shell(&self, title: &str) -> Shell {
        let choice = |(account, role): &(Account, Role)| AccountChoice {
            id: account.id.to_string(),
            name: account.name.clone(),
            role: role.label().to_owned(),
            current: account.id == self.home.id,
        };
        Shell {
            title: title.to_owned(),
            brand: self.brand.clone(),
            account: self.account.name.clone(),
            accounts: self.memberships.iter().map(choice).collect(),
            nav: navigation::lines(self),
            person: Some(Person {
                name: self.user.name.clone(),
                email: self.user.email.clone(),
                role: self.role.label().to_owned(),
            }),
            csrf: session::csrf(&self.app.services.secrets, &self.session),
            theme: self.theme,
            view_as: self.grant.as_ref().map(|grant| self.banner(grant)),
            flash: session::take_flash(&self.session),
            query: String::new(),
            path: self.path.clone(),
        }
    }

    fn banner(&self, grant: &Grant) -> ViewAs {
        let may_raise = !grant.raised && self.role.may(Permission::ViewAsWrite);
        ViewAs {
            account: self.account.name.clone(),
            reason: grant.reason.clone(),
            read_only: !grant.raised,
            leave: "/view-as/leave".into(),
            raise: may_raise.then(|| "/view-as/raise".into()),
        }
    }

    /// Whether they are a member of `account`.
    #[must_use]
    pub fn is_member_of(&self, account: Id) -> bool {
        self.memberships.iter().any(|(member_of, _)| member_of.id == account)
    }
}

/// The page for what the role does not allow.
#[must_use]
pub fn refused(grant: Option<&Grant>) -> PageError {
    match grant {
        Some(grant) if !grant.raised => {
            PageError::forbidden().saying("You are viewing as a client, read only. Leave, or allow changes first.")
        }
        Some(_) => PageError::forbidden().saying("This is not possible while viewing as a client. Leave first."),
        None => PageError::forbidden(),
    }
}

/// How an account shows itself to its people: a sub account wears its agency's name and logo.
pub fn brand_of(conn: &mut AnyConnection, account: &Account) -> diesel::QueryResult<Brand> {
    Ok(agency_of(conn, account)?.as_ref().map(brand_of_agency).unwrap_or_default())
}

/// The agency of a sub account, deleted or not.
fn agency_of(conn: &mut AnyConnection, account: &Account) -> diesel::QueryResult<Option<Account>> {
    match account.parent_id {
        Some(parent) => accounts::find_any(conn, parent),
        None => Ok(None),
    }
}

/// An agency's own name and logo.
#[must_use]
pub fn brand_of_agency(agency: &Account) -> Brand {
    Brand {
        name: agency.brand_name.clone().unwrap_or_else(|| agency.name.clone()),
        logo: agency
            .logo_type
            .as_ref()
            .map(|_| format!("/brand/{}/logo?v={}", agency.id, agency.updated_at.and_utc().timestamp())),
    }
}

struct Found {
    user: User,
    memberships: Vec<(Account, Role)>,
    home: Account,
    role: Role,
    account: Account,
    grant: Option<Grant>,
    brand: Brand,
    numbers: NumberStyle,
}

/// What the session asks for.
#[derive(Clone, Copy)]
struct Wanted {
    user: Id,
    account: Option<Id>,
    grant: Option<Id>,
    now: DateTime<Utc>,
}

/// `None` when the user is gone or disabled.
fn find(conn: &mut AnyConnection, wanted: Wanted) -> diesel::QueryResult<Option<(User, Option<Found>)>> {
    let Some((user, memberships)) = person(conn, wanted.user)? else { return Ok(None) };
    if user.disabled_at.is_some() {
        return Ok(None);
    }
    let chosen = memberships.iter().find(|(account, _)| Some(account.id) == wanted.account);
    let Some((home, role)) = chosen.or_else(|| memberships.first()).cloned() else { return Ok(Some((user, None))) };
    let (mut account, mut grant) = (home.clone(), None);
    if let Some(id) = wanted.grant.filter(|_| role.may(Permission::ViewAs))
        && let Some(live) = view_as::find_live(conn, id, user.id, wanted.now.naive_utc())?
        && let Some(child) = accounts::find_child(conn, home.id, live.account_id)?
    {
        (account, grant) = (child, Some(live));
    }
    let agency = agency_of(conn, &account)?;
    let brand = agency.as_ref().map(brand_of_agency).unwrap_or_default();
    let numbers = agency.as_ref().unwrap_or(&account).number_style;
    Ok(Some((user.clone(), Some(Found { user, memberships, home, role, account, grant, brand, numbers }))))
}

/// A person with the accounts they belong to.
type Somebody = (User, Vec<(Account, Role)>);

/// Somebody, and the live accounts they belong to: parents first, then by name. One statement for all who belong to any.
fn person(conn: &mut AnyConnection, id: Id) -> diesel::QueryResult<Option<Somebody>> {
    let (mut user, mut all) = (None, Vec::new());
    for (row, role, account) in memberships::with_accounts(conn, id)? {
        user = Some(row);
        if let Ok(role) = Role::parse(&role) {
            all.push((account, role));
        }
    }
    all.sort_by_key(|(account, _)| (account.parent_id.is_some(), account.name_lower.clone()));
    let user = match user {
        Some(user) => Some(user),
        None => users::find(conn, id)?,
    };
    Ok(user.map(|user| (user, all)))
}

impl FromRequest for Acting {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { acting(&request).await })
    }
}

async fn acting(request: &HttpRequest) -> Result<Acting, PageError> {
    let session = request.get_session();
    let next = if request.method().is_safe() { request.uri().to_string() } else { "/".to_owned() };
    let user = session::user(&session).ok_or_else(|| PageError::sign_in(&next))?;
    let app = request.app_data::<web::Data<App>>().cloned().ok_or_else(|| PageError::new(500))?.into_inner();
    let wanted =
        Wanted { user, account: session::account(&session), grant: session::view_as(&session), now: app.clock.now() };
    let found = app.glimpse(move |conn| Ok(find(conn, wanted)?)).await?;
    let Some((_, found)) = found else {
        session.purge();
        return Err(PageError::sign_in(&next));
    };
    let found = found.ok_or_else(|| {
        PageError::forbidden()
            .saying("You are not a member of any account any more. Ask whoever invited you.")
            .back_to("Sign in as somebody else", "/sign-in")
    })?;
    let Found { user, memberships, home, role, account, grant, brand, numbers } = found;
    super::numbers::write_in(numbers);
    Ok(Acting {
        info: telemetry::info(request),
        theme: frame::theme(request),
        path: telemetry::path_of(request).to_owned(),
        app,
        session,
        user,
        home,
        role,
        account,
        grant,
        memberships,
        brand,
        numbers,
    })
}
