//! Files of certificates and keys that give nothing, in words.

use crate::pki::key::{EncodedKey, EncryptedKey};
use crate::pki::read::{FILE_LIMIT, Kind, ReadError, ReadProblem};

use super::Finding;

/// Why a file could not be used. `what` says what it should have been: `CA file`.
pub fn unreadable(what: &str, error: &ReadError) -> Finding {
    let path = error.path.display();
    match &error.problem {
        ReadProblem::Missing => {
            Finding::error("file.missing", format!("{what} `{path}` does not exist")).fix("correct the path")
        }
        ReadProblem::Directory => Finding::error("file.kind", format!("{what} `{path}` is a folder"))
            .fix(format!("for a folder of hashed certificates use --capath {path}")),
        ReadProblem::NotADirectory => Finding::error("file.kind", format!("{what} `{path}` is a file, not a folder"))
            .fix(format!("for one file use --cafile {path}")),
        ReadProblem::Denied => {
            Finding::error("key.permission", format!("{what} `{path}` may not be read by this user"))
                .fix(format!("who may read it: ls -l {path}"))
        }
        ReadProblem::TooLarge => {
            Finding::error("file.kind", format!("{what} `{path}` has more than {} MB", FILE_LIMIT / 1_048_576))
        }
        ReadProblem::Damaged(why) => {
            Finding::error("file.damaged", format!("{what} `{path}` is damaged: {why}")).fix("copy the file again")
        }
        ReadProblem::Not { wanted, found } => wrong_kind(what, &path.to_string(), wanted, found),
        ReadProblem::Io(error) => Finding::error("file.unreadable", format!("{what} `{path}` cannot be read: {error}")),
    }
}

fn wrong_kind(what: &str, path: &str, wanted: &Kind, found: &Kind) -> Finding {
    let finding = Finding::error(
        "file.kind",
        format!("{what} `{path}` is not {}: it is {}", wanted.describe(), found.describe()),
    )
    .evidence(format!("wanted {}", wanted.describe()));
    match (wanted, found) {
        (_, Kind::Der("a certificate")) => {
            finding.fix(format!("convert it: openssl x509 -inform DER -in {path} -out {path}.pem"))
        }
        (_, Kind::Der("a private key")) => {
            finding.fix(format!("convert it: openssl pkey -inform DER -in {path} -out {path}.pem"))
        }
        (_, Kind::Der("a PKCS#12 store")) => finding.fix(format!("take it apart: openssl pkcs12 -in {path} -nodes")),
        (Kind::Certificate, Kind::PrivateKey | Kind::EncryptedPrivateKey) | (Kind::PrivateKey, Kind::Certificate) => {
            finding.fix("certificate and key files are swapped: exchange them")
        }
        (Kind::Certificate, Kind::Request) => finding
            .fix(format!("a request must be signed first: moskit certgen sign {path} --profile server --dir DIR")),
        _ => finding.fix(format!("give a file that holds {}", wanted.describe())),
    }
}

/// A key that its user (a broker, a device) cannot open without being asked.
pub fn encrypted_key(path: &str, key: &EncryptedKey) -> Finding {
    Finding::error("key.encrypted", format!("the key `{path}` is encrypted ({})", key.encryption()))
        .evidence("a service cannot be asked for the pass phrase")
        .fix(format!("moskit certgen key decrypt {path} --out {path}.plain"))
}

/// The finding for a key that is encrypted, if it is.
pub fn if_encrypted(path: &str, key: &EncodedKey) -> Option<Finding> {
    match key {
        EncodedKey::Plain(_) => None,
        EncodedKey::Encrypted(key) => Some(encrypted_key(path, key)),
    }
}

/// Certificate and key are not a pair.
pub fn mismatch(certificate: &str, key: &str) -> Finding {
    Finding::error("key.mismatch", format!("`{certificate}` and `{key}` do not belong together"))
        .evidence("their public keys differ")
        .fix(format!("find the right one: moskit certgen key match {certificate} {key}"))
}
