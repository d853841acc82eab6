//! Words of the actions that make certificates: init, ca, server, client, csr, sign, renew, broken.

use std::path::PathBuf;

use clap::builder::StringValueParser;

use super::broker::BrokerArgs;
use super::fleet::Registration;
use super::shared::{
    CA_DAYS, CLIENT_DAYS, DAYS_MOST, Destination, Issuer, Lifetime, NewKey, NewSecret, Output, Passphrase, Protection,
    SERVER_DAYS, SubjectParts,
};
use crate::cmd::applet::Suggested;
use crate::cmd::certgen::dates::parse_duration;
use crate::cmd::number::whole;
use crate::pki::make::{BROKEN_KINDS, Purpose};

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Folder for all files. If it does not exist, it is made, and only its owner may read it; the mode of a folder
    /// that exists stays
    #[arg(default_value = "certs", value_hint = clap::ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Name of the CA [default: the folder's]; its common name is NAME with " MQTT CA", if CA is no word of it, and four
    /// random hex digits
    #[arg(long, value_name = "NAME")]
    pub ca_name: Option<String>,
    /// Names and addresses of the broker [default: this machine's name, the same with .local, localhost, 127.0.0.1, ::1]
    #[arg(long, value_name = "HOST,…", value_delimiter = ',')]
    pub hosts: Vec<String>,
    /// Ids of clients that get a certificate; with any, the broker will ask every client for one
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub clients: Vec<String>,
    #[command(flatten)]
    pub ready: BrokerArgs,
    #[command(flatten)]
    pub key: NewKey,
    #[command(flatten)]
    pub lifetime: Lifetime,
    /// Days until the CA expires
    #[arg(long, value_name = "N", default_value_t = CA_DAYS, value_parser = whole(1..=DAYS_MOST))]
    pub ca_days: u32,
    #[command(flatten)]
    pub subject: SubjectParts,
    /// Add every address as a DNS name too, where mbedTLS before 3.5 (ESP-IDF up to 5.0) looks for it
    #[arg(long)]
    pub ip_as_dns: bool,
    /// Port of the listener in mosquitto.conf, or the first of several
    #[arg(long, value_name = "PORT", default_value_t = 8883, value_parser = whole(1..=u16::MAX))]
    pub port: u16,
    /// Encrypt the key of the CA with a passphrase, which is asked for unless one of the --pass options gives it
    #[arg(long)]
    pub encrypt: bool,
    #[command(flatten)]
    pub passphrase: Passphrase,
    /// Encrypt the keys of the clients with one passphrase, which is asked for unless one of the --key-pass options
    /// gives it
    #[arg(long, requires = "clients")]
    pub encrypt_clients: bool,
    #[command(flatten)]
    pub client_secret: NewSecret,
    /// Use a folder that has files in it, and replace those of the same names
    #[arg(short, long)]
    pub force: bool,
}

#[derive(Debug, clap::Args)]
pub struct CaArgs {
    /// Name of the CA. Its common name is NAME with " MQTT CA", if CA is no word of it, and four random hex digits, so
    /// that a new CA is never taken for the old one: Lab gives "Lab MQTT CA 3f2a"
    pub name: String,
    #[command(flatten)]
    pub key: NewKey,
    #[command(flatten)]
    pub lifetime: Lifetime,
    #[command(flatten)]
    pub subject: SubjectParts,
    /// Take NAME as the common name, with nothing added
    #[arg(long)]
    pub exact_name: bool,
    /// How many CAs may stand between this one and a server or client
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=u8::MAX))]
    pub path_len: u8,
    /// Let the CA sign only for these domains (.lan), networks (192.168.0.0/16) and mail domains
    /// (@example.com); may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub name_constraint: Vec<String>,
    /// Make an intermediate CA, signed by the CA whose certificate is FILE
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub parent: Option<PathBuf>,
    /// Private key of the parent [default: as its certificate, with .key]
    #[arg(long, value_name = "FILE", requires = "parent", value_hint = clap::ValueHint::FilePath)]
    pub parent_key: Option<PathBuf>,
    /// Read the passphrase of the parent's key from the first line of FILE
    #[arg(long, value_name = "FILE", requires = "parent", value_hint = clap::ValueHint::FilePath)]
    pub parent_pass_file: Option<PathBuf>,
    /// Read the passphrase of the parent's key from the environment variable VAR
    #[arg(long, value_name = "VAR", requires = "parent", conflicts_with = "parent_pass_file")]
    pub parent_pass_env: Option<String>,
    /// Read the passphrase of the parent's key from the open file descriptor N
    #[arg(long, value_name = "N", value_parser = whole(0..=u16::MAX), requires = "parent",
        conflicts_with_all = ["parent_pass_file", "parent_pass_env"])]
    pub parent_pass_fd: Option<u16>,
    /// Encrypt the new key with a passphrase, which is asked for unless one of the --pass options gives it
    #[arg(long)]
    pub encrypt: bool,
    #[command(flatten)]
    pub passphrase: Passphrase,
    /// Name of the files without their endings [default: ca; for an intermediate CA, NAME in small letters with - for spaces]
    #[arg(long, value_name = "STEM")]
    pub stem: Option<String>,
    #[command(flatten)]
    pub destination: Destination,
}

