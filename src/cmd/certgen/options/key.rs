//! Words of `certgen key`.

use std::path::PathBuf;

use super::shared::{Passphrase, Protection};

#[derive(Debug, clap::Subcommand)]
pub enum KeyAction {
    /// Open an encrypted key, for a service that nobody can type a passphrase for
    Decrypt(Change),
    /// Encrypt a key with a passphrase (PKCS#8, PBES2, AES-256)
    Encrypt(Change),
    /// Write a key in another form, with --encrypt under a passphrase, which may be a new one
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
    pub file: PathBuf,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

#[derive(Debug, clap::Args)]
pub struct Convert {
    /// The key, PEM or DER
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,
    /// The form to write
    #[arg(long, value_name = "FORM")]
    pub to: Form,
    #[command(flatten)]
    pub protection: Protection,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Form {
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
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

/// Where a key is written.
#[derive(Debug, clap::Args)]
pub struct Target {
    /// Where the key is written, with mode 0600; - for standard output
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub out: PathBuf,
    /// Replace the file if it exists
    #[arg(short, long)]
    pub force: bool,
}
