//! Lists of revoked certificates, and what several of them say together.

use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::extensions::{IssuingDistributionPoint, ParsedExtension};
use x509_parser::oid_registry::OID_X509_EXT_DELTA_CRL_INDICATOR;
use x509_parser::parse_x509_crl;
use x509_parser::prelude::X509Extension;
use x509_parser::x509::ReasonCode;

use super::certificate::{Certificate, Malformed};
use super::name::DistinguishedName;
use super::serial::digits;
use super::signature::Algorithm;

/// Of an entry about a certificate of somebody else (RFC 5280, 5.3.3).
const CERTIFICATE_ISSUER: Oid<'static> = oid!(2.5.29.29);

/// Why a certificate is revoked (RFC 5280, 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Unspecified,
    KeyCompromise,
    AuthorityCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    /// For now: it may be good again.
    CertificateHold,
    PrivilegeWithdrawn,
    AttributeAuthorityCompromise,
}

impl Reason {
    /// With their names in RFC 5280.
    pub const ALL: [(&'static str, Self); 9] = [
        ("unspecified", Self::Unspecified),
        ("keyCompromise", Self::KeyCompromise),
        ("cACompromise", Self::AuthorityCompromise),
        ("affiliationChanged", Self::AffiliationChanged),
        ("superseded", Self::Superseded),
        ("cessationOfOperation", Self::CessationOfOperation),
        ("certificateHold", Self::CertificateHold),
        ("privilegeWithdrawn", Self::PrivilegeWithdrawn),
        ("aACompromise", Self::AttributeAuthorityCompromise),
    ];

    /// By its name, in any letter case: OpenSSL writes `CACompromise`.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, reason)| *reason)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, reason)| *reason == self).map_or("unspecified", |(name, _)| name)
    }

    fn of(code: ReasonCode) -> Self {
        match code {
            ReasonCode::KeyCompromise => Self::KeyCompromise,
            ReasonCode::CACompromise => Self::AuthorityCompromise,
            ReasonCode::AffiliationChanged => Self::AffiliationChanged,
            ReasonCode::Superseded => Self::Superseded,
            ReasonCode::CessationOfOperation => Self::CessationOfOperation,
            ReasonCode::CertificateHold => Self::CertificateHold,
            ReasonCode::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
            ReasonCode::AACompromise => Self::AttributeAuthorityCompromise,
            _ => Self::Unspecified,
        }
    }
}

/// When a certificate was revoked, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Seconds since 1970.
    pub at: i64,
    pub reason: Reason,
}

/// One list, as its file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    pub issuer: DistinguishedName,
    /// Seconds since 1970; before that nobody may build on the list.
    pub last_update: i64,
    /// Seconds since 1970; from then on nobody may build on the list.
    pub next_update: Option<i64>,
    /// Serial numbers without leading zeros and when each was revoked and why, sorted.
    revoked: Vec<(Vec<u8>, Revocation)>,
    /// Whole lists of an issuer are numbered (RFC 5280, 5.2.3); without leading zeros.
    number: Vec<u8>,
    scope: Scope,
    authority_key_id: Option<Vec<u8>>,
    algorithm: Algorithm,
    signature: Vec<u8>,
    signed: Vec<u8>,
}

/// For which certificates of its issuer the absence of a serial number means something (RFC 5280, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    EndEntities,
    Authorities,
    /// For none: it tells what has changed, some of the reasons, one distribution point, or has a critical extension
    /// that nobody here reads.
    None,
    /// Its entries may be about the certificates of others.
    Indirect,
}

/// Who made a list, as far as its signature tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorship {
    /// The issuer that was asked about.
    Own,
    /// The same, but signed in a way that nobody should believe any more: with SHA-1, or a short RSA key. It tells what
    /// belongs together, and speaks for no certificate.
    Weak,
    /// It bears the issuer's name, and its signature is of a kind that is not checked here.
    Unchecked,
    /// Somebody else.
    Foreign,
}

