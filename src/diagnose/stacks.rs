//! What each family of TLS clients makes of a server's chain.
//!
//! OpenSSL and rustls disagree in both directions, and what runs on small devices differs again. The
//! rules for OpenSSL 3 (strict or not) and rustls 0.23 were measured on the same certificates; those for mbedTLS
//! follow its documentation and are not run here.

use std::sync::Arc;

use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::chain::{Problem, Verdict, Warning};
use crate::pki::name::PeerName;
use crate::pki::signature::{KeyKind, RSA_BITS_MAXIMUM};
use crate::pki::strict;

/// The longest RSA key that OpenSSL works with.
const OPENSSL_RSA_BITS: usize = 16_384;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// Mosquitto's clients, Python, Node.
    OpenSsl,
    /// OpenSSL with `X509_V_FLAG_X509_STRICT`, which Python sets by itself since 3.13.
    Strict,
    Rustls,
    /// ESP32 and other small devices.
    MbedTls,
}

impl Stack {
    pub const ALL: [Self; 4] = [Self::OpenSsl, Self::Strict, Self::Rustls, Self::MbedTls];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "openssl",
            Self::Strict => "strict",
            Self::Rustls => "rustls",
            Self::MbedTls => "mbedtls",
        }
    }

    /// For people: who uses it.
    pub const fn users(self) -> &'static str {
        match self {
            Self::OpenSsl => "OpenSSL clients (Mosquitto, Python, Node)",
            Self::Strict => "Python ≥ 3.13 and other strict X.509 users",
            Self::Rustls => "rustls clients",
            Self::MbedTls => "mbedTLS clients (ESP32)",
        }
    }

    fn is_openssl(self) -> bool {
        matches!(self, Self::OpenSsl | Self::Strict)
    }
}

/// Whether a stack believes the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepts,
    /// Why not: the id of a finding, or a phrase.
    Refuses(String),
    /// What would have to be known, in a phrase.
    Unknown(&'static str),
}

/// What one stack makes of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    pub stack: Stack,
    pub answer: Answer,
    /// Accepts under a condition: `versions before 3.5 ignore iPAddress`.
    pub reservation: Option<&'static str>,
}

impl Opinion {
    pub fn accepts(&self) -> bool {
        self.answer == Answer::Accepts
    }
}

/// The opinion of every stack on what `judge` found.
pub fn opinions(verdict: &Verdict, asked: Option<&PeerName>) -> Vec<Opinion> {
    let of = |stack| {
        let answer = answer(stack, verdict, asked);
        let reservation = if answer == Answer::Accepts { reservation(stack, verdict, asked) } else { None };
        Opinion { stack, answer, reservation }
    };
    Stack::ALL.into_iter().map(of).collect()
}

/// The same where nobody said which CAs are trusted: who refuses for another reason is known, who accepts is not.
pub fn opinions_without_ca(verdict: &Verdict, asked: Option<&PeerName>) -> Vec<Opinion> {
    let mut opinions = opinions(verdict, asked);
    for opinion in &mut opinions {
        if opinion.accepts() {
            opinion.answer = Answer::Unknown("no CA was read (--cafile)");
            opinion.reservation = None;
        }
    }
    opinions
}

fn answer(stack: Stack, verdict: &Verdict, asked: Option<&PeerName>) -> Answer {
    // OpenSSL stops at equal names before it looks at anything else.
    let equal_names = stack.is_openssl()
        && verdict.warnings.contains(&Warning::SubjectEqualsIssuer)
        && !verdict.path.first().is_some_and(|leaf| key_ids_differ(leaf));
    if equal_names {
        return Answer::Refuses("cert.subject-equals-issuer".to_owned());
    }
    let mut unknown = None;
    for problem in &verdict.problems {
        match of_problem(stack, problem, verdict) {
            Answer::Accepts => {}
            Answer::Unknown(why) => unknown = Some(why),
            refuses @ Answer::Refuses(_) => return refuses,
        }
    }
    let by_warning = || verdict.warnings.iter().find_map(|warning| minds(stack, *warning, verdict, asked));
    let refusal = by_warning().map(str::to_owned).or_else(|| beyond(stack, verdict));
    match (refusal, unknown) {
        (Some(why), _) => Answer::Refuses(why),
        (None, Some(what)) => Answer::Unknown(what),
        (None, None) => Answer::Accepts,
    }
}

