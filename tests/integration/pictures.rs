//! The README's pictures are what the programs print: each is drawn anew and compared, up to numbers, names that
//! are made by chance, and the line breaks that hang on them. `MOSKIT_DRAW=1 cargo test pictures` draws the files.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::run::{moskit, run};

/// Columns of the terminal that is drawn.
const COLUMNS: usize = 104;
const LINE_HEIGHT: usize = 19;
const CELL_WIDTH: f64 = 8.43;
const MARGIN: usize = 16;

const BACKGROUND: &str = "#1b1f24";
const FOREGROUND: &str = "#d5dbe1";

/// Where in the text of a terminal we are: as SGR has set it.
#[derive(Clone, Copy, Default, PartialEq)]
struct Style {
    bold: bool,
    dim: bool,
    colour: Option<&'static str>,
}

impl Style {
    fn set(&mut self, code: &str) {
        match code {
            "" | "0" => *self = Self::default(),
            "1" => self.bold = true,
            "2" => self.dim = true,
            "31" | "91" => self.colour = Some("#ff7b72"),
            "32" | "92" => self.colour = Some("#7ee787"),
            "33" | "93" => self.colour = Some("#e3b341"),
            "34" | "94" => self.colour = Some("#79c0ff"),
            "35" | "95" => self.colour = Some("#d2a8ff"),
            "36" | "96" => self.colour = Some("#76e3ea"),
            "39" => self.colour = None,
            other => panic!("SGR {other} is not drawn yet"),
        }
    }

    fn attributes(self) -> String {
        let mut text = String::new();
        if let Some(colour) = self.colour {
            write!(text, " fill=\"{colour}\"").unwrap();
        }
        if self.bold {
            text.push_str(" font-weight=\"bold\"");
        }
        if self.dim {
            text.push_str(" opacity=\"0.6\"");
        }
        text
    }
}

/// The cells of each line, as a terminal of [`COLUMNS`] breaks them.
fn cells(text: &str) -> Vec<Vec<(char, Style)>> {
    let mut style = Style::default();
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut cells = Vec::new();
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            if character != '\u{1b}' {
                cells.push((character, style));
                continue;
            }
            assert_eq!(characters.next(), Some('['), "only SGR is drawn");
            let codes: String = characters.by_ref().take_while(|end| *end != 'm').collect();
            codes.split(';').for_each(|code| style.set(code));
        }
        lines.push(cells);
    }
    lines
        .into_iter()
        .flat_map(|line| if line.is_empty() { vec![line] } else { line.chunks(COLUMNS).map(<[_]>::to_vec).collect() })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A terminal's text as a picture that needs nothing else.
fn draw(text: &str) -> String {
    let lines = cells(text);
    let width = (COLUMNS as f64 * CELL_WIDTH) as usize + 2 * MARGIN;
    let height = lines.len() * LINE_HEIGHT + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" \
         fill=\"{FOREGROUND}\" xml:space=\"preserve\">\n"
    );
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let y = MARGIN + (number + 1) * LINE_HEIGHT - 5;
        // A fixed length keeps the columns where another font is wider.
        let length = line.len() as f64 * CELL_WIDTH;
        write!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" textLength=\"{length:.0}\">").unwrap();
        for run in line.chunk_by(|one, other| one.1 == other.1) {
            let text = escape(&run.iter().map(|(character, _)| character).collect::<String>());
            let attributes = run[0].1.attributes();
            if attributes.is_empty() {
                svg.push_str(&text);
            } else {
                write!(svg, "<tspan{attributes}>{text}</tspan>").unwrap();
            }
        }
        svg.push_str("</text>\n");
    }
    svg + "</g>\n</svg>\n"
}

/// The words of a picture, without what differs from run to run.
fn words(svg: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for character in svg.chars() {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            _ if inside => {}
            _ if character.is_whitespace() => {}
            _ if character.is_ascii_digit() || character == '.' => {
                if !text.ends_with('0') {
                    text.push('0');
                }
            }
            other => text.push(other),
        }
    }
    text
}

/// Compares the committed picture, or draws it.
fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let drawn = draw(text);
    if std::env::var_os("MOSKIT_DRAW").is_some() {
        fs::write(&path, &drawn).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(words(&committed), words(&drawn), "{name} is stale; draw it: MOSKIT_DRAW=1 cargo test pictures");
}

/// What `words` print on both streams, with colours, below the command as a user types it.
fn shown(prompt: &str, words: &[&str], folder: &Path) -> String {
    let ended = run(moskit(words).current_dir(folder).env("CLICOLOR_FORCE", "1"), b"");
    format!("\u{1b}[1m$ {prompt}\u{1b}[0m\n{}{}\n", ended.stderr, ended.stdout)
}

#[test]
fn the_picture_of_the_demo_is_what_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let story = run(moskit(&["demo", "--fast"]).current_dir(folder.path()).env("CLICOLOR_FORCE", "1"), b"");
    assert_eq!(story.code, 0, "{story:?}");
    // The pictures' place is short: from the phone that goes away until it is back.
    let from = story.stdout.lines().position(|line| line.contains("6. A phone")).unwrap();
    let until = story.stdout.lines().position(|line| line.contains("9. Something breaks")).unwrap();
    let part: Vec<_> = story.stdout.lines().skip(from).take(until - from - 1).collect();
    compare("demo.svg", &part.join("\n"));
}

#[test]
fn the_picture_of_check_is_what_it_finds() {
    let folder = tempfile::tempdir().unwrap();
    let check = "exec moskit check -h localhost -p $MQTT_PORT --cafile $MQTT_CAFILE";
    let broker = ["broker", "--tls", "--fault", "wrong-host-cert", "--run", check];
    let bin = folder.path().join("moskit");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_moskit"), bin).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command = moskit(&broker);
    let ended = run(command.current_dir(folder.path()).env("PATH", path).env("CLICOLOR_FORCE", "1"), b"");
    assert_eq!(ended.code, 1, "{ended:?}");
    let prompt = "\u{1b}[1m$ moskit check -h localhost -p 8883 --cafile ca.crt\u{1b}[0m\n";
    // On some machines ::1 is the first address of localhost, on others there is none.
    let shown =
        ended.stdout.replace("::1, 127.0.0.1", "127.0.0.1").replace("[::1]", "127.0.0.1").replace("::1", "127.0.0.1");
    compare("check.svg", &format!("{prompt}{shown}"));
}

#[test]
fn the_picture_of_qshape_is_what_it_counts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pictures");
    let at = ["--at", "2026-11-22T12:00:00Z", "-w", "104"];
    let table = shown("moskit qshape waiting.ndjson", &[&["qshape", "waiting.ndjson"], &at[..]].concat(), &folder);
    let why = ["qshape", "explain", "plant-7-gateway", "waiting.ndjson", "--at", "2026-11-22T12:00:00Z"];
    let why = shown("moskit qshape explain plant-7-gateway waiting.ndjson", &why, &folder);
    compare("qshape.svg", &format!("{table}{}", why.trim_end()));
}
