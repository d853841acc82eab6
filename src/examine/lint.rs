//! What is wrong, weak or soon over in files of certificates and keys, each looked at alone.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::content::Target;
use super::files::{explains_unusable_key, exposed, no_pair, untimely_list, unusable};
use crate::diagnose::chain::{self, Scene};
use crate::diagnose::when::{DAY, from_now};
use crate::diagnose::{Finding, Severity, files};
use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::chain::{Problem, Purpose, Warning, judge_alone};
use crate::pki::content::{Closed, Contents, Found, Item, Place, opened};
use crate::pki::key::{EncodedKey, Work};
use crate::pki::pkcs12::Wanted;
use crate::pki::read;
use crate::pki::revocation::RevocationList;
use crate::pki::signature::{KeyKind, PublicKey};
use crate::pki::strict;

/// Random bytes that a serial number must have.
const SERIAL_MINIMUM: usize = 8;

/// What was found in files, in the order of their names.
#[derive(Debug)]
pub struct Linted {
    /// How many files were looked at.
    pub files: usize,
    pub found: Vec<(Place, Finding)>,
}

/// How files are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// What opens PKCS#12 stores; nobody is asked.
    pub passphrase: Option<&'a [u8]>,
    /// Seconds since 1970.
    pub now: i64,
    /// What ends in less than so many seconds ends soon.
    pub within: i64,
}

/// Looks at files. Those whose names differ in their endings alone are looked at together, each read once.
pub fn lint(targets: Vec<Target>, look: Look<'_>) -> Linted {
    let mut groups = BTreeMap::<PathBuf, Vec<Target>>::new();
    for target in targets {
        groups.entry(target.path.with_extension("")).or_default().push(target);
    }
    let mut linted = Linted { files: 0, found: Vec::new() };
    let mut authorities = Authorities::default();
    for targets in groups.into_values() {
        let mut group = Group::read(targets, look);
        for at in 0..group.seen.len() {
            let found = match &group.seen[at] {
                (path, Err(finding)) => vec![(Place::file(path), finding.clone())],
                (path, Ok(_)) => {
                    let path = path.clone();
                    group.file(at, &path, look)
                }
            };
            linted.files += 1;
            linted.found.extend(found);
            if let (path, Ok(contents)) = &group.seen[at] {
                linted.found.extend(authorities.take(path, contents));
            }
        }
    }
    linted.found.sort_by(|(one, _), (other, _)| one.cmp(other));
    linted
}

/// Files that belong together by their names, such as a certificate and its key.
struct Group {
    seen: Vec<(PathBuf, Result<Contents, Finding>)>,
    /// Files beside them that nobody named, looked at for what belongs to the others.
    beside: HashMap<PathBuf, Option<Contents>>,
}

impl Group {
    fn read(targets: Vec<Target>, look: Look<'_>) -> Self {
        let opened = |contents: Contents| Contents {
            found: opened(contents.found, look.passphrase, Wanted::All, &mut Work::default()),
            ..contents
        };
        let read = |target: Target| Some((target.contents()?.map(opened), target.path));
        let seen = targets.into_iter().filter_map(read).map(|(contents, path)| (path, contents)).collect();
        Self { seen, beside: HashMap::new() }
    }

    /// What the file at `path` holds, which may not be one of the group.
    fn contents(&mut self, path: &Path) -> Option<&Contents> {
        if let Some(at) = self.seen.iter().position(|(seen, _)| seen == path) {
            return self.seen[at].1.as_ref().ok();
        }
        let read = || read::contents_alone(path).ok();
        self.beside.entry(path.to_owned()).or_insert_with(read).as_ref()
    }

    fn file(&mut self, at: usize, path: &Path, look: Look<'_>) -> Vec<(Place, Finding)> {
        let (is_key, has_key) = match &self.seen[at].1 {
            Ok(contents) => (path.extension().is_some_and(|ending| ending == "key"), holds_key(contents)),
            Err(_) => return Vec::new(),
        };
        let beside = if is_key { None } else { self.contents(&path.with_extension("key")).and_then(plain_key) };
        let certificate =
            if has_key { self.contents(&path.with_extension("crt")).and_then(first_certificate) } else { None };
        let Ok(contents) = &self.seen[at].1 else { return Vec::new() };
        let is_store = contents.found.iter().any(|found| matches!(found.item, Item::Opened { .. }));
        if !contents.form.is_plain() || is_store {
            return within(path, contents, look);
        }
        let all: Vec<_> = contents.found.iter().map(|found| &found.item).collect();
        let mut found = things(&Place::file(path), Some(path), &all, look);
        if let Some(key) = beside {
            found.extend(mismatch(path, certificates(&all), &key));
        }
        found.extend(contents.passed_over.iter().map(|fault| files::passed_over("file", path, *fault)));
        for item in &all {
            if let Item::Key(key) = item {
                found.extend(private_key(path, key, certificate.as_ref()));
            }
        }
        found.extend(pair_within(path, &contents.found));
        found.into_iter().map(|finding| (Place::file(path), finding)).collect()
    }
}

