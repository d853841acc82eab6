//! What `certgen init` has made, and what to type next.

use crate::cmd::certgen::dates::date;
use crate::cmd::certgen::files::shown;
use crate::cmd::certgen::init::Initialised;
use crate::cmd::certgen::options::{Acl, InitArgs};
use crate::cmd::certgen::ready::Ready;
use crate::cmd::output::deliver_once;
use crate::diagnose::shell;
use crate::pki::certificate::AlternativeName;
use crate::term::{Failure, Term, plural};

/// Fails if passwords were to be shown and did not get out: nobody can be shown them a second time.
pub fn initialised(args: &InitArgs, initialised: &Initialised, term: &mut Term) -> Result<(), Failure> {
    let Initialised {
        certificates: made, configuration, ready, passwords_in_file, ca_key_is_encrypted, is_root, ..
    } = initialised;
    term.line(format_args!("Made in {}:\n", shown(&args.dir)));
    let width = made.iter().map(|(stem, _)| stem.chars().count() + 4).max().unwrap_or(0);
    let width = if ready.is_some() { width.max("logins.txt".len()) } else { width };
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
            _ if initialised.client_keys_are_encrypted => "key of the client, encrypted",
            _ => "key of the client",
        };
        term.line(format_args!("  {:width$}  {about}", format!("{stem}.key")));
    }
    if let Some(ready) = ready {
        for (name, about) in broker_files(ready, *passwords_in_file) {
            term.line(format_args!("  {name:width$}  {about}"));
        }
    }
    term.line("\nmosquitto.conf has:\n");
    for line in configuration.lines() {
        term.line(if line.is_empty() { String::new() } else { format!("  {line}") });
    }
    if let Some(ready) = ready
        && !ready.logins.is_empty()
        && !passwords_in_file
    {
        passwords(ready, term);
    }
    term.line("\nTry it:\n");
    for line in commands(args, initialised) {
        term.line(format_args!("  {line}"));
    }
    if *is_root {
        let folder = shell::path(&args.dir);
        let files = ready.as_ref().map_or([None; 3], |ready| {
            [(!ready.logins.is_empty()).then_some("passwords"), ready.acl().map(|_| "acl"), ready.data()]
        });
        let own: Vec<_> = files.into_iter().flatten().map(|name| format!("{folder}/{name}")).collect();
        let own = if own.is_empty() { String::new() } else { format!(" && chown mosquitto: {}", own.join(" ")) };
        // The folder stays root's: its owner could put another file in the place of the CA's.
        term.note(format_args!(
            "note: a mosquitto that root starts becomes the user mosquitto; this lets that user read what it needs: \
             chgrp mosquitto {folder} {folder}/server.key && chmod 750 {folder} && chmod 640 {folder}/server.key{own}"
        ));
    }
    match ready {
        Some(ready) if !ready.logins.is_empty() && !passwords_in_file => {
            let users: Vec<_> = ready.logins.iter().map(|login| shell::quoted(&login.user)).collect();
            let made_anew = format!(
                "all files are made; moskit passwd --generate {}/passwords {} makes a new one",
                shell::path(&args.dir),
                if users.len() == 1 { users[0].as_str() } else { "USER" }
            );
            deliver_once("the passwords", &made_anew, term)
        }
        _ => Ok(()),
    }
}

/// What lies in the folder besides certificates and mosquitto.conf.
fn broker_files(ready: &Ready, passwords_in_file: bool) -> Vec<(&'static str, String)> {
    let mut files = Vec::new();
    if !ready.logins.is_empty() {
        files.push(("passwords", format!("hashes of the passwords of {}", plural(ready.logins.len() as u64, "user"))));
    }
    if passwords_in_file {
        files.push(("logins.txt", "the passwords themselves; hand them out, and delete it".to_owned()));
    }
    if ready.acl().is_some() {
        files.push(("acl", "each user reads and writes USER/#, and no other topic".to_owned()));
    }
    if let Some(data) = ready.data() {
        files.push((data, "folder for what the broker keeps over a restart".to_owned()));
    }
    files
}

fn passwords(ready: &Ready, term: &mut Term) {
    term.line("\nPasswords, shown this once:\n");
    let width = ready.logins.iter().map(|login| login.user.chars().count()).max().unwrap_or(0);
    for login in &ready.logins {
        term.line(format_args!("  {:width$}  {}", login.user, *login.password));
    }
}

/// The command lines that show that it works.
fn commands(args: &InitArgs, initialised: &Initialised) -> Vec<String> {
    let made = &initialised.certificates;
    let folder = shell::path(&args.dir);
    let server = made
        .iter()
        .find(|(stem, _)| stem == "server")
        .and_then(|(_, certificate)| certificate.alternative_names.as_deref());
    let host = reachable(server.unwrap_or_default());
    let connection = |port: u16| format!("-h {host} -p {port} --cafile {folder}/ca.crt");
    let certificate = made.get(2).map(|(stem, _)| {
        let stem = shell::quoted(stem);
        format!(" --cert {folder}/{stem}.crt --key {folder}/{stem}.key")
    });
    let mut commands = vec![
        format!("moskit broker -c {folder}/mosquitto.conf"),
        format!("# or: mosquitto -c {folder}/mosquitto.conf"),
    ];
    let Some(ready) = &initialised.ready else {
        let connection = format!("{}{}", connection(args.port), certificate.unwrap_or_default());
        commands.extend([
            format!("moskit sub {connection} -t test -C 1"),
            format!("moskit pub {connection} -t test -m hello"),
            format!("mosquitto_pub {connection} -t test -m hello"),
        ]);
        return commands;
    };
    let topic = |user: &str, rest: &str| match ready.acl {
        Acl::Standard => shell::quoted(&format!("{user}/{rest}")),
        Acl::None => shell::quoted(rest),
    };
    if let (Some(port), Some(certificate), Some(id)) = (ready.ports.certificates, certificate, args.clients.first()) {
        let connection = format!("{}{certificate}", connection(port));
        commands.push(format!("moskit sub {connection} -t {} -C 1", topic(id, "#")));
        commands.push(format!("moskit pub {connection} -t {} -m hello", topic(id, "test")));
    }
    if let (Some(port), Some(login)) = (ready.ports.passwords, ready.logins.first()) {
        let login_at = |port: u16| format!("{} -u {} --pw-prompt", connection(port), shell::quoted(&login.user));
        commands.push(format!("moskit sub {} -t {} -C 1", login_at(port), topic(&login.user, "#")));
        commands.push(format!("moskit pub {} -t {} -m hello", login_at(port), topic(&login.user, "test")));
        if let Some(port) = ready.ports.websockets {
            commands.push(format!("moskit pub --ws {} -t {} -m hello", login_at(port), topic(&login.user, "test")));
        }
    }
    commands
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
