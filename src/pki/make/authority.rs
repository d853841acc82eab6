//! Certificate authorities and what they sign.

use aws_lc_rs::rand;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose,
    PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::key::key_identifier;
use super::name::to_rcgen;
use super::{Error, KeyPair, PermittedNames, Subject, der};
use crate::pki::certificate::{AlternativeName, Certificate};
use crate::pki::name::NotPermitted;

/// Bytes of a serial number: 127 random bits. RFC 5280 allows 20 bytes, CAs must have 64 random bits.
const SERIAL_LENGTH: usize = 16;

/// Where the fields stand that are copied into a TBSCertificate.
const ISSUER: usize = 3;
const SUBJECT: usize = 5;
const PUBLIC_KEY: usize = 6;

/// When a certificate is valid: Unix seconds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub not_before: i64,
    pub not_after: i64,
}

/// What an authority is to be.
#[derive(Clone, Debug)]
pub struct AuthorityPlan {
    pub subject: Subject,
    pub validity: Validity,
    /// How many authorities may stand between this one and a leaf.
    pub path_length: u8,
    pub permitted: PermittedNames,
}

/// What the holder of a leaf certificate does with it: its extended key usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Server,
    Client,
    /// Bridges and clusters are both.
    Both,
}

/// What a leaf certificate is to be.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub subject: Subject,
    pub names: Vec<AlternativeName>,
    pub purpose: Purpose,
    pub validity: Validity,
}

