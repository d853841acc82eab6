//! Facts about configuration, access files, certificates and state in the sentences that users see: Mosquitto's own
//! where it has them.

use std::path::Path;

use crate::broker::access::AclProblem;
use crate::broker::config::{BridgeProblem, Notice, Place, Problem, Refusal, SocketDomain};
use crate::broker::host::load::{ALLOW_SYMLINKS, AccessFile, Doubt, LoadError};
use crate::broker::host::start::NotStarted;
use crate::broker::host::state::StateError;
use crate::broker::server::{Bind, StartError};
use crate::diagnose;
use crate::diagnose::files::{password_fault, scram_fault, token_keys};
use crate::diagnose::shell;
use crate::net::reason;
use crate::net::tls::{FileRole, OptionsError, Version};
use crate::passwd;
use crate::passwd::scram::FileError;
use crate::term::{Exit, Failure, escape_controls};

/// Exit code when a password or ACL file cannot be opened.
const UNKNOWN_ACCESS: Exit = Exit(13);

/// Why a broker does not start.
pub fn not_started(error: &NotStarted) -> Failure {
    match error {
        NotStarted::Load(error) => load(error),
        NotStarted::State(error) => state(error),
        NotStarted::Tls(error) => tls(error),
        NotStarted::HostNotFound { host, error } => {
            let why = reason(error);
            Failure::verbatim(Exit::FAILED, format!("Error creating listener: cannot find `{host}` ({why}).\n"))
        }
        NotStarted::NoAddress { host, domain, port } => no_address(host.as_deref(), *domain, *port),
        NotStarted::Server(error) => server(error),
    }
}

/// Why a configuration or a file that guards access cannot be used.
pub fn load(error: &LoadError) -> Failure {
    match error {
        LoadError::IsFolder { path } => {
            Failure::verbatim(Exit::USAGE, format!("Error: Config file '{}' is a directory.\n", path.display()))
        }
        LoadError::Unopenable { path, error } => {
            let name = path.display();
            Failure::verbatim(Exit::USAGE, format!("Error: Unable to open config file '{name}'.\n"))
                .hint(format!("{}: look with ls -l {name}", reason(error)))
        }
        LoadError::Refused(refused) => {
            // Mosquitto finds this one when it opens the listener, and not when it reads the file.
            let is_found_late = matches!(refused.problem, Problem::TlsVersion { .. });
            Failure::verbatim(if is_found_late { Exit::FAILED } else { Exit::USAGE }, refusal(refused))
        }
        LoadError::AccessUnopenable { kind, path, error } => Failure::verbatim(UNKNOWN_ACCESS, unopened(*kind, path))
            .hint(format!("{}: look with ls -l {}", reason(error), path.display())),
        LoadError::AccessLink { kind, path, target } => {
            let (file, target) = (path.display(), target.display());
            let failure = Failure::verbatim(UNKNOWN_ACCESS, unopened(*kind, path));
            failure.hint(format!(
                "`{file}` is a symbolic link to `{target}`, and links are refused: name the file itself, or set {ALLOW_SYMLINKS}"
            ))
        }
        LoadError::AccessUtf16 { path } => {
            let file = path.display();
            Failure::verbatim(Exit::USAGE, format!("Error: {file} is UTF-16 and not UTF-8.\n"))
                .hint(format!("iconv -f UTF-16 -t UTF-8 {file} makes a text that brokers read"))
        }
        LoadError::Passwords { path, error } => {
            Failure::verbatim(Exit::USAGE, format!("{}\n", passwords(*error, path)))
        }
        LoadError::Scram { path, error: FileError { line, fault } } => {
            let (file, why) = (path.display(), scram_fault(*fault));
            Failure::verbatim(Exit::USAGE, format!("Error: {file}: line {line} is no user of a SCRAM file: {why}.\n"))
                .hint(format!("moskit passwd --scram {file} USER makes such a line"))
        }
        LoadError::TokenKeys { path, error } => {
            let why = token_keys(*error);
            Failure::verbatim(Exit::USAGE, format!("Error: {} has no keys for tokens: {why}.\n", path.display()))
        }
        LoadError::TokensWithoutKeys => {
            Failure::verbatim(Exit::USAGE, "Error: auth_jwt_… options need auth_jwt_key_file or auth_jwt_jwks_file.\n")
        }
        LoadError::Acl { path, problem } => Failure::verbatim(Exit::USAGE, format!("{}\n", acl(problem, path))),
    }
}

