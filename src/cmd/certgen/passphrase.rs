//! Where the passphrase of a key comes from: a file, the environment, a descriptor or the terminal.
//! Never the command line, which everybody on the machine can read.

use std::cell::OnceCell;
use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;

use super::options::{NewSecret, Passphrase, Protection};
use super::sentences::{not_decrypted, not_read};
use crate::net::reason;
use crate::os;
use crate::pki::content::Place;
use crate::pki::key::{EncodedKey, PrivateKey};
use crate::pki::make::KeyPair;
use crate::pki::read;
use crate::term::{AskError, Audience, Exit, Failure, Secret, Term, escape_controls};

/// The longest passphrase that is read.
const LIMIT: usize = 4096;

impl Protection {
    /// The passphrase that `what` gets; `None` if it stays in the open.
    pub fn passphrase(&self, what: &Path, term: &mut Term) -> Result<Option<Secret>, Failure> {
        if self.encrypt {
            return self.secret.to_protect(what, term).map(Some);
        }
        if self.secret.is_given() {
            return Err(Failure::new(Exit::USAGE, "a passphrase for the key is given, but not --encrypt"));
        }
        Ok(None)
    }
}

impl NewSecret {
    /// The passphrase for something new: the one given, or what the user types twice.
    pub fn to_protect(&self, what: &Path, term: &mut Term) -> Result<Secret, Failure> {
        let source =
            Passphrase { file: self.file.clone(), variable: self.variable.clone(), descriptor: self.descriptor };
        source.to_protect(what, term).map_err(|failure| match failure.hint {
            // The sources of what is new are others.
            Some(_) => failure.hint("--key-pass-file FILE, --key-pass-env VAR or --key-pass-fd N gives it"),
            None => failure,
        })
    }
}

impl Passphrase {
    /// The passphrase that was given; `None` if no source was named.
    pub fn given(&self) -> Result<Option<Secret>, Failure> {
        if let Some(path) = &self.file {
            return first_line(path, &path.display().to_string()).map(Some);
        }
        if let Some(number) = self.descriptor {
            let what = format!("file descriptor {number}");
            let path = os::files::descriptor_path(number)
                .map_err(|error| Failure::new(Exit::FAILED, format!("cannot read {what}: {}", reason(&error))))?;
            return first_line(&path, &what).map(Some);
        }
        let Some(variable) = &self.variable else { return Ok(None) };
        match std::env::var_os(variable) {
            Some(value) => Ok(Some(Secret::new(value.into_encoded_bytes()))),
            None => Err(Failure::new(Exit::FAILED, format!("the environment variable `{variable}` is not set"))),
        }
    }

    /// The passphrase for a new key: the one given, or what the user types twice.
    pub fn to_protect(&self, what: &Path, term: &mut Term) -> Result<Secret, Failure> {
        let secret = if let Some(secret) = self.given()? {
            secret
        } else {
            let once = ask(&format!("New passphrase for {}: ", what.display()), term)?;
            if once != ask("The same again: ", term)? {
                return Err(Failure::new(Exit::FAILED, "the two passphrases differ"));
            }
            once
        };
        if secret.expose().is_empty() {
            return Err(Failure::new(Exit::FAILED, "an empty passphrase protects nothing"));
        }
        Ok(secret)
    }

    /// The private key in a file, opened if it is encrypted.
    pub fn read_key(&self, path: &Path, term: &mut Term) -> Result<PrivateKey, Failure> {
        let key = read::private_key(path).map_err(|error| not_read("key", &error))?;
        self.open(key, path, term)
    }

    /// The key itself, whether it is encrypted or not. `path` is what it is called.
    pub fn open(&self, key: EncodedKey, path: &Path, term: &mut Term) -> Result<PrivateKey, Failure> {
        match key {
            EncodedKey::Plain(key) => Ok(key),
            // Nothing is read where nothing needs it.
            key @ EncodedKey::Encrypted(_) => Opener::new(self)?.open(key, path, term),
        }
    }

    /// As [`Passphrase::read_key`], ready to sign.
    pub fn read_pair(&self, path: &Path, term: &mut Term) -> Result<KeyPair, Failure> {
        pair(&self.read_key(path, term)?, path)
    }
}

/// A passphrase that several files may need: what was given is read once, since a pipe gives it once.
pub struct Opener {
    given: Option<Secret>,
    /// What was typed for stores that lie among other things: nobody is asked for each of a hundred.
    typed: OnceCell<Secret>,
}

impl Opener {
    pub fn new(source: &Passphrase) -> Result<Self, Failure> {
        Ok(Self { given: source.given()?, typed: OnceCell::new() })
    }

    /// That which was given; nobody is asked.
    pub fn given(&self) -> Option<&[u8]> {
        self.given.as_ref().map(Secret::expose)
    }

    /// The passphrase to open `what` with: the one given, or what the user types.
    pub fn secret(&self, what: &Place, term: &mut Term) -> Result<Secret, Failure> {
        match &self.given {
            Some(secret) => Ok(secret.clone()),
            None => ask(&format!("Passphrase of {what}: "), term),
        }
    }

    /// The passphrase to open stores with: the one given, or what the user types when the first of them is met. `None` without a
    /// terminal.
    pub fn for_stores(&self, first: &Place, term: &mut Term) -> Result<Option<&Secret>, Failure> {
        if self.given.is_none() && self.typed.get().is_none() && std::io::stdin().is_terminal() {
            let typed = ask(&format!("Passphrase of {first}: "), term)?;
            return Ok(Some(self.typed.get_or_init(|| typed)));
        }
        Ok(self.given.as_ref().or(self.typed.get()))
    }

    /// The key itself, whether it is encrypted or not. `path` is what it is called.
    pub fn open(&self, key: EncodedKey, path: &Path, term: &mut Term) -> Result<PrivateKey, Failure> {
        match key {
            EncodedKey::Plain(key) => Ok(key),
            EncodedKey::Encrypted(key) => {
                let passphrase = self.secret(&Place::file(path), term)?;
                key.decrypt(passphrase.expose()).map_err(|error| not_decrypted(path, &error))
            }
        }
    }
}

/// The key, ready to sign or to be written in another form.
pub fn pair(key: &PrivateKey, path: &Path) -> Result<KeyPair, Failure> {
    KeyPair::load(key).map_err(|_| {
        Failure::new(Exit::FAILED, format!("the key `{}` is damaged, or of a type that cannot be used", path.display()))
            .hint("P-256, P-384, P-521, RSA from 2048 to 8192 bits and Ed25519 can")
    })
}

fn first_line(path: &Path, name: &str) -> Result<Secret, Failure> {
    File::open(path).and_then(|file| Secret::first_line(file, LIMIT)).map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot read the passphrase from {name}: {}", reason(&error)))
    })
}

fn ask(question: &str, term: &mut Term) -> Result<Secret, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::FAILED, "a passphrase is needed, and there is no terminal to ask on")
            .hint("--pass-file FILE, --pass-env VAR or --pass-fd N gives it"));
    }
    // The name of a place in a file is a stranger's.
    term.ask_secret(&escape_controls(question), Audience::Err).map_err(|error| match error {
        AskError::Signal(number) => Failure::silent(Exit(128 + number)),
        AskError::Read(error) => Failure::new(Exit::FAILED, format!("cannot read the passphrase: {}", reason(&error))),
    })
}
