//! The files of a folder, and of those below it.

use std::io;
use std::path::{Path, PathBuf};

use crate::examine::content::Target;
use crate::net::reason;
use crate::pki::content::{OWN_ENDINGS, is_file_of_our_kind};
use crate::term::{Exit, Failure};

/// How deep folders may lie in folders. Behind it nothing is left out: it is an error.
const DEPTH_LIMIT: usize = 64;

/// The most files of one target.
const FILES_LIMIT: usize = 2_000_000;

/// Endings of files that may hold certificates and may as well hold anything else. What a table names (nvs.csv, compose.yaml)
/// lies beside it and is looked at by itself.
const OTHER_ENDINGS: [&str; 8] = ["h", "hpp", "py", "env", "yaml", "yml", "json", "tar"];

/// The file itself, or all files of a folder and of those below it that may hold what certgen looks at.
pub fn targets(target: &Path) -> Result<Vec<Target>, Failure> {
    if !target.is_dir() {
        return Ok(vec![Target { path: target.to_owned(), is_sure: true, is_found: false }]);
    }
    let endings = [OWN_ENDINGS.as_slice(), &OTHER_ENDINGS].concat();
    let found = files_below(target, &endings).map_err(|error| {
        let why = format!("cannot read the folder `{}`: {}", target.display(), reason(&error));
        Failure::new(Exit::FAILED, why)
    })?;
    if found.len() > FILES_LIMIT {
        let why = format!("`{}` has more than {FILES_LIMIT} files", target.display());
        return Err(Failure::new(Exit::FAILED, why).hint("name the folders in it one by one"));
    }
    let is_sure = |path: &Path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_file_of_our_kind);
    Ok(found.into_iter().map(|path| Target { is_sure: is_sure(&path), is_found: true, path }).collect())
}

/// Files of a folder with these endings, in whatever case, in order.
pub fn files_of(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(folder, endings, &mut found)?;
    Ok(found)
}

/// The same of a folder, then of the folders in it. Links to folders are not followed, for they may lead back.
///
/// # Errors
/// A folder cannot be read, or lies too deep.
pub fn files_below(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk_below(folder, endings, 0, &mut found)?;
    Ok(found)
}

fn walk_below(folder: &Path, endings: &[&str], depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if depth > DEPTH_LIMIT {
        return Err(io::Error::other(format!("more than {DEPTH_LIMIT} folders lie in each other")));
    }
    for folder in walk(folder, endings, found)? {
        if found.len() > FILES_LIMIT {
            break;
        }
        walk_below(&folder, endings, depth + 1, found)?;
    }
    Ok(())
}

/// Adds the files of a folder, and gives the folders in it.
fn walk(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folders.push(path);
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let is_wanted = endings.iter().any(|wanted| ending.eq_ignore_ascii_case(wanted));
        if is_wanted && (kind.is_file() || path.is_file()) {
            files.push(path);
        }
    }
    files.sort();
    folders.sort();
    found.append(&mut files);
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out_for_its_case_or_its_depth() {
        let folder = tempfile::tempdir().unwrap();
        let mut deep = folder.path().to_owned();
        for _ in 0..DEPTH_LIMIT {
            deep.push("a");
        }
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("DEV1.CRT"), "").unwrap();
        std::fs::write(folder.path().join("dev2.crt.txt"), "").unwrap();
        assert_eq!(files_below(folder.path(), &["crt"]).unwrap(), [deep.join("DEV1.CRT")]);
        assert_eq!(targets(folder.path()).unwrap().len(), 1);
        assert_eq!(files_of(&deep, &["crt"]).unwrap().len(), 1);
        std::fs::create_dir(deep.join("a")).unwrap();
        assert!(files_below(folder.path(), &["crt"]).is_err());
    }
}
