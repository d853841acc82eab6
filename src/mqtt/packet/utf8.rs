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
}