/// A certificate that may sign others, with its key.
#[derive(Debug)]
pub struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    /// A new root.
    pub fn self_signed(plan: &AuthorityPlan, key: KeyPair) -> Result<Self, Error> {
        Self::anything(&mut plan.params()?, key)
    }

    /// An authority that exists already, if it may sign at `now`.
    pub fn load(certificate: Certificate, key: KeyPair, now: i64) -> Result<Self, Error> {
        let lacks = |lacks| Err(Error::IssuerIsNotAnAuthority { subject: certificate.subject.to_string(), lacks });
        if !certificate.is_ca() {
            return lacks("basicConstraints CA:TRUE");
        }
        if certificate.key_usage.is_some_and(|usage| !usage.certificate_sign) {
            return lacks("keyUsage keyCertSign");
        }
        if bits_of(&key.public_key())? != certificate.public_key.bits {
            return Err(Error::KeyMismatch);
        }
        if !(certificate.not_before..=certificate.not_after).contains(&now) {
            let validity = Validity { not_before: certificate.not_before, not_after: certificate.not_after };
            return Err(Error::IssuerOutOfDate { subject: certificate.subject.to_string(), validity });
        }
        Ok(Self { certificate, key })
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub fn key(&self) -> &KeyPair {
        &self.key
    }

    /// An intermediate authority below this one.
    pub fn sign_authority(&self, plan: &AuthorityPlan, key: KeyPair) -> Result<Self, Error> {
        let wanted = u32::from(plan.path_length);
        if let Some(issuer) = self.certificate.basic_constraints.and_then(|constraints| constraints.path_length)
            && wanted >= issuer
        {
            return Err(Error::PathLength { issuer, wanted });
        }
        let certificate = self.issue(&mut plan.params()?, &key.public_key(), None)?;
        Ok(Self { certificate: read(&certificate)?, key })
    }

    /// A leaf certificate for the public key `public_key` (a SubjectPublicKeyInfo).
    pub fn sign(&self, leaf: &Leaf, public_key: &[u8]) -> Result<CertificateDer<'static>, Error> {
        self.sign_for(leaf, None, public_key)
    }

    /// The certificate `old` once more, for `public_key` and with another validity. Its subject is
    /// copied, its names and its purpose are kept, everything else is as for a new one.
    pub fn renew(
        &self,
        old: &Certificate,
        public_key: &[u8],
        validity: Validity,
    ) -> Result<CertificateDer<'static>, Error> {
        let purpose = match &old.extended_key_usage {
            Some(usage) if usage.client && !usage.server => Purpose::Client,
            Some(usage) if usage.server && !usage.client => Purpose::Server,
            Some(usage) if !usage.server && !usage.names.iter().any(|name| name == "anyExtendedKeyUsage") => {
                return Err(Error::ForeignPurpose { purposes: usage.names.join(", ") });
            }
            // Without the extension it may be used for both, and perhaps is.
            _ => Purpose::Both,
        };
        // The subject is copied. That there is one decides whether the alternative names are critical.
        let stand_in = (!old.subject.is_empty()).then(|| "stand-in".to_owned());
        let subject = Subject { common_name: stand_in, ..Subject::default() };
        let names = old.alternative_names.clone().unwrap_or_default();
        self.sign_for(&Leaf { subject, names, purpose, validity }, Some(old.subject.der()), public_key)
    }

    /// As [`Authority::sign`], but with `subject` (a DER name, from a request) as it is.
    pub(super) fn sign_for(
        &self,
        leaf: &Leaf,
        subject: Option<&[u8]>,
        public_key: &[u8],
    ) -> Result<CertificateDer<'static>, Error> {
        self.issue(&mut leaf.params(is_rsa(public_key)?)?, public_key, subject)
    }

    fn issue(
        &self,
        params: &mut CertificateParams,
        public_key: &[u8],
        subject: Option<&[u8]>,
    ) -> Result<CertificateDer<'static>, Error> {
        let issuer = &self.certificate;
        let (from, until) = (params.not_before.unix_timestamp(), params.not_after.unix_timestamp());
        if until > issuer.not_after {
            return Err(Error::OutlivesIssuer { wanted: until, issuer: issuer.not_after });
        }
        // Backdated, a certificate would begin before its issuer does; some verifiers mind.
        Validity { not_before: from.max(issuer.not_before), not_after: until }.apply(params)?;
        let made = self.issue_anything(params, public_key, subject)?;
        self.check(&read(&made)?)?;
        Ok(made)
    }

    /// Signs without a question: for certificates that are broken on purpose.
    pub(super) fn issue_anything(
        &self,
        params: &mut CertificateParams,
        public_key: &[u8],
        subject: Option<&[u8]>,
    ) -> Result<CertificateDer<'static>, Error> {
        let issuer = &self.certificate;
        params.key_identifier_method = KeyIdMethod::PreSpecified(identifier_of(public_key)?);
        let mut exact = vec![(ISSUER, issuer.subject.der()), (PUBLIC_KEY, public_key)];
        exact.extend(subject.map(|subject| (SUBJECT, subject)));
        let issuer_id = match &issuer.subject_key_id {
            // It need not be made the way we make ours.
            Some(id) => id.clone(),
            None => key_identifier(&issuer.public_key.bits),
        };
        seal(params, issuer_id, &exact, &self.key)
    }

    /// A root that `params` describe, whatever they say.
    pub(super) fn anything(params: &mut CertificateParams, key: KeyPair) -> Result<Self, Error> {
        let public_key = key.public_key();
        let own_id = identifier_of(&public_key)?;
        params.key_identifier_method = KeyIdMethod::PreSpecified(own_id.clone());
        let certificate = seal(params, own_id, &[(PUBLIC_KEY, &public_key)], &key)?;
        Ok(Self { certificate: read(&certificate)?, key })
    }

    /// What no certificate of ours may be, whoever asked for it.
    fn check(&self, made: &Certificate) -> Result<(), Error> {
        if made.is_self_issued() {
            return Err(Error::EqualNames { subject: made.subject.to_string() });
        }
        match &self.certificate.name_constraints {
            Some(constraints) => constraints
                .check(made.names(), made.is_ca())
                .map_err(|NotPermitted(name)| Error::OutsideConstraints { name }),
            None => Ok(()),
        }
    }
}

