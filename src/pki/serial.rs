//! Serial numbers of certificates.

use std::fmt;
use std::str::FromStr;

/// The most bytes of a serial number (RFC 5280, 4.1.2.2).
pub const SERIAL_LIMIT: usize = 20;

/// A positive serial number. Shown in hexadecimal digits, as `openssl x509 -serial` and `index.txt` do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

/// What is no positive number of at most 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSerial;

impl Serial {
    /// The number in a certificate, as its INTEGER holds it.
    pub fn of(integer: &[u8]) -> Result<Self, NoSerial> {
        match integer.first() {
            // RFC 5280 wants none, and other programs differ in what a list of revoked ones says of them.
            Some(first) if first & 0x80 != 0 => Err(NoSerial),
            _ => Self::new(integer),
        }
    }

    /// From the bytes of the number, with or without zeros in front.
    pub fn new(bytes: &[u8]) -> Result<Self, NoSerial> {
        let digits = digits(bytes);
        if digits.len() > SERIAL_LIMIT { Err(NoSerial) } else { Ok(Self(digits.to_vec())) }
    }

    /// Without zeros in front; empty for 0.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A number without the zeros that an encoder may or may not have put before it.
pub fn digits(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("00");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// Hexadecimal digits of either case, with colons between the bytes or without, and `0x` in front or not.
impl FromStr for Serial {
    type Err = NoSerial;

    fn from_str(text: &str) -> Result<Self, NoSerial> {
        let bare = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let digits: Vec<u8> = if bare.contains(':') {
            if bare.split(':').any(|byte| byte.len() != 2) {
                return Err(NoSerial);
            }
            bare.bytes().filter(|byte| *byte != b':').collect()
        } else {
            bare.bytes().collect()
        };
        if digits.is_empty() || digits.len() > 2 * SERIAL_LIMIT + 2 {
            return Err(NoSerial);
        }
        let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8).ok_or(NoSerial);
        let values = digits.into_iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let (odd, pairs) = values.split_at(values.len() % 2);
        let bytes: Vec<u8> = odd.iter().copied().chain(pairs.chunks(2).map(|pair| pair[0] << 4 | pair[1])).collect();
        Self::new(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_however_it_is_written() {
        let serial = Serial::of(&[0, 0x8a, 0x0b]).unwrap();
        assert_eq!(serial.to_string(), "8A0B");
        for text in ["8A0B", "8a0b", "8A:0B", "0x8a0b", "008A0B", "08a0b"] {
            assert_eq!(text.parse(), Ok(serial.clone()), "{text}");
        }
        assert_eq!("0".parse::<Serial>().unwrap().to_string(), "00");
        for text in ["", "0x", "dev1", "8A:B", ":", "8A0B ", &"1".repeat(41)] {
            assert_eq!(text.parse::<Serial>(), Err(NoSerial), "{text}");
        }
        assert_eq!(Serial::of(&[0x8a]), Err(NoSerial), "a negative number");
    }
}
