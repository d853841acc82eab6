//! From checked arguments to TLS: what pub, sub, rr and our own connecting verbs are told to trust, to show and to refuse.

use std::path::Path;

use zeroize::Zeroizing;

use super::args::{ClientArgs, TlsArgs};
use super::{login, outcome};
use crate::cmd::applet::Invocation;

use crate::diagnose::{self, Finding};
use crate::net::endpoint::TLS_PORT;
use crate::net::tls::{self, Checks, FileRole, OptionsError, Suites, Version};
use crate::pki::read::{ReadError, ReadProblem};
use crate::term::{AskError, Exit, Failure, Term};

/// Options that this program cannot follow, or not yet: one clear error each.
pub fn refuse_missing_parts(args: &ClientArgs) -> Result<(), Failure> {
    let tls = &args.tls;
    let refuse = |line: String, cause: &str, hint: &str| {
        let failure = Failure::verbatim(Exit::FAILED, line).quietable().cause(cause, "option.unsupported");
        Err(if hint.is_empty() { failure } else { failure.hint(hint) })
    };
    if let Some(engine) = &tls.engine {
        return refuse(
            format!("Error: Problem setting TLS engine, is {engine} a valid engine?\n"),
            "OpenSSL engines do not exist in rustls, which does our TLS",
            "use a key in a file: --key FILE",
        );
    }
    if let Some(form) = tls.keyform.as_deref().filter(|form| *form != "pem") {
        return refuse(
            "Error: Problem setting key form, it must be one of 'pem' or 'engine'.\n".to_owned(),
            &format!("keys of the form `{form}` are not supported"),
            "use a key in a PEM file: --keyform pem --key FILE",
        );
    }
    Ok(())
}

/// `--psk`, where there is none.
pub fn refuse_pre_shared_key(args: &ClientArgs) -> Result<(), Failure> {
    if args.tls.psk.is_none() || args.tls.no_tls {
        return Ok(());
    }
    let cause = "TLS with pre-shared keys, which rustls does not offer, is only for pub, sub and rr of a build with the cargo feature psk";
    let failure = pre_shared_key_problem().cause(cause, "option.unsupported");
    Err(failure.hint("use certificates (moskit certgen init makes them), or cargo install moskit --features psk"))
}

fn pre_shared_key_problem() -> Failure {
    Failure::verbatim(Exit::FAILED, "Error: Problem setting TLS-PSK options.\n").quietable()
}

/// The TLS that the options ask for, if they do.
pub fn tls_wanted(
    invocation: &Invocation,
    args: &ClientArgs,
    term: &mut Term,
) -> Result<Option<tls::Options>, Failure> {
    let given = &args.tls;
    if given.no_tls {
        return Ok(None);
    }
    let lowest = lowest_version(given)?;
    #[cfg(feature = "psk")]
    if let Some(options) = pre_shared_key(given)? {
        return Ok(Some(options));
    }
    let named = given.cafile.is_some() || given.capath.is_some();
    if !named && !given.os_certs && !args.port.is_some_and(|port| port.is(TLS_PORT)) {
        if given.cert.is_some() {
            return tls_is_off(invocation, term);
        }
        let checks = [(given.insecure, "--insecure"), (given.no_verify, "--no-verify")];
        for (_, option) in checks.iter().filter(|(is_given, _)| *is_given && !invocation.as_mosquitto) {
            term.note(format_args!("warning: {option} does not switch TLS on: the connection is in clear"));
        }
        return Ok(None);
    }
    let options = tls_options(given, lowest, !named || given.os_certs)?;
    if options.checks == Checks::Nothing {
        term.note("warning: --no-verify: the server's certificate is not checked at all");
    }
    Ok(Some(options))
}

