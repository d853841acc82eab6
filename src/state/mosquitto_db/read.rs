//! Reads a mosquitto.db chunk by chunk through one bounded buffer. Every length is checked against
//! its chunk and every chunk against the file before anything is reserved for it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::Path;

use super::super::ids::StoreId;
use super::super::{Client, ClientMessage, Configuration, Keep, Message, Subscription};
use super::layout::{Fields, Layout};
use super::read_ahead::ReadAhead;
use super::{Damage, HEAD_LEN, MAGIC, MAX_PAYLOAD, kind};

/// Bytes read from the file at once.
const BUFFER: usize = 256 * 1024;
/// Type and length in front of each chunk, since version 5 and before.
const CHUNK_HEAD: usize = 8;
const OLD_CHUNK_HEAD: usize = 6;
/// The fixed part of an entry of a queue, since version 5.
const ENTRY_FIXED: usize = 16;
/// No chunk's fields before the payload are longer: a fixed part and three strings of 16-bit length.
const HEADS_LIMIT: u64 = 64 + 3 * 65_535;
/// No message is longer: its heads, a payload, and properties that came in one packet with it.
const MESSAGE_LIMIT: u64 = HEADS_LIMIT + 2 * MAX_PAYLOAD as u64;
/// A payload that is not wanted is skipped by seeking when this much of it is not in the buffer yet.
const SEEK_FROM: u64 = 64 * 1024;

