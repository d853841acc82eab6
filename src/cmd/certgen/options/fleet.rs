//! What many certificates of one CA need: revocation and its index.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::shared::{Issuer, Passphrase};
use crate::cmd::certgen::dates::parse_duration;
use crate::cmd::number::whole;
use crate::pki::revocation::Reason;

#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    /// Certificates: the file of one, its serial number, or a name, which means every one of that name that is still good
    #[arg(required = true, value_name = "FILE|SERIAL|NAME", value_hint = clap::ValueHint::FilePath)]
    pub which: Vec<String>,
    /// Why, by the names of RFC 5280. What is revoked as certificateHold may be released again
    #[arg(long, value_name = "REASON", default_value = "unspecified", value_parser = reason())]
    pub reason: Reason,
    /// Let certificates that are on hold (certificateHold) be good again
    #[arg(long, conflicts_with_all = ["reason", "unlisted"])]
    pub release: bool,
    /// Revoke a serial number also when the index does not know it
    #[arg(long)]
    pub unlisted: bool,
    /// Write the revocation list too, as certgen crl does
    #[arg(long)]
    pub crl: bool,
    #[command(flatten)]
    pub list: ListArgs,
    #[command(flatten)]
    pub issuer: Issuer,
}

fn reason() -> impl TypedValueParser<Value = Reason> {
    let offered = Reason::ALL.map(|(name, _)| name).into_iter().filter(|name| *name != "aACompromise");
    PossibleValuesParser::new(offered).map(|name| Reason::find(&name).unwrap_or(Reason::Unspecified))
}

/// The list that is written.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Days until the list must be replaced (nextUpdate) [default: 30]. From then on a broker refuses every client
    #[arg(long, value_name = "N", value_parser = whole(1..=36_500_u32))]
    pub days: Option<u32>,
    /// Where the list is written [default: as the CA's certificate, with .crl]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Replace the file also when it is no list of this CA
    #[arg(short, long)]
    pub force: bool,
}

#[derive(Debug, clap::Args)]
pub struct CrlArgs {
    #[command(flatten)]
    pub list: ListArgs,
    /// Make a list only if less than this is left of the old one, or if it does not name all that are revoked; for cron
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub within: Option<i64>,
    /// Make no list, but look at the one there is: end with 1 if less than this is left of it, and with 2 if it is over, is
    /// not valid yet, is not there or does not name all that are revoked
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with_all = ["within", "days", "force"])]
    pub warn: Option<i64>,
    #[command(flatten)]
    pub issuer: Issuer,
}

#[derive(Debug, clap::Args)]
pub struct IndexArgs {
    /// Make the index anew: from what can be read of the old one, from the certificates and lists in the CA's folder and
    /// below, and from those in these files and folders
    #[arg(long, value_name = "FILE|DIR", num_args = 0.., value_hint = clap::ValueHint::AnyPath)]
    pub rebuild: Option<Vec<PathBuf>>,
    /// One JSON object per certificate
    #[arg(long, conflicts_with = "rebuild")]
    pub json: bool,
    /// Folder of the CA
    #[arg(short, long, value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Certificate of the CA [default: DIR/ca.crt]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ca: Option<PathBuf>,
}

/// Days that a list lives, unless asked otherwise: it is made anew by cron, and a stolen list is not good for long.
const LIST_DAYS: u32 = 30;

impl ListArgs {
    pub fn days(&self) -> u32 {
        self.days.unwrap_or(LIST_DAYS)
    }

    /// Whether anything was asked of a list.
    fn is_given(&self) -> bool {
        self.days.is_some() || self.out.is_some() || self.force
    }
}

impl RevokeArgs {
    /// Options that would have no effect, as no list is made and no key is needed.
    pub fn in_vain(&self) -> bool {
        !self.crl && (self.list.is_given() || uses_key(&self.issuer))
    }
}

impl CrlArgs {
    /// Options that would have no effect, as no list is made and no key is needed.
    pub fn in_vain(&self) -> bool {
        self.warn.is_some() && uses_key(&self.issuer)
    }
}

fn uses_key(issuer: &Issuer) -> bool {
    issuer.ca_key.is_some() || issuer.passphrase.is_given()
}

impl IndexArgs {
    pub fn certificate_path(&self) -> PathBuf {
        let authority = Issuer {
            dir: Some(self.dir.clone()),
            ca: self.ca.clone(),
            ca_key: None,
            passphrase: Passphrase::default(),
        };
        authority.certificate_path()
    }
}

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// Folder of the old CA: easy-rsa's pki, or the one in which openssl ca has index.txt. Nothing in it is changed
    #[arg(value_name = "SOURCE", value_hint = clap::ValueHint::DirPath)]
    pub source: PathBuf,
    /// Folder for the CA's new files; made here, and only its owner may look into it
    #[arg(short, long, value_name = "DIR", default_value = "certs", value_hint = clap::ValueHint::DirPath)]
    pub out: PathBuf,
    /// Certificate of the old CA [default: ca.crt or cacert.pem in SOURCE]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ca: Option<PathBuf>,
    /// Private key of the old CA, which is copied as it is [default: private/ca.key or private/cakey.pem in SOURCE]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ca_key: Option<PathBuf>,
}

/// Whether the CA's index gets to know what is issued.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Registration {
    /// Do not note the certificate in the CA's index, which then cannot find it by its name to revoke it
    #[arg(long)]
    pub no_index: bool,
}
