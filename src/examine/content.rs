//! What a file holds, or a finding that says why that is not known.

use std::path::{Path, PathBuf};

use crate::diagnose::{Finding, files};
use crate::pki::content::{Contents, Found, Item};
use crate::pki::kind::Kind;
use crate::pki::read::{self, ReadError, ReadProblem};

/// All that a file holds, in whatever form, at least one thing.
pub fn contents(path: &Path) -> Result<Contents, Finding> {
    read::contents(path).map_err(|error| files::unreadable("file", &error))
}

/// A file among others.
#[derive(Clone, Debug)]
pub struct Target {
    pub path: PathBuf,
    /// It was named, or is called as certificates, keys and lists are: that it holds none is a fault then.
    pub is_sure: bool,
    /// It was found in a folder, where the files that it names are found, too.
    pub is_found: bool,
}

impl Target {
    /// What the file holds; `None` if it may be of another kind, and is.
    pub fn read(&self) -> Option<Result<Contents, ReadError>> {
        let read = if self.is_found { read::contents_alone(&self.path) } else { read::contents(&self.path) };
        match read {
            Err(error) if !self.is_sure && error.is_of_another_kind() => None,
            read => Some(read),
        }
    }

    /// The same, with a finding that says what is wrong with it.
    pub fn contents(&self) -> Option<Result<Contents, Finding>> {
        self.read().map(|read| read.map_err(|error| files::unreadable("file", &error)))
    }
}

/// All that a file holds which programs read as it is: PEM, DER or PKCS#12.
pub fn items(path: &Path) -> Result<Vec<Item>, Finding> {
    let read = read::contents_alone(path).map_err(|error| files::unreadable("file", &error));
    let Contents { form, found, .. } = read?;
    if form.is_plain() {
        return Ok(found.into_iter().map(|Found { item, .. }| item).collect());
    }
    let problem = ReadProblem::Not { wanted: Kind::PemOrDer, found: Kind::Form(form) };
    Err(files::unreadable("file", &ReadError { path: path.to_owned(), problem }))
}
