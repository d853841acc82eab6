//! Files of certificates and keys that give nothing, in words.

use std::path::{Path, PathBuf};

use crate::jwt::{KeyFault, KeysError, MOST_KEYS};
use crate::net::reason;
use crate::passwd::scram::FileFault;
use crate::passwd::{Fault, HashError};
use crate::pki::content::MEMBERS_LIMIT;
use crate::pki::key::{DecryptError, EncryptedKey};
use crate::pki::read::{self as pem, ArchiveFault, FILE_LIMIT, FaultKind, Form, Kind, ReadError, ReadProblem};
use crate::scram::KeysFault;

use super::{Finding, shell};

/// Why a file could not be used. `what` says what it should have been: `CA file`.
pub fn unreadable(what: &str, error: &ReadError) -> Finding {
    let path = error.path.display();
    let word = shell::path(&error.path);
    match &error.problem {
        ReadProblem::Missing => {
            Finding::error("file.missing", format!("{what} `{path}` does not exist")).fix("correct the path")
        }
        ReadProblem::Directory => {
            Finding::error("file.kind", format!("{what} `{path}` is a folder")).fix("name a file in it")
        }
        ReadProblem::NotADirectory => Finding::error("file.kind", format!("{what} `{path}` is a file, not a folder"))
            .fix(format!("for one file use --cafile {word}")),
        ReadProblem::Denied => {
            Finding::error("key.permission", format!("{what} `{path}` may not be read by this user"))
                .fix(format!("who may read it: ls -l {word}"))
        }
        ReadProblem::TooLarge => {
            Finding::error("file.kind", format!("{what} `{path}` has more than {} MB", FILE_LIMIT / 1_048_576))
        }
        ReadProblem::Damaged(fault) => {
            Finding::error("file.damaged", format!("{what} `{path}` is damaged: {}", pem_fault(*fault)))
                .evidence("OpenSSL does not read it")
                .fix(pem_fix(*fault, &error.path))
        }
        ReadProblem::Unknown(kind) => unknown(&path.to_string(), kind),
        ReadProblem::Archive(fault) => {
            let why = match fault {
                ArchiveFault::Damaged => "a file in it is cut off, or its head is wrong".to_owned(),
                ArchiveFault::NoEnd => "it does not end as archives do".to_owned(),
                ArchiveFault::TooMany => format!("it has more than {MEMBERS_LIMIT} files"),
            };
            let finding =
                Finding::error("file.damaged", format!("what is in the archive `{path}` is not known: {why}"));
            finding.fix(format!("what tar says of it: tar -tvf {word}"))
        }
        ReadProblem::Not { wanted, found } => wrong_kind(what, &error.path, wanted, found),
        ReadProblem::Io(error) => {
            Finding::error("file.unreadable", format!("{what} `{path}` cannot be read: {}", reason(error)))
        }
    }
}

/// What is at `place` holds nothing of our kinds, or in a form that nobody here reads.
pub fn unknown(place: &str, kind: &Kind) -> Finding {
    let finding = Finding::error("file.kind", format!("what `{place}` holds is not known: it is {}", kind.describe()));
    match kind {
        Kind::Known(_, how) if !how.is_empty() => finding.fix(*how),
        _ => finding,
    }
}

/// Why a store or a key stays closed.
pub fn closed(error: &DecryptError) -> String {
    match error {
        DecryptError::WrongPassphrase => "the passphrase is wrong".to_owned(),
        DecryptError::Unsupported(what) => format!("it uses {what}, which is not supported"),
        DecryptError::Mac => "the passphrase is wrong, or the store is damaged".to_owned(),
        DecryptError::TooCostly => "it asks for more work or memory than is allowed here".to_owned(),
        DecryptError::Malformed => "its encryption is malformed".to_owned(),
    }
}

/// A CA file that is a folder: there is an option for those.
pub fn cafile_unreadable(error: &ReadError) -> Finding {
    let finding = unreadable("CA file", error);
    match error.problem {
        ReadProblem::Directory => {
            finding.fix(format!("for a folder of hashed certificates use --capath {}", shell::path(&error.path)))
        }
        _ => finding,
    }
}

/// Each of the two files was given in the place of the other.
pub fn swapped(certificate: &Path, key: &Path) -> Finding {
    let (certificate, key) = (certificate.display(), key.display());
    Finding::error("file.kind", format!("`{certificate}` is a private key and `{key}` a certificate"))
        .fix("certificate and key files are swapped: exchange them")
}

