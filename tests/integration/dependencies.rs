//! What may be among our dependencies: licences, sources, number, and what has another in its place. `cargo deny`
//! looks at the same and needs ten minutes to build where nothing has it; its database of advisories is a git repository.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Permissive ones, and MPL-2.0, whose duties end at its own files (colored).
const LICENCES: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Zlib",
];

/// Crates that must not come in, not even through another, and why.
const BANNED: [(&str, &str); 3] = [
    ("ring", "one TLS provider: aws-lc-rs"),
    ("openssl-sys", "TLS is rustls'; the system's OpenSSL only with the feature psk"),
    ("rustls-pemfile", "archived, RUSTSEC-2025-0134: rustls-pki-types and pem read PEM"),
];

/// Crates of the default build, this one included.
const MOST_CRATES: usize = 190;

fn cargo(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(words)
        .args(["--locked", "--offline", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The machine's target: others' crates are not here.
fn host() -> String {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Name and version of each crate of the default build.
fn default_build() -> BTreeSet<String> {
    let tree = cargo(&["tree", "--edges", "normal,build", "--prefix", "none", "--no-dedupe"]);
    tree.lines().filter_map(|line| Some(line.split_once(" v")?.0.to_owned() + " " + line.split(' ').nth(1)?)).collect()
}

/// Whether one side of every OR of an SPDX expression is allowed.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    match split_outside(&expression, " AND ") {
        parts if parts.len() > 1 => return parts.iter().all(|part| is_allowed(part)),
        _ => {}
    }
    match split_outside(&expression, " OR ") {
        parts if parts.len() > 1 => return parts.iter().any(|part| is_allowed(part)),
        _ => {}
    }
    let expression = expression.trim();
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_allowed(inner),
        None => LICENCES.contains(&expression),
    }
}

/// Parts between `separator`s that stand in no parentheses.
fn split_outside<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= start && text[at..].starts_with(separator) => {
                parts.push(&text[start..at]);
                start = at + separator.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[test]
fn an_expression_of_licences_is_read_with_its_operators() {
    for allowed in ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0", ""] {
        assert!(!is_allowed(refused), "{refused}");
    }
}

#[test]
fn every_dependency_may_be_there() {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--filter-platform", &host()])).unwrap();
    let default_build = default_build();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let id = format!("{name} v{}", package["version"].as_str().unwrap());
        if !default_build.contains(&id) {
            continue;
        }
        let licence = package["license"].as_str().unwrap_or_default();
        if !is_allowed(licence) {
            wrong.push(format!("{id}: licence {licence:?}"));
        }
        let source = package["source"].as_str().unwrap_or("registry+ours");
        if !source.starts_with("registry+") {
            wrong.push(format!("{id}: from {source}"));
        }
        if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            wrong.push(format!("{id}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_default_build_has_few_crates() {
    let crates = default_build().len();
    assert!(crates <= MOST_CRATES, "{crates} crates");
}
