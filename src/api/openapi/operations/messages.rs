//! Sending mail, and looking at what was sent.

use super::Op;
use crate::api::messages::MessageQuery;
use crate::api::views::{CreateMessageResponse, Message, MessageSummary, SuccessResponse};
use crate::domain::message::input::{ConversationInput, MessageInput};
use crate::domain::scopes::Family;

const ALL: &str = "/v2/accounts/{account_id}/messages";
const CONVERSATION: &str = "/v2/accounts/{account_id}/messages/conversation";
const ONE: &str = "/v2/accounts/{account_id}/messages/{message_id}";
const CANCEL: &str = "/v2/accounts/{account_id}/messages/{message_id}/cancel";

const ENTRIES: &str =
    "One entry for each recipient. One that cannot be taken is an `error` entry; the others go through.";

pub(super) fn all() -> Vec<Op> {
    vec![
        Op::get(ALL, "getMessages", "List messages.")
            .about("Only those of sender domains that the key may read.")
            .family(Family::MessagesRead)
            .query::<MessageQuery>()
            .page::<MessageSummary>("PaginatedMessagesResponse"),
        Op::post(ALL, "createMessage", "Send a message of its own to each recipient.")
            .about("Subject and content may hold placeholders that each recipient's substitutions fill.")
            .family(Family::MessagesSend)
            .body::<MessageInput>()
            .creates::<CreateMessageResponse>("202", ENTRIES),
        Op::post(CONVERSATION, "createConversationMessage", "Send one message that its recipients see each other on.")
            .family(Family::MessagesSend)
            .body::<ConversationInput>()
            .creates::<CreateMessageResponse>("202", ENTRIES),
        Op::get(ONE, "getMessage", "Read a message.")
            .about("With its content until that is purged.")
            .family(Family::MessagesRead)
            .answers::<Message>("200", "The message.")
            .not_found(),
        Op::delete(CANCEL, "cancelMessage", "Take a scheduled message back.")
            .family(Family::MessagesCancel)
            .answers::<SuccessResponse>("200", "It will not be sent.")
            .not_found()
            .conflict(),
    ]
}
