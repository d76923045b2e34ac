//! The dashboard's routes by role: every one takes the permission that this table says, in the standing that it is
//! asked in. A route that is not in it fails the test.

use canopy::domain::role::{Permission as P, Role};
use canopy::domain::standing::Standing;

use super::routes::{Route, dashboard};
use super::world::World;
use crate::support::app::on_both;
use crate::support::visitor::Visitor;

/// What an address takes of whoever is signed in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Takes {
    /// Nothing: everybody's own, or no sign-in at all.
    Nothing,
    /// This, of the agency itself.
    Agency(P),
    /// This, of the account in the address: from outside for a sub account, as a member for one's own.
    Account(P),
}

use Takes::{Account, Agency, Nothing};

/// The end of an account's address, and what it takes.
const OF_AN_ACCOUNT: &[(&str, &str, P)] = &[
    ("GET", "", P::ViewOverview),
    ("GET", "/now", P::ViewOverview),
    ("GET", "/usage", P::ViewUsage),
    ("GET", "/usage.csv", P::ViewUsage),
    ("GET", "/usage.xlsx", P::ViewUsage),
    ("GET", "/messages", P::ViewMessages),
    ("GET", "/messages/{message}", P::ViewMessages),
    ("GET", "/messages/{message}/raw", P::ViewMessages),
    ("GET", "/messages/{message}/kept", P::ViewMessages),
    ("POST", "/messages/{message}/cancel", P::SendTest),
    ("GET", "/queue", P::ViewOverview),
    ("POST", "/queue", P::SendTest),
    ("GET", "/test", P::SendTest),
    ("POST", "/test", P::SendTest),
    ("GET", "/suppressions", P::ViewSuppressions),
    ("GET", "/suppressions.csv", P::ViewSuppressions),
    ("POST", "/suppressions", P::ManageSuppressions),
    ("POST", "/suppressions/remove", P::ManageSuppressions),
    ("GET", "/suppressions/wipe", P::ManageSuppressions),
    ("POST", "/suppressions/wipe", P::ManageSuppressions),
    ("GET", "/credentials", P::ViewKeys),
    ("GET", "/credentials/new", P::ManageKeys),
    ("POST", "/credentials/new", P::ManageKeys),
    ("GET", "/credentials/{key}", P::ManageKeys),
    ("POST", "/credentials/{key}", P::ManageKeys),
    ("GET", "/credentials/{key}/delete", P::ManageKeys),
    ("POST", "/credentials/{key}/delete", P::ManageKeys),
    ("GET", "/credentials/smtp/new", P::ManageKeys),
    ("POST", "/credentials/smtp/new", P::ManageKeys),
    ("GET", "/credentials/smtp/{credential}/delete", P::ManageKeys),
    ("POST", "/credentials/smtp/{credential}/delete", P::ManageKeys),
    ("GET", "/members", P::ViewMembers),
    ("POST", "/members", P::ManageMembers),
    ("POST", "/members/{member}/role", P::ManageMembers),
    ("POST", "/members/{member}/remove", P::ManageMembers),
    ("POST", "/members/{member}/invite", P::ManageMembers),
    ("GET", "/settings", P::EditSubAccounts),
    ("POST", "/settings", P::EditSubAccounts),
    ("GET", "/transport", P::ManageSettings),
    ("POST", "/transport", P::ManageSettings),
    ("GET", "/activity", P::ViewActivity),
    ("GET", "/domains", P::ViewDomains),
    ("POST", "/domains", P::ManageDomains),
    ("GET", "/domains/{domain}", P::ViewDomains),
    ("POST", "/domains/{domain}/check", P::ManageDomains),
    ("POST", "/domains/{domain}/settings", P::ManageDomains),
    ("POST", "/domains/{domain}/share", P::ManageDomains),
    ("POST", "/domains/{domain}/unshare", P::ManageDomains),
    ("POST", "/domains/{domain}/delete", P::ManageDomains),
];

