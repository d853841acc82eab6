//! `certgen lint`: what is wrong, weak or soon over in files of certificates and keys.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::content::{Item, items};
use super::dates::{DAY, from_now, instant, now, parse_duration};
use super::verify::{finding_json, show};
use crate::diagnose::{Finding, Severity, files, shell};
use crate::os;
use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::key::EncodedKey;
use crate::pki::revocation::RevocationList;
use crate::term::{Exit, Failure, Term};

/// Days that a leaf may live without a word: Apple's limit.
const LIFETIME_DAYS: i64 = 825;
/// Random bytes that a serial number must have.
const SERIAL_MINIMUM: usize = 8;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, or folders whose certificates, keys and revocation lists are looked at
    #[arg(required = true, value_name = "FILE|DIR", value_hint = clap::ValueHint::AnyPath)]
    targets: Vec<PathBuf>,
    /// Warn if less than this is left
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = parse_duration)]
    within: i64,
    /// One JSON object per finding
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, term: &mut Term) -> Result<Exit, Failure> {
    let now = now();
    let mut seen = Vec::new();
    for target in &args.targets {
        for path in paths(target)? {
            let items = items(&path);
            seen.push((path, items));
        }
    }
    let mut worst = None;
    let mut count = 0;
    let mut found: Vec<(PathBuf, Finding)> = Vec::new();
    for (path, items) in &seen {
        match items {
            Ok(items) => found.extend(file(path, items, now, args.within).into_iter().map(|it| (path.clone(), it))),
            Err(failure) => {
                let what = failure.message.clone().unwrap_or_default();
                found.push((path.clone(), Finding::error("file.kind", what)));
            }
        }
    }
    found.extend(authorities_of_one_name(&seen));
    for (path, finding) in &found {
        worst = worst.max(Some(finding.severity));
        count += usize::from(finding.severity != Severity::Note);
        if args.json {
            let mut object = finding_json(finding);
            if let Value::Object(members) = &mut object {
                members.insert("target".to_owned(), path.display().to_string().into());
            }
            term.line(object);
        } else {
            show(finding, &path.display().to_string(), term);
        }
    }
    if !args.json && count == 0 {
        let (files, verb) = if seen.len() == 1 { ("file", "is") } else { ("files", "are") };
        term.line(format_args!("{} {files} {verb} fine", seen.len()));
    }
    Ok(match worst {
        Some(Severity::Error) => Exit::DAMAGED,
        Some(Severity::Warning) => Exit::FAILED,
        Some(Severity::Note) | None => Exit::OK,
    })
}

/// The file itself, or all files of a folder that look like certificates, keys, requests or lists.
fn paths(target: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !target.is_dir() {
        return Ok(vec![target.to_owned()]);
    }
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::FAILED,
            format!("cannot read the folder `{}`: {}", target.display(), crate::net::reason(&error)),
        )
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(target).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_file() && ["crt", "pem", "cer", "der", "key", "csr", "crl"].contains(&ending) {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Failure::new(Exit::USAGE, format!("there is nothing to look at in `{}`", target.display())));
    }
    Ok(found)
}

fn file(path: &Path, items: &[Item], now: i64, within: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut certificates = items.iter().filter_map(|item| match item {
        Item::Certificate(certificate) => Some(certificate.as_ref()),
        _ => None,
    });
    if let Some(first) = certificates.next() {
        found.extend(certificate(first, now, within));
        found.extend(certificates.flat_map(|certificate| dates(certificate, now, within)));
        found.extend(mismatch(path, first));
    }
    for item in items {
        match item {
            Item::Key(key) => found.extend(private_key(path, key)),
            Item::RevocationList(list) => found.extend(revocation_list(list, now, within)),
            Item::Damaged(what) => found.push(Finding::error("file.damaged", format!("the {what} in it is damaged"))),
            _ => {}
        }
    }
    found
}

