//! What `certgen batch` is to make, a row each: CSV with a first line of column names, or lines of JSON.

use std::io::{self, BufRead};

use serde_json::Value;

use crate::pki::make::KeyType;

/// The longest row. A certificate of that many names would have more than most devices take.
const ROW_LIMIT: usize = 64 * 1024;

/// The columns of CSV, and the members of JSON.
const COLUMNS: [&str; 6] = ["id", "san", "days", "key", "org", "org_unit"];

/// The most days that are taken, as of `--days`.
const DAYS_LIMIT: u32 = 3_650_000;

/// The most rows: as many certificates as an index of a CA is made for, several times over.
pub const ROWS_LIMIT: u32 = 10_000_000;

/// One device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub names: Vec<String>,
    pub days: Option<u32>,
    pub key: Option<KeyType>,
    pub org: Option<String>,
    pub org_unit: Option<String>,
}

/// The number of a line, and the row that it is or what is wrong with it.
pub type Found = (usize, Result<Row, String>);

/// Rows as they are read, each with the number of its line.
pub struct Rows<R> {
    source: R,
    line: Vec<u8>,
    number: usize,
    /// The columns of CSV; `None` before the first line, empty for JSON.
    columns: Option<Vec<&'static str>>,
}

/// Why there are no rows.
#[derive(Debug)]
pub enum NoRows {
    Read(io::Error),
    /// The first line of CSV is not one of column names.
    Columns(String),
}

impl<R: BufRead> Rows<R> {
    pub fn new(source: R) -> Self {
        Self { source, line: Vec::new(), number: 0, columns: None }
    }

    /// The next row, or what is wrong with its line. `None` at the end.
    pub fn next_row(&mut self) -> Result<Option<Found>, NoRows> {
        loop {
            if !self.read_line().map_err(NoRows::Read)? {
                return Ok(None);
            }
            let number = self.number;
            let Ok(text) = std::str::from_utf8(&self.line) else {
                return Ok(Some((number, Err("it is no UTF-8".to_owned()))));
            };
            let text = text.strip_suffix('\n').unwrap_or(text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            let text = if number == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
            if self.line.len() > ROW_LIMIT {
                return Ok(Some((number, Err(format!("it has more than {ROW_LIMIT} bytes")))));
            }
            if text.trim().is_empty() {
                continue;
            }
            match &self.columns {
                None if text.trim_start().starts_with('{') => {
                    self.columns = Some(Vec::new());
                    return Ok(Some((number, from_json(text))));
                }
                None => self.columns = Some(columns(text).map_err(NoRows::Columns)?),
                Some(columns) if columns.is_empty() => return Ok(Some((number, from_json(text)))),
                Some(columns) => return Ok(Some((number, from_csv(text, columns)))),
            }
        }
    }

    /// Reads a line of any length, and keeps no more of it than shows that it is too long.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.number += 1;
        io::Read::take(&mut self.source, ROW_LIMIT as u64 + 1).read_until(b'\n', &mut self.line)?;
        if self.line.len() > ROW_LIMIT && !self.line.ends_with(b"\n") {
            self.source.skip_until(b'\n')?;
            // Cut where it may be, so that it is not taken for text of another kind.
            self.line.fill(b'x');
        }
        Ok(!self.line.is_empty())
    }
}

fn columns(line: &str) -> Result<Vec<&'static str>, String> {
    let mut columns: Vec<&'static str> = Vec::new();
    for name in fields(line)? {
        let name = name.trim().to_ascii_lowercase();
        let known = COLUMNS.iter().find(|known| **known == name).ok_or_else(|| format!("`{name}` is no column"))?;
        if columns.contains(known) {
            return Err(format!("the column `{name}` is there twice"));
        }
        columns.push(known);
    }
    if columns.contains(&"id") { Ok(columns) } else { Err("there is no column `id`".to_owned()) }
}

