//! Passwords and tokens: a type that cannot be printed and wipes its memory.

use std::fmt;
use std::io::{self, Read};

use zeroize::Zeroizing;

/// Secret bytes. `Debug` shows that there is one and nothing of it; the memory is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The first line of `source` without its end. A line of more than `most` bytes is an error.
    pub fn first_line(source: impl Read, most: usize) -> io::Result<Self> {
        let mut bytes = Zeroizing::new(Vec::new());
        // Two more for the end of a line of full length.
        source.take(most as u64 + 2).read_to_end(&mut bytes)?;
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > most {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {most} bytes")));
        }
        Ok(Self::new(line))
    }

    /// The secret itself. The name makes each use stand out in a review.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_read_without_its_end() {
        for (text, line) in
            [("a b\n", "a b"), ("x\r\ny", "x"), ("", ""), ("no end", "no end"), ("\n", ""), ("1234567\r\n", "1234567")]
        {
            assert_eq!(Secret::first_line(text.as_bytes(), 7).unwrap().expose(), line.as_bytes());
        }
        assert!(Secret::first_line("12345678\n".as_bytes(), 7).is_err());
        assert!(Secret::first_line(io::repeat(b'x'), 7).is_err());
    }
}
