//! `check files`: certificates, keys and revocation lists as they lie on disk.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::report::{Report, Stage};
use crate::diagnose::when::{date, days_until, span};
use crate::diagnose::{Finding, chain, files, shell, stacks};
use crate::net::tls;
use crate::os;
use crate::os::account::{Account, Want};
use crate::pki::certificate::Certificate;
use crate::pki::chain::{Anchors, Problem, Purpose, Question, Verdict, judge};
use crate::pki::completion;
use crate::pki::key::EncodedKey;
use crate::pki::name::PeerName;
use crate::pki::read;
use crate::pki::revocation::RevocationList;

/// The files to check.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub cafile: Option<PathBuf>,
    pub capath: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub revocation: Option<PathBuf>,
    /// Whom the certificate must be for.
    pub host: Option<String>,
    /// Without it the certificate's extended key usage tells.
    pub purpose: Option<Purpose>,
    /// The broker's own certificate: its clients hold the CA, so an unknown issuer is no fault.
    pub issuer_is_elsewhere: bool,
    /// Where whoever sends the certificate finds its issuers, besides `cafile` and `capath`.
    pub issuers: Issuers,
    /// The passphrase of the key is known: that it is encrypted is no fault.
    pub key_can_be_opened: bool,
}

impl Files {
    /// Nobody said which CAs are trusted.
    fn names_no_ca(&self) -> bool {
        self.cafile.is_none() && self.capath.is_none()
    }
}

/// CAs that complete a chain and are trusted by nobody here.
#[derive(Clone, Debug, Default)]
pub struct Issuers {
    pub cafile: Option<PathBuf>,
    pub capath: Option<PathBuf>,
}

impl Issuers {
    /// Those that a client completes its own chain from.
    pub fn of(options: &tls::Options) -> Self {
        Self { cafile: options.cafile.clone(), capath: options.capath.clone() }
    }
}

/// Who must be able to read the files, with the users of this machine.
pub type Reader<'a> = Option<&'a Account>;

/// What the files hold.
#[derive(Default)]
struct Contents {
    anchors: Option<Anchors>,
    /// As the certificate's file holds it.
    chain: Option<Vec<Vec<u8>>>,
    /// What goes behind it on the wire.
    completed_by: Vec<Vec<u8>>,
    key: Option<EncodedKey>,
    revocation: Option<Vec<RevocationList>>,
}

/// Checks `files` at `now` (seconds since 1970).
pub fn check(files: &Files, reader: Reader<'_>, now: i64) -> Report {
    let mut report = Report::new("files");
    let mut stage = Stage::new("files");
    let mut contents = read_all(files, reader, &mut stage);
    complete(files, &mut contents, now, &mut stage);
    report.stages.push(stage);
    if files.key.is_some() {
        report.stages.push(key_stage(files, &contents));
    }
    let sent = contents.chain.as_ref().map(|chain| [&chain[..], &contents.completed_by].concat());
    let verdict = sent.as_ref().map(|sent| judged(files, sent, &contents, now));
    match (&sent, &verdict) {
        (Some(presented), Some((purpose, verdict))) => {
            report.stages.push(chain_stage(files, presented, *purpose, verdict, now));
            if *purpose == Purpose::Server && !files.issuer_is_elsewhere {
                let name = files.host.as_deref().map(PeerName::new);
                report.opinions = if files.names_no_ca() || contents.anchors.is_none() {
                    stacks::opinions_without_ca(verdict, name.as_ref())
                } else {
                    stacks::opinions(verdict, name.as_ref())
                };
            }
        }
        _ => report.stages.extend(authorities_stage(files, &contents, now)),
    }
    report
}

/// A client's own certificate and key, judged as the broker will.
pub fn identity(certificate: &Path, key: &Path, issuers: Issuers, now: i64) -> Stage {
    let own = Files {
        issuers,
        certificate: Some(certificate.to_owned()),
        key: Some(key.to_owned()),
        purpose: Some(Purpose::Client),
        issuer_is_elsewhere: true,
        // It was opened to get here.
        key_can_be_opened: true,
        ..Files::default()
    };
    let mut stage = Stage::new("identity");
    for checked in check(&own, None, now).stages {
        stage.facts.extend(checked.facts);
        stage.findings.extend(checked.findings);
    }
    stage
}

