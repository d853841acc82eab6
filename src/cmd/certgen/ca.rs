//! `certgen ca`: a root, or an intermediate below another authority.

use super::dates::now;
use super::files::{Folder, KEY_MODE, NewFile, Replacing, lock_beside, stem, write_all};
use super::index_file::index_path;
use super::issuer::{OpenIssuer, open_issuer};
use super::made::Made;
use super::options::{CA_DAYS, CaArgs, INTERMEDIATE_DAYS, NewKey, Passphrase};
use super::register::publish;
use super::sentences::{bad_name, not_made};
use crate::pki::index::Header;
use crate::pki::make::{Authority, AuthorityPlan, KeyPair, PermittedNames, random_suffix};
use crate::term::{Exit, Failure, Term};

pub fn run(args: &CaArgs, term: &mut Term) -> Result<Made, Failure> {
    let now = now();
    if args.passphrase.is_given() && !args.encrypt {
        return Err(Failure::new(Exit::USAGE, "a passphrase is given, but not --encrypt"));
    }
    let parent = match &args.parent {
        Some(path) => {
            let passphrase = Passphrase {
                file: args.parent_pass_file.clone(),
                variable: args.parent_pass_env.clone(),
                descriptor: args.parent_pass_fd,
            };
            Some(open_issuer(path, args.parent_key.as_deref(), &passphrase, now, term)?)
        }
        None => None,
    };
    args.key.warn(term);
    let issuer = parent.as_ref().map(|parent| parent.authority.certificate());
    let plan = AuthorityPlan {
        subject: args.subject.with(Some(if args.exact_name { args.name.clone() } else { common_name(&args.name)? })),
        validity: args.lifetime.validity(now, if issuer.is_some() { INTERMEDIATE_DAYS } else { CA_DAYS }, issuer, term),
        path_length: args.path_len,
        permitted: PermittedNames::parse(args.name_constraint.iter().map(String::as_str))
            .map_err(|error| bad_name("make the CA", &error))?,
    };
    let authority = make(&plan, &args.key, parent.as_ref())?;
    let stem = match (&args.stem, &parent) {
        (Some(given), _) => stem(given)?,
        (None, None) => "ca".to_owned(),
        (None, Some(_)) => stem(&args.name.to_lowercase().replace(char::is_whitespace, "-"))?,
    };
    let folder = Folder::make(&args.destination.out)?;
    let (crt, key) =
        (args.destination.out.join(format!("{stem}.crt")), args.destination.out.join(format!("{stem}.key")));
    let secret = if args.encrypt { Some(args.passphrase.to_protect(&key, term)?) } else { None };
    let mut files = vec![
        NewFile::certificates(crt.clone(), [authority.certificate().der.as_slice()]),
        NewFile::key(key, authority.key(), secret.as_ref())?,
    ];
    if let Some(parent) = &parent {
        let chain = [authority.certificate()].into_iter().chain(&parent.chain);
        files.push(NewFile::certificates(super::options::chain_path(&crt), chain.map(|it| it.der.as_slice())));
    }
    files.push(NewFile::new(index_path(&crt), Header::of(authority.certificate()).line(), KEY_MODE));
    let replacing = Replacing::forced_authority(args.destination.force);
    match &parent {
        Some(parent) => {
            let lock = lock_beside(&crt, term)?;
            publish(parent, &[(authority.certificate(), &crt)], &files, replacing, &lock)?;
        }
        None => write_all(&files, replacing, term)?,
    }
    folder.keep();
    let mut made = Made::new(authority.certificate().clone(), &files);
    if !args.name_constraint.is_empty() {
        made.notes.push("mbedTLS (ESP32) refuses every CA that has name constraints");
    }
    if secret.is_none() {
        made.notes.push("the key of the CA is not encrypted: keep it off the broker, or make it with --encrypt");
    }
    Ok(made)
}

fn make(plan: &AuthorityPlan, key: &NewKey, parent: Option<&OpenIssuer>) -> Result<Authority, Failure> {
    let made = KeyPair::generate(key.kind).and_then(|key| match parent {
        Some(parent) => parent.authority.sign_authority(plan, key),
        None => Authority::self_signed(plan, key),
    });
    made.map_err(|error| not_made("make the CA", error))
}

/// `Lab` → `Lab MQTT CA 3f2a`, `Lab CA` → `Lab CA 3f2a`.
pub fn common_name(name: &str) -> Result<String, Failure> {
    let name = name.trim();
    let suffix = random_suffix().map_err(|error| not_made("make the CA", error))?;
    let says_ca = name.split_whitespace().any(|word| word.eq_ignore_ascii_case("ca"));
    Ok(if name.is_empty() {
        String::new()
    } else if says_ca {
        format!("{name} {suffix}")
    } else {
        format!("{name} MQTT CA {suffix}")
    })
}
