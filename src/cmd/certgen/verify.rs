//! `certgen verify`: whether a certificate does its job, for each family of TLS clients.

use std::path::Path;

use serde_json::{Value, json};

use super::content::public_key;
use super::dates::now;
use super::explain::not_read;
use super::issuer::certificates;
use super::options::{Chosen, Use, VerifyArgs};
use crate::cmd::findings;
use crate::diagnose::chain::{self, SOON, Scene};
use crate::diagnose::stacks::{Opinion, opinions};
use crate::diagnose::{Finding, files};
use crate::pki::certificate::Certificate;
use crate::pki::chain::{Anchors, Purpose, Question, Verdict, judge};
use crate::pki::name::PeerName;
use crate::pki::read;
use crate::pki::revocation::RevocationList;
use crate::term::{Exit, Failure, Term, escape_controls};

pub fn run(args: &VerifyArgs, term: &mut Term) -> Result<Exit, Failure> {
    let chain = certificates(&args.certificate)?;
    let leaf = &chain[0];
    let ca = args.ca.clone().unwrap_or_else(|| args.certificate.with_file_name("ca.crt"));
    let anchors = Anchors::new(certificates(&ca)?.iter().map(|certificate| certificate.der.as_slice()));
    let lists = args.crl.as_deref().map(revocation_lists).transpose()?;
    let asked = args.host.as_deref().map(PeerName::new);
    let purpose = purpose(args, leaf);
    let now = args.at.unwrap_or_else(now);
    let question = Question { purpose, name: asked.as_ref(), now, check_dates: true, revocation: lists.as_deref() };
    let presented: Vec<_> = chain.iter().map(|certificate| certificate.der.as_slice()).collect();
    let verdict = judge(&presented, &anchors, &question);
    let trusted = ca.display().to_string();
    let scene = Scene { purpose, now, trusted: &trusted, file: Some(&args.certificate) };
    let mut found = chain::findings(&verdict, asked.as_ref(), scene, SOON);
    let opinions = opinions(&verdict, asked.as_ref());
    let mut fits = true;
    if let Some(key) = &args.key
        && public_key(key, &args.passphrase, term)? != leaf.public_key.info
    {
        fits = false;
        found.insert(0, files::mismatch(&args.certificate, key));
    }
    let accepted = fits && accepted(args.stack, &verdict, &opinions);
    if args.json {
        term.line(to_json(args, accepted, &opinions, &found));
    } else {
        tell(args, leaf, accepted, &opinions, &found, term);
    }
    Ok(if accepted { Exit::OK } else { Exit::FAILED })
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

fn purpose(args: &VerifyArgs, leaf: &Certificate) -> Purpose {
    match args.purpose {
        Some(Use::Client) => Purpose::Client,
        Some(Use::Server) => Purpose::Server,
        None => Purpose::guess(leaf, args.host.is_some()),
    }
}

fn accepted(chosen: Option<Chosen>, verdict: &Verdict, opinions: &[Opinion]) -> bool {
    let all_of =
        |chosen: Chosen| opinions.iter().filter(|opinion| chosen.includes(opinion.stack)).all(Opinion::accepts);
    match chosen {
        Some(chosen) => all_of(chosen),
        None => verdict.is_accepted() && all_of(Chosen::Openssl),
    }
}

fn tell(
    args: &VerifyArgs,
    leaf: &Certificate,
    accepted: bool,
    opinions: &[Opinion],
    found: &[Finding],
    term: &mut Term,
) {
    let answer = if accepted { "good" } else { "not good" };
    term.line(format_args!("{}: {answer}", escape_controls(&args.certificate.display().to_string())));
    term.line(format_args!(
        "  {}, issued by {}",
        escape_controls(&leaf.subject.to_string()),
        escape_controls(&leaf.issuer.to_string())
    ));
    let width = findings::columns(term);
    for opinion in opinions {
        let (sign, text) = findings::opinion(opinion);
        for (index, part) in findings::wrap(&text, width.saturating_sub(4)).into_iter().enumerate() {
            let sign = if index == 0 { sign.paint() } else { " ".to_owned() };
            term.line(format_args!("  {sign} {part}"));
        }
    }
    for finding in found {
        for line in findings::lines(finding, 0, width) {
            term.line(line);
        }
    }
}

fn to_json(args: &VerifyArgs, accepted: bool, opinions: &[Opinion], found: &[Finding]) -> Value {
    json!({
        "target": args.certificate.display().to_string(),
        "good": accepted,
        "verdicts": findings::verdicts(opinions),
        "findings": found.iter().map(findings::json).collect::<Vec<_>>(),
    })
}
