//! What a list of messages is asked to be narrowed by.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::error::ApiError;
use crate::api::query::{address, given, listed, time, words};
use crate::domain::message::reference::MessageRef;
use crate::domain::message::status::MessageStatus;
use crate::domain::scopes::Reach;
use crate::models::messages::Filter;

/// The most tags of one look.
pub const MAX_TAGS: usize = 20;

/// The query parameters that narrow a list of messages.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    /// Comma-separated statuses, for example `Bounced,Failed`.
    status: Option<String>,
    /// The sender's address.
    sender: Option<String>,
    /// The recipient's address.
    recipient: Option<String>,
    /// Text in the subject.
    subject: Option<String>,
    /// The Message-ID that the send answered.
    message_id_header: Option<String>,
    /// Comma-separated tags, at most 20; a message has all of them.
    tags: Option<String>,
    /// RFC 3339: created at this time or later.
    #[param(format = DateTime)]
    from_time: Option<String>,
    /// RFC 3339: created at this time or earlier.
    #[param(format = DateTime)]
    to_time: Option<String>,
}

impl MessageQuery {
    /// The filter, narrowed to the sender domains that the key may read.
    ///
    /// # Errors
    /// 400 that names the parameter. An address or id that none of ours can have is no error: it finds nothing.
    pub fn read(&self, reach: Reach) -> Result<Filter, ApiError> {
        let mut filter = Filter {
            statuses: statuses(self.status.as_deref())?,
            subject: words(self.subject.as_deref(), "subject")?,
            tags: tags(self.tags.as_deref())?,
            from: time(self.from_time.as_deref(), "from_time")?,
            to: time(self.to_time.as_deref(), "to_time")?,
            ..Filter::default()
        };
        if let Reach::Domains(domains) = reach {
            filter.sender_domains = Some(domains);
        }
        if let Some(sender) = address(self.sender.as_deref(), "sender")? {
            filter.sender = Some(sender.to_string());
        }
        if let Some(recipient) = address(self.recipient.as_deref(), "recipient")? {
            filter.recipient_lower = Some(recipient.lower());
        }
        if let Some(text) = given(self.message_id_header.as_deref()) {
            by_reference(&mut filter, MessageRef::parse(text));
        }
        Ok(filter)
    }
}

fn by_reference(filter: &mut Filter, reference: Option<MessageRef>) {
    let Some(reference) = reference else {
        filter.sender_domains = Some(Vec::new());
        return;
    };
    filter.id = Some(reference.id);
    if let Some(domain) = reference.domain {
        let may = filter.sender_domains.as_ref().is_none_or(|domains| domains.contains(&domain));
        filter.sender_domains = Some(if may { vec![domain] } else { Vec::new() });
    }
}

fn statuses(text: Option<&str>) -> Result<Vec<String>, ApiError> {
    let mut statuses = Vec::new();
    for name in listed(text) {
        let named = MessageStatus::named(name);
        if named.is_empty() {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
            return Err(ApiError::bad_request(format!("status: “{shown}” is not a message status")));
        }
        statuses.extend(named.into_iter().map(|status| status.as_str().to_owned()));
    }
    Ok(statuses)
}

fn tags(text: Option<&str>) -> Result<Vec<String>, ApiError> {
    let tags: Vec<String> = listed(text)
        .map(|tag| Ok(words(Some(tag), "tags")?.map(String::from)))
        .flat_map(Result::transpose)
        .collect::<Result<_, ApiError>>()?;
    if tags.len() > MAX_TAGS {
        return Err(ApiError::bad_request(format!("tags: name at most {MAX_TAGS} tags")));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn a_reference_never_widens_what_the_key_reaches() {
        let query = |text: String| MessageQuery { message_id_header: Some(text), ..MessageQuery::default() };
        let only = || Reach::Domains(vec!["a.example".into()]);
        let domains = |text: String| query(text).read(only()).expect("valid").sender_domains;
        assert_eq!(domains(format!("<{UUID}@a.example>")), Some(vec!["a.example".to_owned()]));
        assert_eq!(domains(format!("<{UUID}@b.example>")), Some(vec![]));
        assert_eq!(domains(UUID.into()), Some(vec!["a.example".to_owned()]));
        assert_eq!(domains("nonsense".into()), Some(vec![]));
        let all = query(format!("{UUID}@b.example")).read(Reach::Everything).expect("valid");
        assert_eq!(all.sender_domains, Some(vec!["b.example".to_owned()]));
    }

    #[test]
    fn wrong_parameters_are_refused_by_name() {
        let refused = |query: MessageQuery| query.read(Reach::Everything).expect_err("refused").message;
        let status = refused(MessageQuery { status: Some("Delivered,Lost".into()), ..MessageQuery::default() });
        assert!(status.starts_with("status: “Lost”"), "{status}");
        let time = refused(MessageQuery { from_time: Some("yesterday".into()), ..MessageQuery::default() });
        assert!(time.starts_with("from_time:"), "{time}");
        let tags = refused(MessageQuery { tags: Some("a,".repeat(21)), ..MessageQuery::default() });
        assert!(tags.starts_with("tags:"), "{tags}");
        let sender = refused(MessageQuery { sender: Some("nobody".into()), ..MessageQuery::default() });
        assert!(sender.starts_with("sender:"), "{sender}");
    }

    #[test]
    fn received_also_finds_what_is_scheduled_or_held() {
        let query = MessageQuery { status: Some("received, Sandbox Bounced".into()), ..MessageQuery::default() };
        let filter = query.read(Reach::Everything).expect("valid");
        assert_eq!(filter.statuses, ["received", "scheduled", "held", "sandbox_bounced"]);
    }
}
