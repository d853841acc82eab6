//! Revocation lists (RFC 5280, 5).

use rcgen::{
    CertificateParams, CertificateRevocationListParams, Issuer, KeyIdMethod, RevocationReason, RevokedCertParams,
    SerialNumber,
};
use x509_parser::time::ASN1Time;

use super::authority::{Unsigned, Validity, sign_again};
use super::key::key_identifier;
use super::{Authority, Error};
use crate::pki::revocation::{Reason, Revocation};
use crate::pki::serial::Serial;

/// Where the issuer stands in a TBSCertList.
const ISSUER: usize = 2;

impl Authority {
    /// A list of these certificates, DER. `number` is to be larger than that of every list before (5.2.3); who builds
    /// on the list does so from the beginning to the end of `validity`.
    pub fn revocation_list<'a>(
        &self,
        revoked: impl IntoIterator<Item = (&'a Serial, &'a Revocation)>,
        number: &[u8],
        validity: Validity,
    ) -> Result<Vec<u8>, Error> {
        let authority = self.certificate();
        if authority.key_usage.is_some_and(|usage| !usage.crl_sign) {
            let subject = authority.subject.to_string();
            return Err(Error::IssuerIsNotAnAuthority { subject, lacks: "keyUsage cRLSign" });
        }
        let identifier = authority.subject_key_id.clone();
        let identifier = identifier.unwrap_or_else(|| key_identifier(&authority.public_key.bits));
        let mut dates = CertificateParams::default();
        validity.apply(&mut dates)?;
        let list = CertificateRevocationListParams {
            this_update: dates.not_before,
            next_update: dates.not_after,
            crl_number: SerialNumber::from_slice(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.into_iter().map(|(serial, it)| entry(serial, *it)).collect::<Result<_, _>>()?,
            key_identifier_method: KeyIdMethod::PreSpecified(identifier),
        };
        let unsigned = list.signed_by(&Issuer::from_params(&CertificateParams::default(), Unsigned(self.key())))?;
        sign_again(unsigned.der(), self.key(), |fields| {
            *fields.get_mut(ISSUER).ok_or(Error::IssuerUnreadable)? = authority.subject.der();
            Ok(())
        })
    }
}

fn entry(serial: &Serial, revocation: Revocation) -> Result<RevokedCertParams, Error> {
    let at = Validity { not_before: revocation.at, not_after: revocation.at };
    let time = ASN1Time::from_timestamp(revocation.at).map_err(|_| Error::Validity(at))?.to_datetime();
    let digits = if serial.bytes().is_empty() { &[0] } else { serial.bytes() };
    let reason = match revocation.reason {
        Reason::Unspecified => None,
        Reason::KeyCompromise => Some(RevocationReason::KeyCompromise),
        Reason::AuthorityCompromise => Some(RevocationReason::CaCompromise),
        Reason::AffiliationChanged => Some(RevocationReason::AffiliationChanged),
        Reason::Superseded => Some(RevocationReason::Superseded),
        Reason::CessationOfOperation => Some(RevocationReason::CessationOfOperation),
        Reason::CertificateHold => Some(RevocationReason::CertificateHold),
        Reason::PrivilegeWithdrawn => Some(RevocationReason::PrivilegeWithdrawn),
        Reason::AttributeAuthorityCompromise => Some(RevocationReason::AaCompromise),
    };
    Ok(RevokedCertParams {
        serial_number: SerialNumber::from_slice(digits),
        revocation_time: time,
        reason_code: reason,
        invalidity_date: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::make::{AuthorityPlan, KeyPair, KeyType, PermittedNames, Subject};
    use crate::pki::revocation::RevocationList;

    const NOW: i64 = 1_800_000_000;

    fn authority() -> Authority {
        let plan = AuthorityPlan {
            subject: Subject::common_name("Lab CA"),
            validity: Validity { not_before: NOW - 60, not_after: NOW + 600_000 },
            path_length: 0,
            permitted: PermittedNames::default(),
        };
        Authority::self_signed(&plan, KeyPair::generate(KeyType::P256).unwrap()).unwrap()
    }

    #[test]
    fn a_list_that_is_made_is_read_with_every_reason() {
        let authority = authority();
        let validity = Validity { not_before: NOW, not_after: NOW + 86_400 };
        let revoked: Vec<_> = Reason::ALL
            .iter()
            .enumerate()
            .map(|(at, (_, reason))| {
                let serial = Serial::new(&[0x80 + at as u8, 0]).unwrap();
                (serial, Revocation { at: NOW - at as i64, reason: *reason })
            })
            .collect();
        let pairs = revoked.iter().map(|(serial, revocation)| (serial, revocation));
        let list = RevocationList::parse(&authority.revocation_list(pairs, &[0x80, 7], validity).unwrap()).unwrap();
        assert!(list.is_by(authority.certificate()));
        assert_eq!((list.last_update, list.next_update, list.number()), (NOW, Some(NOW + 86_400), &[0x80, 7][..]));
        let read: Vec<_> = list.entries().map(|(serial, it)| (Serial::new(serial).unwrap(), it)).collect();
        assert_eq!(read, revoked);
        let none = authority.revocation_list([], &[1], validity).unwrap();
        assert!(RevocationList::parse(&none).unwrap().is_empty());
    }
}
