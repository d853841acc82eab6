//! Lists of revoked certificates.

use x509_parser::parse_x509_crl;

use super::certificate::{Certificate, Malformed};
use super::name::DistinguishedName;
use super::signature::Algorithm;

/// One list, as its file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    pub issuer: DistinguishedName,
    /// Seconds since 1970.
    pub last_update: i64,
    /// Seconds since 1970; from then on nobody may build on the list.
    pub next_update: Option<i64>,
    /// Serial numbers and when each was revoked.
    revoked: Vec<(Vec<u8>, i64)>,
    /// Has a critical extension, which limits it to some certificates in a way that nobody here reads.
    is_partial: bool,
    algorithm: Algorithm,
    signature: Vec<u8>,
    signed: Vec<u8>,
}

impl RevocationList {
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let (rest, parsed) = parse_x509_crl(der).map_err(|_| Malformed)?;
        if !rest.is_empty() {
            return Err(Malformed);
        }
        let revoked = parsed
            .iter_revoked_certificates()
            .map(|entry| (entry.raw_serial().to_vec(), entry.revocation_date.timestamp()))
            .collect();
        Ok(Self {
            issuer: DistinguishedName::new(parsed.issuer()),
            last_update: parsed.last_update().timestamp(),
            next_update: parsed.next_update().map(|time| time.timestamp()),
            revoked,
            is_partial: parsed.extensions().iter().any(|extension| extension.critical),
            algorithm: Algorithm::new(&parsed.signature_algorithm),
            signature: parsed.signature_value.data.to_vec(),
            signed: parsed.tbs_cert_list.as_ref().to_vec(),
        })
    }

    /// Whether `issuer` made this list and it is about all of its certificates.
    pub fn is_of(&self, issuer: &Certificate) -> bool {
        let may_sign = issuer.key_usage.is_none_or(|usage| usage.crl_sign);
        !self.is_partial
            && may_sign
            && self.issuer == issuer.subject
            && issuer.public_key.verify(&self.algorithm, &self.signed, &self.signature).is_ok()
    }

    /// How many certificates are on it.
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// When `certificate` was revoked, if it was.
    pub fn revoked(&self, certificate: &Certificate) -> Option<i64> {
        self.revoked.iter().find(|(serial, _)| *serial == certificate.serial).map(|(_, time)| *time)
    }
}
