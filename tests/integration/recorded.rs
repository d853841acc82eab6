//! Command lines with what Mosquitto 2.1.2's clients did with them, written down, since they are not what Debian has:
//! the packets that a broker got, both outputs, the exit code. Ours do the same, or a case says why not.
//!
//! A case in `tests/data/clients/*.txt` is a block of lines; `parse` has the marks.
//! `MOSKIT_MOSQUITTO_CLIENTS=FOLDER cargo test --test integration recorded -- --ignored` compares the cases with the programs
//! of that folder; with `MOSKIT_RECORD=1` it writes down what they do.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::run::{Ended, run};
use crate::stub::{CONNECT, PUBLISH, PUBREC, PUBREL, Recorded, SUBSCRIBE, Stub, Then, Turn, UNSUBSCRIBE};

/// Seconds after which a program that should have ended counts as hung, which `timeout` tells by code 124.
const PATIENCE: &str = "8";

/// Cases that are tried at once.
const THREADS: usize = 6;

/// A command line, the broker that it meets, and what came of it.
#[derive(Default)]
struct Case {
    row: String,
    stdin: Vec<u8>,
    script: Vec<String>,
    theirs: Vec<String>,
    /// Where ours differ: why, and what they do.
    ours: Option<(String, Vec<String>)>,
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/clients")).join(file)
}

/// `$` words, `<` standard input, `@` a turn of the broker, then the answer: `>` the packets of a connection, `1` and `2` a line
/// of standard output and error (`1-` and `2-` without its end), `=` the exit code. `~` says why our answer, which follows, differs.
fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        if mark == "$" {
            cases.push(Case { row: rest.to_owned(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a case begins with its words");
        match (mark, &mut case.ours) {
            ("<", _) => case.stdin = unescaped(rest),
            ("@", _) => case.script.push(rest.to_owned()),
            ("~", ours) => *ours = Some((rest.to_owned(), Vec::new())),
            (">" | "1" | "1-" | "2" | "2-" | "=", Some((_, ours))) => ours.push(line.to_owned()),
            (">" | "1" | "1-" | "2" | "2-" | "=", None) => case.theirs.push(line.to_owned()),
            _ => panic!("{line}"),
        }
    }
    cases
}

fn render(cases: &[Case], head: &str) -> String {
    let mut text = head.to_owned();
    for case in cases {
        let _ = writeln!(text, "\n$ {}", case.row);
        if !case.stdin.is_empty() {
            let _ = writeln!(text, "< {}", case.stdin.escape_ascii());
        }
        let turns = case.script.iter().map(|turn| format!("@ {turn}"));
        let ours = case.ours.iter().flat_map(|(why, ours)| std::iter::once(format!("~ {why}")).chain(ours.clone()));
        for line in turns.chain(case.theirs.clone()).chain(ours) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// `\n`, `\\`, `\xNN`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let (escaped, length) = match after {
            [b'n', ..] => (b'\n', 1),
            [b'r', ..] => (b'\r', 1),
            [b't', ..] => (b'\t', 1),
            [b'x', high, low, ..] => {
                let digits = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap(), 3)
            }
            [other, ..] => (*other, 1),
            [] => panic!("{text}"),
        };
        bytes.push(escaped);
        rest = &after[length..];
    }
    bytes
}

/// `SUBSCRIBE 9003000180`: the answer to the first such packet; with `!` the broker hangs up then, with `+` to be connected to anew.
fn turn(text: &str) -> Turn {
    let (kind, reply) = text.split_once(' ').unwrap_or((text, ""));
    let (kind, then) = match kind.as_bytes() {
        [name @ .., b'!'] => (name, Then::Close),
        [name @ .., b'+'] => (name, Then::Next),
        name => (name, Then::Stay),
    };
    let on = match kind {
        b"CONNECT" => CONNECT,
        b"PUBLISH" => PUBLISH,
        b"PUBREC" => PUBREC,
        b"PUBREL" => PUBREL,
        b"SUBSCRIBE" => SUBSCRIBE,
        b"UNSUBSCRIBE" => UNSUBSCRIBE,
        _ => panic!("{text}"),
    };
    let digits: Vec<u8> = reply.bytes().filter(|byte| *byte != b' ').collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    Turn { on, reply: digits.chunks(2).map(byte).collect(), then }
}