fn certificate(it: &Certificate, now: i64, within: i64) -> Vec<Finding> {
    let mut found = dates(it, now, within);
    if it.signature_algorithm.is_weak() {
        found.push(
            Finding::error(
                "cert.weak",
                format!("it is signed with {}, which nobody believes any more", it.signature_algorithm.name),
            )
            .fix("issue it again: moskit certgen renew"),
        );
    }
    if it.public_key.is_weak() {
        found.push(
            Finding::error(
                "cert.weak",
                format!("its key is {}: mosquitto and OpenSSL want 2048 bits", it.public_key.kind.name()),
            )
            .fix("issue it again with another key: moskit certgen renew --new-key"),
        );
    }
    if it.version < 3 {
        found.push(
            Finding::warning(
                "cert.v1",
                format!("it is X.509 v{}: OpenSSL clients take it, rustls does not", it.version),
            )
            .fix("issue it again: moskit certgen server, moskit certgen client"),
        );
    }
    found.extend(if it.is_ca() { authority(it) } else { leaf(it) });
    if it.version == 3 && it.serial.len() < SERIAL_MINIMUM {
        found.push(Finding::note(
            "cert.serial",
            "its serial number is short; a random one cannot be guessed or repeated",
        ));
    }
    found
}

fn authority(it: &Certificate) -> Vec<Finding> {
    let mut found = Vec::new();
    if it.key_usage.is_none() {
        found.push(Finding::note("ca.key-usage", "the CA has no key usage, which strict verifiers want"));
    }
    if it.alternative_names.is_some() {
        found.push(
            Finding::warning(
                "cert.self-signed-as-server",
                "it is CA and server at once: OpenSSL clients take it, rustls does not",
            )
            .fix("make a CA and a server certificate: moskit certgen init"),
        );
    }
    found
}

fn leaf(it: &Certificate) -> Vec<Finding> {
    let mut found = Vec::new();
    let serves = it.extended_key_usage.as_ref().is_none_or(|usage| usage.server);
    let names = it.alternative_names.as_deref().unwrap_or_default();
    if serves && names.is_empty() && it.version == 3 {
        found.push(
            Finding::warning(
                "cert.cn-only",
                "it has no subjectAltName: Mosquitto's clients take it, rustls, Go and browsers do not",
            )
            .fix("moskit certgen server HOST makes one with it"),
        );
    }
    let written_as_name = names.iter().find_map(|name| match name {
        AlternativeName::Dns(text) => text.parse::<std::net::IpAddr>().ok(),
        _ => None,
    });
    if let Some(address) = written_as_name
        && !names.contains(&AlternativeName::Ip(address))
    {
        found.push(
            Finding::error("cert.ip-in-cn-or-dns", format!("the address {address} stands among the DNS names only"))
                .fix(format!("moskit certgen server {address} --ip-as-dns has it in both places")),
        );
    }
    if it.is_self_issued() && !it.is_self_signed() {
        found.push(
            Finding::error(
                "cert.subject-equals-issuer",
                format!("it has the subject of its CA, `{}`: OpenSSL may take it for self-signed", it.subject),
            )
            .fix("give CA, server and client different names: moskit certgen init"),
        );
    }
    let days = (it.not_after - it.not_before) / DAY;
    // Backdating is no life time.
    if serves && days > LIFETIME_DAYS + 1 {
        found.push(Finding::warning(
            "cert.lifetime",
            format!("it lives {days} days; Apple's devices refuse more than {LIFETIME_DAYS}"),
        ));
    }
    if it.extended_key_usage.is_none() && it.version == 3 {
        found.push(Finding::note(
            "cert.eku",
            "it does not say what it is for; whoever has the key can be server and client",
        ));
    }
    found
}

