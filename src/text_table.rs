//! Tables of texts that cost nothing where nobody reads them.
//!
//! A `&str` in a table is an address, and the loader corrects each at each start, because the program may lie anywhere: a table of
//! 500 is two pages that are copied and written to before a `moskit pub` runs its first line. The texts of a [`Table`] are one
//! text without addresses.

/// Rows of `COLUMNS` texts, made by [`text_table!`](crate::text_table!).
#[derive(Clone, Copy, Debug)]
pub struct Table<const COLUMNS: usize> {
    /// All texts, one behind the other.
    text: &'static str,
    /// Where each of them ends.
    ends: &'static [[u32; COLUMNS]],
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// The table of what [`text`] and [`ends`] made of the same rows.
    pub const fn new(text: &'static [u8], ends: &'static [[u32; COLUMNS]]) -> Self {
        let Ok(text) = std::str::from_utf8(text) else { panic!("texts one behind the other are a text") };
        Self { text, ends }
    }

    pub fn rows(&self) -> impl Iterator<Item = [&'static str; COLUMNS]> {
        let text = self.text;
        let mut start = 0;
        self.ends.iter().map(move |ends| {
            ends.map(|end| {
                let begin = std::mem::replace(&mut start, end as usize);
                &text[begin..end as usize]
            })
        })
    }
}

/// A [`Table`] of so many columns: `text_table![2; ["a", "first"], ["b", "second"]]`.
#[macro_export]
macro_rules! text_table {
    ($columns:literal; $($row:expr),+ $(,)?) => {{
        const ROWS: &[[&str; $columns]] = &[$($row),+];
        const TEXT: [u8; $crate::text_table::length(ROWS)] = $crate::text_table::text(ROWS);
        const ENDS: [[u32; $columns]; ROWS.len()] = $crate::text_table::ends(ROWS);
        $crate::text_table::Table::new(&TEXT, &ENDS)
    }};
}

/// The bytes of all texts.
pub const fn length<const COLUMNS: usize>(rows: &[[&str; COLUMNS]]) -> usize {
    let cells = rows.as_flattened();
    let (mut sum, mut index) = (0, 0);
    while index < cells.len() {
        sum += cells[index].len();
        index += 1;
    }
    sum
}

/// All texts, one behind the other. `BYTES` is their [`length`].
pub const fn text<const COLUMNS: usize, const BYTES: usize>(rows: &[[&str; COLUMNS]]) -> [u8; BYTES] {
    let cells = rows.as_flattened();
    let mut text = [0; BYTES];
    let (mut end, mut index) = (0, 0);
    while index < cells.len() {
        let (_, free) = text.split_at_mut(end);
        let (place, _) = free.split_at_mut(cells[index].len());
        place.copy_from_slice(cells[index].as_bytes());
        end += cells[index].len();
        index += 1;
    }
    text
}

/// Where each text ends. `ROWS` is the number of rows.
pub const fn ends<const COLUMNS: usize, const ROWS: usize>(rows: &[[&str; COLUMNS]]) -> [[u32; COLUMNS]; ROWS] {
    let mut ends = [[0; COLUMNS]; ROWS];
    let (mut end, mut row) = (0, 0);
    while row < ROWS {
        let mut column = 0;
        while column < COLUMNS {
            end += rows[row][column].len();
            assert!(end <= u32::MAX as usize, "longer than 4 GiB");
            ends[row][column] = end as u32;
            column += 1;
        }
        row += 1;
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_texts_that_it_was_made_of() {
        const NAME: &str = "named";
        static TABLE: Table<2> = text_table![2; ["a", "first"], ["", "\u{e9} \u{20ac}"], [NAME, ""]];
        assert_eq!(TABLE.rows().collect::<Vec<_>>(), [["a", "first"], ["", "\u{e9} \u{20ac}"], ["named", ""]]);
    }
}