/// The options of `--psk`, which stands in place of all certificates.
#[cfg(feature = "psk")]
fn pre_shared_key(given: &TlsArgs) -> Result<Option<tls::Options>, Failure> {
    let Some(key) = &given.psk else { return Ok(None) };
    let identity = given.psk_identity.as_deref().unwrap_or_default();
    let pre_shared_key = tls::psk::PreSharedKey::from_hex(identity, key.expose());
    let hint = "--psk takes hex digits without 0x, 512 bytes at most, and --psk-identity 127 bytes";
    Ok(Some(tls::Options {
        pre_shared_key: Some(pre_shared_key.ok_or_else(|| pre_shared_key_problem().hint(hint))?),
        suites: Suites { tls12: given.ciphers.clone(), ..Suites::default() },
        ..tls::Options::default()
    }))
}

/// A client certificate without anything that switches TLS on: Mosquitto goes on in clear without a
/// word. Under its names we do too, but say so; under ours it is an error.
fn tls_is_off(invocation: &Invocation, term: &mut Term) -> Result<Option<tls::Options>, Failure> {
    let finding =
        Finding::error("client.tls-off", "--cert and --key alone do not switch TLS on: the connection is in clear")
            .fix("add --cafile FILE, --capath DIR or --tls-use-os-certs");
    if invocation.as_mosquitto {
        term.note(format_args!("warning: {} [{}]", finding.what, finding.id));
        return Ok(None);
    }
    Err(finding.into_failure(Exit::FAILED))
}

fn invalid_tls_options() -> Failure {
    Failure::verbatim(Exit::FAILED, "Error: Problem setting TLS options, check the options are valid.\n").quietable()
}

/// `--tls-version` is judged even where nothing else switches TLS on.
fn lowest_version(given: &TlsArgs) -> Result<Version, Failure> {
    match given.version.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("tlsv1.2") => Ok(Version::Tls12),
        Some("tlsv1.3") => Ok(Version::Tls13),
        Some(_) => Err(invalid_tls_options().hint("--tls-version takes tlsv1.2 or tlsv1.3")),
    }
}

fn tls_options(given: &TlsArgs, minimum_version: Version, os_certificates: bool) -> Result<tls::Options, Failure> {
    let suites = match minimum_version {
        Version::Tls12 => Suites { tls12: given.ciphers.clone(), ..Suites::default() },
        Version::Tls13 => Suites { tls13: given.ciphers.clone(), ..Suites::default() },
    };
    let alpn = match &given.alpn {
        None => Vec::new(),
        Some(name) => vec![String::from_utf8(name.clone()).map_err(|_| invalid_tls_options())?],
    };
    Ok(tls::Options {
        cafile: given.cafile.clone(),
        capath: given.capath.clone(),
        os_certificates,
        identity: given.cert.clone().zip(given.key.clone()),
        alpn,
        minimum_version,
        suites,
        checks: match (given.no_verify, given.insecure) {
            (true, _) => Checks::Nothing,
            (false, true) => Checks::NotTheName,
            (false, false) => Checks::Everything,
        },
        keylog: given.keylog.clone().or_else(|| std::env::var_os("SSLKEYLOGFILE").map(Into::into)),
        #[cfg(feature = "psk")]
        pre_shared_key: None,
    })
}

/// What libmosquitto logs of TLS options that it cannot use.
fn tls_debug_line(error: &OptionsError, options: &tls::Options) -> Option<String> {
    let unloaded = |what: &str, path: &Path| Some(format!("Error: Unable to load {what} \"{}\".", path.display()));
    match error {
        OptionsError::File { error, .. } if is_no_file(error) => None,
        OptionsError::File { role: FileRole::Cafile, error: ReadError { path, .. } }
        | OptionsError::Malformed { role: FileRole::Cafile, path } => unloaded("CA certificates, check cafile", path),
        OptionsError::File { role: FileRole::Certificate, error: ReadError { path, .. } }
        | OptionsError::Malformed { role: FileRole::Certificate, path } => unloaded("client certificate", path),
        OptionsError::File { role: FileRole::Key, error: ReadError { path, .. } }
        | OptionsError::KeyEncrypted { path, .. }
        | OptionsError::KeyNotDecrypted { path, .. }
        | OptionsError::KeyUnusable { path }
        | OptionsError::KeyMismatch { key: path, .. } => unloaded("client key file", path),
        OptionsError::Ciphers(_) => {
            let suites = &options.suites;
            Some(match (&suites.tls13, &suites.tls12) {
                (Some(list), _) => {
                    format!("Error: Unable to set TLS 1.3 ciphersuites. Check cipher_tls13 list \"{list}\".")
                }
                (None, list) => {
                    let list = list.as_deref().unwrap_or_default();
                    format!("Error: Unable to set TLS ciphers. Check cipher list \"{list}\".")
                }
            })
        }
        _ => None,
    }
}

