//! What is wrong, weak or soon over in files of certificates and keys, each looked at alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::content::{Item, items};
use super::files::{explains_unusable_key, exposed, no_pair, untimely_list, unusable};
use crate::diagnose::chain::{self, Scene};
use crate::diagnose::when::{DAY, from_now};
use crate::diagnose::{Finding, Severity, files};
use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::chain::{Problem, Purpose, Warning, judge_alone};
use crate::pki::key::EncodedKey;
use crate::pki::read;
use crate::pki::revocation::RevocationList;
use crate::pki::signature::KeyKind;
use crate::pki::strict;

/// Random bytes that a serial number must have.
const SERIAL_MINIMUM: usize = 8;

/// What was found in files, in the order of their names.
#[derive(Debug)]
pub struct Linted {
    /// How many files were looked at.
    pub files: usize,
    pub found: Vec<(PathBuf, Finding)>,
}

/// A store that is not opened.
pub struct Unopened(pub PathBuf);

/// Looks at `paths` at `now` (seconds since 1970). What ends in less than `within` seconds ends soon.
///
/// # Errors
/// One of them is a PKCS#12 store, which is not opened here: nothing can be said of it.
pub fn lint(paths: Vec<PathBuf>, now: i64, within: i64) -> Result<Linted, Unopened> {
    let seen: Vec<_> = paths
        .into_iter()
        .map(|path| {
            let items = items(&path);
            (path, items)
        })
        .collect();
    let is_store = |items: &Vec<Item>| items.iter().any(|item| matches!(item, Item::Store(_)));
    if let Some((path, _)) = seen.iter().find(|(_, items)| items.as_ref().is_ok_and(is_store)) {
        return Err(Unopened(path.clone()));
    }
    let mut found: Vec<(PathBuf, Finding)> = Vec::new();
    for (path, items) in &seen {
        match items {
            Ok(items) => found.extend(file(path, items, now, within).into_iter().map(|it| (path.clone(), it))),
            Err(finding) => found.push((path.clone(), finding.clone())),
        }
    }
    found.extend(authorities_of_one_name(&seen));
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(Linted { files: seen.len(), found })
}

fn file(path: &Path, items: &[Item], now: i64, within: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut certificates = items.iter().filter_map(|item| match item {
        Item::Certificate(certificate) => Some(Arc::new(certificate.as_ref().clone())),
        _ => None,
    });
    if let Some(first) = certificates.next() {
        found.extend(certificate(path, &first, now, within));
        let rest: Vec<_> = certificates.collect();
        found.extend(rest.iter().flat_map(|certificate| dates(path, certificate, now, within)));
        found.extend(mismatch(path, [&first].into_iter().chain(&rest).map(AsRef::as_ref)));
    }
    found.extend(read::passed_over(path).into_iter().map(|fault| files::passed_over("file", path, fault)));
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

fn certificate(path: &Path, it: &Arc<Certificate>, now: i64, within: i64) -> Vec<Finding> {
    let scene = scene(path, it, now);
    let verdict = judge_alone(it, now);
    let mut found = chain::findings(&verdict, None, scene, within);
    // RFC 5280 is silent about one that is trusted by itself and signs nothing (RFC 6818, section 2).
    let is_authority = it.is_ca() && !verdict.warnings.contains(&Warning::CaAsLeaf);
    if is_authority || !it.is_self_issued() {
        found.extend(chain::strict_finding(it, strict::of_one(it, it.is_self_issued())));
    }
    if !it.is_ca() {
        found.extend(leaf(it));
    }
    if it.version == 3 && it.serial.len() < SERIAL_MINIMUM {
        found.push(Finding::note(
            "cert.serial",
            "its serial number is short; a random one cannot be guessed or repeated",
        ));
    }
    found
}

fn scene<'a>(path: &'a Path, it: &Certificate, now: i64) -> Scene<'a> {
    Scene { purpose: Purpose::guess(it, false), now, trusted: "", file: Some(path) }
}

fn leaf(it: &Certificate) -> Vec<Finding> {
    let mut found = Vec::new();
    let names = it.alternative_names.as_deref().unwrap_or_default();
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
    let kind = &it.public_key.kind;
    if *kind == KeyKind::Ed25519 {
        found.push(
            Finding::note(
                "cert.key-kind",
                "its key is Ed25519: mbedTLS (ESP32), NSS, browsers and Java before 15 refuse it",
            )
            .fix("for them, issue it again: moskit certgen server HOST --key p256"),
        );
    }
    if it.extended_key_usage.is_none() && it.version == 3 {
        found.push(Finding::note(
            "cert.eku",
            "it does not say what it is for; whoever has the key can be server and client",
        ));
    }
    found
}

/// The dates of a certificate that is in the file behind another.
fn dates(path: &Path, it: &Arc<Certificate>, now: i64, within: i64) -> Vec<Finding> {
    let scene = scene(path, it, now);
    let of_dates = |problem: &Problem| matches!(problem, Problem::Expired { .. } | Problem::NotYetValid { .. });
    let mut found: Vec<_> =
        judge_alone(it, now).problems.iter().filter(|it| of_dates(it)).map(|it| chain::problem(it, scene)).collect();
    found.extend(chain::expires_soon(it, scene, within));
    found
}

fn revocation_list(list: &RevocationList, now: i64, within: i64) -> Vec<Finding> {
    if let Some(finding) = untimely_list(list, now) {
        return vec![finding];
    }
    match list.next_update {
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
    let mut found: Vec<_> = exposed(path).into_iter().collect();
    let beside = items(&path.with_extension("crt")).ok().and_then(|items| match items.into_iter().next() {
        Some(Item::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    match key {
        EncodedKey::Encrypted(key) if !beside.as_ref().is_some_and(|it| it.is_ca()) => {
            found.push(files::encrypted_key(path, key).severity(Severity::Note));
        }
        EncodedKey::Plain(key)
            if key.public_key().is_none() && !beside.as_ref().is_some_and(|it| explains_unusable_key(it)) =>
        {
            found.push(unusable(path));
        }
        _ => {}
    }
    found
}

/// The key beside a certificate, by its name, must be its own.
fn mismatch<'a>(path: &Path, chain: impl IntoIterator<Item = &'a Certificate>) -> Option<Finding> {
    let beside = path.with_extension("key");
    if beside == path {
        return None;
    }
    let key = items(&beside).ok()?.into_iter().find_map(|item| match item {
        Item::Key(EncodedKey::Plain(key)) => key.public_key(),
        _ => None,
    })?;
    no_pair(chain, |it| it.public_key.bits == key, path, &beside)
}

/// Two authorities of one name with different keys: one was made anew, and somebody has the old one.
fn authorities_of_one_name(seen: &[(PathBuf, Result<Vec<Item>, Finding>)]) -> Vec<(PathBuf, Finding)> {
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
