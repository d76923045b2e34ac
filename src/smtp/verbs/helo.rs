//! EHLO and HELO: who the client says it is (believed by nobody), and what is offered.

use crate::smtp::reply::Reply;
use crate::smtp::service::Service;
use crate::smtp::session::Session;

pub fn answer<S: Service>(session: &mut Session<S>, extended: bool, name: String) -> Reply {
    session.state.reset();
    log::debug!("{} says that it is {name}", session.peer);
    session.state.greeted = Some((name, extended));
    let host = session.host_name().to_owned();
    if !extended {
        return Reply::new(250, host);
    }
    let size = format!("SIZE {}", session.shared.limits.size);
    let mut lines = vec![host, "PIPELINING".into(), size, "8BITMIME".into(), "ENHANCEDSTATUSCODES".into()];
    if session.shared.tls.is_some() && !session.wire.is_encrypted() {
        lines.push("STARTTLS".into());
    }
    if let Ok(mechanisms) = S::mechanisms(session) {
        lines.push(format!("AUTH {}", mechanisms.join(" ")));
    }
    Reply::of_lines(250, lines)
}
