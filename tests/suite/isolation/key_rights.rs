//! A key may hold what its maker's role may do: every role by every scope, by every way that makes or changes a key; and
//! what becomes of keys when the role of their maker shrinks or they leave.

use canopy::domain::ids::Id;
use canopy::domain::role::Role;
use canopy::domain::scopes::Scope;
use canopy::models::key_makers::{self, Member};
use canopy::models::{api_keys, audit, memberships, smtp_credentials};
use diesel::RunQueryDsl;
use diesel::sql_types::Binary;
use serde_json::{Value, json};

use crate::support::app::{Agency, Client, TestApp, all_scopes, on_both};
use crate::support::rows::child_scopes;
use crate::support::visitor::Visitor;

/// What no key of a Developer holds: members, money, and the deletion of clients.
const BEYOND_A_DEVELOPER: [&str; 6] = [
    "accounts:billing",
    "accounts:members:add",
    "accounts:members:update",
    "accounts:members:remove",
    "sub-accounts:delete",
    "sub-accounts:usage",
];

/// Whether somebody with this role gives a key this scope. Said here anew, not asked of the program.
fn gives(role: Role, scope: &str) -> bool {
    match role {
        Role::Owner | Role::Administrator => true,
        Role::Developer => !BEYOND_A_DEVELOPER.contains(&scope),
        Role::Analyst | Role::BillingManager | Role::Support => false,
    }
}

struct World {
    agency: Agency,
    client: Client,
}

async fn world(app: &TestApp) -> World {
    let agency = app.agency("Harbor").await;
    let client = app.client(&agency, "alder", 0).await;
    World { agency, client }
}

/// A member with this role, and their browser.
async fn somebody(app: &TestApp, agency: &Agency, role: Role) -> (Id, Visitor) {
    if role == Role::Owner {
        return (agency.owner, Visitor::signed_in(app, &agency.email).await);
    }
    let email = format!("{}@harbor.example", role.as_str().replace('_', "-"));
    let user = app.member(agency.id, &email, role.as_str()).await;
    (user, Visitor::signed_in(app, &email).await)
}

/// A key of the account with these scopes, as if `maker`, a member of `agency`, had made it; its id and its secret.
async fn key_of(app: &TestApp, account: Id, maker: Member, scopes: &[String]) -> (Id, String) {
    let secret = app.key(account, scopes).await;
    let digest = canopy::secrets::digest(&secret);
    let id = app
        .write(move |conn, cx| {
            let (key, _) = api_keys::find_by_digest(conn, &digest)?.expect("the key");
            let row = key_makers::of(conn, maker, Id::new(cx.now), cx.at())?;
            diesel::sql_query("UPDATE api_keys SET maker_id = $1 WHERE id = $2")
                .bind::<Binary, _>(row)
                .bind::<Binary, _>(key.id)
                .execute(conn)?;
            Ok(key.id)
        })
        .await;
    (id, secret)
}

async fn scopes_of(app: &TestApp, key: Id) -> Vec<String> {
    let rows = app.read(move |conn| Ok(api_keys::scopes_of(conn, &[key])?)).await;
    rows.into_iter().map(|row| row.scope).collect()
}

async fn newest_key(app: &TestApp, account: Id) -> api_keys::ApiKey {
    app.read(move |conn| Ok(api_keys::page(conn, account, None, false, 1)?)).await.remove(0)
}