/// For Mosquitto a folder in place of a file is as good as nothing.
fn is_no_file(error: &ReadError) -> bool {
    matches!(error.problem, ReadProblem::Missing | ReadProblem::Directory)
}

/// Mosquitto tells a missing file from everything else that is wrong with the TLS options.
fn tls_options_failure(error: &OptionsError) -> Failure {
    let line = match error {
        OptionsError::File { error, .. } if is_no_file(error) => {
            "Error: Problem setting TLS options: File not found.\n"
        }
        _ => "Unable to connect (A TLS error occurred).\n",
    };
    outcome::failure(Exit::FAILED, line, Some(diagnose::tls::options(error)))
}

/// The passphrase of an encrypted key: from `--key-pass-file`, else asked for on the terminal. The error is the
/// number of a signal that ended the question.
pub fn passphrase(
    key_pass_file: Option<&Path>,
    path: &Path,
    term: &mut Term,
) -> Result<Option<Zeroizing<Vec<u8>>>, u8> {
    let secret = match key_pass_file {
        Some(file) => login::first_line_of(file).ok(),
        None => match term.ask_on_terminal(&format!("Enter passphrase for {}: ", path.display())) {
            Ok(typed) => Some(typed),
            Err(AskError::Signal(number)) => return Err(number),
            Err(AskError::Read(_)) => None,
        },
    };
    Ok(secret.map(|secret| Zeroizing::new(secret.expose().to_vec())))
}

/// The TLS configuration; what is wrong with it is a line of `-d` too.
pub fn tls_client(
    options: &tls::Options,
    key_pass_file: Option<&Path>,
    debug: bool,
    term: &mut Term,
) -> Result<tls::Client, Failure> {
    let mut signal = None;
    let client = tls::Client::new(options, &mut |path, _| match passphrase(key_pass_file, path, term) {
        Ok(passphrase) => passphrase,
        Err(number) => {
            signal = Some(number);
            None
        }
    });
    client.map_err(|error| {
        if let Some(number) = signal {
            return Failure::silent(Exit(128 + number));
        }
        if let Some(line) = tls_debug_line(&error, options).filter(|_| debug) {
            term.line(line);
        }
        tls_options_failure(&error)
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cmd::connect::args::Verb;
    use crate::cmd::connect::options;

    fn typed(words: &str) -> ClientArgs {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        options::read(Verb::Pub, true, &[], &words).unwrap()
    }

    fn tls_of(words: &str) -> tls::Options {
        let given = typed(words).tls;
        tls_options(&given, lowest_version(&given).unwrap(), given.os_certs).unwrap()
    }

    /// In Mosquitto, `--insecure` beside one of these options checks nothing at all.
    #[test]
    fn insecure_leaves_out_the_name_only_whatever_is_beside_it() {
        for words in ["--ciphers x", "--tls-version tlsv1.2", "--ciphers x --tls-version tlsv1.3", ""] {
            assert_eq!(tls_of(&format!("--insecure --cafile c {words}")).checks, Checks::NotTheName, "{words}");
        }
    }

    /// Mosquitto takes capitals for another version, and writes no secrets without a CA file.
    #[test]
    fn versions_have_any_case_and_secrets_are_written_for_every_kind_of_trust() {
        assert_eq!(tls_of("--cafile c --tls-version TLSv1.3").minimum_version, Version::Tls13);
        assert_eq!(tls_of("--cafile c --tls-version TLSV1.2").minimum_version, Version::Tls12);
        let options = tls_of("--tls-use-os-certs --tls-keylog k");
        assert_eq!((options.keylog.as_deref(), options.os_certificates), (Some(Path::new("k")), true));
    }
}
