//! MAIL: begins a message. Who it is from does not matter but for letters to the operator: bounces are from
//! nobody, complaints from anybody.

use crate::smtp::reply::Reply;
use crate::smtp::session::Session;

pub fn answer(session: &mut Session, from: &str, size: Option<u64>) -> Reply {
    let limits = &session.shared.limits;
    if !session.state.greeted {
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
    session.state.from = from.to_owned();
    Reply::new(250, "2.1.0 Go on")
}
