//! `certgen csr` and `certgen sign`: a certificate for a key that never leaves its device.

use std::path::{Path, PathBuf};

use super::dates::now;
use super::files::{CERTIFICATE_MODE, Folder, NAME_THE_FILES, NewFile, Replacing, lock_beside, stem, write_all};
use super::leaf::{add, files, more_names};
use super::lifetime::warn_of_long_life;
use super::made::{Made, paths};
use super::options::{RequestArgs, SignArgs};
use super::register::publish;
use super::sentences::{bad_request, not_made, not_read};
use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::make::{KeyPair, Leaf, Purpose, Request, Subject, host, to_pem};
use crate::pki::read::{self, Kind, ReadError, ReadProblem, Section};
use crate::term::{Exit, Failure, Term};

/// The files that were written.
pub fn run_request(args: &RequestArgs, term: &mut Term) -> Result<Vec<PathBuf>, Failure> {
    let what = "make the request";
    if args.use_key.is_none() && !args.encrypt && args.passphrase.is_given() {
        return Err(Failure::new(Exit::USAGE, "a passphrase is given, but neither --encrypt nor --use-key"));
    }
    let mut names: Vec<AlternativeName> = Vec::new();
    let own = if args.name.contains('@') { args.name.parse() } else { host(&args.name) };
    add(&mut names, own);
    add(&mut names, more_names(&args.san, what)?);
    let key = if let Some(path) = &args.use_key {
        args.passphrase.read_pair(path, term)?
    } else {
        args.key.warn(term);
        KeyPair::generate(args.key.kind).map_err(|error| not_made(what, error))?
    };
    let subject = args.subject.with(Some(args.name.clone()));
    let request = Request::make(&subject, &names, &key).map_err(|error| not_made(what, error))?;
    let stem = stem(args.stem.as_ref().unwrap_or(&args.name)).map_err(|failure| failure.hint(NAME_THE_FILES))?;
    let text = to_pem("CERTIFICATE REQUEST", &request);
    let mut files =
        vec![NewFile::new(args.destination.out.join(format!("{stem}.csr")), text.as_bytes(), CERTIFICATE_MODE)];
    if args.use_key.is_none() {
        let path = args.destination.out.join(format!("{stem}.key"));
        let secret = if args.encrypt { Some(args.passphrase.to_protect(&path, term)?) } else { None };
        files.push(NewFile::key(path, &key, secret.as_ref())?);
    }
    let folder = Folder::make(&args.destination.out)?;
    write_all(&files, Replacing::forced(args.destination.force), term)?;
    folder.keep();
    Ok(paths(&files))
}

pub fn run_sign(args: &SignArgs, term: &mut Term) -> Result<Made, Failure> {
    let now = now();
    let request = read_request(&args.request)?;
    for refused in &request.refused {
        term.note(format_args!("warning: the request asks for {refused}, which it does not get"));
    }
    let mut names = request.names.clone();
    add(&mut names, more_names(&args.san, "sign the request")?);
    let purpose = args.profile.purpose();
    judge_request(&request, &names, purpose, &args.request)?;
    let issuer = args.issuer.open(now, term)?.registering(args.registration);
    let validity = args.lifetime.validity(now, args.profile.days(), Some(issuer.authority.certificate()), term);
    warn_of_long_life(validity, purpose, term);
    let leaf = Leaf { subject: Subject::default(), names, purpose, validity };
    let made = request.sign(&issuer.authority, &leaf).map_err(|error| not_made("sign the request", error))?;
    let certificate = Certificate::parse(&made)
        .map_err(|_| Failure::new(Exit::FAILED, "the request makes a certificate that cannot be read back"))?;
    let stem = stem(&args.request.file_stem().unwrap_or_default().to_string_lossy())?;
    let out = args.output.out.clone().or_else(|| args.request.parent().map(Path::to_owned)).unwrap_or_default();
    let crt = out.join(format!("{stem}.crt"));
    let files = files(&out, &stem, &certificate, None, &issuer, false)?;
    let folder = Folder::make(&out)?;
    let lock = lock_beside(&crt, term)?;
    publish(&issuer, &[(&certificate, &crt)], &files, Replacing::forced(args.output.force), &lock)?;
    drop(lock);
    folder.keep();
    Ok(Made::new(certificate, &files))
}

/// What speaks against a certificate for these names from the request in the file `path`, whoever signs it.
pub fn judge_request(
    request: &Request,
    names: &[AlternativeName],
    purpose: Purpose,
    path: &Path,
) -> Result<(), Failure> {
    let failed = |what: &str| Failure::new(Exit::FAILED, format!("the request `{}` {what}", path.display()));
    if names.is_empty() && purpose != Purpose::Client {
        return Err(failed("names no host").hint("--san HOST adds one"));
    }
    if names.is_empty() && request.subject.is_empty() {
        return Err(failed("has no name at all").hint("--san NAME adds one"));
    }
    if request.subject.common_names().nth(1).is_some() {
        let failure = failed("has more than one common name");
        return Err(failure.hint("programs take different ones of them for the user's: make the request with one"));
    }
    Ok(())
}

/// The request in a file, PEM or DER, of which its key's owner has signed all.
pub fn read_request(path: &Path) -> Result<Request, Failure> {
    let failed = |problem| ReadError { path: path.to_owned(), problem };
    let bytes = read::bytes(path).map_err(|error| not_read("request", &error))?;
    let sections = read::parse(&bytes).map_err(|problem| not_read("request", &failed(problem)))?;
    let found = sections.iter().find_map(|section| match section {
        Section::Request(der) => Some(der.as_slice()),
        _ => None,
    });
    match (found, sections.first()) {
        (Some(der), _) => Request::read(der).map_err(|error| bad_request(path, error)),
        (None, Some(other)) => {
            Err(not_read("request", &failed(ReadProblem::Not { wanted: Kind::Request, found: other.kind() })))
        }
        (None, None) => Request::read(&bytes).map_err(|error| bad_request(path, error)),
    }
}
