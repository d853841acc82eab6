//! `check --config`: what in a mosquitto.conf will bite, before the broker is started.

use std::path::{Path, PathBuf};

use super::files::{self, Files, Issuers, Reader};
use super::report::{Report, Stage};
use crate::broker::access::Acl;
use crate::broker::config::{self, Configuration, File, Listener, Notice, Problem, Refusal, Security};
use crate::broker::host::load;
use crate::diagnose::{Finding, files as words, shell};
use crate::net::endpoint::{PORT, TLS_PORT};
use crate::os;
use crate::os::account::{self, Account, Want};
use crate::passwd::{self, Fault, HashError};
use crate::pki::chain::Purpose;
use crate::pki::read;
use crate::text_file;

/// Checks the configuration at `path` as the broker of `user` would meet it.
pub fn check(path: &Path, user: Option<&str>, now: i64) -> Report {
    let mut report = Report::new(path.display().to_string());
    let mut stage = Stage::new("config");
    let configuration = match parsed(path) {
        Ok(configuration) => configuration,
        Err(finding) => {
            stage.found(*finding);
            report.stages.push(stage);
            return report;
        }
    };
    notices(&configuration, &mut stage);
    let account = reading_account(path, user, &configuration, &mut stage);
    general(&configuration, &mut stage);
    report.stages.push(stage);
    let reader = account.as_ref();
    for listener in &configuration.listeners {
        listener_stages(&configuration, listener, reader, now, &mut report);
    }
    report.stages.push(access_stage(&configuration, reader));
    report.stages.push(state_stage(&configuration, reader));
    report
}

fn parsed(path: &Path) -> Result<Configuration, Box<Finding>> {
    let text = read::bytes(path).map_err(|error| Box::new(words::unreadable("configuration", &error)))?;
    let main = File { name: path.display().to_string(), text: text.to_vec() };
    config::parse(&main, &mut |folder: &str| load::included(folder, load::Files::All))
        .map_err(|refusal| Box::new(refused(path, &refusal)))
}

fn refused(path: &Path, refusal: &Refusal) -> Finding {
    let why = match &refusal.problem {
        Problem::Empty { option } => format!("`{option}` has no value"),
        Problem::Invalid { option, value } => format!("`{value}` is no value for `{option}`"),
        Problem::NotANumber { option } => format!("the value of `{option}` is no number"),
        Problem::OutOfRange { option } => format!("the value of `{option}` is out of range"),
        Problem::Duplicate { option } => format!("`{option}` is given twice"),
        Problem::Unknown { option } => format!("there is no option `{option}`"),
        Problem::NeedsListener { option } => format!("`{option}` must follow a `listener` line"),
        Problem::NeedsPlugin { option } => format!("`{option}` must follow a plugin line"),
        Problem::MalformedUtf8 => "a value is not UTF-8".to_owned(),
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
        Problem::Unsafe { option, because, .. } => format!("`{option}` is not supported here: {because}"),
        Problem::Bridge(_) => "bridge".to_owned(),
        Problem::CertificateAndKey { given: Some(option) } => {
            format!("`{option}` alone switches no TLS on: certfile and keyfile are missing")
        }
        Problem::CertificateAndKey { given: None } => "certfile and keyfile need each other".to_owned(),
        Problem::PersistenceTwice => "persistence is configured twice: built in and as a plugin".to_owned(),
    };
    let finding = Finding::error("conf.refused", format!("the broker does not start: {why}"));
    match refusal.places.first() {
        Some(place) => finding
            .evidence(format!("{} line {}", place.file, place.line))
            .fix(format!("correct line {} of {}", place.line, place.file)),
        None => finding.fix(format!("correct {}", path.display())),
    }
}

