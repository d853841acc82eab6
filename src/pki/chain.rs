//! Judges a chain of certificates: believed, or every reason why not. Pure; the time is an argument.
//!
//! Stricter than webpki about anchors (dates, CA:FALSE, short keys), as OpenSSL is, and more lenient in exactly
//! what MQTT's tutorials produce: an X.509 v1 leaf, a common name for want of a subjectAltName, and a
//! leaf or an intermediate that is itself configured as trusted. Leniency is told in [`Warning`]s.

use std::sync::Arc;

use super::certificate::Certificate;
use super::name::{DistinguishedName, Match, NotPermitted, PeerName, matches};
use super::revocation::{self, RevocationList, Status};
use super::signature::{KeyKind, SignatureError};

/// The most certificates that a peer may present.
pub const PRESENTED_LIMIT: usize = 16;

/// The most bytes of all presented certificates, which is OpenSSL's limit too.
pub const CHAIN_BYTES_LIMIT: usize = 100 * 1024;

/// The longest path from leaf to anchor, both counted.
pub const PATH_LIMIT: usize = 8;

/// The most signatures that are checked to find a path: a peer could present certificates of one
/// name that all seem to issue each other.
pub const SIGNATURE_LIMIT: usize = 64;

/// The certificates that are trusted because somebody said so.
#[derive(Clone, Debug, Default)]
pub struct Anchors(Vec<Arc<Certificate>>);

impl Anchors {
    /// What cannot be parsed is passed over; see [`Anchors::len`].
    pub fn new(ders: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut anchors: Vec<Arc<Certificate>> = Vec::new();
        for der in ders {
            if let Ok(certificate) = Certificate::parse(der.as_ref()) {
                anchors.push(Arc::new(certificate));
            }
        }
        Self(anchors)
    }

    /// These and those of `other`.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.0.iter()
    }

    fn named(&self, name: &DistinguishedName) -> impl Iterator<Item = &Arc<Certificate>> {
        self.0.iter().filter(move |anchor| anchor.subject == *name)
    }

    /// Whether a path may end at `certificate`. Servers demand of their clients what OpenSSL demands, an anchor that is
    /// self-signed; our own clients also take the server's certificate, or an intermediate, for one.
    fn end(&self, certificate: &Certificate, purpose: Purpose) -> bool {
        self.holds(certificate) && (purpose == Purpose::Server || is_root(certificate))
    }

    fn holds(&self, certificate: &Certificate) -> bool {
        self.0.iter().any(|anchor| anchor.der == certificate.der)
    }
}

/// What the leaf is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Server,
    Client,
}

impl Purpose {
    /// What a certificate is for, where nobody says it: a client's, if it says so of itself. Who names a host means a
    /// server, whatever the certificate says; then its usage is the fault.
    pub fn guess(leaf: &Certificate, host_is_named: bool) -> Self {
        let says_client = leaf.extended_key_usage.as_ref().is_some_and(|usage| usage.client && !usage.server);
        if says_client && !host_is_named { Self::Client } else { Self::Server }
    }
}

/// What is asked about a chain.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub purpose: Purpose,
    /// Whom the leaf must be; `None` asks for nobody in particular.
    pub name: Option<&'a PeerName>,
    /// Seconds since 1970.
    pub now: i64,
    pub check_dates: bool,
    /// The lists that must speak for the leaf; `None` asks for none.
    pub revocation: Option<&'a [RevocationList]>,
}

