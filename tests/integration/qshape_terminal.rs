//! `moskit qshape` on a terminal: width, colours, watching, the progress of a long file, the question
//! before a purge.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use unicode_width::UnicodeWidthStr;

use crate::mosquitto::{Mosquitto, free_port, installed};
use crate::qshape::qshape;
use crate::qshape_files::data;
use crate::run::{moskit, run};
use crate::terminal::OnTerminal;

const STORY: &str = "queues/mosq212-real/mosq212-real-live.db";
const STORY_AT: &str = "1795358733.473813";

fn words<'a>(more: &[&'a str], path: &'a str) -> Vec<&'a str> {
    [&["qshape"], more, &["--at", STORY_AT, path]].concat()
}

/// All that is shown until the footer's last line.
fn shown(more: &[&str], columns: u16, colours: bool) -> String {
    let path = data(STORY);
    let mut command = moskit(&words(more, path.to_str().unwrap()));
    command.env("TERM", "xterm");
    if !colours {
        command.env("NO_COLOR", "1");
    }
    let mut terminal = OnTerminal::of_width(command, columns);
    let shown = terminal.wait_for("never be delivered\r\n");
    assert!(terminal.child.wait().unwrap().success());
    shown
}

/// `text` without the escapes of colours.
fn plain(text: &str) -> String {
    let parts = text.split('\x1b').enumerate();
    parts.map(|(place, part)| if place == 0 { part } else { part.split_once('m').unwrap().1 }).collect()
}

#[test]
fn a_terminal_gets_its_width_twenty_rows_and_colours_that_only_repeat_the_numbers() {
    let path = data(STORY);
    let piped = qshape(&["--at", STORY_AT, "-w", "100", path.to_str().unwrap()], "");
    let coloured = shown(&[], 100, true);
    for (name, code) in [("bold", "\x1b[1m"), ("dimmed", "\x1b[2m"), ("green", "\x1b[32m"), ("red", "31m")] {
        assert!(coloured.contains(code), "nothing is {name}: {coloured:?}");
    }
    let text = plain(&coloured).replace("\r\n", "\n");
    assert_eq!(text, format!("{}{}", piped.stdout, piped.stderr));
    assert_eq!(shown(&[], 100, false).replace("\r\n", "\n"), text);
    assert!(!piped.stdout.contains('\x1b'));
    let few = plain(&shown(&["-n", "3"], 100, true));
    assert_eq!(few.lines().take_while(|line| !line.contains("not shown")).count(), 4, "{few}");
}

#[test]
fn a_narrow_terminal_keeps_the_end_of_names_and_all_numbers() {
    let text = shown(&["--by", "client,topic"], 62, false);
    let table: Vec<&str> = text.lines().take_while(|line| !line.contains("not shown")).collect();
    assert_eq!(table.len(), 21, "{text}");
    // The numbers need 44 columns, so the names get the 18 that they always have.
    for line in &table {
        assert_eq!(line.width(), 62, "{line:?}");
    }
    assert!(table.iter().any(|line| line.starts_with("+orders/eu/created 264 ")), "{text}");
}

#[test]
fn watching_draws_the_table_again_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.ndjson");
    fs::write(&path, "{\"client\":\"first\"}\n").unwrap();
    let command = moskit(&["qshape", "--watch", "0.1", path.to_str().unwrap()]);
    let mut run = OnTerminal::start(command);
    let before = run.wait_for("age unknown: 1 of 1\r\n");
    assert!(before.contains("\x1b[H\x1b[J") && before.contains("first"), "{before:?}");
    let next = folder.path().join("next");
    fs::write(&next, "{\"client\":\"first\"}\n{\"client\":\"second\"}\n").unwrap();
    fs::rename(&next, &path).unwrap();
    let after = run.wait_for("age unknown: 2 of 2\r\n");
    assert!(after.contains("\x1b[H\x1b[J") && after.contains("second"), "{after:?}");
    // A file that is away for a moment is told of, and read again when it is back.
    fs::rename(&path, &next).unwrap();
    run.wait_for("error: cannot read");
    fs::rename(&next, &path).unwrap();
    run.wait_for("age unknown: 2 of 2\r\n");
    kill_process(Pid::from_raw(run.child.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
    run.child.wait().unwrap();
    assert!(run.has_echo());
}

#[test]
fn watching_with_refresh_shows_what_was_published_since() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let configuration = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n",
        folder.path().display()
    );
    let Some(broker) = Mosquitto::start(folder.path(), &configuration) else { return };
    let port = port.to_string();
    let client = |program: &str, words: &[&str]| {
        let mut command = Command::new(installed(program).unwrap());
        let ended = run(command.args(["-p", &port]).args(words), b"");
        assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
    };
    client("mosquitto_sub", &["-i", "away", "-c", "-q", "1", "-t", "t", "-E"]);
    let (pid, path) = (broker.pid().to_string(), folder.path().join("mosquitto.db"));
    let words = ["qshape", "--watch", "0.1", "--refresh", "--pid", &pid, path.to_str().unwrap()];
    let mut watching = OnTerminal::start(moskit(&words));
    watching.wait_for("0 messages waiting\r\n");
    client("mosquitto_pub", &["-q", "1", "-t", "t", "-m", "x"]);
    watching.wait_for("1 message waiting\r\n");
}

