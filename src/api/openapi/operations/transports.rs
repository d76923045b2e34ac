//! Transports of a parent, and which of them a sub account uses.

use super::Op;
use crate::api::transports::{ChooseTransportRequest, CreateTransportRequest, UpdateTransportRequest};
use crate::api::views::{SubAccountTransport, SuccessResponse, Transport};

const ALL: &str = "/v2/accounts/{account_id}/transports";
const ONE: &str = "/v2/accounts/{account_id}/transports/{transport_id}";
const OF_CHILD: &str = "/v2/accounts/{account_id}/sub-accounts/{sub_account_id}/transport";

pub(super) fn all() -> Vec<Op> {
    vec![
        Op::get(ALL, "listTransports", "List the transports of a parent account.")
            .scope("accounts:read")
            .page::<Transport>("PaginatedTransportsResponse"),
        Op::post(ALL, "createTransport", "Create a transport.")
            .about("Mail leaves by it once it is the default, or chosen for a sub account.")
            .scope("accounts:write")
            .body::<CreateTransportRequest>()
            .creates::<Transport>("201", "The transport."),
        Op::get(ONE, "getTransport", "Read a transport.")
            .scope("accounts:read")
            .answers::<Transport>("200", "The transport.")
            .not_found(),
        Op::put(ONE, "updateTransport", "Change a transport.")
            .about("Messages that wait use it as it is from their next attempt on.")
            .scope("accounts:write")
            .body::<UpdateTransportRequest>()
            .answers::<Transport>("200", "The transport as it is now.")
            .not_found()
            .conflict(),
        Op::delete(ONE, "deleteTransport", "Delete a transport.")
            .about("Not while it is the default or the choice of a sub account: choose another there first.")
            .scope("accounts:write")
            .answers::<SuccessResponse>("200", "It is gone.")
            .not_found()
            .conflict(),
        Op::put(OF_CHILD, "chooseSubAccountTransport", "Choose the transport of a sub account.")
            .about("A child on a transport of its own burns no address but that one.")
            .scope("accounts:write")
            .body::<ChooseTransportRequest>()
            .answers::<SubAccountTransport>("200", "What its mail leaves by from now on.")
            .not_found(),
    ]
}