/// What is unusual about a file that guards access.
pub fn doubt(doubt: &Doubt) -> String {
    match doubt {
        Doubt::PlainPattern { pattern } => {
            format!("Warning: ACL pattern '{pattern}' does not contain '%c' or '%u'.")
        }
        Doubt::LineNotUtf8 { path, line } => {
            format!("Warning: Line {line} of {} is not UTF-8: no topic and no user name is like it.", path.display())
        }
        Doubt::ByteOrderMark { path } => {
            format!("Warning: {} begins with a byte-order mark, for which Mosquitto misreads it.", path.display())
        }
        Doubt::ForEverybody { path, keeper } => {
            let file = path.display();
            let repair = match keeper {
                Some(keeper) => format!("chown {keeper} {file} && chmod 0600 {file}"),
                None => format!("chmod 0600 {file}"),
            };
            format!("Warning: File {file} has world readable permissions. `{repair}` keeps it private.")
        }
        Doubt::Owner { path, owner } => {
            let file = path.display();
            format!("Warning: File {file} owner is not {owner}. `chown {owner} {file}` makes it yours.")
        }
        Doubt::Group { path, group } => {
            let file = path.display();
            format!("Warning: File {file} group is not {group}. `chgrp {group} {file}` changes it.")
        }
    }
}

/// Why the state cannot be kept where it should be.
pub fn state(error: &StateError) -> Failure {
    match error {
        StateError::Unusable { path, error } => {
            Failure::new(Exit::FAILED, format!("cannot keep the state in `{}`: {error}", path.display()))
        }
        StateError::IsSnapshot { path } => {
            let mut aside = path.clone().into_os_string();
            aside.push(".mosquitto");
            let (store, aside) = (shell::path(path), shell::path(Path::new(&aside)));
            Failure::new(
                Exit::FAILED,
                format!("`{}` is Mosquitto's own state, which has to be imported once", path.display()),
            )
            .hint(format!("mv {store} {aside} && moskit broker --store {store} --import {aside}"))
        }
        StateError::BesideSnapshot { store, snapshot } => Failure::new(
            Exit::FAILED,
            format!("`{}` is Mosquitto's own state, which has to be imported once", snapshot.display()),
        )
        .hint(format!("moskit broker --store {} --import {}", shell::path(store), shell::path(snapshot))),
    }
}

fn no_address(host: Option<&str>, domain: SocketDomain, port: u16) -> Failure {
    let host = host.unwrap_or("*");
    let domain = match domain {
        SocketDomain::Ipv4 => "IPv4",
        _ => "IPv6",
    };
    let failure =
        Failure::verbatim(Exit::FAILED, "Error creating listener: Address family for hostname not supported.\n");
    Failure { message: Some(format!("`{host}` has no {domain} address, which `socket_domain` asks for")), ..failure }
        .hint(format!("remove `socket_domain`, or give `listener {port}` another address"))
}

fn server(error: &StartError) -> Failure {
    match error {
        StartError::Bind { bind, error } => {
            let place = match bind {
                Bind::Tcp(address) => address.to_string(),
                Bind::Unix(path) => path.display().to_string(),
            };
            let mut reason = reason(error);
            if let Some(first) = reason.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            let failure = Failure::verbatim(Exit::FAILED, format!("Error: {reason}\n"));
            Failure { message: Some(format!("cannot listen on {place}")), ..failure }
        }
        StartError::Thread(error) => {
            Failure::verbatim(Exit::FAILED, format!("Error: cannot start a thread ({})\n", reason(error)))
        }
    }
}

