//! RCPT: only addresses that this installation signed, and the one for complaints. Asks no database.

use crate::actions::receive_report::recipient;
use crate::smtp::reply::Reply;
use crate::smtp::session::Session;

pub fn answer(session: &mut Session, to: &str) -> Reply {
    let app = &session.shared.app;
    if !session.state.begun {
        return Reply::sequence("Say MAIL");
    }
    if session.state.recipients.len() >= session.shared.limits.recipients {
        return Reply::new(452, "4.5.3 So many recipients need another message");
    }
    match recipient(&app.services, &app.config.complaint_address, to) {
        Ok(recipient) => {
            if !session.state.recipients.contains(&recipient) {
                session.state.recipients.push(recipient);
            }
            Reply::new(250, "2.1.5 Go on")
        }
        Err(refusal) => {
            session.shared.counted.add(refusal);
            Reply::no_such_recipient(refusal)
        }
    }
}