/// What is wrong with what stands in a store, a text or an archive, each under its name there.
fn within(path: &Path, contents: &Contents, look: Look<'_>) -> Vec<(Place, Finding)> {
    let mut found = Vec::new();
    for group in contents.found.chunk_by(Found::is_with) {
        let all: Vec<_> = group.iter().map(|found| &found.item).collect();
        let place = group[0].place(path);
        let unknown = group.iter().filter(|found| found.is_promised()).filter_map(|found| match &found.item {
            Item::Unknown(kind) => Some(files::unknown(&found.place(path).to_string(), kind)),
            _ => None,
        });
        found.extend(unknown.chain(things(&place, None, &all, look)).map(|finding| (place.clone(), finding)));
    }
    let is_store = contents.found.iter().any(|found| matches!(found.item, Item::Opened { .. }));
    let open = contents.found.iter().filter_map(|found| match &found.item {
        Item::Key(EncodedKey::Plain(key)) => Some((holder(path, contents, found), key.public_key())),
        _ => None,
    });
    let open: Vec<_> = open.collect();
    let mut of_file: Vec<_> =
        open.iter().filter(|_| !is_store).find_map(|(holder, _)| exposed(holder)).into_iter().collect();
    let is_explained = contents.found.iter().any(|found| match &found.item {
        Item::Certificate(certificate) => explains_unusable_key(certificate),
        _ => false,
    });
    if open.iter().any(|(_, key)| key.is_none()) && !is_explained {
        of_file.push(unusable(path));
    }
    of_file.extend(pair_within(path, &contents.found));
    found.extend(of_file.into_iter().map(|finding| (Place::file(path), finding)));
    found
}

/// The file that a key lies in: one that a table names, or the file itself.
fn holder(path: &Path, contents: &Contents, found: &Found) -> PathBuf {
    let named = found.part.as_deref().filter(|_| contents.form.names_files()).and_then(|part| part.split(": ").next());
    let named = named.map(|name| path.with_file_name("").join(name)).filter(|file| file.is_file());
    named.unwrap_or_else(|| path.to_owned())
}

fn holds_key(contents: &Contents) -> bool {
    contents.found.iter().any(|found| matches!(found.item, Item::Key(_)))
}

fn certificates<'a>(items: &[&'a Item]) -> Vec<&'a Certificate> {
    let certificate = |item: &&'a Item| match item {
        Item::Certificate(certificate) => Some(&**certificate),
        _ => None,
    };
    items.iter().filter_map(certificate).collect()
}

fn first_certificate(contents: &Contents) -> Option<Certificate> {
    match &contents.found.first()?.item {
        Item::Certificate(certificate) => Some((**certificate).clone()),
        _ => None,
    }
}

/// The public half of the first key that is open.
fn plain_key(contents: &Contents) -> Option<Vec<u8>> {
    contents.found.iter().find_map(|found| match &found.item {
        Item::Key(EncodedKey::Plain(key)) => key.public_key(),
        _ => None,
    })
}

/// What is wrong with things that stand at one place, keys apart. `file` is what commands take, where the certificate is the
/// file.
fn things(place: &Place, file: Option<&Path>, items: &[&Item], look: Look<'_>) -> Vec<Finding> {
    let Look { now, within, .. } = look;
    let mut found = Vec::new();
    let mut all = certificates(items).into_iter().map(|certificate| Arc::new(certificate.clone()));
    if let Some(first) = all.next() {
        found.extend(certificate(file, &first, now, within));
        found.extend(all.flat_map(|certificate| dates(file, &certificate, now, within)));
    }
    for item in items {
        match item {
            Item::RevocationList(list) => found.extend(revocation_list(list, now, within)),
            Item::Damaged(what) => found.push(Finding::error("file.damaged", format!("the {what} in it is damaged"))),
            Item::Closed(closed) => found.push(not_seen(place, closed)),
            _ => {}
        }
    }
    found
}

