//! `certgen verify`: reads what is asked about, and says whether the chosen clients believe it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::content::{Contents, Found, Item, contents, public_key_of_pair};
use super::dates::now;
use super::options::{Chosen, Use, VerifyArgs};
use super::passphrase::Opener;
use super::sentences::{self, not_decrypted, not_opened, not_read};
use super::walk::targets;
use crate::diagnose::stacks::Opinion;
use crate::diagnose::{Finding, files};
use crate::examine::content::Target;
use crate::examine::files::unusable;
use crate::examine::verify::{Asked, Verified, verify};
use crate::pki::certificate::Certificate;
use crate::pki::chain::Purpose;
use crate::pki::content::{Closed, Place, opened};
use crate::pki::key::{EncodedKey, Work};
use crate::pki::name::DistinguishedName;
use crate::pki::pkcs12::Wanted;
use crate::pki::read::{self, Kind, ReadError, ReadProblem};
use crate::pki::revocation::RevocationList;
use crate::term::{Exit, Failure, Secret, Term};

/// The answer for a certificate.
pub struct Answer {
    pub place: Place,
    pub subject: DistinguishedName,
    pub issuer: DistinguishedName,
    pub is_good: bool,
    pub opinions: Vec<Opinion>,
    pub findings: Vec<Finding>,
}

/// A place of which nothing can be said, and why.
pub struct NotKnown {
    pub place: Place,
    pub failure: Failure,
}

/// A certificate in a file, and behind it what is sent with it.
struct Chain {
    place: Place,
    certificates: Vec<Certificate>,
}

/// What is believed, for all that is asked about.
struct Scene<'a> {
    args: &'a VerifyArgs,
    lists: Option<Vec<RevocationList>>,
    /// The file of trusted CAs that was read last, and the CAs.
    trusted: Option<(PathBuf, Vec<Certificate>)>,
    opener: Opener,
    /// The public half of the key of `--key`, once it was read: a pipe can be read once.
    public_key: Option<Vec<u8>>,
}

/// Gives the answer for each certificate that is asked about to `each`, before it looks at the next file. In a folder and in an archive
/// that of which nothing can be said is `each`'s too, and the rest is looked at.
pub fn run(
    args: &VerifyArgs,
    term: &mut Term,
    mut each: impl FnMut(Result<Answer, NotKnown>, &mut Term),
) -> Result<(), Failure> {
    let is_folder = args.certificate.is_dir();
    if is_folder && args.key.is_some() {
        return Err(Failure::new(Exit::USAGE, "--key is for one certificate, not for a folder of them"));
    }
    let lists = args.crl.as_deref().map(revocation_lists).transpose()?;
    let mut scene = Scene { args, lists, trusted: None, opener: Opener::new(&args.passphrase)?, public_key: None };
    let mut count = 0;
    for target in targets(&args.certificate)? {
        match scene.file(&target, term) {
            Ok(answers) => {
                count += answers.len();
                for answer in answers {
                    each(answer, term);
                }
            }
            Err(failure) if !target.is_found => return Err(failure),
            Err(failure) => {
                count += 1;
                each(Err(NotKnown { place: Place::file(&target.path), failure }), term);
            }
        }
    }
    if count == 0 {
        let why = format!("there is no certificate of a server or a client in `{}`", args.certificate.display());
        return Err(Failure::new(Exit::FAILED, why));
    }
    Ok(())
}

