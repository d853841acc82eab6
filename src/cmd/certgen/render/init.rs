//! What `certgen init` has made, and what to type next.

use crate::cmd::certgen::dates::date;
use crate::cmd::certgen::init::Initialised;
use crate::cmd::certgen::options::InitArgs;
use crate::diagnose::shell;
use crate::pki::certificate::{AlternativeName, Certificate};
use crate::term::Term;

pub fn initialised(args: &InitArgs, initialised: &Initialised, term: &mut Term) {
    let Initialised { certificates: made, configuration, ca_key_is_encrypted, is_root } = initialised;
    term.line(format_args!("Made in {}:\n", args.dir.display()));
    let width = made.iter().map(|(stem, _)| stem.chars().count() + 4).max().unwrap_or(0);
    for (stem, certificate) in made {
        let names = certificate.alternative_names.as_deref().unwrap_or_default();
        let names: Vec<_> = names.iter().filter(|_| stem == "server").map(ToString::to_string).collect();
        let names = if names.is_empty() { String::new() } else { format!("\n  {:width$}  {}", "", names.join(", ")) };
        term.line(format_args!(
            "  {:width$}  {}, until {}{names}",
            format!("{stem}.crt"),
            certificate.subject,
            date(certificate.not_after)
        ));
        let about = match (stem.as_str(), ca_key_is_encrypted) {
            ("ca", true) => "key of the CA, encrypted; keep it off the broker",
            ("ca", false) => "key of the CA; keep it off the broker",
            ("server", _) => "key of the server; not encrypted, since nobody types a passphrase when a service starts",
            _ => "key of the client",
        };
        term.line(format_args!("  {:width$}  {about}", format!("{stem}.key")));
    }
    term.line("\nmosquitto.conf has:\n");
    for line in configuration.lines() {
        term.line(format_args!("  {line}"));
    }
    term.line("\nTry it:\n");
    for line in commands(args, made) {
        term.line(format_args!("  {line}"));
    }
    if *is_root {
        term.note("note: a mosquitto that runs as its own user must be able to read its key: give it DIR and server.key with chown");
    }
}

/// The command lines that show that it works.
fn commands(args: &InitArgs, made: &[(String, Certificate)]) -> Vec<String> {
    let folder = shell::path(&args.dir);
    let server = made
        .iter()
        .find(|(stem, _)| stem == "server")
        .and_then(|(_, certificate)| certificate.alternative_names.as_deref());
    let host = reachable(server.unwrap_or_default());
    let login = match made.get(2) {
        Some((stem, _)) => {
            let stem = shell::quoted(stem);
            format!(" --cert {folder}/{stem}.crt --key {folder}/{stem}.key")
        }
        None => String::new(),
    };
    let connection = format!("-h {host} -p {} --cafile {folder}/ca.crt{login}", args.port);
    vec![
        format!("moskit broker -c {folder}/mosquitto.conf    (or: mosquitto -c {folder}/mosquitto.conf)"),
        format!("moskit sub {connection} -t test -C 1"),
        format!("moskit pub {connection} -t test -m hello"),
        format!("mosquitto_pub {connection} -t test -m hello"),
    ]
}

/// A host of the certificate that a try from this machine can reach best.
fn reachable(names: &[AlternativeName]) -> String {
    let is_localhost = |name: &&AlternativeName| matches!(name, AlternativeName::Dns(name) if name == "localhost");
    match names.iter().find(is_localhost).or(names.first()) {
        Some(AlternativeName::Dns(name)) => name.replacen('*', "broker", 1),
        Some(AlternativeName::Ip(address)) => address.to_string(),
        _ => "localhost".to_owned(),
    }
}
