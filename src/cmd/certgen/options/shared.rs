//! Options that several actions share.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cmd::certgen::dates::{parse_duration, parse_instant};
use crate::cmd::number::whole;
use crate::pki::make::{KeyType, Subject};

/// Days that a server's certificate lives, unless asked otherwise: a year and a month to renew it in.
pub const SERVER_DAYS: u32 = 397;
/// Devices in the field are renewed rarely. No platform limits the life of a client's certificate.
pub const CLIENT_DAYS: u32 = 825;
pub const CA_DAYS: u32 = 3650;
/// Half of a root's, so that one made later still ends before its root does.
pub const INTERMEDIATE_DAYS: u32 = 1825;

/// Until the year 9999 and beyond: whoever wants no end gets none.
pub const DAYS_MOST: u32 = 3_650_000;

/// The type of a new key.
#[derive(Clone, Debug, clap::Args)]
pub struct NewKey {
    /// Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones
    #[arg(long = "key", value_name = "TYPE", default_value = "p256", value_parser = key_type())]
    pub kind: KeyType,
}

fn key_type() -> impl TypedValueParser<Value = KeyType> {
    PossibleValuesParser::new(KeyType::OFFERED.map(|(name, _)| name)).map(|chosen| {
        KeyType::OFFERED
            .iter()
            .find(|(name, _)| *name == chosen)
            .map(|(_, kind)| *kind)
            .expect("clap has seen that it is one of them")
    })
}

/// How long a new certificate is valid.
#[derive(Clone, Debug, clap::Args)]
pub struct Lifetime {
    /// Days until the certificate expires
    // Each action names its default: `help_of_days`.
    #[arg(long, value_name = "N", value_parser = whole(1..=DAYS_MOST))]
    pub days: Option<u32>,
    /// Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_instant, conflicts_with = "days")]
    pub not_after: Option<i64>,
    /// Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90s, 90m, 24h, 30d, 2w; at the
    /// earliest when the certificate of its CA begins
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "24h")]
    pub backdate: i64,
}

/// What else a subject may say.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SubjectParts {
    /// Organization (O) in the subject
    #[arg(long, value_name = "NAME")]
    pub org: Option<String>,
    /// Organizational unit (OU) in the subject
    #[arg(long, value_name = "NAME")]
    pub org_unit: Option<String>,
}

impl SubjectParts {
    pub fn with(&self, common_name: Option<String>) -> Subject {
        Subject { common_name, organization: self.org.clone(), unit: self.org_unit.clone() }
    }
}

/// Where new files go that have no CA beside which they belong.
#[derive(Clone, Debug, clap::Args)]
pub struct Destination {
    /// Folder for the new files
    #[arg(short, long, value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    pub out: PathBuf,
    /// Replace files that exist
    #[arg(short, long)]
    pub force: bool,
}

/// Where new files go.
#[derive(Clone, Debug, clap::Args)]
pub struct Output {
    /// Folder for the new files [default: where the CA is]
    #[arg(short, long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Replace files that exist
    #[arg(short, long)]
    pub force: bool,
}

/// The authority that signs.
#[derive(Clone, Debug, clap::Args)]
pub struct Issuer {
    /// Folder of the CA (ca.crt and ca.key) [default: .]
    #[arg(short, long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Certificate of the CA [default: DIR/ca.crt]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ca: Option<PathBuf>,
    /// Private key of the CA [default: as its certificate, with .key]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ca_key: Option<PathBuf>,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

impl Issuer {
    pub fn certificate_path(&self) -> PathBuf {
        self.ca.clone().unwrap_or_else(|| self.dir.as_deref().unwrap_or(Path::new(".")).join("ca.crt"))
    }

    /// The same, looked for beside `file` unless a place was given.
    pub fn beside(&self, file: &Path) -> Self {
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        Self { dir: self.dir.clone().or(Some(folder)), ..self.clone() }
    }

    /// The folder that new files go to: the asked one, or the CA's.
    pub fn folder(&self, output: &Output) -> PathBuf {
        match (&output.out, &self.ca) {
            (Some(folder), _) => folder.clone(),
            (None, Some(ca)) => ca.parent().map(Path::to_owned).unwrap_or_default(),
            (None, None) => self.dir.clone().unwrap_or_else(|| PathBuf::from(".")),
        }
    }
}

/// The options that name a source; at most one may be given.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(multiple = false)]
pub struct Passphrase {
    /// Read the passphrase of the key from the first line of FILE
    #[arg(id = "pass_file", long = "pass-file", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Read the passphrase of the key from the environment variable VAR
    #[arg(id = "pass_env", long = "pass-env", value_name = "VAR")]
    pub variable: Option<String>,
    /// Read the passphrase of the key from the open file descriptor N
    #[arg(id = "pass_fd", long = "pass-fd", value_name = "N", value_parser = whole(0..=u16::MAX))]
    pub descriptor: Option<u16>,
}

impl Passphrase {
    /// Whether a source is named. What comes from a descriptor can be read only once.
    pub fn is_given(&self) -> bool {
        self.file.is_some() || self.variable.is_some() || self.descriptor.is_some()
    }
}

/// Whether a new key is encrypted. The `--pass` options of these verbs open the key of the CA or the old key.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Protection {
    /// Encrypt the new key with a passphrase (PKCS#8, PBES2, AES-256), which is asked for unless one of the --key-pass
    /// options gives it
    #[arg(long)]
    pub encrypt: bool,
    #[command(flatten)]
    pub secret: NewSecret,
}

/// The options that name where the passphrase of something new comes from; at most one may be given.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(multiple = false)]
pub struct NewSecret {
    /// Read the passphrase of what is written from the first line of FILE
    #[arg(id = "key_pass_file", long = "key-pass-file", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Read the passphrase of what is written from the environment variable VAR
    #[arg(id = "key_pass_env", long = "key-pass-env", value_name = "VAR")]
    pub variable: Option<String>,
    /// Read the passphrase of what is written from the open file descriptor N
    #[arg(id = "key_pass_fd", long = "key-pass-fd", value_name = "N", value_parser = whole(0..=u16::MAX))]
    pub descriptor: Option<u16>,
}

impl NewSecret {
    pub fn is_given(&self) -> bool {
        self.file.is_some() || self.variable.is_some() || self.descriptor.is_some()
    }
}

/// `dir/floor-2.crt` → `dir/floor-2-chain.crt`
pub fn chain_path(certificate: &Path) -> PathBuf {
    let stem = certificate.file_stem().unwrap_or_default().to_string_lossy();
    certificate.with_file_name(format!("{stem}-chain.crt"))
}

/// The help of `--days`: `default` is what holds where it is not given.
pub fn help_of_days(default: &str) -> String {
    format!(
        "Days until the certificate expires [default: {default}]. A default ends with the CA's own certificate at the latest"
    )
}