/// Address, methods, and what it takes.
const OTHERS: &[(&str, &str, Takes)] = &[
    ("GET", "/sub-accounts", Agency(P::ViewSubAccounts)),
    ("GET", "/sub-accounts.csv", Agency(P::ViewSubAccounts)),
    ("GET", "/sub-accounts/new", Agency(P::CreateSubAccounts)),
    ("POST", "/sub-accounts/new", Agency(P::CreateSubAccounts)),
    ("GET", "/sub-accounts/import", Agency(P::CreateSubAccounts)),
    ("POST", "/sub-accounts/import", Agency(P::CreateSubAccounts)),
    ("GET", "/sub-accounts/now", Agency(P::ViewSubAccounts)),
    ("GET", "/sub-accounts/views", Agency(P::ViewSubAccounts)),
    ("GET", "/sub-accounts/views/new", Agency(P::ViewSubAccounts)),
    ("POST", "/sub-accounts/views/new", Agency(P::ViewSubAccounts)),
    ("GET", "/sub-accounts/views/{view}", Agency(P::ViewSubAccounts)),
    ("POST", "/sub-accounts/views/{view}", Agency(P::ViewSubAccounts)),
    ("POST", "/sub-accounts/views/{view}/update", Agency(P::ViewSubAccounts)),
    ("POST", "/sub-accounts/views/{view}/delete", Agency(P::ViewSubAccounts)),
    ("GET", "/sub-accounts/bulk", Nothing),
    ("POST", "/sub-accounts/bulk", Agency(P::ViewSubAccounts)),
    ("POST", "/sub-accounts/bulk/start", Nothing),
    ("GET", "/sub-accounts/{id}/cap", Agency(P::SetCap)),
    ("POST", "/sub-accounts/{id}/cap", Agency(P::SetCap)),
    ("GET", "/sub-accounts/{id}/limits", Agency(P::SetCap)),
    ("POST", "/sub-accounts/{id}/limits", Agency(P::SetCap)),
    ("GET", "/sub-accounts/{id}/suspend", Agency(P::Suspend)),
    ("POST", "/sub-accounts/{id}/suspend", Agency(P::Suspend)),
    ("GET", "/sub-accounts/{id}/lift", Agency(P::Suspend)),
    ("POST", "/sub-accounts/{id}/lift", Agency(P::Suspend)),
    ("GET", "/sub-accounts/{id}/delete", Agency(P::DeleteSubAccounts)),
    ("POST", "/sub-accounts/{id}/delete", Agency(P::DeleteSubAccounts)),
    ("GET", "/sub-accounts/{id}/undelete", Agency(P::DeleteSubAccounts)),
    ("POST", "/sub-accounts/{id}/undelete", Agency(P::DeleteSubAccounts)),
    ("GET", "/sub-accounts/{id}/view-as", Agency(P::ViewAs)),
    ("POST", "/sub-accounts/{id}/view-as", Agency(P::ViewAs)),
    ("POST", "/view-as/raise", Agency(P::ViewAsWrite)),
    ("GET", "/jobs", Agency(P::ViewSubAccounts)),
    ("GET", "/jobs/{id}", Agency(P::ViewSubAccounts)),
    ("GET", "/jobs/{id}.csv", Agency(P::ViewSubAccounts)),
    ("GET", "/queue", Agency(P::ViewSubAccounts)),
    ("POST", "/queue", Agency(P::Suspend)),
    ("POST", "/sub-accounts/{id}/queue", Agency(P::Suspend)),
    ("GET", "/usage", Agency(P::ViewUsage)),
    ("GET", "/usage.csv", Agency(P::ViewUsage)),
    ("GET", "/usage.xlsx", Agency(P::ViewUsage)),
    ("GET", "/activity", Agency(P::ViewActivity)),
    ("GET", "/activity.csv", Agency(P::ViewActivity)),
    ("POST", "/activity/verify", Agency(P::ViewActivity)),
    ("GET", "/activity/{seq}", Agency(P::ViewActivity)),
    ("POST", "/settings", Agency(P::ManageSettings)),
    ("GET", "/settings/health", Agency(P::ManageSettings)),
    ("POST", "/settings/health", Agency(P::ManageSettings)),
    ("GET", "/settings/limits", Agency(P::SetCap)),
    ("POST", "/settings/limits", Agency(P::SetCap)),
    ("GET", "/settings/transports", Agency(P::ManageSettings)),
    ("GET", "/settings/transports/new", Agency(P::ManageSettings)),
    ("POST", "/settings/transports/new", Agency(P::ManageSettings)),
    ("POST", "/settings/transports/no-default", Agency(P::ManageSettings)),
    ("GET", "/settings/transports/{transport}", Agency(P::ManageSettings)),
    ("POST", "/settings/transports/{transport}", Agency(P::ManageSettings)),
    ("POST", "/settings/transports/{transport}/default", Agency(P::ManageSettings)),
    ("GET", "/settings/transports/{transport}/delete", Agency(P::ManageSettings)),
    ("POST", "/settings/transports/{transport}/delete", Agency(P::ManageSettings)),
    ("GET", "/settings/transports/{transport}/test", Agency(P::ManageSettings)),
    ("POST", "/settings/transports/{transport}/test", Agency(P::ManageSettings)),
    ("GET", "/settings/plan", Agency(P::ManagePlan)),
    ("POST", "/settings/plan", Agency(P::ManagePlan)),
    ("POST", "/settings/plan/withdraw", Agency(P::ManagePlan)),
];