/// What a stack says to one problem of ours.
fn of_problem(stack: Stack, problem: &Problem, verdict: &Verdict) -> Answer {
    match problem {
        // rustls does not look at the anchor but for its name and key.
        Problem::NotCa { certificate }
        | Problem::Expired { certificate, .. }
        | Problem::NotYetValid { certificate, .. }
            if stack == Stack::Rustls && is_last(certificate, verdict) =>
        {
            Answer::Accepts
        }
        // rustls has the ciphers that we have.
        Problem::UnsupportedAlgorithm { .. } if stack != Stack::Rustls => {
            Answer::Unknown("moskit cannot check a signature of this kind")
        }
        Problem::WrongName { certificate, asked: PeerName::Dns(host), .. }
            if stack.is_openssl() && has_odd_names(certificate, host) =>
        {
            Answer::Unknown("OpenSSL compares names like these by rules of its own")
        }
        Problem::WrongName { certificate, asked: PeerName::Dns(host), .. }
            if stack == Stack::MbedTls && certificate.presented_names().iter().any(|name| is_below(name, host)) =>
        {
            Answer::Unknown("mbedTLS lets a `*` stand before a single label, and others do not")
        }
        Problem::UnsupportedKey { certificate } => of_key(stack, &certificate.public_key.kind),
        _ => Answer::Refuses(problem.id().to_owned()),
    }
}

/// `*.lan` for `mqtt.lan`.
fn is_below(wildcard: &str, host: &str) -> bool {
    let above = host.split_once('.').map(|(_, above)| above);
    wildcard.strip_prefix("*.").is_some_and(|rest| above.is_some_and(|above| above.eq_ignore_ascii_case(rest)))
}

/// OpenSSL looks at the common name where no DNS name stands in the subjectAltName, and takes wildcards for a part of a
/// label.
fn has_odd_names(certificate: &Certificate, host: &str) -> bool {
    let names = certificate.alternative_names.as_deref().unwrap_or_default();
    let dns = || names.iter().filter_map(|name| if let AlternativeName::Dns(text) = name { Some(text) } else { None });
    let may_be = |name: &str| name.contains('*') || name.eq_ignore_ascii_case(host);
    let falls_back = certificate.alternative_names.is_some()
        && dns().next().is_none()
        && certificate.subject.common_names().any(may_be);
    let is_partial = |name: &String| name.contains('*') && !name.starts_with("*.");
    falls_back || dns().any(is_partial)
}

/// Whether a stack takes a server with such a key, of those that we do not.
fn of_key(stack: Stack, kind: &KeyKind) -> Answer {
    let refuses = Answer::Refuses("cert.unsupported-key".to_owned());
    match (stack, kind) {
        (Stack::OpenSsl | Stack::Strict, KeyKind::Rsa { bits } | KeyKind::RsaPss { bits })
            if *bits <= OPENSSL_RSA_BITS =>
        {
            Answer::Accepts
        }
        (Stack::OpenSsl | Stack::Strict, KeyKind::Ed448) => Answer::Accepts,
        // Its curves depend on its version and on how it was built.
        (Stack::MbedTls, KeyKind::Curve(_)) => Answer::Unknown("the curves of mbedTLS are chosen when it is built"),
        (_, KeyKind::Other(_)) if stack.is_openssl() => Answer::Unknown("moskit does not know this kind of key"),
        _ => refuses,
    }
}

fn is_last(certificate: &Arc<Certificate>, verdict: &Verdict) -> bool {
    verdict.path.len() > 1 && verdict.path.last().is_some_and(|last| last.der == certificate.der)
}

