//! Every parser of what others send, fed with chains and nests of a million: in a process of its own, because a stack
//! that overflows takes the whole process with it.

mod shapes;

use std::process::Command;

use shapes::{PARSERS, Parser};

use crate::support::environment::package_root;

/// Says which parser the child is to feed.
const VARIABLE: &str = "CANOPY_TEST_PARSER";
const CHILD: &str = "parsers::a_child_reads_what_it_is_told_to";
/// What a child may take at most, in kB: the inputs are up to 64 MB, and are held once or twice beside what is read.
const MEMORY: u64 = 1_000_000;

#[test]
fn every_parser_outlives_chains_and_nests_of_a_million() {
    let mut fed = 0;
    for Parser { name, shapes, .. } in PARSERS {
        // A watchdog, no measurement: nothing that works takes this long.
        let output = Command::new("timeout")
            .arg("900")
            .arg(std::env::current_exe().expect("this program"))
            .args(["--exact", CHILD, "--nocapture"])
            .env(VARIABLE, name)
            .output()
            .expect("a child starts");
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {}\n{said}\n{complaint}", output.status);

        let lines: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("read ")).collect();
        assert_eq!(lines.len(), shapes.len() * 3, "{name}: {said}");
        let taken = said.lines().find_map(|line| line.strip_prefix("peak ")).and_then(|kb| kb.parse().ok());
        assert!(taken.is_some_and(|kb: u64| kb < MEMORY), "{name} took {taken:?} kB");
        println!("{name}: {} inputs, {} MB at most", lines.len(), taken.unwrap_or_default() / 1000);
        fed += lines.len();
    }
    assert!(fed > 300, "{fed} inputs are few");
}

/// Without being told it reads the first shape of each, a thousand times: so that this is a test, too.
#[test]
fn a_child_reads_what_it_is_told_to() {
    let told = std::env::var(VARIABLE).ok();
    let many = if told.is_some() { 1_000_000 } else { 1_000 };
    let chosen = PARSERS.iter().filter(|parser| told.as_deref().is_none_or(|name| parser.name == name));
    let mut read = 0;
    for parser in chosen {
        for (at, shape) in parser.shapes.iter().enumerate() {
            // As many as asked for, as many as a megabyte holds, and few enough to be taken by all that bound their number.
            for times in [many, (many / shape.piece.len()).max(1), many / 200] {
                (parser.feed)(shape.of(times));
                println!("read {} {at}: {:?} {times} times", parser.name, shape.piece);
                read += 1;
            }
        }
    }
    println!("peak {}", peak());
    assert!(read > 1, "there is no parser {told:?}");
}

#[test]
fn corpora_kept_by_the_fuzzers_are_read_without_harm() {
    let folder = package_root().join("fuzz/corpus");
    let mut read = 0;
    for (corpus, names) in CORPORA {
        for entry in std::fs::read_dir(folder.join(corpus)).expect("it is kept").flatten() {
            let text = std::fs::read(entry.path()).expect("a file");
            for name in *names {
                let parser = PARSERS.iter().find(|parser| parser.name == *name).expect("there is such a parser");
                (parser.feed)(String::from_utf8_lossy(&text).into_owned());
                read += 1;
            }
        }
    }
    println!("{read} readings");
    assert!(read >= 20, "{read} are few");
}

/// The corpora below `fuzz/corpus`, and who reads each.
const CORPORA: &[(&str, &[&str])] = &[
    ("template", &["template"]),
    ("mime", &["shown", "submission", "letter"]),
    ("address", &["address"]),
    ("smtp", &["smtp"]),
    ("dsn", &["returned", "report"]),
    ("arf", &["returned", "report"]),
    ("csv", &["csv"]),
];

/// The most memory that this process has had, in kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
