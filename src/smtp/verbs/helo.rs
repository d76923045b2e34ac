//! EHLO and HELO: who the client says it is (believed by nobody), and what is offered.

use crate::smtp::reply::Reply;
use crate::smtp::session::Session;

pub fn answer(session: &mut Session, extended: bool, name: &str) -> Reply {
    session.state.reset();
    session.state.greeted = true;
    log::debug!("{} says that it is {name}", session.peer);
    let host = session.host_name().to_owned();
    if !extended {
        return Reply::new(250, host);
    }
    let size = format!("SIZE {}", session.shared.limits.size);
    let mut lines = vec![host, "PIPELINING".into(), size, "8BITMIME".into(), "ENHANCEDSTATUSCODES".into()];
    if session.shared.tls.is_some() && !session.wire.is_encrypted() {
        lines.push("STARTTLS".into());
    }
    Reply::of_lines(250, lines)
}
