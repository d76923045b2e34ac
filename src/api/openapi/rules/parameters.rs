//! Rules for parameters of queries and paths, by name. A blank parameter of a query counts as absent.

use utoipa::openapi::path::{Parameter, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

use super::{format, one_of, texts};
use crate::api::messages::MAX_TAGS;
use crate::domain::message::status::MessageStatus;
use crate::domain::search_words::SearchWords;

pub(super) fn tighten(parameter: &mut Parameter) {
    match parameter.name.as_str() {
        "after" | "before" => on_text(parameter, |text| text.pattern = Some(texts::CURSOR.into())),
        "domain" => on_text(parameter, |text| {
            text.pattern = Some(texts::domain());
            format(text, "domain");
        }),
        "email" | "sender" | "recipient" => {
            on_text(parameter, |text| text.format = Some(SchemaFormat::KnownFormat(KnownFormat::Email)));
        }
        "subject" => on_text(parameter, |text| {
            (text.pattern, text.max_length) = (Some(texts::BODY.into()), Some(SearchWords::MAX));
        }),
        "dns_valid" => {
            on_text(parameter, |flag| flag.schema_type = SchemaType::Array(vec![Type::Boolean, Type::Null]));
        }
        "status" => {
            let mut status = Object::with_type(Type::String);
            one_of(&mut status, MessageStatus::all().map(MessageStatus::api_name));
            list(parameter, status, None);
        }
        "tags" => {
            let tag = ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^[^,\\x00]*$"))
                .max_length(Some(SearchWords::MAX))
                .build();
            list(parameter, tag, Some(MAX_TAGS));
        }
        _ => {}
    }
}

fn on_text(parameter: &mut Parameter, change: impl FnOnce(&mut Object)) {
    if let Some(RefOr::T(Schema::Object(text))) = &mut parameter.schema {
        change(text);
    }
}

/// Values with commas between them.
fn list(parameter: &mut Parameter, item: Object, most: Option<usize>) {
    parameter.schema = Some(ArrayBuilder::new().items(item).max_items(most).into());
    (parameter.style, parameter.explode) = (Some(ParameterStyle::Form), Some(false));
}
