//! What is built, beside what Cargo.lock lists: the lock names every optional dependency of every crate, taken or not.

use std::process::Command;

/// The crates that are built for this target with these features, for the program, its build and its tests.
fn built(features: &[&str]) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| env!("CARGO").to_owned());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--edges", "normal,build,dev", "--format", "{p}"])
        .args(features)
        .output()
        .expect("cargo can be asked");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn one_provider_of_tls_is_built_and_ring_is_not_whatever_the_lock_lists() {
    for features in [&[][..], &["--all-features"]] {
        let crates = built(features);
        for there in ["rustls", "aws-lc-rs", "canopy"] {
            assert!(
                crates.iter().any(|name| name == there),
                "{there} with {features:?}: the list is not what it should be"
            );
        }
        for banned in ["ring", "native-tls", "openssl", "rsa"] {
            assert!(!crates.iter().any(|name| name == banned), "{banned} is built with {features:?}");
        }
    }
}
