//! Every field of every form that the pages of the site map show, and every parameter that their links and forms have,
//! with every hostile value, on both databases: no answer says that something broke here.

use std::collections::{BTreeMap, BTreeSet};

use canopy::actions::add_user::{NewUser, add_user};
use canopy::actions::set_up;
use canopy::domain::email_address::EmailAddress;
use canopy::domain::role::Role;
use canopy::domain::text::PersonName;
use futures_util::future::join_all;

use super::forms::{Form, forms, links};
use super::{encoded, percent_encoded, shown};
use crate::isolation::dashboard::filled;
use crate::isolation::routes::dashboard;
use crate::isolation::world::World;
use crate::support::app::{TestApp, on_both};
use crate::support::visitor::{Page, Visitor};
use crate::web::links::mailed_link;

/// Parameters that only a long list has links for, and those of filters that a page without rows leaves out.
const RARE: [&str; 20] = [
    "q", "status", "older", "newer", "after", "before", "page", "sort", "dir", "period", "from", "to", "kind", "who",
    "account", "client", "ids", "failed", "tag", "next",
];
/// Requests at once.
const AT_ONCE: usize = 8;
const URLENCODED: &str = "application/x-www-form-urlencoded";

/// What was sent, and what broke.
#[derive(Default)]
struct Tally {
    asked: usize,
    broken: Vec<String>,
    /// Actions of forms that were sent.
    sent: BTreeSet<String>,
    fields: BTreeSet<(String, String)>,
}

impl Tally {
    fn note(&mut self, what: &str, page: &Page) {
        self.asked += 1;
        if page.status >= 500 {
            self.broken.push(format!("{what}: {}", page.status));
        }
    }

    async fn get_all(&mut self, visitor: &Visitor, addresses: &[String]) {
        for some in addresses.chunks(AT_ONCE) {
            let pages = join_all(some.iter().map(|address| visitor.get(address))).await;
            some.iter().zip(&pages).for_each(|(address, page)| self.note(&format!("GET {}", shown(address)), page));
        }
    }

    async fn post_all(&mut self, visitor: &Visitor, form: &Form, bodies: Vec<(String, String)>) {
        for some in bodies.chunks(AT_ONCE) {
            let send = |body: &String| visitor.post_raw(&form.action, URLENCODED, body.clone().into_bytes());
            let pages = join_all(some.iter().map(|(_, body)| send(body))).await;
            for ((what, _), page) in some.iter().zip(&pages) {
                self.note(&format!("POST {} {what}", form.action), page);
            }
        }
    }
}

/// A form's body with one field replaced by what is encoded already; the field's name too where it is `None`.
fn body(form: &Form, token: &str, field: &str, value: &str) -> String {
    let mut pairs: Vec<String> = Vec::new();
    for (name, usual) in &form.fields {
        let usual = if name == "csrf_token" { token } else { usual };
        let sent = if name == field { value.to_owned() } else { percent_encoded(usual.as_bytes()) };
        pairs.push(format!("{}={sent}", percent_encoded(name.as_bytes())));
    }
    pairs.join("&")
}

/// What takes things away, or the visitor elsewhere: sent last, in this order.
const LAST: [&str; 9] =
    ["/switch-account", "/sessions/", "/view-as", "/suspend", "/wipe", "/remove", "/delete", "/leave", "/sign-out"];

fn order(form: &Form) -> usize {
    LAST.iter().position(|word| form.action.contains(word)).map_or(0, |place| place + 1)
}

/// Sends every field of a form with every value.
async fn every_field(visitor: &Visitor, form: &Form, tally: &mut Tally) {
    let token = visitor.token().await;
    let mut bodies = Vec::new();
    for field in form.fields.keys() {
        tally.fields.insert((form.action.clone(), field.clone()));
        for value in encoded() {
            bodies.push((format!("{field}={}", shown(&value)), body(form, &token, field, &value)));
        }
    }
    let named = format!("{}&{}", body(form, &token, "", ""), "%00=%00");
    bodies.push(("a name with NUL".into(), named));
    tally.post_all(visitor, form, bodies).await;
    for file in &form.files {
        tally.fields.insert((form.action.clone(), file.clone()));
        for (name, bytes) in files() {
            let page = visitor
                .post_raw(&form.action, "multipart/form-data; boundary=b", multipart(form, &token, file, name, &bytes))
                .await;
            tally.note(&format!("POST {} the file {file} called {name:?}", form.action), &page);
        }
    }
    tally.sent.insert(form.action.clone());
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let import = |name: &str| format!("name,website,cap,domain\n{name},a.example,1,a.example\n").into_bytes();
    vec![
        ("a.csv", import("a\0b")),
        ("a%00.csv", import("a")),
        ("a\u{fffd}.csv", vec![0xff, 0xfe, b'n', 0, b'a', 0]),
        ("b.csv", import(&super::letters(60_000))),
        ("c.png", b"\x89PNG\r\n\x1a\n\0\0\0\0".to_vec()),
    ]
}

