//! `certgen key`: private keys opened, encrypted, converted and compared.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::content::{key_pair, public_key};
use super::explain::not_made;
use super::files::{KEY_MODE, NewFile, write_all};
use super::passphrase::Passphrase;
use crate::pki::make::{KeyPair, to_pem};
use crate::term::{Exit, Failure, Term};

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Open an encrypted key, for a service that nobody can type a passphrase for
    Decrypt(Change),
    /// Encrypt a key with a passphrase (PKCS#8, PBES2, AES-256)
    Encrypt(Change),
    /// Write a key in another form
    Convert(Convert),
    /// Tell whether certificates, requests and keys belong together
    Match(Compare),
    /// Print the SHA-256 of public keys, as curl and others pin them
    Pin(Compare),
}

#[derive(Debug, clap::Args)]
pub struct Change {
    /// The key, PEM or DER
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    passphrase: Passphrase,
}

#[derive(Debug, clap::Args)]
pub struct Convert {
    /// The key, PEM or DER
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// The form to write
    #[arg(long, value_name = "FORM")]
    to: Form,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    passphrase: Passphrase,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    /// PEM, BEGIN PRIVATE KEY
    Pkcs8,
    /// PEM, BEGIN RSA PRIVATE KEY
    Pkcs1,
    /// PEM, BEGIN EC PRIVATE KEY
    Sec1,
    /// PKCS#8 without PEM around it
    Der,
}

#[derive(Debug, clap::Args)]
pub struct Compare {
    /// Certificates, requests, private and public keys, PEM or DER
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    passphrase: Passphrase,
}

/// Where a key is written.
#[derive(Debug, clap::Args)]
struct Target {
    /// Where the key is written, with mode 0600; - for standard output
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    out: PathBuf,
    /// Replace the file if it exists
    #[arg(short, long)]
    force: bool,
}

pub fn run(action: &Action, term: &mut Term) -> Result<Exit, Failure> {
    match action {
        Action::Decrypt(args) => {
            let key = key_pair(&args.file, &args.passphrase, term)?;
            args.target.write(key.to_pem().as_bytes(), term)
        }
        Action::Encrypt(args) => encrypt(args, term),
        Action::Convert(args) => {
            let key = key_pair(&args.file, &args.passphrase, term)?;
            convert(&key, args, term)
        }
        Action::Match(args) => compare(args, term),
        Action::Pin(args) => {
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
