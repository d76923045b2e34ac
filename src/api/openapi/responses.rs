//! The answers that many operations share, and the header that a creation may carry.

use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Ref, Type};
use utoipa::openapi::{ComponentsBuilder, Content, Required};
use utoipa::{PartialSchema, ToSchema};

use super::operation::header;
use crate::api::error::ErrorResponse;

/// Name, description, and the headers beside `X-Request-Id`.
const SHARED: [(&str, &str, &[&str]); 10] = [
    ("BadRequest", "Something in the request cannot be read or is not allowed; the message names it.", &[]),
    ("Unauthorized", "No key, no such key, not this account's key, or the account is on hold.", &["X-Canopy-Reason"]),
    ("Forbidden", "The key may not do this, or not from this address, or the cap is used up.", &["X-Canopy-Reason"]),
    ("NotFound", "There is no such thing, or it belongs to somebody else.", &[]),
    ("Conflict", "It clashes with what is there already. Nothing was saved.", &[]),
    (
        "IdempotencyConflict",
        "It clashes with what is there already, or the same request is still running (then with `Retry-After`).",
        &["Idempotent-Replayed", "Retry-After"],
    ),
    ("IdempotencyMismatch", "The idempotency key was used for another request.", &[]),
    (
        "TooManyRequests",
        "Too many requests of this account: wait as long as it says.",
        &["Retry-After", "X-Canopy-Reason"],
    ),
    ("InternalError", "A fault of ours. Nothing was stored under the idempotency key: try again.", &[]),
    ("Unavailable", "Not able to answer right now: try again later.", &["Retry-After"]),
];

/// Adds them to the components.
pub(super) fn add(components: ComponentsBuilder) -> ComponentsBuilder {
    let mut components = components
        .schema(ErrorResponse::name(), ErrorResponse::schema())
        .parameter("IdempotencyKey", idempotency_key());
    for (name, description, headers) in SHARED {
        let content = Content::new(Some(Ref::from_schema_name(ErrorResponse::name())));
        let mut response = ResponseBuilder::new().description(description).content("application/json", content);
        for name in headers {
            response = response.header(*name, described(name));
        }
        components = components.response(name, response.build());
    }
    components
}

fn described(name: &str) -> utoipa::openapi::header::Header {
    match name {
        "Retry-After" => header("Whole seconds to wait, at least 1.", Type::Integer),
        "Idempotent-Replayed" => {
            header("`true` for a stored answer, `false` while the first request runs.", Type::String)
        }
        _ => header("Tells refusals of one status apart.", Type::String),
    }
}

fn idempotency_key() -> utoipa::openapi::path::Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).max_length(Some(255));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Runs the request at most once: a retry with the same key and the same body gets the first answer again. \
             Answers are kept for 24 hours, those that hold a secret for 5 minutes.",
        ))
        .schema(Some(schema))
        .build()
}