fn multipart(form: &Form, token: &str, file: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    for (field, usual) in &form.fields {
        let usual = if field == "csrf_token" { token } else { usual };
        all.extend_from_slice(
            format!("--b\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{usual}\r\n").as_bytes(),
        );
    }
    let head = format!(
        "--b\r\nContent-Disposition: form-data; name=\"{file}\"; filename=\"{name}\"; filename*=UTF-8''{name}\r\n\r\n"
    );
    all.extend_from_slice(head.as_bytes());
    all.extend_from_slice(bytes);
    all.extend_from_slice(b"\r\n--b--\r\n");
    all
}

/// Everything that this visitor's pages have: their forms, and the names in the queries of their addresses.
async fn found(visitor: &Visitor, paths: &[String]) -> (Vec<(String, Form)>, BTreeMap<String, BTreeSet<String>>) {
    let (mut all, mut addresses): (BTreeMap<Form, String>, BTreeMap<String, BTreeSet<String>>) = Default::default();
    for path in paths {
        let page = visitor.get(path).await;
        if page.status != 200 {
            continue;
        }
        addresses.entry(path.clone()).or_default();
        for (address, names) in links(&page.html) {
            addresses.entry(address).or_default().extend(names);
        }
        for mut form in forms(path, &page.html) {
            if form.post {
                form.fields.entry("csrf_token".into()).and_modify(String::clear);
                all.entry(form).or_insert_with(|| path.clone());
            } else {
                addresses.entry(form.action).or_default().extend(form.fields.into_keys());
            }
        }
    }
    (all.into_iter().map(|(form, path)| (path, form)).collect(), addresses)
}

/// The same form with other usual values is one: a list has one for each of its rows.
fn once(forms: Vec<(String, Form)>) -> Vec<(String, Form)> {
    let mut seen = BTreeSet::new();
    let new = |form: &Form| {
        let names: Vec<String> = form.fields.keys().chain(&form.files).cloned().collect();
        (form.action.clone(), names)
    };
    let mut forms: Vec<_> = forms.into_iter().filter(|(_, form)| seen.insert(new(form))).collect();
    forms.sort_by_key(|(_, form)| (order(form), form.action.clone()));
    forms
}

async fn addresses_with_values(visitor: &Visitor, addresses: &BTreeMap<String, BTreeSet<String>>, tally: &mut Tally) {
    for (path, names) in addresses {
        let mut asked = Vec::new();
        for value in encoded() {
            // A URL has an end, too: what is longer never comes to us.
            let value = if value.len() > 20_000 { &value[..8_100] } else { value.as_str() };
            asked.extend(names.iter().map(|name| format!("{path}?{name}={value}")));
            if value.len() < 2_000 {
                let all: Vec<String> = RARE.iter().map(|name| format!("{name}={value}")).collect();
                asked.push(format!("{path}?{}", all.join("&")));
            }
        }
        tally.get_all(visitor, &asked).await;
    }
}

/// Signs in again where a form led out, and says whether its page still shows it.
async fn is_there(app: &TestApp, email: &str, visitor: &mut Visitor, path: &str, form: &Form) -> bool {
    for again in [false, true] {
        if again {
            *visitor = Visitor::signed_in(app, email).await;
        }
        let page = visitor.get(path).await;
        if page.status == 200 && forms(path, &page.html).iter().any(|there| there.action == form.action) {
            return true;
        }
    }
    false
}

