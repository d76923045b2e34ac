//! Holds the calls of template macros to a trap of askama: arguments are bound one after the other, so that one which
//! names a variable called like an earlier parameter gets that parameter's value, and nobody complains.

use std::collections::HashMap;
use std::path::Path;

use super::style_tests::visit;

const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");

/// The parameters of each macro by `file::name`.
fn macros() -> HashMap<String, Vec<String>> {
    let mut found = HashMap::new();
    visit(&Path::new(TEMPLATES).join("macros"), &mut |path, text| {
        let file = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        for part in text.split("{% macro ").skip(1) {
            let Some((name, rest)) = part.split_once('(') else { continue };
            let list = arguments(rest);
            let names = list.iter().map(|one| one.split('=').next().unwrap_or_default().trim().to_owned()).collect();
            found.insert(format!("{file}::{name}"), names);
        }
    });
    found
}

/// What stands between commas up to the closing bracket; commas and brackets in strings and brackets do not count.
fn arguments(text: &str) -> Vec<&str> {
    let (mut list, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            _ if quoted => {}
            ')' | ']' if depth == 0 => {
                list.push(text[start..at].trim());
                break;
            }
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                list.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    list.retain(|argument| !argument.is_empty());
    list
}

/// The variables that an expression names: words that are no field, path, call or text.
fn variables(expression: &str) -> Vec<&str> {
    let mut plain = expression.split('"').step_by(2);
    let mut all = Vec::new();
    for part in plain.by_ref() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let mut rest = part;
        let mut before = ' ';
        while let Some(start) = rest.find(word) {
            before = rest[..start].chars().last().unwrap_or(before);
            let end = rest[start..].find(|c| !word(c)).map_or(rest.len(), |length| start + length);
            let after = rest[end..].chars().next().unwrap_or(' ');
            if before != '.' && before != ':' && after != '(' && after != ':' {
                all.push(&rest[start..end]);
            }
            before = ' ';
            rest = &rest[end..];
        }
    }
    all
}

/// The argument of each call that means a parameter bound before it: (argument, parameter).
fn caught<'a>(text: &'a str, name: &str, parameters: &[String]) -> Vec<(&'a str, String)> {
    let mut all = Vec::new();
    for call in text.split(&format!("{name}(")).skip(1) {
        for (index, argument) in arguments(call).into_iter().enumerate() {
            let named = argument.split_once('=').filter(|(key, value)| {
                !value.starts_with('=') && parameters.iter().any(|parameter| parameter == key.trim())
            });
            let (own, value) = match named {
                Some((key, value)) => (key.trim(), value),
                None => (parameters.get(index).map_or("", String::as_str), argument),
            };
            let earlier = parameters.iter().take_while(|parameter| *parameter != own);
            let bound: Vec<_> = earlier.filter(|parameter| variables(value).contains(&parameter.as_str())).collect();
            all.extend(bound.into_iter().map(|parameter| (argument, parameter.clone())));
        }
    }
    all
}

#[test]
fn no_argument_of_a_macro_names_a_parameter_bound_before_it() {
    let macros = macros();
    assert!(macros.len() > 20, "{macros:?}");
    let mut problems = Vec::new();
    visit(Path::new(TEMPLATES), &mut |path, text| {
        for (name, parameters) in &macros {
            for (argument, parameter) in caught(text, name, parameters) {
                problems.push(format!("{path}: {name} gets `{argument}`, which means its own parameter {parameter}"));
            }
        }
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_planted_one_is_found_and_what_only_looks_like_one_is_not() {
    let parameters = ["name".to_owned(), "expected".to_owned(), "label".to_owned()];
    let caught = |text| caught(text, "form::confirm", &parameters).len();
    assert_eq!(caught(r#"{{ form::confirm("typed", name, "Its name") }}"#), 1);
    assert_eq!(caught(r#"{{ form::confirm("typed", label=self.of(name), expected=x) }}"#), 1);
    assert_eq!(caught(r#"{{ form::confirm("name", account.name, self.name(x), "the name, (name)") }}"#), 0);
    assert_eq!(caught(r#"{{ form::confirm(name, wanted, label) }}"#), 0);
}
