//! Finds every path that a Rust source names: by `use`, with its braces unfolded, and in the middle of the code.
//!
//! A small reader of words, not of the whole language: comments, texts and the tests at a file's end are left out.

/// A path as its words: `crate::models::accounts` is `["crate", "models", "accounts"]`.
pub type Path = Vec<String>;

/// Every path of two words or more in `source`, and every crate taken by `use` alone.
pub fn paths_in(source: &str) -> Vec<Path> {
    let words = words(without_texts_and_comments(source).as_str());
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        // `impl Trait + use<>` names what is captured, and takes nothing.
        if words[at] == "use" && words.get(at + 1).is_none_or(|next| next != "<") {
            at = read_tree(&words, at + 1, &mut Vec::new(), &mut found);
        } else if is_name(&words[at]) {
            at = read_inline(&words, at, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// A path in the code itself, as `crate::web::session::start(...)`.
fn read_inline(words: &[String], start: usize, found: &mut Vec<Path>) -> usize {
    let mut path = vec![words[start].clone()];
    let mut at = start + 1;
    while at + 1 < words.len() && words[at] == "::" && is_name(&words[at + 1]) {
        path.push(words[at + 1].clone());
        at += 2;
    }
    let continues = start > 0 && words[start - 1] == "::";
    if path.len() > 1 && !continues {
        found.push(path);
    }
    at
}

/// One branch of a `use`: what follows `prefix` up to a comma, a closing brace or the semicolon.
fn read_tree(words: &[String], mut at: usize, prefix: &mut Path, found: &mut Vec<Path>) -> usize {
    let depth = prefix.len();
    while at < words.len() {
        match words[at].as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while at < words.len() && words[at] != "}" {
                    at = read_tree(words, at, prefix, found);
                    at += usize::from(words.get(at).is_some_and(|word| word == ","));
                }
                prefix.truncate(depth);
                return at + 1;
            }
            "as" => at += 2,
            "," | "}" | ";" => break,
            word => {
                prefix.push(word.to_owned());
                at += 1;
            }
        }
    }
    found.push(prefix.clone());
    prefix.truncate(depth);
    at
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, `::` and single signs; white space is gone.
fn words(source: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = source.chars().peekable();
    while let Some(sign) = rest.next() {
        if sign.is_alphanumeric() || sign == '_' {
            let mut word = String::from(sign);
            while let Some(next) = rest.next_if(|next| next.is_alphanumeric() || *next == '_') {
                word.push(next);
            }
            words.push(word);
        } else if sign == ':' && rest.next_if_eq(&':').is_some() {
            words.push("::".to_owned());
        } else if !sign.is_whitespace() {
            words.push(sign.to_string());
        }
    }
    words
}

/// The source up to its tests, without comments and without what stands between quotes.
fn without_texts_and_comments(source: &str) -> String {
    let source = source.find("#[cfg(test)]\nmod ").map_or(source, |tests| &source[..tests]);
    let mut kept = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(sign) = rest.chars().next() {
        let skipped = length_of_comment(rest).or_else(|| length_of_text(rest));
        let quoted_sign = length_of_quoted_sign(rest);
        match skipped.or(quoted_sign) {
            Some(length) => {
                kept.push(' ');
                rest = &rest[length..];
            }
            None => {
                kept.push(sign);
                rest = &rest[sign.len_utf8()..];
            }
        }
    }
    kept
}

fn length_of_comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.starts_with("/*").then(|| rest.find("*/").map_or(rest.len(), |end| end + 2))
}

/// A text in quotes, also the raw kind with its fences.
fn length_of_text(rest: &str) -> Option<usize> {
    let raw = rest.strip_prefix('r').map(|after| after.trim_start_matches('#')).filter(|after| after.starts_with('"'));
    if let Some(after) = raw {
        let opening = rest.len() - after.len() + 1;
        let closing = format!("\"{}", "#".repeat(opening - 2));
        return Some(rest[opening..].find(&closing).map_or(rest.len(), |end| opening + end + closing.len()));
    }
    let mut escaped = false;
    let mut signs = rest.strip_prefix('"')?.char_indices();
    let end = signs.find(|(_, sign)| {
        let ends = *sign == '"' && !escaped;
        escaped = *sign == '\\' && !escaped;
        ends
    });
    Some(end.map_or(rest.len(), |(at, _)| at + 2))
}

/// A single sign in quotes, as `'"'`; a lifetime is not one.
fn length_of_quoted_sign(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        let kind = escape.chars().next()?;
        return escape[kind.len_utf8()..].find('\'').map(|end| 2 + kind.len_utf8() + end + 1);
    }
    let sign = inside.chars().next()?;
    inside[sign.len_utf8()..].starts_with('\'').then(|| 2 + sign.len_utf8())
}

#[test]
fn every_way_of_naming_a_path_is_found() {
    let found = |source: &str| paths_in(source).iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(
        found("use crate::{models, web::{self, forms as f, *}};"),
        ["crate::models", "crate::web::self", "crate::web::forms", "crate::web::*"]
    );
    assert_eq!(found("pub(crate) use diesel;\nuse a::b;"), ["diesel", "a::b"]);
    assert_eq!(found("fn f() -> Result<crate::api::X, ()> { super::g::<u8>() }"), ["crate::api::X", "super::g"]);
    assert_eq!(found("x.y::<std::fs::File>()"), ["std::fs::File"]);
    assert_eq!(found("#[derive(diesel::Queryable)]"), ["diesel::Queryable"]);
    assert_eq!(found("fn f() -> impl Fn() + use<> { let x = a::b; x }"), ["a::b"]);
}

#[test]
fn what_is_written_in_texts_comments_and_tests_is_not_a_path() {
    let quiet = ["// crate::a", "/* crate::a */", r#"let x = "\" crate::a";"#, r##"r#" " crate::a "#"##];
    for source in quiet {
        assert!(paths_in(source).is_empty(), "{source}");
    }
    let signs = r#"match c { '"' => crate::a::b(), '\'' => "x", '\u{7f}' => "y", _ => "crate::z" } fn f<'a>() {}"#;
    assert_eq!(paths_in(signs), [["crate", "a", "b"]]);
    assert!(paths_in("#[cfg(test)]\nmod tests { use crate::web::x; }").is_empty());
}
