//! What is made for one run of the broker and goes with it: certificates for `--tls`, a password file for `--login`.

use std::path::{Path, PathBuf};

use super::certificates;
use super::login::Login;
use crate::broker::fault::BadCertificate;
use crate::os::files::DirBuilderExt;
use crate::term::{Exit, Failure};

/// A private folder; dropped, it is gone.
#[derive(Debug)]
pub struct ThrowAway {
    folder: PathBuf,
    pub has_certificates: bool,
    pub login: Option<Login>,
}

impl ThrowAway {
    /// Makes what is asked for. `bad` makes the server's certificate one that clients should refuse.
    pub fn make(tls: bool, bad: Option<BadCertificate>, login: bool) -> Result<Option<Self>, Failure> {
        if !tls && !login {
            return Ok(None);
        }
        let folder = private_folder().map_err(|error| {
            Failure::new(Exit::FAILED, format!("cannot make a folder: {}", crate::net::reason(&error)))
        })?;
        let mut made = Self { folder, has_certificates: tls, login: None };
        if tls {
            certificates::write(&made.folder, bad)?;
        }
        if login {
            made.login = Some(Login::make(&made.folder)?);
        }
        Ok(Some(made))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        // A temporary folder that cannot be removed is nothing to fail for.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn private_folder() -> std::io::Result<PathBuf> {
    let base: PathBuf = std::env::temp_dir();
    for attempt in 0..100 {
        let folder = base.join(format!("moskit-broker-{}-{attempt}", std::process::id()));
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| folder),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}
