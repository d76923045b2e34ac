//! The API's own document (OpenAPI 3.1): its schemas come from the types that requests are read into and answers are
//! written from; a test holds it against the route table, both ways.

mod operation;
mod operations;
mod responses;
mod rules;

use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use utoipa::openapi::path::Paths;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder};

use self::operation::BEARER;
use super::error::ApiResult;
use crate::actions::ActionError;

const ABOUT: &str = "Sub accounts, keys, domains and mail of one installation. Every request carries an API key as a \
    bearer token; what the key may do is up to its scopes and its allow-list. A refusal is a JSON object with one \
    `message`, and `X-Canopy-Reason` tells a machine why. Every answer carries an `X-Request-Id`.";

/// Serves the document; needs no key. It is built once: that takes far longer than sending it, and anybody may ask.
pub async fn serve() -> ApiResult {
    static WRITTEN: OnceLock<Bytes> = OnceLock::new();
    let written = match WRITTEN.get() {
        Some(written) => written.clone(),
        None => {
            let written = serde_json::to_vec(&document()).map_err(|error| ActionError::Internal(error.to_string()))?;
            WRITTEN.get_or_init(|| written.into()).clone()
        }
    };
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(written))
}

/// The whole document.
#[must_use]
pub fn document() -> OpenApi {
    let mut paths = Paths::new();
    let mut components = responses::add(ComponentsBuilder::new());
    for (tag, operations) in operations::all() {
        for mut op in operations {
            for (name, mut schema) in std::mem::take(&mut op.schemas) {
                rules::tighten(&name, &mut schema);
                components = components.schema(name, schema);
            }
            let (path, method) = (op.path, op.method.clone());
            let mut operation = op.build(tag);
            rules::tighten_parameters(&mut operation);
            paths.add_path_operation(path, vec![method], operation);
        }
    }
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("aha-sk-…");
    let components = components.security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    let mut license = License::new("MIT");
    license.identifier = Some("MIT".into());
    let info = InfoBuilder::new()
        .title("Canopy API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::api::routes;

    fn as_json() -> Value {
        serde_json::to_value(document()).expect("the document serialises")
    }

    /// (method, path) of every documented operation, with the operation.
    fn documented(document: &Value) -> Vec<((String, String), Value)> {
        let paths = document["paths"].as_object().expect("paths");
        let operations = paths.iter().flat_map(|(path, item)| {
            let item = item.as_object().expect("a path item");
            item.iter().map(|(method, op)| ((method.to_uppercase(), path.clone()), op.clone()))
        });
        operations.collect()
    }

    #[test]
    fn every_route_is_documented_and_nothing_else() {
        let document = as_json();
        let documented: BTreeSet<_> = documented(&document).into_iter().map(|(key, _)| key).collect();
        let routes: BTreeSet<_> = routes::listed().into_iter().collect();
        let missing: Vec<_> = routes.difference(&documented).collect();
        let surplus: Vec<_> = documented.difference(&routes).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "not documented: {missing:?}; no route: {surplus:?}");
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_a_summary_and_errors() {
        let document = as_json();
        let operations = documented(&document);
        let ids: BTreeSet<_> = operations.iter().map(|(_, op)| op["operationId"].as_str().expect("an id")).collect();
        assert_eq!(ids.len(), operations.len());
        for (key, op) in &operations {
            assert!(op["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{key:?}");
            let keyed = op["security"].as_array().is_some_and(|list| !list.is_empty());
            let refuses = ["401", "403", "429"].iter().all(|status| op["responses"].get(status).is_some());
            assert_eq!(keyed, refuses, "{key:?}");
            let idempotent = op.to_string().contains("parameters/IdempotencyKey");
            assert_eq!(idempotent, op["responses"].get("422").is_some(), "{key:?}");
        }
    }

    #[test]
    fn whatever_the_document_refers_to_is_in_it() {
        let document = as_json();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().expect("a pointer");
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        assert_eq!(document["openapi"], "3.1.0");
        for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
            let object = schema.pointer("/properties/object");
            assert!(object.is_none_or(|object| object["enum"].is_array()), "{name} says what kind of object it is");
        }
    }
}
