//! Generated files into a folder: the option, and the writing.

use std::path::Path;

use crate::net::reason;
use crate::term::{Exit, Failure};
use crate::whole_file;

/// `--out DIR`, in place of the operand.
pub fn folder_option(operand: &'static str, help: &'static str) -> clap::Arg {
    clap::Arg::new("out")
        .long("out")
        .value_name("DIR")
        .value_hint(clap::ValueHint::DirPath)
        .value_parser(clap::value_parser!(std::path::PathBuf))
        .conflicts_with(operand)
        .help(help)
}

/// Writes generated files, each whole or not at all. The folder is made if it is not there.
pub fn write_all(folder: &Path, files: &[(String, String)]) -> Result<Exit, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot make the folder `{}`: {}", folder.display(), reason(&error)))
    })?;
    for (name, text) in files {
        let path = folder.join(name);
        whole_file::replace(&path, text.as_bytes(), whole_file::Permission::KeepOr(0o644)).map_err(|error| {
            Failure::new(Exit::FAILED, format!("cannot write `{}`: {}", path.display(), reason(&error.cause)))
        })?;
    }
    Ok(Exit::OK)
}