/// One thing of the file. Borrowed from the reader's buffer until the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    Configuration(Configuration),
    Message(Message<'a>),
    ClientMessage(ClientMessage<'a>),
    /// The message of this id is the retained one of its topic.
    Retained(StoreId),
    Subscription(Subscription<'a>),
    Client(Client<'a>),
    /// A type that no known version writes; brokers skip it too.
    Unknown {
        kind: u32,
        at: u64,
        length: u64,
    },
}

/// What is done with each chunk, which begins at `at` in the file.
pub trait Visitor {
    fn message(&mut self, message: &Message<'_>, at: u64);
    fn entry(&mut self, entry: &ClientMessage<'_>, at: u64);
    /// Neither a message nor an entry.
    fn other(&mut self, chunk: &Chunk<'_>, at: u64);
}

/// Why a file cannot be read at all.
#[derive(Debug)]
pub enum Unreadable {
    Io(io::Error),
    /// A folder, a pipe or a device.
    NotAFile,
    /// Shorter than a head, or the magic is not there.
    NotMosquittoDb,
    /// Not 2 to 6.
    Version(u32),
}

/// A mosquitto.db being read.
///
/// ```
/// use moskit::state::{Keep, mosquitto_db::{Damage, Reader}};
/// let file = b"\x00\xB5\x00mosquitto db\0\0\0\0\0\0\0\x06";
/// let mut reader = Reader::new(std::io::Cursor::new(file), file.len() as u64, Keep::HEADS).unwrap();
/// assert_eq!(reader.version(), Some(6));
/// assert!(matches!(reader.next_chunk(), Err(Damage::NoChunks)));
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    /// Length of the file when it was opened.
    length: u64,
    keep: Keep,
    layout: Layout,
    buffer: Vec<u8>,
    /// The part of `buffer` that holds unread bytes.
    start: usize,
    end: usize,
    /// Offset in the file of `buffer[start]`.
    at: u64,
    /// Bytes of the last chunk that are still to be passed over.
    skip: u64,
    ended: bool,
}

impl Reader<File> {
    /// Opens `path` read-only. The file stays the same one while it is read, also when the broker
    /// replaces it meanwhile.
    pub fn open(path: &Path, keep: Keep) -> Result<Self, Unreadable> {
        let file = File::open(path).map_err(Unreadable::Io)?;
        let length = length_of(&file)?;
        Self::new(file, length, keep)
    }
}

impl<'a> Reader<ReadAhead<'a>> {
    /// Reads an open file from its start, the same one however often, also when the broker replaces it
    /// meanwhile. A long one is read ahead in another thread.
    pub fn of(file: &'a File, keep: Keep) -> Result<Self, Unreadable> {
        let length = length_of(file)?;
        let input = ReadAhead::new(file).map_err(Unreadable::Io)?;
        Self::new(input, length, keep)
    }
}

fn length_of(file: &File) -> Result<u64, Unreadable> {
    let metadata = file.metadata().map_err(Unreadable::Io)?;
    if metadata.is_file() { Ok(metadata.len()) } else { Err(Unreadable::NotAFile) }
}

impl<R: Read + Seek> Reader<R> {
    /// Reads `input`, which is `length` bytes long, from its start.
    pub fn new(input: R, length: u64, keep: Keep) -> Result<Self, Unreadable> {
        let mut reader = Self {
            input,
            length,
            keep,
            layout: Layout::new(0),
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            at: 0,
            skip: 0,
            ended: length == 0,
        };
        if length == 0 {
            return Ok(reader);
        }
        if reader.fill(HEAD_LEN).map_err(Unreadable::Io)? < HEAD_LEN || !reader.buffer.starts_with(MAGIC) {
            return Err(Unreadable::NotMosquittoDb);
        }
        let version = &reader.buffer[HEAD_LEN - 4..HEAD_LEN];
        reader.layout.version = u32::from_be_bytes(version.try_into().expect("four bytes"));
        if !(2..=6).contains(&reader.layout.version) {
            return Err(Unreadable::Version(reader.layout.version));
        }
        reader.advance(HEAD_LEN);
        Ok(reader)
    }

    /// The file's version, 2 to 6; `None` for a file without a byte.
    pub fn version(&self) -> Option<u32> {
        (self.length > 0).then_some(self.layout.version)
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Offset of the next unread byte.
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Where the next chunk begins.
    #[inline]
    pub fn next_at(&self) -> u64 {
        self.at + self.skip
    }

    /// Goes on at the chunk that begins at `at`, which [`Reader::next_at`] once told.
    pub fn go_to(&mut self, at: u64) -> io::Result<()> {
        self.input.seek(SeekFrom::Start(at))?;
        (self.start, self.end, self.at, self.skip, self.ended) = (0, 0, at, 0, false);
        Ok(())
    }

    /// The next chunk, or `None` at the end of the file. After damage nothing more can be read.
    #[inline(always)]
    pub fn next_chunk(&mut self) -> Result<Option<Chunk<'_>>, Damage> {
        let head = match self.buffered_chunk() {
            Some(head) => head,
            None => match self.enter_chunk_or_end()? {
                Some(head) => head,
                None => return Ok(None),
            },
        };
        self.chunk(head)
    }

    /// Hands the next chunk to `visitor` and says whether there was one. It is what [`Reader::next_chunk`] yields, and
    /// faster: a message or an entry that is all in the buffer stays in registers.
    #[inline(always)]
    pub fn visit_next(&mut self, visitor: &mut impl Visitor) -> Result<bool, Damage> {
        if let Some(head) = self.buffered_chunk() {
            let mut fields =
                Fields::whole(&head, self.at, &self.buffer[self.start..self.start + head.buffered as usize]);
            self.skip = head.length;
            if head.kind == kind::MESSAGE {
                if let Ok(message) = self.layout.struct_message(&mut fields, self.keep) {
                    visitor.message(&message, head.at);
                    return Ok(true);
                }
            } else if head.kind == kind::CLIENT_MESSAGE
                && let Ok(entry) = self.layout.struct_client_message(&mut fields)
            {
                visitor.entry(&entry, head.at);
                return Ok(true);
            }
            // What is rare, and what is damaged.
            return self.visit(head, visitor).map(|()| true);
        }
        match self.enter_chunk_or_end()? {
            Some(head) => self.visit(head, visitor).map(|()| true),
            None => Ok(false),
        }
    }

    #[inline(never)]
    fn visit(&mut self, head: ChunkHead, visitor: &mut impl Visitor) -> Result<(), Damage> {
        match self.chunk(head)? {
            Some(Chunk::Message(message)) => visitor.message(&message, head.at),
            Some(Chunk::ClientMessage(entry)) => visitor.entry(&entry, head.at),
            Some(chunk) => visitor.other(&chunk, head.at),
            None => {}
        }
        Ok(())
    }

    /// The next chunk, if all of it is in the buffer and in the layout that brokers write today: nearly
    /// always, so this is kept short.
    #[inline(always)]
    fn buffered_chunk(&mut self) -> Option<ChunkHead> {
        let skip = usize::try_from(self.skip).ok()?;
        let unread = self.buffer[self.start..self.end].get(skip..)?;
        let (kind, rest) = unread.split_first_chunk()?;
        let (length, body) = rest.split_first_chunk()?;
        let (kind, length) = (u32::from_be_bytes(*kind), u32::from_be_bytes(*length));
        if self.ended || !self.layout.has_structs() || length as usize > body.len() {
            return None;
        }
        let at = self.at + self.skip;
        self.advance(skip + CHUNK_HEAD);
        let length = u64::from(length);
        Some(ChunkHead { kind, at, length, buffered: length, length_is_wrong: false })
    }

    /// Passes over the entries that come next and are all in the buffer, as long as their messages are not among `ids`.
    /// Returns how many they were.
    #[inline]
    pub fn pass_entries(&mut self, ids: &RangeInclusive<u64>) -> u64 {
        let mut passed = 0;
        while let Some(length) = self.entry_but(ids) {
            self.advance(self.skip as usize);
            self.skip = length;
            passed += 1;
        }
        passed
    }

    /// The length of the next chunk with its head, if it is a whole entry, in the buffer, of none of these messages.
    #[inline(always)]
    fn entry_but(&mut self, ids: &RangeInclusive<u64>) -> Option<u64> {
        let skip = usize::try_from(self.skip).ok()?;
        let unread = self.buffer[self.start..self.end].get(skip..)?;
        let (head, rest) = unread.split_first_chunk::<CHUNK_HEAD>()?;
        let body = rest.first_chunk::<ENTRY_FIXED>()?;
        let (kind, length) = (u32::from_be_bytes([head[0], head[1], head[2], head[3]]), &head[4..8]);
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let client_id = usize::from(u16::from_be_bytes([body[10], body[11]]));
        let is_whole = kind == kind::CLIENT_MESSAGE
            && length <= rest.len()
            && length >= ENTRY_FIXED + client_id
            && !self.ended
            && self.layout.has_structs();
        let is_passed = is_whole && !ids.contains(&self.layout.host_at(body, 0));
        is_passed.then_some((CHUNK_HEAD + length) as u64)
    }

    #[inline(never)]
    fn enter_chunk_or_end(&mut self) -> Result<Option<ChunkHead>, Damage> {
        if self.ended {
            return Ok(None);
        }
        let ahead = self.enter_chunk();
        self.ended = !matches!(ahead, Ok(Some(_)));
        ahead
    }

    /// Reads the head of the next chunk and gets the start of its body into the buffer.
    fn enter_chunk(&mut self) -> Result<Option<ChunkHead>, Damage> {
        self.pass_over().map_err(Damage::Io)?;
        let head_len = if self.layout.has_structs() { CHUNK_HEAD } else { OLD_CHUNK_HEAD };
        let at = self.at;
        let available = self.fill(head_len).map_err(Damage::Io)?;
        if available < head_len {
            return match available {
                0 if at == HEAD_LEN as u64 => Err(Damage::NoChunks),
                0 => Ok(None),
                bytes => Err(Damage::StrayTail { at, bytes: bytes as u64 }),
            };
        }
        let head = &self.buffer[self.start..self.start + head_len];
        let (kind, length) = head.split_at(head_len - 4);
        let kind = kind.iter().fold(0, |kind, byte| kind << 8 | u32::from(*byte));
        let length = u64::from(u32::from_be_bytes([length[0], length[1], length[2], length[3]]));
        self.advance(head_len);
        let left = self.length.saturating_sub(self.at);
        // 1.5.6 and 1.5.7 count the source id twice into the length, so the fields have to tell it.
        let length_is_wrong = self.layout.version == 4 && kind == kind::MESSAGE;
        if length > left && !length_is_wrong {
            return Err(Damage::Truncated { kind, at, wants: length, left });
        }
        let most = self.most_in_memory(kind);
        if most.is_some_and(|most| length > most) && !length_is_wrong {
            return Err(Damage::ChunkTooLong { kind, at, length });
        }
        let length = if length_is_wrong { left } else { length };
        let wanted = if most.is_some() { length } else { length.min(HEADS_LIMIT) };
        let buffered = self.fill_body(wanted, length_is_wrong).map_err(Damage::Io)?;
        if buffered < wanted && !length_is_wrong {
            // The file has become shorter since it was opened.
            return Err(Damage::Truncated { kind, at, wants: length, left: buffered });
        }
        Ok(Some(ChunkHead { kind, at, length, buffered, length_is_wrong }))
    }

    /// How long a chunk may be of which all is wanted; `None` for those whose heads do.
    fn most_in_memory(&self, kind: u32) -> Option<u64> {
        match kind {
            kind::MESSAGE if self.keep.payload || self.keep.properties => Some(MESSAGE_LIMIT),
            kind::CLIENT_MESSAGE => Some(HEADS_LIMIT),
            _ => None,
        }
    }

    /// Gets `wanted` bytes of a body into the buffer. A body of unknown length is the rest of the
    /// file, of which no more is taken than its heads announce.
    fn fill_body(&mut self, wanted: u64, length_unknown: bool) -> io::Result<u64> {
        if !length_unknown {
            return Ok(self.fill(wanted as usize)? as u64);
        }
        let mut enough = self.fill(wanted.min(HEADS_LIMIT) as usize)?;
        if self.keep.payload
            && let Some(length) = packed_length(&self.buffer[self.start..self.start + enough])
        {
            enough = self.fill(wanted.min(length).min(MESSAGE_LIMIT) as usize)?;
        }
        Ok(enough as u64)
    }

    #[inline(always)]
    fn chunk(&mut self, head: ChunkHead) -> Result<Option<Chunk<'_>>, Damage> {
        let mut fields = Fields::whole(&head, self.at, &self.buffer[self.start..self.start + head.buffered as usize]);
        let layout = &mut self.layout;
        self.skip = head.length;
        self.ended = true;
        let chunk = match head.kind {
            kind::MESSAGE => Chunk::Message(layout.message(&mut fields, self.keep)?),
            kind::CLIENT_MESSAGE => Chunk::ClientMessage(layout.client_message(&mut fields)?),
            kind::CONFIGURATION => Chunk::Configuration(layout.configuration(&mut fields)?),
            kind::RETAINED => Chunk::Retained(layout.retained(&mut fields)?),
            kind::SUBSCRIPTION => Chunk::Subscription(layout.subscription(&mut fields)?),
            kind::CLIENT => Chunk::Client(layout.client(&mut fields)?),
            kind => Chunk::Unknown { kind, at: head.at, length: head.length },
        };
        self.ended = false;
        if head.length_is_wrong {
            self.skip = fields.next;
        }
        Ok(Some(chunk))
    }

    /// Moves past the rest of the chunk that was yielded last.
    fn pass_over(&mut self) -> io::Result<()> {
        let skip = std::mem::take(&mut self.skip);
        let buffered = (self.end - self.start) as u64;
        if skip <= buffered {
            self.advance(skip as usize);
            return Ok(());
        }
        self.advance(buffered as usize);
        let mut left = skip - buffered;
        if left >= SEEK_FROM {
            self.input.seek(SeekFrom::Current(i64::try_from(left).map_err(io::Error::other)?))?;
            self.at += left;
            return Ok(());
        }
        while left > 0 {
            let step = self.fill(left as usize)?;
            if step == 0 {
                break;
            }
            let step = step.min(left as usize);
            self.advance(step);
            left -= step as u64;
        }
        Ok(())
    }

    #[inline(always)]
    fn advance(&mut self, count: usize) {
        self.start += count;
        self.at += count as u64;
    }

    /// Gets at least `count` bytes into the buffer unless the file ends before. Returns how many of
    /// the `count` are there. The buffer grows only by what was really read.
    #[inline]
    fn fill(&mut self, count: usize) -> io::Result<usize> {
        if self.end - self.start >= count { Ok(count) } else { self.refill(count) }
    }

    fn refill(&mut self, count: usize) -> io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < count {
            if self.end == self.buffer.len() {
                self.buffer.resize((self.buffer.len() * 2).min(count.max(BUFFER)), 0);
            }
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.end.min(count))
    }
}

/// What is known of a chunk once its head is read.
#[derive(Clone, Copy, Debug)]
struct ChunkHead {
    kind: u32,
    at: u64,
    length: u64,
    /// How much of the body is in the buffer.
    buffered: u64,
    length_is_wrong: bool,
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn whole(head: &ChunkHead, at: u64, bytes: &'a [u8]) -> Self {
        Self { kind: head.kind, chunk_at: head.at, at, len: head.length, bytes, next: 0 }
    }
}

/// The length of a version 4 message by its own fields, if `bytes` reach to its payload's length.
fn packed_length(bytes: &[u8]) -> Option<u64> {
    let string = |at: usize| Some(2 + usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])));
    let mut at = 8;
    at += string(at)?;
    at += string(at)?;
    at += 6;
    at += string(at)?;
    at += 2;
    let length = bytes.get(at..at + 4)?;
    Some(at as u64 + 4 + u64::from(u32::from_be_bytes(length.try_into().ok()?)))
}