/// What OpenSSL stumbles over, and in which line.
fn pem_fault(fault: pem::Fault) -> String {
    let line = fault.line;
    match fault.kind {
        FaultKind::IndentedBegin => format!("line {line} begins with spaces, so its section is taken for text"),
        FaultKind::BeginWithoutEnd => {
            format!("line {line} does not end with `-----`, so its section is taken for text")
        }
        FaultKind::CarriageReturns => "its lines end in a carriage return alone, so it is one line".to_owned(),
        FaultKind::RunOn => format!("in line {line} something follows the END, which must end the line"),
        FaultKind::IndentedEnd => format!("line {line} begins with spaces before the END"),
        FaultKind::OtherEnd => format!("the END in line {line} does not belong to the BEGIN before it"),
        FaultKind::EmptyLine => format!("line {line}, within a section, is empty"),
        FaultKind::NotBase64 => format!("line {line} is no base64"),
        FaultKind::NoEnd => format!("the section that begins in line {line} has no end"),
    }
}

fn pem_fix(fault: pem::Fault, path: &Path) -> String {
    let word = shell::path(path);
    match fault.kind {
        FaultKind::IndentedBegin | FaultKind::IndentedEnd => {
            format!("remove the spaces: sed -i 's/^[[:space:]]*//' {word}")
        }
        FaultKind::CarriageReturns => format!("tr '\\r' '\\n' < {word} > NEW && mv NEW {word}"),
        FaultKind::RunOn => format!("begin a new line there: sed -i 's/-----BEGIN/\\n&/' {word}"),
        FaultKind::EmptyLine => format!("remove empty lines: sed -i '/^[[:space:]]*$/d' {word}"),
        _ => "copy the file again".to_owned(),
    }
}

/// A section that OpenSSL passes over in a file that it otherwise reads.
pub fn passed_over(what: &str, path: &Path, fault: pem::Fault) -> Finding {
    Finding::warning("file.damaged", format!("OpenSSL reads only a part of the {what} `{}`", path.display()))
        .evidence(pem_fault(fault))
        .fix(pem_fix(fault, path))
}

fn wrong_kind(what: &str, path: &Path, wanted: &Kind, found: &Kind) -> Finding {
    let word = shell::path(path);
    let out = shell::path(&with_suffix(path, ".pem"));
    let finding = Finding::error(
        "file.kind",
        format!("{what} `{}` is not {}: it is {}", path.display(), wanted.describe(), found.describe()),
    )
    .evidence(format!("wanted {}", wanted.describe()));
    match (wanted, found) {
        (_, Kind::Der("a certificate")) => {
            finding.fix(format!("convert it: openssl x509 -inform DER -in {word} -out {out}"))
        }
        (_, Kind::Der("a private key")) => {
            finding.fix(format!("convert it: openssl pkey -inform DER -in {word} -out {out}"))
        }
        (_, Kind::Der("a PKCS#12 store")) => finding.fix(format!("take it apart: openssl pkcs12 -in {word} -nodes")),
        (_, Kind::Form(Form::Archive)) => finding.fix(format!("unpack it: tar -xf {word}")),
        (_, Kind::Form(_)) => {
            finding.fix(format!("brokers and clients read PEM; what is in it: moskit certgen inspect {word}"))
        }
        (_, Kind::Known(_, how)) if !how.is_empty() => finding.fix(*how),
        (Kind::Certificate, Kind::Request) => finding
            .fix(format!("a request must be signed first: moskit certgen sign {word} --profile server --dir DIR")),
        _ => finding.fix(format!("give a file that holds {}", wanted.describe())),
    }
}

/// A key that its user (a broker, a device) cannot open without being asked.
pub fn encrypted_key(path: &Path, key: &EncryptedKey) -> Finding {
    Finding::error("key.encrypted", format!("the key `{}` is encrypted ({})", path.display(), key.encryption()))
        .evidence("a service cannot be asked for the passphrase")
        .fix(decrypt(path))
}

/// Certificate and key are not a pair.
pub fn mismatch(certificate: &Path, key: &Path) -> Finding {
    let what = format!("`{}` and `{}` do not belong together", certificate.display(), key.display());
    Finding::error("key.mismatch", what).evidence("their public keys differ").fix(format!(
        "find the right one: moskit certgen key match {} {}",
        shell::path(certificate),
        shell::path(key)
    ))
}

