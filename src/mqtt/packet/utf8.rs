//! What §1.5.4 says of characters beyond UTF-8 itself.

/// The first character of `text` that a string MUST NOT (U+0000) or SHOULD NOT hold: a control character or a
/// non-character. Mosquitto's programs refuse them in their arguments.
pub fn first_discouraged(text: &str) -> Option<char> {
    text.chars().find(|&character| is_discouraged(character))
}

const fn is_discouraged(character: char) -> bool {
    let code = character as u32;
    code < 0x20 || matches!(code, 0x7F..=0x9F | 0xFDD0..=0xFDEF) || code & 0xFFFE == 0xFFFE
}

/// Whether there is nothing but U+0020 to U+007E; eight bytes at a time.
#[inline]
pub(super) fn is_printable_ascii(text: &[u8]) -> bool {
    const LOW: u64 = 0x2020_2020_2020_2020;
    const ONE: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, rest) = text.as_chunks::<8>();
    // The high bit of a byte ends up set if it was, if the byte is below 0x20, or if it is 0x7F. A borrow or a carry
    // into the next byte comes only from such a byte.
    let suspicious = words.iter().fold(0, |bits, word| {
        let word = u64::from_le_bytes(*word);
        bits | word | word.wrapping_sub(LOW) | word.wrapping_add(ONE)
    });
    suspicious & HIGH == 0 && rest.iter().all(|byte| (0x20..0x7F).contains(byte))
}

/// Whether there is a `+` or `#`; eight bytes at a time.
#[inline]
pub(super) fn has_wildcard(text: &[u8]) -> bool {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // A byte that is there becomes zero, which alone has a high bit in the end, but for bytes above one that was found.
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let (words, rest) = text.as_chunks::<8>();
    let found = words.iter().fold(0, |found, word| {
        let word = u64::from_le_bytes(*word);
        found | zeros(word ^ (LOW * u64::from(b'+'))) | zeros(word ^ (LOW * u64::from(b'#')))
    });
    found != 0 || rest.iter().any(|byte| matches!(byte, b'+' | b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mqtt_1_5_4_controls_and_non_characters_are_discouraged() {
        let bad = ['\0', '\u{1}', '\u{1F}', '\u{7F}', '\u{9F}', '\u{FDD0}', '\u{FDEF}', '\u{FFFE}', '\u{10FFFF}'];
        for character in bad {
            assert_eq!(first_discouraged(&format!("a{character}b")), Some(character));
        }
        for character in [' ', '~', '\u{A0}', '\u{FDCF}', '\u{FDF0}', '\u{FFFD}', '\u{FEFF}', '\u{1F600}'] {
            assert_eq!(first_discouraged(&format!("a{character}b")), None);
        }
    }

    #[test]
    fn a_wildcard_is_found_in_every_place_and_nothing_else() {
        for length in 1..20 {
            for place in 0..length {
                for byte in 0..=255 {
                    // Neighbours by one, which a borrow could be taken for.
                    for other in [b'*', b',', b'"', b'$', 0, 0xFF] {
                        let mut text = vec![other; length];
                        text[place] = byte;
                        assert_eq!(has_wildcard(&text), matches!(byte, b'+' | b'#'), "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_byte_in_every_place_is_printable_or_not() {
        for length in 1..20 {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut text = vec![b'~'; length];
                    text[place] = byte;
                    assert_eq!(is_printable_ascii(&text), (0x20..0x7F).contains(&byte), "{text:?}");
                }
            }
        }
    }
}
