//! How the bytes of a text file that somebody edited are to be read: UTF-8, with or without a byte-order mark.

/// The file is UTF-16, as an editor of Windows may save it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utf16;

/// The text of a file. Whether its lines are UTF-8 is for their reader to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// Without the mark.
    pub bytes: &'a [u8],
    /// The file began with a byte-order mark.
    pub has_mark: bool,
}

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Takes a byte-order mark off.
pub fn utf8(bytes: &[u8]) -> Result<Text<'_>, Utf16> {
    match bytes.strip_prefix(MARK) {
        Some(bytes) => Ok(Text { bytes, has_mark: true }),
        None if is_utf16(bytes) => Err(Utf16),
        None => Ok(Text { bytes, has_mark: false }),
    }
}

/// By its mark, or by the zeros in its first two characters. The binary files that systems leave among texts begin
/// with zeros too, but not with letters between them.
fn is_utf16(bytes: &[u8]) -> bool {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => true,
        [first, 0, second, 0, ..] | [0, first, 0, second, ..] => is_text(first) && is_text(second),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_taken_off_and_told() {
        assert_eq!(utf8(b"\xEF\xBB\xBFuser a"), Ok(Text { bytes: b"user a", has_mark: true }));
        assert_eq!(utf8(b"user a"), Ok(Text { bytes: b"user a", has_mark: false }));
        assert_eq!(utf8(b""), Ok(Text { bytes: b"", has_mark: false }));
    }

    #[test]
    fn utf16_is_known_with_and_without_a_mark_and_other_bytes_are_not_taken_for_it() {
        let little: Vec<u8> = "# a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "# a\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for text in [&little, &big, &[b"\xFF\xFE", &little[..]].concat(), &[b"\xFE\xFF", &big[..]].concat()] {
            assert_eq!(utf8(text), Err(Utf16), "{text:?}");
        }
        // AppleDouble, Latin-1, and a line that begins with a zero.
        for text in [&b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"[..], b"# \xE9\xFF", b"\0a", b"\0abc"] {
            assert!(utf8(text).is_ok(), "{text:?}");
        }
    }
}