/// The same within one file.
pub fn mismatch_within(path: &Path, subject: &str) -> Finding {
    let what = format!("the key in `{}` is not that of the certificate `{subject}` in it", path.display());
    Finding::error("key.mismatch", what)
        .evidence("their public keys differ")
        .fix("make the file again: moskit certgen export")
}

/// The command that opens an encrypted key for good.
pub fn decrypt(path: &Path) -> String {
    let out = with_suffix(path, ".plain");
    format!("moskit certgen key decrypt {} --out {}", shell::path(path), shell::path(&out))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Why a broker does not take a line of a password file.
pub fn password_fault(fault: Fault) -> &'static str {
    match fault {
        Fault::EmptyUser => "the user name is empty",
        Fault::DuplicateUser => "the user has a line before",
        Fault::EmptyHash => "the hash is empty",
        Fault::Hash(HashError::UnknownKind) => "not a hash",
        Fault::Hash(HashError::Iterations) => "damaged hash: iterations",
        Fault::Hash(HashError::Cost) => "damaged hash: argon2 parameters",
        Fault::Hash(HashError::Salt) => "damaged hash: salt",
        Fault::Hash(HashError::Hash) => "damaged hash",
    }
}

/// Why a broker does not take a line of a SCRAM file.
pub fn scram_fault(fault: FileFault) -> &'static str {
    match fault {
        FileFault::EmptyUser => "the user name is empty",
        FileFault::DuplicateUser => "the user has a line before",
        FileFault::UserNotUtf8 => "the user name is not UTF-8",
        FileFault::UnknownMechanism => "no keys of SCRAM-SHA-1, SCRAM-SHA-256 or SCRAM-SHA-512",
        FileFault::DuplicateMechanism => "keys of one mechanism twice",
        FileFault::Keys(KeysFault::Iterations) => "damaged keys: iterations",
        FileFault::Keys(KeysFault::Salt) => "damaged keys: salt",
        FileFault::Keys(KeysFault::Key) => "damaged keys",
    }
}

/// Why a file has no keys for tokens.
pub fn token_keys(error: KeysError) -> String {
    match error {
        KeysError::TooLong => "it has more than 256 KiB".to_owned(),
        KeysError::NoKeys => {
            "it is neither PEM with public keys nor JSON; a secret has to be a JSON Web Key (kty oct)".to_owned()
        }
        KeysError::PrivateKey => "it has a private key, which makes tokens; give the public one".to_owned(),
        KeysError::Json => "it is no JSON Web Key and no set of them".to_owned(),
        KeysError::NoneUsable => "it has none for RS256, ES256, EdDSA or HS256".to_owned(),
        KeysError::TooMany => format!("it has more than {MOST_KEYS}"),
        KeysError::Key(number, fault) => {
            let why = match fault {
                KeyFault::Type => "is none of RSA, P-256, Ed25519 and oct",
                KeyFault::Encoding => "is damaged",
                KeyFault::TooShort => "is too short: RSA has 2048 bits, a secret 32 bytes at least",
                KeyFault::Algorithm => "is for another algorithm than its type has here",
            };
            format!("key {number} {why}")
        }
    }
}

/// A text file that begins with a byte-order mark.
pub fn byte_order_mark(path: &Path) -> Finding {
    Finding::warning("file.byte-order-mark", format!("`{}` begins with a byte-order mark", path.display()))
        .evidence("moskit's broker skips it; Mosquitto takes it for a part of the first line")
        .fix(without_mark(path))
}

/// The command that takes a byte-order mark away.
pub fn without_mark(path: &Path) -> String {
    format!("sed -i '1s/^\\xef\\xbb\\xbf//' {}", shell::path(path))
}

/// A text file that no broker reads, because it is UTF-16. `what` it was given for.
pub fn utf16(what: &str, path: &Path) -> Finding {
    let word = shell::path(path);
    Finding::error("file.utf16", format!("the {what} `{}` is UTF-16 and not UTF-8", path.display()))
        .fix(format!("iconv -f UTF-16 -t UTF-8 {word} > NEW && mv NEW {word}"))
}

/// A folder of trusted CAs in which none can be found: OpenSSL, and we as it, look for the hash of a name.
pub fn empty_capath(path: &Path) -> Finding {
    Finding::error("ca.unknown", format!("`{}` holds no certificate under a hashed name", path.display()))
        .fix(format!("openssl rehash {}", shell::path(path)))
}