/// What lists say about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Good,
    /// Since when, in seconds since 1970.
    Revoked(i64),
    /// No list speaks for it.
    Unknown,
    /// Every list that would speak for it is from the future: the earliest begins then.
    NotYetValid(i64),
    /// Every list that would speak for it has run out: the last did then.
    Expired(i64),
}

impl RevocationList {
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let (rest, parsed) = parse_x509_crl(der).map_err(|_| Malformed)?;
        if !rest.is_empty() {
            return Err(Malformed);
        }
        let mut scope = Scope::All;
        let mut revoked = Vec::new();
        for entry in parsed.iter_revoked_certificates() {
            for extension in entry.extensions() {
                if extension.oid == CERTIFICATE_ISSUER {
                    scope = Scope::Indirect;
                } else if extension.critical && extension.parsed_extension().unsupported() && scope == Scope::All {
                    scope = Scope::None;
                }
            }
            let reason = entry.reason_code().map(|(_, reason)| reason);
            if reason != Some(ReasonCode::RemoveFromCRL) {
                let reason = reason.map_or(Reason::Unspecified, Reason::of);
                let revocation = Revocation { at: entry.revocation_date.timestamp(), reason };
                revoked.push((digits(entry.raw_serial()).to_vec(), revocation));
            }
        }
        revoked.sort_unstable_by(|(one, first), (other, second)| (one, first.at).cmp(&(other, second.at)));
        let mut authority_key_id = None;
        let mut number = Vec::new();
        for extension in parsed.extensions() {
            scope = scope.limited_by(extension);
            match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(identifier) => {
                    authority_key_id = identifier.key_identifier.as_ref().map(|id| id.0.to_vec());
                }
                ParsedExtension::CRLNumber(found) => number = digits(&found.to_bytes_be()).to_vec(),
                _ => {}
            }
        }
        Ok(Self {
            issuer: DistinguishedName::new(parsed.issuer()),
            last_update: parsed.last_update().timestamp(),
            next_update: parsed.next_update().map(|time| time.timestamp()),
            revoked,
            number,
            scope,
            authority_key_id,
            algorithm: Algorithm::new(&parsed.signature_algorithm),
            signature: parsed.signature_value.data.to_vec(),
            signed: parsed.tbs_cert_list.as_ref().to_vec(),
        })
    }

    /// How many certificates are on it.
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// The certificates on it, by serial number.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], Revocation)> {
        self.revoked.iter().map(|(serial, revocation)| (serial.as_slice(), *revocation))
    }

    /// Its number in the row of its issuer's lists, without zeros in front; empty if it has none.
    pub fn number(&self) -> &[u8] {
        &self.number
    }

    /// Whether it has run out.
    pub fn is_expired(&self, now: i64) -> bool {
        self.next_update.is_some_and(|next| now >= next)
    }

    /// Whether `issuer` made this list, in a way that is believed.
    pub fn is_by(&self, issuer: &Certificate) -> bool {
        self.authorship(issuer) == Authorship::Own
    }

    /// Whether `issuer` made this list, and whether anybody should believe that.
    pub fn authorship(&self, issuer: &Certificate) -> Authorship {
        if self.scope == Scope::Indirect || self.issuer != issuer.subject {
            return Authorship::Foreign;
        }
        let key = &issuer.public_key;
        if key.verify(&self.algorithm, &self.signed, &self.signature).is_ok() {
            return Authorship::Own;
        }
        match key.has_signed(&self.algorithm, &self.signed, &self.signature) {
            Some(true) => Authorship::Weak,
            Some(false) => Authorship::Foreign,
            None => Authorship::Unchecked,
        }
    }

    /// How it is signed, for people: `sha1WithRSAEncryption`.
    pub fn signature_name(&self) -> &str {
        &self.algorithm.name
    }

    /// Whether a certificate of `issuer` that is not on the list is good.
    fn vouches_for(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let in_scope = match self.scope {
            Scope::All => true,
            Scope::EndEntities => !certificate.is_ca(),
            Scope::Authorities => certificate.is_ca(),
            Scope::None | Scope::Indirect => false,
        };
        let may_sign = issuer.key_usage.is_none_or(|usage| usage.crl_sign);
        let names_key = match (&self.authority_key_id, &issuer.subject_key_id) {
            (Some(named), Some(own)) => named == own,
            _ => true,
        };
        in_scope && may_sign && names_key
    }

    /// When `certificate` was revoked, if it was.
    fn revoked(&self, certificate: &Certificate) -> Option<i64> {
        self.find(digits(&certificate.serial)).map(|revocation| revocation.at)
    }

    /// The entry of a serial number, which has no zeros in front.
    pub fn find(&self, serial: &[u8]) -> Option<Revocation> {
        let first = self.revoked.partition_point(|(listed, _)| listed.as_slice() < serial);
        self.revoked.get(first).filter(|(listed, _)| listed == serial).map(|(_, revocation)| *revocation)
    }
}

