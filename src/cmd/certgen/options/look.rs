//! Words of the actions that look at certificates and judge them: inspect, verify, lint, expiry.

use std::path::PathBuf;

use super::shared::Passphrase;
use crate::cmd::certgen::dates::{parse_duration, parse_instant};
use crate::diagnose::stacks::Stack;

#[derive(Debug, clap::Args)]
pub struct InspectArgs {
    /// Files in any form that certgen writes, folders of them, or servers as HOST:PORT
    #[arg(required = true, value_name = "FILE|DIR|HOST:PORT")]
    pub targets: Vec<String>,
    /// One JSON object per target
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The certificate with its intermediate CAs, in any form that certgen writes, or a folder of such files
    #[arg(value_name = "CERT|DIR", value_hint = clap::ValueHint::AnyPath)]
    pub certificate: PathBuf,
    /// The CAs that are trusted; one that lies in CERT itself is not, unless it is named here [default: ca.crt beside CERT]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ca: Option<PathBuf>,
    /// The private key that should belong to CERT
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// The host or address that clients connect to
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// What the certificate is used for [default: what it says, else server]
    #[arg(long, value_name = "PURPOSE")]
    pub purpose: Option<Use>,
    /// Check against this revocation list (CRL)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub crl: Option<PathBuf>,
    /// Which TLS library decides the exit code [default: OpenSSL and rustls; the others are shown]
    #[arg(long, value_name = "STACK")]
    pub stack: Option<Chosen>,
    /// Judge as of this moment instead of now: 2027-12-24 (its last second, UTC) or 2027-12-24T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    pub at: Option<i64>,
    /// One JSON object per certificate
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Use {
    Server,
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Chosen {
    Openssl,
    Strict,
    Rustls,
    Mbedtls,
    All,
}

impl Chosen {
    pub fn includes(self, stack: Stack) -> bool {
        self == Self::All
            || matches!(
                (self, stack),
                (Self::Openssl, Stack::OpenSsl)
                    | (Self::Strict, Stack::Strict)
                    | (Self::Rustls, Stack::Rustls)
                    | (Self::Mbedtls, Stack::MbedTls)
            )
    }
}

#[derive(Debug, clap::Args)]
pub struct LintArgs {
    /// Files in any form that certgen writes, or folders of them
    #[arg(required = true, value_name = "FILE|DIR", value_hint = clap::ValueHint::AnyPath)]
    pub targets: Vec<PathBuf>,
    /// Warn if less than this is left
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = parse_duration)]
    pub within: i64,
    /// One JSON object per finding
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

#[derive(Debug, clap::Args)]
pub struct ExpiryArgs {
    /// Files in any form that certgen writes, folders of them, or servers as HOST:PORT
    #[arg(required = true, value_name = "FILE|DIR|HOST:PORT")]
    pub targets: Vec<String>,
    /// Warn (exit 1) if less than this is left
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = parse_duration)]
    pub warn: i64,
    /// Be critical (exit 2) if less than this is left
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_duration)]
    pub crit: i64,
    /// One JSON object per certificate
    #[arg(long)]
    pub json: bool,
    /// Metrics in the text format of OpenMetrics, which Prometheus and the textfile collector of its node exporter read
    #[arg(long, conflicts_with = "json")]
    pub openmetrics: bool,
    #[command(flatten)]
    pub passphrase: Passphrase,
}