/// Mosquitto's sentence, then what is behind it.
pub fn tls(error: &OptionsError) -> Failure {
    let finding = match error {
        OptionsError::Ciphers(unknown) => diagnose::tls::ciphers(unknown, option_of(unknown.version)),
        error => diagnose::tls::options(error),
    };
    let text = match error {
        OptionsError::File { role, error } => unusable(*role, &error.path),
        OptionsError::Malformed { role, path } => unusable(*role, path),
        OptionsError::KeyEncrypted { path, .. }
        | OptionsError::KeyNotDecrypted { path, .. }
        | OptionsError::KeyUnusable { path } => unusable(FileRole::Key, path),
        OptionsError::KeyMismatch { .. } | OptionsError::ChainOrder { .. } => {
            "Error: Server certificate/key are inconsistent.".to_owned()
        }
        OptionsError::KeyLog { path, .. } => unusable(FileRole::KeyLog, path),
        OptionsError::Ciphers(unknown) if unknown.version == Version::Tls13 => {
            format!("Error: Unable to set TLS 1.3 ciphersuites. Check cipher_tls13 list \"{}\".", unknown.list)
        }
        OptionsError::Ciphers(unknown) => {
            format!("Error: Unable to set TLS ciphers. Check cipher list \"{}\".", unknown.list)
        }
        _ => "Error: Unable to set up TLS.".to_owned(),
    };
    let failure = Failure::verbatim(Exit::FAILED, format!("{text}\n"));
    Failure { message: Some(finding.what), hint: finding.fix, ..failure }
}

/// The option of mosquitto.conf that chooses the suites of a version.
fn option_of(version: Version) -> &'static str {
    match version {
        Version::Tls12 => "`ciphers`",
        Version::Tls13 => "`ciphers_tls1.3`",
    }
}

fn unusable(role: FileRole, path: &Path) -> String {
    let path = path.display();
    match role {
        FileRole::Certificate => format!("Error: Unable to load server certificate \"{path}\". Check certfile."),
        FileRole::Key => format!("Error: Unable to load server key file \"{path}\". Check keyfile."),
        FileRole::Cafile => format!("Error: Unable to load CA certificates. Check cafile \"{path}\"."),
        FileRole::Capath => format!("Error: Unable to load CA certificates. Check capath \"{path}\"."),
        FileRole::RevocationList => {
            format!("Error: Unable to load certificate revocation file \"{path}\". Check crlfile.")
        }
        FileRole::KeyLog => format!("Error: Unable to open TLS key log file \"{path}\"."),
    }
}

/// Mosquitto's sentence about a file that guards access.
fn unopened(kind: AccessFile, path: &Path) -> String {
    let file = path.display();
    match kind {
        AccessFile::Passwords => format!("password-file: Error: Unable to open pwfile \"{file}\".\n"),
        AccessFile::TokenKeys => format!("Error: Unable to open \"{file}\", which is to have keys for tokens.\n"),
        AccessFile::Scram => format!("Error: Unable to open scram_file \"{file}\".\n"),
        AccessFile::Acl => {
            format!("Error: Unable to open acl_file \"{file}\".\nError opening acl file \"{file}\".\n")
        }
    }
}

/// The whole text of a refused configuration: what is wrong, then where.
fn refusal(refusal: &Refusal) -> String {
    // What a file holds must not control the terminal that it is told on.
    let mut text = printable(&problem(&refusal.problem));
    text.push('\n');
    for place in &refusal.places {
        text.push_str(&printable(&found_at(place)));
        text.push('\n');
    }
    text
}

/// Without what controls a terminal, but for tabs: Mosquitto's sentences show them as they are.
fn printable(text: &str) -> String {
    text.split('\t').map(escape_controls).collect::<Vec<_>>().join("\t")
}

fn found_at(Place { file, line, included }: &Place) -> String {
    if *included { format!("Error found at '{file}:{line}'.") } else { format!("Error found at {file}:{line}.") }
}