#[tokio::test]
async fn every_role_gives_a_key_on_the_dashboard_exactly_what_it_may_do_itself() {
    let app = TestApp::sqlite().await;
    let World { agency, client } = world(&app).await;
    let mut judged = 0;
    for role in Role::all() {
        let (user, person) = somebody(&app, &agency, role).await;
        let member = Member { account: agency.id, user };
        let bases = [
            ("/settings", agency.id, all_scopes()),
            (&format!("/sub-accounts/{}", client.id), client.id, child_scopes()),
        ];
        for (base, account, scopes) in bases {
            let (edited, _) = key_of(&app, account, member, &["accounts:read".to_owned()]).await;
            for scope in &scopes {
                let fields = [("label", "made"), ("scopes", scope.as_str())];
                let made = person.fill(&format!("{base}/credentials/new"), &fields).await.status;
                assert_eq!(made, if gives(role, scope) { 200 } else { 403 }, "{role:?} makes {scope} at {base}");
                let fields = [("label", "changed"), ("scopes", "accounts:read"), ("scopes", scope.as_str())];
                if scope != "accounts:read" {
                    let changed = person.fill(&format!("{base}/credentials/{edited}"), &fields).await.status;
                    assert_eq!(changed, if gives(role, scope) { 303 } else { 403 }, "{role:?} adds {scope} at {base}");
                }
                judged += 2;
            }
        }
    }
    println!("{judged} forms by role and scope");
    assert!(judged > 500, "{judged}");
}

#[tokio::test]
async fn a_key_gives_over_the_api_exactly_what_the_role_of_its_maker_may_do_whatever_it_holds() {
    on_both(|app| async move {
        let World { agency, client } = world(&app).await;
        let mut judged = 0;
        for role in [Role::Administrator, Role::Developer, Role::Analyst] {
            let (user, _) = somebody(&app, &agency, role).await;
            // It holds more than its maker's role: as if nobody had cut it.
            let (_, secret) = key_of(&app, agency.id, Member { account: agency.id, user }, &all_scopes()).await;
            let may = |scope: &str| match role {
                Role::Analyst => !beyond_an_analyst(scope),
                _ => gives(role, scope),
            };
            let own = format!("/v2/accounts/{}/api-keys", agency.id);
            let of_client = format!("/v2/accounts/{}/sub-accounts/{}/api-keys", agency.id, client.id);
            for (path, scopes) in [(own, all_scopes()), (of_client, child_scopes())] {
                let plain = json!({ "label": "plain", "scopes": ["accounts:read"] });
                let (status, edited) = app.call("POST", &path, &secret, Some(&plain)).await;
                assert_eq!(status, 201, "{edited}");
                let edited = format!("{path}/{}", edited["id"].as_str().expect("an id"));
                for scope in &scopes {
                    let body = json!({ "label": "made", "scopes": [scope] });
                    let (made, answer) = app.call("POST", &path, &secret, Some(&body)).await;
                    assert_eq!(made, if may(scope) { 201 } else { 403 }, "{role:?} {path} {scope}: {answer}");
                    let body = json!({ "label": scope, "scopes": if scope == "accounts:read" { json!([scope]) } else { json!(["accounts:read", scope]) } });
                    let (changed, answer) = app.call("PUT", &edited, &secret, Some(&body)).await;
                    assert_eq!(changed, if may(scope) { 200 } else { 403 }, "{role:?} {edited} {scope}: {answer}");
                    judged += 2;
                }
            }
        }
        println!("{judged} requests by role and scope on {:?}", app.app.db.backend());
        assert!(judged > 300, "{judged}");
    })
    .await;
}

/// An Analyst looks: at usage, cost, domains and suppressions.
fn beyond_an_analyst(scope: &str) -> bool {
    ![
        "accounts:read",
        "domains:read",
        "suppressions:read",
        "sub-accounts:read",
        "sub-accounts:usage",
        "statistics-transactional:read:all",
    ]
    .contains(&scope)
}

