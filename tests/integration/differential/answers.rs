//! Answers of Mosquitto 2.1.2, written down, since it is not what Debian has.
//!
//! A line of a file: the script's name, what Mosquitto says after the script's last steps, and, where ours differs, what
//! ours says and why. `MOSKIT_MOSQUITTO=… cargo test --test integration differential -- --ignored` compares them with the
//! real one; with `MOSKIT_RECORD=1` it writes down what is new.

use std::path::{Path, PathBuf};

use super::play::{Beside, Heard, play};
use super::script::{Script, Step};
use super::start_ours;
use crate::mosquitto::{Mosquitto, free_port};

struct Answer {
    name: String,
    theirs: String,
    ours: Option<(String, String)>,
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/wire")).join(file)
}

fn read(file: &str) -> Vec<Answer> {
    let text = std::fs::read_to_string(path(file)).unwrap_or_default();
    let answer = |line: &str| {
        let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
        match &fields[..] {
            [name, theirs] => Answer { name: name.clone(), theirs: theirs.clone(), ours: None },
            [name, theirs, ours, why] => {
                Answer { name: name.clone(), theirs: theirs.clone(), ours: Some((ours.clone(), why.clone())) }
            }
            _ => panic!("{file}: {line}"),
        }
    };
    text.lines().map(answer).collect()
}

/// What all lines heard in the end: nothing is a dash.
pub fn text(heard: &[Heard]) -> String {
    let steps: Vec<_> = heard
        .iter()
        .map(|lines| {
            let lines: Vec<_> = lines
                .iter()
                .enumerate()
                .filter(|(_, line)| **line != super::play::Line::default())
                .map(|(number, line)| format!("{number}: {line:?}"))
                .collect();
            if lines.is_empty() { "-".to_owned() } else { lines.join(", ") }
        })
        .collect();
    steps.join(" / ")
}

/// What a broker says to each script; one broker for those that follow each other with the same options. Scripts that
/// wait are played at once, each to a broker of its own.
fn said<B>(scripts: &[Script], start: impl Fn(&Path, u16, (&str, &str)) -> B + Sync) -> Vec<String> {
    let waits = |script: &Script| script.steps.iter().any(|step| matches!(step, Step::Wait(_)));
    if scripts.len() > 1 && scripts.iter().all(waits) {
        return std::thread::scope(|scope| {
            let start = &start;
            let alone = |script| scope.spawn(move || said_in_turn(std::slice::from_ref(script), start));
            let players: Vec<_> = scripts.iter().map(alone).collect();
            players.into_iter().flat_map(|player| player.join().unwrap()).collect()
        });
    }
    said_in_turn(scripts, &start)
}

fn said_in_turn<B>(scripts: &[Script], start: &impl Fn(&Path, u16, (&str, &str)) -> B) -> Vec<String> {
    let mut said = Vec::new();
    for scripts in scripts.chunk_by(|one, next| (one.options, one.files) == (next.options, next.files)) {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        for (name, text) in scripts[0].files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let (global, local) = scripts[0].options;
        let global = global.replace("FOLDER", &folder.path().display().to_string());
        let _broker = start(folder.path(), port, (&global, local));
        said.extend((0..).zip(scripts).map(|(round, script)| text(&play(script, port, round, Beside::New))));
    }
    said
}

/// One of the brokers, with the options and files of a script.
fn ours(folder: &Path, port: u16, (global, local): (&str, &str)) -> super::Ours {
    start_ours(folder, &super::configuration(global, port, local), port)
}

fn theirs(folder: &Path, port: u16, (global, local): (&str, &str)) -> Mosquitto {
    Mosquitto::start(folder, &super::configuration(global, port, local)).expect("MOSKIT_MOSQUITTO is set")
}

/// Our broker says what is written down.
#[track_caller]
pub fn check(file: &str, scripts: &[Script]) {
    let name = |script: &Script| format!("{}\n  {:?}", script.name, script.steps);
    check_said(file, scripts.iter().map(name).zip(said(scripts, ours)));
}

/// Mosquitto says what is written down.
#[track_caller]
pub fn verify(file: &str, scripts: &[Script]) {
    verify_said(file, scripts.iter().map(|script| script.name.clone()).zip(said(scripts, theirs)));
}

/// What our broker said, by the name of what was done; more may stand on further lines of the name.
#[track_caller]
pub fn check_said(file: &str, said: impl IntoIterator<Item = (String, String)>) {
    let said: Vec<_> = said.into_iter().collect();
    let (count, told) = (said.len(), unlike(file, said));
    assert!(told.is_empty(), "{} of {count}:\n{}", told.len(), told.join("\n"));
    assert_eq!(read(file).len(), count, "answers without a script");
}

/// A text for each of those of which something else is written down. It begins with the name.
pub fn unlike(file: &str, said: Vec<(String, String)>) -> Vec<String> {
    let answers = read(file);
    let mut told = Vec::new();
    for (name, said) in said {
        let first = name.lines().next().unwrap();
        let Some(answer) = answers.iter().find(|answer| answer.name == first) else {
            told.push(format!("{first}: no answer is written down; we say {said}"));
            continue;
        };
        let expected = answer.ours.as_ref().map_or(&answer.theirs, |(ours, _)| ours);
        if said != *expected {
            told.push(format!("{name}\n  expected {expected}\n  we say   {said}"));
        }
    }
    told
}

/// What Mosquitto said.
#[track_caller]
pub fn verify_said(file: &str, said: impl IntoIterator<Item = (String, String)>) {
    let answers = read(file);
    let mut told = Vec::new();
    let mut lines = Vec::new();
    for (name, said) in said {
        let known = answers.iter().find(|answer| answer.name == name);
        if known.is_none_or(|known| known.theirs != said) {
            told.push(format!("{name}: {said}"));
        }
        let ours = known.and_then(|known| known.ours.as_ref());
        let ours = ours.map_or(String::new(), |(ours, why)| format!("\t{ours}\t{why}"));
        lines.push(format!("{name}\t{said}{ours}\n"));
    }
    if std::env::var_os("MOSKIT_RECORD").is_some() {
        std::fs::write(path(file), lines.concat()).unwrap();
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}
