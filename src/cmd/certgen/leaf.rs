//! `certgen server` and `certgen client`: a key and a certificate signed by the CA.

use std::path::{Path, PathBuf};

use super::dates::now;
use super::files::{Folder, NAME_THE_FILES, NewFile, Replacing, lock_beside, stem};
use super::issuer::OpenIssuer;
use super::lifetime::warn_of_long_life;
use super::made::Made;
use super::options::{CLIENT_DAYS, ClientArgs, Common, Protection, SERVER_DAYS, ServerArgs, chain_path};
use super::register::publish;
use super::sentences::{bad_name, not_made};
use crate::os::process;
use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::make::{Error, KeyPair, KeyType, Leaf, NameError, Purpose, Subject, host};
use crate::term::{Exit, Failure, Secret, Term};

pub fn run_server(args: &ServerArgs, term: &mut Term) -> Result<Vec<Made>, Failure> {
    let what = "make a server certificate";
    let mut names = hosts(&args.hosts, args.auto_san).map_err(|error| bad_name(what, &error))?;
    add(&mut names, more_names(&args.common.san, what)?);
    if args.ip_as_dns {
        add_addresses_as_dns(&mut names);
    }
    let common_name = args.cn.clone().or_else(|| common_name(&names));
    let subject = args.common.subject.with(common_name);
    let first_host = args.hosts[0].split(',').next().unwrap_or_default().trim();
    let stem = stem(args.stem.as_deref().unwrap_or(first_host)).map_err(|failure| failure.hint(NAME_THE_FILES))?;
    let purpose = if args.common.both { Purpose::Both } else { Purpose::Server };
    let plan = Plan { what, subject, names, optional_names: Vec::new(), purpose, stem, days: SERVER_DAYS };
    args.common.make(&[plan], &Protection::default(), term)
}

pub fn run_client(args: &ClientArgs, term: &mut Term) -> Result<Vec<Made>, Failure> {
    let what = "make a client certificate";
    let more = more_names(&args.common.san, what)?;
    let plans = args.ids.iter().map(|id| {
        Ok(Plan {
            what,
            subject: args.common.subject.with(Some(id.clone())),
            names: more.clone(),
            optional_names: client_names(id, &more),
            purpose: if args.common.both { Purpose::Both } else { Purpose::Client },
            stem: stem(id)?,
            days: CLIENT_DAYS,
        })
    });
    args.common.make(&plans.collect::<Result<Vec<_>, Failure>>()?, &args.protection, term)
}

/// One certificate that was asked for.
struct Plan {
    what: &'static str,
    subject: Subject,
    names: Vec<AlternativeName>,
    /// Names that nobody asked for, left out where the CA may not sign for them.
    optional_names: Vec<AlternativeName>,
    purpose: Purpose,
    stem: String,
    days: u32,
}

impl Common {
    fn make(&self, plans: &[Plan], protection: &Protection, term: &mut Term) -> Result<Vec<Made>, Failure> {
        let now = now();
        reject_equal_stems(plans)?;
        let issuer = self.issuer.open(now, term)?.registering(self.registration);
        self.key.warn(term);
        let out = self.issuer.folder(&self.output);
        let folder = Folder::make(&out)?;
        let first_key = plans.first().map(|plan| out.join(format!("{}.key", plan.stem))).unwrap_or_default();
        // One passphrase for all that are made in one go.
        let secret = protection.passphrase(&first_key, term)?;
        let mut made = Vec::new();
        for plan in plans {
            let validity = self.lifetime.validity(now, plan.days, Some(issuer.authority.certificate()), term);
            warn_of_long_life(validity, plan.purpose, term);
            let leaf =
                Leaf { subject: plan.subject.clone(), names: plan.names.clone(), purpose: plan.purpose, validity };
            let (certificate, key) =
                sign(&issuer, leaf, &plan.optional_names, self.key.kind).map_err(|error| not_made(plan.what, error))?;
            let files = files(&out, &plan.stem, &certificate, Some((&key, secret.as_ref())), &issuer, self.bundle)?;
            made.push((certificate, files));
        }
        let (certificates, files): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let counts: Vec<_> = files.iter().map(Vec::len).collect();
        let all: Vec<_> = files.into_iter().flatten().collect();
        let issued: Vec<_> =
            certificates.iter().zip(plans).map(|(it, plan)| (it, out.join(format!("{}.crt", plan.stem)))).collect();
        let issued: Vec<_> = issued.iter().map(|(certificate, file)| (*certificate, file.as_path())).collect();
        let lock = lock_beside(&all[0].path, term)?;
        publish(&issuer, &issued, &all, Replacing::forced(self.output.force), &lock)?;
        drop(lock);
        folder.keep();
        let mut rest = all.as_slice();
        let made = certificates.into_iter().zip(counts).map(|(certificate, count)| {
            let (own, after) = rest.split_at(count);
            rest = after;
            Made::new(certificate, own)
        });
        Ok(made.collect())
    }
}