/// A store that is not open: nothing is known of what is in it.
fn not_seen(place: &Place, closed: &Closed) -> Finding {
    match closed {
        Closed::NoPassphrase => {
            let what = format!("`{place}` is a PKCS#12 store, and what is in it is not known");
            Finding::warning("file.not-seen", what).fix("--pass-file FILE, --pass-env VAR or --pass-fd N opens it")
        }
        Closed::Decrypt(error) => {
            let what = format!("what is in the store `{place}` is not known: {}", files::closed(error));
            Finding::error("file.not-seen", what)
        }
    }
}

/// The one certificate of a device in a file, and a key in it that is not its own.
fn pair_within(path: &Path, found: &[Found]) -> Option<Finding> {
    let mut leaves = Vec::<&Certificate>::new();
    let mut keys = Vec::new();
    for found in found {
        match &found.item {
            Item::Certificate(it) if !it.is_ca() && leaves.iter().all(|leaf| leaf.der != it.der) => leaves.push(it),
            Item::Key(EncodedKey::Plain(key)) => keys.extend(key.public_key()),
            _ => {}
        }
    }
    // Every certificate has its key among them, or, where there is one certificate, a key that is there is its own.
    let has_key = |leaf: &&Certificate| keys.contains(&leaf.public_key.bits);
    let lacks = leaves.iter().find(|leaf| !has_key(leaf))?;
    if keys.is_empty() || (leaves.len() > 1 && keys.len() < leaves.len()) {
        return None;
    }
    Some(files::mismatch_within(path, &lacks.subject.to_string()))
}

fn certificate(file: Option<&Path>, it: &Arc<Certificate>, now: i64, within: i64) -> Vec<Finding> {
    let scene = scene(file, it, now);
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

fn scene<'a>(file: Option<&'a Path>, it: &Certificate, now: i64) -> Scene<'a> {
    Scene { purpose: Purpose::guess(it, false), now, trusted: "", folder: None, file }
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
fn dates(file: Option<&Path>, it: &Arc<Certificate>, now: i64, within: i64) -> Vec<Finding> {
    let scene = scene(file, it, now);
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

fn private_key(path: &Path, key: &EncodedKey, beside: Option<&Certificate>) -> Vec<Finding> {
    let mut found: Vec<_> = exposed(path).into_iter().collect();
    match key {
        EncodedKey::Encrypted(key) if !beside.is_some_and(Certificate::is_ca) => {
            found.push(files::encrypted_key(path, key).severity(Severity::Note));
        }
        EncodedKey::Plain(key) if key.public_key().is_none() && !beside.is_some_and(explains_unusable_key) => {
            found.push(unusable(path));
        }
        _ => {}
    }
    found
}

/// The key beside a certificate, by its name, must be its own.
fn mismatch(path: &Path, chain: Vec<&Certificate>, key: &[u8]) -> Option<Finding> {
    if chain.is_empty() {
        return None;
    }
    no_pair(chain, |it| it.public_key.bits == key, path, &path.with_extension("key"))
}

/// The CAs that were seen, by their names; each once, since every device may have its own copy.
#[derive(Default)]
struct Authorities {
    known: HashMap<String, Vec<(Place, PublicKey)>>,
}

impl Authorities {
    /// Two authorities of one name with different keys: one was made anew, and somebody has the old one.
    fn take(&mut self, path: &Path, contents: &Contents) -> Vec<(Place, Finding)> {
        let mut twins = Vec::new();
        for found in &contents.found {
            let Item::Certificate(it) = &found.item else { continue };
            if !it.is_ca() {
                continue;
            }
            let known = self.known.entry(it.subject.to_string()).or_default();
            if let Some((other, _)) = known.iter().find(|(_, key)| *key != it.public_key) {
                let what = format!("`{}` is also in `{other}`, with another key", it.subject);
                let finding = Finding::warning("ca.same-name-other-key", what)
                    .fix("give a CA that is made anew another name, as moskit certgen ca does");
                twins.push((found.place(path), finding));
            }
            if known.iter().all(|(_, key)| *key != it.public_key) {
                known.push((found.place(path), it.public_key.clone()));
            }
        }
        twins
    }
}
