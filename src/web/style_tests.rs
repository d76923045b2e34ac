//! Holds the stylesheet to what it promises: every pair of colours that meets as text is readable by WCAG 2.2 AA,
//! in light and in dark, and every class a template names exists.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

const CSS: &str = include_str!("../../static/canopy.css");

/// The two colours, light and dark, of each `--name: light-dark(#rrggbb, #rrggbb)`.
fn tokens() -> HashMap<String, [[f64; 3]; 2]> {
    let mut tokens = HashMap::new();
    for part in CSS.split("--").skip(1) {
        let Some((name, rest)) = part.split_once(": light-dark(") else { continue };
        let Some((pair, _)) = rest.split_once(')') else { continue };
        let colours: Vec<[f64; 3]> = pair.split(", ").filter_map(rgb).collect();
        if let Ok(pair) = colours.try_into() {
            tokens.insert(name.to_owned(), pair);
        }
    }
    tokens
}

fn rgb(text: &str) -> Option<[f64; 3]> {
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6)?;
    let channel = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok().map(|value| f64::from(value) / 255.0);
    Some([channel(0)?, channel(2)?, channel(4)?])
}

/// Relative luminance, WCAG 2.2.
fn luminance(colour: [f64; 3]) -> f64 {
    let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn assert_pairs(least: f64, texts: &[&str], grounds: &[&str]) {
    let tokens = tokens();
    for text in texts {
        for ground in grounds {
            for (theme, name) in ["light", "dark"].iter().enumerate() {
                let ratio = contrast(tokens[*text][theme], tokens[*ground][theme]);
                assert!(ratio >= least, "--{text} on --{ground}, {name}: {ratio:.2} is below {least}");
            }
        }
    }
}

#[test]
fn text_is_readable_on_every_ground_it_stands_on() {
    let grounds = ["paper", "card", "sunken", "raised"];
    assert_pairs(
        4.5,
        &["ink", "soft", "faint", "accent", "accent-strong", "info", "warn", "bad", "bad-strong"],
        &grounds,
    );
    let washes = ["accent-wash", "info-wash", "warn-wash", "bad-wash", "track"];
    assert_pairs(4.5, &["ink", "soft"], &washes);
    for (text, ground) in [
        ("accent-strong", "accent-wash"),
        ("info", "info-wash"),
        ("warn", "warn-wash"),
        ("bad", "bad-wash"),
        ("accent-ink", "accent"),
        ("accent-ink", "accent-strong"),
        ("bad-ink", "bad"),
        ("bad-ink", "bad-strong"),
    ] {
        assert_pairs(4.5, &[text], &[ground]);
    }
}

#[test]
fn the_edge_of_a_field_and_the_marks_of_a_state_are_visible() {
    assert_pairs(3.0, &["edge", "accent", "warn", "bad", "info"], &["paper", "card"]);
    assert_pairs(3.0, &["accent", "warn", "bad"], &["track"]);
}

#[test]
fn every_class_a_template_names_is_in_the_stylesheet() {
    let mut missing = BTreeSet::new();
    visit(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")), &mut |name, text| {
        for class in classes(text) {
            if !known(class) {
                missing.insert(format!("{class} in {name}"));
            }
        }
    });
    assert!(missing.is_empty(), "classes without a rule: {missing:?}");
}

#[test]
fn no_template_carries_style_or_script_of_its_own() {
    visit(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")), &mut |name, text| {
        for banned in ["style=", "<style", "<script>", " onclick=", " onchange=", "javascript:", "hx-on"] {
            assert!(!text.contains(banned) || name.contains("emails/"), "{name} contains {banned}");
        }
    });
}

pub(super) fn visit(folder: &Path, seen: &mut dyn FnMut(&str, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, seen);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            seen(&path.to_string_lossy(), &std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Literal class names: what stands in `class="..."` outside `{{ }}` and `{% %}`.
fn classes(text: &str) -> Vec<&str> {
    let text = text.split(" class=\"").skip(1).filter_map(|rest| rest.split('"').next());
    text.filter(|value| !value.contains('{')).flat_map(str::split_whitespace).collect()
}

fn known(class: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    // `sure` marks the button of a confirmed step; `active` is the plain state, drawn by .state alone.
    class == "active" || CSS.match_indices(&format!(".{class}")).any(|(at, found)| ends(&CSS[at + found.len()..]))
}
