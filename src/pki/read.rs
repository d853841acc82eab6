//! Reads files of certificates and keys, and says what a file really is when it is not what was asked for.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

pub use super::content::ArchiveFault;
use super::content::{self, Beside, Contents, Unreadable};
use super::key::EncodedKey;
pub use super::kind::{Form, Kind};
pub use super::pem_text::{Fault, FaultKind};
use super::section::PemText;
pub use super::section::Section;

/// The most bytes of one file that are read. The bundle of an operating system has about 250 KB, a
/// large revocation list some megabytes.
pub const FILE_LIMIT: u64 = 32 * 1024 * 1024;

/// The most entries of a folder of certificates that are looked at.
pub const FOLDER_LIMIT: usize = 10_000;

/// Why a file gave nothing.
#[derive(Debug)]
pub struct ReadError {
    pub path: PathBuf,
    pub problem: ReadProblem,
}

#[derive(Debug)]
pub enum ReadProblem {
    Missing,
    /// A folder where a file was expected, or the other way round.
    Directory,
    NotADirectory,
    Denied,
    TooLarge,
    /// A PEM section that OpenSSL does not read.
    Damaged(Fault),
    /// What it holds is not known here.
    Unknown(Kind),
    /// It is an archive that is damaged, or larger than is looked into.
    Archive(ArchiveFault),
    /// The file is something else than was asked for.
    Not {
        wanted: Kind,
        found: Kind,
    },
    Io(io::Error),
}

impl ReadError {
    /// The file may well be something else, which is no fault of one whose name promises nothing of certificates. One that is too
    /// large, may not be read, was not looked into, or is half an archive may hold anything.
    pub fn is_of_another_kind(&self) -> bool {
        match &self.problem {
            ReadProblem::Unknown(kind) => !matches!(kind, Kind::Unread(_)),
            problem => matches!(problem, ReadProblem::Damaged(_)),
        }
    }
}

/// Everything in a PEM file, in its order. A file without a section is an empty list.
pub fn sections(path: &Path) -> Result<Vec<Section>, ReadError> {
    let text = bytes(path)?;
    parse(&text).map_err(|problem| ReadError { path: path.to_owned(), problem })
}

/// Takes PEM text apart, as OpenSSL does.
pub fn parse(text: &[u8]) -> Result<Vec<Section>, ReadProblem> {
    let text = PemText::of(text);
    match text.fault() {
        Some(fault) => Err(ReadProblem::Damaged(fault)),
        None => Ok(text.sections),
    }
}

/// All that a file holds, in whatever form, and in files that it names and that lie beside it or below.
pub fn contents(path: &Path) -> Result<Contents, ReadError> {
    read_contents(path, Some(&|name| beside(path, name)))
}

/// The same without the files that it names, for who looks at these by themselves.
pub fn contents_alone(path: &Path) -> Result<Contents, ReadError> {
    read_contents(path, None)
}

fn read_contents(path: &Path, beside: Beside<'_>) -> Result<Contents, ReadError> {
    let bytes = bytes(path)?;
    content::contents(&bytes, beside).map_err(|error| {
        let problem = match error {
            Unreadable::Damaged(fault) => ReadProblem::Damaged(fault),
            Unreadable::Archive(fault) => ReadProblem::Archive(fault),
            Unreadable::Unknown(kind) => ReadProblem::Unknown(kind),
        };
        ReadError { path: path.to_owned(), problem }
    })
}

/// A file that another one names. What is not beside it or below is none of its business, and what is no file may never
/// end.
fn beside(path: &Path, name: &str) -> Option<Zeroizing<Vec<u8>>> {
    let is_below = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let name = Path::new(name);
    let file = path.with_file_name("").join(name);
    if !name.components().all(is_below) || !file.is_file() {
        return None;
    }
    bytes(&file).ok()
}

