//! A throw-away login for `--login`: a name, a password that nobody chose, and the password file that asks for them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::net::authority::percent_encoded;
use crate::passwd::{self, Hash, Recipe, SALT_BYTES};
use crate::term::{Exit, Failure};
use crate::whole_file;

pub const USERNAME: &str = "moskit";
/// 62 characters to choose from: about 143 bits.
const LENGTH: usize = 24;

#[derive(Debug)]
pub struct Login {
    password: Zeroizing<String>,
    file: PathBuf,
}

impl Login {
    /// Makes one, with its password file in `folder`.
    pub fn make(folder: &Path) -> Result<Self, Failure> {
        let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot make a login: {why}"));
        let no_random = |_| failed("the system gives no random numbers".to_owned());
        let password = passwd::generate(LENGTH).map_err(no_random)?;
        // Guessing it is hopeless whatever the hash, so the quickest does.
        let hash = Hash::make(Recipe::Sha512, SALT_BYTES, &password).map_err(no_random)?;
        let file = folder.join("passwords");
        whole_file::write_new(&file, format!("{USERNAME}:{hash}\n").as_bytes(), 0o600)
            .map_err(|error| failed(crate::net::reason(&error.cause)))?;
        let password = Zeroizing::new(password.iter().copied().map(char::from).collect());
        Ok(Self { password, file })
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    /// `scheme://host…` with the login in it.
    pub fn in_url(&self, url: &str) -> String {
        match url.split_once("://") {
            Some((scheme, rest)) => {
                format!("{scheme}://{USERNAME}:{}@{rest}", percent_encoded(self.password.as_bytes()))
            }
            None => url.to_owned(),
        }
    }
}
