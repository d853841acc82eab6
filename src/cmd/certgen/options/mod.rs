//! The words of certgen: what may be typed, and what it means. Nothing is opened here.

mod batch;
mod broker;
mod export;
mod fleet;
mod key;
mod look;
mod make;
mod shared;
mod trust;

use clap::{ArgMatches, Command, FromArgMatches, Subcommand};

pub use self::batch::{BatchArgs, Layout};
pub use self::broker::{Acl, PasswordsTo};
pub use self::export::{ExportArgs, ExportForm};
pub use self::fleet::{CrlArgs, ImportArgs, IndexArgs, ListArgs, Registration, RevokeArgs};
pub use self::key::{Change, Compare, Convert, Form, KeyAction, Target};
pub use self::look::{Chosen, ExpiryArgs, InspectArgs, LintArgs, Use, VerifyArgs};
pub use self::make::{BrokenArgs, CaArgs, ClientArgs, Common, InitArgs, RenewArgs, RequestArgs, ServerArgs, SignArgs};
use self::shared::help_of_days;
pub use self::shared::{
    CA_DAYS, CLIENT_DAYS, INTERMEDIATE_DAYS, Issuer, Lifetime, NewKey, NewSecret, Passphrase, Protection, SERVER_DAYS,
    SubjectParts, chain_path,
};
pub use self::trust::{Store, TrustAction, TrustArgs};
use crate::term::{Exit, Failure};

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make a CA, a server, clients and a mosquitto.conf in one go, or with --broker a folder that a broker starts on
    Init(InitArgs),
    /// Make a certificate authority, or with --parent an intermediate one
    Ca(CaArgs),
    /// Make a key and a certificate for a broker
    Server(ServerArgs),
    /// Make keys and certificates for clients
    Client(ClientArgs),
    /// Make keys and certificates for thousands of devices, or sign their requests
    Batch(BatchArgs),
    /// Make a key and a request for a certificate
    Csr(RequestArgs),
    /// Sign a request
    Sign(SignArgs),
    /// Show what a file or a server holds, whatever it is
    Inspect(InspectArgs),
    /// Judge a certificate as each family of TLS clients does: chain, host, purpose, key, revocation
    Verify(VerifyArgs),
    /// Find what is wrong, weak or soon over in files of certificates and keys
    Lint(LintArgs),
    /// Tell how long certificates are still good; the exit codes suit monitoring
    Expiry(ExpiryArgs),
    /// Renew a certificate that expires soon, for cron
    Renew(RenewArgs),
    /// Revoke certificates
    Revoke(RevokeArgs),
    /// Make the revocation list of a CA, which brokers obey
    Crl(CrlArgs),
    /// Show what a CA has issued and revoked
    Index(IndexArgs),
    /// Write certificate and key in the form that a device, a phone or a cluster wants
    Export(ExportArgs),
    /// Go on with a CA of easy-rsa or of openssl ca
    Import(ImportArgs),
    /// Let the programs of this machine trust a CA, or no longer
    #[command(subcommand, subcommand_value_name = "ACTION", subcommand_help_heading = "Actions")]
    Trust(TrustAction),
    /// Open, encrypt, convert and compare keys
    #[command(subcommand, subcommand_value_name = "ACTION", subcommand_help_heading = "Actions")]
    Key(KeyAction),
    /// Make a set of files that shows one failure, for tests
    Broken(BrokenArgs),
}

pub fn command() -> Command {
    let command = Action::augment_subcommands(
        Command::new("certgen")
            .subcommand_required(true)
            .subcommand_value_name("ACTION")
            .subcommand_help_heading("Actions")
            .arg_required_else_help(true)
            .disable_help_subcommand(true),
    );
    let by_profile = format!("{CLIENT_DAYS}, of a server {SERVER_DAYS}");
    let of_days = |action, default: &str| (action, "days", help_of_days(default));
    let helps = [
        of_days("init", &format!("{SERVER_DAYS} for the server, {CLIENT_DAYS} for a client")),
        // A root has no CA above it that ends.
        (
            "ca",
            "days",
            format!(
                "Days until the certificate expires [default: {CA_DAYS}, with --parent {INTERMEDIATE_DAYS}]. A default \
                 ends with the parent's own certificate at the latest"
            ),
        ),
        of_days("server", &SERVER_DAYS.to_string()),
        of_days("client", &CLIENT_DAYS.to_string()),
        of_days("batch", &by_profile),
        of_days("sign", &by_profile),
        of_days("renew", "as many as the old certificate had"),
        ("renew", "dir", "Folder of the CA (ca.crt and ca.key) [default: that of CERT]".to_owned()),
    ];
    // One by one `mut_subcommand` would move each behind the others.
    command.mut_subcommands(|action| {
        let own = helps.iter().filter(|(name, ..)| *name == action.get_name()).collect::<Vec<_>>();
        own.into_iter().fold(action, |action, (_, argument, help)| action.mut_arg(argument, |it| it.help(help.clone())))
    })
}

/// The action that was asked for.
pub fn read(matches: &ArgMatches) -> Result<Action, Failure> {
    Action::from_arg_matches(matches).map_err(|error| Failure::verbatim(Exit::USAGE, error.render().to_string()))
}