/// `PORT` for the port where it stands alone: its digits may be part of a payload in hexadecimal.
fn without_port(text: &str, port: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(port) {
        let (before, behind) = (&rest[..at], &rest[at + port.len()..]);
        let is_part = |next: Option<char>| next.is_some_and(|next| next.is_ascii_alphanumeric());
        let stands_alone = !is_part(before.chars().next_back()) && !is_part(behind.chars().next());
        plain += before;
        plain += if stands_alone { "PORT" } else { port };
        rest = behind;
    }
    plain + rest
}

/// What a program does with the words of a case, as lines. `FILES` in a word is the folder of `files`, `PORT` the broker's port;
/// `-h` and `-p` stand in front unless a word names `PORT` itself.
fn answer(case: &Case, files: &Path, programs: &Path) -> Vec<String> {
    let turns: Vec<_> = case.script.iter().map(|text| turn(text)).collect();
    let stub = Stub::start(&turns);
    let (port, files) = (stub.port.to_string(), files.to_str().unwrap());
    let word = |word: &str| match word {
        "''" => String::new(),
        word => String::from_utf8(unescaped(&word.replace("PORT", &port).replace("FILES", files))).unwrap(),
    };
    let words: Vec<String> = case.row.split(' ').map(word).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let address: &[&str] = if case.row.contains("PORT") { &[] } else { &["-h", "127.0.0.1", "-p", &port] };
    let ended = run(&mut in_time(programs, words[0], &[address, &words[1..]].concat()), &case.stdin);
    let plain = |text: &str| without_port(text, &port).replace(files, "FILES");
    // A program that has been silent for long lost its broker.
    stub.try_stop().map_or_else(|_| vec!["(silent)".to_owned()], |packets| lines(&packets, &ended, plain))
}

fn lines(packets: &Recorded, ended: &Ended, plain: impl Fn(&str) -> String) -> Vec<String> {
    let hex = |packet: &Vec<u8>| packet.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let mut lines: Vec<_> =
        packets.iter().map(|packets| format!("> {}", packets.iter().map(hex).collect::<Vec<_>>().join(" "))).collect();
    // Each program has words of its own there.
    let is_usage = ended.stdout.contains("Usage: mosquitto_");
    let stdout = if is_usage { "(how it is used)\n" } else { &ended.stdout };
    for (mark, text) in [("1", stdout), ("2", &ended.stderr)] {
        lines.extend(plain(text).split_inclusive('\n').map(|line| {
            let end = if line.ends_with('\n') { "" } else { "-" };
            format!("{mark}{end} {}", visible(line.trim_end_matches('\n')))
        }));
    }
    lines.push(format!("= {}", ended.code));
    lines
}

/// Control characters as escapes, and the time of a message as a word.
fn visible(line: &str) -> String {
    let line = match line.split_once("\"tst\":") {
        Some((before, after)) => {
            let (blank, time) = after.split_at(after.find('"').unwrap());
            format!("{before}\"tst\":{blank}\"TIME\"{}", &time[33..])
        }
        None => line.to_owned(),
    };
    line.chars().map(|c| if c.is_control() { format!("\\x{:02x}", c as u32) } else { c.to_string() }).collect()
}

/// The lines without what ours say on top: a cause and a hint, in words of their own, after Mosquitto's.
fn without_advice(lines: &[String]) -> Vec<String> {
    let is_advice = |line: &&String| line.starts_with("2 cause: ") || line.starts_with("2 hint: ");
    lines.iter().filter(|line| !is_advice(line)).cloned().collect()
}

