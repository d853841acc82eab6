//! Lines that a broker does not start with, or that are not judged here, as findings.

use super::names;
use crate::broker::config::{BridgeProblem, Notice, Place, Problem, Refusal};
use crate::diagnose::{Finding, shell};
use std::path::Path;

const OWN_LINE: &str = "comments need a line of their own: move it to the line before";

/// What a refused line is: wrong for every broker, or something that moskit's broker lacks.
pub fn refused(main: &Path, refusal: &Refusal) -> Finding {
    if let Problem::Unsafe { option, because, .. } = &refusal.problem {
        let finding = Finding::note("conf.not-judged", format!("`{option}` is not judged"))
            .evidence(format!("Mosquitto has it; moskit's broker does not start with it: {because}"));
        return at(finding, refusal.places.first());
    }
    let (why, fix) = words(&refusal.problem);
    let finding =
        at(Finding::error("conf.refused", format!("the broker does not start: {why}")), refusal.places.first());
    match (fix, refusal.places.first()) {
        (Some(fix), _) => finding.fix(fix),
        (None, Some(place)) => finding.fix(format!("correct line {} of {}", place.line, place.file)),
        (None, None) => finding.fix(format!("correct {}", shell::path(main))),
    }
}

/// Where it was found.
pub fn at(finding: Finding, place: Option<&Place>) -> Finding {
    match place {
        Some(place) => finding.evidence(format!("{} line {}", place.file, place.line)),
        None => finding,
    }
}

/// Why, and what to do where more can be said than that the line is wrong.
fn words(problem: &Problem) -> (String, Option<String>) {
    let why = match problem {
        Problem::Unknown { option } => {
            let unknown = names::unknown(option);
            return (unknown.why, Some(unknown.fix));
        }
        Problem::TlsVersion { value } if value.contains(" #") => {
            return (format!("`{value}` is no value for `tls_version`"), Some(OWN_LINE.to_owned()));
        }
        Problem::Invalid { option, value } if value.contains(" #") => {
            return (format!("`{value}` is no value for `{option}`"), Some(OWN_LINE.to_owned()));
        }
        Problem::MountPointWildcard { value } if value.contains(" #") => {
            return (format!("the mount point `{value}` has a wildcard in it"), Some(OWN_LINE.to_owned()));
        }
        Problem::Invalid { option, value } => {
            return (format!("`{value}` is no value for `{option}`"), names::instead_of(option, value));
        }
        Problem::TlsVersion { value } => {
            return (format!("`{value}` is no value for `tls_version`"), names::instead_of("tls_version", value));
        }
        Problem::Bridge(problem) => return (bridge(problem), None),
        Problem::Empty { option } => format!("`{option}` has no value"),
        Problem::NotANumber { option } => format!("the value of `{option}` is no number"),
        Problem::OutOfRange { option } => format!("the value of `{option}` is out of range"),
        Problem::Duplicate { option } => format!("`{option}` is given twice"),
        Problem::NeedsListener { option } => format!("`{option}` must follow a `listener` line"),
        Problem::NeedsPlugin { option } => format!("`{option}` must follow a plugin line"),
        Problem::MalformedUtf8 => "a value is not UTF-8, or there is a control character (a tab) in it".to_owned(),
        Problem::ZeroByte => "there is a zero byte in the line".to_owned(),
        Problem::Utf16 => "the file is UTF-16 and not UTF-8".to_owned(),
        Problem::UnixListenerWithoutPath => "`listener 0` needs the path of a socket".to_owned(),
        Problem::MountPointWildcard { value } => format!("the mount point `{value}` has a wildcard in it"),
        Problem::TooSmall { option, least } => format!("`{option}` must be {least} at least"),
        Problem::TooLarge { option, most } => format!("`{option}` must be {most} at most"),
        Problem::TooLong { option, most } => format!("`{option}` has more than {most} characters"),
        Problem::NotAQos { option } => format!("`{option}` must be 0, 1 or 2"),
        Problem::NotADuration { option } => format!("`{option}` needs a number above 0 and one of s, h, d, w, m, y"),
        Problem::NeedsBridge { option } => format!("`{option}` must follow a `connection` line"),
        Problem::PerListenerSettingsTooLate => {
            "`per_listener_settings` must come before the security options".to_owned()
        }
        Problem::IncludeInIncluded => "`include_dir` works in the main file only".to_owned(),
        Problem::IncludeUnreadable { path, reason } => format!("the folder `{path}` cannot be included: {reason}"),
        Problem::Unsafe { option, because, .. } => format!("`{option}` is not supported: {because}"),
        Problem::CertificateAndKey { given: Some(option) } => {
            format!("`{option}` alone switches no TLS on: certfile and keyfile are missing")
        }
        Problem::CertificateAndKey { given: None } => "certfile and keyfile need each other".to_owned(),
        Problem::PersistenceTwice => "persistence is configured twice: built in and as a plugin".to_owned(),
    };
    (why, None)
}