/// What is wrong with the client's own certificate, where its files tell: the same that a check finds.
pub fn fault_of_own(options: &tls::Options, now: i64) -> Option<Finding> {
    let (certificate, key) = options.identity.as_ref()?;
    identity(certificate, key, Issuers::of(options), now).findings.into_iter().find(Finding::is_error)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A file that we may not read is no fault of a broker that runs as somebody else.
fn unread(finding: Finding, error: &read::ReadError, reader: Reader<'_>) -> Finding {
    match (&error.problem, reader) {
        (read::ReadProblem::Denied, Some(account)) if !account.is_ours() => {
            Finding::warning("file.not-seen", format!("`{}` cannot be read from here", error.path.display()))
                .evidence(format!("what is in it is not known; its reader is user `{}`", account.name))
                .fix("repeat the check as root")
        }
        _ => finding,
    }
}

fn read_all(files: &Files, reader: Reader<'_>, stage: &mut Stage) -> Contents {
    let mut contents = Contents::default();
    if let Some(path) = &files.cafile {
        permission(path, "CA file", reader, stage);
        match read::certificates(path) {
            Ok(ders) => contents.anchors = Some(anchors(path, &ders, stage)),
            Err(error) => stage.found(unread(files::cafile_unreadable(&error), &error, reader)),
        }
    }
    if let Some(path) = &files.capath {
        match read::hashed_folder(path) {
            Ok(ders) if ders.is_empty() => stage.found(files::empty_capath(path)),
            Ok(ders) => {
                let found = anchors(path, &ders, stage);
                contents.anchors = Some(contents.anchors.take().unwrap_or_default().with(&found));
            }
            Err(error) => stage.found(unread(files::unreadable("CA folder", &error), &error, reader)),
        }
    }
    if let Some((certificate, key)) = files.certificate.as_ref().zip(files.key.as_ref())
        && read::are_swapped(certificate, key)
    {
        stage.found(files::swapped(certificate, key));
        return contents;
    }
    if let Some(path) = &files.certificate {
        permission(path, "certificate", reader, stage);
        match read::certificates(path) {
            Ok(ders) => {
                stage.fact("certificates", ders.len());
                contents.chain = Some(ders);
            }
            Err(error) => stage.found(unread(files::unreadable("certificate", &error), &error, reader)),
        }
    }
    if let Some(path) = &files.key {
        permission(path, "key", reader, stage);
        stage.findings.extend(exposed(path));
        match read::private_key(path) {
            Ok(key) => contents.key = Some(key),
            Err(error) => stage.found(unread(files::unreadable("key", &error), &error, reader)),
        }
    }
    if let Some(path) = &files.revocation {
        permission(path, "revocation list", reader, stage);
        contents.revocation = revocation(path, reader, stage);
    }
    for (what, path) in [("CA file", &files.cafile), ("certificate", &files.certificate)] {
        let faults = path.iter().flat_map(|path| read::passed_over(path).into_iter().map(move |fault| (path, fault)));
        stage.findings.extend(faults.map(|(path, fault)| files::passed_over(what, path, fault)));
    }
    contents
}

/// Adds to a certificate that is alone in its file what is sent behind it. A file of issuers that cannot be read is the
/// matter of those who are to trust it.
fn complete(files: &Files, contents: &mut Contents, now: i64, stage: &mut Stage) {
    let Some([leaf]) = contents.chain.as_deref() else { return };
    let Ok(leaf) = Certificate::parse(leaf) else { return };
    let in_file = files.issuers.cafile.as_deref().and_then(|path| read::certificates(path).ok());
    let in_folder = files.issuers.capath.as_deref().and_then(|path| read::hashed_folder(path).ok());
    let others = Anchors::new(in_file.into_iter().chain(in_folder).flatten());
    let known = contents.anchors.clone().unwrap_or_default().with(&others);
    let issuers = completion::issuers(&leaf, &known, now);
    if !issuers.is_empty() {
        stage.fact("sent", 1 + issuers.len());
        contents.completed_by = issuers.iter().map(|issuer| issuer.der.clone()).collect();
    }
}

fn anchors(path: &Path, ders: &[Vec<u8>], stage: &mut Stage) -> Anchors {
    let anchors = Anchors::new(ders);
    stage.fact("authorities", anchors.iter().map(|anchor| anchor.subject.to_string()).take(10).collect::<Vec<_>>());
    if anchors.len() < ders.len() {
        stage.found(Finding::warning(
            "file.damaged",
            format!("{} of the certificates in `{}` cannot be read", ders.len() - anchors.len(), path.display()),
        ));
    }
    anchors
}

fn revocation(path: &Path, reader: Reader<'_>, stage: &mut Stage) -> Option<Vec<RevocationList>> {
    match read::revocation_lists(path) {
        Ok(ders) => {
            let lists: Vec<_> = ders.iter().filter_map(|der| RevocationList::parse(der).ok()).collect();
            if lists.is_empty() {
                stage.found(Finding::error(
                    "file.damaged",
                    format!("`{}` holds no list that can be read", path.display()),
                ));
            }
            Some(lists)
        }
        Err(error) => {
            stage.found(unread(files::unreadable("revocation list", &error), &error, reader));
            None
        }
    }
}

/// Says so if the broker's user cannot read `path`.
pub fn permission(path: &Path, what: &str, reader: Reader<'_>, stage: &mut Stage) {
    let Some(account) = reader else { return };
    let Ok(Some(obstacle)) = account.obstacle(path, Want::Read) else { return };
    let finding = Finding::error(
        "key.permission",
        format!("user `{}` cannot read the {what} `{}`", account.name, path.display()),
    );
    let place = shell::path(&obstacle.path);
    let rights = if obstacle.is_folder { "g+x" } else { "640" };
    let fix = format!("chgrp {} {place} && chmod {rights} {place}", shell::quoted(account.group()));
    stage.found(finding.evidence(format!("{} {}", obstacle.mode, obstacle.path.display())).fix(fix));
}

/// A private key that everybody on the machine can read, or replace. The group may be the broker's.
pub fn exposed(path: &Path) -> Option<Finding> {
    let mode = os::files::mode(&std::fs::metadata(path).ok()?)?;
    let what = match (mode & 0o004 != 0, mode & 0o002 != 0) {
        (true, _) => "read",
        (false, true) => "write to",
        (false, false) => return None,
    };
    let what = format!("every user of this machine can {what} the key `{}`", path.display());
    Some(
        Finding::warning("key.exposed", what)
            .evidence(format!("mode {mode:04o}"))
            .fix(format!("chmod 600 {}", shell::path(path))),
    )
}

/// A private key that no TLS of ours can use.
pub fn unusable(path: &Path) -> Finding {
    Finding::error(
        "key.unusable",
        format!("the key `{}` is damaged, too short or of an algorithm that TLS does not use here", path.display()),
    )
    .fix("make a new one: moskit certgen renew CERT --new-key")
}

fn key_stage(files: &Files, contents: &Contents) -> Stage {
    let Some(path) = &files.key else { return Stage::skipped("key", "no key given") };
    let Some(key) = &contents.key else { return Stage::skipped("key", "the key file could not be read") };
    let mut stage = Stage::new("key");
    let plain = match key {
        EncodedKey::Encrypted(encrypted) => {
            if !files.key_can_be_opened {
                stage.found(files::encrypted_key(path, encrypted));
            }
            return stage;
        }
        EncodedKey::Plain(plain) => plain,
    };
    let public = plain.public_key();
    let own = contents.chain.as_ref().and_then(|chain| Certificate::parse(chain.first()?).ok());
    match (public, own, &files.certificate) {
        (Some(public), Some(own), Some(certificate)) if public == own.public_key.bits => {
            stage.fact("key", own.public_key.kind.name());
            stage.fact("belongs_to", shown(certificate));
        }
        (Some(public), Some(_), Some(certificate)) => {
            let chain: Vec<_> =
                contents.chain.iter().flatten().filter_map(|der| Certificate::parse(der).ok()).collect();
            stage.findings.extend(no_pair(&chain, |it| it.public_key.bits == public, certificate, path));
        }
        (Some(_), _, _) => stage.fact("readable", true),
        // aws-lc loads no RSA key below 2048 bits; of that, and of other kinds, the chain's finding tells.
        (None, Some(own), _) if explains_unusable_key(&own) => {}
        (None, ..) => stage.found(unusable(path)),
    }
    stage
}

/// Why the first of `chain`, which is in the file `certificate`, and the key in the file `key` are no pair, if they are
/// none. Where the key is that of a later certificate, only the order is wrong. `has_key`: that it is the key of one.
pub fn no_pair<'a>(
    chain: impl IntoIterator<Item = &'a Certificate>,
    has_key: impl Fn(&Certificate) -> bool,
    certificate: &Path,
    key: &Path,
) -> Option<Finding> {
    match chain.into_iter().position(has_key) {
        Some(0) => None,
        Some(_) => Some(
            Finding::error(
                "chain.order",
                format!("the first certificate in `{}` is not the key's own", certificate.display()),
            )
            .fix("put the own certificate first: cat server.crt ca.crt > chain.crt"),
        ),
        None => Some(files::mismatch(certificate, key)),
    }
}