/// Why a chain is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    NothingPresented,
    TooLong,
    /// Not a certificate, by its place in what was presented.
    Malformed(usize),
    /// The first certificate is a CA of a later one: the peer's file has them in the wrong order.
    LeafNotFirst {
        first: Arc<Certificate>,
    },
    UnknownIssuer(UnknownIssuer),
    /// Issued by somebody who says, in the certificate, to be no root; that one was not presented.
    MissingIntermediate {
        certificate: Arc<Certificate>,
    },
    /// A CA of the issuer's name is known, but it has another key.
    SameNameOtherKey {
        certificate: Arc<Certificate>,
        ca: Arc<Certificate>,
    },
    /// The signature is not by the CA whose key it names.
    BadSignature {
        certificate: Arc<Certificate>,
        ca: Arc<Certificate>,
    },
    WeakSignature {
        certificate: Arc<Certificate>,
    },
    WeakKey {
        certificate: Arc<Certificate>,
    },
    /// Nobody here can check its signature.
    UnsupportedAlgorithm {
        certificate: Arc<Certificate>,
        /// What signed it.
        signer: KeyKind,
    },
    /// A leaf with a key that no handshake of ours takes.
    UnsupportedKey {
        certificate: Arc<Certificate>,
    },
    /// It issued the one below and may not.
    NotCa {
        certificate: Arc<Certificate>,
    },
    PathTooLong {
        ca: Arc<Certificate>,
    },
    NameNotPermitted {
        ca: Arc<Certificate>,
        name: String,
    },
    UnknownCriticalExtension {
        certificate: Arc<Certificate>,
        identifier: String,
    },
    Expired {
        certificate: Arc<Certificate>,
        is_leaf: bool,
    },
    NotYetValid {
        certificate: Arc<Certificate>,
        is_leaf: bool,
    },
    /// The extended key usage lacks the purpose, or the key usage everything that TLS needs.
    WrongUsage {
        certificate: Arc<Certificate>,
        purpose: Purpose,
    },
    WrongName {
        certificate: Arc<Certificate>,
        asked: PeerName,
        address_as_dns_name: bool,
    },
    Revoked {
        certificate: Arc<Certificate>,
        at: i64,
    },
    /// No list speaks for the leaf.
    RevocationUnknown {
        certificate: Arc<Certificate>,
    },
    RevocationListExpired {
        issuer: String,
        next_update: i64,
    },
    /// The list that speaks for the leaf is from the future.
    RevocationListNotYetValid {
        issuer: String,
        last_update: i64,
    },
}

/// Nobody that we know issued a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIssuer {
    pub certificate: Arc<Certificate>,
    /// It is the peer's own, and not a CA that was sent along.
    pub is_leaf: bool,
    pub self_signed: bool,
    /// The subjects of the anchors, at most [`UnknownIssuer::KNOWN_LIMIT`].
    pub known: Vec<String>,
    /// How many more anchors there are.
    pub more: usize,
}

impl UnknownIssuer {
    /// The most names of anchors in an error: more do not help a person.
    pub const KNOWN_LIMIT: usize = 5;
}

/// What was accepted and should be better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// No subjectAltName: rustls, Go and browsers refuse it.
    CommonNameOnly,
    /// X.509 v1: rustls refuses it.
    Version1,
    /// OpenSSL takes it for self-signed and refuses it.
    SubjectEqualsIssuer,
    /// A CA's certificate used by a server: rustls refuses it.
    CaAsLeaf,
    /// The path ends at what is trusted but is not self-signed: OpenSSL does not take that for an end.
    AnchorNotRoot {
        /// The peer sends it, too.
        is_sent: bool,
    },
}

/// The judgement.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The path that was judged, leaf first, as far as it was found.
    pub path: Vec<Arc<Certificate>>,
    /// How many of the path there are up to the first that is trusted by itself.
    pub trusted_at: usize,
    /// The path ends at what is trusted, or a certificate is judged alone.
    pub is_anchored: bool,
    /// The most telling one first; empty is yes.
    pub problems: Vec<Problem>,
    pub warnings: Vec<Warning>,
}

impl Verdict {
    pub fn is_accepted(&self) -> bool {
        self.problems.is_empty()
    }

    fn refused(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }

    /// The path as far as those need it who take any CA that is trusted for its end.
    pub fn partial_path(&self) -> &[Arc<Certificate>] {
        &self.path[..self.trusted_at.min(self.path.len())]
    }
}

