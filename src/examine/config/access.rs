//! The files that say who may come in and what they may do: password, ACL and pre-shared key files.

use std::fs;
use std::path::{Path, PathBuf};

use super::refusals;
use super::scene::{Scene, unseen};
use crate::broker::access::{Acl, Holder};
use crate::broker::config::{Configuration, Listener, Place, Security, Tokens};
use crate::broker::host::load::ALLOW_SYMLINKS;
use crate::diagnose::{Finding, files as words, shell};
use crate::examine::acl;
use crate::examine::report::Stage;
use crate::jwt::Keys;
use crate::os;
use crate::os::account::{self, Account, Want};
use crate::passwd::{self, Fault, HashError, foreign_kind};
use crate::pki::read::{self, ReadProblem};
use crate::text_file;

/// As many names as one finding lists.
const NAMES_MOST: usize = 5;

/// Password and ACL files of a configuration. `is_guarded`: a plugin may know more users.
pub fn stage(configuration: &Configuration, scene: &Scene<'_>, is_guarded: bool) -> Stage {
    let mut stage = Stage::new("access");
    let mut seen: Vec<&Path> = Vec::new();
    for group in groups(configuration) {
        let passwords = group.security.password_file.as_deref();
        let users = passwords.and_then(|path| {
            let (found, text) = text_of(path, Guard::Passwords, scene, !seen.contains(&path), &mut stage)?;
            passwords_in(&found, &text, !seen.contains(&path), &mut stage)
        });
        seen.extend(passwords);
        let scram = group.security.scram_file.as_deref();
        let scram_users = scram.and_then(|path| {
            let (found, text) = text_of(path, Guard::Scram, scene, !seen.contains(&path), &mut stage)?;
            scram_in(&found, &text, !seen.contains(&path), &mut stage)
        });
        seen.extend(scram);
        let tokens = &group.security.tokens;
        for path in tokens.files().map(PathBuf::as_path) {
            if !seen.contains(&path) {
                token_keys_in(path, scene, &mut stage);
            }
            seen.push(path);
        }
        let takes_tokens = tokens.files().next().is_some();
        if !takes_tokens && *tokens != Tokens::default() {
            stage.found(
                Finding::error("auth.token-keys", "auth_jwt_… options need a key to verify tokens with")
                    .fix("add auth_jwt_key_file or auth_jwt_jwks_file"),
            );
        }
        let Some(path) = group.security.acl_file.as_deref() else { continue };
        let is_new = !seen.contains(&path);
        seen.push(path);
        let Some((found, text)) = text_of(path, Guard::Acl, scene, is_new, &mut stage) else { continue };
        let Some(acl) = rules_in(&found, &text, is_new, &mut stage) else { continue };
        // Of a file that cannot be read nobody knows whom it has.
        let knows_all_users = !is_guarded
            && !takes_tokens
            && scram.is_some() == scram_users.is_some()
            && group.listeners.iter().all(|listener| !names_by_certificate(listener));
        if let Some(users) = users.filter(|_| knows_all_users) {
            let is_known =
                |user: &str| users.has(user.as_bytes()) || scram_users.as_ref().is_some_and(|users| users.has(user));
            stage.findings.extend(unknown_users(&found, &acl, is_known));
        }
        let anonymous =
            |listener: &&Listener| configuration.allows_anonymous(listener) || names_by_certificate(listener);
        let lets_anonymous_in = group.listeners.is_empty() || group.listeners.iter().any(anonymous);
        if !is_guarded && !lets_anonymous_in {
            stage.findings.extend(for_nobody(&found, &acl));
        }
    }
    if !seen.is_empty() && seen.iter().all(|path| scene.find_unfollowed(path).is_none()) {
        return Stage::skipped("access", "its files are not on this machine");
    }
    stage
}

/// Settings, and the listeners that they hold for.
struct Group<'a> {
    security: &'a Security,
    listeners: Vec<&'a Listener>,
}