fn reject_equal_stems(plans: &[Plan]) -> Result<(), Failure> {
    for (at, plan) in plans.iter().enumerate() {
        if plans[..at].iter().any(|earlier| earlier.stem == plan.stem) {
            return Err(Failure::new(Exit::USAGE, format!("`{}` is given twice", plan.stem)));
        }
    }
    Ok(())
}

/// A new key and a certificate for it, with as many of the optional names as the CA may sign.
pub fn sign(
    issuer: &OpenIssuer,
    mut leaf: Leaf,
    optional: &[AlternativeName],
    kind: KeyType,
) -> Result<(Certificate, KeyPair), Error> {
    let key = KeyPair::generate(kind)?;
    let public_key = key.public_key();
    let asked = leaf.names.clone();
    leaf.names.extend_from_slice(optional);
    let made = match issuer.authority.sign(&leaf, &public_key) {
        Err(Error::OutsideConstraints { .. }) if !optional.is_empty() => {
            leaf.names = asked;
            issuer.authority.sign(&leaf, &public_key)
        }
        other => other,
    }?;
    Ok((Certificate::parse(&made).map_err(|_| Error::IssuerUnreadable)?, key))
}

/// The files of one leaf: its certificate, its key, if it is here, with the passphrase that encrypts it. A server's key stays in
/// the open: nobody is there to type a passphrase when a service starts.
pub fn files(
    folder: &Path,
    stem: &str,
    certificate: &Certificate,
    key: Option<(&KeyPair, Option<&Secret>)>,
    issuer: &OpenIssuer,
    bundle: bool,
) -> Result<Vec<NewFile>, Failure> {
    let crt: PathBuf = folder.join(format!("{stem}.crt"));
    let mut files = vec![NewFile::certificates(crt.clone(), [certificate.der.as_slice()])];
    if let Some((key, passphrase)) = key {
        files.push(NewFile::key(folder.join(format!("{stem}.key")), key, passphrase)?);
    }
    if bundle || !issuer.chain.is_empty() {
        let chain = [certificate].into_iter().chain(&issuer.chain);
        files.push(NewFile::certificates(chain_path(&crt), chain.map(|it| it.der.as_slice())));
    }
    Ok(files)
}

/// The names of a server, each once.
pub fn hosts(words: &[String], auto: bool) -> Result<Vec<AlternativeName>, NameError> {
    let mut names = Vec::new();
    for word in words.iter().flat_map(|word| word.split(',')) {
        add(&mut names, [host(word.trim())?]);
    }
    if auto {
        add(&mut names, own_names());
    }
    Ok(names)
}

/// What this machine is called from itself and, by multicast DNS, from its neighbours.
pub fn own_names() -> Vec<AlternativeName> {
    let name = process::host_name();
    let local = format!("{}.local", name.split('.').next().unwrap_or_default());
    [name.as_str(), &local, "localhost", "127.0.0.1", "::1"].iter().filter_map(|name| host(name).ok()).collect()
}

/// Adds the names that are not there yet.
pub fn add(names: &mut Vec<AlternativeName>, more: impl IntoIterator<Item = AlternativeName>) {
    for name in more {
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

pub fn add_addresses_as_dns(names: &mut Vec<AlternativeName>) {
    let addresses: Vec<_> = names
        .iter()
        .filter_map(|name| match name {
            AlternativeName::Ip(address) => Some(AlternativeName::Dns(address.to_string())),
            _ => None,
        })
        .collect();
    add(names, addresses);
}

/// The first host, if it is short enough for a common name.
pub fn common_name(names: &[AlternativeName]) -> Option<String> {
    let name = match names.first()? {
        AlternativeName::Dns(name) => name.clone(),
        AlternativeName::Ip(address) => address.to_string(),
        _ => return None,
    };
    Subject::fits(&name).then_some(name)
}

/// The alternative name that a client gets for its id, if that reads as one and is not asked for anyway.
pub fn client_names(id: &str, asked: &[AlternativeName]) -> Vec<AlternativeName> {
    let name = if id.contains('@') { format!("email:{id}").parse() } else { host(id) };
    name.ok().filter(|name| !asked.contains(name) && !matches!(name, AlternativeName::Ip(_))).into_iter().collect()
}

pub fn more_names(words: &[String], what: &str) -> Result<Vec<AlternativeName>, Failure> {
    words.iter().map(|word| word.parse().map_err(|error| bad_name(what, &error))).collect()
}