/// Whether the finding of a certificate says why TLS of ours cannot load its key: it is too short, or of a kind that
/// nobody uses.
pub fn explains_unusable_key(certificate: &Certificate) -> bool {
    certificate.public_key.is_weak() || !certificate.public_key.kind.is_usable()
}

/// What the certificate is to be used for, and the judgement.
fn judged(files: &Files, presented: &[Vec<u8>], contents: &Contents, now: i64) -> (Purpose, Verdict) {
    let leaf = presented.first().and_then(|der| Certificate::parse(der).ok());
    let by_itself = leaf.as_ref().map_or(Purpose::Server, |leaf| Purpose::guess(leaf, files.host.is_some()));
    let purpose = files.purpose.unwrap_or(by_itself);
    let name = files.host.as_deref().map(PeerName::new);
    let none = Anchors::default();
    let question =
        Question { purpose, name: name.as_ref(), now, check_dates: true, revocation: contents.revocation.as_deref() };
    let mut verdict = judge(presented, contents.anchors.as_ref().unwrap_or(&none), &question);
    // A file of CAs that cannot be read is told by itself; whether it would have had the issuer is not known.
    if files.issuer_is_elsewhere || contents.anchors.is_none() {
        verdict.problems.retain(|problem| {
            !matches!(
                problem,
                Problem::UnknownIssuer(_)
                    | Problem::MissingIntermediate { .. }
                    | Problem::SameNameOtherKey { .. }
                    | Problem::RevocationUnknown { .. }
            )
        });
    }
    (purpose, verdict)
}