fn bridge(problem: &BridgeProblem) -> String {
    match problem {
        BridgeProblem::DuplicateName { name } => format!("two bridges are called `{name}`"),
        BridgeProblem::DuplicateLocalClientId { id } => format!("two bridges have the `local_clientid` `{id}`"),
        BridgeProblem::DuplicateAddress => "a bridge has two `address` lines".to_owned(),
        BridgeProblem::NoAddress { name } => format!("the bridge `{name}` has no `address`"),
        BridgeProblem::NoTopic { name } => format!("the bridge `{name}` has no `topic`"),
        BridgeProblem::Port { value } => format!("`{value}` is no port of a bridge: it must be 1 to 65535"),
        BridgeProblem::Direction { value } => format!("`{value}` is no direction of a bridge: in, out or both"),
        BridgeProblem::QoS { value } => format!("`{value}` is no QoS of a bridge: 0, 1 or 2"),
        BridgeProblem::Prefix { value } => format!("a prefix of a bridge makes `{value}`, which is no topic filter"),
        BridgeProblem::Remapping => "a bridge's topic \"\" needs a local and a remote prefix".to_owned(),
        BridgeProblem::ManualStart => "Mosquitto has no `start_type manual`: automatic, lazy or once".to_owned(),
        BridgeProblem::RestartTimeout => "the longest `restart_timeout` is shorter than the first".to_owned(),
        BridgeProblem::PskNeeds { name, missing } => format!("the bridge `{name}` has no `{missing}`"),
        BridgeProblem::PskAndCertificate { option } => {
            format!("`{option}`: a bridge has a certificate or a pre-shared key, and not both")
        }
    }
}

/// What a configuration that is accepted should have said of it. `None`: nothing.
pub fn noticed(notice: &Notice) -> Option<Finding> {
    let (finding, place) = match notice {
        Notice::Bridge { because, place } => (
            Finding::note("conf.not-judged", "bridges are judged by their options only")
                .evidence(format!("Mosquitto connects them; {because}")),
            place,
        ),
        Notice::Ignored { option, because, place } => {
            (Finding::note("conf.ignored", format!("moskit's own broker ignores `{option}`: {because}")), place)
        }
        Notice::Own { option, place } => (
            Finding::warning(
                "conf.own-option",
                format!("`{option}` is an option of moskit's broker: Mosquitto does not start with it"),
            )
            .fix("leave the line out of what Mosquitto reads"),
            place,
        ),
        Notice::Deprecated { option, instead } => {
            let finding = Finding::note("conf.deprecated", format!("`{option}` is deprecated"));
            return Some(match instead {
                Some(instead) => finding.fix(format!("use `{instead}`")),
                None => finding,
            });
        }
        Notice::WithoutListener { option, place } => (
            Finding::warning("conf.no-listener", format!("`{option}` has no effect: no listener stands before it"))
                .fix("begin with a `listener` line"),
            place,
        ),
        Notice::WithoutTls { option, place } => (
            Finding::warning("conf.no-tls", format!("`{option}` has no effect: its listener does not speak TLS"))
                .fix("add certfile and keyfile below the listener, or remove the line"),
            place,
        ),
        Notice::EveryAddress { place } => {
            (Finding::note("conf.address", "`*` as the address of a listener means every address"), place)
        }
        Notice::WordIgnored { option, word, place } => (
            Finding::warning("conf.word", format!("`{word}` is no value of `{option}`: the broker ignores it"))
                .fix("remove the word"),
            place,
        ),
        Notice::CommentInValue { option, comment, place } => (comment_in_value(option, comment), place),
        Notice::BinaryLines { place } => (
            Finding::warning("conf.binary", "the file has lines that are no text: the broker ignores them")
                .fix(format!("remove {} if it is no configuration", shell::path(Path::new(&place.file)))),
            place,
        ),
        Notice::ByteOrderMark { file } => {
            return Some(
                Finding::error("file.byte-order-mark", format!("`{file}` begins with a byte-order mark"))
                    .evidence(
                        "Mosquitto takes it for a part of the first line and does not start; moskit's broker skips it",
                    )
                    .fix(crate::diagnose::files::without_mark(Path::new(file))),
            );
        }
        Notice::DefaultPortTwice => {
            return Some(
                Finding::warning("conf.port-twice", "`port` is given twice: the last one wins")
                    .fix("use `listener` lines"),
            );
        }
        Notice::DefaultListener { .. } | Notice::Loading { .. } => return None,
    };
    Some(at(finding, Some(place)))
}

/// Whether a broker starts with it depends on the option; that it is not what was meant does not.
fn comment_in_value(option: &str, comment: &str) -> Finding {
    let what = format!("`{comment}` is a part of the value of `{option}`: it is no comment");
    let stops = [
        "auth_plugin",
        "bind_address",
        "capath",
        "cafile",
        "certfile",
        "crlfile",
        "global_plugin",
        "http_dir",
        "keyfile",
        "password_file",
        "scram_file",
        "auth_jwt_key_file",
        "auth_jwt_jwks_file",
        "acl_file",
        "pid_file",
        "plugin",
        "plugin_load",
        "psk_file",
        "user",
    ]
    .contains(&option);
    let finding = if stops { Finding::error("conf.comment", what) } else { Finding::warning("conf.comment", what) };
    finding.fix(OWN_LINE)
}