fn notices(configuration: &Configuration, stage: &mut Stage) {
    for notice in &configuration.notices {
        match notice {
            Notice::Ignored { option, because, place } => stage.found(
                Finding::note("conf.ignored", format!("moskit's own broker ignores `{option}`: {because}"))
                    .evidence(format!("{} line {}", place.file, place.line)),
            ),
            Notice::Deprecated { option, instead } => {
                let finding = Finding::note("conf.deprecated", format!("`{option}` is deprecated"));
                stage.found(match instead {
                    Some(instead) => finding.fix(format!("use `{instead}`")),
                    None => finding,
                });
            }
            Notice::WithoutListener { option, place } => stage.found(
                Finding::warning("conf.no-listener", format!("`{option}` has no effect: no listener stands before it"))
                    .evidence(format!("{} line {}", place.file, place.line))
                    .fix("begin with a `listener` line"),
            ),
            Notice::WithoutTls { option, place } => stage.found(
                Finding::warning("conf.no-tls", format!("`{option}` has no effect: its listener does not speak TLS"))
                    .evidence(format!("{} line {}", place.file, place.line))
                    .fix("add certfile and keyfile below the listener, or remove the line"),
            ),
            Notice::EveryAddress { place } => stage.found(
                Finding::note("conf.address", "`*` as the address of a listener means every address")
                    .evidence(format!("{} line {}", place.file, place.line)),
            ),
            Notice::WordIgnored { option, word, place } => stage.found(
                Finding::warning("conf.word", format!("`{word}` is no value of `{option}`: the broker ignores it"))
                    .evidence(format!("{} line {}", place.file, place.line))
                    .fix("remove the word"),
            ),
            Notice::CommentInValue { option, comment, place } => stage.found(
                Finding::warning("conf.comment", format!("`{comment}` is a part of the value of `{option}`"))
                    .evidence(format!("{} line {}", place.file, place.line))
                    .fix("move the comment to a line of its own"),
            ),
            Notice::BinaryLines { place } => stage.found(
                Finding::warning("conf.binary", "the file has lines that are no text: the broker ignores them")
                    .evidence(format!("{} line {}", place.file, place.line))
                    .fix(format!("remove {} if it is no configuration", shell::path(Path::new(&place.file)))),
            ),
            Notice::ByteOrderMark { file } => stage.found(words::byte_order_mark(Path::new(file))),
            Notice::DefaultPortTwice => stage.found(
                Finding::warning("conf.port-twice", "`port` is given twice: the last one wins")
                    .fix("use `listener` lines"),
            ),
            Notice::DefaultListener { .. } | Notice::Loading { .. } => {}
        }
    }
}

/// Who reads the files: as told, as configured, or whoever Mosquitto becomes.
fn reading_account(
    path: &Path,
    user: Option<&str>,
    configuration: &Configuration,
    stage: &mut Stage,
) -> Option<Account> {
    let owner = std::fs::metadata(path).ok().and_then(|metadata| os::files::owner(&metadata)).map(|owner| owner.user);
    let name = match (user.or(configuration.user.as_deref()), owner) {
        (Some(name), _) => name.to_owned(),
        (None, Some(0) | None) => load::DEFAULT_USER.to_owned(),
        // A configuration of one's own is started by oneself, and then nobody changes the user.
        (None, Some(owner)) => account::user_name(owner),
    };
    let account = match Account::find(&name) {
        Ok(account) => account,
        Err(error) => {
            let why = crate::net::reason(&error);
            stage.found(Finding::warning(
                "conf.user",
                format!("cannot find out about user `{name}` ({why}): permissions were not checked"),
            ));
            return None;
        }
    };
    match &account {
        Some(_) => stage.fact("user", name),
        None if user.is_some() || configuration.user.is_some() => {
            stage.found(
                Finding::error("conf.user", format!("there is no user `{name}` on this machine"))
                    .fix("correct `user`; permissions were not checked"),
            );
        }
        None => stage
            .found(Finding::note("conf.user", format!("there is no user `{name}` here: permissions were not checked"))),
    }
    account
}

fn general(configuration: &Configuration, stage: &mut Stage) {
    if configuration.is_local_only() {
        stage.found(
            Finding::warning(
                "net.loopback-only",
                "there is no `listener` line: only programs on this machine can connect",
            )
            .fix("add `listener 1883`, and `allow_anonymous true` or a `password_file`"),
        );
        return;
    }
    stage.fact("listeners", configuration.listeners.iter().map(place).collect::<Vec<_>>());
    for (index, listener) in configuration.listeners.iter().enumerate() {
        if configuration.listeners[..index].iter().any(|earlier| earlier.is_same_socket(listener)) {
            stage.found(
                Finding::error(
                    "conf.listener-twice",
                    format!("{} is configured twice: the second cannot bind", place(listener)),
                )
                .fix("remove one of the `listener` lines"),
            );
        }
    }
}

/// Where a listener listens.
fn place(listener: &Listener) -> String {
    match (&listener.unix_path, &listener.host) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(host)) => format!("{host}:{}", listener.port),
        (None, None) => format!("*:{}", listener.port),
    }
}

/// Nobody on another machine can reach it.
fn is_local(listener: &Listener) -> bool {
    listener.unix_path.is_some()
        || listener.host.as_deref().is_some_and(|host| {
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        })
}

