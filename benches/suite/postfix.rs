//! Postfix beside us, on the same machine and in the same rounds: delivering to the same sink, and what it accepts.

use crate::accept::{clients, request};
use crate::deliver::{self, MESSAGES, SESSIONS, Sink};
use crate::postfix_server::PostfixServer;
use crate::table::{Line, Table, median, per_second};
use crate::{On, ROUNDS, SPAN, World, load};

/// What one round saw, a second.
struct Round {
    accepted: f64,
    delivered: f64,
    postfix_accepted: f64,
    postfix_delivered: f64,
}

pub fn run(on: On, table: &mut Table) {
    if !PostfixServer::can_run() {
        eprintln!("skipped: it needs root, and Debian's package postfix");
        return;
    }
    let sink = Sink::start().expect("Postfix's sink is there");
    let (accepting, delivering) = (World::new(on), World::new(on));
    let senders = clients(&accepting, SESSIONS.parse().expect("a number"));
    let requests: Vec<Vec<u8>> = senders.iter().map(|client| request(client, "ann@example.org")).collect();
    let senders = clients(&delivering, 100);
    let round = || {
        let server = accepting.serve("web", &[]);
        let accepted = load::run(server.address, &requests, SPAN).rate;
        drop(server);
        let delivered = deliver::delivered(&delivering, &senders, &sink);
        let postfix = PostfixServer::new(sink.port());
        let postfix_accepted = postfix.accepted();
        Round { accepted, delivered, postfix_accepted, postfix_delivered: postfix.delivered(MESSAGES) }
    };
    let rounds: Vec<Round> = (0..ROUNDS).map(|_| round()).collect();
    let middle = |of: fn(&Round) -> f64| median(rounds.iter().map(of));
    table.add(Line {
        what: format!("messages delivered over SMTP, {SESSIONS} at once"),
        on: on.name(),
        measured: per_second(middle(|round| round.delivered)),
        ceiling: format!("Postfix into the same sink: {}", per_second(middle(|round| round.postfix_delivered))),
        ratio: middle(|round| round.delivered / round.postfix_delivered),
        target: "at least 2.5, goal 4",
    });
    table.add(Line {
        what: format!("messages accepted through the API, {SESSIONS} connections"),
        on: on.name(),
        measured: per_second(middle(|round| round.accepted)),
        ceiling: format!("Postfix over SMTP, sessions reused: {}", per_second(middle(|round| round.postfix_accepted))),
        ratio: middle(|round| round.accepted / round.postfix_accepted),
        target: "",
    });
}
