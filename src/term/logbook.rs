//! Where the lines of a long-running program go: standard streams, a file, syslog. Written by a thread
//! of its own through a bounded channel, so that a log nobody reads never holds up who writes to it;
//! lines that found no room are counted, and the count is told when there is room again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use colored::{Color, Colorize};

use crate::os::files::OpenOptionsExt;
use crate::os::syslog::Syslog;

/// Lines that wait for the writer, at most.
const ROOM: usize = 8192;
/// How long the end of the program waits for the last lines.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// How grave a line is: colour on a terminal, priority in syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    Error,
    Warning,
    Notice,
    Information,
    Debug,
}

/// A destination of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Stdout {
        colour: bool,
    },
    Stderr {
        colour: bool,
    },
    /// Appended to; created for its owner only.
    File(PathBuf),
    /// `facility` as syslog numbers them.
    Syslog {
        facility: u8,
        name: &'static str,
    },
}

/// A destination that cannot be opened.
#[derive(Debug)]
pub struct Unopenable {
    pub place: Place,
    pub error: io::Error,
}

enum Entry {
    Line {
        gravity: Gravity,
        stamp: String,
        text: String,
    },
    /// For standard output, whatever the destinations.
    Print(String),
    Reopen,
    /// Other destinations from here on.
    Replace(Vec<Outlet>),
    End,
}

