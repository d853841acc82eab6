//! Lets rustls ask `pki::chain` whom to believe. No rule is made here.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme};

use super::tls::{Checks, Current, Seen};
use crate::pki::certificate::Certificate;
use crate::pki::chain::{Anchors, Problem, Purpose, Question, Verdict, judge};
use crate::pki::name::PeerName;

/// The methods about signatures, which both of rustls' verifier traits demand in the same words.
macro_rules! handshake_signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12(self.algorithms, message, certificate, signed)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13(self.algorithms, message, certificate, signed)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.algorithms.supported_schemes()
        }
    };
}

/// Judges the certificate of the server that a client connects to.
pub(super) struct ServerCertificate {
    anchors: Arc<Anchors>,
    name: Option<PeerName>,
    checks: Checks,
    algorithms: WebPkiSupportedAlgorithms,
    seen: Arc<Mutex<Seen>>,
}

impl ServerCertificate {
    pub fn new(
        anchors: Arc<Anchors>,
        name: Option<PeerName>,
        checks: Checks,
        algorithms: WebPkiSupportedAlgorithms,
        seen: Arc<Mutex<Seen>>,
    ) -> Self {
        Self { anchors, name, checks, algorithms, seen }
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerCertificate({:?}, {:?})", self.name, self.checks)
    }
}

impl ServerCertVerifier for ServerCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented: Vec<&CertificateDer<'_>> = std::iter::once(end_entity).chain(intermediates).collect();
        let question = Question {
            purpose: Purpose::Server,
            name: self.name.as_ref(),
            now: seconds(now),
            check_dates: true,
            revocation: None,
        };
        let verdict = judge(&presented, &self.anchors, &question);
        let refused = match self.checks {
            Checks::Everything => verdict.problems.first(),
            Checks::NotTheName => verdict.problems.iter().find(|problem| !matches!(problem, Problem::WrongName { .. })),
            Checks::Nothing => None,
        }
        .map(certificate_error);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.presented = presented.iter().map(|der| der.to_vec()).collect();
        seen.verdict = Some(verdict);
        match refused {
            Some(error) => Err(error.into()),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    handshake_signatures!();
}

/// Judges the certificates that the clients of a server must show.
pub(super) struct ClientCertificate {
    anchors: Anchors,
    /// Told to clients, so that they can choose the right certificate.
    issuers: Vec<DistinguishedName>,
    check_dates: bool,
    algorithms: WebPkiSupportedAlgorithms,
    current: Arc<Current>,
}

impl ClientCertificate {
    pub fn new(
        anchors: Anchors,
        check_dates: bool,
        algorithms: WebPkiSupportedAlgorithms,
        current: Arc<Current>,
    ) -> Self {
        let issuers = anchors.iter().map(|anchor| DistinguishedName::from(anchor.subject.der().to_vec())).collect();
        Self { anchors, issuers, check_dates, algorithms, current }
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

impl ClientCertVerifier for ClientCertificate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.issuers
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let presented: Vec<&CertificateDer<'_>> = std::iter::once(end_entity).chain(intermediates).collect();
        let lists = self.current.revocation();
        let question = Question {
            purpose: Purpose::Client,
            name: None,
            now: seconds(now),
            check_dates: self.check_dates,
            revocation: lists.as_ref().map(|lists| lists.as_slice()),
        };
        let Verdict { problems, .. } = judge(&presented, &self.anchors, &question);
        match problems.first() {
            Some(problem) => Err(certificate_error(problem).into()),
            None => Ok(ClientCertVerified::assertion()),
        }
    }

    handshake_signatures!();
}

fn seconds(now: UnixTime) -> i64 {
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// The error whose alert tells the peer the same as OpenSSL's would.
fn certificate_error(problem: &Problem) -> CertificateError {
    match problem {
        Problem::NothingPresented | Problem::TooLong | Problem::Malformed(_) => CertificateError::BadEncoding,
        Problem::UnknownIssuer(_)
        | Problem::MissingIntermediate { .. }
        | Problem::LeafNotFirst { .. }
        | Problem::NotCa { .. }
        | Problem::PathTooLong { .. } => CertificateError::UnknownIssuer,
        Problem::SameNameOtherKey { .. } | Problem::BadSignature { .. } => CertificateError::BadSignature,
        Problem::Expired { .. } => CertificateError::Expired,
        Problem::NotYetValid { .. } => CertificateError::NotValidYet,
        Problem::WrongUsage { .. } => CertificateError::InvalidPurpose,
        Problem::WrongName { .. } => CertificateError::NotValidForName,
        Problem::UnknownCriticalExtension { .. } => CertificateError::UnhandledCriticalExtension,
        Problem::Revoked { .. } => CertificateError::Revoked,
        Problem::RevocationUnknown { .. } | Problem::RevocationListNotYetValid { .. } => {
            CertificateError::UnknownRevocationStatus
        }
        Problem::RevocationListExpired { .. } => CertificateError::ExpiredRevocationList,
        Problem::WeakSignature { .. }
        | Problem::WeakKey { .. }
        | Problem::UnsupportedAlgorithm { .. }
        | Problem::UnsupportedKey { .. }
        | Problem::NameNotPermitted { .. } => CertificateError::ApplicationVerificationFailure,
    }
}

/// In TLS 1.2 the scheme does not name the curve, so every algorithm of the scheme is tried. Ours and
/// not rustls' own check, because that one cannot read X.509 v1.
fn verify_tls12(
    algorithms: WebPkiSupportedAlgorithms,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    verify_signature(algorithms, usize::MAX, message, certificate, signed)
}

/// In TLS 1.3 the scheme names the curve too: the first algorithm of the scheme is the one. PKCS#1
/// signatures are not allowed (RFC 8446, 4.2.3).
fn verify_tls13(
    algorithms: WebPkiSupportedAlgorithms,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let forbidden = [
        SignatureScheme::RSA_PKCS1_SHA1,
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
        SignatureScheme::ECDSA_SHA1_Legacy,
    ];
    if forbidden.contains(&signed.scheme) {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    verify_signature(algorithms, 1, message, certificate, signed)
}

fn verify_signature(
    algorithms: WebPkiSupportedAlgorithms,
    candidates: usize,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let certificate = Certificate::parse(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let key = &certificate.public_key;
    let (_, candidates_of_scheme) = algorithms
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == signed.scheme)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    let algorithm = candidates_of_scheme
        .iter()
        .take(candidates)
        .find(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    algorithm.verify_signature(&key.bits, message, signed.signature()).map_err(|_| CertificateError::BadSignature)?;
    Ok(HandshakeSignatureValid::assertion())
}
