//! Certificates get into the index of their CA before they get into files, so that none is out that the index does not know.

use std::path::Path;

use super::files::{NewFile, Replacing, authority_stems, write_locked};
use super::index_file::OpenIndex;
use super::issuer::OpenIssuer;
use crate::file_set::FolderLock;
use crate::pki::certificate::Certificate;
use crate::pki::index::{Issued, Record};
use crate::term::{Exit, Failure};

/// Writes the files of certificates that `issuer` has issued. If that fails, the index is as it was.
///
/// The lock on the folder is taken before that on the index, by everybody.
pub fn publish(
    issuer: &OpenIssuer,
    issued: &[(&Certificate, &Path)],
    files: &[NewFile],
    replacing: Replacing,
    lock: &FolderLock,
) -> Result<(), Failure> {
    spare_authority(issuer, files)?;
    let Some(path) = &issuer.index else { return write_locked(files, replacing, lock) };
    let records = issued
        .iter()
        .map(|(certificate, file)| record(certificate, Some(file), path))
        .collect::<Result<Vec<_>, _>>()?;
    let index = OpenIndex::open(path, issuer.authority.certificate());
    let mut index = index.map_err(|failure| match failure.hint {
        Some(_) => failure,
        None => failure.hint("--no-index makes certificates without it, which then cannot be revoked by their names"),
    })?;
    index.append(&records)?;
    write_locked(files, replacing, lock).inspect_err(|_| index.take_back())
}

/// No file of a certificate takes the place of one of the CA's own, with or without `--force`: a client that is called as
/// its CA would.
fn spare_authority(issuer: &OpenIssuer, files: &[NewFile]) -> Result<(), Failure> {
    let is_own = |file: &&NewFile| {
        let name = file.path.file_stem().unwrap_or_default().to_string_lossy();
        own_stems(issuer, file.path.parent().unwrap_or(Path::new(""))).iter().any(|own| *own == name)
    };
    match files.iter().find(is_own) {
        Some(file) => {
            let why = format!("`{}` is a file of the CA itself", file.path.display());
            Err(Failure::new(Exit::USAGE, why).hint("another name, or another folder (--out), keeps the two apart"))
        }
        None => Ok(()),
    }
}

/// The stems in `folder` that are the CA's own.
pub fn own_stems(issuer: &OpenIssuer, folder: &Path) -> Vec<String> {
    let absolute = |folder: &Path| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        std::fs::canonicalize(folder).ok()
    };
    let own = absolute(issuer.path.parent().unwrap_or(Path::new("")));
    if own.is_none() || own != absolute(folder) {
        return Vec::new();
    }
    authority_stems(&issuer.path.file_stem().unwrap_or_default().to_string_lossy()).into()
}

/// What the index at `index` says of a certificate.
pub fn record(certificate: &Certificate, file: Option<&Path>, index: &Path) -> Result<Record, Failure> {
    let file = file.map(|file| below(file, index));
    Issued::of(certificate, file).map(Record::Issued).map_err(|_| {
        Failure::new(
            Exit::FAILED,
            format!("`{}` has a serial number that RFC 5280 does not allow", certificate.subject),
        )
    })
}

/// The path of a file as the index has it: from the index' folder on where it is below that.
fn below(file: &Path, index: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let file = absolute(file);
    let folder = absolute(index).parent().map(Path::to_owned).unwrap_or_default();
    file.strip_prefix(&folder).unwrap_or(&file).to_string_lossy().into_owned()
}
