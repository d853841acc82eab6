//! `certgen key`: private keys opened, encrypted, converted and compared.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::content::{key_pair, public_key};
use super::files::{KEY_MODE, NewFile, Replacing, key_der, key_pem, write_all};
use super::options::{Change, Compare, Convert, Form, KeyAction, Passphrase, Target};
use super::passphrase::Opener;
use crate::pki::make::{KeyPair, to_pem};
use crate::term::{Exit, Failure, Term};

/// The answer.
pub enum Answer {
    /// The key is in the file that was asked for.
    Written,
    /// The key, for standard output.
    Key(Zeroizing<Vec<u8>>),
    /// The pin of each file.
    Pins(Vec<(String, PathBuf)>),
    /// The files have one key.
    Match,
    /// The files have several keys; the pin of each.
    Differ(Vec<(String, PathBuf)>),
}

pub fn run(action: &KeyAction, term: &mut Term) -> Result<Answer, Failure> {
    match action {
        KeyAction::Decrypt(args) => {
            let key = key_pair(&args.file, &args.passphrase, term)?;
            args.target.write(&args.file, key.to_pem().as_bytes(), term)
        }
        KeyAction::Encrypt(args) => encrypt(args, term),
        KeyAction::Convert(args) => {
            let key = key_pair(&args.file, &args.passphrase, term)?;
            convert(&key, args, term)
        }
        KeyAction::Match(args) => compare(args, term),
        KeyAction::Pin(args) => pins(args, term).map(Answer::Pins),
    }
}

fn encrypt(args: &Change, term: &mut Term) -> Result<Answer, Failure> {
    // Only one passphrase can be given: it is the new one. A key that has one already is opened first.
    let key = match super::content::items(&args.file)?.into_iter().next() {
        Some(super::content::Item::Key(crate::pki::key::EncodedKey::Encrypted(_))) => {
            return Err(Failure::new(Exit::FAILED, format!("the key `{}` is encrypted already", args.file.display()))
                .hint("moskit certgen key decrypt opens it"));
        }
        _ => key_pair(&args.file, &Passphrase::default(), term)?,
    };
    let secret = args.passphrase.to_protect(&args.target.out, term)?;
    args.target.write(&args.file, key_pem(&key, Some(&secret))?.as_bytes(), term)
}

fn convert(key: &KeyPair, args: &Convert, term: &mut Term) -> Result<Answer, Failure> {
    let traditional = || {
        key.traditional().map_err(|_| {
            Failure::new(Exit::FAILED, format!("a key of type {} has no older form than PKCS#8", key.kind()))
        })
    };
    let wrong =
        |form: &str| Failure::new(Exit::FAILED, format!("a key of type {} cannot be written as {form}", key.kind()));
    if args.protection.encrypt && matches!(args.to, Form::Pkcs1 | Form::Sec1) {
        return Err(Failure::new(Exit::USAGE, "--encrypt is for --to pkcs8 and der")
            .hint("the older forms are encrypted with a key that one MD5 makes of the passphrase"));
    }
    let secret = args.protection.passphrase(&args.target.out, term)?;
    match args.to {
        Form::Pkcs8 => args.target.write(&args.file, key_pem(key, secret.as_ref())?.as_bytes(), term),
        Form::Der => args.target.write(&args.file, &key_der(key, secret.as_ref())?, term),
        Form::Pkcs1 if !key.kind().is_rsa() => Err(wrong("PKCS#1")),
        Form::Sec1 if key.kind().is_rsa() => Err(wrong("SEC 1")),
        Form::Pkcs1 | Form::Sec1 => {
            let (label, der) = traditional()?;
            args.target.write(&args.file, to_pem(label, &der).as_bytes(), term)
        }
    }
}

fn compare(args: &Compare, term: &mut Term) -> Result<Answer, Failure> {
    if args.files.len() < 2 {
        return Err(
            Failure::new(Exit::USAGE, "one file alone matches nothing").hint("moskit certgen key match CERT KEY")
        );
    }
    let pins = pins(args, term)?;
    let is_one = pins.iter().all(|(pin, _)| *pin == pins[0].0);
    Ok(if is_one { Answer::Match } else { Answer::Differ(pins) })
}

/// The pins of the files' keys.
fn pins(args: &Compare, term: &mut Term) -> Result<Vec<(String, PathBuf)>, Failure> {
    let opener = Opener::new(&args.passphrase)?;
    let one = |file: &PathBuf| Ok((pin(&public_key(file, &opener, term)?), file.clone()));
    args.files.iter().map(one).collect()
}

impl Target {
    /// Writes the key that was read from `source` in another form.
    fn write(&self, source: &Path, bytes: &[u8], term: &mut Term) -> Result<Answer, Failure> {
        if self.out == Path::new("-") {
            return Ok(Answer::Key(Zeroizing::new(bytes.to_vec())));
        }
        // The key of a CA may take another form in its own place: no key is lost then.
        let is_itself = self.out.canonicalize().ok().is_some_and(|out| source.canonicalize().ok() == Some(out));
        let replacing = if is_itself { Replacing::forced_authority(self.force) } else { Replacing::forced(self.force) };
        write_all(&[NewFile::new(self.out.clone(), bytes, KEY_MODE)], replacing, term)?;
        Ok(Answer::Written)
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
