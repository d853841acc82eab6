//! `moskit certgen`: certificates for MQTT, made, looked at and judged.

mod broken;
mod ca;
mod content;
mod dates;
mod expiry;
mod explain;
mod files;
mod init;
mod inspect;
mod key;
mod leaf;
mod lint;
mod options;
mod passphrase;
mod peer;
mod renew;
mod sign;
mod verify;

use clap::{FromArgMatches, Subcommand};

use crate::cmd::applet::{Applet, Invocation, Manual};
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "certgen",
    mosquitto_name: None,
    about: "Make and check certificates and keys",
    command,
    run,
    manual: Manual {
        sections: Vec::new,
        exit_status: &[
            ("0", "Done; the answer is yes; nothing expires soon; lint found nothing but notes."),
            (
                "1",
                "Failed; the answer is no; something expires soon (expiry), is not due (renew) or could be better (lint).",
            ),
            ("2", "Something is over or about to be (expiry), wrong (lint) or could not be renewed (renew)."),
            ("3", "Usage, or (expiry) it cannot be known."),
        ],
        environment: &[(
            "VAR",
            "With --pass-env VAR: the passphrase of a key. There is no option that takes the passphrase itself.",
        )],
        files: &[
            ("ca.crt, ca.key", "The CA. ca.crt goes to every client and to the broker, ca.key to nobody."),
            ("server.crt, server.key", "The broker's, made by init; server names them by the first host."),
            ("ID.crt, ID.key", "A client's."),
            ("STEM-chain.crt", "A certificate and the intermediate CAs above it: what a server below one must send."),
            ("mosquitto.conf", "Made by init: a configuration that uses the files."),
        ],
        examples: &[
            (
                "moskit certgen init certs --hosts mqtt.lan,192.168.1.10,localhost --clients dev1,dev2",
                "A CA, a server, two clients and a mosquitto.conf",
            ),
            ("moskit certgen client -d certs dev3", "One more client"),
            ("moskit certgen inspect certs/server.crt", "What a certificate says"),
            (
                "moskit certgen verify certs/server.crt --host mqtt.lan --key certs/server.key",
                "Whether clients will believe it",
            ),
            ("moskit certgen expiry certs --warn 30d --crit 7d", "A check for monitoring"),
            (
                "moskit certgen renew certs/server.crt -d certs --exec 'systemctl reload mosquitto'",
                "For cron: renew when due",
            ),
            ("moskit certgen broken cert.expired", "An expired certificate, for a test"),
        ],
        differences: &[
            "Server keys are never encrypted: a service that starts by itself has nobody to type the passphrase.",
            "A CA made anew never has the name of the old one, because clients then fail with errors that mislead.",
            "PKCS#12 stores with RC2 or 3DES, as OpenSSL before 3 writes them, are not opened.",
            "The opinion of mbedTLS is told by its documented rules; that library is not run.",
        ],
        see_also: &["moskit(1)", "mosquitto.conf(5)", "mosquitto-tls(7)"],
    },
};

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a CA, a server, clients and a mosquitto.conf in one go
    Init(init::Args),
    /// Make a certificate authority, or with --parent an intermediate one
    Ca(ca::Args),
    /// Make a key and a certificate for a broker
    Server(leaf::ServerArgs),
    /// Make keys and certificates for clients
    Client(leaf::ClientArgs),
    /// Make a key and a request for a certificate
    Csr(sign::RequestArgs),
    /// Sign a request
    Sign(sign::SignArgs),
    /// Show what a file or a server holds, whatever it is
    Inspect(inspect::Args),
    /// Judge a certificate as each family of TLS clients does: chain, host, purpose, key, revocation
    Verify(verify::Args),
    /// Find what is wrong, weak or soon over in files of certificates and keys
    Lint(lint::Args),
    /// Tell how long certificates are still good; the exit codes suit monitoring
    Expiry(expiry::Args),
    /// Give a certificate a new end when it is due, for cron
    Renew(renew::Args),
    /// Open, encrypt, convert and compare keys
    #[command(subcommand, subcommand_value_name = "ACTION", subcommand_help_heading = "Actions")]
    Key(key::Action),
    /// Make a set of files that shows one failure, for tests
    Broken(broken::Args),
}

fn command() -> clap::Command {
    Action::augment_subcommands(
        clap::Command::new("certgen")
            .subcommand_required(true)
            .subcommand_value_name("ACTION")
            .subcommand_help_heading("Actions")
            .arg_required_else_help(true)
            .disable_help_subcommand(true),
    )
}

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    let action = Action::from_arg_matches(&matches)
        .map_err(|error| Failure::verbatim(Exit::USAGE, error.render().to_string()))?;
    match &action {
        Action::Init(args) => init::run(args, term),
        Action::Ca(args) => ca::run(args, term),
        Action::Server(args) => leaf::run_server(args, term),
        Action::Client(args) => leaf::run_client(args, term),
        Action::Csr(args) => sign::run_request(args, term),
        Action::Sign(args) => sign::run_sign(args, term),
        Action::Inspect(args) => inspect::run(args, term),
        Action::Verify(args) => verify::run(args, term),
        Action::Lint(args) => lint::run(args, term),
        Action::Renew(args) => renew::run(args, term),
        Action::Expiry(args) => expiry::run(args, term),
        Action::Key(action) => key::run(action, term),
        Action::Broken(args) => broken::run(args, term),
    }
}
