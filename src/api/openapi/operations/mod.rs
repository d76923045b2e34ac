//! Every operation of the API, by the chapter of the document that it belongs to.

mod accounts;
mod domains;
mod keys;
mod messages;
mod smtp_credentials;
mod sub_accounts;
mod suppressions;
mod transports;

use super::operation::Op;
use crate::api::views::SuccessResponse;

/// The chapters and their operations.
pub(super) fn all() -> Vec<(&'static str, Vec<Op>)> {
    vec![
        ("Service", service()),
        ("Account", accounts::all()),
        ("API keys", keys::own()),
        ("SMTP credentials", smtp_credentials::all()),
        ("Sub accounts", sub_accounts::all()),
        ("API keys of sub accounts", keys::of_sub_accounts()),
        ("Transports", transports::all()),
        ("Domains", domains::all()),
        ("Messages", messages::all()),
        ("Suppressions", suppressions::all()),
    ]
}

fn service() -> Vec<Op> {
    vec![
        Op::get("/v2/ping", "ping", "Tell whether the key works.")
            .any_key()
            .answers::<SuccessResponse>("200", "It does."),
        Op::get("/v2/openapi.json", "getOpenAPI", "Read this document.")
            .open()
            .answers_object("An OpenAPI 3.1 document."),
    ]
}
