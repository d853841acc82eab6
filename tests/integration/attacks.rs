//! `tests/attacks.md` lists attacks and names for each a test that exists.

use std::fs;
use std::path::Path;

use crate::statements::is_there;

#[test]
fn every_attack_names_the_tests_that_show_its_end() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks.md");
    let text = fs::read_to_string(page).unwrap();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attack |")) {
        rows += 1;
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, shown_by] = cells[..] else {
            wrong.push(format!("not three cells: {line}"));
            continue;
        };
        let named: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            wrong.push(format!("names no test: {line}"));
        }
        wrong.extend(named.into_iter().filter(|test| !is_there(test)).map(|test| format!("no such test: {test}")));
    }
    assert!(rows > 0, "the page has no rows");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
