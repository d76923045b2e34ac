//! The dashboard's list of sub accounts over HTTP, signed in, beside a bare handler that answers as many bytes.

use std::net::SocketAddr;

use crate::bare::Bare;
use crate::fill::{self, EMAIL, PASSWORD, Size};
use crate::load::{self, Outcome};
use crate::table::{Line, Table, median, millis, per_second};
use crate::{On, ROUNDS, SPAN, World};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const CONNECTIONS: [usize; 2] = [1, 8];

pub fn run(on: On, table: &mut Table) {
    let mut alone = Vec::new();
    for children in SIZES {
        let world = World::new(on);
        fill::agency(&world, Size { children, days: 30, daily: 100 });
        let server = world.serve("web", &[]);
        let cookie = sign_in(server.address);
        let search = format!("/sub-accounts?q={}", children - 23);
        for (name, path) in [("list", "/sub-accounts"), ("search", search.as_str())] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n").into_bytes();
            let first = load::once(server.address, &request);
            assert_eq!(first.status, 200, "{}", first.head);
            let bare = Bare::start(first.body.len());
            for connections in CONNECTIONS {
                let requests = vec![request.clone(); connections];
                let pair = |_| (load::run(server.address, &requests, SPAN), load::run(bare.address, &requests, SPAN));
                let rounds: Vec<(Outcome, Outcome)> = (0..ROUNDS).map(pair).collect();
                let p50 = line(table, on, (name, children, connections), &rounds);
                if connections == 1 {
                    alone.push((name, children, p50));
                }
            }
        }
    }
    growth(table, on, &alone);
}

/// Answers the median page's seconds.
fn line(table: &mut Table, on: On, of: (&str, usize, usize), rounds: &[(Outcome, Outcome)]) -> f64 {
    let (name, children, connections) = of;
    let children = canopy::web::format::number(children);
    let plural = if connections == 1 { "connection" } else { "connections" };
    let of = |pick: fn(&Outcome) -> f64| median(rounds.iter().map(|round| pick(&round.0)));
    let (p50, p99, rate) = (of(|page| page.p50), of(|page| page.p99), of(|page| page.rate));
    table.add(Line {
        what: format!("{name} page of {children} sub accounts, {connections} {plural}"),
        on: on.name(),
        measured: format!("p50 {}, p99 {}, {}", millis(p50), millis(p99), per_second(rate)),
        ceiling: format!("bare handler: {}", per_second(median(rounds.iter().map(|round| round.1.rate)))),
        ratio: median(rounds.iter().map(|round| round.1.rate / round.0.rate)),
        target: if name == "list" { "bare / list at most 10, goal 5; p99 at most 15 ms" } else { "" },
    });
    p50
}

/// What a hundred times the accounts cost a page.
fn growth(table: &mut Table, on: On, alone: &[(&'static str, usize, f64)]) {
    for name in ["list", "search"] {
        let of = |children| alone.iter().find(|one| one.0 == name && one.1 == children).map_or(f64::NAN, |one| one.2);
        let (small, large) = (of(SIZES[0]), of(SIZES[2]));
        table.add(Line {
            what: format!("{name} page, 100,000 sub accounts against 1,000"),
            on: on.name(),
            measured: format!("p50 {}", millis(large)),
            ceiling: format!("1,000: {}", millis(small)),
            ratio: large / small,
            target: if on == On::Sqlite { "at most 2, goal flat" } else { "at most 4, goal flat" },
        });
    }
}

/// Signs in through the form; answers the session's cookie.
fn sign_in(address: SocketAddr) -> String {
    let page = load::once(address, b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let token = text.split("name=\"csrf_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let fields = [("email", EMAIL), ("password", PASSWORD), ("csrf_token", token.expect("the form has a token"))];
    let form = serde_html_form::to_string(fields).expect("a form");
    let request = format!(
        "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        cookie(&page.head),
        form.len()
    );
    let answer = load::once(address, request.as_bytes());
    assert_eq!(answer.status, 303, "{}", String::from_utf8_lossy(&answer.body));
    cookie(&answer.head)
}

fn cookie(head: &str) -> String {
    let set = head.lines().rfind(|line| line.to_lowercase().starts_with("set-cookie: canopy="));
    let pair = set.and_then(|line| line.split_once(": ")).and_then(|(_, rest)| rest.split(';').next());
    pair.expect("a session").to_owned()
}
