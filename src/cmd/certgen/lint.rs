//! `certgen lint`: the files that are looked at, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};

use super::dates::now;
use super::options::LintArgs;
use super::render;
use crate::diagnose::Severity;
use crate::examine::lint::lint;
use crate::term::{Exit, Failure, Term};

pub fn run(args: &LintArgs, term: &mut Term) -> Result<Exit, Failure> {
    let mut files = Vec::new();
    for target in &args.targets {
        files.extend(paths(target)?);
    }
    let linted = lint(files, now(), args.within);
    if args.json {
        render::linted_as_json(&linted, term);
    } else {
        render::linted(&linted, term);
    }
    Ok(match linted.found.iter().map(|(_, finding)| finding.severity).max() {
        Some(Severity::Error) => Exit::DAMAGED,
        Some(Severity::Warning) => Exit::FAILED,
        Some(Severity::Note) | None => Exit::OK,
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
    let mut found = Vec::new();
    for entry in fs::read_dir(target).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_file() && ["crt", "pem", "cer", "der", "key", "csr", "crl"].contains(&ending) {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Failure::new(Exit::USAGE, format!("there is nothing to look at in `{}`", target.display())));
    }
    Ok(found)
}
