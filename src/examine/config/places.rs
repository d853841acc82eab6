//! Where the files that a configuration names are on this machine. A configuration of a container names them as they
//! are called inside it.

use std::collections::VecDeque;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// As many links as a path may lead over; Linux has the same limit.
const LINKS_MOST: usize = 40;

/// What stands here for the folders of another system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The whole of its files lies below this folder.
    pub root: Option<PathBuf>,
    /// Some of its folders, which go before `root`.
    pub maps: Vec<Map>,
    /// Its paths are none of this machine's: what no map names is not here.
    pub is_container: bool,
}

/// A folder of the other system, and the one that stands for it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    pub from: PathBuf,
    pub to: PathBuf,
}

impl Map {
    /// `FROM=DIR`, where FROM is absolute.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (from, to) = text.split_once('=').ok_or("it has no `=`: FROM=DIR")?;
        if !Path::new(from).is_absolute() {
            return Err("FROM is not an absolute path");
        }
        if to.is_empty() {
            return Err("DIR is empty");
        }
        Ok(Self { from: from.into(), to: to.into() })
    }
}

impl Places {
    /// Whether the configuration is another system's.
    pub fn are_given(&self) -> bool {
        self.root.is_some() || !self.maps.is_empty()
    }

    /// The folders of this machine that the other system has.
    pub fn mounts(&self) -> impl Iterator<Item = &Path> {
        self.maps.iter().map(|map| map.to.as_path()).chain(self.root.as_deref())
    }

    /// Where the file is here. `None` is inside a container that nothing here stands for.
    pub fn find(&self, path: &Path) -> Option<PathBuf> {
        self.place(path, true)
    }

    /// The same, where the file itself may be a link and is wanted as such.
    pub fn find_unfollowed(&self, path: &Path) -> Option<PathBuf> {
        self.place(path, false)
    }

    fn place(&self, path: &Path, follow: bool) -> Option<PathBuf> {
        let fitting = self.maps.iter().filter(|map| path.starts_with(&map.from));
        if let Some(map) = fitting.max_by_key(|map| map.from.components().count()) {
            let rest = path.strip_prefix(&map.from).unwrap_or(path);
            return Some(if rest.as_os_str().is_empty() { map.to.clone() } else { map.to.join(rest) });
        }
        if let Some(root) = &self.root {
            return Some(below(root, path, follow));
        }
        if (self.is_container || !self.maps.is_empty()) && path.is_absolute() {
            return None;
        }
        Some(path.to_owned())
    }
}

/// The path inside `root`, as a process would find it whose root that is: an absolute link stays inside.
fn below(root: &Path, path: &Path, follow_last: bool) -> PathBuf {
    let mut found = PathBuf::new();
    let mut rest: VecDeque<PathBuf> = parts(path);
    let mut links = 0;
    while let Some(part) = rest.pop_front() {
        if part.as_os_str() == ".." {
            found.pop();
            continue;
        }
        let next = found.join(&part);
        let target = if rest.is_empty() && !follow_last { None } else { fs::read_link(root.join(&next)).ok() };
        match target {
            Some(target) if links < LINKS_MOST => {
                links += 1;
                if target.is_absolute() {
                    found.clear();
                }
                let mut before = parts(&target);
                before.append(&mut rest);
                rest = before;
            }
            _ => found = next,
        }
    }
    root.join(found)
}

fn parts(path: &Path) -> VecDeque<PathBuf> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(PathBuf::from(part)),
            Component::ParentDir => Some(PathBuf::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// Whether the path is none of this machine: its first folder is not there, and is no misspelt one that is.
pub fn looks_foreign(path: &Path) -> bool {
    let mut components = path.components();
    let (Some(Component::RootDir), Some(Component::Normal(first))) = (components.next(), components.next()) else {
        return false;
    };
    let is_missing = |error: std::io::Error| error.kind() == ErrorKind::NotFound;
    if !fs::symlink_metadata(Path::new("/").join(first)).is_err_and(is_missing) {
        return false;
    }
    let first = first.to_string_lossy();
    let Ok(entries) = fs::read_dir("/") else { return true };
    let mut folders = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    !folders.any(|folder| strsim::osa_distance(&folder, &first) == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(root: Option<&Path>, maps: &[&str]) -> Places {
        let maps = maps.iter().map(|map| Map::parse(map).unwrap()).collect();
        Places { root: root.map(Path::to_owned), maps, is_container: false }
    }

    #[test]
    fn the_longest_map_stands_for_a_path_and_what_no_map_names_is_not_here() {
        let places = places(None, &["/mosquitto=/a", "/mosquitto/config=/b"]);
        let find = |path: &str| places.find(Path::new(path));
        assert_eq!(find("/mosquitto/config/passwd"), Some("/b/passwd".into()));
        assert_eq!(find("/mosquitto/config"), Some("/b".into()));
        assert_eq!(find("/mosquitto/data/"), Some("/a/data".into()));
        assert_eq!(find("/mosquitto/configs"), Some("/a/configs".into()));
        assert_eq!(find("/etc/passwd"), None);
        assert_eq!(find("passwd"), Some("passwd".into()));
    }

    #[test]
    fn maps_are_two_paths() {
        for text in ["", "/a", "a=/b", "/a="] {
            assert!(Map::parse(text).is_err(), "{text}");
        }
        assert_eq!(Map::parse("/a=b=c"), Ok(Map { from: "/a".into(), to: "b=c".into() }));
    }

    #[test]
    #[cfg(unix)]
    fn links_stay_inside_the_root() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("run")).unwrap();
        fs::create_dir_all(root.join("var")).unwrap();
        symlink("/run", root.join("var/run")).unwrap();
        symlink("/run/x", root.join("link")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let places = places(Some(root), &[]);
        let find = |path: &str| places.find(Path::new(path)).unwrap();
        assert_eq!(find("/var/run/m.pid"), root.join("run/m.pid"));
        assert_eq!(find("/link"), root.join("run/x"));
        assert_eq!(places.find_unfollowed(Path::new("/link")), Some(root.join("link")));
        assert_eq!(find("/../../etc"), root.join("etc"));
        assert_eq!(find("relative"), root.join("relative"));
        assert_eq!(find("/loop/x"), root.join("loop/x"));
    }

    #[test]
    fn a_missing_first_folder_is_foreign_and_a_misspelt_one_is_not() {
        for path in ["/mosquitto/config/passwd", "/no such folder/x"] {
            assert!(looks_foreign(Path::new(path)), "{path}");
        }
        for path in ["/etc/no such file", "/ect/mosquitto/passwd", "relative/x", "/"] {
            assert!(!looks_foreign(Path::new(path)), "{path}");
        }
    }
}