fn groups(configuration: &Configuration) -> Vec<Group<'_>> {
    if !configuration.per_listener_settings {
        return vec![Group { security: &configuration.security, listeners: configuration.listeners.iter().collect() }];
    }
    configuration
        .listeners
        .iter()
        .map(|listener| Group { security: &listener.security, listeners: vec![listener] })
        .collect()
}

/// Its clients are called as their certificates or keys say, which no password file lists.
fn names_by_certificate(listener: &Listener) -> bool {
    listener.tls.use_identity_as_username || listener.tls.use_subject_as_username || listener.has_psk()
}

/// What a file that guards access is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    Passwords,
    Scram,
    Acl,
    TokenKeys,
    PreSharedKeys,
}

impl Guard {
    const fn name(self) -> &'static str {
        match self {
            Self::Passwords => "password file",
            Self::Scram => "SCRAM file",
            Self::Acl => "ACL file",
            Self::TokenKeys => "file of keys for tokens",
            Self::PreSharedKeys => "psk_file",
        }
    }
}

/// A file that guards access, with where it is, and what is wrong with the file itself. `is_new`: it was not looked at
/// before.
fn text_of(
    path: &Path,
    guard: Guard,
    scene: &Scene<'_>,
    is_new: bool,
    stage: &mut Stage,
) -> Option<(PathBuf, Vec<u8>)> {
    let found = scene.find_unfollowed(path)?;
    let mut findings = if is_new { whose(&found, guard.name(), scene) } else { Vec::new() };
    let text = match read::bytes(&found) {
        Ok(text) => Some(text.to_vec()),
        Err(error) => {
            findings.push(unreadable(guard, &error, scene));
            None
        }
    };
    if is_new {
        stage.findings.append(&mut findings);
    }
    text.map(|text| (found, text))
}

fn unreadable(guard: Guard, error: &read::ReadError, scene: &Scene<'_>) -> Finding {
    if matches!(error.problem, ReadProblem::Denied) && !scene.reader.is_some_and(Account::is_ours) {
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        return unseen(guard.name(), &error.path, &denied);
    }
    let mut finding = words::unreadable(guard.name(), error).evidence("the broker does not start");
    if guard == Guard::Passwords {
        finding.id = "auth.password-file";
        if matches!(error.problem, ReadProblem::Missing) {
            finding.fix = Some(format!("make it: moskit passwd -c {} USER", shell::path(&error.path)));
        }
    }
    if error.path.to_string_lossy().contains(['"', '\'']) {
        finding = finding.evidence("quotes are a part of the path").fix("remove the quotes");
    }
    finding
}

/// Whose the file is, and who may read it: what Mosquitto 2.1 refuses, or warns of.
fn whose(path: &Path, what: &str, scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings: Vec<_> = refused_link(path, what).into_iter().collect();
    let Ok(metadata) = fs::metadata(path) else { return findings };
    let shown = path.display();
    let obstacle = scene.reader.filter(|account| account.user != 0).map(|account| account.obstacle(path, Want::Read));
    match obstacle {
        Some(Ok(Some(obstacle))) => {
            let fix = if obstacle.is_folder {
                let (group, place) = (scene.reader.map_or("GROUP", Account::group), shell::path(&obstacle.path));
                format!("chgrp {} {place} && chmod g+x {place}", shell::quoted(group))
            } else {
                scene.chown(path)
            };
            let finding = Finding::error("key.permission", format!("{} cannot read the {what} `{shown}`", scene.who()));
            findings.push(finding.evidence(format!("{} {}", obstacle.mode, obstacle.path.display())).fix(fix));
            return findings;
        }
        Some(Err(error)) => {
            findings.push(unseen(what, path, &error));
            return findings;
        }
        Some(Ok(None)) | None => {}
    }
    let owner = os::files::owner(&metadata);
    let is_anothers = owner
        .zip(scene.reader)
        .filter(|(owner, account)| owner.user != account.user || Some(&owner.group) != account.groups.first());
    let later = "Mosquitto 2.1 warns, later versions will refuse it";
    if os::files::mode(&metadata).is_some_and(|mode| mode & 0o007 != 0) {
        // Taken from everybody, it must be the broker's own.
        let chown = is_anothers.map_or_else(String::new, |_| format!("{} && ", scene.chown(path)));
        findings.push(
            Finding::warning(
                "auth.world-readable",
                format!("every user of this machine has rights to the {what} `{shown}`"),
            )
            .evidence(later)
            .fix(format!("{chown}chmod 600 {}", shell::path(path))),
        );
    }
    if let Some((owner, _)) = is_anothers {
        let (user, group) = (account::user_name(owner.user), account::group_name(owner.group));
        findings.push(
            Finding::warning(
                "auth.owner",
                format!("the {what} `{shown}` does not belong to {} and its group", scene.who()),
            )
            .evidence(format!("it belongs to {user}:{group}"))
            .evidence(later)
            .fix(scene.chown(path)),
        );
    }
    findings
}