/// The facts of a certificate that people look for.
pub fn leaf_facts(leaf: &Certificate, now: i64, stage: &mut Stage) {
    stage.fact("subject", leaf.subject.to_string());
    stage.fact("names", json!(leaf.presented_names().into_iter().take(10).collect::<Vec<_>>()));
    stage.fact("issuer", leaf.issuer.to_string());
    stage.fact("key", leaf.public_key.kind.name());
    stage.fact("expires", date(leaf.not_after));
    stage.fact("days_left", days_until(now, leaf.not_after));
}

fn chain_stage(files: &Files, presented: &[Vec<u8>], purpose: Purpose, verdict: &Verdict, now: i64) -> Stage {
    let mut stage = Stage::new("chain");
    let trusted = files
        .cafile
        .as_deref()
        .or(files.capath.as_deref())
        .map_or_else(|| "nothing".to_owned(), |path| format!("`{}`", path.display()));
    let scene = chain::Scene {
        purpose,
        now,
        trusted: &trusted,
        folder: files.capath.as_deref(),
        file: files.certificate.as_deref(),
    };
    let name = files.host.as_deref().map(PeerName::new);
    if let Some(leaf) = presented.first().and_then(|der| Certificate::parse(der).ok()) {
        leaf_facts(&leaf, now, &mut stage);
    }
    stage.findings.extend(chain::findings(verdict, name.as_ref(), scene, chain::SOON));
    if files.names_no_ca() && !files.issuer_is_elsewhere && verdict.is_accepted() {
        stage.found(
            Finding::note("ca.not-given", "who trusts the issuer is not known, because no CA was given")
                .fix("give the CA that its peers trust: --cafile FILE"),
        );
    }
    stage
}

/// Without a certificate to judge, the authorities and lists by themselves.
fn authorities_stage(files: &Files, contents: &Contents, now: i64) -> Option<Stage> {
    if contents.anchors.is_none() && contents.revocation.is_none() {
        return Some(Stage::skipped("chain", "no file of certificates could be read"));
    }
    let mut stage = Stage::new("chain");
    for anchor in contents.anchors.iter().flat_map(Anchors::iter) {
        if anchor.not_after < now {
            stage.found(
                Finding::error(
                    "ca.expired",
                    format!(
                        "the CA `{}` expired {} ago ({})",
                        anchor.subject,
                        span(now - anchor.not_after),
                        date(anchor.not_after)
                    ),
                )
                .fix("make a new CA and issue the certificates again: moskit certgen init"),
            );
        }
        if !anchor.is_ca() && anchor.version == 3 {
            stage.found(
                Finding::warning(
                    "ca.not-a-ca",
                    format!("`{}` has no CA:TRUE: nothing that it signed is believed", anchor.subject),
                )
                .fix("moskit certgen init makes a real CA"),
            );
        }
    }
    for list in contents.revocation.iter().flatten() {
        stage.findings.extend(untimely_list(list, now));
    }
    (files.cafile.is_some() || files.capath.is_some() || files.revocation.is_some()).then_some(stage)
}

/// A list that ran out or is from the future: a broker refuses every client then.
pub fn untimely_list(list: &RevocationList, now: i64) -> Option<Finding> {
    let issuer = || list.issuer.to_string();
    let problem = match list.next_update {
        _ if list.last_update > now => {
            Problem::RevocationListNotYetValid { issuer: issuer(), last_update: list.last_update }
        }
        Some(next_update) if list.is_expired(now) => Problem::RevocationListExpired { issuer: issuer(), next_update },
        _ => return None,
    };
    Some(chain::problem(
        &problem,
        chain::Scene { purpose: Purpose::Client, now, trusted: "", folder: None, file: None },
    ))
}
