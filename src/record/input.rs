//! Bytes of records: plain, or out of zstd's frames, known by their first bytes.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation as _, OutBuffer};

/// The first bytes of a frame of zstd, RFC 8878 §3.1.1.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The same of a frame that is skipped, §3.1.2, but for the first byte, whose lower half may be any.
const SKIPPABLE_MAGIC: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

/// The largest window that is kept, as a power of two: 8 MiB. Files of ours need 256 KiB, and zstd's own program asks
/// for more only at levels above 19.
const WINDOW_LOG: u32 = 23;

/// Bytes of a frame that are held back until its checksum has been seen: a frame of ours has as many unless a single line is
/// longer. What comes beyond is passed on before that.
const HELD: usize = 1024 * 1024;

/// Bytes that are decompressed at once.
const CHUNK: usize = 128 * 1024;

/// Why compressed bytes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputError {
    /// They end within a frame: whoever wrote them was interrupted, or the file was cut.
    Incomplete,
    /// zstd's own text says how.
    Damaged(String),
    /// The file's name says that it is compressed, and it is not.
    NotCompressed,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => f.write_str("it is an incomplete zstd file: its last frame is cut off"),
            Self::Damaged(how) => write!(f, "its compressed data is damaged ({how})"),
            Self::NotCompressed => f.write_str("its name ends in .zst, and it is no zstd file"),
        }
    }
}

impl std::error::Error for InputError {}

impl From<InputError> for io::Error {
    fn from(error: InputError) -> Self {
        let kind = if error == InputError::Incomplete { ErrorKind::UnexpectedEof } else { ErrorKind::InvalidData };
        Self::new(kind, error)
    }
}

/// Reads `source` as it is, or what it holds compressed. `is_named_compressed`: its name says that it is. A frame that is cut
/// off or damaged is an error, an [`InputError`] within.
pub fn decompressed<'a>(
    source: impl Read + Send + 'a,
    is_named_compressed: bool,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut source = BufReader::new(source);
    // A pipe may bring fewer than four bytes at first, and never more if that is all.
    let mut start = Vec::with_capacity(MAGIC.len());
    while start.len() < MAGIC.len() && may_be_compressed(&start) {
        let buffer = source.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let taken = buffer.len().min(MAGIC.len() - start.len());
        start.extend_from_slice(&buffer[..taken]);
        source.consume(taken);
    }
    let is_whole = start.len() == MAGIC.len();
    if may_be_compressed(&start) && is_whole {
        return Ok(Box::new(Frames::new(io::Cursor::new(start).chain(source))?));
    }
    // A single byte is a letter of plain text as well.
    if may_be_compressed(&start) && (start.len() > 1 || is_named_compressed && !start.is_empty()) {
        return Err(InputError::Incomplete.into());
    }
    // Records that somebody has named so are read all the same.
    if is_named_compressed && !start.is_empty() && start.trim_ascii_start().first().is_some_and(|first| *first != b'{')
    {
        return Err(InputError::NotCompressed.into());
    }
    Ok(Box::new(io::Cursor::new(start).chain(source)))
}

/// Whether so many first bytes can be those of a frame.
fn may_be_compressed(start: &[u8]) -> bool {
    let is_skippable = start
        .iter()
        .zip(SKIPPABLE_MAGIC)
        .enumerate()
        .all(|(at, (byte, magic))| if at == 0 { byte & 0xf0 == magic } else { *byte == magic });
    MAGIC.starts_with(start) || is_skippable
}