/// What `lists` say about `certificate`, which `issuer` issued, at `now`.
///
/// The newest list in its time decides, as for OpenSSL, and a list that is not yet valid is none: one made with a wrong
/// clock would otherwise outvote every list to come. A newer list that may not decide (it has run out, is a delta, is
/// for some reasons only) still reveals what it names: who is wrongly kept out can be let in again, not the other way
/// around.
pub fn status(certificate: &Certificate, issuer: &Certificate, lists: &[RevocationList], now: i64) -> Status {
    let made: Vec<_> = lists.iter().filter(|list| list.is_by(issuer)).collect();
    let (begun, to_come): (Vec<_>, Vec<_>) = made.into_iter().partition(|list| list.last_update <= now);
    let vouches = |list: &&&RevocationList| list.vouches_for(certificate, issuer);
    let decides = |list: &&&RevocationList| vouches(list) && !list.is_expired(now);
    let decided = begun.iter().filter(decides).map(|list| list.last_update).max();
    let still_counts = |list: &&&RevocationList| decided.is_none_or(|decided| list.last_update >= decided);
    if let Some(at) = begun.iter().filter(still_counts).find_map(|list| list.revoked(certificate)) {
        return Status::Revoked(at);
    }
    if decided.is_some() {
        return Status::Good;
    }
    let expired = begun.iter().filter(vouches).filter_map(|list| list.next_update).max();
    let not_yet_valid = || to_come.iter().filter(vouches).map(|list| list.last_update).min();
    match expired {
        Some(next_update) => Status::Expired(next_update),
        None => not_yet_valid().map_or(Status::Unknown, Status::NotYetValid),
    }
}

impl Scope {
    fn limited_by(self, extension: &X509Extension<'_>) -> Self {
        let limit = match extension.parsed_extension() {
            ParsedExtension::IssuingDistributionPoint(point) => Self::of(point),
            _ if extension.oid == OID_X509_EXT_DELTA_CRL_INDICATOR => Self::None,
            ParsedExtension::AuthorityKeyIdentifier(_) | ParsedExtension::CRLNumber(_) => Self::All,
            _ if extension.critical => Self::None,
            _ => Self::All,
        };
        match (self, limit) {
            (Self::Indirect, _) | (_, Self::Indirect) => Self::Indirect,
            (Self::All, limit) => limit,
            (scope, Self::All) => scope,
            (scope, limit) if scope == limit => scope,
            _ => Self::None,
        }
    }

    fn of(point: &IssuingDistributionPoint<'_>) -> Self {
        let IssuingDistributionPoint { only_contains_user_certs: users, only_contains_ca_certs: authorities, .. } =
            *point;
        if point.indirect_crl {
            return Self::Indirect;
        }
        if point.distribution_point.is_some()
            || point.only_some_reasons.is_some()
            || point.only_contains_attribute_certs
        {
            return Self::None;
        }
        match (users, authorities) {
            (false, false) => Self::All,
            (true, false) => Self::EndEntities,
            (false, true) => Self::Authorities,
            (true, true) => Self::None,
        }
    }
}