/// A link, which neither Mosquitto 2.1 nor moskit's broker opens unless it is allowed.
fn refused_link(path: &Path, what: &str) -> Option<Finding> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if !is_link || std::env::var_os(ALLOW_SYMLINKS).is_some() {
        return None;
    }
    let target =
        fs::canonicalize(path).or_else(|_| fs::read_link(path)).unwrap_or_else(|_| PathBuf::from("another file"));
    Some(
        Finding::error(
            "file.symlink",
            format!("the {what} `{}` is a symlink, which the broker refuses", path.display()),
        )
        .evidence(format!("it leads to {}", target.display()))
        .fix(format!("name {} itself, or set {ALLOW_SYMLINKS} in the broker's environment", target.display())),
    )
}

/// The users of a password file, and what is wrong with it.
fn passwords_in(path: &Path, bytes: &[u8], is_new: bool, stage: &mut Stage) -> Option<passwd::File> {
    let mut found = Vec::new();
    let users = match text_file::utf8(bytes) {
        Err(text_file::Utf16) => {
            found.push(words::utf16("password file", path));
            None
        }
        Ok(text) => {
            if text.has_mark {
                found.push(marked_passwords(path, bytes));
            }
            match passwd::File::parse(text.bytes) {
                Ok(users) => Some(users),
                Err(error) => {
                    found.push(bad_passwords(path, text.bytes, error));
                    None
                }
            }
        }
    };
    if let Some(users) = users.as_ref().filter(|_| is_new) {
        stage.fact("password_file", path.display().to_string());
        stage.fact("users", users.len());
        if users.has_argon2id() {
            found.push(
                Finding::warning("auth.argon2id", format!("the password file `{}` has hashes of argon2id", path.display()))
                    .evidence("moskit's broker reads them; Mosquitto 2.1 only if it was built with argon2, and else does not start")
                    .fix("for every broker: moskit passwd -H sha512-pbkdf2 FILE USER"),
            );
        }
        if users.is_empty() {
            found.push(
                Finding::warning("auth.no-users", format!("the password file `{}` has no users", path.display()))
                    .fix(format!("add one: moskit passwd {} USER", shell::path(path))),
            );
        }
    }
    if is_new {
        stage.findings.append(&mut found);
    }
    users
}

/// The users of a SCRAM file, and what is wrong with it. Mosquitto reads none.
fn scram_in(path: &Path, bytes: &[u8], is_new: bool, stage: &mut Stage) -> Option<passwd::scram::File> {
    let parsed = match text_file::utf8(bytes) {
        Err(text_file::Utf16) => Err(words::utf16("SCRAM file", path)),
        Ok(text) => passwd::scram::File::parse(text.bytes).map_err(|error| {
            let shown = path.display();
            let why = words::scram_fault(error.fault);
            Finding::error(
                "auth.scram-file",
                format!("the broker does not read the SCRAM file `{shown}`: line {}: {why}", error.line),
            )
            .fix(format!("make the user's keys again: moskit passwd --scram {} USER", shell::path(path)))
        }),
    };
    match parsed {
        Ok(users) => {
            if is_new {
                stage.fact("scram_file", path.display().to_string());
                stage.fact("scram_users", users.len());
            }
            Some(users)
        }
        Err(finding) => {
            if is_new {
                stage.found(finding);
            }
            None
        }
    }
}

