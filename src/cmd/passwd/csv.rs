//! The CSV file of `--import`: user and password, as RFC 4180 writes them.

use zeroize::Zeroizing;

/// A user and a password.
pub type Row = (Vec<u8>, Zeroizing<Vec<u8>>);

/// What is wrong with the file. Lines are counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub enum CsvError {
    /// Not two fields.
    Fields { line: usize, count: usize },
    /// A quote that is never closed.
    OpenQuote { line: usize },
    /// Something stands between a closing quote and the comma.
    AfterQuote { line: usize },
    /// The user had a row before.
    Duplicate { line: usize, before: usize },
}

/// Reads the rows, each with the line it begins on. Blank lines are passed over, and so is a first
/// row of the names `user` or `username` and `password`.
pub fn parse(text: &[u8]) -> Result<Vec<(usize, Row)>, CsvError> {
    let mut rows: Vec<(usize, Row)> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    let mut rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let start = line;
        let (fields, after) = row(rest, &mut line)?;
        rest = after;
        if fields.len() == 1 && fields[0].is_empty() {
            continue;
        }
        let [user, password] =
            <[Field; 2]>::try_from(fields).map_err(|fields| CsvError::Fields { line: start, count: fields.len() })?;
        let is_header = start == 1
            && (user.eq_ignore_ascii_case(b"user") || user.eq_ignore_ascii_case(b"username"))
            && password.eq_ignore_ascii_case(b"password");
        if is_header {
            continue;
        }
        if let Some(before) = seen.insert(user.to_vec(), start) {
            return Err(CsvError::Duplicate { line: start, before });
        }
        rows.push((start, (user.to_vec(), password)));
    }
    Ok(rows)
}

type Field = Zeroizing<Vec<u8>>;

/// One row and what follows its line end. `line` is moved on.
fn row<'t>(text: &'t [u8], line: &mut usize) -> Result<(Vec<Field>, &'t [u8]), CsvError> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = if rest.first() == Some(&b'"') { quoted(&rest[1..], line)? } else { plain(rest) };
        fields.push(field);
        rest = match after {
            [b',', after @ ..] => after,
            [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => {
                *line += 1;
                return Ok((fields, after));
            }
            [] => return Ok((fields, after)),
            _ => return Err(CsvError::AfterQuote { line: *line }),
        };
    }
}

fn plain(text: &[u8]) -> (Field, &[u8]) {
    let end = text.iter().position(|byte| matches!(byte, b',' | b'\n')).unwrap_or(text.len());
    let at_line_end = text.get(end) != Some(&b',');
    let end = if at_line_end && end > 0 && text[end - 1] == b'\r' { end - 1 } else { end };
    let after = if text[end..] == *b"\r" { &[] } else { &text[end..] };
    (Zeroizing::new(text[..end].to_vec()), after)
}

/// The field after its opening quote; two quotes stand for one.
fn quoted<'t>(text: &'t [u8], line: &mut usize) -> Result<(Field, &'t [u8]), CsvError> {
    let start = *line;
    let mut field = Zeroizing::new(Vec::with_capacity(memchr::memchr(b'\n', text).unwrap_or(text.len())));
    let mut rest = text;
    loop {
        match rest {
            [b'"', b'"', after @ ..] => {
                field.push(b'"');
                rest = after;
            }
            [b'"', after @ ..] => return Ok((field, after)),
            [byte, after @ ..] => {
                *line += usize::from(*byte == b'\n');
                field.push(*byte);
                rest = after;
            }
            [] => return Err(CsvError::OpenQuote { line: start }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(usize, String, String)>, CsvError> {
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let rows = parse(text.as_bytes())?;
        Ok(rows.iter().map(|(line, (user, password))| (*line, text_of(user), text_of(password))).collect())
    }

    fn row(line: usize, user: &str, password: &str) -> (usize, String, String) {
        (line, user.into(), password.into())
    }

    #[test]
    fn rows_are_read_with_quotes_and_without() {
        let text = "ann,secret\r\n\"b,ob\",\"say \"\"hi\"\"\nthere\"\n\ncat,\ndan,a:b";
        let expected =
            [row(1, "ann", "secret"), row(2, "b,ob", "say \"hi\"\nthere"), row(5, "cat", ""), row(6, "dan", "a:b")];
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read("").unwrap(), []);
        assert_eq!(read("a,b\r\n").unwrap(), [row(1, "a", "b")]);
        assert_eq!(read("a,b\r").unwrap(), [row(1, "a", "b")]);
    }

    #[test]
    fn a_first_row_of_names_is_no_user() {
        assert_eq!(read("Username,Password\na,b\n").unwrap(), [row(2, "a", "b")]);
        assert_eq!(read("\u{feff}user,password\n").unwrap(), []);
        assert_eq!(read("a,b\nuser,password\n").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_row_is_named_by_its_line() {
        assert_eq!(read("a,b\nc\n"), Err(CsvError::Fields { line: 2, count: 1 }));
        assert_eq!(read("a,b,c\n"), Err(CsvError::Fields { line: 1, count: 3 }));
        assert_eq!(read("a,b\n\"c,d\ne\n"), Err(CsvError::OpenQuote { line: 2 }));
        assert_eq!(read("\"a\"x,b\n"), Err(CsvError::AfterQuote { line: 1 }));
        assert_eq!(read("a,b\nc,d\na,e\n"), Err(CsvError::Duplicate { line: 3, before: 1 }));
    }

    proptest::proptest! {
        #[test]
        fn what_a_spreadsheet_writes_is_read_back(
            rows in proptest::collection::vec(("[ -~é\r\n]{0,8}", "[ -~é\r\n]{0,8}"), 0..6)
        ) {
            let users: std::collections::HashSet<_> = rows.iter().map(|(user, _)| user).collect();
            proptest::prop_assume!(users.len() == rows.len());
            let quote = |field: &str| format!("\"{}\"", field.replace('"', "\"\""));
            let text: Vec<String> = rows.iter().map(|(user, password)| format!("{},{}\r\n", quote(user), quote(password))).collect();
            let read: Vec<_> = read(&text.concat()).unwrap().into_iter().map(|(_, user, password)| (user, password)).collect();
            assert_eq!(read, rows);
        }

        #[test]
        fn no_text_is_too_strange(text in "[a,\"\r\n]{0,30}") {
            let _ = parse(text.as_bytes());
        }
    }
}