/// The near end of a log; clones write to the same one.
#[derive(Clone)]
pub struct Logbook {
    entries: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

/// The writer, to be ended when the program ends.
pub struct Keeper {
    entries: SyncSender<Entry>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Logbook {
    /// Opens `places` and starts the writer.
    pub fn open(places: &[Place]) -> Result<(Self, Keeper), Unopenable> {
        let mut writer = LineWriter { outlets: outlets(places)? };
        let (sender, receiver) = sync_channel(ROOM);
        let (end, ended) = sync_channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        let thread = std::thread::spawn(move || {
            writer.run(&receiver, &counter);
            // Whoever waits for the end may have given up.
            let _ = end.try_send(());
        });
        Ok((Self { entries: sender.clone(), lost }, Keeper { entries: sender, ended, thread }))
    }

    /// Writes a line, `stamp` before it. Never waits.
    pub fn write(&self, gravity: Gravity, stamp: String, text: String) {
        match self.entries.try_send(Entry::Line { gravity, stamp, text }) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// A line for standard output that somebody has asked for.
    pub fn print(&self, text: String) {
        // It shares the room with the log; who does not read the log gets no answer either.
        let _ = self.entries.try_send(Entry::Print(text));
    }

    /// Writes to `places` from here on, or, if one cannot be opened, as before.
    pub fn replace(&self, places: &[Place]) -> Result<(), Unopenable> {
        let outlets = outlets(places)?;
        // A full channel means a stuck log; the next reload finds it better.
        let _ = self.entries.try_send(Entry::Replace(outlets));
        Ok(())
    }

    /// Opens the files anew: somebody has renamed them.
    pub fn reopen(&self) {
        // A full channel means a stuck log; a file that is renamed under it can wait for the next time.
        let _ = self.entries.try_send(Entry::Reopen);
    }
}

impl Keeper {
    /// Waits until what was written is out, but no longer than a second.
    pub fn end(self) {
        let until = Instant::now() + TIME_LIMIT;
        let mut end = Entry::End;
        while let Err(TrySendError::Full(back)) = self.entries.try_send(end) {
            if Instant::now() > until {
                return;
            }
            end = back;
            std::thread::sleep(Duration::from_millis(1));
        }
        match self.ended.recv_timeout(TIME_LIMIT) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                // It has ended, so this does not wait; a panic in it has been told already.
                let _ = self.thread.join();
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

struct LineWriter {
    outlets: Vec<Outlet>,
}

impl LineWriter {
    fn run(&mut self, entries: &Receiver<Entry>, lost: &AtomicU64) {
        while let Ok(entry) = entries.recv() {
            match entry {
                Entry::Line { gravity, stamp, text } => self.write(gravity, &stamp, &text),
                Entry::Print(text) => {
                    // Whoever closed standard output does not want it.
                    let _ = io::stdout().write_all(format!("{text}\n").as_bytes());
                }
                Entry::Reopen => self.outlets.iter_mut().for_each(Outlet::reopen),
                Entry::Replace(outlets) => self.outlets = outlets,
                Entry::End => return,
            }
            let missing = lost.swap(0, Ordering::Relaxed);
            if missing > 0 {
                let text = format!("Warning: {missing} log lines were dropped because nobody took them.");
                self.write(Gravity::Warning, "", &text);
            }
        }
    }

    fn write(&mut self, gravity: Gravity, stamp: &str, text: &str) {
        for outlet in &mut self.outlets {
            outlet.write(gravity, stamp, text);
        }
    }
}

fn outlets(places: &[Place]) -> Result<Vec<Outlet>, Unopenable> {
    places.iter().map(Outlet::open).collect()
}

/// An open destination. A line that it does not take is lost there: a log has nowhere to complain.
enum Outlet {
    Stream { stream: Box<dyn Write + Send>, colour: bool },
    File { path: PathBuf, file: File },
    Syslog { socket: Syslog, facility: u8, name: &'static str },
}

impl Outlet {
    fn open(place: &Place) -> Result<Self, Unopenable> {
        let opened = match place {
            Place::Stdout { colour } => Ok(Self::Stream { stream: Box::new(io::stdout()), colour: *colour }),
            Place::Stderr { colour } => Ok(Self::Stream { stream: Box::new(io::stderr()), colour: *colour }),
            Place::File(path) => append(path).map(|file| Self::File { path: path.clone(), file }),
            Place::Syslog { facility, name } => {
                Syslog::connect().map(|socket| Self::Syslog { socket, facility: *facility, name })
            }
        };
        opened.map_err(|error| Unopenable { place: place.clone(), error })
    }

    fn reopen(&mut self) {
        if let Self::File { path, file } = self
            && let Ok(new) = append(path)
        {
            *file = new;
        }
    }

    fn write(&mut self, gravity: Gravity, stamp: &str, text: &str) {
        let _ = match self {
            Self::Stream { stream, colour: true } => stream.write_all(coloured(gravity, stamp, text).as_bytes()),
            Self::Stream { stream, colour: false } => stream.write_all(format!("{stamp}{text}\n").as_bytes()),
            Self::File { file, .. } => file.write_all(format!("{stamp}{text}\n").as_bytes()),
            Self::Syslog { socket, facility, name } => {
                let priority = *facility << 3 | severity(gravity);
                socket.send(format!("<{priority}>{name}[{}]: {text}", std::process::id()).as_bytes())
            }
        };
    }
}

fn append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// The whole line in one write, so that lines of other programs do not cut it.
fn coloured(gravity: Gravity, stamp: &str, text: &str) -> String {
    let text = match gravity {
        Gravity::Error => text.color(Color::Red).bold().to_string(),
        Gravity::Warning => text.color(Color::Yellow).to_string(),
        Gravity::Notice => text.to_owned(),
        Gravity::Information => text.color(Color::Cyan).to_string(),
        Gravity::Debug => text.dimmed().to_string(),
    };
    format!("{}{text}\n", stamp.dimmed())
}

/// RFC 5424's numbers.
fn severity(gravity: Gravity) -> u8 {
    match gravity {
        Gravity::Error => 3,
        Gravity::Warning => 4,
        Gravity::Notice => 5,
        Gravity::Information => 6,
        Gravity::Debug => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixDatagram;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn lines_go_to_a_file_of_the_owner_and_to_the_new_one_after_it_was_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "old\n").unwrap();
        let (logbook, keeper) = Logbook::open(&[Place::File(path.clone())]).unwrap();
        logbook.write(Gravity::Notice, "1: ".to_owned(), "one".to_owned());
        keeper.end();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old\n1: one\n");

        let renamed = folder.path().join("log.1");
        std::fs::rename(&path, &renamed).unwrap();
        let (logbook, keeper) = Logbook::open(&[Place::File(path.clone())]).unwrap();
        std::fs::rename(&path, &renamed).unwrap();
        logbook.write(Gravity::Notice, String::new(), "before".to_owned());
        logbook.reopen();
        logbook.write(Gravity::Notice, String::new(), "after".to_owned());
        keeper.end();
        assert_eq!(std::fs::read_to_string(&renamed).unwrap(), "before\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "after\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn other_destinations_take_over_unless_they_cannot_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        let (logbook, keeper) = Logbook::open(&[Place::File(first.clone())]).unwrap();
        let write = |text: &str| logbook.write(Gravity::Notice, String::new(), text.to_owned());
        write("one");
        assert!(logbook.replace(&[Place::File("/nowhere/log".into())]).is_err());
        write("two");
        logbook.replace(&[Place::File(second.clone())]).unwrap();
        write("three");
        keeper.end();
        assert_eq!(std::fs::read_to_string(&first).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&second).unwrap(), "three\n");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_said() {
        let place = Place::File("/nowhere/log".into());
        let Err(unopenable) = Logbook::open(std::slice::from_ref(&place)) else { panic!("it is open") };
        assert_eq!(unopenable.place, place);
        assert_eq!(unopenable.error.kind(), io::ErrorKind::NotFound);
    }

    /// A stream that hands over each write, and waits until it is taken.
    struct Slow(SyncSender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_log_drops_lines_and_says_how_many() {
        let (taken, take) = sync_channel(0);
        let mut writer = LineWriter { outlets: vec![Outlet::Stream { stream: Box::new(Slow(taken)), colour: false }] };
        let (sender, receiver) = sync_channel(2);
        let lost = Arc::new(AtomicU64::new(0));
        let logbook = Logbook { entries: sender, lost: Arc::clone(&lost) };
        // Nobody writes yet: two fit, three do not.
        for number in 0..5 {
            logbook.write(Gravity::Notice, String::new(), number.to_string());
        }
        let (done, finished) = channel();
        std::thread::spawn(move || {
            writer.run(&receiver, &lost);
            done.send(()).unwrap();
        });
        assert_eq!(take.recv().unwrap(), "0\n");
        assert_eq!(take.recv().unwrap(), "Warning: 3 log lines were dropped because nobody took them.\n");
        assert_eq!(take.recv().unwrap(), "1\n");
        drop(logbook);
        finished.recv().unwrap();
    }

    #[test]
    fn syslog_gets_priority_name_and_process_before_the_text() {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let mut outlet = Outlet::Syslog { socket: ours.into(), facility: 16, name: "moskit" };
        outlet.write(Gravity::Warning, "1: ", "beware");
        let mut line = [0; 100];
        let length = theirs.recv(&mut line).unwrap();
        let expected = format!("<132>moskit[{}]: beware", std::process::id());
        assert_eq!(String::from_utf8_lossy(&line[..length]), expected);
    }

    #[test]
    fn lines_on_a_terminal_have_their_colour() {
        colored::control::set_override(true);
        let line = coloured(Gravity::Error, "1: ", "no");
        colored::control::unset_override();
        assert!(line.contains("\u{1b}[1;31mno\u{1b}[0m"), "{line:?}");
        assert_eq!(severity(Gravity::Debug), 7);
    }
}
