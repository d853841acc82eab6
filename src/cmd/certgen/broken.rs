//! `certgen broken`: sets of certificates that show one failure each.

use std::path::PathBuf;

use super::dates::now;
use super::files::{CERTIFICATE_MODE, Folder, KEY_MODE, NewFile, Replacing, write_all};
use super::index_file::index_path;
use super::issuer::certificates;
use super::made::paths;
use super::options::BrokenArgs;
use super::sentences::not_made;
use crate::pki::make::{BrokenKind, broken, is_broken_authority};
use crate::term::{Exit, Failure, Term};

/// The files of one kind.
pub struct Made {
    pub kind: BrokenKind,
    pub files: Vec<PathBuf>,
}

/// Makes the kind that was asked for; `None` if only the list of them was.
pub fn run(args: &BrokenArgs, term: &mut Term) -> Result<Option<Made>, Failure> {
    let Some(name) = &args.kind else { return Ok(None) };
    let kind = BrokenKind::find(name).ok_or_else(|| {
        Failure::new(Exit::USAGE, format!("there is no kind `{name}`")).hint("moskit certgen broken --list")
    })?;
    let made = broken(kind, now()).map_err(|error| not_made(&format!("make `{name}`"), error))?;
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from(kind.name));
    if index_path(&dir.join("ca.crt")).exists() {
        let why = format!("`{}` is the folder of a CA that has issued certificates", dir.display());
        return Err(Failure::new(Exit::USAGE, why).hint("name another folder: moskit certgen broken KIND DIR"));
    }
    let file = |file: &crate::pki::make::Broken| {
        let mode = if file.is_key { KEY_MODE } else { CERTIFICATE_MODE };
        NewFile::new(dir.join(file.name), file.content.as_slice(), mode)
    };
    let files: Vec<_> = made.iter().map(file).collect();
    let folder = Folder::make(&dir)?;
    // What was made here before goes; the files of a CA that somebody uses stay.
    let is_ours = certificates(&dir.join("ca.crt")).is_ok_and(|found| found.iter().all(is_broken_authority));
    let replacing = if is_ours { Replacing::forced_authority(args.force) } else { Replacing::forced(args.force) };
    write_all(&files, replacing, term)?;
    folder.keep();
    Ok(Some(Made { kind, files: paths(&files) }))
}
