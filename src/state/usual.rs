//! Where the state of a broker lies when nobody names its file: decided here, for every verb that reads one.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where Debian's and most other packages of Mosquitto keep their state.
pub const FOLDER: &str = "/var/lib/mosquitto";

/// The names of a broker's file in its folder.
pub const NAMES: [&str; 2] = ["mosquitto.db", "mosquitto.sqlite3"];

/// The file in [`FOLDER`], if there is one. An error: the folder may not be looked into.
pub fn file() -> io::Result<Option<PathBuf>> {
    let folder = Path::new(FOLDER);
    match newest_in(folder) {
        None => denied(folder).map_or(Ok(None), Err),
        found => Ok(found),
    }
}

/// Why it cannot be seen whether a broker's file is in `folder`.
pub fn denied(folder: &Path) -> Option<io::Error> {
    let mut errors = NAMES.iter().filter_map(|name| fs::metadata(folder.join(name)).err());
    errors.find(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// A broker's file by the name of its folder, or the path as it is.
pub fn in_folder(path: &Path) -> PathBuf {
    let file = if path.is_dir() { newest_in(path) } else { None };
    file.unwrap_or_else(|| path.to_owned())
}

/// The same, for who waits until the broker writes: the file that it will write into a folder which has none.
pub fn awaited(path: &Path) -> PathBuf {
    let file = in_folder(path);
    if file.is_dir() { file.join(NAMES[0]) } else { file }
}

/// The one written last, if there are two: a broker that has changed to the other leaves the first behind.
fn newest_in(folder: &Path) -> Option<PathBuf> {
    NAMES
        .iter()
        .map(|name| folder.join(name))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .max()
        .map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_folder_stands_for_the_file_that_was_written_last() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert_eq!((in_folder(folder), awaited(folder)), (folder.to_owned(), folder.join("mosquitto.db")));
        let write = |name: &str, age: u64| {
            let file = fs::File::create(folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        write("mosquitto.db", 60);
        assert_eq!(in_folder(folder), folder.join("mosquitto.db"));
        write("mosquitto.sqlite3", 10);
        assert_eq!(in_folder(folder), folder.join("mosquitto.sqlite3"));
        assert_eq!(awaited(folder), in_folder(folder));
        write("mosquitto.db", 0);
        assert_eq!(in_folder(folder), folder.join("mosquitto.db"));
        assert_eq!(in_folder(&folder.join("other.db")), folder.join("other.db"));
    }
}
