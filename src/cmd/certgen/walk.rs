//! The files of a folder, and of those below it.

use std::io;
use std::path::{Path, PathBuf};

/// How deep folders in folders are looked into.
const DEPTH_LIMIT: usize = 8;

/// Files of a folder with these endings, in order.
pub fn files_of(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(folder, endings, 0, &mut found)?;
    Ok(found)
}

/// Files with these endings, in order: all of a folder, then those of the folders in it. Links to folders are not
/// followed, for they may lead back.
pub fn files_below(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(folder, endings, DEPTH_LIMIT, &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, endings: &[&str], depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            folders.push(path);
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if endings.contains(&ending) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    folders.sort();
    found.append(&mut files);
    if depth > 0 {
        for folder in folders {
            walk(&folder, endings, depth - 1, found)?;
        }
    }
    Ok(())
}
