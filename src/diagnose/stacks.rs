//! What each family of TLS clients makes of a server's chain.
//!
//! OpenSSL and rustls disagree in both directions, and what runs on small devices differs again. The
//! rules for OpenSSL 3 and rustls 0.23 were measured on the same certificates; those for mbedTLS
//! follow its documentation and are not run here.

use std::sync::Arc;

use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::chain::{Problem, Verdict, Warning};
use crate::pki::name::PeerName;
use crate::pki::signature::KeyKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// Mosquitto's clients, Python, Node.
    OpenSsl,
    Rustls,
    /// ESP32 and other small devices.
    MbedTls,
}

impl Stack {
    pub const ALL: [Self; 3] = [Self::OpenSsl, Self::Rustls, Self::MbedTls];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "openssl",
            Self::Rustls => "rustls",
            Self::MbedTls => "mbedtls",
        }
    }

    /// For people: who uses it.
    pub const fn users(self) -> &'static str {
        match self {
            Self::OpenSsl => "OpenSSL clients (Mosquitto, Python, Node)",
            Self::Rustls => "rustls clients",
            Self::MbedTls => "mbedTLS clients (ESP32)",
        }
    }
}

/// Whether one stack believes the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    pub stack: Stack,
    /// Why not, in a phrase; `None` accepts.
    pub refusal: Option<String>,
    /// Accepts under a condition: `versions before 3.5 ignore iPAddress`.
    pub reservation: Option<&'static str>,
}

impl Opinion {
    pub fn accepts(&self) -> bool {
        self.refusal.is_none()
    }
}

/// The opinion of every stack on what `judge` found.
pub fn opinions(verdict: &Verdict, asked: Option<&PeerName>) -> Vec<Opinion> {
    Stack::ALL
        .into_iter()
        .map(|stack| Opinion {
            stack,
            refusal: refusal(stack, verdict, asked),
            reservation: if stack == Stack::MbedTls { reservation(verdict, asked) } else { None },
        })
        .collect()
}

fn refusal(stack: Stack, verdict: &Verdict, asked: Option<&PeerName>) -> Option<String> {
    let by_problem =
        verdict.problems.iter().find(|problem| minds(stack, problem, verdict)).map(|problem| problem.id().to_owned());
    // OpenSSL stops at equal names before it looks at anything else.
    let equal_names = stack == Stack::OpenSsl
        && verdict.warnings.contains(&Warning::SubjectEqualsIssuer)
        && !verdict.path.first().is_some_and(|leaf| key_ids_differ(leaf));
    let by_name = equal_names.then(|| "cert.subject-equals-issuer".to_owned());
    by_name
        .or(by_problem)
        .or_else(|| {
            verdict.warnings.iter().find_map(|warning| minds_warning(stack, *warning, asked)).map(str::to_owned)
        })
        .or_else(|| beyond_mbedtls(stack, verdict))
}

/// rustls does not look at the anchor but for its name and key.
fn minds(stack: Stack, problem: &Problem, verdict: &Verdict) -> bool {
    if stack != Stack::Rustls {
        return true;
    }
    match problem {
        Problem::NotCa { certificate }
        | Problem::Expired { certificate, .. }
        | Problem::NotYetValid { certificate, .. } => !is_last(certificate, verdict),
        _ => true,
    }
}

fn is_last(certificate: &Arc<Certificate>, verdict: &Verdict) -> bool {
    verdict.path.len() > 1 && verdict.path.last().is_some_and(|last| last.der == certificate.der)
}

fn minds_warning(stack: Stack, warning: Warning, asked: Option<&PeerName>) -> Option<&'static str> {
    let is_address = matches!(asked, Some(PeerName::Ip(_)));
    match (stack, warning) {
        (Stack::OpenSsl | Stack::MbedTls, Warning::CommonNameOnly) if is_address => Some("cert.ip-in-cn-or-dns"),
        (Stack::Rustls, Warning::CommonNameOnly) => Some("cert.cn-only"),
        (Stack::Rustls, Warning::Version1) => Some("cert.v1"),
        (Stack::Rustls, Warning::CaAsLeaf) => Some("cert.self-signed-as-server"),
        _ => None,
    }
}

/// Key identifiers tell OpenSSL 3 that a certificate with the name of its CA is not self-signed (measured
/// with 3.0.19); the recipes of openssl write none.
pub(super) fn key_ids_differ(leaf: &Certificate) -> bool {
    leaf.subject_key_id.is_some() && leaf.authority_key_id.is_some() && leaf.subject_key_id != leaf.authority_key_id
}

/// What mbedTLS cannot read at all.
fn beyond_mbedtls(stack: Stack, verdict: &Verdict) -> Option<String> {
    if stack != Stack::MbedTls {
        return None;
    }
    verdict.path.iter().find_map(|certificate| match &certificate.public_key.kind {
        KeyKind::Ed25519 => Some("it has no Ed25519".to_owned()),
        _ if certificate.name_constraints.is_some() => Some("it refuses critical name constraints".to_owned()),
        _ => None,
    })
}

fn reservation(verdict: &Verdict, asked: Option<&PeerName>) -> Option<&'static str> {
    let PeerName::Ip(asked) = asked? else { return None };
    let names = verdict.path.first()?.alternative_names.as_ref()?;
    let as_dns = names.iter().any(|name| matches!(name, AlternativeName::Dns(text) if text.parse() == Ok(*asked)));
    (!as_dns).then_some("versions before 3.5 ignore iPAddress and want the address as DNS name too")
}