impl Scene<'_> {
    fn file(&mut self, target: &Target, term: &mut Term) -> Result<Vec<Result<Answer, NotKnown>>, Failure> {
        let path = &target.path;
        let Some(read) = target.read() else { return Ok(Vec::new()) };
        let contents = read.map_err(|error| not_read("certificate", &error))?;
        // For all keys and stores of the file.
        let mut work = Work::default();
        let (contents, mut not_known) = self.open(contents, target, &mut work, term)?;
        if contents.form.is_plain() && !not_known.is_empty() {
            return Err(not_known.swap_remove(0).failure);
        }
        let chains = chains(path, &contents);
        let is_of_others = target.is_found && chains.iter().all(|chain| chain.certificates[0].is_ca());
        if chains.is_empty() && !is_of_others && not_known.is_empty() {
            let found = read::what_is(path).unwrap_or(Kind::Form(contents.form));
            let problem = ReadProblem::Not { wanted: Kind::Certificate, found };
            return Err(not_read("certificate", &ReadError { path: path.clone(), problem }));
        }
        // A key may be that of a certificate of which nothing is known.
        let is_alone = chains.len() == 1 && not_known.is_empty();
        let mut answers = Vec::new();
        if !is_of_others {
            let keys = Keys::of(&contents, is_alone, self.opener.given(), &mut work);
            for chain in &chains {
                answers.push(Ok(self.answer(chain, keys.own(chain, is_alone), term)?));
            }
        }
        answers.extend(not_known.into_iter().map(Err));
        Ok(answers)
    }

    /// The contents with their stores opened, without the parts of which something is not known, and these.
    fn open(
        &self,
        contents: Contents,
        target: &Target,
        work: &mut Work,
        term: &mut Term,
    ) -> Result<(Contents, Vec<NotKnown>), Failure> {
        let store = contents.found.iter().find(|found| matches!(found.item, Item::Store(_)));
        let secret = match store {
            Some(store) if !target.is_found => self.opener.for_stores(&store.place(&target.path), term)?,
            _ => None,
        };
        let secret = secret.map(Secret::expose).or(self.opener.given());
        let mut found = opened(contents.found, secret, Wanted::All, work);
        let (mut not_known, mut unknown) = (Vec::new(), HashSet::new());
        for found in &found {
            let place = found.place(&target.path);
            let failure = match &found.item {
                Item::Closed(closed) => not_opened(&place, closed),
                Item::Damaged(what) => sentences::not_known(&place, &format!("the {what} in it is damaged")),
                Item::Unknown(kind) if found.is_promised() => {
                    sentences::not_known(&place, &format!("it is {}", kind.describe()))
                }
                _ => continue,
            };
            unknown.insert((found.part.clone(), found.value));
            not_known.push(NotKnown { place, failure });
        }
        found.retain(|found| !unknown.contains(&(found.part.clone(), found.value)));
        Ok((Contents { found, ..contents }, not_known))
    }

    fn answer(&mut self, chain: &Chain, own: Own, term: &mut Term) -> Result<Answer, Failure> {
        let args = self.args;
        let ca = args.ca.clone().unwrap_or_else(|| chain.place.file.with_file_name("ca.crt"));
        self.trust(ca)?;
        let Some((ca, trusted)) = &self.trusted else { return Err(Failure::new(Exit::FAILED, "no CA was read")) };
        let mut verified = verify(&Asked {
            file: &chain.place.file,
            chain: &chain.certificates,
            trusted,
            trusted_file: ca,
            revocation: self.lists.as_deref(),
            host: args.host.as_deref(),
            purpose: args.purpose.map(purpose),
            now: args.at.unwrap_or_else(now),
        });
        match own {
            Own::Fits => {}
            Own::Refused(finding) => verified.refuse(finding),
            Own::NotKnown(finding) => verified.findings.push(finding),
        }
        if let Some(key) = &args.key {
            let public_key = match self.public_key.take() {
                Some(public_key) => public_key,
                None => public_key_of_pair(key, &self.opener, term)?,
            };
            verified.compare(&chain.place.file, key, &public_key);
            self.public_key = Some(public_key);
        }
        Ok(Answer {
            place: chain.place.clone(),
            subject: verified.leaf.subject.clone(),
            issuer: verified.leaf.issuer.clone(),
            is_good: accepted(args.stack, &verified),
            opinions: verified.opinions,
            findings: verified.findings,
        })
    }

    /// Reads the CAs that are trusted, unless they are those of before.
    fn trust(&mut self, ca: PathBuf) -> Result<(), Failure> {
        if self.trusted.as_ref().is_some_and(|(last, _)| *last == ca) {
            return Ok(());
        }
        let named = || {
            "--ca FILE names the CA; the one that came with a certificate is trusted where it is named so".to_owned()
        };
        let read = read::contents(&ca).map_err(|error| not_read("CA", &error));
        let Contents { form, found, .. } =
            if self.args.ca.is_some() { read? } else { read.map_err(|failure| failure.hint(named()))? };
        let found = opened(found, self.opener.given(), Wanted::Certificates, &mut Work::default());
        let is_store = found.iter().any(|found| matches!(found.item, Item::Opened { .. } | Item::Closed(_)));
        let mut trusted = Vec::new();
        for found in found {
            let place = found.place(&ca);
            match found.item {
                Item::Certificate(certificate) => trusted.push(*certificate),
                Item::Damaged(what) => {
                    let why = format!("cannot read `{place}`: the {what} in it is damaged");
                    return Err(Failure::new(Exit::FAILED, why));
                }
                Item::Closed(Closed::Decrypt(error)) => return Err(not_decrypted(&ca, &error)),
                _ => {}
            }
        }
        // Of a file for a device only its CA is one.
        if !form.is_plain() || is_store {
            trusted.retain(Certificate::is_ca);
        }
        if trusted.is_empty() {
            let problem =
                ReadProblem::Not { wanted: Kind::Certificate, found: read::what_is(&ca).unwrap_or(Kind::Form(form)) };
            return Err(not_read("CA", &ReadError { path: ca, problem }));
        }
        self.trusted = Some((ca, trusted));
        Ok(())
    }
}

