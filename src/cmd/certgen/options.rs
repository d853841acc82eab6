//! Options that several actions share.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::dates::{DAY, date, parse_duration, parse_instant};
use super::explain::{not_made, not_read};
use super::passphrase::Passphrase;
use crate::pki::certificate::Certificate;
use crate::pki::make::{Authority, KeyType, Subject, Validity};
use crate::pki::read;
use crate::term::{Exit, Failure, Term};

/// Days that a server's certificate lives, unless asked otherwise: a year and a month to renew it in.
pub const SERVER_DAYS: u32 = 397;
/// Apple's limit, which holds for private authorities too; clients get all of it.
pub const CLIENT_DAYS: u32 = 825;
pub const CA_DAYS: u32 = 3650;
/// Half of a root's, so that one made later still ends before its root does.
pub const INTERMEDIATE_DAYS: u32 = 1825;

/// The type of a new key.
#[derive(Clone, Debug, clap::Args)]
pub struct NewKey {
    /// Type of the new key. p256 suits ESP32 and all TLS stacks of today, rsa2048 the oldest ones
    #[arg(long = "key", value_name = "TYPE", default_value = "p256", value_parser = key_type())]
    pub kind: KeyType,
}

impl NewKey {
    /// Says which stacks cannot use the type.
    pub fn warn(&self, term: &mut Term) {
        if self.kind == KeyType::Ed25519 {
            term.note(
                "warning: Ed25519 works with OpenSSL 3 and rustls, but not with mbedTLS (ESP32), browsers or Java before 15",
            );
        }
    }
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
    /// Days until the certificate expires [default: servers 397, clients 825, CAs 3650]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_650_000))]
    pub days: Option<u32>,
    /// Moment when the certificate expires: 2027-12-24 or 2027-12-24T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_instant, conflicts_with = "days")]
    pub not_after: Option<i64>,
    /// Let the certificate begin this long ago, for devices whose clock is wrong: 0, 90m, 24h, 30d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "24h")]
    pub backdate: i64,
}

impl Lifetime {
    /// The validity of a certificate made now. Unless asked for, it ends with its issuer's at the latest.
    pub fn validity(&self, now: i64, default_days: u32, issuer: Option<&Certificate>, term: &mut Term) -> Validity {
        let mut validity = self.span(now, default_days);
        let asked = self.not_after.is_some() || self.days.is_some();
        if let Some(issuer) = issuer.filter(|issuer| !asked && validity.not_after > issuer.not_after) {
            let lost = validity.not_after - issuer.not_after;
            validity.not_after = issuer.not_after;
            if lost > DAY {
                term.note(format_args!("warning: valid until {} only, when its CA expires", date(issuer.not_after)));
            }
        }
        validity
    }

    /// The validity without regard to an issuer, as for a root.
    pub fn span(&self, now: i64, default_days: u32) -> Validity {
        let days = i64::from(self.days.unwrap_or(default_days));
        Validity { not_before: now - self.backdate, not_after: self.not_after.unwrap_or(now + days * DAY) }
    }
}

/// Apple's devices refuse leaf certificates that live longer, also those of private authorities.
pub fn warn_of_long_life(validity: Validity, now: i64, term: &mut Term) {
    if validity.not_after - now > i64::from(CLIENT_DAYS) * DAY {
        term.note(format_args!("warning: valid for more than {CLIENT_DAYS} days, which Apple's devices refuse"));
    }
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
    /// Folder of the CA (ca.crt and ca.key) [default: ., and to renew, that of CERT]
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

    pub fn open(&self, now: i64, term: &mut Term) -> Result<OpenIssuer, Failure> {
        open_issuer(&self.certificate_path(), self.ca_key.as_deref(), &self.passphrase, now, term)
    }
}

/// An authority read from its files, ready to sign.
pub struct OpenIssuer {
    pub authority: Authority,
    /// What a chain holds behind a certificate of this authority: itself and those above it, without
    /// the root. Empty if the authority is a root.
    pub chain: Vec<Certificate>,
}

pub fn open_issuer(
    path: &Path,
    key: Option<&Path>,
    passphrase: &Passphrase,
    now: i64,
    term: &mut Term,
) -> Result<OpenIssuer, Failure> {
    let mut found = certificates(path).map_err(|failure| {
        if path.exists() { failure } else { failure.hint("make a CA: moskit certgen init, or moskit certgen ca NAME") }
    })?;
    let certificate = found.remove(0);
    let key = key.map_or_else(|| path.with_extension("key"), Path::to_owned);
    let authority = Authority::load(certificate.clone(), passphrase.read_pair(&key, term)?, now)
        .map_err(|error| not_made(&format!("sign with `{}`", path.display()), error))?;
    let mut chain = Vec::new();
    if !certificate.is_self_issued() {
        chain.push(certificate);
        chain.extend(above(path, found));
        chain.retain(|certificate| !certificate.is_self_issued());
    }
    Ok(OpenIssuer { authority, chain })
}

/// The certificates above an intermediate: the rest of its file, or of the chain file beside it.
fn above(path: &Path, rest: Vec<Certificate>) -> Vec<Certificate> {
    if !rest.is_empty() {
        return rest;
    }
    certificates(&chain_path(path)).map(|mut chain| chain.split_off(1)).unwrap_or_default()
}

/// `dir/floor-2.crt` → `dir/floor-2-chain.crt`
pub fn chain_path(certificate: &Path) -> PathBuf {
    let stem = certificate.file_stem().unwrap_or_default().to_string_lossy();
    certificate.with_file_name(format!("{stem}-chain.crt"))
}

/// The certificates of a PEM file, at least one, parsed.
pub fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let ders = read::certificates(path).map_err(|error| not_read("certificate", &error))?;
    ders.iter()
        .map(|der| {
            Certificate::parse(der).map_err(|_| {
                Failure::new(
                    Exit::FAILED,
                    format!("cannot read `{}`: a certificate in it is malformed", path.display()),
                )
            })
        })
        .collect()
}
