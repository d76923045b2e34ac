//! RCPT: one more recipient. Asks no database.

use crate::smtp::reply::Reply;
use crate::smtp::service::Service;
use crate::smtp::session::Session;

pub fn answer<S: Service>(session: &mut Session<S>, to: &str) -> Reply {
    if !session.state.begun {
        return Reply::sequence("Say MAIL");
    }
    if session.state.recipients.len() >= session.shared.limits.recipients {
        return Reply::new(452, "4.5.3 So many recipients need another message");
    }
    match S::recipient(session, to) {
        Ok(recipient) => {
            session.state.recipients.extend(recipient);
            Reply::new(250, "2.1.5 Go on")
        }
        Err(reply) => reply,
    }
}