/// Judges what a peer presented, its own certificate first.
pub fn judge(presented: &[impl AsRef<[u8]>], anchors: &Anchors, question: &Question<'_>) -> Verdict {
    let Some((first, others)) = presented.split_first() else { return Verdict::refused(Problem::NothingPresented) };
    let bytes: usize = presented.iter().map(|der| der.as_ref().len()).sum();
    if presented.len() > PRESENTED_LIMIT || bytes > CHAIN_BYTES_LIMIT {
        return Verdict::refused(Problem::TooLong);
    }
    let Ok(leaf) = Certificate::parse(first.as_ref()) else { return Verdict::refused(Problem::Malformed(0)) };
    // One that cannot be read cannot be on the path; without it the path is found, or is not.
    let others: Vec<_> = others.iter().filter_map(|der| Certificate::parse(der.as_ref()).ok()).map(Arc::new).collect();
    judge_leaf(&Arc::new(leaf), &others, anchors, question)
}

/// What can be said of one certificate without its issuer and without anybody who trusts it: all of [`judge`] but the
/// path, its signatures and the name.
pub fn judge_alone(certificate: &Arc<Certificate>, now: i64) -> Verdict {
    let is_leaf = !certificate.is_ca();
    let mut problems = Vec::new();
    if certificate.signature_algorithm.is_weak() && !certificate.is_self_issued() {
        problems.push(Problem::WeakSignature { certificate: certificate.clone() });
    }
    if is_leaf && !certificate.public_key.kind.is_usable() {
        problems.push(Problem::UnsupportedKey { certificate: certificate.clone() });
    }
    problems.extend(own_problems(certificate, is_leaf, now, true));
    let mut warnings = Vec::new();
    let serves = certificate.extended_key_usage.as_ref().is_none_or(|usage| usage.server);
    let has_names = certificate.alternative_names.as_ref().is_some_and(|names| !names.is_empty());
    if is_leaf && serves && !has_names && certificate.version == 3 {
        warnings.push(Warning::CommonNameOnly);
    }
    warnings.extend((certificate.version < 3).then_some(Warning::Version1));
    if is_leaf && certificate.is_self_issued() && !certificate.is_self_signed() {
        warnings.push(Warning::SubjectEqualsIssuer);
    }
    warnings.extend((!is_leaf && has_names).then_some(Warning::CaAsLeaf));
    Verdict { path: vec![certificate.clone()], trusted_at: 1, is_anchored: true, problems, warnings }
}

fn judge_leaf(
    leaf: &Arc<Certificate>,
    others: &[Arc<Certificate>],
    anchors: &Anchors,
    question: &Question<'_>,
) -> Verdict {
    let mut search = Search { others, anchors, question, signatures: 0, best: None };
    search.extend(&mut vec![leaf.clone()], &mut Vec::new());
    let Candidate { path, mut problems, anchored } = search.best.unwrap_or_else(|| Candidate::unanchored(leaf.clone()));
    if leaf.is_ca() && others.iter().any(|other| !other.is_ca() && other.issuer == leaf.subject) {
        problems.insert(0, Problem::LeafNotFirst { first: leaf.clone() });
    }
    // Nobody checked the last signature, and it is weak whoever made it.
    if let Some(last) = path.last().filter(|it| !anchored && it.signature_algorithm.is_weak() && !it.is_self_issued()) {
        problems.push(Problem::WeakSignature { certificate: last.clone() });
    }
    let mut warnings = Vec::new();
    if let Some(name) = question.name {
        let matched = matches(leaf.names(), name);
        match matched {
            Match::AlternativeName => {}
            Match::CommonName => warnings.push(Warning::CommonNameOnly),
            Match::No | Match::AddressAsDnsName => problems.push(Problem::WrongName {
                certificate: leaf.clone(),
                asked: name.clone(),
                address_as_dns_name: matched == Match::AddressAsDnsName,
            }),
        }
    }
    if leaf.version == 1 {
        warnings.push(Warning::Version1);
    }
    // One that has signed itself, and that nobody knows, is no more than unknown.
    let stands_alone = !anchored && leaf.is_self_signed();
    if leaf.is_self_issued() && !anchors.holds(leaf) && !stands_alone {
        warnings.push(Warning::SubjectEqualsIssuer);
    }
    if leaf.is_ca() && (anchors.holds(leaf) || stands_alone) {
        warnings.push(Warning::CaAsLeaf);
    }
    if let Some(anchor) = path.last().filter(|last| anchored && !is_root(last)) {
        let is_sent = path.len() == 1 || others.iter().any(|other| other.der == anchor.der);
        warnings.push(Warning::AnchorNotRoot { is_sent });
    }
    let trusted_at = path.iter().position(|certificate| anchors.holds(certificate)).map_or(path.len(), |at| at + 1);
    Verdict { path, trusted_at, is_anchored: anchored, problems, warnings }
}

