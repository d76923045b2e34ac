//! MAIL: begins a message. Who it is from in the envelope decides nothing: bounces come back to addresses of ours.

use crate::smtp::reply::Reply;
use crate::smtp::service::Service;
use crate::smtp::session::Session;

pub fn answer<S: Service>(session: &mut Session<S>, from: String, size: Option<u64>) -> Reply {
    let limits = &session.shared.limits;
    if session.state.greeted.is_none() {
        return Reply::sequence("Say EHLO");
    }
    if session.state.begun {
        return Reply::sequence("End the message that was begun");
    }
    if size.is_some_and(|size| size > limits.size as u64) {
        return Reply::too_large();
    }
    if session.state.messages >= limits.messages {
        return Reply::new(452, "4.5.3 So many messages need another connection");
    }
    log::debug!("{} begins a message from <{from}>", session.peer);
    session.state.messages += 1;
    session.state.begun = true;
    session.state.from = from;
    Reply::new(250, "2.1.0 Go on")
}