/// The keys that lie in a file, by what the names of their parts have in common with those of their certificates. Each is opened once,
/// however many certificates there are.
#[derive(Default)]
struct Keys(HashMap<PathBuf, KeysOfStem>);

#[derive(Default)]
struct KeysOfStem {
    /// The public half of each, as a certificate holds it.
    open: HashSet<Vec<u8>>,
    is_unusable: bool,
    /// Why one stays closed.
    closed: Option<String>,
}

impl Keys {
    /// `passphrase` opens those that are encrypted, if it does. With `is_alone` there is one certificate, and all are for it.
    fn of(contents: &Contents, is_alone: bool, passphrase: Option<&[u8]>, work: &mut Work) -> Self {
        let mut all = HashMap::<_, KeysOfStem>::new();
        for found in &contents.found {
            let Item::Key(key) = &found.item else { continue };
            let keys = all.entry(if is_alone { PathBuf::new() } else { stem(found.part.as_deref()) }).or_default();
            let public_key = match (key, passphrase) {
                (EncodedKey::Plain(key), _) => key.public_key(),
                (EncodedKey::Encrypted(_), None) => {
                    keys.closed = Some("it is encrypted".to_owned());
                    continue;
                }
                (EncodedKey::Encrypted(key), Some(passphrase)) => match key.decrypt_within(passphrase, work) {
                    Ok(key) => key.public_key(),
                    Err(error) => {
                        keys.closed = Some(files::closed(&error));
                        continue;
                    }
                },
            };
            match public_key {
                Some(public_key) => {
                    keys.open.insert(public_key);
                }
                None => keys.is_unusable = true,
            }
        }
        Self(all)
    }

    /// Whether one of them is that of the certificate at the head of `chain`.
    fn own(&self, chain: &Chain, is_alone: bool) -> Own {
        let file = &chain.place.file;
        let leaf = &chain.certificates[0];
        let stem = if is_alone { PathBuf::new() } else { stem(chain.place.part.as_deref()) };
        let Some(keys) = self.0.get(&stem) else { return Own::Fits };
        if keys.open.contains(&leaf.public_key.bits) {
            return Own::Fits;
        }
        if keys.is_unusable {
            return Own::Refused(unusable(file));
        }
        if !keys.open.is_empty() {
            return Own::Refused(files::mismatch_within(file, &leaf.subject.to_string()));
        }
        let Some(why) = &keys.closed else { return Own::Fits };
        let what = format!("whether the key in `{}` is the certificate's own is not known: {why}", file.display());
        let hint = "--pass-file FILE, --pass-env VAR or --pass-fd N opens it";
        Own::NotKnown(Finding::note("key.encrypted", what).fix(hint))
    }
}

/// What is known of a key that lies beside a certificate in one file.
enum Own {
    /// It is the certificate's, or there is none.
    Fits,
    Refused(Finding),
    NotKnown(Finding),
}

/// What names of parts have in common that belong together: `dev1/dev1.crt` and `dev1/dev1.key`.
fn stem(part: Option<&str>) -> PathBuf {
    Path::new(part.unwrap_or_default()).with_extension("")
}