/// The certificates of a PEM file: at least one.
pub fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, ReadError> {
    let found: Vec<_> = sections(path)?
        .into_iter()
        .filter_map(|section| match section {
            Section::Certificate(der) => Some(der),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(not(path, Kind::Certificate)) } else { Ok(found) }
}

/// The first private key of a PEM file. What stands behind it is not read.
pub fn private_key(path: &Path) -> Result<EncodedKey, ReadError> {
    let PemText { sections, broken, .. } = PemText::of(&bytes(path)?);
    let key = sections.into_iter().find_map(|section| match section {
        Section::PrivateKey(key) => Some(key),
        _ => None,
    });
    match (key, broken) {
        (Some(key), _) => Ok(key),
        (None, Some(fault)) => Err(ReadError { path: path.to_owned(), problem: ReadProblem::Damaged(fault) }),
        (None, None) => Err(not(path, Kind::PrivateKey)),
    }
}

/// Whether a file may hold a private key. PEM that names none has none, and is not taken apart to know it: a revocation list may
/// have a hundred thousand entries.
pub fn may_hold_key(path: &Path) -> bool {
    let names_key = |bytes: &[u8]| memchr::memmem::find(bytes, b"PRIVATE KEY-----").is_some();
    bytes(path).is_ok_and(|bytes| !bytes.starts_with(b"-----BEGIN ") || names_key(&bytes))
}

/// The sections of a readable file that OpenSSL passes over as if they were text.
pub fn passed_over(path: &Path) -> Vec<Fault> {
    bytes(path).map(|text| PemText::of(&text).passed_over).unwrap_or_default()
}

/// The one file is a key and the other a certificate, each in the other's place.
pub fn are_swapped(certificate: &Path, key: &Path) -> bool {
    let is_key = matches!(what_is(certificate), Ok(Kind::PrivateKey | Kind::EncryptedPrivateKey));
    is_key && matches!(what_is(key), Ok(Kind::Certificate))
}

/// The revocation lists of a PEM file: at least one.
pub fn revocation_lists(path: &Path) -> Result<Vec<Vec<u8>>, ReadError> {
    let found = revocation_lists_beside(path)?;
    if found.is_empty() { Err(not(path, Kind::RevocationList)) } else { Ok(found) }
}

/// Those of a file that is there for other things.
pub fn revocation_lists_beside(path: &Path) -> Result<Vec<Vec<u8>>, ReadError> {
    let list = |section| match section {
        Section::RevocationList(der) => Some(der),
        _ => None,
    };
    Ok(sections(path)?.into_iter().filter_map(list).collect())
}

/// The certificates of a folder as OpenSSL looks for them: files named by a hash, `9d66eef0.0`.
/// What cannot be read or parsed is passed over, as there.
pub fn hashed_folder(path: &Path) -> Result<Vec<Vec<u8>>, ReadError> {
    let files = hashed_files(path, "")?;
    Ok(files.iter().filter_map(|file| certificates(file).ok()).flatten().collect())
}

/// The revocation lists of such a folder: `9d66eef0.r0`.
pub fn hashed_revocation_lists(path: &Path) -> Result<Vec<Vec<u8>>, ReadError> {
    let files = hashed_files(path, "r")?;
    Ok(files.iter().filter_map(|file| revocation_lists(file).ok()).flatten().collect())
}

/// The files whose names have `mark` before their number.
fn hashed_files(path: &Path, mark: &str) -> Result<Vec<PathBuf>, ReadError> {
    let entries = fs::read_dir(path).map_err(|error| {
        let problem = match error.kind() {
            io::ErrorKind::NotADirectory => ReadProblem::NotADirectory,
            _ => problem(error),
        };
        ReadError { path: path.to_owned(), problem }
    })?;
    let mut files: Vec<_> = entries
        .take(FOLDER_LIMIT)
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|file| file.file_name().and_then(|name| name.to_str()).is_some_and(|name| is_hashed_name(name, mark)))
        .collect();
    files.sort();
    Ok(files)
}

