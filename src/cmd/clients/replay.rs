//! Reads files of records on a thread of its own: a slow disk or a pipe holds up neither keep-alive nor signals.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::record::{InputError, decompressed, is_compressed};
use crate::term::{Exit, Failure};

/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// Pieces that may wait to be published.
const PIECES: usize = 4;

/// What the thread has read.
#[derive(Debug)]
pub enum Piece {
    /// A file begins; the first of a round.
    Begin {
        path: PathBuf,
        is_first: bool,
    },
    Bytes(Vec<u8>),
    Failed {
        path: PathBuf,
        why: io::Error,
    },
}

/// The files of `--replay`, one after the other, as often as `--loop` says.
#[derive(Debug)]
pub struct Player {
    pieces: Receiver<Piece>,
    /// Bytes of the files that have been read.
    read: Arc<AtomicU64>,
    /// Bytes of all files in all rounds; `None` for pipes and endless loops.
    length: Option<u64>,
}

impl Player {
    /// Opens the files, so that one that is missing is told before anything is published, and begins to read.
    pub fn start(paths: &[PathBuf], rounds: Option<u32>) -> Result<Self, Failure> {
        let mut length = Some(0_u64);
        for path in paths.iter().filter(|path| !is_stdin(path)) {
            let metadata = std::fs::metadata(path).and_then(|metadata| {
                if metadata.is_dir() { Err(io::Error::from(io::ErrorKind::IsADirectory)) } else { Ok(metadata) }
            });
            let metadata = metadata.map_err(|error| unreadable(path, &error))?;
            length = length.filter(|_| metadata.is_file()).map(|length| length + metadata.len());
        }
        if paths.iter().any(|path| is_stdin(path)) {
            length = None;
        }
        let read = Arc::new(AtomicU64::new(0));
        let (sender, pieces) = channel(PIECES);
        let reader = Reader { sender, read: Arc::clone(&read) };
        let paths = paths.to_vec();
        std::thread::spawn(move || reader.run(&paths, rounds));
        let length = length.and_then(|length| length.checked_mul(rounds?.into()));
        Ok(Self { pieces, read, length })
    }

    /// The next piece; `None` after the last.
    pub async fn next(&mut self) -> Option<Piece> {
        self.pieces.recv().await
    }

    /// Bytes that have been read, and all that there are, as far as that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.read.load(Ordering::Relaxed), self.length)
    }
}

/// `-`
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

pub fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let name = if is_stdin(path) { "standard input".to_owned() } else { format!("`{}`", path.display()) };
    let why = match error.get_ref().and_then(|error| error.downcast_ref::<InputError>()) {
        Some(error) => error.to_string(),
        None => crate::net::reason(error),
    };
    Failure::new(Exit::FAILED, format!("cannot read {name}: {why}"))
}

struct Reader {
    sender: Sender<Piece>,
    read: Arc<AtomicU64>,
}

/// Whoever published is gone.
struct Gone;

impl Reader {
    fn run(&self, paths: &[PathBuf], rounds: Option<u32>) {
        for _ in 0..rounds.unwrap_or(u32::MAX) {
            for (place, path) in paths.iter().enumerate() {
                if self.send(Piece::Begin { path: path.clone(), is_first: place == 0 }).is_err() {
                    return;
                }
                match self.file(path) {
                    Ok(Ok(())) => {}
                    Ok(Err(Gone)) => return,
                    // Whoever keeps what is left reads on. The line that was cut off is no part of the next file.
                    Err(why) => {
                        let failed = Piece::Failed { path: path.clone(), why };
                        if self.send(failed).and_then(|()| self.send(Piece::Bytes(vec![b'\n']))).is_err() {
                            return;
                        }
                    }
                }
            }
        }
    }

    fn send(&self, piece: Piece) -> Result<(), Gone> {
        self.sender.blocking_send(piece).map_err(|_| Gone)
    }

    fn file(&self, path: &Path) -> io::Result<Result<(), Gone>> {
        let source: Box<dyn Read + Send> =
            if is_stdin(path) { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
        let mut source = decompressed(Counted { source, read: &self.read }, is_compressed(path))?;
        let mut last = b'\n';
        loop {
            let mut piece = vec![0; PIECE];
            let length = match source.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            piece.truncate(length);
            last = piece[length - 1];
            if self.send(Piece::Bytes(piece)).is_err() {
                return Ok(Err(Gone));
            }
        }
        // The last line of a file ends with it: what it lacks is no part of the next file.
        if last != b'\n' && self.send(Piece::Bytes(vec![b'\n'])).is_err() {
            return Ok(Err(Gone));
        }
        Ok(Ok(()))
    }
}

/// Counts the bytes of a file, compressed or not.
struct Counted<'a> {
    source: Box<dyn Read + Send>,
    read: &'a AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}