fn dates(it: &Certificate, now: i64, within: i64) -> Vec<Finding> {
    let subject = &it.subject;
    // A CA is not renewed: those who trust it would not hear of it.
    let remedy = if it.is_ca() { "make a new one: moskit certgen ca NAME" } else { "moskit certgen renew" };
    if now > it.not_after {
        let id = if it.is_ca() { "ca.expired" } else { "cert.expired" };
        let what = format!("`{subject}` expired {} ({})", from_now(it.not_after, now), instant(it.not_after));
        return vec![Finding::error(id, what).fix(remedy)];
    }
    if now < it.not_before {
        let id = if it.is_ca() { "ca.not-yet-valid" } else { "cert.not-yet-valid" };
        let what = format!("`{subject}` begins {} ({})", from_now(it.not_before, now), instant(it.not_before));
        return vec![Finding::error(id, what).evidence(format!("this machine's clock says {}", instant(now)))];
    }
    if it.not_after - now < within {
        let what = format!("`{subject}` expires {} ({})", from_now(it.not_after, now), instant(it.not_after));
        return vec![Finding::warning("cert.expires-soon", what).fix(remedy)];
    }
    Vec::new()
}

fn revocation_list(list: &RevocationList, now: i64, within: i64) -> Vec<Finding> {
    match list.next_update {
        Some(next) if next < now => vec![
            Finding::error(
                "crl.expired",
                format!("the list of `{}` was to be replaced {}", list.issuer, from_now(next, now)),
            )
            .evidence("a broker with this crlfile refuses every client"),
        ],
        Some(next) if next - now < within.min(7 * DAY) => {
            vec![Finding::warning(
                "crl.expires-soon",
                format!("the list of `{}` must be replaced {}", list.issuer, from_now(next, now)),
            )]
        }
        _ => Vec::new(),
    }
}

fn private_key(path: &Path, key: &EncodedKey) -> Vec<Finding> {
    let mut found = Vec::new();
    let mode = fs::metadata(path).ok().and_then(|facts| os::files::mode(&facts)).unwrap_or(0);
    // The group may be the broker's; the others are nobody's.
    if mode & 0o007 != 0 {
        found.push(
            Finding::error("key.permission", format!("everybody on this machine can read the key (mode {mode:04o})"))
                .fix(format!("chmod 600 {}", shell::path(path))),
        );
    }
    let is_authority = path.with_extension("crt");
    let is_authority = items(&is_authority)
        .is_ok_and(|items| matches!(items.first(), Some(Item::Certificate(certificate)) if certificate.is_ca()));
    match key {
        EncodedKey::Encrypted(key) if !is_authority => {
            found.push(files::encrypted_key(path, key).severity(Severity::Note));
        }
        EncodedKey::Plain(key) if key.public_key().is_none() => {
            found.push(Finding::error("cert.weak", "the key is damaged, too short, or of a type that cannot be used"));
        }
        _ => {}
    }
    found
}

/// The key beside a certificate, by its name, must be its own.
fn mismatch(path: &Path, certificate: &Certificate) -> Option<Finding> {
    let beside = path.with_extension("key");
    if beside == path {
        return None;
    }
    let key = items(&beside).ok()?.into_iter().find_map(|item| match item {
        Item::Key(EncodedKey::Plain(key)) => key.public_key(),
        _ => None,
    })?;
    (key != certificate.public_key.bits).then(|| files::mismatch(path, &beside))
}

/// Two authorities of one name with different keys: one was made anew, and somebody has the old one.
fn authorities_of_one_name(seen: &[(PathBuf, Result<Vec<Item>, Failure>)]) -> Vec<(PathBuf, Finding)> {
    let mut known: Vec<(&Path, &Certificate)> = Vec::new();
    let mut found = Vec::new();
    for (path, items) in seen {
        for item in items.iter().flatten() {
            let Item::Certificate(it) = item else { continue };
            if !it.is_ca() {
                continue;
            }
            let twin = known.iter().find(|(_, other)| other.subject == it.subject && other.public_key != it.public_key);
            if let Some((other, _)) = twin {
                found.push((
                    path.clone(),
                    Finding::warning(
                        "ca.same-name-other-key",
                        format!("`{}` is also in `{}`, with another key", it.subject, other.display()),
                    )
                    .fix("give a CA that is made anew another name, as moskit certgen ca does"),
                ));
            }
            known.push((path, it));
        }
    }
    found
}