/// `hhhhhhhh.N`: eight hexadecimal digits of the subject's hash, then the mark and a number.
fn is_hashed_name(name: &str, mark: &str) -> bool {
    let parts = name.split_once('.').and_then(|(hash, rest)| Some((hash, rest.strip_prefix(mark)?)));
    parts.is_some_and(|(hash, number)| {
        hash.len() == 8
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// What a readable file is, in one word.
pub fn what_is(path: &Path) -> Result<Kind, ReadError> {
    let bytes = bytes(path)?;
    content::kind(&bytes).map_err(|fault| ReadError { path: path.to_owned(), problem: ReadProblem::Damaged(fault) })
}

fn not(path: &Path, wanted: Kind) -> ReadError {
    match what_is(path) {
        Ok(found) => ReadError { path: path.to_owned(), problem: ReadProblem::Not { wanted, found } },
        Err(error) => error,
    }
}

/// The bytes of a file, at most [`FILE_LIMIT`]. They may be a key: the memory is wiped.
pub fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let read = || -> Result<Zeroizing<Vec<u8>>, ReadProblem> {
        let file = fs::File::open(path).map_err(problem)?;
        if file.metadata().map_err(problem)?.is_dir() {
            return Err(ReadProblem::Directory);
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(problem)?;
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(ReadProblem::TooLarge);
        }
        Ok(bytes)
    };
    read().map_err(|problem| ReadError { path: path.to_owned(), problem })
}

fn problem(error: io::Error) -> ReadProblem {
    match error.kind() {
        io::ErrorKind::NotFound => ReadProblem::Missing,
        io::ErrorKind::IsADirectory => ReadProblem::Directory,
        io::ErrorKind::PermissionDenied => ReadProblem::Denied,
        _ => ReadProblem::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        file
    }

    fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    }

    #[test]
    fn text_around_the_sections_is_passed_over() {
        let made = certificate();
        let text = format!("Bag Attributes\n{}\nmore\r\n{}", made.cert.pem(), made.signing_key.serialize_pem());
        let file = file(text.as_bytes());
        assert_eq!(certificates(file.path()).unwrap(), [made.cert.der().to_vec()]);
        let EncodedKey::Plain(key) = private_key(file.path()).unwrap() else { panic!("not plain") };
        assert_eq!(key.der(), made.signing_key.serialized_der());
    }

    #[test]
    fn a_file_of_another_kind_is_named() {
        let made = certificate();
        let rows: [(Vec<u8>, Kind); 6] = [
            (made.signing_key.serialize_pem().into_bytes(), Kind::PrivateKey),
            (made.cert.der().to_vec(), Kind::Der("a certificate")),
            (made.signing_key.serialized_der().to_vec(), Kind::Der("a private key")),
            (b"hello\n".to_vec(), Kind::Text),
            (b"\n".to_vec(), Kind::Empty),
            (b"\x00\xff\x12".to_vec(), Kind::Binary),
        ];
        for (content, kind) in rows {
            let file = file(&content);
            let error = certificates(file.path()).unwrap_err();
            let ReadProblem::Not { wanted: Kind::Certificate, found } = error.problem else { panic!("{error:?}") };
            assert_eq!(found, kind);
        }
    }

    #[test]
    fn missing_files_folders_and_damaged_sections_are_told_apart() {
        let problem = |path: &Path| certificates(path).unwrap_err().problem;
        assert!(matches!(problem(Path::new("/nowhere/ca.crt")), ReadProblem::Missing));
        assert!(matches!(problem(Path::new("/")), ReadProblem::Directory));
        let cut = certificate().cert.pem();
        assert!(matches!(problem(file(&cut.as_bytes()[..cut.len() / 2]).path()), ReadProblem::Damaged(_)));
        let wrong = cut.replace("MII", "***");
        assert!(matches!(problem(file(wrong.as_bytes()).path()), ReadProblem::Damaged(_)));
    }

    #[test]
    fn a_hashed_folder_gives_only_files_named_by_a_hash() {
        let folder = tempfile::tempdir().unwrap();
        let made = certificate();
        fs::write(folder.path().join("9d66eef0.0"), made.cert.pem()).unwrap();
        fs::write(folder.path().join("ca.crt"), certificate().cert.pem()).unwrap();
        fs::write(folder.path().join("9d66eef0.r0"), "a revocation list").unwrap();
        fs::write(folder.path().join("00000000.0"), "no certificate").unwrap();
        assert_eq!(hashed_folder(folder.path()).unwrap(), [made.cert.der().to_vec()]);
        let error = hashed_folder(&folder.path().join("ca.crt")).unwrap_err();
        assert!(matches!(error.problem, ReadProblem::NotADirectory), "{error:?}");
    }
}
