//! `certgen broken`: sets of certificates that show one failure each.

use std::path::PathBuf;

use super::dates::now;
use super::explain::not_made;
use super::files::{CERTIFICATE_MODE, Folder, KEY_MODE, NewFile, write_all};
use super::options::BrokenArgs;
use crate::pki::make::{BROKEN_KINDS, BrokenKind, broken};
use crate::term::{Exit, Failure, Term};

pub fn run(args: &BrokenArgs, term: &mut Term) -> Result<Exit, Failure> {
    let Some(name) = &args.kind else {
        for kind in BROKEN_KINDS {
            term.line(format_args!("{:27} {}", kind.name, kind.about));
        }
        return Ok(Exit::OK);
    };
    let kind = BrokenKind::find(name).ok_or_else(|| {
        Failure::new(Exit::USAGE, format!("there is no kind `{name}`")).hint("moskit certgen broken --list")
    })?;
    let made = broken(kind, now()).map_err(|error| not_made(&format!("make `{name}`"), error))?;
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from(kind.name));
    let file = |file: &crate::pki::make::Broken| {
        let mode = if file.is_key { KEY_MODE } else { CERTIFICATE_MODE };
        NewFile::new(dir.join(file.name), file.content.as_slice(), mode)
    };
    let files: Vec<_> = made.iter().map(file).collect();
    let folder = Folder::make(&dir)?;
    write_all(&files, args.force, term)?;
    folder.keep();
    for file in &files {
        term.line(file.path.display());
    }
    term.line(format_args!("  {}", kind.about));
    term.line(format_args!("  finding: {}", kind.finding));
    Ok(Exit::OK)
}
