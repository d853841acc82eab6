//! Facts about configuration, access files and state in the sentences that users see: Mosquitto's own
//! where it has them.

use std::path::Path;

use crate::broker::access::AclProblem;
use crate::broker::config::{Notice, Place, Problem, Refusal};
use crate::diagnose::files::password_fault;
use crate::passwd::FileError;
use crate::term::escape_controls;

/// The whole text of a refused configuration: what is wrong, then where.
pub fn refusal(refusal: &Refusal) -> String {
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
        Problem::Unsafe { option, because } => format!("Error: The '{option}' option is not supported: {because}."),
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

/// A place for the end of a sentence.
fn at(Place { file, line, .. }: &Place) -> String {
    format!("{file}:{line}")
}

/// A notice for the log, and whether it is a warning.
pub fn notice(notice: &Notice) -> (bool, String) {
    let (is_warning, text) = words(notice);
    (is_warning, printable(&text))
}

fn words(notice: &Notice) -> (bool, String) {
    match notice {
        Notice::Ignored { option, because, place } => {
            (true, format!("Warning: The '{option}' option has no effect here: {because} ({}).", at(place)))
        }
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
pub fn acl(problem: &AclProblem, path: &Path) -> String {
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
pub fn passwords(error: FileError, path: &Path) -> String {
    let fault = password_fault(error.fault);
    format!("password-file: Error: {fault} in '{}', line {}.", path.display(), error.line)
}