/// A path and what speaks against it.
struct Candidate {
    path: Vec<Arc<Certificate>>,
    problems: Vec<Problem>,
    /// Ends at an anchor.
    anchored: bool,
}

impl Candidate {
    fn unanchored(leaf: Arc<Certificate>) -> Self {
        let problem =
            UnknownIssuer { certificate: leaf.clone(), is_leaf: true, self_signed: false, known: Vec::new(), more: 0 };
        Self { path: vec![leaf], problems: vec![Problem::UnknownIssuer(problem)], anchored: false }
    }

    /// Lower is better: no problem, then an anchor, then a root as the end, then few problems, then a long path.
    fn rank(&self) -> (bool, bool, bool, usize, usize) {
        let problems = self.problems.len();
        (problems > 0, !self.anchored, !self.ends_at_root(), problems, usize::MAX - self.path.len())
    }

    fn ends_at_root(&self) -> bool {
        self.path.last().is_some_and(|last| is_root(last))
    }
}

/// Looks for the best path, depth first.
struct Search<'a> {
    others: &'a [Arc<Certificate>],
    anchors: &'a Anchors,
    question: &'a Question<'a>,
    signatures: usize,
    best: Option<Candidate>,
}

impl Search<'_> {
    /// Goes on from the end of `path`; `problems` are those of the signatures on it so far.
    fn extend(&mut self, path: &mut Vec<Arc<Certificate>>, problems: &mut Vec<Problem>) {
        let Some(last) = path.last().cloned() else { return };
        if self.anchors.end(&last, self.question.purpose) {
            self.propose(path, problems.clone(), true);
            // Above an anchor that is no root there may be one that is, which is the end that everybody takes.
            if is_root(&last) {
                return;
            }
        }
        let is_new = |issuer: &&Arc<Certificate>| !path.iter().any(|seen| seen.der == issuer.der);
        let anchors: Vec<_> = self.anchors.named(&last.issuer).filter(is_new).cloned().collect();
        let presented = self.others.iter().filter(|other| other.subject == last.issuer);
        let presented: Vec<_> = presented.filter(is_new).cloned().collect();
        let mut extended = false;
        let mut other_key = None;
        for issuer in anchors.into_iter().chain(presented) {
            if self.is_found() || self.signatures >= SIGNATURE_LIMIT || path.len() >= PATH_LIMIT {
                break;
            }
            self.signatures += 1;
            let Ok(problem) = signature_problem(&last, &issuer) else {
                other_key.get_or_insert(issuer);
                continue;
            };
            extended = true;
            let before = problems.len();
            problems.extend(problem);
            path.push(issuer);
            self.extend(path, problems);
            path.pop();
            problems.truncate(before);
        }
        if !extended {
            let mut problems = problems.clone();
            problems.insert(0, self.why_no_issuer(&last, path.len() == 1, other_key));
            self.propose(path, problems, false);
        }
    }

    fn is_found(&self) -> bool {
        self.best.as_ref().is_some_and(|best| best.problems.is_empty() && best.ends_at_root())
    }

    fn propose(&mut self, path: &[Arc<Certificate>], mut problems: Vec<Problem>, anchored: bool) {
        problems.extend(path_problems(path, anchored, self.question));
        let candidate = Candidate { path: path.to_vec(), problems, anchored };
        if self.best.as_ref().is_none_or(|best| candidate.rank() < best.rank()) {
            self.best = Some(candidate);
        }
    }

    fn why_no_issuer(
        &self,
        certificate: &Arc<Certificate>,
        is_leaf: bool,
        other_key: Option<Arc<Certificate>>,
    ) -> Problem {
        let certificate = certificate.clone();
        let self_signed = certificate.is_self_signed();
        if let Some(ca) = other_key.filter(|_| !self_signed) {
            let named = certificate.authority_key_id.as_ref();
            let is_that_key = named.is_some() && named == ca.subject_key_id.as_ref();
            return if is_that_key {
                Problem::BadSignature { certificate, ca }
            } else {
                Problem::SameNameOtherKey { certificate, ca }
            };
        }
        let issuer_has_issuer = certificate.authority_issuer.as_ref().is_some_and(|above| *above != certificate.issuer);
        // Where nobody is trusted, it is not known that anything between is missing.
        if !self_signed && !self.anchors.is_empty() && (certificate.names_issuer_address || issuer_has_issuer) {
            return Problem::MissingIntermediate { certificate };
        }
        let known: Vec<_> =
            self.anchors.iter().take(UnknownIssuer::KNOWN_LIMIT).map(|anchor| anchor.subject.to_string()).collect();
        let more = self.anchors.len() - known.len();
        Problem::UnknownIssuer(UnknownIssuer { certificate, is_leaf, self_signed, known, more })
    }
}

