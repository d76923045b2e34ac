//! The README tells the truth: every option stands in its table with its variable, default and meaning.

use canopy::config::OPTIONS;

use crate::support::environment::package_root;

#[test]
fn every_option_stands_in_the_readme_as_it_is() {
    let readme = std::fs::read_to_string(package_root().join("README.md")).expect("the README is there");
    for option in OPTIONS {
        let default = if option.default.is_empty() { String::new() } else { format!("`{}`", option.default) };
        let secret = if option.secret { " (secret)" } else { "" };
        let variable = option.key.to_uppercase();
        let row = format!("| `{}` | `CANOPY_{variable}` | {default} | {}{secret} |", option.key, option.help);
        assert!(readme.contains(&row), "the README lacks this row:\n{row}");
    }
    let rows = readme.lines().filter(|line| line.contains("| `CANOPY_")).count();
    assert_eq!(rows, OPTIONS.len(), "the README names an option that there is not");
}

#[test]
fn every_picture_of_the_readme_is_there() {
    let readme = std::fs::read_to_string(package_root().join("README.md")).expect("the README is there");
    let pictures: Vec<&str> = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    for picture in pictures.iter().filter(|path| path.ends_with(".png")) {
        assert!(package_root().join(picture).exists(), "{picture} is missing");
    }
    assert!(pictures.iter().any(|path| path.ends_with(".png")), "the README shows no picture");
}