fn listener_stages(
    configuration: &Configuration,
    listener: &Listener,
    reader: Reader<'_>,
    now: i64,
    report: &mut Report,
) {
    let mut stage = Stage::new("listener");
    stage.fact("address", place(listener));
    stage.fact("tls", listener.tls.is_on());
    stage.findings.extend(port_mixed_up(listener));
    who_may_enter(configuration, listener, &mut stage);
    client_certificates(listener, reader, now, &mut stage);
    report.stages.push(stage);
    if !listener.tls.is_on() {
        return;
    }
    let own = Files {
        certificate: listener.tls.certfile.clone(),
        key: listener.tls.keyfile.clone(),
        purpose: Some(Purpose::Server),
        issuer_is_elsewhere: true,
        issuers: Issuers { cafile: listener.tls.cafile.clone(), capath: listener.tls.capath.clone() },
        ..Files::default()
    };
    report.stages.extend(files::check(&own, reader, now).stages);
}

fn port_mixed_up(listener: &Listener) -> Option<Finding> {
    match (listener.port, listener.tls.is_on()) {
        (PORT, true) => Some(
            Finding::warning("conf.port", format!("port {PORT} is for MQTT in clear, but this listener speaks TLS"))
                .fix(format!("use `listener {TLS_PORT}`")),
        ),
        (TLS_PORT, false) => Some(
            Finding::warning("conf.port", format!("port {TLS_PORT} is for TLS, but this listener has no certfile"))
                .evidence("clients that expect TLS will fail with `wrong version number`")
                .fix("add certfile and keyfile below the listener: moskit certgen init makes them"),
        ),
        _ => None,
    }
}

fn who_may_enter(configuration: &Configuration, listener: &Listener, stage: &mut Stage) {
    let security = configuration.security_of(listener);
    let anonymous = configuration.allows_anonymous(listener);
    let by_certificate = listener.tls.use_identity_as_username || listener.tls.use_subject_as_username;
    stage.fact("anonymous", anonymous);
    if !anonymous && security.password_file.is_none() && !by_certificate {
        stage.found(
            Finding::error(
                "conf.nobody-can-connect",
                format!("nobody can connect to {}: no anonymous clients, no password file", place(listener)),
            )
            .evidence("since Mosquitto 2.0 a listener lets nobody in unless told")
            .fix("add `password_file FILE` (moskit passwd -c FILE USER makes one) or `allow_anonymous true`"),
        );
    }
    if anonymous && !is_local(listener) && !listener.tls.require_certificate {
        stage.found(
            Finding::warning(
                "conf.anonymous",
                format!("everybody who reaches {} may connect without a password", place(listener)),
            )
            .fix("allow_anonymous false and `password_file FILE`"),
        );
    }
    if security.password_file.is_some() && !listener.tls.is_on() && !is_local(listener) {
        stage.found(Finding::note("conf.clear-password", format!("passwords travel to {} in clear", place(listener))));
    }
    if by_certificate && security.password_file.is_some() {
        stage.found(Finding::note(
            "conf.password-ignored",
            "the certificate names the user here: passwords are not looked at",
        ));
    }
}

fn client_certificates(listener: &Listener, reader: Reader<'_>, now: i64, stage: &mut Stage) {
    let tls = &listener.tls;
    if tls.require_certificate && tls.cafile.is_none() && tls.capath.is_none() {
        stage.found(
            Finding::error(
                "client.ca-unknown",
                "client certificates are required, but no CA is given to check them with",
            )
            .fix("add `cafile ca.crt` below the listener"),
        );
    }
    if (tls.use_identity_as_username || tls.use_subject_as_username) && !tls.require_certificate {
        stage.found(
            Finding::error(
                "conf.identity-without-certificate",
                "the user name is to come from the certificate, but no client is asked for one",
            )
            .fix("add `require_certificate true`"),
        );
    }
    if tls.cafile.is_none() && tls.capath.is_none() && tls.crlfile.is_none() {
        return;
    }
    let authorities = Files {
        cafile: tls.cafile.clone(),
        capath: tls.capath.clone(),
        revocation: tls.crlfile.clone(),
        ..Files::default()
    };
    for checked in files::check(&authorities, reader, now).stages {
        stage.findings.extend(checked.findings);
    }
}

fn access_stage(configuration: &Configuration, reader: Reader<'_>) -> Stage {
    let mut stage = Stage::new("access");
    let mut seen: Vec<&PathBuf> = Vec::new();
    let global = [&configuration.security];
    let of_listeners = configuration.listeners.iter().map(|listener| &listener.security);
    for security in global.into_iter().chain(of_listeners.filter(|_| configuration.per_listener_settings)) {
        for path in security.password_file.iter().chain(&security.acl_file) {
            if !seen.contains(&path) {
                seen.push(path);
                file_of(security, path, reader, &mut stage);
            }
        }
    }
    stage
}

