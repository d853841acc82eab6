//! Text as C's library reads it, where Mosquitto's programs have it do so.

/// White space as `isspace` sees it in C's own locale, which counts the vertical tab.
pub fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}