impl AuthorityPlan {
    pub(super) fn params(&self) -> Result<CertificateParams, Error> {
        let mut params = params(&self.subject, self.validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(self.path_length));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = self.permitted.to_rcgen();
        Ok(params)
    }
}

impl Leaf {
    pub(super) fn params(&self, key_is_rsa: bool) -> Result<CertificateParams, Error> {
        let mut params = params(&self.subject, self.validity)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.subject_alt_names = self.names.iter().map(to_rcgen).collect::<Result<_, _>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if key_is_rsa {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        params.extended_key_usages = match self.purpose {
            Purpose::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Purpose::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Purpose::Both => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        };
        Ok(params)
    }
}

impl Validity {
    /// Sets the dates, if a certificate can hold them.
    pub(super) fn apply(self, params: &mut CertificateParams) -> Result<(), Error> {
        /// 1950, where UTCTime begins, to 9999, where GeneralizedTime ends.
        const DATES: std::ops::RangeInclusive<i64> = -631_152_000..=253_402_300_799;
        let date = |seconds: i64| {
            ASN1Time::from_timestamp(seconds).ok().filter(|_| DATES.contains(&seconds)).ok_or(Error::Validity(self))
        };
        if self.not_after <= self.not_before {
            return Err(Error::Validity(self));
        }
        params.not_before = date(self.not_before)?.to_datetime();
        params.not_after = date(self.not_after)?.to_datetime();
        Ok(())
    }
}

/// What all certificates have: subject, validity, a random serial number and both key identifiers.
fn params(subject: &Subject, validity: Validity) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject.to_rcgen()?;
    validity.apply(&mut params)?;
    let mut serial = [0; SERIAL_LENGTH];
    rand::fill(&mut serial)?;
    // Positive, and of one length whatever the random bits are.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Stands in for the issuer's key while rcgen writes what is to be signed. The signature is made by
/// [`sign_fields`], after the exact names are in their places.
pub(super) struct Unsigned<'a>(pub &'a KeyPair);

impl PublicKeyData for Unsigned<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.rcgen().der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.rcgen().algorithm()
    }
}

impl SigningKey for Unsigned<'_> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

/// The certificate that `params` describe, with the given fields taken over byte by byte.
pub(super) fn seal(
    params: &CertificateParams,
    issuer_identifier: Vec<u8>,
    exact: &[(usize, &[u8])],
    key: &KeyPair,
) -> Result<CertificateDer<'static>, Error> {
    let mut issuer = CertificateParams::default();
    issuer.distinguished_name = params.distinguished_name.clone();
    issuer.key_identifier_method = KeyIdMethod::PreSpecified(issuer_identifier);
    let unsigned = params.signed_by(&Unsigned(key), &Issuer::from_params(&issuer, Unsigned(key)))?;
    Ok(sign_fields(unsigned.der(), exact, key)?.into())
}