/// The signature is not by this key.
struct ByAnotherKey;

/// What is wrong with the signature of `certificate` by `issuer`, if anything. A weak signature goes
/// on: the path it lies on is to be reported.
fn signature_problem(certificate: &Arc<Certificate>, issuer: &Certificate) -> Result<Option<Problem>, ByAnotherKey> {
    let verified =
        issuer.public_key.verify(&certificate.signature_algorithm, &certificate.signed, &certificate.signature);
    let certificate = || certificate.clone();
    match verified {
        Ok(()) => Ok(None),
        // The library checks no signature with so short a key; that key is a problem of its own.
        Err(SignatureError::Invalid) if issuer.public_key.is_weak() => Ok(None),
        Err(SignatureError::Invalid) => Err(ByAnotherKey),
        Err(SignatureError::Weak) => Ok(Some(Problem::WeakSignature { certificate: certificate() })),
        Err(SignatureError::Unsupported) => {
            let signer = issuer.public_key.kind.clone();
            Ok(Some(Problem::UnsupportedAlgorithm { certificate: certificate(), signer }))
        }
    }
}

/// Everything that speaks against a path but its signatures and the name of its leaf.
fn path_problems(path: &[Arc<Certificate>], anchored: bool, question: &Question<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (depth, certificate) in path.iter().enumerate() {
        let is_leaf = depth == 0;
        let is_anchor = anchored && depth + 1 == path.len();
        if is_leaf && !certificate.public_key.kind.is_usable() {
            problems.push(Problem::UnsupportedKey { certificate: certificate.clone() });
        }
        if !is_leaf {
            problems.extend(issuer_problems(&path[..=depth], is_anchor));
        }
        problems.extend(own_problems(certificate, is_leaf, question.now, question.check_dates));
        if !usage_fits(certificate, question.purpose, is_leaf) {
            problems.push(Problem::WrongUsage { certificate: certificate.clone(), purpose: question.purpose });
        }
    }
    if let Some(lists) = question.revocation {
        problems.extend(revocation_problems(path, anchored, lists, question.now));
    }
    problems
}