/// Of everybody who is signed in, and of strangers.
const FREE: &[&str] = &[
    "/",
    "/search",
    "/healthz",
    "/readyz",
    "/metrics",
    "/static/{path:.*}",
    "/switch-account",
    "/theme",
    "/sign-in",
    "/sign-out",
    "/forgot",
    "/reset/{token}",
    "/invite/{token}",
    "/setup/{token}",
    "/dns/{token}",
    "/dns/{token}/check",
    "/brand/{account}/logo",
    "/view-as/leave",
    "/settings",
    "/settings/profile",
    "/settings/profile/email",
    "/settings/profile/email/{token}",
    "/settings/profile/password",
    "/settings/sessions",
    "/settings/sessions/end",
    "/settings/sessions/end-others",
    "/dev/components",
    "/dev/components/{name}",
];

pub(super) fn takes(route: &Route) -> Takes {
    // One's own account is edited at /settings: these addresses are for those who look from outside.
    if ["/account/settings"].contains(&route.path.as_str()) {
        return Nothing;
    }
    if let Some((_, _, takes)) = OTHERS.iter().find(|(method, path, _)| *method == route.method && *path == route.path)
    {
        return *takes;
    }
    let end = ["/account", "/sub-accounts/{id}", "/settings"].iter().find_map(|base| route.path.strip_prefix(base));
    if let Some((_, _, permission)) =
        end.and_then(|end| OF_AN_ACCOUNT.iter().find(|(method, known, _)| *method == route.method && *known == end))
    {
        return Account(*permission);
    }
    assert!(FREE.contains(&route.path.as_str()), "the role matrix does not know {route:?}: say what it takes");
    Nothing
}

/// The address with the client's own things in it.
pub(super) fn filled(route: &Route, world: &World) -> String {
    route
        .path
        .replace("/jobs/{id}", &format!("/jobs/{}", world.things.job))
        .replace("{id}", &world.own.id.to_string())
        .replace("{message}", &world.things.message.to_string())
        .replace("{domain}", &world.own.domain)
        .replace("{user}", &world.agency.owner.to_string())
        .replace("{member}", &world.agency.owner.to_string())
        .replace("{key}", &world.things.key.to_string())
        .replace("{transport}", &world.things.transport.to_string())
        .replace("{view}", &world.things.view.to_string())
        .replace("{seq}", "1")
}

pub(super) async fn status(visitor: &Visitor, route: &Route, path: &str) -> u16 {
    if route.method == "GET" {
        return visitor.get(path).await.status;
    }
    let token = visitor.get("/settings/profile").await.token();
    visitor.post(path, &[("csrf_token", &token)]).await.status
}

#[tokio::test]
async fn every_address_takes_its_permission_of_every_role() {
    on_both(|app| async move {
        let world = World::new(&app).await;
        let routes = dashboard();
        let mut judged = 0;
        for role in Role::all().into_iter().filter(|role| *role != Role::Owner) {
            let email = format!("{}@roles.example", role.as_str());
            app.member(world.agency.id, &email, role.as_str()).await;
            let visitor = Visitor::signed_in(&app, &email).await;
            for route in &routes {
                let (permission, standing) = match takes(route) {
                    Nothing => continue,
                    Agency(permission) => (permission, Standing::Member),
                    Account(permission) if !route.path.starts_with("/sub-accounts") => (permission, Standing::Member),
                    Account(permission) => (permission, Standing::Parent),
                };
                let allowed = standing.may(role, permission);
                // Whoever may is only asked for pages: forms would change the world for those who come after.
                if allowed && route.method == "POST" {
                    continue;
                }
                let status = status(&visitor, route, &filled(route, &world)).await;
                assert_eq!(status == 403, !allowed, "{role:?} {route:?} with {permission:?}: {status}");
                judged += 1;
            }
        }
        println!("{judged} answers by role: each as the permission table says");
        assert!(judged > 250, "{judged}");
    })
    .await;
}
