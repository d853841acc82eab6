//! The house stays as drawn: which module may name which.

use std::fs;
use std::path::{Path, PathBuf};

/// The lines of the table in ARCHITECTURE.md; a module may name modules of lower lines only, or,
/// on its own line, itself.
const LAYERS: &[(u8, &str)] = &[
    (0, "os"),
    (1, "private_folder"),
    (1, "text_file"),
    (1, "whole_file"),
    (2, "mqtt::packet"),
    (2, "mqtt::topic"),
    (2, "pki"),
    (2, "passwd"),
    (3, "mqtt::flow"),
    (3, "net"),
    (3, "term"),
    (3, "state"),
    (4, "mqtt::session"),
    (4, "broker"),
    (4, "talk"),
    (4, "record"),
    (4, "decode"),
    (5, "client"),
    (5, "broker::store"),
    (6, "broker::server"), // it owns the store
    (5, "queue"),
    (6, "diagnose"),
    (7, "broker::host"),
    (7, "probe"),
    (8, "examine"),
    (9, "cmd"),
];

/// Edges that point upwards until they are cut: whoever names, and what is named.
const STILL: &[(&str, &str)] = &[("broker::host", "cmd::broker")];

/// The entry of the table that `path` (`a::b::c`) belongs to: the longest that is a prefix of it.
fn room(path: &str) -> Option<(u8, &'static str)> {
    LAYERS
        .iter()
        .filter(|(_, name)| path == *name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with("::")))
        .max_by_key(|(_, name)| name.len())
        .copied()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// `src/mqtt/packet/mod.rs` → `mqtt::packet`.
fn module_of(root: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(root).unwrap().with_extension("");
    let mut parts: Vec<_> = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts.join("::")
}

/// Every `crate::a::b…` path a source text names, with `use crate::{a, b::c}` taken apart at the first level.
fn named(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let until =
            |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect::<String>();
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => paths.push(until(std::mem::take(&mut item).trim())),
                    _ => {}
                }
                if depth == 0 && c != ',' {
                    item.push(c);
                }
            }
            paths.push(until(item.trim()));
        } else {
            paths.push(until(rest));
        }
    }
    paths.iter().map(|path| path.trim_end_matches(':').to_owned()).filter(|path| !path.is_empty()).collect()
}

#[test]
fn every_module_names_only_rooms_below_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let module = module_of(&root, &file);
        let Some((own_layer, own_room)) = room(&module) else { continue };
        for path in named(&fs::read_to_string(&file).unwrap()) {
            if let Some((layer, other)) = room(&path)
                && other != own_room
                && layer >= own_layer
                && !STILL.iter().any(|(from, to)| own_room == *from && path.starts_with(to))
                && !own_room.starts_with(&format!("{other}::"))
            {
                wrong.push(format!("{module} (line {own_layer}) names {path} (line {layer})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_is_in_a_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let known = ["main", "lib", "mqtt"];
    let stray: Vec<_> = sources(&root)
        .iter()
        .map(|file| module_of(&root, file))
        .filter(|module| room(module).is_none() && !known.contains(&module.as_str()))
        .collect();
    assert!(stray.is_empty(), "no line of the table holds {stray:?}");
}

/// What only the room for it may name: calls and types of one operating system, conditions on it, its own paths.
const OF_ONE_SYSTEM: [&str; 17] = [
    "std::os::",
    "rustix::",
    "nix::",
    "libc::",
    "signal::unix",
    "signal::windows",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    "cfg(unix",
    "cfg(windows",
    "not(unix",
    "not(windows",
    "target_os",
    "target_family",
    "\"/dev/",
    "\"/proc",
];

/// Whether `word` stands in `line` and not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let starts_alone = |at| !word.starts_with(char::is_alphanumeric) || !is_part(line[..at].chars().next_back());
    let ends_alone = |end| !word.ends_with(char::is_alphanumeric) || !is_part(line[end..].chars().next());
    line.match_indices(word).any(|(at, _)| starts_alone(at) && ends_alone(at + word.len()))
}

#[test]
fn what_one_operating_system_has_is_named_in_one_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let module = module_of(&root, &file);
        // Tests run on Unix; they are last in a file, or files of their own.
        if module.split("::").any(|part| part == "tests") || room(&module).is_some_and(|(_, room)| room == "os") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        for (number, line) in program.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let named = OF_ONE_SYSTEM.iter().filter(|word| has_word(line, word));
            wrong.extend(named.map(|word| format!("{}:{} names {word}", file.display(), number + 1)));
        }
    }
    assert!(wrong.is_empty(), "this belongs into src/os: {wrong:#?}");
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for folder in ["src", "tests", "benches"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        if !root.exists() {
            continue;
        }
        for file in sources(&root) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//! "), "{} has no first line that says what it is for", file.display());
        }
    }
}
