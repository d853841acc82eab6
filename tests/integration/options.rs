//! Every row of the table of options is tried by a test that follows the option, for each of pub, sub and rr that has it.

use moskit::cmd::connect::options::{CLIENT_OPTIONS, PUB, RR, SUB};

/// Command lines of `tests/data/clients` that were followed, not refused as wrong usage.
fn followed() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/clients");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    files
        .flat_map(|text| text.split("\n\n").map(str::to_owned).collect::<Vec<_>>())
        .filter(|case| !case.contains("--help' to see usage"))
        .filter_map(|case| case.lines().find_map(|line| line.strip_prefix("$ ").map(str::to_owned)))
        .collect()
}

/// The text of all tests but the recorded ones and this.
fn tests() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.is_file() && !path.ends_with("options.rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || "\"'`(),;=&".contains(c)).any(|found| found == word)
}

#[test]
fn every_option_is_tried() {
    let followed = followed();
    let tests = tests();
    let mut missing = Vec::new();
    for (verb, name) in [(PUB, "mosquitto_pub"), (SUB, "mosquitto_sub"), (RR, "mosquitto_rr")] {
        for spec in CLIENT_OPTIONS.iter().filter(|spec| spec.verbs & verb != 0) {
            let names: Vec<_> = spec
                .short
                .map(|short| format!("-{short}"))
                .into_iter()
                .chain(spec.long.map(|long| format!("--{long}")))
                .collect();
            let is_recorded = |row: &&String| {
                row.split(' ').next() == Some(name) && names.iter().any(|name| row.split(' ').any(|word| word == name))
            };
            if followed.iter().find(is_recorded).is_none() && !names.iter().any(|name| has_word(&tests, name)) {
                missing.push(format!("{name} {}", names.join(" ")));
            }
        }
    }
    assert!(missing.is_empty(), "no test follows\n{}", missing.join("\n"));
}
