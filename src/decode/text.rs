//! JSON laid out again: on one line or many, in colours or not, every token as it was.

/// What stands before each kind of token, and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours {
    pub key: &'static str,
    pub text: &'static str,
    pub number: &'static str,
    pub word: &'static str,
    pub end: &'static str,
}

const INDENT: &[u8] = b"  ";

/// Appends `json`, which must be valid. `pretty` has a line for each member and element.
pub fn write_json(json: &[u8], pretty: bool, colours: Option<&Colours>, out: &mut Vec<u8>) {
    let mut depth = 0;
    let mut rest = json;
    let new_line = |depth: usize, out: &mut Vec<u8>| {
        if pretty {
            out.push(b'\n');
            out.extend(INDENT.iter().copied().cycle().take(depth * INDENT.len()));
        }
    };
    while let [first, ..] = rest {
        match first {
            b' ' | b'\t' | b'\n' | b'\r' => rest = &rest[1..],
            b'{' | b'[' => {
                out.push(*first);
                rest = rest[1..].trim_ascii_start();
                // Nothing stands between the brackets of an empty one.
                if let Some(end @ (b'}' | b']')) = rest.first() {
                    out.push(*end);
                    rest = &rest[1..];
                } else {
                    depth += 1;
                    new_line(depth, out);
                }
            }
            b'}' | b']' => {
                depth = usize::saturating_sub(depth, 1);
                new_line(depth, out);
                out.push(*first);
                rest = &rest[1..];
            }
            b',' => {
                out.push(b',');
                new_line(depth, out);
                rest = &rest[1..];
            }
            b':' => {
                out.extend_from_slice(if pretty { b": " } else { b":" });
                rest = &rest[1..];
            }
            _ => {
                let end = token_end(rest);
                let (token, after) = rest.split_at(end);
                let colour = colours.map(|colours| match first {
                    b'"' if after.trim_ascii_start().first() == Some(&b':') => colours.key,
                    b'"' => colours.text,
                    b't' | b'f' | b'n' => colours.word,
                    _ => colours.number,
                });
                out.extend_from_slice(colour.unwrap_or_default().as_bytes());
                out.extend_from_slice(token);
                out.extend_from_slice(colours.map(|colours| colours.end).unwrap_or_default().as_bytes());
                rest = after;
            }
        }
    }
}

/// Where the string, number or word at the beginning ends.
fn token_end(text: &[u8]) -> usize {
    if text.first() != Some(&b'"') {
        let is_end =
            |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b':' | b']' | b'}' | b'[' | b'{' | b'"');
        return text.iter().position(is_end).unwrap_or(text.len()).max(1);
    }
    let mut at = 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        if text[at + found] == b'"' {
            return at + found + 1;
        }
        at += found + 2;
    }
    text.len()
}
