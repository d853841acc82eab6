//! Whether a certificate does its job, for each family of TLS clients.

use std::path::Path;

use crate::diagnose::Finding;
use crate::diagnose::chain::{self, SOON, Scene};
use crate::diagnose::stacks::{Opinion, Stack, opinions};
use crate::examine::files::no_pair;
use crate::pki::certificate::Certificate;
use crate::pki::chain::{Anchors, Purpose, Question, Verdict, judge};
use crate::pki::name::PeerName;
use crate::pki::revocation::RevocationList;

/// What is asked about a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Where the certificate comes from.
    pub file: &'a Path,
    /// The certificate, and behind it what would be sent with it; not empty.
    pub chain: &'a [Certificate],
    pub trusted: &'a [Certificate],
    /// Where the trusted ones come from.
    pub trusted_file: &'a Path,
    /// The lists that must speak for the certificate; `None` asks for none.
    pub revocation: Option<&'a [RevocationList]>,
    /// Whom it must be for.
    pub host: Option<&'a str>,
    /// `None`: what it says of itself.
    pub purpose: Option<Purpose>,
    /// Seconds since 1970.
    pub now: i64,
}

/// What the clients make of it.
#[derive(Debug)]
pub struct Verified<'a> {
    pub leaf: &'a Certificate,
    chain: &'a [Certificate],
    pub opinions: Vec<Opinion>,
    pub findings: Vec<Finding>,
    verdict: Verdict,
    key_fits: bool,
}

/// Judges a certificate.
pub fn verify<'a>(asked: &Asked<'a>) -> Verified<'a> {
    let leaf = &asked.chain[0];
    let name = asked.host.map(PeerName::new);
    let purpose = asked.purpose.unwrap_or_else(|| Purpose::guess(leaf, asked.host.is_some()));
    let anchors = Anchors::new(asked.trusted.iter().map(|certificate| certificate.der.as_slice()));
    let question =
        Question { purpose, name: name.as_ref(), now: asked.now, check_dates: true, revocation: asked.revocation };
    let presented: Vec<_> = asked.chain.iter().map(|certificate| certificate.der.as_slice()).collect();
    let verdict = judge(&presented, &anchors, &question);
    let trusted = asked.trusted_file.display().to_string();
    let scene = Scene { purpose, now: asked.now, trusted: &trusted, folder: None, file: Some(asked.file) };
    let findings = chain::findings(&verdict, name.as_ref(), scene, SOON);
    let opinions = opinions(&verdict, name.as_ref());
    Verified { leaf, chain: asked.chain, opinions, findings, verdict, key_fits: true }
}

impl Verified<'_> {
    /// What is wrong with its key, so that nobody can use the certificate.
    pub fn refuse(&mut self, finding: Finding) {
        self.key_fits = false;
        self.findings.insert(0, finding);
    }

    /// Compares the certificate of `file` with the key of `key`, whose SubjectPublicKeyInfo is `public_key`.
    pub fn compare(&mut self, file: &Path, key: &Path, public_key: &[u8]) {
        if let Some(finding) = no_pair(self.chain, |it| it.public_key.info == public_key, file, key) {
            self.refuse(finding);
        }
    }

    /// Whether moskit's own clients would believe it.
    pub fn is_believed(&self) -> bool {
        self.key_fits && self.verdict.is_accepted()
    }

    /// Whether all the stacks that `chosen` names accept it.
    pub fn is_accepted_by(&self, chosen: impl Fn(Stack) -> bool) -> bool {
        self.key_fits && self.opinions.iter().filter(|opinion| chosen(opinion.stack)).all(Opinion::accepts)
    }
}
