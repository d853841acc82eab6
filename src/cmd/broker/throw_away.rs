//! What is made for one run of the broker and goes with it: certificates for `--tls`, a password file for `--login`.

use std::path::Path;

use super::certificates;
use super::login::Login;
use crate::broker::fault::BadCertificate;
use crate::private_folder::PrivateFolder;
use crate::term::{Exit, Failure};

/// A private folder; dropped, it is gone.
#[derive(Debug)]
pub struct ThrowAway {
    folder: PrivateFolder,
    pub has_certificates: bool,
    pub login: Option<Login>,
}

impl ThrowAway {
    /// Makes what is asked for. `bad` makes the server's certificate one that clients should refuse.
    pub fn make(tls: bool, bad: Option<BadCertificate>, login: bool) -> Result<Option<Self>, Failure> {
        if !tls && !login {
            return Ok(None);
        }
        let folder = PrivateFolder::make("broker").map_err(|error| {
            Failure::new(Exit::FAILED, format!("cannot make a folder: {}", crate::net::reason(&error)))
        })?;
        let mut made = Self { folder, has_certificates: tls, login: None };
        if tls {
            certificates::write(made.folder.path(), bad)?;
        }
        if login {
            made.login = Some(Login::make(made.folder.path())?);
        }
        Ok(Some(made))
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