fn from_csv(line: &str, columns: &[&'static str]) -> Result<Row, String> {
    let fields = fields(line)?;
    if fields.len() != columns.len() {
        return Err(format!("it has {} fields, the first line has {}", fields.len(), columns.len()));
    }
    let mut row = Row::default();
    for (column, field) in columns.iter().zip(fields) {
        let field = field.trim();
        if !field.is_empty() {
            row.set(column, field)?;
        }
    }
    row.checked()
}

fn from_json(line: &str) -> Result<Row, String> {
    let value: Value = serde_json::from_str(line).map_err(|_| "it is no JSON".to_owned())?;
    let object = value.as_object().ok_or_else(|| "it is no JSON object".to_owned())?;
    let mut row = Row::default();
    for (member, value) in object {
        let known = COLUMNS.iter().find(|known| *known == member).ok_or_else(|| format!("`{member}` is not known"))?;
        match value {
            Value::Null => {}
            Value::String(text) => row.set(known, text)?,
            Value::Number(number) if *known == "days" || *known == "id" => row.set(known, &number.to_string())?,
            Value::Array(names) if *known == "san" => {
                for name in names {
                    row.names.push(name.as_str().ok_or_else(|| "a name in `san` is no text".to_owned())?.to_owned());
                }
            }
            _ => return Err(format!("`{member}` is neither text nor a number")),
        }
    }
    row.checked()
}

impl Row {
    fn set(&mut self, column: &str, text: &str) -> Result<(), String> {
        match column {
            "id" => text.clone_into(&mut self.id),
            "san" => self.names.extend(text.split([',', ';', ' ']).filter(|name| !name.is_empty()).map(str::to_owned)),
            "days" => {
                let days = text.parse().ok().filter(|days| (1..=DAYS_LIMIT).contains(days));
                self.days = Some(days.ok_or_else(|| format!("`{text}` is no number of days"))?);
            }
            "key" => {
                let kind = KeyType::OFFERED.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
                self.key = Some(kind.ok_or_else(|| format!("`{text}` is no type of key"))?);
            }
            "org" => self.org = Some(text.to_owned()),
            _ => self.org_unit = Some(text.to_owned()),
        }
        Ok(())
    }

    fn checked(self) -> Result<Self, String> {
        if self.id.is_empty() { Err("it has no `id`".to_owned()) } else { Ok(self) }
    }
}

/// The fields of a line of CSV (RFC 4180, without line breaks in fields).
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let mut field = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted;
            loop {
                let end = rest.find('"').ok_or_else(|| "a quote is not closed".to_owned())?;
                field.push_str(&rest[..end]);
                rest = &rest[end + 1..];
                match rest.strip_prefix('"') {
                    Some(after) => {
                        field.push('"');
                        rest = after;
                    }
                    None => break,
                }
            }
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            field.push_str(&rest[..end]);
            if field.contains('"') {
                return Err("a quote stands within a field".to_owned());
            }
            rest = &rest[end..];
        }
        fields.push(field);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Ok(fields),
            None => return Err("a quoted field goes on behind its quote".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(usize, Result<Row, String>)> {
        let mut rows = Rows::new(text.as_bytes());
        std::iter::from_fn(|| rows.next_row().unwrap()).collect()
    }

    fn row(id: &str) -> Row {
        Row { id: id.to_owned(), ..Row::default() }
    }

    #[test]
    fn csv_and_json_say_the_same() {
        let names = vec!["a.lan".to_owned(), "urn:dev:1".to_owned()];
        let full =
            Row { names, days: Some(30), key: Some(KeyType::Ed25519), org: Some("A, \"B\"".to_owned()), ..row("dev1") };
        let csv = "\u{feff}id,SAN,days,key,org\r\ndev1,a.lan urn:dev:1,30,ed25519,\"A, \"\"B\"\"\"\r\n\r\ndev2,,,,\n";
        let json = "{\"id\":\"dev1\",\"san\":[\"a.lan\",\"urn:dev:1\"],\"days\":30,\"key\":\"ed25519\",\"org\":\"A, \\\"B\\\"\"}\n\n{\"id\":\"dev2\"}";
        assert_eq!(all(csv), [(2, Ok(full.clone())), (4, Ok(row("dev2")))]);
        assert_eq!(all(json), [(1, Ok(full)), (3, Ok(row("dev2")))]);
    }

    #[test]
    fn a_bad_line_says_what_is_wrong_and_the_next_is_read() {
        let long = "x".repeat(ROW_LIMIT + 1);
        let text = format!("id,days\na\nb,x\nc,0\n\"d,1\ne\"f,1\n,1\n{long}\n\"g\"h,1\ni,2\n");
        let found: Vec<_> = all(&text).into_iter().map(|(line, row)| (line, row.map(|row| row.id))).collect();
        let bad = |text: &str| Err(text.to_owned());
        assert_eq!(
            found,
            [
                (2, bad("it has 1 fields, the first line has 2")),
                (3, bad("`x` is no number of days")),
                (4, bad("`0` is no number of days")),
                (5, bad("a quote is not closed")),
                (6, bad("a quote stands within a field")),
                (7, bad("it has no `id`")),
                (8, bad(&format!("it has more than {ROW_LIMIT} bytes"))),
                (9, bad("a quoted field goes on behind its quote")),
                (10, Ok("i".to_owned())),
            ]
        );
        for (line, why) in [
            ("{\"id\":1.5e3,\"x\":1}", "`x` is not known"),
            ("{\"id\":[]}", "`id` is neither text nor a number"),
            ("{\"id\":\"a\",\"san\":[1]}", "a name in `san` is no text"),
            ("{\"san\":\"a\"}", "it has no `id`"),
            ("{\"id\":", "it is no JSON"),
        ] {
            assert_eq!(all(line), [(1, Err(why.to_owned()))], "{line}");
        }
    }

    #[test]
    fn without_column_names_there_are_no_rows() {
        for (text, why) in [
            ("dev1\n", "`dev1` is no column"),
            ("days\n1\n", "there is no column `id`"),
            ("id,id\n", "the column `id` is there twice"),
        ] {
            let Err(NoRows::Columns(found)) = Rows::new(text.as_bytes()).next_row() else { panic!("{text}") };
            assert_eq!(found, why);
        }
    }
}
