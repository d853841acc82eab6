//! `certgen verify`: whether a certificate does its job, for each family of TLS clients.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::content::public_key;
use super::dates::{now, parse_instant};
use super::explain::not_read;
use super::options::certificates;
use super::passphrase::Passphrase;
use crate::diagnose::chain::{Scene, advice, problem, warning};
use crate::diagnose::stacks::{Opinion, Stack, opinions};
use crate::diagnose::{Finding, files};
use crate::pki::certificate::Certificate;
use crate::pki::chain::{Anchors, Purpose, Question, Verdict, judge};
use crate::pki::name::PeerName;
use crate::pki::read;
use crate::pki::revocation::RevocationList;
use crate::term::{Exit, Failure, Term, escape_controls};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The certificate, and behind it in the same file its intermediate CAs
    #[arg(value_name = "CERT", value_hint = clap::ValueHint::FilePath)]
    certificate: PathBuf,
    /// The CAs that are trusted [default: ca.crt beside CERT]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    ca: Option<PathBuf>,
    /// The private key that should belong to CERT
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    key: Option<PathBuf>,
    /// The host or address that clients connect to
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// What the certificate is used for [default: what it says, else server]
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<Use>,
    /// The revocation list that must speak for the certificate
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    crl: Option<PathBuf>,
    /// Let these clients decide [default: OpenSSL's and moskit's do, the others are told]
    #[arg(long, value_name = "STACK")]
    stack: Option<Chosen>,
    /// Judge as of this moment instead of now
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    at: Option<i64>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    passphrase: Passphrase,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Use {
    Server,
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Chosen {
    Openssl,
    Rustls,
    Mbedtls,
    All,
}

impl Chosen {
    fn includes(self, stack: Stack) -> bool {
        self == Self::All
            || matches!(
                (self, stack),
                (Self::Openssl, Stack::OpenSsl) | (Self::Rustls, Stack::Rustls) | (Self::Mbedtls, Stack::MbedTls)
            )
    }
}

pub fn run(args: &Args, term: &mut Term) -> Result<Exit, Failure> {
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
    let mut findings = findings(&verdict, leaf, asked.as_ref(), scene);
    let opinions = opinions(&verdict, asked.as_ref());
    let mut fits = true;
    if let Some(key) = &args.key
        && public_key(key, &args.passphrase, term)? != leaf.public_key.info
    {
        fits = false;
        findings.insert(0, files::mismatch(&args.certificate, key));
    }
    let accepted = fits && accepted(args.stack, &verdict, &opinions);
    if args.json {
        term.line(to_json(args, accepted, &opinions, &findings));
    } else {
        tell(args, leaf, accepted, &opinions, &findings, term);
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

fn purpose(args: &Args, leaf: &Certificate) -> Purpose {
    let says_client = leaf.extended_key_usage.as_ref().is_some_and(|usage| usage.client && !usage.server);
    match args.purpose {
        Some(Use::Client) => Purpose::Client,
        None if says_client && args.host.is_none() => Purpose::Client,
        Some(Use::Server) | None => Purpose::Server,
    }
}

fn findings(verdict: &Verdict, leaf: &Certificate, asked: Option<&PeerName>, scene: Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<_> = verdict.problems.iter().map(|it| problem(it, scene)).collect();
    found.extend(verdict.warnings.iter().map(|it| warning(*it, leaf, asked, scene)));
    found.extend(advice(leaf, scene));
    found
}

fn accepted(chosen: Option<Chosen>, verdict: &Verdict, opinions: &[Opinion]) -> bool {
    let all_of =
        |chosen: Chosen| opinions.iter().filter(|opinion| chosen.includes(opinion.stack)).all(Opinion::accepts);
    match chosen {
        Some(chosen) => all_of(chosen),
        None => verdict.is_accepted() && all_of(Chosen::Openssl),
    }
}

fn tell(args: &Args, leaf: &Certificate, accepted: bool, opinions: &[Opinion], findings: &[Finding], term: &mut Term) {
    let answer = if accepted { "good" } else { "not good" };
    term.line(format_args!("{}: {answer}", escape_controls(&args.certificate.display().to_string())));
    term.line(format_args!(
        "  {}, issued by {}",
        escape_controls(&leaf.subject.to_string()),
        escape_controls(&leaf.issuer.to_string())
    ));
    for opinion in opinions {
        let verdict = match (&opinion.refusal, opinion.reservation) {
            (Some(why), _) => format!("refuse it: {why}"),
            (None, Some(but)) => format!("take it, but {but}"),
            (None, None) => "take it".to_owned(),
        };
        term.line(format_args!("  {} {verdict}", opinion.stack.users()));
    }
    for finding in findings {
        show(finding, "", term);
    }
}

/// A finding as lines: what, what speaks for it, what to do. `place` is where it was found.
pub fn show(finding: &Finding, place: &str, term: &mut Term) {
    let place = if place.is_empty() { String::new() } else { format!("{}: ", escape_controls(place)) };
    term.line(format_args!("{} {}: {place}{}", finding.severity.name(), finding.id, escape_controls(&finding.what)));
    for fact in &finding.evidence {
        term.line(format_args!("  {}", escape_controls(fact)));
    }
    if let Some(fix) = &finding.fix {
        term.line(format_args!("  hint: {}", escape_controls(fix)));
    }
}

pub fn finding_json(finding: &Finding) -> Value {
    json!({
        "id": finding.id,
        "severity": finding.severity.name(),
        "what": finding.what,
        "evidence": finding.evidence,
        "fix": finding.fix,
    })
}

fn to_json(args: &Args, accepted: bool, opinions: &[Opinion], findings: &[Finding]) -> Value {
    let stacks: Vec<_> = opinions
        .iter()
        .map(|opinion| {
            json!({
                "stack": opinion.stack.name(),
                "accepts": opinion.accepts(),
                "refusal": opinion.refusal,
                "reservation": opinion.reservation,
            })
        })
        .collect();
    json!({
        "target": args.certificate.display().to_string(),
        "good": accepted,
        "stacks": stacks,
        "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}
