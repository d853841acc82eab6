//! Man pages and completion scripts are generated from the applet table, committed, and the same.

use std::fs;
use std::path::Path;

use moskit::cmd::APPLETS;
use moskit::cmd::tool::{completions, man};

fn compare(folder: &str, files: &[(String, String)], repair: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut stale: Vec<_> = files
        .iter()
        .filter(|(name, text)| fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| name.clone())
        .collect();
    let committed = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    stale.extend(committed.filter(|name| !files.iter().any(|(generated, _)| generated == name)));
    assert!(stale.is_empty(), "not what the applet table makes: {stale:?}; repair with: {repair}");
}

#[test]
fn the_committed_man_pages_are_those_of_the_applet_table() {
    compare("man", &man::pages(APPLETS), "cargo run -- man --out man");
}

#[test]
fn the_committed_completions_are_those_of_the_applet_table() {
    compare("completions", &completions::scripts(APPLETS), "cargo run -- completions --out completions");
}