fn minds(stack: Stack, warning: Warning, verdict: &Verdict, asked: Option<&PeerName>) -> Option<&'static str> {
    let is_address = matches!(asked, Some(PeerName::Ip(_)));
    match (stack, warning) {
        (Stack::OpenSsl | Stack::Strict | Stack::MbedTls, Warning::CommonNameOnly) if is_address => {
            Some("cert.ip-in-cn-or-dns")
        }
        (Stack::Rustls, Warning::CommonNameOnly) => Some("cert.cn-only"),
        (Stack::Rustls, Warning::Version1) => Some("cert.v1"),
        (Stack::Rustls, Warning::CaAsLeaf) => Some("cert.self-signed-as-server"),
        (Stack::OpenSsl, Warning::AnchorNotRoot { .. }) => Some("ca.not-root"),
        // rustls and mbedTLS end at any CA that is trusted, but not at a leaf that somebody else has signed.
        (Stack::Rustls | Stack::MbedTls, Warning::AnchorNotRoot { .. }) if verdict.path.len() == 1 => {
            Some("ca.not-root")
        }
        _ => None,
    }
}

/// Key identifiers tell OpenSSL 3 that a certificate with the name of its CA is not self-signed (measured
/// with 3.0.19); the recipes of openssl write none.
pub(super) fn key_ids_differ(leaf: &Certificate) -> bool {
    leaf.subject_key_id.is_some() && leaf.authority_key_id.is_some() && leaf.subject_key_id != leaf.authority_key_id
}

/// What a stack refuses in a chain that we take.
fn beyond(stack: Stack, verdict: &Verdict) -> Option<String> {
    let key = |certificate: &Arc<Certificate>| match (stack, &certificate.public_key.kind) {
        (Stack::Rustls | Stack::MbedTls, KeyKind::RsaPss { .. }) => Some("it has no RSASSA-PSS keys"),
        (Stack::MbedTls, KeyKind::Ed25519) => Some("it has no Ed25519"),
        (Stack::MbedTls, KeyKind::Ed448) => Some("it has no Ed448"),
        (Stack::MbedTls, KeyKind::Rsa { bits }) if *bits > RSA_BITS_MAXIMUM => Some("its RSA ends at 8192 bits"),
        (Stack::MbedTls, _) if certificate.name_constraints.is_some() => Some("it refuses critical name constraints"),
        _ => None,
    };
    let broken =
        || stack == Stack::Strict && !strict::departures(verdict.partial_path(), verdict.is_anchored).is_empty();
    let by_key = verdict.path.iter().find_map(key).map(str::to_owned);
    by_key.or_else(|| broken().then(|| "cert.strict".to_owned()))
}

fn reservation(stack: Stack, verdict: &Verdict, asked: Option<&PeerName>) -> Option<&'static str> {
    match stack {
        Stack::OpenSsl => None,
        Stack::Strict => {
            let ends_early = verdict.warnings.iter().any(|warning| matches!(warning, Warning::AnchorNotRoot { .. }));
            let is_partial = ends_early || !strict::departures(&verdict.path, verdict.is_anchored).is_empty();
            is_partial.then_some("only where a partial chain is allowed, as in Python's default context")
        }
        Stack::Rustls => {
            let has_p521 = verdict.path.iter().any(|certificate| certificate.public_key.kind == KeyKind::P521);
            has_p521.then_some("not with its provider ring, which has no P-521")
        }
        Stack::MbedTls => {
            let PeerName::Ip(asked) = asked? else { return None };
            let names = verdict.path.first()?.alternative_names.as_ref()?;
            let as_dns =
                names.iter().any(|name| matches!(name, AlternativeName::Dns(text) if text.parse() == Ok(*asked)));
            (!as_dns).then_some("versions before 3.5 ignore iPAddress and want the address as DNS name too")
        }
    }
}
