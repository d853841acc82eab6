//! `certgen verify`: reads what is asked about, and says whether the chosen clients believe it.

use std::path::Path;

use super::content::public_key;
use super::dates::now;
use super::explain::not_read;
use super::issuer::certificates;
use super::options::{Chosen, Use, VerifyArgs};
use crate::diagnose::Finding;
use crate::diagnose::stacks::Opinion;
use crate::examine::verify::{Asked, Verified, verify};
use crate::pki::chain::Purpose;
use crate::pki::name::DistinguishedName;
use crate::pki::read;
use crate::pki::revocation::RevocationList;
use crate::term::{Exit, Failure, Term};

/// The answer for a certificate.
pub struct Answer {
    pub subject: DistinguishedName,
    pub issuer: DistinguishedName,
    pub is_good: bool,
    pub opinions: Vec<Opinion>,
    pub findings: Vec<Finding>,
}

pub fn run(args: &VerifyArgs, term: &mut Term) -> Result<Answer, Failure> {
    let chain = certificates(&args.certificate)?;
    let ca = args.ca.clone().unwrap_or_else(|| args.certificate.with_file_name("ca.crt"));
    let trusted = certificates(&ca)?;
    let lists = args.crl.as_deref().map(revocation_lists).transpose()?;
    let mut verified = verify(&Asked {
        file: &args.certificate,
        chain: &chain,
        trusted: &trusted,
        trusted_file: &ca,
        revocation: lists.as_deref(),
        host: args.host.as_deref(),
        purpose: args.purpose.map(purpose),
        now: args.at.unwrap_or_else(now),
    });
    if let Some(key) = &args.key {
        verified.compare(&args.certificate, key, &public_key(key, &args.passphrase, term)?);
    }
    Ok(Answer {
        subject: verified.leaf.subject.clone(),
        issuer: verified.leaf.issuer.clone(),
        is_good: accepted(args.stack, &verified),
        opinions: verified.opinions,
        findings: verified.findings,
    })
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

fn revocation_lists(path: &Path) -> Result<Vec<RevocationList>, Failure> {
    let ders = read::revocation_lists(path).map_err(|error| not_read("revocation list", &error))?;
    ders.iter()
        .map(|der| {
            RevocationList::parse(der)
                .map_err(|_| Failure::new(Exit::FAILED, format!("revocation list `{}` is malformed", path.display())))
        })
        .collect()
}
