//! What the actions that make certificates have made.

use std::path::PathBuf;

use super::files::NewFile;
use crate::pki::certificate::Certificate;

/// A certificate, the files that were written for it, and what there is to know about them.
pub struct Made {
    pub certificate: Certificate,
    pub files: Vec<PathBuf>,
    pub notes: Vec<&'static str>,
}

impl Made {
    pub fn new(certificate: Certificate, files: &[NewFile]) -> Self {
        Self { certificate, files: paths(files), notes: Vec::new() }
    }
}

pub fn paths(files: &[NewFile]) -> Vec<PathBuf> {
    files.iter().map(|file| file.path.clone()).collect()
}