/// The keys of an issuer of tokens. Only a secret must be its owner's alone to read.
fn token_keys_in(path: &Path, scene: &Scene<'_>, stage: &mut Stage) {
    let Some(found) = scene.find_unfollowed(path) else { return };
    let text = match read::bytes(&found) {
        Ok(text) => text,
        Err(error) => return stage.found(unreadable(Guard::TokenKeys, &error, scene)),
    };
    match Keys::parse(&text) {
        Ok(keys) => {
            if keys.has_secret() {
                stage.findings.extend(whose(&found, "secret for tokens", scene));
            }
            stage.fact("token_algorithms", keys.algorithms());
        }
        Err(error) => stage.found(
            Finding::error(
                "auth.token-keys",
                format!("`{}` has no keys for tokens: {}", found.display(), words::token_keys(error)),
            )
            .fix("the issuer publishes its keys as a set of JSON Web Keys (JWKS)"),
        ),
    }
}

/// Mosquitto takes the mark for a part of the first line.
fn marked_passwords(path: &Path, bytes: &[u8]) -> Finding {
    let finding = Finding::error("file.byte-order-mark", format!("`{}` begins with a byte-order mark", path.display()));
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let consequence = match passwd::Line::parse(first) {
        passwd::Line::Record { secret, .. } if passwd::Hash::parse(secret).is_ok() => {
            "Mosquitto takes it for a part of the first user's name, who can never log in; moskit's broker skips it"
        }
        passwd::Line::Record { .. } => "Mosquitto does not start with its first line; moskit's broker skips it",
        _ => {
            let finding = words::byte_order_mark(path);
            return Finding {
                evidence: vec!["no user stands in its first line, so that it does no harm".to_owned()],
                ..finding
            };
        }
    };
    finding.evidence(consequence).fix(words::without_mark(path))
}

fn bad_passwords(path: &Path, text: &[u8], error: passwd::FileError) -> Finding {
    let word = shell::path(path);
    let shown = path.display();
    let refused = |why: &str| {
        Finding::error(
            "auth.password-file",
            format!("the broker does not read the password file `{shown}`: line {}: {why}", error.line),
        )
    };
    let line = text.split(|byte| *byte == b'\n').nth(error.line - 1).unwrap_or_default();
    let secret = match passwd::Line::parse(line) {
        passwd::Line::Record { secret, .. } => secret,
        _ => b"",
    };
    if let Some(kind) = foreign_kind(secret) {
        return refused(&format!("its hash is {kind}, which no broker reads here"))
            .evidence("a hash cannot be turned into another: its password must be set again")
            .fix(format!("moskit passwd {word} USER"));
    }
    if secret.windows(2).any(|pair| pair == b" #") {
        return refused("what looks like a comment is a part of the hash").fix("comments need a line of their own");
    }
    let finding = refused(words::password_fault(error.fault));
    match error.fault {
        Fault::Hash(HashError::UnknownKind) => finding.fix(format!("hash the passwords: moskit passwd -U {word}")),
        _ => finding.fix(format!("correct line {} of {shown}", error.line)),
    }
}

/// The rules of an ACL file, and what is wrong with it.
fn rules_in(path: &Path, bytes: &[u8], is_new: bool, stage: &mut Stage) -> Option<Acl> {
    let mut found = Vec::new();
    let rules = match text_file::utf8(bytes) {
        Err(text_file::Utf16) => {
            found.push(words::utf16("ACL file", path));
            None
        }
        Ok(text) => {
            if text.has_mark {
                found.push(
                    Finding::error(
                        "file.byte-order-mark",
                        format!("`{}` begins with a byte-order mark", path.display()),
                    )
                    .evidence("Mosquitto does not start with its first line; moskit's broker skips it")
                    .fix(words::without_mark(path)),
                );
            }
            match Acl::parse(text.bytes) {
                Ok(rules) => Some(rules),
                Err(error) => {
                    found.push(acl::refused(path, &error));
                    None
                }
            }
        }
    };
    if let Some(rules) = &rules {
        found.extend(doubts(path, rules));
    }
    if is_new {
        stage.findings.append(&mut found);
        if rules.is_some() {
            stage.fact("acl_file", path.display().to_string());
        }
    }
    rules
}

