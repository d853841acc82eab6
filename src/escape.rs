//! Strangers' text made safe for a terminal and for one line.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with control characters, and those that turn the direction of what follows, shown as
/// escapes. Text without any is given back as it is.
pub fn escape_controls(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if !is_control(c) => escaped.push(c),
            c if c.is_ascii() => {
                let _ = write!(escaped, "\\x{:02x}", u32::from(c)); // writing to a string cannot fail
            }
            c => {
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(escaped)
}

/// `text` with the logins taken out that URLs in it hold, and what was typed like one: `mqtt://…@lan`, `ann:…@lan`. For
/// errors, which quote what they refuse and end up in logs.
pub fn without_logins(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let is_end = |c: char| c.is_whitespace() || c == '`';
    let words = text.split_inclusive(is_end).map(|word| {
        let at = word.rfind('@')?;
        let scheme_end = word[..at].find("://").map(|scheme| scheme + "://".len());
        let start = scheme_end.or_else(|| word[..at].find(':').map(|colon| colon + 1))?;
        (start < at).then(|| format!("{}…{}", &word[..start], &word[at..]))
    });
    let originals = text.split_inclusive(is_end);
    Cow::Owned(originals.zip(words).fold(String::with_capacity(text.len()), |mut shown, (word, hidden)| {
        shown.push_str(hidden.as_deref().unwrap_or(word));
        shown
    }))
}

/// Appends bytes for a terminal: as [`escape_controls`], but newline and tab stay, and what is no UTF-8 is escaped, too.
pub fn escape_for_terminal(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        let mut start = 0;
        for (at, c) in text.char_indices().filter(|(_, c)| is_control(*c) && !matches!(c, '\n' | '\t')) {
            out.extend_from_slice(&text.as_bytes()[start..at]);
            start = at + c.len_utf8();
            out.extend_from_slice(escape_controls(&text[at..start]).as_bytes());
        }
        out.extend_from_slice(&text.as_bytes()[start..]);
        for byte in chunk.invalid() {
            out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        }
    }
}

/// Whether `c` moves the cursor, or turns the direction of what follows.
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_taken_out_of_what_an_error_quotes() {
        for (text, shown) in [
            ("`mqtt://ann:secret@lan:1` is no source", "`mqtt://…@lan:1` is no source"),
            ("no proxy: http://ann:se@cret/x@lan", "no proxy: http://…@lan"),
            ("http://token@lan", "http://…@lan"),
            ("the name `ann:secret@lan` has no address", "the name `ann:…@lan` has no address"),
            ("mqtt://lan/a ops@lan `a` b", "mqtt://lan/a ops@lan `a` b"),
            ("no login: mqtt://@lan", "no login: mqtt://@lan"),
            ("größe", "größe"),
        ] {
            assert_eq!(without_logins(text), shown);
        }
    }

    #[test]
    fn a_terminal_gets_newlines_and_tabs_and_no_other_control() {
        let shown = |bytes: &[u8]| {
            let mut out = Vec::new();
            escape_for_terminal(bytes, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown("grün\n\tx".as_bytes()), "grün\n\tx");
        assert_eq!(shown(b"\x1b]0;title\x07\r\xff\xc3"), "\\x1b]0;title\\x07\\r\\xff\\xc3");
        assert_eq!(shown("\u{9b}31m\u{202e}".as_bytes()), "\\u{9b}31m\\u{202e}");
    }

    #[test]
    fn control_and_direction_characters_are_shown_and_others_left() {
        assert_eq!(escape_controls("größe/温度 é"), "größe/温度 é");
        assert_eq!(escape_controls("a\tb\r\n\u{1b}[0m\u{7f}"), "a\\tb\\r\\n\\x1b[0m\\x7f");
        assert_eq!(escape_controls("x\u{202e}y\u{85}"), "x\\u{202e}y\\u{85}");
    }
}
