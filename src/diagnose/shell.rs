//! Words of a command that a person copies into a shell. Names in certificates are strangers' text, and
//! paths may hold anything: what is not plain is quoted.

use std::path::Path;

use crate::term::is_control;

/// `word` as a POSIX shell takes it, on one line.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if word.chars().any(is_control) {
        return ansi_quoted(word);
    }
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// A path as an operand: one that begins with a dash is no option.
pub fn path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.starts_with('-') { quoted(&format!("./{text}")) } else { quoted(&text) }
}

/// bash, zsh and ksh have a form for control characters, which serves for those that turn the direction too.
fn ansi_quoted(word: &str) -> String {
    let mut text = String::from("$'");
    for c in word.chars() {
        match c {
            '\n' => text.push_str("\\n"),
            '\'' | '\\' => text.extend(['\\', c]),
            c if is_control(c) => {
                let mut buffer = [0; 4];
                let bytes = c.encode_utf8(&mut buffer).bytes().map(|byte| format!("\\x{byte:02x}"));
                text.extend(bytes);
            }
            c => text.push(c),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_out_of_a_shell_as_they_went_in() {
        let rows = [
            ("server.crt", "server.crt"),
            ("", "''"),
            ("my key.pem", "'my key.pem'"),
            ("it's", "'it'\\''s'"),
            ("$(rm -rf ~);`x`", "'$(rm -rf ~);`x`'"),
            ("a\nb\u{1b}'", "$'a\\nb\\x1b\\''"),
            ("*.example.com", "'*.example.com'"),
            ("a\u{202e}b", "$'a\\xe2\\x80\\xaeb'"),
        ];
        for (word, expected) in rows {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn a_path_is_no_option() {
        assert_eq!(path(Path::new("-k.pem")), "./-k.pem");
        assert_eq!(path(Path::new("a b/-k.pem")), "'a b/-k.pem'");
    }
}
