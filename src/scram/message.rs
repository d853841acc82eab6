//! The messages of SCRAM, RFC 5802, 7: attributes of one letter, separated by commas.

/// Bytes that a message of either side may have. The longest part is the user name, of at most 65,535 bytes in MQTT; nobody
/// has a name of more than some dozens.
pub const MAXIMUM_MESSAGE: usize = 4096;

/// The value of the attribute `letter`, if `part` is that.
pub(super) fn attribute(part: Option<&str>, letter: char) -> Option<&str> {
    part?.strip_prefix(letter)?.strip_prefix('=')
}

/// A user name as it stands in a message: `,` and `=` are escaped.
pub(super) fn escape(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// The user name that was escaped; `None` where a `=` begins no escape.
pub(super) fn unescape(name: &str) -> Option<String> {
    let mut parts = name.split('=');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (character, rest) = match part.split_at_checked(2)? {
            ("2C", rest) => (',', rest),
            ("3D", rest) => ('=', rest),
            _ => return None,
        };
        plain.push(character);
        plain.push_str(rest);
    }
    Some(plain)
}

/// Whether it can be a nonce: printable ASCII, no comma.
pub(super) fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A message as text, if it is short enough.
pub(super) fn text(message: &[u8]) -> Option<&str> {
    str::from_utf8(message).ok().filter(|text| text.len() <= MAXIMUM_MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_nothing_else_is_taken_for_an_escape() {
        for name in ["ann", "a,b=c", "=2C", "=", "", "ö,"] {
            assert_eq!(unescape(&escape(name)).as_deref(), Some(name));
        }
        for name in ["=", "=2", "=2c", "a=b", "=ö", "=3D="] {
            assert_eq!(unescape(name), None, "{name}");
        }
    }
}
