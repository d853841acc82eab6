//! Reads a file ahead in another thread, as long as it is read on and on: to copy what the system holds of it takes a third
//! of the time that it takes to read what it says.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes read from the file at once.
const BLOCK: usize = 128 * 1024;
/// Blocks that may wait to be taken.
const WAITING: usize = 2;
/// So much is read without a leap before a thread is worth it.
const THREAD_FROM: u64 = 4 * 1024 * 1024;

/// A file that is read ahead. Where its reader leaps from place to place, no thread is started.
#[derive(Debug)]
pub struct ReadAhead<'a> {
    file: &'a File,
    /// Where the reader is.
    at: u64,
    /// Bytes read since the last leap.
    in_sequence: u64,
    ahead: Option<Ahead>,
}

/// The other thread, which alone moves the file's offset while it runs.
#[derive(Debug)]
struct Ahead {
    blocks: Receiver<io::Result<Block>>,
    used: SyncSender<Vec<u8>>,
    thread: JoinHandle<()>,
    block: Block,
}

/// Bytes of the file, of which so many are taken.
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    taken: usize,
    length: usize,
}

impl<'a> ReadAhead<'a> {
    /// Reads `file` from its start.
    pub fn new(mut file: &'a File) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self { file, at: 0, in_sequence: 0, ahead: None })
    }

    fn start(&self) -> io::Result<Ahead> {
        let file = self.file.try_clone()?;
        let (sender, blocks) = sync_channel(WAITING);
        let (used, unused) = sync_channel(WAITING + 2);
        let thread = thread::Builder::new().spawn(move || read_blocks(file, &sender, &unused))?;
        Ok(Ahead { blocks, used, thread, block: Block::default() })
    }

    /// Ends the thread. The file's offset is anywhere then.
    fn stop(&mut self) {
        if let Some(Ahead { blocks, used, thread, .. }) = self.ahead.take() {
            drop((blocks, used));
            let _ = thread.join();
        }
    }
}

fn read_blocks(mut file: File, sender: &SyncSender<io::Result<Block>>, unused: &Receiver<Vec<u8>>) {
    loop {
        let mut bytes = unused.try_recv().unwrap_or_else(|_| vec![0; BLOCK]);
        let read = loop {
            match file.read(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let is_last = !matches!(read, Ok(1..));
        let is_taken = sender.send(read.map(|length| Block { bytes, taken: 0, length })).is_ok();
        if is_last || !is_taken {
            return;
        }
    }
}

impl Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.block.taken == self.block.length {
            // Nothing comes any more behind the end of the file, or behind an error.
            let Ok(block) = self.blocks.recv() else { return Ok(0) };
            let used = std::mem::replace(&mut self.block, block?);
            if !used.bytes.is_empty() {
                let _ = self.used.try_send(used.bytes);
            }
        }
        let block = &mut self.block;
        let count = (&block.bytes[block.taken..block.length]).read(buffer)?;
        block.taken += count;
        Ok(count)
    }
}

impl Read for ReadAhead<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_none() && self.in_sequence >= THREAD_FROM {
            // Without a thread it is read as well.
            self.in_sequence = 0;
            self.ahead = self.start().ok();
        }
        let count = match &mut self.ahead {
            Some(ahead) => ahead.read(buffer)?,
            None => self.file.read(buffer)?,
        };
        self.at += count as u64;
        self.in_sequence += count as u64;
        Ok(count)
    }
}

impl Seek for ReadAhead<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.stop();
        self.in_sequence = 0;
        let to = match to {
            SeekFrom::Current(distance) => {
                let to = self.at.checked_add_signed(distance);
                SeekFrom::Start(to.ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?)
            }
            to => to,
        };
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

impl Drop for ReadAhead<'_> {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_read_ahead_is_what_the_file_holds() {
        let mut file = tempfile::tempfile().unwrap();
        let length = 3 * THREAD_FROM + 12_345;
        let bytes: Vec<u8> = (0..length).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
        file.write_all(&bytes).unwrap();
        let mut reader = ReadAhead::new(&file).unwrap();
        let mut buffer = vec![0; 100_000];
        for (turn, from) in [0, 5, THREAD_FROM + 17, 0, length - 3, length, length + 9].into_iter().enumerate() {
            let mut at = reader.seek(SeekFrom::Start(from)).unwrap();
            assert_eq!(at, from);
            loop {
                let count = reader.read(&mut buffer[..10_001 + turn * 9_999]).unwrap();
                let expected = bytes.get(at as usize..).unwrap_or_default();
                assert!(expected.starts_with(&buffer[..count]), "{at}");
                at += count as u64;
                if count == 0 {
                    break;
                }
                // A leap while the thread reads, and one that starts where the reader is and not where the thread is.
                if at > from + 2 * THREAD_FROM && turn == 1 {
                    assert!(reader.ahead.is_some());
                    at = reader.seek(SeekFrom::Current(1000)).unwrap();
                    assert!(reader.ahead.is_none());
                    break;
                }
            }
            assert!(turn == 1 || at == from.max(length), "{turn}");
            // Once more behind the end.
            assert!(turn == 1 || reader.read(&mut buffer).unwrap() == 0);
        }
    }
}
