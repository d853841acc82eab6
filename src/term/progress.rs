//! A line that says how far long work is, on standard error and only where a person looks at it.
//!
//! No crate draws it, because those that do smooth the rate with a power: that takes the C library's libm into the program, which is
//! found, mapped and bound at each start of every verb.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Term;
use crate::os::terminal;

/// How long a line stands before the next one is drawn.
const STEP: Duration = Duration::from_millis(100);
/// Columns of a terminal that does not say how many it has.
const USUAL_COLUMNS: usize = 80;
/// Columns of a bar that still says something; a shorter one is left out.
const SHORTEST_BAR: usize = 5;
const SPINNER: &[&str] = &["|", "/", "-", "\\"];

/// How far a piece of work is. Counting is cheap and may be done from any thread; dropped, the line is gone.
#[derive(Debug)]
pub struct Progress {
    position: AtomicU64,
    /// `None` where nobody looks.
    drawn: Option<Mutex<Drawn>>,
    line: Line,
    begun: Instant,
}

/// What a line tells.
#[derive(Debug)]
struct Line {
    /// `None` where nobody knows it.
    length: Option<u64>,
    unit: Unit,
    with_rate: bool,
}

#[derive(Debug)]
enum Unit {
    /// Things of that name.
    Noun(String),
    /// A part of a file.
    Bytes,
}

/// What was drawn last, and how often.
#[derive(Debug, Default)]
struct Drawn {
    at: Option<Instant>,
    count: usize,
}

impl Term {
    /// A bar of `length` steps, which are called `noun`. Nothing is drawn when quiet or when
    /// standard error is no terminal.
    pub fn progress(&self, length: u64, noun: &str) -> Progress {
        self.line_of(Line { length: Some(length), unit: Unit::Noun(noun.to_owned()), with_rate: false })
    }

    /// The same with the rate; without a length where nobody knows it.
    pub fn progress_with_rate(&self, length: Option<u64>, noun: &str) -> Progress {
        self.line_of(Line { length, unit: Unit::Noun(noun.to_owned()), with_rate: true })
    }

    /// A bar for a file of so many bytes.
    pub fn progress_of_file(&self, length: u64) -> Progress {
        self.line_of(Line { length: Some(length), unit: Unit::Bytes, with_rate: false })
    }

    fn line_of(&self, line: Line) -> Progress {
        let is_seen = self.err_is_terminal() && !self.is_quiet();
        let drawn = is_seen.then(Mutex::default);
        Progress { position: AtomicU64::new(0), drawn, line, begun: Instant::now() }
    }
}

impl Progress {
    pub fn add(&self, steps: u64) {
        self.position.fetch_add(steps, Ordering::Relaxed);
        self.draw();
    }

    /// The work is so far.
    pub fn reach(&self, position: u64) {
        self.position.store(position, Ordering::Relaxed);
        self.draw();
    }

    /// Draws the line anew if it is time for it and no other thread does.
    fn draw(&self) {
        let Some(Ok(mut drawn)) = self.drawn.as_ref().map(Mutex::try_lock) else { return };
        let now = Instant::now();
        if drawn.at.is_some_and(|at| now.saturating_duration_since(at) < STEP) {
            return;
        }
        drawn.at = Some(now);
        drawn.count += 1;
        let elapsed = now.saturating_duration_since(self.begun);
        let columns = terminal::error_columns().map_or(USUAL_COLUMNS, usize::from);
        let line = self.line.text(self.position.load(Ordering::Relaxed), elapsed, drawn.count, columns);
        write_over(&line);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            write_over("");
        }
    }
}

/// Puts a text in the place of the line. A terminal that is gone shows none.
fn write_over(line: &str) {
    let _ = io::stderr().lock().write_all(format!("\r\x1b[K{line}").as_bytes());
}