/// A mosquitto.db of one message for one client; its payload is `length` bytes of nothing, which take
/// no room on the disk.
fn write_sparse(path: &Path, length: u32) {
    let mut file = File::create(path).unwrap();
    file.write_all(b"\x00\xB5\x00mosquitto db\0\0\0\0\0\0\0\x06").unwrap();
    let mut chunk = |kind: u32, length: u32, parts: &[&[u8]]| {
        file.write_all(&[&kind.to_be_bytes()[..], &length.to_be_bytes(), &parts.concat()].concat()).unwrap();
        let written = parts.iter().map(|part| part.len()).sum::<usize>();
        file.seek(SeekFrom::Current(i64::from(length) - written as i64)).unwrap();
    };
    let id = 5_u64.to_le_bytes();
    chunk(1, 16, &[&id, &[0, 8, 0, 0, 0, 0, 0, 0]]);
    let rest = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0];
    chunk(2, 33 + length, &[&id, &[0; 8], &length.to_be_bytes(), &rest, b"t"]);
    chunk(6, 25, &[&[0; 8], &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], b"c"]);
    chunk(3, 17, &[&id, &[0, 1, 0, 1, 1, 11, 0, 1], b"c"]);
}

#[test]
fn a_long_file_has_a_progress_bar_on_a_terminal_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mosquitto.db");
    write_sparse(&path, 200_000_000);
    let path = path.to_str().unwrap();
    let mut run = OnTerminal::start(moskit(&["qshape", path]));
    let shown = run.wait_for("age unknown: 1 of 1");
    assert!(shown.contains("MiB of 190.7"), "{shown:?}");
    let ended = qshape(&[path], "");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains("MiB"), "{ended:?}");
    let mut run = OnTerminal::start(moskit(&["qshape", "-q", path]));
    assert!(!run.wait_for("  c").contains("MiB"));
}

#[test]
fn purge_asks_before_it_acts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.ndjson");
    fs::write(&path, "{\"client\":\"c\"}\n").unwrap();
    let port = free_port().to_string();
    let words = ["qshape", "purge", "c", "-h", "127.0.0.1", "-p", &port, "--force", path.to_str().unwrap()];
    let mut run = OnTerminal::start(moskit(&words));
    run.wait_for("End the session of c and lose 1 message? Type yes:");
    run.type_in("y\n");
    run.wait_for("Nothing was removed.\r\n");
    assert_eq!(run.child.wait().unwrap().code(), Some(1));
    let mut run = OnTerminal::start(moskit(&words));
    run.wait_for("Type yes:");
    run.type_in("yes\n");
    run.wait_for("Connection refused\r\n");
    assert_eq!(run.child.wait().unwrap().code(), Some(1));
}

#[test]
fn on_a_narrow_terminal_no_line_of_the_table_wraps_and_all_are_counted() {
    let table = |columns| {
        let shown = plain(&shown(&[], columns, true)).replace("\r\n", "\n");
        shown.lines().take_while(|line| !line.contains(".db")).map(str::to_owned).collect::<Vec<_>>()
    };
    for columns in [40, 60, 80] {
        let lines = table(columns);
        assert!(lines.len() > 10);
        for line in &lines {
            assert_eq!(line.width(), usize::from(columns), "{line}");
        }
        let total = lines.iter().find(|line| line.contains("TOTAL")).unwrap();
        let numbers: Vec<u64> = total.split_whitespace().skip(1).map(|number| number.parse().unwrap()).collect();
        assert_eq!(numbers[0], numbers[1..].iter().sum::<u64>(), "{total}");
        let last = lines[0].split_whitespace().last().unwrap();
        assert_eq!(last, [(40, "40+"), (60, "640+"), (80, "1280+")].iter().find(|(c, _)| *c == columns).unwrap().1);
    }
    // Who asks for a width, or for columns, gets them.
    let wide = plain(&shown(&["-w", "80"], 40, false)).replace("\r\n", "\n");
    assert!(wide.starts_with(&format!("{}\n", table(80)[0])), "{wide}");
    let asked = plain(&shown(&["-b", "9"], 40, false));
    assert!(asked.lines().next().unwrap().ends_with("640+"), "{asked}");
}
