//! `certgen lint`: the files that are looked at.

use std::path::{Path, PathBuf};

use super::dates::now;
use super::options::LintArgs;
use super::walk::files_of;
use crate::examine::lint::{Linted, Unopened, lint};
use crate::term::{Exit, Failure};

pub fn run(args: &LintArgs) -> Result<Linted, Failure> {
    let mut files = Vec::new();
    for target in &args.targets {
        files.extend(paths(target)?);
    }
    lint(files, now(), args.within).map_err(|Unopened(store)| {
        let why = format!("`{}` is a PKCS#12 store, which lint does not open", store.display());
        Failure::new(Exit::FAILED, why)
            .hint("moskit certgen inspect shows what is in it; expiry --pass-file FILE tells how long it is good")
    })
}

/// The file itself, or all files of a folder that look like certificates, keys, requests or lists.
fn paths(target: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !target.is_dir() {
        return Ok(vec![target.to_owned()]);
    }
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::FAILED,
            format!("cannot read the folder `{}`: {}", target.display(), crate::net::reason(&error)),
        )
    };
    let found = files_of(target, &["crt", "pem", "cer", "der", "key", "csr", "crl"]).map_err(failed)?;
    if found.is_empty() {
        return Err(Failure::new(Exit::USAGE, format!("there is nothing to look at in `{}`", target.display())));
    }
    Ok(found)
}