/// What speaks against a certificate wherever it stands.
fn own_problems(certificate: &Arc<Certificate>, is_leaf: bool, now: i64, check_dates: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    if certificate.public_key.is_weak() {
        problems.push(Problem::WeakKey { certificate: certificate.clone() });
    }
    if check_dates && now > certificate.not_after {
        problems.push(Problem::Expired { certificate: certificate.clone(), is_leaf });
    }
    if check_dates && now < certificate.not_before {
        problems.push(Problem::NotYetValid { certificate: certificate.clone(), is_leaf });
    }
    if let Some(identifier) = certificate.unknown_critical.first().cloned() {
        problems.push(Problem::UnknownCriticalExtension { certificate: certificate.clone(), identifier });
    }
    problems
}

/// What speaks against the last of `path` as the issuer of the one before it.
fn issuer_problems(path: &[Arc<Certificate>], is_anchor: bool) -> Vec<Problem> {
    let Some((ca, below)) = path.split_last() else { return Vec::new() };
    let mut problems = Vec::new();
    if !may_issue(ca, is_anchor) {
        problems.push(Problem::NotCa { certificate: ca.clone() });
    }
    let intermediates = below[1..].iter().filter(|certificate| !certificate.is_self_issued()).count();
    let path_length = ca.basic_constraints.and_then(|constraints| constraints.path_length);
    if path_length.is_some_and(|most| intermediates > most as usize) {
        problems.push(Problem::PathTooLong { ca: ca.clone() });
    }
    if let Some(constraints) = &ca.name_constraints {
        for (depth, certificate) in below.iter().enumerate() {
            // A self-issued intermediate is the CA itself with a new key (RFC 5280, 6.1.3 b).
            if depth > 0 && certificate.is_self_issued() {
                continue;
            }
            if let Err(NotPermitted(name)) = constraints.check(certificate.names(), certificate.is_ca()) {
                problems.push(Problem::NameNotPermitted { ca: ca.clone(), name });
            }
        }
    }
    problems
}

/// Below the anchor only what says CA:TRUE. The anchor itself may also be a v1 root, or one that
/// says by its key usage alone that it signs certificates; OpenSSL draws the line in the same place.
fn may_issue(ca: &Certificate, is_anchor: bool) -> bool {
    if ca.key_usage.is_some_and(|usage| !usage.certificate_sign) {
        return false;
    }
    match ca.basic_constraints {
        Some(constraints) => constraints.ca && ca.version == 3,
        None if !is_anchor => false,
        None => ca.key_usage.is_some() || (ca.version == 1 && ca.is_self_issued()),
    }
}

/// Whether the usages that a certificate lists, if it does, allow the purpose.
fn usage_fits(certificate: &Certificate, purpose: Purpose, is_leaf: bool) -> bool {
    let extended = certificate.extended_key_usage.as_ref().is_none_or(|usage| match purpose {
        Purpose::Server => usage.server,
        Purpose::Client => usage.client,
    });
    let basic = certificate.key_usage.is_none_or(|usage| match purpose {
        Purpose::Server => usage.digital_signature || usage.key_encipherment || usage.key_agreement,
        Purpose::Client => usage.digital_signature || usage.key_agreement,
    });
    extended && (basic || !is_leaf)
}