/// What zstd's frames hold, a frame at a time where it is no longer than [`HELD`]: nothing of a damaged one is passed on.
struct Frames<R> {
    source: R,
    decoder: Decoder<'static>,
    /// What was decompressed and may be passed on from `passed` on.
    bytes: Vec<u8>,
    passed: usize,
    /// A frame has begun and not ended.
    is_within: bool,
    /// zstd had more to give than there was room for.
    has_more: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(source: R) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self { source, decoder, bytes: Vec::new(), passed: 0, is_within: false, has_more: false })
    }

    /// Decompresses the next frame, or as much as is held of it. Nothing at the end of the source.
    fn fill(&mut self) -> io::Result<()> {
        self.bytes.clear();
        self.passed = 0;
        while self.bytes.len() < HELD {
            let input = self.source.fill_buf()?;
            if input.is_empty() && !self.has_more {
                return if self.is_within { Err(InputError::Incomplete.into()) } else { Ok(()) };
            }
            let start = self.bytes.len();
            self.bytes.resize(start + CHUNK, 0);
            let mut from = InBuffer::around(input);
            let mut to = OutBuffer::around_pos(&mut self.bytes[..], start);
            let left = self.decoder.run(&mut from, &mut to);
            let (taken, end) = (from.pos(), to.pos());
            self.bytes.truncate(end);
            let left = left.map_err(|error| InputError::Damaged(error.to_string()))?;
            self.source.consume(taken);
            self.has_more = end == start + CHUNK;
            self.is_within = left != 0;
            if left == 0 && end > 0 {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.passed == self.bytes.len() {
            self.fill()?;
        }
        let rest = &self.bytes[self.passed..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.passed += length;
        Ok(length)
    }
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

    /// What is read before an error, and the error.
    fn read(source: impl Read + Send, is_named_compressed: bool) -> (Vec<u8>, Option<InputError>) {
        let mut bytes = Vec::new();
        let read = decompressed(source, is_named_compressed).and_then(|mut reader| reader.read_to_end(&mut bytes));
        let error = read.err().map(|error| error.downcast::<InputError>().unwrap());
        (bytes, error)
    }

    fn all(source: &[u8]) -> (Vec<u8>, Option<InputError>) {
        let (given, error) = read(source, false);
        let (slowly, slow_error) = read(Slowly(source), false);
        // Which fault of a damaged frame is found first depends on how much is there.
        assert_eq!((&slowly, slow_error.is_some()), (&given, error.is_some()));
        (given, error)
    }

    fn frame(text: &[u8]) -> Vec<u8> {
        let mut compressor = zstd::bulk::Compressor::new(3).unwrap();
        compressor.include_checksum(true).unwrap();
        compressor.compress(text).unwrap()
    }

    #[test]
    fn plain_bytes_are_given_as_they_are() {
        for text in [&b""[..], b"{", b"(", b"{}\n", b"P", b"P*", &[0x28, 0xb5, 0x2f, 0x00, 0x01]] {
            let expected = if text == b"P*" { (vec![], Some(InputError::Incomplete)) } else { (text.to_vec(), None) };
            assert_eq!(all(text), expected);
        }
        for (text, error) in [
            (&b""[..], None),
            (b" \n{}", None),
            (b"(", Some(InputError::Incomplete)),
            (b"text", Some(InputError::NotCompressed)),
            (&[0x29, 0xb5, 0x2f, 0xfd, 1], Some(InputError::NotCompressed)),
        ] {
            assert_eq!(read(text, true).1, error, "{text:?}");
        }
    }

    #[test]
    fn every_cut_is_told_and_whole_frames_before_it_are_given() {
        let first = frame(b"one\n");
        // A frame that is skipped, as pzstd writes them.
        let skipped = [&[0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0][..], b"xy"].concat();
        let file = [&skipped[..], &first, &frame(b"two\n")].concat();
        assert_eq!(all(&file), (b"one\ntwo\n".to_vec(), None));
        let (begin, end) = (skipped.len(), skipped.len() + first.len());
        for cut in 2..file.len() {
            let given: &[u8] = if cut < end { b"" } else { b"one\n" };
            let error = (cut != begin && cut != end).then_some(InputError::Incomplete);
            assert_eq!(all(&file[..cut]), (given.to_vec(), error), "{cut}");
        }
    }

    #[test]
    fn of_a_damaged_frame_nothing_wrong_is_given() {
        let text = b"{\"topic\":\"a\",\"payload\":\"0123456789\"}\n".repeat(20);
        let file = [frame(b"one\n"), frame(&text)].concat();
        let start = frame(b"one\n").len();
        let whole = [&b"one\n"[..], &text].concat();
        for at in start..file.len() {
            for bit in 0..8 {
                let mut damaged = file.clone();
                damaged[at] ^= 1 << bit;
                let (given, error) = all(&damaged);
                // Without the flag for its checksum a frame is as good, and the checksum behind it is no frame.
                assert!(given == b"one\n" || given == whole, "bit {bit} of byte {at}");
                // One bit of a frame's header has no meaning.
                assert!(error.is_some() || given == whole, "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn a_long_frame_is_passed_on_in_parts() {
        let text: Vec<u8> = (0..3 * HELD + 17).map(|at| (at * 31 % 251) as u8).collect();
        let file = [frame(&text), frame(b"one\n")].concat();
        assert!(read(&file[..], false) == ([&text[..], b"one\n"].concat(), None));
        let (given, error) = read(&file[..file.len() - 30], false);
        assert!(given.len() >= HELD && text.starts_with(&given), "{}", given.len());
        assert_eq!(error, Some(InputError::Incomplete));
    }
}