fn problem(problem: &Problem) -> String {
    match problem {
        Problem::Empty { option } => format!("Error: Empty '{option}' value in configuration."),
        Problem::Invalid { option, value } => format!("Error: Invalid '{option}' value ({value})."),
        Problem::TlsVersion { value } => format!("Error: Unsupported tls_version \"{value}\"."),
        Problem::NotANumber { option } => format!("Error: '{option}' value not a number."),
        Problem::OutOfRange { option } => format!("Error: '{option}' value out of range."),
        Problem::TooSmall { option, least } => format!("Error: '{option}' must be >= {least}."),
        Problem::TooLarge { option, most } => format!("Error: '{option}' must be <= {most}."),
        Problem::TooLong { option, most } => format!("Error: '{option}' length must be <= {most}."),
        Problem::NotAQos { option } => format!("Error: '{option}' must be between 0 and 2 inclusive."),
        Problem::NotADuration { option } => format!("Error: Invalid '{option}' duration in configuration."),
        Problem::Duplicate { option } => format!("Error: Duplicate '{option}' value in configuration."),
        Problem::Unknown { option } => format!("Error: Unknown configuration variable '{option}'."),
        Problem::NeedsListener { option } => {
            format!("Error: The '{option}' option requires a listener to be defined first.")
        }
        Problem::NeedsPlugin { option } => {
            format!("Error: The '{option}' option requires a plugin to be defined first.")
        }
        Problem::NeedsBridge { option } => {
            format!("Error: The '{option}' option requires a bridge to be defined first.")
        }
        Problem::MalformedUtf8 => "Error: Malformed UTF-8 in configuration.".to_owned(),
        Problem::ZeroByte => "Error: There is a zero byte in the line.".to_owned(),
        Problem::Utf16 => "Error: The file is UTF-16. Save it as UTF-8.".to_owned(),
        Problem::UnixListenerWithoutPath => "Error: A listener with port 0 must provide a Unix socket path.".to_owned(),
        Problem::MountPointWildcard { value } => {
            format!("Error: Invalid 'mount_point' value ({value}). Does it contain a wildcard character?")
        }
        Problem::PerListenerSettingsTooLate => {
            "Error: per_listener_settings must be set before any other security settings.".to_owned()
        }
        Problem::IncludeInIncluded => {
            "Error: The include_dir option is only valid in the main configuration file.".to_owned()
        }
        Problem::IncludeUnreadable { path, reason } => {
            format!("Error: Unable to open include_dir '{path}' ({reason}).")
        }
        Problem::Unsafe { option, because, .. } => format!("Error: The '{option}' option is not supported: {because}."),
        Problem::Bridge(problem) => bridge(problem),
        Problem::CertificateAndKey { given: None } => {
            "Error: Both certfile and keyfile must be provided to enable a TLS listener.".to_owned()
        }
        Problem::CertificateAndKey { given: Some(option) } => {
            format!("Error: {option} specified without certfile and keyfile.")
        }
        Problem::PersistenceTwice => {
            "Error: 'persistence true' and a persistence plugin cannot be used together.".to_owned()
        }
    }
}

fn bridge(problem: &BridgeProblem) -> String {
    match problem {
        BridgeProblem::DuplicateName { name } => format!("Error: Duplicate bridge name '{name}'."),
        BridgeProblem::DuplicateLocalClientId { id } => format!("Error: Bridge local_clientid '{id}' is not unique."),
        BridgeProblem::DuplicateAddress => {
            "Error: Invalid bridge configuration, 'address' only allowed once.".to_owned()
        }
        BridgeProblem::NoAddress { .. } => {
            "Error: Invalid bridge configuration: no remote addresses defined.".to_owned()
        }
        BridgeProblem::NoTopic { .. } => "Error: Invalid bridge configuration: no topics defined.".to_owned(),
        BridgeProblem::Port { value } => format!("Error: Invalid bridge port value ({value})."),
        BridgeProblem::Direction { value } => format!("Error: Invalid bridge topic direction '{value}'."),
        BridgeProblem::QoS { value } => format!("Error: Invalid bridge QoS level '{value}'."),
        BridgeProblem::Prefix { value } => format!("Error: Invalid bridge topic prefix '{value}'."),
        BridgeProblem::Remapping => "Error: Invalid bridge remapping.".to_owned(),
        BridgeProblem::ManualStart => "Error: Manual start_type not supported.".to_owned(),
        BridgeProblem::RestartTimeout => "Error: backoff cap is lower than the base in restart_timeout.".to_owned(),
        BridgeProblem::PskNeeds { missing, .. } => format!("Error: Invalid bridge configuration: missing {missing}."),
        BridgeProblem::PskAndCertificate { option } => {
            format!("Error: '{option}': Cannot use both certificate and psk encryption in a single bridge.")
        }
    }
}

