//! The table as text: the layout of Postfix's qshape, in display columns instead of bytes.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Buckets, Counts, Row};
use crate::term::escape_controls;

/// Narrower names than this help nobody, unless all are shorter; a line may then exceed the width asked for.
const LEAST_NAME_WIDTH: usize = 18;

/// What to lay out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Display columns of a line.
    pub width: usize,
    /// Rows shown, TOTAL included; 0 for all.
    pub rows: usize,
    /// An extra column for messages in flight.
    pub in_flight: bool,
    /// Whether the oldest ages share a column where a line would be wider than asked for.
    pub folds: bool,
}

/// A number in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Padded to its column.
    pub text: String,
    pub count: u64,
    /// A column of ages, which has a heat.
    pub is_age: bool,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Padded or cut to the name column.
    pub name: String,
    pub is_total: bool,
    pub cells: Vec<Cell>,
}

/// The table, laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub head: Line,
    pub lines: Vec<Line>,
    /// Rows that `rows` left out.
    pub left_out: usize,
}

impl Table {
    /// Lays out `rows`, which are in order, with the row of `total` where it belongs.
    pub fn new(buckets: &Buckets, total: &Counts, rows: &[Row], layout: Layout) -> Self {
        // With what marks a parent and a space in front.
        let longest = rows.iter().map(|row| row.name.width() + 2).max().unwrap_or_default().max("TOTAL".len() + 1);
        let least_name_width = LEAST_NAME_WIDTH.min(longest);
        let width = |columns: &[Column]| columns.iter().map(|column| column.width).sum::<usize>();
        let mut ages = buckets.len();
        let mut columns = columns(buckets, ages, total, layout);
        while layout.folds && ages > 1 && width(&columns) + least_name_width > layout.width {
            ages -= 1;
            columns = self::columns(buckets, ages, total, layout);
        }
        let name_width = layout.width.saturating_sub(width(&columns)).max(least_name_width);
        let head = Line {
            name: " ".repeat(name_width),
            is_total: false,
            cells: columns.iter().map(|column| column.cell(&column.head, 0)).collect(),
        };
        let total_row = Row { name: "TOTAL".into(), is_parent: false, counts: total.clone() };
        // TOTAL has the greatest count; only a row that equals it and has a shorter name comes first.
        let before = rows.iter().take_while(|row| row.counts.total == total.total && row.name.len() < 5).count();
        let ordered = rows[..before].iter().chain([&total_row]).chain(&rows[before..]);
        let limit = if layout.rows == 0 { usize::MAX } else { layout.rows };
        let lines: Vec<_> = ordered
            .take(limit)
            .enumerate()
            .map(|(place, row)| Line {
                name: fit(&row.name, row.is_parent, name_width),
                is_total: place == before,
                cells: columns.iter().map(|column| column.number(&row.counts)).collect(),
            })
            .collect();
        let left_out = rows.len() + 1 - lines.len();
        Self { head, lines, left_out }
    }
}

impl Line {
    /// The line as it stands in the table.
    pub fn text(&self) -> String {
        let mut text = self.name.clone();
        text.extend(self.cells.iter().map(|cell| cell.text.as_str()));
        text
    }
}

struct Column {
    head: String,
    width: usize,
    is_age: bool,
    value: Box<dyn Fn(&Counts) -> u64>,
}

impl Column {
    fn new(head: String, is_age: bool, total: &Counts, value: impl Fn(&Counts) -> u64 + 'static) -> Self {
        let longest = head.len().max(value(total).to_string().len());
        let width = if longest > 2 { longest + 1 } else { 3 };
        Self { head, width, is_age, value: Box::new(value) }
    }

    fn cell(&self, text: &str, count: u64) -> Cell {
        Cell { text: format!("{text:>width$}", width = self.width), count, is_age: self.is_age }
    }

    fn number(&self, counts: &Counts) -> Cell {
        let count = (self.value)(counts);
        self.cell(&count.to_string(), count)
    }
}

/// The columns, `ages` of them for ages.
fn columns(buckets: &Buckets, ages: usize, total: &Counts, layout: Layout) -> Vec<Column> {
    let mut columns = vec![Column::new("T".into(), false, total, |counts| counts.total)];
    if layout.in_flight {
        columns.push(Column::new("F".into(), false, total, |counts| counts.in_flight));
    }
    for (bucket, head) in buckets.first_heads(ages).into_iter().enumerate() {
        let end = if bucket + 1 == ages { buckets.len() } else { bucket + 1 };
        let count = move |counts: &Counts| counts.buckets[bucket..end].iter().copied().fold(0, u64::saturating_add);
        columns.push(Column::new(head, true, total, count));
    }
    if total.unknown > 0 {
        columns.push(Column::new("?".into(), false, total, |counts| counts.unknown));
    }
    columns
}

