//! RCPT: only addresses that this installation signed, the one for complaints, and those of the operator. Asks no database.

use crate::actions::receive_report::{Recipient, recipient};
use crate::domain::returned::operator::is_for_operator;
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
    let for_operator = || is_for_operator(to, &app.config.own_hosts());
    let found = match recipient(&app.services, &app.config.complaint_address, to) {
        Err(_) if for_operator() && app.config.operator_address.is_some() => Ok(Recipient::Operator),
        Err(refusal) if for_operator() => {
            session.shared.counted.add(refusal);
            return Reply::new(550, "5.1.1 The operator of this server gave no address that reads this");
        }
        found => found,
    };
    match found {
        Ok(recipient) => {
            let others = session.state.recipients.first();
            if others.is_some_and(|other| (*other == Recipient::Operator) != (recipient == Recipient::Operator)) {
                return Reply::new(452, "4.5.3 This recipient needs a message of its own");
            }
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
