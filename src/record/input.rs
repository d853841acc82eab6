//! Bytes of records: plain, or out of zstd's frames, known by their first bytes.

use std::io::{self, BufRead, BufReader, Read};

/// The first bytes of a frame of zstd, RFC 8878 §3.1.1.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest window that is kept, as a power of two: 8 MiB. Files of ours need 256 KiB, and zstd's own program asks
/// for more only at levels above 19.
const WINDOW_LOG: u32 = 23;

/// Reads `source` as it is, or what it holds compressed. A frame that is cut off or damaged is an error.
pub fn decompressed<'a>(source: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut source = BufReader::new(source);
    // A pipe may bring fewer than four bytes at first, and never more if that is all.
    let mut start = Vec::with_capacity(MAGIC.len());
    while start.len() < MAGIC.len() && MAGIC.starts_with(&start) {
        let buffer = source.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let taken = buffer.len().min(MAGIC.len() - start.len());
        start.extend_from_slice(&buffer[..taken]);
        source.consume(taken);
    }
    let is_zstd = start == MAGIC;
    let source = io::Cursor::new(start).chain(source);
    if !is_zstd {
        return Ok(Box::new(source));
    }
    let mut decoder = zstd::stream::read::Decoder::new(source)?;
    decoder.window_log_max(WINDOW_LOG)?;
    Ok(Box::new(decoder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slowly<'a>(&'a [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1).min(self.0.len());
            self.0.read(&mut buffer[..length])
        }
    }

    fn all(source: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        decompressed(Slowly(source))?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn plain_bytes_are_given_as_they_are() {
        for text in [&b""[..], b"{", b"{}\n", &[0x28, 0xb5, 0x2f], &[0x28, 0xb5, 0x2f, 0x00, 0x01]] {
            assert_eq!(all(text).unwrap(), text);
        }
    }

    #[test]
    fn frames_are_read_one_after_the_other_and_a_cut_is_an_error() {
        let mut file = zstd::encode_all(&b"one\n"[..], 3).unwrap();
        let first = file.len();
        file.extend(zstd::encode_all(&b"two\n"[..], 3).unwrap());
        assert_eq!(all(&file).unwrap(), b"one\ntwo\n");
        assert_eq!(all(&file[..first]).unwrap(), b"one\n");
        for cut in (5..file.len()).filter(|cut| *cut != first) {
            assert!(all(&file[..cut]).is_err(), "{cut}");
        }
    }
}
