//! Reads files of certificates and keys, and says what a file really is when it is not what was asked for.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use x509_parser::asn1_rs::{Any, FromDer};
use zeroize::Zeroizing;

use super::key::{EncodedKey, EncryptedKey, KeyFormat, PrivateKey};
use super::pem_text;
pub use super::pem_text::{Fault, FaultKind};

/// The most bytes of one file that are read. The bundle of an operating system has about 250 KB, a
/// large revocation list some megabytes.
pub const FILE_LIMIT: u64 = 32 * 1024 * 1024;

/// The most entries of a folder of certificates that are looked at.
pub const FOLDER_LIMIT: usize = 10_000;

/// One thing found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// A certificate, DER.
    Certificate(Vec<u8>),
    PrivateKey(EncodedKey),
    /// A public key alone, DER.
    PublicKey(Vec<u8>),
    /// A request for a certificate, DER.
    Request(Vec<u8>),
    /// A list of revoked certificates, DER.
    RevocationList(Vec<u8>),
    /// A PEM section that nobody here needs, by its label (`EC PARAMETERS`).
    Other(String),
}

/// What a file or a section of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Certificate,
    PrivateKey,
    EncryptedPrivateKey,
    PublicKey,
    Request,
    RevocationList,
    /// A PEM section with this label.
    Pem(String),
    /// DER where PEM was expected.
    Der(&'static str),
    Empty,
    Text,
    Binary,
}

impl Kind {
    /// What it is, with its article: `a certificate`.
    pub fn describe(&self) -> String {
        match self {
            Self::Certificate => "a certificate".to_owned(),
            Self::PrivateKey => "a private key".to_owned(),
            Self::EncryptedPrivateKey => "an encrypted private key".to_owned(),
            Self::PublicKey => "a public key".to_owned(),
            Self::Request => "a certificate request".to_owned(),
            Self::RevocationList => "a revocation list".to_owned(),
            Self::Pem(label) => format!("a PEM file of `{label}`"),
            Self::Der(what) => format!("{what} in DER form, not PEM"),
            Self::Empty => "empty".to_owned(),
            Self::Text => "text without any PEM section".to_owned(),
            Self::Binary => "binary data of an unknown kind".to_owned(),
        }
    }
}

impl Section {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Certificate(_) => Kind::Certificate,
            Self::PrivateKey(EncodedKey::Plain(_)) => Kind::PrivateKey,
            Self::PrivateKey(EncodedKey::Encrypted(_)) => Kind::EncryptedPrivateKey,
            Self::PublicKey(_) => Kind::PublicKey,
            Self::Request(_) => Kind::Request,
            Self::RevocationList(_) => Kind::RevocationList,
            Self::Other(label) => Kind::Pem(label.clone()),
        }
    }
}

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
    /// The file is something else than was asked for.
    Not {
        wanted: Kind,
        found: Kind,
    },
    Io(io::Error),
}

/// Everything in a PEM file, in its order. A file without a section is an empty list.
pub fn sections(path: &Path) -> Result<Vec<Section>, ReadError> {
    let text = bytes(path)?;
    parse(&text).map_err(|problem| ReadError { path: path.to_owned(), problem })
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
    let Contents { sections, broken, .. } = Contents::of(&bytes(path)?);
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

/// The sections of a readable file that OpenSSL passes over as if they were text.
pub fn passed_over(path: &Path) -> Vec<Fault> {
    bytes(path).map(|text| Contents::of(&text).passed_over).unwrap_or_default()
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
    let sections = parse(&bytes).map_err(|problem| ReadError { path: path.to_owned(), problem })?;
    Ok(sections.first().map_or_else(|| kind_without_pem(&bytes), Section::kind))
}

fn not(path: &Path, wanted: Kind) -> ReadError {
    match what_is(path) {
        Ok(found) => ReadError { path: path.to_owned(), problem: ReadProblem::Not { wanted, found } },
        Err(error) => error,
    }
}

fn kind_without_pem(bytes: &[u8]) -> Kind {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Kind::Empty;
    }
    if x509_parser::parse_x509_certificate(bytes).is_ok() {
        return Kind::Der("a certificate");
    }
    if x509_parser::parse_x509_crl(bytes).is_ok() {
        return Kind::Der("a revocation list");
    }
    if x509_parser::certification_request::X509CertificationRequest::from_der(bytes).is_ok() {
        return Kind::Der("a certificate request");
    }
    // SEQUENCE { INTEGER 0, 1 or 3 …: PKCS#8, PKCS#1 and SEC1 keys, PKCS#12.
    if let Ok((b"", outer)) = Any::from_der(bytes)
        && outer.tag().0 == 16
        && let Ok((_, version)) = Any::from_der(outer.data)
        && version.tag().0 == 2
    {
        return Kind::Der(if version.data == [3] { "a PKCS#12 store" } else { "a private key" });
    }
    if bytes.iter().any(|byte| *byte == 0 || *byte >= 0x80) { Kind::Binary } else { Kind::Text }
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

/// Takes PEM text apart, as OpenSSL does.
pub fn parse(text: &[u8]) -> Result<Vec<Section>, ReadProblem> {
    let Contents { sections, passed_over, broken } = Contents::of(text);
    // A file whose only section is passed over holds nothing, and the reason is worth more than that.
    let nothing = passed_over.first().copied().filter(|_| sections.is_empty());
    match broken.or(nothing) {
        Some(fault) => Err(ReadProblem::Damaged(fault)),
        None => Ok(sections),
    }
}

struct Contents {
    sections: Vec<Section>,
    passed_over: Vec<Fault>,
    broken: Option<Fault>,
}

impl Contents {
    fn of(text: &[u8]) -> Self {
        let pem_text::Sections { blocks, passed_over, broken } = pem_text::sections(text);
        Self { sections: blocks.into_iter().map(section).collect(), passed_over, broken }
    }
}

fn section(block: pem::Pem) -> Section {
    let plain_or_encrypted = |format, block: pem::Pem| {
        let encryption = block.headers().get("DEK-Info").map(str::to_owned);
        let bytes = Zeroizing::new(block.into_contents());
        Section::PrivateKey(match encryption {
            Some(information) => EncodedKey::Encrypted(EncryptedKey::legacy(format, bytes, information)),
            None => EncodedKey::Plain(PrivateKey::new(format, bytes)),
        })
    };
    match block.tag() {
        "CERTIFICATE" | "X509 CERTIFICATE" => Section::Certificate(block.into_contents()),
        // OpenSSL's own form: the certificate, then what it is trusted for, which nobody here reads.
        "TRUSTED CERTIFICATE" => {
            let contents = block.into_contents();
            let length = Any::from_der(&contents).map_or(contents.len(), |(rest, _)| contents.len() - rest.len());
            Section::Certificate(contents[..length].to_vec())
        }
        "PRIVATE KEY" => plain_or_encrypted(KeyFormat::Pkcs8, block),
        "RSA PRIVATE KEY" => plain_or_encrypted(KeyFormat::Pkcs1, block),
        "EC PRIVATE KEY" => plain_or_encrypted(KeyFormat::Sec1, block),
        "ENCRYPTED PRIVATE KEY" => {
            Section::PrivateKey(EncodedKey::Encrypted(EncryptedKey::pkcs8(block.into_contents())))
        }
        "PUBLIC KEY" => Section::PublicKey(block.into_contents()),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Section::Request(block.into_contents()),
        "X509 CRL" => Section::RevocationList(block.into_contents()),
        label => Section::Other(label.to_owned()),
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