/// The chains that a file holds: of PEM and DER the one that it is, of other forms that of each certificate that is no CA's, or the first if
/// all are.
fn chains(path: &Path, contents: &Contents) -> Vec<Chain> {
    let is_store = contents.found.iter().any(|found| matches!(found.item, Item::Opened { .. }));
    let certificates = |group: &[Found]| -> Vec<Certificate> {
        let certificate = |found: &Found| match &found.item {
            Item::Certificate(certificate) => Some((**certificate).clone()),
            _ => None,
        };
        group.iter().filter_map(certificate).collect()
    };
    if contents.form.is_plain() && !is_store {
        let certificates = certificates(&contents.found);
        let chain = Chain { place: Place::file(path), certificates };
        return if chain.certificates.is_empty() { Vec::new() } else { vec![chain] };
    }
    let keys: HashSet<_> = contents
        .found
        .iter()
        .filter_map(|found| match &found.item {
            Item::Key(EncodedKey::Plain(key)) => key.public_key(),
            _ => None,
        })
        .collect();
    let mut chains = Vec::<Chain>::new();
    // Where the chain of a certificate is, by its DER form.
    let mut known = HashMap::<Vec<u8>, usize>::new();
    let mut authorities = Vec::new();
    for group in contents.found.chunk_by(Found::is_with) {
        let mut all = certificates(group);
        // A store holds them in any order: the one whose key there is comes first, or else one that is no CA's.
        let first = all
            .iter()
            .position(|it| keys.contains(&it.public_key.bits))
            .or_else(|| all.iter().position(|it| !it.is_ca()))
            .unwrap_or_default();
        if !all.is_empty() {
            all[..=first].rotate_right(1);
        }
        let place = group[0].place(path);
        match all.first() {
            None => {}
            Some(first) if first.is_ca() => authorities.push(Chain { place, certificates: all }),
            // A chain file holds the certificate again.
            Some(first) => match known.get(&first.der) {
                Some(at) if chains[*at].certificates.len() >= all.len() => {}
                Some(at) => chains[*at].certificates = all,
                None => {
                    known.insert(first.der.clone(), chains.len());
                    chains.push(Chain { place, certificates: all });
                }
            },
        }
    }
    if chains.is_empty() {
        authorities.truncate(1);
        return authorities;
    }
    if let [chain] = &mut chains[..] {
        // Of a device's own file the intermediate CAs may stand under other names.
        let mut sent: HashSet<_> = chain.certificates.iter().map(|it| it.der.clone()).collect();
        for it in authorities.into_iter().flat_map(|chain| chain.certificates) {
            if !it.is_self_issued() && sent.insert(it.der.clone()) {
                chain.certificates.push(it);
            }
        }
    }
    chains
}

fn purpose(asked: Use) -> Purpose {
    match asked {
        Use::Client => Purpose::Client,
        Use::Server => Purpose::Server,
    }
}

/// Unless somebody was chosen, OpenSSL and moskit decide.
fn accepted(chosen: Option<Chosen>, verified: &Verified<'_>) -> bool {
    match chosen {
        Some(chosen) => verified.is_accepted_by(|stack| chosen.includes(stack)),
        None => verified.is_believed() && verified.is_accepted_by(|stack| Chosen::Openssl.includes(stack)),
    }
}

/// The lists of a file, in whatever form, at least one.
fn revocation_lists(path: &Path) -> Result<Vec<RevocationList>, Failure> {
    let mut lists = Vec::new();
    let Contents { found, passed_over, .. } = contents(path)?;
    if let Some(fault) = passed_over.first() {
        return Err(files::passed_over("revocation list", path, *fault).into_failure(Exit::FAILED));
    }
    for found in found {
        let (place, is_promised) = (found.place(path), found.is_promised());
        match found.item {
            Item::RevocationList(list) => lists.push(list),
            // It may be the list that names the certificate.
            Item::Unknown(kind) if is_promised => {
                return Err(sentences::not_known(&place, &format!("it is {}", kind.describe())));
            }
            Item::Damaged(_) => {
                return Err(Failure::new(Exit::FAILED, format!("revocation list `{}` is malformed", path.display())));
            }
            _ => {}
        }
    }
    if lists.is_empty() {
        let found = read::what_is(path).map_err(|error| not_read("revocation list", &error))?;
        let problem = ReadProblem::Not { wanted: Kind::RevocationList, found };
        return Err(not_read("revocation list", &ReadError { path: path.to_owned(), problem }));
    }
    Ok(lists)
}
