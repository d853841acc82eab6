//! Words of `certgen export`.

use std::path::PathBuf;

use super::shared::{NewSecret, Passphrase};

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Certificates, PEM; each with its chain, where STEM-chain.crt lies beside it. Of a CA only the certificate is exported
    #[arg(required = true, value_name = "CERT", value_hint = clap::ValueHint::FilePath)]
    pub certificates: Vec<PathBuf>,
    /// The form to write
    #[arg(long, value_name = "FORM")]
    pub to: ExportForm,
    /// The private key of CERT [default: as CERT, with .key, if that is there]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// Leave the private key out
    #[arg(long, conflicts_with = "key")]
    pub no_key: bool,
    /// The CA that the other side's certificate is checked with [default: ca.crt beside CERT, if that is its CA]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ca: Option<PathBuf>,
    /// Name of the files and of what is in them [default: that of CERT, without its ending]
    #[arg(long, value_name = "STEM")]
    pub stem: Option<String>,
    /// Folder for the new files; - for standard output, where the form is one file
    #[arg(short, long, value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    pub out: PathBuf,
    /// Replace files that exist
    #[arg(short, long)]
    pub force: bool,
    /// Encrypt the store with 3DES and SHA-1, for Windows before 10, Android before 14 and Java before 8u301 (p12)
    #[arg(long)]
    pub legacy: bool,
    /// Encrypt the key with a passphrase (pem, der)
    #[arg(long)]
    pub encrypt: bool,
    #[command(flatten)]
    pub secret: NewSecret,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportForm {
    /// STEM.p12: a PKCS#12 store under a passphrase, for Java, Windows, browsers and phones
    P12,
    /// STEM.pem: key, certificate, chain and CA one behind the other
    Pem,
    /// STEM.der, STEM-ca.der and STEM-key.der (PKCS#8)
    Der,
    /// STEM.h: DER as arrays of C
    CHeader,
    /// STEM.h: PEM as texts of C++ in flash, for Arduino and PlatformIO
    Arduino,
    /// STEM-esp-idf: a component with PEM embedded and a header, and nvs.csv for nvs_partition_gen.py
    EspIdf,
    /// STEM.py: DER as bytes of a module for MicroPython
    Micropython,
    /// STEM.env: PEM in base64, a variable each
    Base64,
    /// STEM.yaml: a Secret of Kubernetes
    K8s,
    /// STEM-docker: files and a compose.yaml that makes secrets of them
    Docker,
    /// STEM.mobileconfig: a profile for iOS and macOS
    Mobileconfig,
    /// Not written: asked for, it says what Java takes.
    #[value(hide = true)]
    Jks,
}

impl ExportForm {
    /// What is written is under a passphrase in any case, if it has a key.
    pub fn is_store(self) -> bool {
        matches!(self, Self::P12 | Self::Mobileconfig)
    }
}
