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
mod options;
mod passphrase;
mod peer;
mod sign;

use clap::{FromArgMatches, Subcommand};

use super::{Applet, Invocation, Manual, parse};
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "certgen",
    mosquitto_name: None,
    about: "Make and check certificates and keys",
    command,
    run,
    manual: Manual {
        exit_status: &[("0", "Done; the answer is yes."), ("1", "Failed; the answer is no."), ("3", "Usage.")],
        examples: &[
            (
                "moskit certgen init certs --hosts mqtt.lan,192.168.1.10,localhost --clients dev1,dev2",
                "A CA, a server, two clients and a mosquitto.conf",
            ),
            ("moskit certgen client -d certs dev3", "One more client"),
        ],
        see_also: &["moskit(1)", "mosquitto.conf(5)", "mosquitto-tls(7)"],
        ..Manual::EMPTY
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
    /// Tell how long certificates are still good; the exit codes suit monitoring
    Expiry(expiry::Args),
    /// Open, encrypt, convert and compare keys
    #[command(subcommand)]
    Key(key::Action),
    /// Make a set of files that shows one failure, for tests
    Broken(broken::Args),
}

fn command() -> clap::Command {
    Action::augment_subcommands(
        clap::Command::new("certgen")
            .about(APPLET.about)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .disable_help_subcommand(true),
    )
}

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = parse(command(), invocation, term)?;
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
        Action::Expiry(args) => expiry::run(args, term),
        Action::Key(action) => key::run(action, term),
        Action::Broken(args) => broken::run(args, term),
    }
}
