//! Where certificates depart from RFC 5280, section 4.2, in what most verifiers forgive and some do not: Python since 3.13
//! by itself, whoever sets `X509_V_FLAG_X509_STRICT`, `openssl verify -x509_strict`.
//!
//! Which rules those check was measured with OpenSSL 3.0 (`tests/integration/strict_chain.rs`).

use std::sync::Arc;

use super::certificate::Certificate;

/// A rule that a certificate breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// A CA whose basicConstraints are not critical (4.2.1.9).
    ConstraintsNotCritical,
    /// A path length in a certificate that is no CA's (4.2.1.9).
    PathLengthOfNoCa,
    /// A path length without the right to sign certificates (4.2.1.9).
    PathLengthWithoutSigning,
    /// A CA without key usage (4.2.1.3).
    CaWithoutKeyUsage,
    /// The right to sign certificates in one that is no CA's (4.2.1.3).
    SigningOfNoCa,
    /// An issuer of a certificate that does not say CA:TRUE (4.2.1.9).
    IssuerIsNoCa,
    /// 4.1.2.4
    EmptyIssuer,
    /// 4.1.2.6
    EmptySubject,
    /// All names are in a subjectAltName that is not critical (4.2.1.6).
    NamesNotCritical,
    /// A subjectAltName with nothing in it (4.2.1.6).
    NoNames,
    /// 4.2.1.1
    AuthorityKeyIdCritical,
    /// 4.2.1.1
    NoAuthorityKeyId,
    /// 4.2.1.2
    SubjectKeyIdCritical,
    /// A CA without (4.2.1.2).
    CaWithoutSubjectKeyId,
    /// Extensions before X.509 v3 (4.1.2.9).
    ExtensionsBeforeVersion3,
}

/// Those of a path, leaf first, with the place of the certificate in it. `is_anchored`: its end is trusted.
pub fn departures(path: &[Arc<Certificate>], is_anchored: bool) -> Vec<(usize, Departure)> {
    // What is trusted by itself is no business of RFC 5280 (RFC 6818, section 2).
    if let [alone] = path
        && (is_anchored || alone.is_self_issued())
    {
        let is_old_ca = alone.version == 1 && alone.is_self_issued();
        return if is_old_ca { vec![(0, Departure::IssuerIsNoCa)] } else { Vec::new() };
    }
    let last = path.len().saturating_sub(1);
    let of = |(place, certificate): (usize, &Arc<Certificate>)| {
        let issues = (place > 0 && !certificate.is_ca()).then_some(Departure::IssuerIsNoCa);
        let own = of_one(certificate, place == last && (is_anchored || certificate.is_self_issued()));
        issues.into_iter().chain(own).map(move |departure| (place, departure)).collect::<Vec<_>>()
    };
    path.iter().enumerate().flat_map(of).collect()
}

/// Those of one certificate. `is_end`: nobody is above it whose key it would have to name.
pub fn of_one(certificate: &Certificate, is_end: bool) -> Vec<Departure> {
    let is_ca = certificate.is_ca();
    let signs = certificate.key_usage.is_some_and(|usage| usage.certificate_sign);
    let has_path_length = certificate.basic_constraints.is_some_and(|constraints| constraints.path_length.is_some());
    let names = certificate.alternative_names.as_ref();
    let subject_is_empty = certificate.subject.is_empty();
    let is_v3 = certificate.version >= 3;
    let critical = certificate.critical;
    let rules = [
        (has_path_length && !is_ca, Departure::PathLengthOfNoCa),
        (has_path_length && is_ca && !signs, Departure::PathLengthWithoutSigning),
        (is_ca && !critical.basic_constraints, Departure::ConstraintsNotCritical),
        (is_ca && certificate.key_usage.is_none(), Departure::CaWithoutKeyUsage),
        (!is_ca && signs, Departure::SigningOfNoCa),
        (certificate.issuer.is_empty(), Departure::EmptyIssuer),
        (subject_is_empty && (is_ca || names.is_none()), Departure::EmptySubject),
        (subject_is_empty && names.is_some() && !critical.alternative_names, Departure::NamesNotCritical),
        (names.is_some_and(Vec::is_empty), Departure::NoNames),
        (critical.authority_key_id, Departure::AuthorityKeyIdCritical),
        (critical.subject_key_id, Departure::SubjectKeyIdCritical),
        (is_v3 && !is_end && certificate.authority_key_id.is_none(), Departure::NoAuthorityKeyId),
        (is_v3 && is_ca && certificate.subject_key_id.is_none(), Departure::CaWithoutSubjectKeyId),
        (!is_v3 && certificate.has_extensions, Departure::ExtensionsBeforeVersion3),
    ];
    rules.into_iter().filter(|(is_broken, _)| *is_broken).map(|(_, departure)| departure).collect()
}
