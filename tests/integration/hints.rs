//! What the hints tell people to type exists: verbs, options, and the options of mosquitto.conf.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use moskit::broker::config::{self, File, Problem};
use regex_lite::Regex;

use crate::check_files::{report, write_kind};
use crate::run::{moskit, run};

/// Where sentences for people are made.
const ROOMS: [&str; 7] = [
    "src/diagnose",
    "src/examine",
    "src/probe",
    "src/talk.rs",
    "src/cmd/check",
    "src/cmd/clients/session.rs",
    "src/cmd/clients/ending.rs",
];

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            sources(&entry.unwrap().path(), found);
        }
    } else {
        found.push(path.to_owned());
    }
}

/// Every string literal of the rooms, on one line.
fn strings() -> Vec<String> {
    let mut files = Vec::new();
    for room in ROOMS {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(room), &mut files);
    }
    let literal = Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let continued = Regex::new(r"\\\n\s*").unwrap();
    let mut strings = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let text = text.split("mod tests {").next().unwrap();
        for line in continued.replace_all(text, "").lines() {
            strings.extend(literal.captures_iter(line).map(|found| found[1].to_owned()));
        }
    }
    strings
}

fn help(words: &[&str]) -> String {
    let ended = run(&mut moskit(&[words, &["--help"]].concat()), b"");
    format!("{}{}", ended.stdout, ended.stderr)
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || ",=[]<>".contains(c)).any(|found| found == word)
}

#[test]
fn every_command_of_ours_that_a_hint_names_exists_with_its_options() {
    let command = Regex::new(r"moskit (pub|sub|rr|passwd|certgen|check|qshape|broker|demo)\b([^;,)`(]*)").unwrap();
    let mut checked = BTreeSet::new();
    for text in strings() {
        for found in command.captures_iter(&text) {
            let (verb, rest) = (&found[1], &found[2]);
            // A sentence may end behind the command.
            let words: Vec<_> =
                rest.split(' ').map(|word| word.trim_end_matches('.')).filter(|word| !word.is_empty()).collect();
            let mut path = vec![verb];
            let of_verb = help(&path);
            if verb == "certgen" {
                assert!(words.first().is_some_and(|word| has_word(&of_verb, word)), "`{text}`: no such command");
            }
            for word in &words {
                let is_subcommand = word.chars().all(|c| c.is_ascii_lowercase());
                if !is_subcommand || !["certgen", "check"].contains(&verb) || path.len() > 2 {
                    break;
                }
                if !has_word(&help(&path), word) {
                    break;
                }
                path.push(word);
            }
            let help = help(&path);
            for word in words.iter().filter(|word| word.starts_with('-')) {
                assert!(has_word(&help, word), "`{text}`: {path:?} has no option {word}");
            }
            let is_group = path == ["certgen"] || path == ["certgen", "key"];
            assert!(!is_group, "`{text}` names no command");
            checked.insert(format!("{path:?}"));
        }
    }
    assert!(checked.len() >= 10, "{checked:?}");
}

#[test]
fn every_option_of_mosquitto_that_a_hint_names_exists() {
    let quoted = Regex::new(r"`([a-z]+(?:_[a-z]+)+|listener|cafile|certfile|keyfile|crlfile)(?: [^`]*)?`").unwrap();
    let bare = Regex::new(r"\b([a-z]+(?:_[a-z]+)+)\b").unwrap();
    let mut checked = BTreeSet::new();
    // Names of facts and of environment variables are no sentences.
    for text in strings().iter().filter(|text| text.contains(' ')) {
        let names = quoted.captures_iter(text).chain(bare.captures_iter(text));
        checked.extend(names.map(|found| found[1].to_owned()));
    }
    // Those are programs, what RabbitMQ and openssl have, and words of RFC 6749 and of OpenID Connect.
    let others = [
        "add_user",
        "default_user",
        "access_token",
        "anonymous_login_user",
        "client_credentials",
        "error_description",
        "ignore_colons_in_username",
        "rabbitmq_mqtt",
        "s_client",
        "token_endpoint",
        "token_type",
    ];
    let is_ours = |name: &&String| !name.starts_with("mosquitto_") && !others.contains(&name.as_str());
    for name in checked.iter().filter(is_ours) {
        let conf = File { name: "m.conf".to_owned(), text: format!("{name} x\n").into_bytes() };
        if let Err(refusal) = config::parse(&conf, &mut |_| Ok(Vec::new())) {
            assert!(!matches!(refusal.problem, Problem::Unknown { .. }), "mosquitto.conf has no option `{name}`");
        }
    }
    assert!(checked.contains("allow_anonymous") && checked.len() >= 8, "{checked:?}");
}

#[test]
fn commands_are_on_one_line_and_quoted_as_a_shell_wants_them() {
    let parent = tempfile::tempdir().unwrap();
    let odd = "it's a; folder";
    let folder = parent.path().join(odd);
    fs::create_dir(&folder).unwrap();
    write_kind("key.mismatch", &folder);
    let (certificate, key) = (format!("{odd}/server.crt"), format!("{odd}/server.key"));
    let (found, _) = report(&["check", "files", "--cert", &certificate, "--key", &key], parent.path());
    let next = found["next"].as_str().unwrap();
    let command = next.strip_prefix("find the right one: ").unwrap();
    assert_eq!(command, r"moskit certgen key match 'it'\''s a; folder/server.crt' 'it'\''s a; folder/server.key'");
    // A shell that runs it runs what was meant: the answer is that they are no pair.
    let binary = moskit(&[]).get_program().to_owned();
    let script = command.replacen("moskit", binary.to_str().unwrap(), 1);
    let mut shell = std::process::Command::new("sh");
    let ended = run(shell.args(["-c", &script]).current_dir(parent.path()), b"");
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(!ended.stderr.contains("not found") && !ended.stderr.contains("syntax"), "{ended:?}");
}