/// A place for the end of a sentence.
fn at(Place { file, line, .. }: &Place) -> String {
    format!("{file}:{line}")
}

/// A notice for the log, and whether it is a warning.
pub fn notice(notice: &Notice) -> (bool, String) {
    let (is_warning, text) = words(notice);
    (is_warning, printable(&text))
}

fn no_effect(option: &str, because: &str, place: &Place) -> (bool, String) {
    (true, format!("Warning: The '{option}' option has no effect here: {because} ({}).", at(place)))
}

fn words(notice: &Notice) -> (bool, String) {
    match notice {
        Notice::Own { option, place } => {
            (false, format!("'{option}' is an option of moskit's broker alone ({}).", at(place)))
        }
        Notice::Ignored { option, because, place } => no_effect(option, because, place),
        Notice::Bridge { because, place } => no_effect("connection", because, place),
        Notice::Deprecated { option, instead: Some(instead) } => (
            false,
            format!(
                "The '{option}' option is now deprecated and will be removed in a future version. \
                 Please use '{instead}' instead."
            ),
        ),
        Notice::Deprecated { option, instead: None } => {
            (false, format!("The '{option}' option is now deprecated and will be removed in a future version."))
        }
        Notice::DefaultListener { option } => {
            (false, format!("Creating default listener due to '{option}' option, without a listener before it."))
        }
        Notice::WithoutListener { option, place } => {
            let place = at(place);
            (true, format!("Warning: The '{option}' option has no effect: there is no listener before it ({place})."))
        }
        Notice::WithoutTls { option, place } => {
            let place = at(place);
            (true, format!("Warning: The '{option}' option has no effect: its listener does not speak TLS ({place})."))
        }
        Notice::EveryAddress { place } => {
            (true, format!("Warning: '*' as the address of a listener means every address ({}).", at(place)))
        }
        Notice::WordIgnored { option, word, place } => {
            (true, format!("Warning: '{word}' is no value of '{option}' and is ignored ({}).", at(place)))
        }
        Notice::CommentInValue { option, comment, place } => {
            let place = at(place);
            (
                true,
                format!(
                    "Warning: '{comment}' is a part of the value of '{option}': a comment needs a line of its own ({place})."
                ),
            )
        }
        Notice::BinaryLines { place } => {
            (true, format!("Warning: Lines that begin with a zero byte are ignored ({}).", at(place)))
        }
        Notice::ByteOrderMark { file } => {
            (true, format!("Warning: {file} begins with a byte-order mark, for which Mosquitto refuses it."))
        }
        Notice::DefaultPortTwice => {
            (true, "Warning: Default listener port specified multiple times. Only the latest will be used.".to_owned())
        }
        Notice::Loading { file } => (false, format!("Loading config file '{file}'")),
    }
}

/// Why an ACL file is refused, in two lines.
fn acl(problem: &AclProblem, path: &Path) -> String {
    let file = path.display();
    let first = match problem {
        AclProblem::UnknownAccess(word) => {
            format!("Error: Invalid topic access type \"{word}\" in acl_file \"{file}\".")
        }
        AclProblem::UnknownLine(line) => format!("Error: Invalid line in acl_file \"{file}\": {line}."),
        AclProblem::EmptyTopic => format!("Error: Empty topic in acl_file \"{file}\"."),
        AclProblem::MissingUsername => format!("Error: Missing username in acl_file \"{file}\"."),
        AclProblem::InvalidTopic(topic) => format!("Error: Invalid ACL topic \"{topic}\" in acl_file \"{file}\"."),
    };
    format!("{}\n{}", printable(&first), printable(&format!("Error opening acl file \"{file}\".")))
}

/// Why a password file is refused.
fn passwords(error: passwd::FileError, path: &Path) -> String {
    let fault = password_fault(error.fault);
    format!("password-file: Error: {fault} in '{}', line {}.", path.display(), error.line)
}
