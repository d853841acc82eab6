//! Unix sockets.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

pub use tokio::net::{UnixListener as Listener, UnixStream as Stream};

/// One end of a [`pair`].
pub type PairEnd = Stream;

/// Listens at `path`, for those whom `mode` lets in.
pub fn listen(path: &Path, mode: u32) -> io::Result<Listener> {
    let listener = Listener::bind(path)?;
    fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
    Ok(listener)
}

/// Removes a socket's file that nobody took away; any other file stays, and binding fails on it.
pub fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path),
        _ => Ok(()),
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
