//! `sub --watch` on a terminal: the screen has a line for each topic.

use std::collections::HashMap;

use unicode_width::UnicodeWidthChar as _;

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

/// Most topics that are told apart; no screen has as many rows.
const MAXIMUM_TOPICS: usize = 10_000;

/// The row of the first topic, from 1; the one above has the broker.
const FIRST_ROW: usize = 2;

const ESCAPE: u8 = 0x1b;

/// Which row each topic has, in the order in which they came.
#[derive(Debug, Default)]
pub struct Screen {
    topics: HashMap<String, usize>,
}

impl Screen {
    /// Appends what shows `line` in the row of `topic`, and leaves the cursor below all rows. Topics that have no row are
    /// counted in the last one.
    pub fn show(&mut self, topic: &str, line: &[u8], size: Size, out: &mut Vec<u8>) {
        let next = self.topics.len();
        let place = match self.topics.get(topic) {
            Some(place) => *place,
            None if next < MAXIMUM_TOPICS => {
                self.topics.insert(topic.to_owned(), next);
                next
            }
            None => next,
        };
        let row = FIRST_ROW + place;
        if row < usize::from(size.rows) {
            go_to(row, out);
            put_cut(line, size.columns.into(), out);
        }
        let unshown = (FIRST_ROW + self.topics.len()).saturating_sub(size.rows.into());
        go_to(self.row_below(size), out);
        if unshown > 0 {
            out.extend_from_slice(format!("… {unshown} more").as_bytes());
        }
    }

    /// Leaves the screen for whoever writes to it next.
    pub fn leave(&self, size: Size, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[0m");
        let below = self.row_below(size);
        go_to(below, out);
        if below == usize::from(size.rows) {
            out.extend_from_slice(b"\r\n");
        }
    }

    fn row_below(&self, size: Size) -> usize {
        (FIRST_ROW + self.topics.len()).min(size.rows.into())
    }
}

/// Clears the row before it is written: behind a full row the cursor still stands on its last column.
fn go_to(row: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\x1b[{row};1H\x1b[K").as_bytes());
}

/// Appends the first line of `line`, cut to the columns. The user's own format may have escapes, whose width nobody knows.
fn put_cut(line: &[u8], columns: usize, out: &mut Vec<u8>) {
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.contains(&ESCAPE) {
        out.extend_from_slice(line);
        return;
    }
    let text = String::from_utf8_lossy(line);
    let mut width = 0;
    // Where the text ends if a mark has to follow it.
    let mut fits = 0;
    for (at, c) in text.char_indices() {
        width += c.width().unwrap_or(0);
        if width > columns {
            out.extend_from_slice(&text.as_bytes()[..fits]);
            out.extend_from_slice("…".as_bytes());
            return;
        }
        if width < columns {
            fits = at + c.len_utf8();
        }
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 8, rows: 5 };

    fn shown(screen: &mut Screen, topic: &str, line: &str) -> String {
        let mut out = Vec::new();
        screen.show(topic, line.as_bytes(), SIZE, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_topic_keeps_its_row_and_those_beyond_the_screen_are_counted() {
        let mut screen = Screen::default();
        assert_eq!(shown(&mut screen, "a", "a 1"), "\x1b[2;1H\x1b[Ka 1\x1b[3;1H\x1b[K");
        assert_eq!(shown(&mut screen, "b", "b 1"), "\x1b[3;1H\x1b[Kb 1\x1b[4;1H\x1b[K");
        assert_eq!(shown(&mut screen, "a", "a 2"), "\x1b[2;1H\x1b[Ka 2\x1b[4;1H\x1b[K");
        shown(&mut screen, "c", "c 1");
        assert_eq!(shown(&mut screen, "d", "d 1"), "\x1b[5;1H\x1b[K… 1 more");
        assert_eq!(shown(&mut screen, "e", "e 1"), "\x1b[5;1H\x1b[K… 2 more");
        let mut out = Vec::new();
        screen.leave(SIZE, &mut out);
        assert_eq!(out, b"\x1b[0m\x1b[5;1H\x1b[K\r\n");
    }

    #[test]
    fn a_line_is_cut_by_the_columns_that_it_takes() {
        let cut = |line: &str| {
            let mut out = Vec::new();
            put_cut(line.as_bytes(), 8, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(cut("12345678"), "12345678");
        assert_eq!(cut("123456789"), "1234567…");
        assert_eq!(cut("温度温度"), "温度温度");
        assert_eq!(cut("温度温度x"), "温度温…");
        assert_eq!(cut("a温度温度"), "a温度温…");
        assert_eq!(cut("two\nlines"), "two");
        assert_eq!(cut("\x1b[1m123456789\x1b[0m"), "\x1b[1m123456789\x1b[0m");
    }
}
