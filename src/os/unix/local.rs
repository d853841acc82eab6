//! Unix sockets.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

pub use tokio::net::{UnixListener as Listener, UnixStream as Stream};

/// One end of a [`pair`].
pub type PairEnd = Stream;

/// How long another program may hold the folder in which we listen.
const FOLDER_WAIT: Duration = Duration::from_secs(2);

/// How often it is asked for meanwhile.
const FOLDER_PAUSE: Duration = Duration::from_millis(10);

/// The file of a socket that we listen at. Dropped, it is gone, unless it is no longer ours.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Without the lock somebody else could put a socket there between the look and the removal; with a folder that
        // is gone, or held, nothing better can be done than to look.
        let _lock = lock_folder_of(&self.path);
        let is_ours = |found: fs::Metadata| found.dev() == self.device && found.ino() == self.inode;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // Nobody is left to be told that it could not be removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens at `path`, for those whom `mode` lets in. The socket of a program that was killed is replaced; where
/// somebody still answers, or where a file is that is no socket, the address is in use.
pub fn listen(path: &Path, mode: u32) -> io::Result<(Listener, SocketFile)> {
    // Two that start at once must not take each other's new socket for an old one.
    let _lock = lock_folder_of(path)?;
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        if is_answered(path)? {
            return Err(Errno::ADDRINUSE.into());
        }
        fs::remove_file(path)?;
    }
    let listener = Listener::bind(path)?;
    let made = fs::symlink_metadata(path)?;
    let file = SocketFile { path: path.to_owned(), device: made.dev(), inode: made.ino() };
    fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
    Ok((listener, file))
}

/// Whether a program listens at the socket. One that does and accepts nobody counts: it does not wait for an answer.
fn is_answered(path: &Path) -> io::Result<bool> {
    for kind in [SocketType::STREAM, SocketType::DGRAM, SocketType::SEQPACKET] {
        let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
        match connect(&socket, &SocketAddrUnix::new(path)?) {
            // Its queue may be full.
            Ok(()) | Err(Errno::AGAIN) => return Ok(true),
            // Nobody holds a socket of any kind that is left without its program.
            Err(Errno::CONNREFUSED | Errno::NOENT) => return Ok(false),
            Err(Errno::PROTOTYPE) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Holds the folder of `path` against other brokers of ours until it is dropped.
fn lock_folder_of(path: &Path) -> io::Result<Option<File>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Who may make files in a folder need not be able to read it.
    let Ok(folder) = File::open(folder) else { return Ok(None) };
    let begin = Instant::now();
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(Some(folder)),
            Err(fs::TryLockError::WouldBlock) if begin.elapsed() < FOLDER_WAIT => thread::sleep(FOLDER_PAUSE),
            Err(fs::TryLockError::WouldBlock) => return Err(io::ErrorKind::ResourceBusy.into()),
            // Some network file systems have no locks.
            Err(fs::TryLockError::Error(_)) => return Ok(None),
        }
    }
}

/// Two connected streams within this process.
pub fn pair() -> io::Result<(PairEnd, PairEnd)> {
    Stream::pair()
}

/// The other client, told to speak through a unix socket.
pub fn rumqttc_transport() -> io::Result<rumqttc::Transport> {
    Ok(rumqttc::Transport::Unix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    /// Ends it for whoever has it, a child included that another test starts at this moment.
    fn leave(listener: UnixListener) {
        rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).unwrap();
        drop(listener);
    }

    #[tokio::test]
    async fn a_socket_is_replaced_only_when_nobody_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let in_use = || listen(&path, 0o770).map(drop).map_err(|error| error.kind()) == Err(io::ErrorKind::AddrInUse);
        let left_behind = UnixListener::bind(&path).unwrap();
        assert!(in_use());
        leave(left_behind);
        let (listener, file) = listen(&path, 0o770).unwrap();
        assert!(in_use());
        drop((listener, file));
        assert!(!path.exists());

        let datagrams = UnixDatagram::bind(&path).unwrap();
        assert!(in_use());
        drop(datagrams);
        // A child that another test starts may have it a moment longer, and nothing but the last end closes it.
        let until = Instant::now() + Duration::from_secs(60);
        while in_use() {
            assert!(Instant::now() < until, "nobody holds it");
        }
        fs::write(&path, "no socket").unwrap();
        assert!(in_use());
        assert_eq!(fs::read(&path).unwrap(), b"no socket");
    }

    #[tokio::test]
    async fn who_has_no_room_left_for_connections_still_holds_its_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        rustix::net::bind(&socket, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&socket, 0).unwrap();
        let _only = std::os::unix::net::UnixStream::connect(&path).unwrap();
        assert_eq!(listen(&path, 0o770).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn a_socket_that_somebody_put_in_our_place_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let (_listener, file) = listen(&path, 0o770).unwrap();
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn of_many_that_start_at_once_on_an_old_socket_one_listens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        leave(UnixListener::bind(&path).unwrap());
        let runtime = tokio::runtime::Handle::current();
        let listening: Vec<_> = thread::scope(|scope| {
            let one = || {
                let _entered = runtime.enter();
                listen(&path, 0o770).ok()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(listening.len(), 1);
        std::os::unix::net::UnixStream::connect(&path).unwrap();
    }
}
