//! The forms and addresses that stand on a page, read from its text: what a browser would send, field by field.

use std::collections::{BTreeMap, BTreeSet};

/// A form as it stands on a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    pub post: bool,
    pub action: String,
    /// Names with what a browser would send, each name once.
    pub fields: BTreeMap<String, String>,
    /// Names of files.
    pub files: BTreeSet<String>,
}

/// Every form of a page at `path`.
pub fn forms(path: &str, html: &str) -> Vec<Form> {
    let chunks = html.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next());
    // A field may stand elsewhere and name its form.
    let mut forms: Vec<(String, Form)> = chunks.map(|chunk| form(path, chunk)).collect();
    for tag in tags(html) {
        let (Some(of), Some(name)) = (attribute(tag, "form"), attribute(tag, "name")) else { continue };
        for (_, form) in forms.iter_mut().filter(|(id, _)| *id == of) {
            form.fields.entry(name.clone()).or_insert_with(|| attribute(tag, "value").unwrap_or_default());
        }
    }
    forms.into_iter().map(|(_, form)| form).collect()
}

fn form(path: &str, chunk: &str) -> (String, Form) {
    let (head, inner) = chunk.split_once('>').unwrap_or((chunk, ""));
    let action = attribute(head, "action").filter(|action| !action.is_empty()).unwrap_or_else(|| path.to_owned());
    let post = attribute(head, "method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
    let mut form = Form { post, action, fields: BTreeMap::new(), files: BTreeSet::new() };
    for (at, tag) in tags_at(inner) {
        let Some(name) = attribute(tag, "name") else { continue };
        let kind = attribute(tag, "type").unwrap_or_default();
        if kind == "file" {
            form.files.insert(name);
            continue;
        }
        let value = match tag.split_whitespace().next() {
            Some("select") => inner[at..].split("<option").nth(1).and_then(|option| attribute(option, "value")),
            Some("textarea") => {
                inner[at..].split_once('>').and_then(|(_, text)| text.split("</textarea").next()).map(unescaped)
            }
            _ => attribute(tag, "value"),
        };
        let value = value.unwrap_or_else(|| if kind == "checkbox" { "on".into() } else { String::new() });
        form.fields.entry(name).or_insert(value);
    }
    (attribute(head, "id").unwrap_or_default(), form)
}

const FIELDS: [&str; 4] = ["<input", "<select", "<textarea", "<button"];

/// The tags of fields with where each begins.
fn tags_at(html: &str) -> Vec<(usize, &str)> {
    let mut found: Vec<(usize, &str)> = FIELDS
        .iter()
        .flat_map(|field| html.match_indices(field))
        .filter_map(|(at, _)| html[at + 1..].split('>').next().map(|tag| (at, tag)))
        .collect();
    found.sort_unstable();
    found
}

fn tags(html: &str) -> Vec<&str> {
    tags_at(html).into_iter().map(|(_, tag)| tag).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let from = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[from..].split('"').next().map(unescaped)
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'").replace("&#x27;", "'");
    text.replace("&lt;", "<")
        .replace("&#60;", "<")
        .replace("&gt;", ">")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

/// The addresses of this site that a page links to, with the names in each query.
pub fn links(html: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for href in ["href=\"", "data-poll=\""].iter().flat_map(|attribute| html.split(attribute).skip(1)) {
        let href = unescaped(href.split('"').next().unwrap_or_default());
        let (path, query) = href.split_once('?').unwrap_or((&href, ""));
        if path.starts_with('/') && !path.starts_with("/static/") {
            let names = query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty());
            found.entry(path.to_owned()).or_default().extend(names.map(str::to_owned));
        }
    }
    found
}

#[test]
fn a_form_is_read_as_a_browser_would_send_it() {
    let html = "<a href=\"/x?a=1&amp;b=2\">x</a><form id=\"f\" method=\"post\" action=\"/y\"><input type=\"hidden\" name=\"t\" \
                value=\"1&amp;2\"><select name=\"s\"><option value=\"one\">One</option></select><textarea name=\"text\">a\nb</textarea>\
                <input type=\"file\" name=\"logo\"><button name=\"go\" value=\"create\">Go</button></form>\
                <input form=\"f\" name=\"late\" value=\"3\"><form><input name=\"q\"></form>";
    let found = forms("/here", html);
    let fields: Vec<(&str, &str)> =
        found[0].fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(fields, [("go", "create"), ("late", "3"), ("s", "one"), ("t", "1&2"), ("text", "a\nb")]);
    assert!(found[0].post && found[0].action == "/y" && found[0].files.contains("logo"));
    assert!(!found[1].post && found[1].action == "/here" && found[1].fields.contains_key("q"));
    assert_eq!(links(html)["/x"].iter().collect::<Vec<_>>(), ["a", "b"]);
}