/// Mosquitto's clients often close before DISCONNECT is written; ours always write it.
fn without_farewell(lines: &[String]) -> Vec<&str> {
    let farewell = |line: &str| line.rfind(' ').filter(|at| line.starts_with('>') && line[at + 1..].starts_with("e0"));
    lines.iter().map(|line| farewell(line).map_or(line.as_str(), |at| &line[..at])).collect()
}

/// A program of `folder`, which has so long to end.
fn in_time(folder: &Path, name: &str, words: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command.arg(PATIENCE).arg(folder.join(name)).args(words).env_remove("XDG_CONFIG_HOME").env_remove("HOME");
    command
}

/// A folder with ours, called as Mosquitto's.
fn ours() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mosquitto_pub", "mosquitto_sub", "mosquitto_rr"] {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_moskit"), folder.path().join(name)).unwrap();
    }
    folder
}

fn read(file: &str) -> (String, Vec<Case>) {
    let text = std::fs::read_to_string(path(file)).unwrap();
    let head = &text[..text.find("\n\n").map_or(0, |end| end + 1)];
    (head.to_owned(), parse(&text))
}

/// The files that options can name.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("payload", "of a file\n"), ("empty", ""), ("no.pem", "this is no certificate\n")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The answers to all cases, several at a time, since many of them wait.
fn answers(cases: &[Case], programs: &Path) -> Vec<Vec<String>> {
    let files = files();
    let next = AtomicUsize::new(0);
    let answers: Vec<_> = cases.iter().map(|_| OnceLock::new()).collect();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { return };
                    let _ = answers[at].set(answer(case, files.path(), programs));
                }
            });
        }
    });
    answers.into_iter().map(|answer| answer.into_inner().unwrap()).collect()
}

#[track_caller]
fn check(file: &str) {
    let (_, cases) = read(file);
    let mut told = String::new();
    for (case, said) in cases.iter().zip(answers(&cases, ours().path())) {
        let said = without_advice(&said);
        let is_same = match &case.ours {
            None => without_farewell(&said) == without_farewell(&case.theirs),
            Some((_, ours)) => said == *ours,
        };
        if !is_same {
            let expected = case.ours.as_ref().map_or(&case.theirs, |(_, ours)| ours).join("\n");
            let script = case.script.join("\n@ ");
            let _ = writeln!(told, "$ {}\n@ {script}\nexpected\n{expected}\nours\n{}\n", case.row, said.join("\n"));
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[track_caller]
fn verify(file: &str) {
    let folder =
        PathBuf::from(std::env::var_os("MOSKIT_MOSQUITTO_CLIENTS").expect("it names a folder with the programs"));
    let (head, mut cases) = read(file);
    let mut told = String::new();
    let answers = answers(&cases, &folder);
    for (case, said) in cases.iter_mut().zip(answers) {
        if without_farewell(&said) != without_farewell(&case.theirs) {
            let _ = writeln!(told, "$ {}\n{}\n", case.row, said.join("\n"));
            case.theirs = said;
        }
    }
    if std::env::var_os("MOSKIT_RECORD").is_some() {
        std::fs::write(path(file), render(&cases, &head)).unwrap();
    }
    assert!(told.is_empty(), "{told}");
}

macro_rules! recorded {
    ($($name:ident $file:literal $verify:ident)*) => {$(
        #[test]
        fn $name() {
            check($file);
        }

        #[test]
        #[ignore = "needs Mosquitto 2.1's clients in the folder MOSKIT_MOSQUITTO_CLIENTS"]
        fn $verify() {
            verify($file);
        }
    )*};
}

recorded! {
    wrong_arguments_are_told_as_by_mosquitto "arguments.txt" mosquitto_tells_wrong_arguments_so
    a_message_is_published_as_by_mosquitto "publish.txt" mosquitto_publishes_so
    a_subscriber_does_as_mosquittos "subscribe.txt" mosquitto_subscribes_so
    a_request_goes_as_by_mosquitto "request.txt" mosquitto_requests_so
    messages_are_printed_as_by_mosquitto "output.txt" mosquitto_prints_so
}