/// Some list must speak for the leaf, as OpenSSL demands with `-crl_check`. Of the certificates above it only what is
/// known counts: that one was revoked.
fn revocation_problems(
    path: &[Arc<Certificate>],
    anchored: bool,
    lists: &[RevocationList],
    now: i64,
) -> impl Iterator<Item = Problem> {
    let problem_of = move |certificate: &Arc<Certificate>, issuer: Option<&Arc<Certificate>>| {
        let certificate = certificate.clone();
        let Some(issuer) = issuer else { return Some(Problem::RevocationUnknown { certificate }) };
        let name = || issuer.subject.to_string();
        match revocation::status(&certificate, issuer, lists, now) {
            Status::Good => None,
            Status::Revoked(at) => Some(Problem::Revoked { certificate, at }),
            Status::Unknown => Some(Problem::RevocationUnknown { certificate }),
            Status::NotYetValid(last_update) => {
                Some(Problem::RevocationListNotYetValid { issuer: name(), last_update })
            }
            Status::Expired(next_update) => Some(Problem::RevocationListExpired { issuer: name(), next_update }),
        }
    };
    path.iter().enumerate().filter_map(move |(depth, certificate)| {
        // Only who issued itself is its own issuer.
        let itself = (is_root(certificate) && depth + 1 == path.len()).then_some(certificate);
        let issuer = path.get(depth + 1).or(itself);
        // Where the path breaks off at the leaf there is a worse problem.
        if issuer.is_none() && !anchored {
            return None;
        }
        let problem = problem_of(certificate, issuer);
        problem.filter(|problem| depth == 0 || matches!(problem, Problem::Revoked { .. }))
    })
}

/// A name that issued itself, with the key that it says signed it: there OpenSSL ends a path. The signature of what is
/// trusted is nobody's concern.
pub fn is_root(certificate: &Certificate) -> bool {
    let names_own_key = match (&certificate.authority_key_id, &certificate.subject_key_id) {
        (Some(named), Some(own)) => named == own,
        _ => true,
    };
    certificate.is_self_issued() && names_own_key
}

impl Problem {
    /// The stable id of the finding.
    pub fn id(&self) -> &'static str {
        match self {
            Self::NothingPresented | Self::TooLong | Self::Malformed(_) => "cert.malformed",
            Self::LeafNotFirst { .. } => "chain.order",
            Self::UnknownIssuer(_) => "ca.unknown",
            Self::MissingIntermediate { .. } => "chain.missing-intermediate",
            Self::SameNameOtherKey { .. } => "ca.same-name-other-key",
            Self::BadSignature { .. } => "cert.bad-signature",
            Self::WeakSignature { .. } | Self::WeakKey { .. } => "cert.weak",
            Self::UnsupportedAlgorithm { .. } => "cert.unsupported-algorithm",
            Self::UnsupportedKey { .. } => "cert.unsupported-key",
            Self::NotCa { .. } => "ca.not-a-ca",
            Self::PathTooLong { .. } => "chain.path-length",
            Self::NameNotPermitted { .. } => "cert.name-constraints",
            Self::UnknownCriticalExtension { .. } => "cert.critical-extension",
            Self::Expired { is_leaf: true, .. } => "cert.expired",
            Self::Expired { .. } => "ca.expired",
            Self::NotYetValid { is_leaf: true, .. } => "cert.not-yet-valid",
            Self::NotYetValid { .. } => "ca.not-yet-valid",
            Self::WrongUsage { .. } => "cert.eku",
            Self::WrongName { address_as_dns_name: true, .. } => "cert.ip-in-cn-or-dns",
            Self::WrongName { .. } => "cert.hostname",
            Self::Revoked { .. } => "cert.revoked",
            Self::RevocationUnknown { .. } => "crl.missing",
            Self::RevocationListExpired { .. } => "crl.expired",
            Self::RevocationListNotYetValid { .. } => "crl.not-yet-valid",
        }
    }
}

impl Warning {
    /// The stable id of the finding.
    pub fn id(self) -> &'static str {
        match self {
            Self::CommonNameOnly => "cert.cn-only",
            Self::Version1 => "cert.v1",
            Self::SubjectEqualsIssuer => "cert.subject-equals-issuer",
            Self::CaAsLeaf => "cert.self-signed-as-server",
            Self::AnchorNotRoot { .. } => "ca.not-root",
        }
    }
}