/// `name`, right-aligned in `width` display columns. Of one that is too long the end is kept, behind
/// a `+`; of a domain parent the dot in front stays too.
fn fit(name: &str, is_parent: bool, width: usize) -> String {
    let name = escape_controls(name);
    let own_width = name.width();
    if own_width <= width {
        return " ".repeat(width - own_width) + &name;
    }
    let mark = if is_parent && name.starts_with('.') { ".+" } else { "+" };
    let room = width - mark.len();
    let tail = end_within(&name, room);
    format!("{}{mark}{tail}", " ".repeat(room - tail.width()))
}

/// The longest end of `name` that fits; a wide character that would stick out is left out.
fn end_within(name: &str, room: usize) -> &str {
    let mut width = 0;
    let fits = |(_, c): &(usize, char)| {
        width += c.width().unwrap_or(0);
        width <= room
    };
    let mut start = name.char_indices().rev().take_while(fits).last().map_or(name.len(), |(at, _)| at);
    // Together characters may be wider than one by one.
    while name[start..].width() > room {
        start += name[start..].chars().next().map_or(1, char::len_utf8);
    }
    // Marks whose letter was cut off belong to nothing.
    name[start..].trim_start_matches(|c: char| c.width() == Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::shape::Scale;

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(fit("abc", false, 5), "  abc");
        assert_eq!(fit("abcdef", false, 5), "+cdef");
        assert_eq!(fit(".abcdef", true, 5), ".+def");
        assert_eq!(fit("plant/a/#", true, 5), "+/a/#");
    }

    #[test]
    fn short_names_leave_their_room_to_the_columns_where_the_line_is_narrow() {
        let buckets = Buckets::new(10, 5.0, Scale::Doubling);
        let counts = || Counts { buckets: vec![0; 10], ..Counts::default() };
        let row = |name: &str| Row { name: name.to_owned(), is_parent: false, counts: counts() };
        let longest = |rows: &[Row], width| {
            let layout = Layout { width, rows: 0, in_flight: false, folds: false };
            Table::new(&buckets, &counts(), rows, layout).head.text().width()
        };
        let rows = [row("a"), row("bb")];
        let least = longest(&rows, 0);
        assert_eq!(longest(&rows, 80), 80);
        assert_eq!(longest(&rows, least + 1), least + 1);
        let long = [row("a-client-with-a-long-name")];
        assert_eq!(longest(&long, 0), least - "TOTAL ".len() + LEAST_NAME_WIDTH);
    }

    #[test]
    fn the_oldest_ages_share_a_column_where_the_line_is_narrow() {
        let buckets = Buckets::new(10, 5.0, Scale::Doubling);
        let counts = Counts { total: 55, buckets: (1..=10).collect(), ..Counts::default() };
        let rows = [Row { name: "a-client-with-a-long-name".to_owned(), is_parent: false, counts: counts.clone() }];
        let table = |width, folds| {
            let layout = Layout { width, rows: 0, in_flight: false, folds };
            let table = Table::new(&buckets, &counts, &rows, layout);
            [table.head.text(), table.lines[0].text()]
        };
        let numbers = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        assert_eq!(table(40, true).map(|line| numbers(&line)), ["T 5 10 20 40 80 80+", "TOTAL 55 1 2 3 4 5 40"]);
        for width in 30..100 {
            let [head, total] = table(width, true);
            assert_eq!((head.len(), total.len()), (width, width));
            let counts: Vec<u64> = total.split_whitespace().skip(1).map(|number| number.parse().unwrap()).collect();
            assert_eq!((counts[0], counts[1..].iter().sum::<u64>()), (55, 55), "{total}");
        }
        assert_eq!(table(80, true), table(80, false));
        // However narrow, all are counted.
        assert!(table(0, true)[1].ends_with(" 55 55"));
        assert!(table(0, true)[0].ends_with("  T 0+"));
    }

    #[test]
    fn widths_are_display_columns_and_control_characters_are_shown() {
        assert_eq!(fit("温度", false, 6), "  温度");
        assert_eq!(fit("温度温度", false, 6), " +温度".to_owned());
        assert_eq!(fit("a\u{1b}[2J\n", false, 12), r"  a\x1b[2J\n");
        // A letter with marks, and a family that is one character.
        assert_eq!(fit(&"e\u{301}\u{301}".repeat(4), false, 3), format!("+{}", "e\u{301}\u{301}".repeat(2)));
        assert_eq!(fit("👩\u{200d}👩\u{200d}👧abc", false, 4), "+abc");
    }

    #[test]
    fn the_longest_client_id_takes_no_time() {
        let name = "温".repeat(21_845);
        assert_eq!(fit(&name, false, 10), " +温温温温");
    }
}
