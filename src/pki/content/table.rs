//! Lists of variables, and the table of `nvs_partition_gen.py` of ESP-IDF.

use zeroize::Zeroizing;

use super::value::{VALUES_LIMIT, Value};

/// The first line of the table.
const PARTITION_HEAD: &str = "key,type,encoding,value";

const COLUMNS: usize = 4;

/// What a row of a table holds, or names.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    Value(Value),
    /// A file, by its path from that of the table on.
    File {
        path: String,
        is_hexadecimal: bool,
    },
}

/// The variables of a text whose lines are `NAME=VALUE`, as for a shell or systemd; `None` if a line is something else.
pub fn variables(text: &str) -> Option<Vec<Value>> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return None;
        }
        if found.len() > VALUES_LIMIT {
            break;
        }
        let quoted = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        let bytes = match quoted('"') {
            Some(inside) => inside.replace("\\n", "\n"),
            None => quoted('\'').unwrap_or(value).to_owned(),
        };
        found.push(Value::new(name, Zeroizing::new(bytes.into_bytes())));
    }
    (!found.is_empty()).then_some(found)
}

/// Whether a text is such a table.
pub fn is_partition(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line.replace(' ', "").eq_ignore_ascii_case(PARTITION_HEAD))
}

/// The rows of such a table that have texts, bytes or files; `None` if it has more rows than are looked at.
pub fn partition(text: &str) -> Option<Vec<Entry>> {
    let rows = rows(text)?.into_iter().skip_while(|row| row[0].starts_with('#')).skip(1);
    Some(rows.filter_map(|row| entry(&row)).collect())
}

fn entry(row: &[String]) -> Option<Entry> {
    // nvs_partition_gen.py takes no notice of more columns.
    let [name, kind, encoding, value, ..] = row else { return None };
    let is_hexadecimal = matches!(encoding.trim(), "hex2bin");
    let is_content = is_hexadecimal || matches!(encoding.trim(), "string" | "binary" | "base64");
    match kind.trim() {
        _ if !is_content => None,
        "file" => Some(Entry::File { path: value.trim().to_owned(), is_hexadecimal }),
        "data" => {
            let bytes = Zeroizing::new(value.as_bytes().to_vec());
            // What is no hexadecimal is taken as it is, and found to be damaged.
            let decoded = if is_hexadecimal { hexadecimal(&bytes) } else { None };
            let bytes = decoded.unwrap_or(bytes);
            Some(Entry::Value(Value::new(name.trim(), bytes)))
        }
        _ => None,
    }
}

/// Rows of CSV, whose values in quotes may have several lines; `None` if they are more than the values and the head that may be there.
fn rows(text: &str) -> Option<Vec<Vec<String>>> {
    let add = |rows: &mut Vec<Vec<String>>, row: Vec<String>| {
        if row.iter().any(|value| !value.trim().is_empty()) {
            rows.push(row);
        }
    };
    let (mut rows, mut row, mut value) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                value.push('"');
            }
            '"' => is_quoted = !is_quoted,
            // What is in more columns counts for nothing.
            ',' if !is_quoted && row.len() > COLUMNS => value.clear(),
            ',' if !is_quoted => row.push(std::mem::take(&mut value)),
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut value));
                add(&mut rows, std::mem::take(&mut row));
                if rows.len() > VALUES_LIMIT + 1 {
                    return None;
                }
            }
            letter => value.push(letter),
        }
    }
    row.push(value);
    add(&mut rows, row);
    Some(rows)
}

/// The bytes that hexadecimal digits stand for.
pub fn hexadecimal(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks_exact(2).map(byte).collect::<Option<Vec<_>>>().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, bytes: &[u8]) -> Value {
        Value::new(name, Zeroizing::new(bytes.to_vec()))
    }

    #[test]
    fn variables_are_those_of_a_shell() {
        let text = "# SECRET\nA=1\n\nexport B_2=\"x\\ny=z\"\nC='q'\nD=\n";
        let all = [value("A", b"1"), value("B_2", b"x\ny=z"), value("C", b"q"), value("D", b"")];
        assert_eq!(variables(text).unwrap(), all);
        for text in ["A=1\nhello\n", "1A=2", "A B=1", "", "# A=1"] {
            assert_eq!(variables(text), None, "{text}");
        }
    }

    #[test]
    fn a_table_names_files_and_has_values() {
        let text = "key, type,encoding,value\nmqtt,namespace,,\nca,file,string,dev1_ca.pem\nbin,file,hex2bin,a.hex\n\
            cert,data,string,\"one\n\"\"two\"\"\"\nhex,data,hex2bin,3082,x,y\nn,data,u8,7\nbad,data,hex2bin,3\n";
        assert!(is_partition(text) && !is_partition("key,value\n"));
        let file = |path: &str, is_hexadecimal| Entry::File { path: path.to_owned(), is_hexadecimal };
        assert_eq!(
            partition(text).unwrap(),
            [
                file("dev1_ca.pem", false),
                file("a.hex", true),
                Entry::Value(value("cert", b"one\n\"two\"")),
                Entry::Value(value("hex", b"\x30\x82")),
                Entry::Value(value("bad", b"3")),
            ]
        );
    }
}
