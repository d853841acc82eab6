//! `certgen key`: private keys opened, encrypted, converted and compared.

use std::path::Path;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::content::{key_pair, public_key};
use super::explain::not_made;
use super::files::{KEY_MODE, NewFile, write_all};
use super::options::{Change, Compare, Convert, Form, KeyAction, Passphrase, Target};
use crate::pki::make::{KeyPair, to_pem};
use crate::term::{Exit, Failure, Term};

pub fn run(action: &KeyAction, term: &mut Term) -> Result<Exit, Failure> {
    match action {
        KeyAction::Decrypt(args) => {
            let key = key_pair(&args.file, &args.passphrase, term)?;
            args.target.write(key.to_pem().as_bytes(), term)
        }
        KeyAction::Encrypt(args) => encrypt(args, term),
        KeyAction::Convert(args) => {
            let key = key_pair(&args.file, &args.passphrase, term)?;
            convert(&key, args, term)
        }
        KeyAction::Match(args) => compare(args, term),
        KeyAction::Pin(args) => {
            for file in &args.files {
                let pin = pin(&public_key(file, &args.passphrase, term)?);
                term.line(format_args!("{pin}  {}", file.display()));
            }
            Ok(Exit::OK)
        }
    }
}

fn encrypt(args: &Change, term: &mut Term) -> Result<Exit, Failure> {
    // Only one passphrase can be given: it is the new one. A key that has one already is opened first.
    let key = match super::content::items(&args.file)?.into_iter().next() {
        Some(super::content::Item::Key(crate::pki::key::EncodedKey::Encrypted(_))) => {
            return Err(Failure::new(Exit::FAILED, format!("the key `{}` is encrypted already", args.file.display()))
                .hint("moskit certgen key decrypt opens it"));
        }
        _ => key_pair(&args.file, &Passphrase::default(), term)?,
    };
    let secret = args.passphrase.to_protect(&args.target.out, term)?;
    let text = key.to_encrypted_pem(secret.expose()).map_err(|error| not_made("encrypt the key", error))?;
    args.target.write(text.as_bytes(), term)
}

fn convert(key: &KeyPair, args: &Convert, term: &mut Term) -> Result<Exit, Failure> {
    let traditional = || {
        key.traditional().map_err(|_| {
            Failure::new(Exit::FAILED, format!("a key of type {} has no older form than PKCS#8", key.kind()))
        })
    };
    let wrong =
        |form: &str| Failure::new(Exit::FAILED, format!("a key of type {} cannot be written as {form}", key.kind()));
    match args.to {
        Form::Pkcs8 => args.target.write(key.to_pem().as_bytes(), term),
        Form::Der => args.target.write(key.pkcs8(), term),
        Form::Pkcs1 if !key.kind().is_rsa() => Err(wrong("PKCS#1")),
        Form::Sec1 if key.kind().is_rsa() => Err(wrong("SEC 1")),
        Form::Pkcs1 | Form::Sec1 => {
            let (label, der) = traditional()?;
            args.target.write(to_pem(label, &der).as_bytes(), term)
        }
    }
}

fn compare(args: &Compare, term: &mut Term) -> Result<Exit, Failure> {
    if args.files.len() < 2 {
        return Err(
            Failure::new(Exit::USAGE, "one file alone matches nothing").hint("moskit certgen key match CERT KEY")
        );
    }
    let mut pins = Vec::new();
    for file in &args.files {
        pins.push(pin(&public_key(file, &args.passphrase, term)?));
    }
    if pins.iter().all(|pin| *pin == pins[0]) {
        term.line("they belong together");
        return Ok(Exit::OK);
    }
    for (pin, file) in pins.iter().zip(&args.files) {
        term.line(format_args!("{pin}  {}", file.display()));
    }
    term.line("they do not belong together: the public keys differ");
    Ok(Exit::FAILED)
}

impl Target {
    fn write(&self, bytes: &[u8], term: &mut Term) -> Result<Exit, Failure> {
        if self.out == Path::new("-") {
            term.write(bytes);
            return Ok(Exit::OK);
        }
        write_all(&[NewFile::new(self.out.clone(), bytes, KEY_MODE)], self.force, term)?;
        Ok(Exit::OK)
    }
}

/// `sha256//BASE64`, the form of curl's `--pinnedpubkey`.
pub fn pin(public_key: &[u8]) -> String {
    format!("sha256//{}", STANDARD.encode(sha256(public_key)))
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// `AB:CD:…`
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