fn file_of(security: &Security, path: &Path, reader: Reader<'_>, stage: &mut Stage) {
    let is_password_file = security.password_file.as_deref() == Some(path);
    let what = if is_password_file { "password file" } else { "ACL file" };
    files::permission(path, what, reader, stage);
    stage.findings.extend(unsafe_mode(path, what));
    let text = match read::bytes(path) {
        Ok(text) => text,
        Err(error) => {
            let mut finding = words::unreadable(what, &error);
            if is_password_file {
                finding.id = "auth.password-file";
                if matches!(error.problem, read::ReadProblem::Missing) {
                    finding.fix = Some(format!("make it: moskit passwd -c {} USER", shell::path(path)));
                }
            }
            stage.found(finding);
            return;
        }
    };
    let Ok(text_file::Text { bytes: text, has_mark }) = text_file::utf8(&text) else {
        stage.found(words::utf16(what, path));
        return;
    };
    stage.findings.extend(has_mark.then(|| words::byte_order_mark(path)));
    if is_password_file {
        match passwd::File::parse(text) {
            Ok(_) => stage.fact("password_file", path.display().to_string()),
            Err(error) => stage.found(bad_password_file(path, error)),
        }
    } else {
        match Acl::parse(text) {
            Ok(acl) => {
                stage.fact("acl_file", path.display().to_string());
                for line in acl.lines_not_utf8() {
                    stage.found(
                        Finding::warning("acl.not-utf8", "a line is not UTF-8: no topic and no user name is like it")
                            .evidence(format!("{} line {line}", path.display()))
                            .fix("save the file as UTF-8"),
                    );
                }
                for pattern in acl.plain_patterns() {
                    stage.found(Finding::note(
                        "acl.plain-pattern",
                        format!("pattern `{pattern}` names neither %c nor %u: it holds for everybody"),
                    ));
                }
            }
            Err(problem) => stage.found(super::acl::refused(path, &problem)),
        }
    }
}

fn bad_password_file(path: &Path, error: passwd::FileError) -> Finding {
    let why = words::password_fault(error.fault);
    let word = shell::path(path);
    let path = path.display();
    let finding = Finding::error(
        "auth.password-file",
        format!("the broker does not read the password file `{path}`: line {}: {why}", error.line),
    );
    match error.fault {
        Fault::Hash(HashError::UnknownKind) => finding.fix(format!("hash the passwords: moskit passwd -U {word}")),
        _ => finding.fix(format!("correct line {} of {path}", error.line)),
    }
}

/// Mosquitto 2.1 warns of it and will refuse it.
fn unsafe_mode(path: &Path, what: &str) -> Option<Finding> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    let word = shell::path(path);
    let path = path.display();
    if metadata.is_symlink() {
        return Some(
            Finding::error("file.symlink", format!("the {what} `{path}` is a symlink, which Mosquitto 2.1 refuses"))
                .fix("name the file itself"),
        );
    }
    (os::files::mode(&metadata)? & 0o004 != 0).then(|| {
        Finding::warning("auth.world-readable", format!("every user of this machine can read the {what} `{path}`"))
            .evidence("Mosquitto 2.1 warns, later versions will refuse it")
            .fix(format!("chmod 640 {word}"))
    })
}

fn state_stage(configuration: &Configuration, reader: Reader<'_>) -> Stage {
    let mut stage = Stage::new("state");
    stage.fact("persistence", configuration.persistence.enabled);
    if !configuration.persistence.enabled {
        stage.found(
            Finding::note("session.no-persistence", "sessions and queued messages are lost when the broker stops")
                .fix("persistence true"),
        );
        return stage;
    }
    let folder = configuration.persistence.location.clone().unwrap_or_else(|| PathBuf::from("."));
    stage.fact("folder", folder.display().to_string());
    if !folder.is_dir() {
        stage.found(
            Finding::error(
                "conf.persistence-location",
                format!("the folder `{}` for the broker's state does not exist", folder.display()),
            )
            .fix(format!("mkdir -p {}", shell::path(&folder))),
        );
    } else if let Some(account) = reader
        && let Ok(Some(obstacle)) = account.obstacle(&folder, Want::WriteInto)
    {
        stage.found(
            Finding::error(
                "conf.persistence-location",
                format!("user `{}` cannot write to `{}`: the state would be lost", account.name, folder.display()),
            )
            .evidence(format!("{} {}", obstacle.mode, obstacle.path.display()))
            .fix(format!("chown {} {}", shell::quoted(&account.name), shell::path(&folder))),
        );
    }
    stage
}