async fn as_somebody(app: &TestApp, email: &str, paths: &[String], tally: &mut Tally) -> Vec<String> {
    let mut visitor = Visitor::signed_in(app, email).await;
    let (forms, addresses) = found(&visitor, paths).await;
    addresses_with_values(&visitor, &addresses, tally).await;
    let mut gone = Vec::new();
    for (path, form) in once(forms) {
        if is_there(app, email, &mut visitor, &path, &form).await {
            every_field(&visitor, &form, tally).await;
        } else {
            gone.push(format!("{} on {path}", form.action));
        }
    }
    gone
}

/// The forms of strangers, and of whoever has a link that works once.
async fn as_a_stranger(app: &TestApp, world: &World, tally: &mut Tally) {
    let visitor = Visitor::new(app);
    // Of somebody whom these tests need no more: a text may well be a password.
    let somebody = "colleague@oak.example";
    visitor.submit("/forgot", "/forgot", &[("email", somebody)]).await;
    let reset = mailed_link(app, somebody, "/reset/").await.expect("a mail");
    let client = world.own.id;
    let token = app
        .write(move |conn, cx| {
            let new = NewUser {
                email: EmailAddress::parse("invited@oak.example").expect("an address"),
                name: PersonName::parse("Invited").expect("a name"),
                role: Role::Administrator,
                password_hash: None,
            };
            Ok(add_user(conn, cx, client, new)?.invitation.expect("a link"))
        })
        .await;
    let paths = ["/sign-in".to_owned(), "/forgot".to_owned(), reset, format!("/invite/{}", token.as_str())];
    let (forms, addresses) = found(&visitor, &paths).await;
    assert!(forms.len() >= 4, "{forms:?}");
    addresses_with_values(&visitor, &addresses, tally).await;
    for (_, form) in once(forms) {
        every_field(&visitor, &form, tally).await;
    }
}

/// Before there is anybody: the form of the first owner.
async fn setting_up(app: &TestApp, tally: &mut Tally) {
    let token = app.write(set_up::offer).await.expect("an empty database");
    let visitor = Visitor::new(app);
    let (forms, _) = found(&visitor, &[format!("/setup/{}", token.as_str())]).await;
    assert!(!forms.is_empty());
    for (_, form) in once(forms) {
        every_field(&visitor, &form, tally).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_every_form_and_every_parameter_takes_or_refuses_any_value() {
    on_both(|app| async move {
        let mut tally = Tally::default();
        setting_up(&app, &mut tally).await;
        let world = World::new(&app).await;
        let gets = dashboard().into_iter().filter(|route| route.method == "GET" && !route.path.starts_with("/static"));
        let paths: Vec<String> = gets.map(|route| filled(&route.path, &world.things, "1")).collect();
        // No path takes a name with NUL, or with half a letter, for another.
        let visitor = Visitor::signed_in(&app, &world.agency.email).await;
        for route in dashboard().into_iter().filter(|route| route.path.contains('{') && route.method == "GET") {
            let (before, after) = route
                .path
                .split_once('{')
                .and_then(|(before, rest)| Some((before, rest.split_once('}')?.1)))
                .expect("a name");
            let after = filled(after, &world.things, "1");
            let all: Vec<String> = encoded()
                .iter()
                .filter(|value| value.len() < 20_000)
                .map(|value| format!("{before}{value}{after}"))
                .collect();
            tally.get_all(&visitor, &all).await;
        }
        as_a_stranger(&app, &world, &mut tally).await;
        let inside = as_somebody(&app, "own@member.example", &paths, &mut tally).await;
        let agency = as_somebody(&app, &world.agency.email, &paths, &mut tally).await;
        println!(
            "{} forms, {} fields, {} requests; not there any more: {inside:?} {agency:?}",
            tally.sent.len(),
            tally.fields.len(),
            tally.asked
        );
        let some: Vec<&String> = tally.broken.iter().take(60).collect();
        assert!(tally.broken.is_empty(), "{} of {}: {some:#?}", tally.broken.len(), tally.asked);
        // What one of them took away the other cannot take away again.
        let kept = inside.iter().chain(&agency).find(|form| !form.contains("/delete on "));
        assert_eq!(kept, None);
        assert!(tally.sent.len() >= 60 && tally.fields.len() >= 150, "{} {}", tally.sent.len(), tally.fields.len());
    })
    .await;
}