#[tokio::test]
async fn a_developer_comes_to_no_administrator_by_a_key() {
    on_both(|app| async move {
        let World { agency, client } = world(&app).await;
        let (user, person) = somebody(&app, &agency, Role::Developer).await;
        let wanted = [
            ("label", "mine"),
            ("scopes", "accounts:members:add"),
            ("scopes", "sub-accounts:usage"),
            ("scopes", "sub-accounts:delete"),
        ];
        assert_eq!(person.fill("/settings/credentials/new", &wanted).await.status, 403);
        let page = person.get("/settings/credentials/new").await;
        page.shows("value=\"sub-accounts:suspend\"");
        assert!(!page.html.contains("accounts:members:add"), "nor is it offered");
        // Nor through a client: as a member there they would read its messages.
        let path = format!("/sub-accounts/{}/credentials/new", client.id);
        assert_eq!(person.fill(&path, &wanted[..2]).await.status, 403);

        // One that holds it all the same invites nobody above its maker.
        let (_, secret) = key_of(&app, agency.id, Member { account: agency.id, user }, &all_scopes()).await;
        let members = format!("/v2/accounts/{}/members", agency.id);
        for (role, status) in [("Administrator", 403), ("Analyst", 403), ("Billing Manager", 403), ("Developer", 201)] {
            let body = json!({ "email": format!("{}@evil.example", role.len()), "role": role });
            let (answered, answer) = app.call("POST", &members, &secret, Some(&body)).await;
            assert_eq!(answered, status, "{role}: {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_edits_a_key_gives_it_nothing_that_its_maker_may_not_do() {
    on_both(|app| async move {
        let World { agency, .. } = world(&app).await;
        let (developer, _) = somebody(&app, &agency, Role::Developer).await;
        let (_, owner) = somebody(&app, &agency, Role::Owner).await;
        let member = Member { account: agency.id, user: developer };
        let (key, _) = key_of(&app, agency.id, member, &["domains:read".to_owned()]).await;
        let path = format!("/settings/credentials/{key}");
        let fields = [("label", "x"), ("scopes", "domains:read"), ("scopes", "accounts:members:add")];
        assert_eq!(owner.fill(&path, &fields).await.status, 403, "the Developer knows its secret");
        let fields = [("label", "x"), ("scopes", "domains:read"), ("scopes", "domains:write")];
        assert_eq!(owner.fill(&path, &fields).await.status, 303);
        assert_eq!(scopes_of(&app, key).await, ["domains:read", "domains:write"]);
    })
    .await;
}

#[tokio::test]
async fn a_key_bound_to_networks_makes_and_widens_none_that_is_not() {
    on_both(|app| async move {
        let World { agency, client } = world(&app).await;
        let own = format!("/v2/accounts/{}/api-keys", agency.id);
        let of_client = format!("/v2/accounts/{}/sub-accounts/{}/api-keys", agency.id, client.id);
        let bound =
            json!({ "label": "bound", "scopes": all_scopes(), "ip_allow_list": ["127.0.0.0/8", "203.0.113.0/24"] });
        let (_, bound) = app.call("POST", &own, &agency.key, Some(&bound)).await;
        let bound = bound["secret_key"].as_str().expect("a secret").to_owned();
        let (_, open) =
            app.call("POST", &own, &agency.key, Some(&json!({ "label": "open", "scopes": ["domains:read"] }))).await;
        let open = format!("{own}/{}", open["id"].as_str().expect("an id"));
        for path in [&own, &of_client] {
            for (list, status) in [
                (Value::Null, 403),
                (json!([]), 403),
                (json!(["127.0.0.1", "198.51.100.7"]), 403),
                (json!(["203.0.112.0/23"]), 403),
                (json!(["127.0.0.1", "203.0.113.128/25"]), 201),
            ] {
                let body = json!({ "label": "x", "scopes": ["domains:read"], "ip_allow_list": list });
                let (answered, answer) = app.call("POST", path, &bound, Some(&body)).await;
                assert_eq!(answered, status, "{path} {list}: {answer}");
            }
        }
        for (body, status) in [
            (json!({ "label": "named anew" }), 200),
            (json!({ "scopes": ["domains:read", "domains:write"] }), 403),
            (json!({ "ip_allow_list": ["0.0.0.0/1"] }), 403),
            (json!({ "scopes": ["domains:read", "domains:write"], "ip_allow_list": ["203.0.113.9"] }), 200),
            (json!({ "ip_allow_list": [] }), 403),
        ] {
            let (answered, answer) = app.call("PUT", &open, &bound, Some(&body)).await;
            assert_eq!(answered, status, "{body}: {answer}");
        }
        let body = json!({ "name": "relay", "scope": "global" });
        let path = format!("/v2/accounts/{}/smtp-credentials", agency.id);
        assert_eq!(app.call("POST", &path, &bound, Some(&body)).await.0, 403, "a password is bound to no network");
        assert_eq!(app.call("POST", &path, &agency.key, Some(&body)).await.0, 201);
    })
    .await;
}

/// Makes a key on the dashboard; answers it.
async fn made(
    app: &TestApp,
    person: &Visitor,
    base: &str,
    account: Id,
    label: &str,
    scopes: &[&str],
) -> api_keys::ApiKey {
    let mut fields = vec![("label", label)];
    fields.extend(scopes.iter().map(|scope| ("scopes", *scope)));
    let page = person.fill(&format!("{base}/credentials/new"), &fields).await;
    assert_eq!(page.status, 200, "{}", page.html);
    let key = newest_key(app, account).await;
    assert_eq!(key.label, label);
    key
}

async fn live(app: &TestApp, account: Id, key: Id) -> bool {
    app.read(move |conn| Ok(api_keys::find(conn, account, key)?)).await.is_some()
}

async fn entries(app: &TestApp, root: Id, action: &'static str) -> usize {
    let filter = audit::Filter { action_prefix: Some(action.into()), ..audit::Filter::default() };
    app.read(move |conn| Ok(audit::page(conn, root, &filter, None, true, 100)?)).await.len()
}

#[tokio::test]
async fn a_smaller_role_lists_what_it_takes_from_keys_and_takes_it_with_its_commit() {
    on_both(|app| async move {
        let World { agency, client } = world(&app).await;
        let (_, owner) = somebody(&app, &agency, Role::Owner).await;
        let (user, admin) = somebody(&app, &agency, Role::Administrator).await;
        let outside = format!("/sub-accounts/{}", client.id);
        let mixed =
            made(&app, &admin, "/settings", agency.id, "mixed", &["accounts:members:add", "domains:read"]).await;
        let whole = made(&app, &admin, "/settings", agency.id, "members only", &["accounts:members:add"]).await;
        let clients =
            made(&app, &admin, &outside, client.id, "client", &["accounts:members:remove", "messages:send:all"]).await;
        let others = made(&app, &owner, "/settings", agency.id, "others", &["accounts:members:add"]).await;
        let fields = [("name", "relay")];
        assert_eq!(admin.fill("/settings/credentials/smtp/new", &fields).await.status, 200);

        let path = format!("/settings/members/{user}/role");
        let asked = owner.fill(&path, &[("role", "developer")]).await;
        assert_eq!(asked.status, 200);
        asked.shows("mixed").shows("members only").shows("is deleted").shows("accounts:members:add").shows("alder");
        assert!(!asked.html.contains(">others<") && !asked.html.contains("relay"), "{}", asked.html);
        assert_eq!(scopes_of(&app, mixed.id).await.len(), 2, "nothing before it is confirmed");

        let done = owner.fill(&path, &[("role", "developer"), ("confirmed", "yes")]).await;
        assert_eq!(done.status, 303, "{}", done.html);
        assert_eq!(scopes_of(&app, mixed.id).await, ["domains:read"]);
        assert_eq!(scopes_of(&app, clients.id).await, ["messages:send:all"]);
        assert!(!live(&app, agency.id, whole.id).await && live(&app, agency.id, others.id).await);
        assert_eq!(
            (entries(&app, agency.id, "api_key.cut").await, entries(&app, agency.id, "api_key.delete").await),
            (2, 1)
        );
        owner.get("/activity").await.shows("lost what the role of its maker may not do").shows("Because");

        let done = owner.fill(&path, &[("role", "analyst"), ("confirmed", "yes")]).await;
        assert_eq!(done.status, 303, "{}", done.html);
        assert!(live(&app, agency.id, mixed.id).await, "an Analyst looks at domains");
        assert!(!live(&app, client.id, clients.id).await, "nor sends");
        let left = app.read(move |conn| Ok(smtp_credentials::page(conn, agency.id, None, (None, false), 9)?)).await;
        assert!(left.is_empty(), "nor by SMTP: {left:?}");
        let larger = owner.fill(&path, &[("role", "administrator")]).await;
        assert_eq!(larger.status, 303, "a larger role takes nothing and is not asked about");
    })
    .await;
}

#[tokio::test]
async fn what_a_key_made_is_its_makers_too_and_is_cut_with_the_rest() {
    on_both(|app| async move {
        let World { agency, client } = world(&app).await;
        let (user, _) = somebody(&app, &agency, Role::Administrator).await;
        let member = Member { account: agency.id, user };
        let (_, secret) = key_of(&app, agency.id, member, &all_scopes()).await;
        let path = format!("/v2/accounts/{}/sub-accounts/{}/api-keys", agency.id, client.id);
        let body = json!({ "label": "second", "scopes": ["api-keys:write", "accounts:members:add", "domains:read"] });
        let (_, second) = app.call("POST", &path, &secret, Some(&body)).await;
        let second = second["secret_key"].as_str().expect("a secret");
        let body = json!({ "label": "third", "scopes": ["accounts:members:add", "domains:read"] });
        let (status, third) =
            app.call("POST", &format!("/v2/accounts/{}/api-keys", client.id), second, Some(&body)).await;
        assert_eq!(status, 201, "{third}");
        let third: Id = third["id"].as_str().expect("an id").parse().expect("an id");
        let (_, owner) = somebody(&app, &agency, Role::Owner).await;
        let fields = [("role", "developer"), ("confirmed", "yes")];
        assert_eq!(owner.fill(&format!("/settings/members/{user}/role"), &fields).await.status, 303);
        assert_eq!(scopes_of(&app, third).await, ["domains:read"]);
    })
    .await;
}

#[tokio::test]
async fn what_a_removed_member_made_works_on_and_counts_as_the_removers() {
    on_both(|app| async move {
        let World { agency, .. } = world(&app).await;
        let (leaving, developer) = somebody(&app, &agency, Role::Developer).await;
        let (remover, admin) = somebody(&app, &agency, Role::Administrator).await;
        let key =
            made(&app, &developer, "/settings", agency.id, "deploy", &["domains:read", "messages:send:all"]).await;
        let page = admin.fill_and_follow(&format!("/settings/members/{leaving}/remove"), &[]).await;
        assert!(page.contains("What they made passes to you: 1 key"), "{page}");
        assert!(live(&app, agency.id, key.id).await && scopes_of(&app, key.id).await.len() == 2);
        let (_, owner) = somebody(&app, &agency, Role::Owner).await;
        let asked = owner.fill(&format!("/settings/members/{remover}/role"), &[("role", "analyst")]).await;
        asked.shows("deploy").shows("messages:send:all");
        owner.get("/activity").await.shows("passed on").shows("administrator@harbor.example");
        // Over the API it passes to the maker of the key that removes, and without one to the owner.
        let path = format!("/v2/accounts/{}/members/{remover}", agency.id);
        assert_eq!(app.call("DELETE", &path, &agency.key, None).await.0, 200);
        let heir = Member { account: agency.id, user: agency.owner };
        assert_eq!(app.read(move |conn| Ok(key_makers::count_made(conn, heir)?)).await, (1, 0));
    })
    .await;
}

#[tokio::test]
async fn whoever_views_as_a_client_makes_keys_only_where_changes_are_allowed_and_they_are_theirs() {
    on_both(|app| async move {
        let World { agency, client } = world(&app).await;
        let fields = [("label", "inside"), ("scopes", "messages:read:all")];
        for role in [Role::Developer, Role::Administrator] {
            let (user, person) = somebody(&app, &agency, role).await;
            let reason = [("reason", "ticket 4512")];
            assert_eq!(person.fill(&format!("/sub-accounts/{}/view-as", client.id), &reason).await.status, 303);
            assert_eq!(person.fill("/account/credentials/new", &fields).await.status, 403, "{role:?}: it is read only");
            let raised = person.fill("/view-as/raise", &[]).await.status;
            assert_eq!(raised, if role == Role::Administrator { 303 } else { 403 });
            let made = person.fill("/account/credentials/new", &fields).await.status;
            assert_eq!(made, if role == Role::Administrator { 200 } else { 403 }, "{role:?}");
            let of_agency = Member { account: agency.id, user };
            let expected = i64::from(role == Role::Administrator);
            assert_eq!(app.read(move |conn| Ok(key_makers::count_made(conn, of_agency)?)).await.0, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_disabled_or_departed_makers_key_gives_nothing_more() {
    on_both(|app| async move {
        let World { agency, .. } = world(&app).await;
        let (user, _) = somebody(&app, &agency, Role::Administrator).await;
        let (_, secret) = key_of(&app, agency.id, Member { account: agency.id, user }, &all_scopes()).await;
        let path = format!("/v2/accounts/{}/api-keys", agency.id);
        let body = json!({ "label": "x", "scopes": ["domains:read"] });
        assert_eq!(app.call("POST", &path, &secret, Some(&body)).await.0, 201);
        app.write(move |conn, _| Ok(memberships::delete(conn, agency.id, user)?)).await;
        assert_eq!(app.call("POST", &path, &secret, Some(&body)).await.0, 403);
        let path = format!("/v2/accounts/{}/smtp-credentials", agency.id);
        let body = json!({ "name": "relay", "scope": "global" });
        assert_eq!(app.call("POST", &path, &secret, Some(&body)).await.0, 403);
    })
    .await;
}

#[tokio::test]
async fn a_key_made_while_the_role_of_its_maker_shrinks_keeps_to_the_smaller_role() {
    on_both(|app| async move {
        let World { agency, client } = world(&app).await;
        let (_, owner) = somebody(&app, &agency, Role::Owner).await;
        let (user, admin) = somebody(&app, &agency, Role::Administrator).await;
        let role = format!("/settings/members/{user}/role");
        let (mut first, mut late) = (0, 0);
        for turn in 0..12 {
            let base = if turn % 2 == 0 { "/settings".to_owned() } else { format!("/sub-accounts/{}", client.id) };
            let path = format!("{base}/credentials/new");
            let fields = [("label", "raced"), ("scopes", "accounts:members:add"), ("scopes", "domains:read")];
            let smaller = [("role", "developer"), ("confirmed", "yes")];
            let (made, shrunk) = tokio::join!(admin.fill(&path, &fields), owner.fill(&role, &smaller));
            assert_eq!(shrunk.status, 303, "{}", shrunk.html);
            assert!([200, 403].contains(&made.status), "{} {}", made.status, made.html);
            first += usize::from(made.status == 200);
            late += usize::from(made.status == 403);
            let held = app
                .read(move |conn| {
                    let beyond = [Scope::parse("accounts:members:add").expect("a scope")];
                    Ok(key_makers::keys_holding(conn, Member { account: agency.id, user }, &beyond, 100)?.len())
                })
                .await;
            assert_eq!(held, 0, "turn {turn}: a Developer has a key that invites");
            assert_eq!(owner.fill(&role, &[("role", "administrator")]).await.status, 303);
        }
        println!("{first} keys were made before the role shrank, {late} came too late, on {:?}", app.app.db.backend());
    })
    .await;
}