/// What server and client have in common.
#[derive(Debug, clap::Args)]
pub struct Common {
    #[command(flatten)]
    pub key: NewKey,
    #[command(flatten)]
    pub lifetime: Lifetime,
    #[command(flatten)]
    pub subject: SubjectParts,
    /// More names, of any kind: mqtt.lan, 10.0.0.1, urn:dev:1, ops@lan, or after dns:, ip:, uri:, email:;
    /// may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub san: Vec<String>,
    /// For servers that are clients too, and the other way round (bridges)
    #[arg(long)]
    pub both: bool,
    /// Write the chain too (STEM-chain.crt), as is always done below an intermediate CA
    #[arg(long)]
    pub bundle: bool,
    #[command(flatten)]
    pub issuer: Issuer,
    #[command(flatten)]
    pub registration: Registration,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// Names and addresses that clients connect to; the first is also the common name
    #[arg(required = true)]
    pub hosts: Vec<String>,
    /// Common name instead of the first host
    #[arg(long, value_name = "NAME")]
    pub cn: Option<String>,
    /// Add every address as a DNS name too, where mbedTLS before 3.5 (ESP-IDF up to 5.0) looks for it
    #[arg(long)]
    pub ip_as_dns: bool,
    /// Add this machine's name, NAME.local, localhost, 127.0.0.1 and ::1
    #[arg(long)]
    pub auto_san: bool,
    /// Name of the files without their endings [default: the first host, with _wildcard for a *]
    #[arg(long, value_name = "STEM")]
    pub stem: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, clap::Args)]
pub struct ClientArgs {
    /// Names of the clients, one certificate each. A name is the common name; a broker with use_identity_as_username takes
    /// it for the user name
    #[arg(required = true)]
    pub ids: Vec<String>,
    #[command(flatten)]
    pub protection: Protection,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, clap::Args)]
pub struct RequestArgs {
    /// Common name: the id of a client, or the host of a server
    pub name: String,
    /// More names: mqtt.lan, 10.0.0.1, urn:dev:1, ops@lan, or after dns:, ip:, uri:, email:; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub san: Vec<String>,
    #[command(flatten)]
    pub key: NewKey,
    /// Use the private key in FILE instead of a new one
    #[arg(long, value_name = "FILE", conflicts_with = "kind", value_hint = clap::ValueHint::FilePath)]
    pub use_key: Option<PathBuf>,
    /// Encrypt the new key with a passphrase, which is asked for unless one of the --pass options gives it
    #[arg(long, conflicts_with = "use_key")]
    pub encrypt: bool,
    #[command(flatten)]
    pub passphrase: Passphrase,
    #[command(flatten)]
    pub subject: SubjectParts,
    /// Name of the files without their endings [default: NAME]
    #[arg(long, value_name = "STEM")]
    pub stem: Option<String>,
    #[command(flatten)]
    pub destination: Destination,
}

#[derive(Debug, clap::Args)]
pub struct SignArgs {
    /// The request, PEM or DER
    #[arg(value_name = "CSR", value_hint = clap::ValueHint::FilePath)]
    pub request: PathBuf,
    /// What the certificate is for; the request does not decide that
    #[arg(long, value_name = "PURPOSE")]
    pub profile: Profile,
    /// Names beside those in the request; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub san: Vec<String>,
    #[command(flatten)]
    pub lifetime: Lifetime,
    #[command(flatten)]
    pub issuer: Issuer,
    #[command(flatten)]
    pub registration: Registration,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    Server,
    Client,
    Both,
}

impl Profile {
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Server => Purpose::Server,
            Self::Client => Purpose::Client,
            Self::Both => Purpose::Both,
        }
    }

    /// Days that such a certificate lives, unless asked otherwise.
    pub fn days(self) -> u32 {
        match self {
            Self::Server | Self::Both => SERVER_DAYS,
            Self::Client => CLIENT_DAYS,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct RenewArgs {
    /// The certificate; it is replaced, and so is its chain file, if it has one
    #[arg(value_name = "CERT", value_hint = clap::ValueHint::FilePath)]
    pub certificate: PathBuf,
    /// Renew only if less than this is left (90s, 90m, 24h, 30d, 2w); otherwise say so and leave everything as it is
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = parse_duration)]
    pub within: i64,
    /// Exit with 1, not 0, if the certificate is not due
    #[arg(long)]
    pub exit_code: bool,
    /// Make a new key too, of the same type; it replaces the old one
    #[arg(long)]
    pub new_key: bool,
    #[command(flatten)]
    pub protection: Protection,
    /// Keep the key, as is done anyway
    #[arg(long, conflicts_with = "new_key")]
    pub same_key: bool,
    /// The private key of CERT [default: as CERT, with .key]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    #[command(flatten)]
    pub lifetime: Lifetime,
    #[command(flatten)]
    pub issuer: Issuer,
    #[command(flatten)]
    pub registration: Registration,
    /// Run this command with the shell after the renewal: systemctl reload mosquitto. If it fails, renew exits with 2
    #[arg(long, value_name = "COMMAND")]
    pub exec: Option<String>,
}

fn kind() -> Suggested<StringValueParser> {
    Suggested::new(BROKEN_KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>(), StringValueParser::new())
}

#[derive(Debug, clap::Args)]
pub struct BrokenArgs {
    /// What is to be broken; see --list
    #[arg(required_unless_present = "list", value_parser = kind(), hide_possible_values = true)]
    pub kind: Option<String>,
    /// Folder for the files [default: KIND]
    #[arg(value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// List the kinds
    #[arg(long, conflicts_with = "kind")]
    pub list: bool,
    /// Replace files that exist
    #[arg(short, long)]
    pub force: bool,
}
