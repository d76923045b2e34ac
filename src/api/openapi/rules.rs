//! What the document says of a field beyond its type: which words, how long, what form. The lists and limits are those
//! of the domain, so that a word that is added there is in the document, too.
//!
//! A pattern is what every accepted text fits. It is never stricter than the rule; where the rule cannot be said in a
//! pattern (a domain in another script, a key in PEM form), the format names it and the request is judged by the rule.

mod fields;
mod parameters;
mod texts;

use serde_json::Value;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayItems, Object, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

/// Makes a field's schema say what its rule is.
type Tighten = fn(&mut Schema);

/// Applies every rule to the schema called `name`.
pub(super) fn tighten(name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    for (_, field, rule) in fields::RULES.iter().filter(|(of, ..)| *of == name) {
        on_field(schema, field, *rule);
    }
}

/// Applies the rules for parameters, which are the same wherever a parameter of that name stands.
pub(super) fn tighten_parameters(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            parameters::tighten(parameter);
        }
    }
}

/// Finds a field in an object, or in one of the parts that it is put together of.
fn on_field(schema: &mut Schema, field: &str, rule: Tighten) -> bool {
    match schema {
        Schema::Object(object) => match object.properties.get_mut(field) {
            Some(RefOr::T(property)) => {
                rule(property);
                true
            }
            _ => false,
        },
        Schema::AllOf(parts) => parts.items.iter_mut().any(|part| match part {
            RefOr::T(part) => on_field(part, field, rule),
            RefOr::Ref(_) => false,
        }),
        _ => false,
    }
}

fn object(schema: &mut Schema, change: impl FnOnce(&mut Object)) {
    if let Schema::Object(object) = schema {
        change(object);
    }
}

/// The rows of a list.
fn items(schema: &mut Schema, change: impl FnOnce(&mut Object)) {
    if let Schema::Array(array) = schema
        && let ArrayItems::RefOrSchema(items) = &mut array.items
        && let RefOr::T(Schema::Object(item)) = items.as_mut()
    {
        change(item);
    }
}

/// How many rows a list may have.
fn count(schema: &mut Schema, least: Option<usize>, most: usize) {
    if let Schema::Array(array) = schema {
        (array.min_items, array.max_items) = (least, Some(most));
    }
}

/// One of these words; null as well where the type says so.
fn one_of<'a>(object: &mut Object, words: impl IntoIterator<Item = &'a str>) {
    let mut values: Vec<Value> = Vec::new();
    for word in words.into_iter().map(Value::from) {
        if !values.contains(&word) {
            values.push(word);
        }
    }
    if is_nullable(&object.schema_type) {
        values.push(Value::Null);
    }
    object.enum_values = Some(values);
}

fn is_nullable(kind: &SchemaType) -> bool {
    matches!(kind, SchemaType::Array(kinds) if kinds.contains(&Type::Null))
}

fn format(object: &mut Object, name: &str) {
    object.format = Some(SchemaFormat::Custom(name.to_owned()));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::document;
    use super::fields::RULES;
    use crate::domain::hold::AccountState;
    use crate::domain::message::status::{MessageStatus, SandboxResult};
    use crate::domain::role::Role;
    use crate::domain::scopes::{Family, Scope, all_static_names};

    fn schemas() -> Value {
        serde_json::to_value(document()).expect("JSON")["components"]["schemas"].take()
    }

    fn field(schemas: &Value, of: &str, name: &str) -> Value {
        let parts = schemas[of]["allOf"].as_array().into_iter().flatten();
        let found = parts.chain([&schemas[of]]).find_map(|part| part["properties"].get(name));
        found.unwrap_or_else(|| panic!("{of} has no {name}")).clone()
    }

    fn words(value: &Value) -> BTreeSet<String> {
        let words = value["enum"].as_array().unwrap_or_else(|| panic!("no enum: {value}"));
        words.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        words.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn every_rule_finds_its_field() {
        let schemas = schemas();
        for (of, name, _) in RULES {
            field(&schemas, of, name);
        }
        let different: BTreeSet<_> = RULES.iter().map(|(of, name, _)| (of, name)).collect();
        assert_eq!(different.len(), RULES.len(), "a field has two rules");
    }

    #[test]
    fn roles_and_statuses_are_those_of_the_domain() {
        let schemas = schemas();
        let roles = words(&field(&schemas, "AddMemberRequest", "role"));
        assert_eq!(roles, words(&field(&schemas, "UserAccount", "role")));
        assert!(Role::all().iter().all(|role| roles.contains(role.api_name())));
        assert!(roles.iter().all(|role| Role::parse_api(role).is_ok()));
        let statuses = words(&field(&schemas, "MessageSummary", "status"));
        assert_eq!(statuses, set(MessageStatus::all().map(MessageStatus::api_name)));
        assert!(statuses.is_subset(&words(&field(&schemas, "DeliveryEvent", "status"))));
        let states = words(&field(&schemas, "SubAccount", "status"));
        assert_eq!(states, set(AccountState::all().map(AccountState::as_str)));
        let results = words(&field(&schemas, "CommonInput", "sandbox_result"));
        assert_eq!(results, set(SandboxResult::all().map(SandboxResult::as_str)));
    }

    #[test]
    fn whatever_is_one_of_a_few_words_says_so() {
        let schemas = schemas();
        for (name, schema) in schemas.as_object().expect("schemas") {
            let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
            for (field, schema) in parts.filter_map(|part| part["properties"].as_object()).flatten() {
                if ["role", "status", "kind", "type", "direction", "object", "allocation_method"]
                    .contains(&field.as_str())
                {
                    assert!(schema["enum"].is_array(), "{name}.{field}: {schema}");
                }
            }
        }
    }

    #[test]
    fn every_scope_fits_the_pattern_and_nothing_else_does() {
        let pattern = field(&schemas(), "CreateAPIKeyRequest", "scopes")["items"]["pattern"].clone();
        let pattern = regex_lite(pattern.as_str().expect("a pattern"));
        let of_domains = Family::all().map(|family| Scope::Domain(family, "example.com".into()).to_string());
        for scope in all_static_names().into_iter().chain(of_domains) {
            assert!(pattern(&scope), "{scope}");
            assert!(!pattern(&format!("{scope}x")), "{scope}x");
        }
    }

    /// The scopes' pattern is a list of words between `^(` and `)$`, the last of them the families with a domain.
    fn regex_lite(pattern: &str) -> impl Fn(&str) -> bool {
        let inner = pattern.strip_prefix("^(?:").and_then(|rest| rest.strip_suffix(")$")).expect("^(?:…)$");
        let (plain, families) = inner.split_once("|(?:").expect("words, then families");
        let families = families.strip_suffix("):\\{[^{}]+\\}").expect("a domain in braces");
        let plain: BTreeSet<String> = plain.split('|').map(str::to_owned).collect();
        let families: BTreeSet<String> = families.split('|').map(str::to_owned).collect();
        move |text| {
            let of_domain = text.strip_suffix('}').and_then(|rest| rest.split_once(":{"));
            plain.contains(text) || of_domain.is_some_and(|(family, _)| families.contains(family))
        }
    }
}