impl Line {
    /// The line after `elapsed`, not wider than the terminal: what would wrap could not be written over.
    fn text(&self, position: u64, elapsed: Duration, count: usize, columns: usize) -> String {
        let steps_per_second = position as f64 / elapsed.as_secs_f64().max(0.001);
        let rate = if self.with_rate { format!(", {steps_per_second:.1}/s") } else { String::new() };
        // The last column stays free: some terminals go on to the next line after it.
        let room = columns.saturating_sub(1);
        let Some(length) = self.length else {
            let words = format!("{} {}{rate}", SPINNER[count % SPINNER.len()], self.unit.count(position));
            return words.chars().take(room).collect();
        };
        let left = match position {
            0 => "-".to_owned(),
            _ => seconds_text((length.saturating_sub(position) as f64 / steps_per_second) as u64),
        };
        let words = match &self.unit {
            Unit::Noun(noun) => format!("{position}/{length} {noun}{rate} ({left} left)"),
            Unit::Bytes => format!("{} of {}, {left} left", bytes_text(position), bytes_text(length)),
        };
        let bar = room.saturating_sub(words.chars().count() + 1);
        if bar < SHORTEST_BAR {
            return words.chars().take(room).collect();
        }
        let share = if length == 0 { 1.0 } else { position.min(length) as f64 / length as f64 };
        let filled = (bar as f64 * share) as usize;
        format!("{}{} {words}", "\u{2588}".repeat(filled), "\u{2591}".repeat(bar - filled))
    }
}

impl Unit {
    fn count(&self, position: u64) -> String {
        match self {
            Self::Noun(noun) => format!("{position} {noun}"),
            Self::Bytes => bytes_text(position),
        }
    }
}

/// `190.73 MiB`.
fn bytes_text(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64 / 1024.0;
    let mut unit = units[0];
    for larger in &units[1..] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    format!("{size:.2} {unit}")
}

/// `12s`, `3m`, `2h`.
fn seconds_text(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(length: Option<u64>, unit: Unit, with_rate: bool) -> Line {
        Line { length, unit, with_rate }
    }

    #[test]
    fn a_line_fits_the_terminal_and_tells_less_before_it_wraps() {
        let passwords = line(Some(200), Unit::Noun("passwords".into()), false);
        let text = |columns| passwords.text(50, Duration::from_secs(10), 1, columns);
        assert_eq!(text(40), "██░░░░░░░░░ 50/200 passwords (30s left)");
        assert_eq!(text(30), "50/200 passwords (30s left)");
        assert_eq!(text(10), "50/200 pa");
        assert_eq!(text(0), "");
        for columns in 0..200 {
            assert!(text(columns).chars().count() < columns.max(1), "{columns}");
        }
    }

    #[test]
    fn a_line_tells_what_is_known() {
        let second = Duration::from_secs(1);
        let devices = || Unit::Noun("devices".into());
        assert_eq!(line(None, devices(), true).text(7, 2 * second, 1, 80), "/ 7 devices, 3.5/s");
        let known = line(Some(4000), devices(), true);
        assert!(known.text(0, Duration::ZERO, 1, 80).ends_with("░ 0/4000 devices, 0.0/s (- left)"));
        assert!(known.text(1, 2 * second, 1, 80).ends_with("1/4000 devices, 0.5/s (2h left)"));
        assert!(known.text(4000, second, 1, 80).ends_with("█ 4000/4000 devices, 4000.0/s (0s left)"));
        // More than was announced, and nothing at all.
        assert!(known.text(5000, second, 1, 80).ends_with("█ 5000/4000 devices, 5000.0/s (0s left)"));
        assert!(line(Some(0), devices(), false).text(0, second, 1, 80).ends_with("█ 0/0 devices (- left)"));
        let file = line(Some(200_000_000), Unit::Bytes, false);
        assert!(file.text(2048, second, 1, 80).ends_with("░ 2.00 KiB of 190.73 MiB, 27h left"));
    }

    #[test]
    fn nobody_sees_a_line_that_is_no_terminal() {
        let term = Term::from_writers(Box::new(io::sink()), Box::new(io::sink()));
        let progress = term.progress(2, "steps");
        progress.add(1);
        progress.reach(2);
        assert!(progress.drawn.is_none());
    }
}
