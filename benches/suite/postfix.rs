//! Postfix beside us, on the same machine and in the same rounds: delivering to the same sink, and what it accepts.

use crate::accept::{Client, clients, request};
use crate::deliver::{self, MESSAGES, SESSIONS, Sink, Use};
use crate::postfix_server::PostfixServer;
use crate::table::{Line, Table, median, per_second};
use crate::{On, ROUNDS, SPAN, World, load, submit};

/// What one round saw, a second: ours, and Postfix's.
struct Round {
    api: f64,
    delivered: (f64, f64),
    /// Over SMTP, sessions reused.
    again: (f64, f64),
    /// Over SMTP, a new session for each message.
    once: (f64, f64),
    /// Over SMTP, sessions reused, while it is delivered.
    busy: (f64, f64),
}

/// The installations that are filled: one for each thing that is measured, so that none finds the other's queue.
struct Ours {
    accepting: World,
    senders: Vec<Client>,
    delivering: World,
    recipients: Vec<Client>,
    both: World,
    busy: Client,
}

impl Ours {
    fn new(on: On) -> Self {
        let (accepting, delivering, both) = (World::new(on), World::new(on), World::new(on));
        let senders = clients(&accepting, SESSIONS.parse().expect("a number"));
        let recipients = clients(&delivering, 100);
        let busy = clients(&both, 1).remove(0);
        Self { accepting, senders, delivering, recipients, both, busy }
    }

    fn round(&self, sink: &Sink) -> Round {
        let requests: Vec<Vec<u8>> = self.senders.iter().map(|client| request(client, "ann@example.org")).collect();
        let server = self.accepting.serve("web", &[]);
        let api = load::run(server.address, &requests, SPAN).rate;
        drop(server);
        let over_smtp = |sessions| submit::accepted(&self.accepting, &self.senders[0], sessions);
        let (again, once) = (over_smtp(Use::Again), over_smtp(Use::Once));
        let delivered = deliver::delivered(&self.delivering, &self.recipients, sink);
        let busy = submit::accepted_while_delivering(&self.both, &self.busy, sink);
        let postfix = || PostfixServer::new(sink.port());
        let full = postfix();
        Round {
            api,
            again: (again, full.accepted(Use::Again)),
            once: (once, postfix().accepted(Use::Once)),
            delivered: (delivered, full.delivered(MESSAGES)),
            busy: (busy, postfix().accepted_while_delivering()),
        }
    }
}

pub fn run(on: On, table: &mut Table) {
    if !PostfixServer::can_run() {
        eprintln!("skipped: it needs root, and Debian's package postfix");
        return;
    }
    let sink = Sink::start().expect("Postfix's sink is there");
    let ours = Ours::new(on);
    let rounds: Vec<Round> = (0..ROUNDS).map(|_| ours.round(&sink)).collect();
    let mut line = |what: String, beside: &str, of: fn(&Round) -> (f64, f64), target| {
        let middle = |value: &dyn Fn(&Round) -> f64| median(rounds.iter().map(value));
        table.add(Line {
            what,
            on: on.name(),
            measured: per_second(middle(&|round| of(round).0)),
            ceiling: format!("{beside}: {}", per_second(middle(&|round| of(round).1))),
            ratio: middle(&|round| of(round).0 / of(round).1),
            target,
        });
    };
    let at_once = format!("messages delivered over SMTP, {SESSIONS} at once");
    line(at_once, "Postfix into the same sink", |round| round.delivered, "at least 2.5, goal 4");
    let floor = "at least 2.5, goal 6";
    let over_smtp = |how: &str| format!("messages accepted over SMTP, {SESSIONS} sessions, {how}");
    line(over_smtp("reused"), "Postfix", |round| round.again, floor);
    line(over_smtp("a new one for each message"), "Postfix", |round| round.once, floor);
    line(over_smtp("reused, while it delivers"), "Postfix", |round| round.busy, "at least 2.5");
    let api = format!("messages accepted through the API, {SESSIONS} connections");
    line(api, "Postfix over SMTP, sessions reused", |round| (round.api, round.again.1), "");
}