/// Puts `exact` fields into what was to be signed in `unsigned`, and signs it.
fn sign_fields<'a>(unsigned: &'a [u8], exact: &[(usize, &'a [u8])], key: &KeyPair) -> Result<Vec<u8>, Error> {
    sign_again(unsigned, key, |fields| {
        for (at, bytes) in exact {
            *fields.get_mut(*at).ok_or(Error::IssuerUnreadable)? = bytes;
        }
        Ok(())
    })
}

/// Signs what `edit` makes of the fields in the signed part of `der`.
pub(super) fn sign_again<'a>(
    der: &'a [u8],
    key: &KeyPair,
    edit: impl FnOnce(&mut Vec<&'a [u8]>) -> Result<(), Error>,
) -> Result<Vec<u8>, Error> {
    let outer = der::parts(der).unwrap_or_default();
    let [to_sign, algorithm, _] = outer[..] else { return Err(Error::IssuerUnreadable) };
    let mut fields = der::parts(to_sign).ok_or(Error::IssuerUnreadable)?;
    edit(&mut fields)?;
    let to_sign = der::sequence(&fields);
    let signature = der::bit_string(&key.sign(&to_sign)?);
    Ok(der::sequence(&[&to_sign, algorithm, &signature]))
}

fn read(certificate: &[u8]) -> Result<Certificate, Error> {
    Certificate::parse(certificate).map_err(|_| Error::IssuerUnreadable)
}

/// The content of the bit string in `public_key` (a SubjectPublicKeyInfo).
fn bits_of(public_key: &[u8]) -> Result<Vec<u8>, Error> {
    let (_, parsed) = SubjectPublicKeyInfo::from_der(public_key).map_err(|_| Error::UnsupportedKey)?;
    Ok(parsed.subject_public_key.data.to_vec())
}

/// The subject key identifier to give to `public_key`.
fn identifier_of(public_key: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(key_identifier(&bits_of(public_key)?))
}

fn is_rsa(public_key: &[u8]) -> Result<bool, Error> {
    let (_, parsed) = SubjectPublicKeyInfo::from_der(public_key).map_err(|_| Error::UnsupportedKey)?;
    Ok(parsed.algorithm.algorithm == x509_parser::oid_registry::OID_PKCS1_RSAENCRYPTION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::make::KeyType;

    const NOW: i64 = 1_800_000_000;
    const YEAR: i64 = 365 * 86_400;

    fn plan(name: &str, path_length: u8, constraints: &[&str]) -> AuthorityPlan {
        AuthorityPlan {
            subject: Subject::common_name(name),
            validity: Validity { not_before: NOW - 3600, not_after: NOW + 10 * YEAR },
            path_length,
            permitted: PermittedNames::parse(constraints.iter().copied()).unwrap(),
        }
    }

    fn key() -> KeyPair {
        KeyPair::generate(KeyType::P256).unwrap()
    }

    fn root(path_length: u8, constraints: &[&str]) -> Authority {
        Authority::self_signed(&plan("Lab CA", path_length, constraints), key()).unwrap()
    }

    fn server(name: &str, names: &[&str]) -> Leaf {
        Leaf {
            subject: Subject::common_name(name),
            names: names.iter().map(|name| name.parse().unwrap()).collect(),
            purpose: Purpose::Server,
            validity: Validity { not_before: NOW - 86_400, not_after: NOW + YEAR },
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
    }

    /// The extensions of a certificate: name, criticality, content as hexadecimal digits.
    fn extensions(certificate: &[u8]) -> Vec<(String, bool, String)> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
        parsed
            .iter_extensions()
            .map(|extension| {
                let name = x509_parser::objects::oid2sn(&extension.oid, x509_parser::objects::oid_registry())
                    .map_or_else(|_| extension.oid.to_id_string(), str::to_owned);
                let value = hex(extension.value);
                (name, extension.critical, value)
            })
            .collect()
    }

    fn identifier(certificate: &[u8]) -> String {
        hex(&key_identifier(&read(certificate).unwrap().public_key.bits))
    }

    #[test]
    fn the_extensions_of_a_root_byte_for_byte() {
        let root = root(0, &[]);
        let id = identifier(&root.certificate().der);
        let expected = [
            ("authorityKeyIdentifier", false, format!("30168014{id}")),
            ("keyUsage", true, "03020106".to_owned()),
            ("subjectKeyIdentifier", false, format!("0414{id}")),
            ("basicConstraints", true, "30060101ff020100".to_owned()),
        ];
        assert_eq!(
            extensions(&root.certificate().der),
            expected.map(|(name, critical, value)| (name.to_owned(), critical, value))
        );
    }

    #[test]
    fn the_extensions_of_a_server_byte_for_byte() {
        let root = root(0, &[]);
        let leaf = root.sign(&server("mqtt.lan", &["mqtt.lan", "192.168.1.10", "::1"]), &key().public_key()).unwrap();
        let expected = [
            ("authorityKeyIdentifier", false, format!("30168014{}", identifier(&root.certificate().der))),
            (
                "subjectAltName",
                false,
                // 82 dNSName, 87 iPAddress
                "302282086d7174742e6c616e8704c0a8010a871000000000000000000000000000000001".to_owned(),
            ),
            ("keyUsage", true, "03020780".to_owned()),
            ("extendedKeyUsage", false, "300a06082b06010505070301".to_owned()),
            ("subjectKeyIdentifier", false, format!("0414{}", identifier(&leaf))),
            ("basicConstraints", true, "3000".to_owned()),
        ];
        assert_eq!(extensions(&leaf), expected.map(|(name, critical, value)| (name.to_owned(), critical, value)));
    }

    #[test]
    fn usages_follow_the_purpose_and_the_kind_of_key() {
        let root = root(0, &[]);
        let values = |purpose, key: &KeyPair| {
            let leaf = Leaf { purpose, ..server("dev1", &[]) };
            let made = extensions(&root.sign(&leaf, &key.public_key()).unwrap());
            let value =
                |name: &str| made.iter().find(|(found, ..)| found == name).map(|(.., value)| value.clone()).unwrap();
            (value("keyUsage"), value("extendedKeyUsage"))
        };
        let client = "300a06082b06010505070302".to_owned();
        let both = "301406082b0601050507030106082b06010505070302".to_owned();
        assert_eq!(values(Purpose::Client, &key()), ("03020780".to_owned(), client.clone()));
        assert_eq!(values(Purpose::Both, &key()), ("03020780".to_owned(), both));
        let rsa = KeyPair::generate(KeyType::Rsa(2048)).unwrap();
        assert_eq!(values(Purpose::Client, &rsa), ("030205a0".to_owned(), client));
    }

    #[test]
    fn constraints_exclude_the_kinds_of_hosts_they_do_not_mention() {
        let of = |words: &[&str]| {
            extensions(&root(0, words).certificate().der)
                .into_iter()
                .find(|(name, ..)| name == "nameConstraints")
                .unwrap()
        };
        let (_, critical, value) = of(&[".lan"]);
        assert!(critical);
        assert_eq!(
            value,
            format!("303ba007300582036c616ea130300a8708{}30228720{}", "0".repeat(16), "0".repeat(64)).replace(' ', "")
        );
        let (.., value) = of(&["192.168.0.0/16"]);
        assert_eq!(value, "3014a00c300a8708c0a80000ffff0000a10430028200");
    }

    #[test]
    fn names_outside_of_the_constraints_are_refused() {
        let root = root(0, &[".lan", "192.168.0.0/16"]);
        let sign = |names: &[&str]| root.sign(&server("x", names), &key().public_key());
        for names in [&["mqtt.lan"][..], &["lan"], &["a.b.lan", "192.168.200.1"], &["ops@example.com"]] {
            assert!(sign(names).is_ok(), "{names:?}");
        }
        for names in [&["mqtt.example.com"][..], &["xlan"], &["mqtt.lan", "10.0.0.1"], &["::1"]] {
            assert!(matches!(sign(names), Err(Error::OutsideConstraints { .. })), "{names:?}");
        }
        let by_common_name = root.sign(&server("mqtt.example.com", &[]), &key().public_key());
        assert!(matches!(by_common_name, Err(Error::OutsideConstraints { .. })));
    }

    #[test]
    fn a_subject_equal_to_the_issuers_is_refused_however_it_is_written() {
        let root = root(0, &[]);
        for name in ["Lab CA", "lab ca", " Lab   CA "] {
            let error = root.sign(&server(name, &["mqtt.lan"]), &key().public_key()).unwrap_err();
            assert!(matches!(error, Error::EqualNames { .. }), "{name:?}: {error:?}");
        }
    }

    #[test]
    fn serial_numbers_are_long_positive_and_never_repeated() {
        let root = root(0, &[]);
        let public_key = key().public_key();
        let serials: Vec<Vec<u8>> =
            (0..50).map(|_| read(&root.sign(&server("a", &[]), &public_key).unwrap()).unwrap().serial).collect();
        for (at, serial) in serials.iter().enumerate() {
            assert_eq!((serial.len(), serial[0] & 0x80), (SERIAL_LENGTH, 0));
            assert!(!serials[..at].contains(serial));
        }
    }

    #[test]
    fn an_intermediate_needs_a_path_length_that_allows_it() {
        let error = root(0, &[]).sign_authority(&plan("Floor 2", 0, &[]), key()).unwrap_err();
        assert!(matches!(error, Error::PathLength { issuer: 0, wanted: 0 }), "{error:?}");
        let root = root(1, &[]);
        let intermediate = root.sign_authority(&plan("Floor 2", 0, &[]), key()).unwrap();
        let leaf = intermediate.sign(&server("mqtt.lan", &["mqtt.lan"]), &key().public_key()).unwrap();
        let (leaf, above) = (read(&leaf).unwrap(), intermediate.certificate());
        assert_eq!(leaf.issuer.der(), above.subject.der());
        assert_eq!(above.issuer.der(), root.certificate().subject.der());
        above.public_key.verify(&leaf.signature_algorithm, &leaf.signed, &leaf.signature).unwrap();
    }

    #[test]
    fn an_issuer_is_checked_before_it_signs() {
        let root = root(0, &[]);
        let again = |certificate: &Certificate, key: &KeyPair, now| {
            Authority::load(certificate.clone(), KeyPair::load(&key.private_key()).unwrap(), now)
        };
        assert!(again(root.certificate(), root.key(), NOW).is_ok());
        assert!(matches!(again(root.certificate(), &key(), NOW), Err(Error::KeyMismatch)));
        assert!(matches!(again(root.certificate(), root.key(), NOW + 11 * YEAR), Err(Error::IssuerOutOfDate { .. })));
        assert!(matches!(again(root.certificate(), root.key(), NOW - 7200), Err(Error::IssuerOutOfDate { .. })));
        let leaf_key = key();
        let leaf = root.sign(&server("mqtt.lan", &[]), &leaf_key.public_key()).unwrap();
        assert!(matches!(again(&read(&leaf).unwrap(), &leaf_key, NOW), Err(Error::IssuerIsNotAnAuthority { .. })));
    }

    #[test]
    fn a_leaf_lies_within_its_issuers_validity() {
        let root = root(0, &[]);
        let leaf = server("mqtt.lan", &[]);
        let made = root.sign(&leaf, &key().public_key()).unwrap();
        assert_eq!(read(&made).unwrap().not_before, NOW - 3600, "not before its issuer");
        let longer = Leaf { validity: Validity { not_after: NOW + 11 * YEAR, ..leaf.validity }, ..leaf.clone() };
        assert!(matches!(root.sign(&longer, &key().public_key()), Err(Error::OutlivesIssuer { .. })));
        let backwards = Leaf { validity: Validity { not_before: NOW, not_after: NOW }, ..leaf.clone() };
        assert!(matches!(root.sign(&backwards, &key().public_key()), Err(Error::Validity(_))));
        let absurd = Leaf { validity: Validity { not_before: i64::MIN, not_after: NOW }, ..leaf };
        assert!(matches!(root.sign(&absurd, &key().public_key()), Err(Error::Validity(_))));
    }

    #[test]
    fn dates_from_2050_on_are_generalized_time() {
        let far = Validity { not_before: NOW, not_after: 2_600_000_000 };
        let root = Authority::self_signed(&AuthorityPlan { validity: far, ..plan("Lab CA", 0, &[]) }, key()).unwrap();
        assert_eq!((root.certificate().not_before, root.certificate().not_after), (far.not_before, far.not_after));
        assert!(root.certificate().der.windows(17).any(|bytes| bytes == b"\x18\x0f20520522141320Z"), "2052");
    }
}
