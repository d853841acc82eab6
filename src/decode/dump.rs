//! Bytes as hexadecimal digits, beside what of them is ASCII.

/// Bytes of a line.
const WIDTH: usize = 16;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// `00000000  68 69 0a  |hi.|`, a line for sixteen bytes.
pub fn dump(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 5);
    for (line, chunk) in bytes.chunks(WIDTH).enumerate() {
        if line > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(format!("{:08x} ", line * WIDTH).as_bytes());
        for place in 0..WIDTH {
            if place % 8 == 0 {
                out.push(b' ');
            }
            match chunk.get(place) {
                Some(byte) => {
                    out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)], b' ']);
                }
                None => out.extend_from_slice(b"   "),
            }
        }
        out.extend_from_slice(b" |");
        out.extend(chunk.iter().map(|byte| if (b' '..0x7f).contains(byte) { *byte } else { b'.' }));
        out.push(b'|');
    }
    out
}

/// Digits in pairs; white space may stand between any of them.
pub fn undump(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    for byte in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = char::from(*byte).to_digit(16)? as u8;
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    high.is_none().then_some(bytes)
}