fn at(path: &Path, line: usize) -> String {
    format!("{} line {line}", path.display())
}

/// Lines that do something other than they seem to.
fn doubts(path: &Path, rules: &Acl) -> Vec<Finding> {
    let mut found = Vec::new();
    for line in rules.lines_not_utf8() {
        found.push(
            Finding::warning("acl.not-utf8", "a line is not UTF-8: no topic and no user name is like it")
                .evidence(at(path, *line))
                .fix("save the file as UTF-8"),
        );
    }
    for pattern in rules.plain_patterns() {
        found.push(Finding::note(
            "acl.plain-pattern",
            format!("pattern `{pattern}` names neither %c nor %u: it holds for everybody"),
        ));
    }
    for (name, line) in rules.named_users() {
        if name.contains(" #") {
            found.push(
                Finding::warning("acl.comment", format!("the user is called `{name}`, with what looks like a comment"))
                    .evidence(at(path, *line))
                    .fix("comments need a line of their own: move it to the line before"),
            );
        }
    }
    for entry in rules.written() {
        let has_level = |level: &str| entry.filter.split('/').any(|one| one == level);
        if has_level("*") {
            found.push(
                Finding::warning(
                    "acl.star",
                    format!("`{}`: `*` is no wildcard in MQTT, and matches a `*` alone", entry.filter),
                )
                .evidence(at(path, entry.line))
                .fix("`#` stands for everything below, `+` for one level"),
            );
        }
        if entry.holder != Holder::Everybody && (has_level("%u") || has_level("%c")) {
            found.push(
                Finding::warning(
                    "acl.pattern-needed",
                    format!("`{}`: %u and %c stand for names in `pattern` lines only", entry.filter),
                )
                .evidence(at(path, entry.line))
                .fix("begin the line with `pattern` in place of `topic`"),
            );
        }
    }
    found
}

/// Users with rules who can never log in.
fn unknown_users(path: &Path, rules: &Acl, is_known: impl Fn(&str) -> bool) -> Option<Finding> {
    // One that ends in a comment is told of already.
    let unknown = rules.named_users().iter().filter(|(name, _)| !is_known(name) && !name.contains(" #"));
    let unknown: Vec<_> = unknown.collect();
    let (_, first) = unknown.first()?;
    let mut names: Vec<_> = unknown.iter().take(NAMES_MOST).map(|(name, _)| format!("`{name}`")).collect();
    if unknown.len() > NAMES_MOST {
        names.push(format!("{} more", unknown.len() - NAMES_MOST));
    }
    let who = if unknown.len() == 1 { "a user of the ACL file is" } else { "users of the ACL file are" };
    Some(
        Finding::warning("acl.unknown-user", format!("{who} not in the password file: {}", names.join(", ")))
            .evidence(at(path, *first))
            .fix("correct the name, or add the user: moskit passwd FILE USER"),
    )
}

/// Entries for clients without user name, where none come in.
fn for_nobody(path: &Path, rules: &Acl) -> Option<Finding> {
    let entry = rules.written().into_iter().find(|entry| entry.holder == Holder::Anonymous)?;
    Some(
        Finding::warning(
            "acl.anonymous-only",
            "topics before the first `user` are for clients without user name, and none of these come in",
        )
        .evidence(at(path, entry.line))
        .fix("use `pattern` in place of `topic` for what everybody may do"),
    )
}

/// A file of pre-shared keys, of which only what stops Mosquitto is looked at.
pub fn psk_file(value: &str, place: Option<&Place>, scene: &Scene<'_>, stage: &mut Stage) {
    let Some(found) = scene.find_unfollowed(Path::new(value)) else { return };
    let mut findings = whose(&found, "psk_file", scene);
    if let Err(error) = read::bytes(&found) {
        findings.push(unreadable(Guard::PreSharedKeys, &error, scene));
    }
    stage.findings.extend(findings.into_iter().map(|finding| refusals::at(finding, place)));
}
