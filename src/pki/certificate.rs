//! What a certificate says: everything that the judge, `inspect` and error texts need, owned.

use x509_parser::asn1_rs::oid;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::X509Certificate;

pub use super::name::AlternativeName;
use super::name::{Constraints, DistinguishedName, Names, address};
use super::signature::{Algorithm, PublicKey};

/// The most bytes of one certificate. Those of the web have 1 to 4 KB.
pub const CERTIFICATE_LIMIT: usize = 64 * 1024;

/// The most names of one certificate that are looked at.
pub const NAMES_LIMIT: usize = 10_000;

/// One X.509 certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub der: Vec<u8>,
    /// 1, 2 or 3.
    pub version: u32,
    pub serial: Vec<u8>,
    pub subject: DistinguishedName,
    pub issuer: DistinguishedName,
    /// Seconds since 1970.
    pub not_before: i64,
    /// Seconds since 1970; the certificate is still valid in that second.
    pub not_after: i64,
    /// `None` without a subjectAltName extension.
    pub alternative_names: Option<Vec<AlternativeName>>,
    pub basic_constraints: Option<BasicConstraints>,
    pub key_usage: Option<KeyUsage>,
    pub extended_key_usage: Option<ExtendedKeyUsage>,
    pub name_constraints: Option<Constraints>,
    pub subject_key_id: Option<Vec<u8>>,
    pub authority_key_id: Option<Vec<u8>>,
    /// The issuer's own issuer, where authorityKeyIdentifier names it.
    pub authority_issuer: Option<DistinguishedName>,
    /// Says where the issuer's certificate can be fetched (authorityInfoAccess).
    pub names_issuer_address: bool,
    /// Object identifiers of critical extensions that nobody here understands.
    pub unknown_critical: Vec<String>,
    pub critical: Critical,
    pub has_extensions: bool,
    pub public_key: PublicKey,
    pub signature_algorithm: Algorithm,
    pub signature: Vec<u8>,
    /// The bytes that are signed.
    pub signed: Vec<u8>,
}

/// Which of the extensions that are understood say that they must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Critical {
    pub basic_constraints: bool,
    pub alternative_names: bool,
    pub subject_key_id: bool,
    pub authority_key_id: bool,
}

impl Critical {
    fn note(&mut self, extension: &ParsedExtension<'_>, critical: bool) {
        match extension {
            ParsedExtension::BasicConstraints(_) => self.basic_constraints = critical,
            ParsedExtension::SubjectAlternativeName(_) => self.alternative_names = critical,
            ParsedExtension::SubjectKeyIdentifier(_) => self.subject_key_id = critical,
            ParsedExtension::AuthorityKeyIdentifier(_) => self.authority_key_id = critical,
            _ => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    pub ca: bool,
    pub path_length: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    pub digital_signature: bool,
    pub key_encipherment: bool,
    pub key_agreement: bool,
    pub certificate_sign: bool,
    pub crl_sign: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedKeyUsage {
    pub server: bool,
    pub client: bool,
    /// Names of all of them, for people.
    pub names: Vec<String>,
}

impl ExtendedKeyUsage {
    fn new(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Self {
        let known = [
            (usage.any, "anyExtendedKeyUsage"),
            (usage.server_auth, "serverAuth"),
            (usage.client_auth, "clientAuth"),
            (usage.code_signing, "codeSigning"),
            (usage.email_protection, "emailProtection"),
            (usage.time_stamping, "timeStamping"),
            (usage.ocsp_signing, "OCSPSigning"),
        ];
        let mut names: Vec<_> = known.iter().filter(|(has, _)| *has).map(|(_, name)| (*name).to_owned()).collect();
        names.extend(usage.other.iter().map(x509_parser::asn1_rs::Oid::to_id_string));
        Self { server: usage.server_auth, client: usage.client_auth, names }
    }
}

/// The bytes are no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Certificate {
    /// The names that the certificate is for.
    pub fn names(&self) -> Names<'_> {
        Names { subject: &self.subject, alternatives: self.alternative_names.as_deref() }
    }

    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        if der.len() > CERTIFICATE_LIMIT {
            return Err(Malformed);
        }
        let (rest, parsed) = parse_x509_certificate(der).map_err(|_| Malformed)?;
        if !rest.is_empty() {
            return Err(Malformed);
        }
        let mut certificate = Self {
            der: der.to_vec(),
            version: parsed.version().0.saturating_add(1),
            serial: parsed.raw_serial().to_vec(),
            subject: DistinguishedName::new(parsed.subject()),
            issuer: DistinguishedName::new(parsed.issuer()),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            alternative_names: None,
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: None,
            name_constraints: None,
            subject_key_id: None,
            authority_key_id: None,
            authority_issuer: None,
            names_issuer_address: false,
            unknown_critical: Vec::new(),
            critical: Critical::default(),
            has_extensions: !parsed.extensions().is_empty(),
            public_key: PublicKey::new(parsed.public_key()),
            signature_algorithm: Algorithm::new(&parsed.signature_algorithm),
            signature: parsed.signature_value.data.to_vec(),
            signed: parsed.tbs_certificate.as_ref().to_vec(),
        };
        // The algorithm outside the signature must be the one inside (RFC 5280, 4.1.1.2).
        if parsed.signature_algorithm != parsed.tbs_certificate.signature {
            return Err(Malformed);
        }
        certificate.read_extensions(&parsed)?;
        Ok(certificate)
    }

    fn read_extensions(&mut self, parsed: &X509Certificate<'_>) -> Result<(), Malformed> {
        // `extensions_map` fails on an extension that occurs twice (RFC 5280, 4.2).
        parsed.extensions_map().map_err(|_| Malformed)?;
        for extension in parsed.extensions() {
            self.critical.note(extension.parsed_extension(), extension.critical);
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    if names.general_names.len() > NAMES_LIMIT {
                        return Err(Malformed);
                    }
                    self.alternative_names = Some(names.general_names.iter().map(AlternativeName::new).collect());
                }
                ParsedExtension::BasicConstraints(constraints) => {
                    self.basic_constraints =
                        Some(BasicConstraints { ca: constraints.ca, path_length: constraints.path_len_constraint });
                }
                ParsedExtension::KeyUsage(usage) => {
                    self.key_usage = Some(KeyUsage {
                        digital_signature: usage.digital_signature(),
                        key_encipherment: usage.key_encipherment(),
                        key_agreement: usage.key_agreement(),
                        certificate_sign: usage.key_cert_sign(),
                        crl_sign: usage.crl_sign(),
                    });
                }
                ParsedExtension::ExtendedKeyUsage(usage) => {
                    self.extended_key_usage = Some(ExtendedKeyUsage::new(usage));
                }
                ParsedExtension::NameConstraints(constraints) => {
                    self.name_constraints = Some(Constraints::new(constraints));
                }
                ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(id.0.to_vec()),
                ParsedExtension::AuthorityKeyIdentifier(authority) => {
                    self.authority_key_id = authority.key_identifier.as_ref().map(|id| id.0.to_vec());
                    self.authority_issuer =
                        authority.authority_cert_issuer.iter().flatten().find_map(|name| match name {
                            GeneralName::DirectoryName(name) => Some(DistinguishedName::new(name)),
                            _ => None,
                        });
                }
                ParsedExtension::AuthorityInfoAccess(access) => {
                    let ca_issuers = oid!(1.3.6.1.5.5.7.48.2);
                    self.names_issuer_address =
                        access.iter().any(|description| description.access_method == ca_issuers);
                }
                // Understood as far as they matter to TLS, or without meaning for it.
                ParsedExtension::CertificatePolicies(_)
                | ParsedExtension::PolicyMappings(_)
                | ParsedExtension::PolicyConstraints(_)
                | ParsedExtension::InhibitAnyPolicy(_)
                | ParsedExtension::CRLDistributionPoints(_)
                | ParsedExtension::NSCertType(_) => {}
                ParsedExtension::ParseError { .. } => return Err(Malformed),
                _ if extension.critical => self.unknown_critical.push(extension.oid.to_id_string()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Subject and issuer are the same name, as of a root; nothing is said about the signature.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Signed with its own key.
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued()
            && self.public_key.verify(&self.signature_algorithm, &self.signed, &self.signature).is_ok()
    }

    /// Whether the key of `issuer` signed it, also in a way that nobody should believe any more; `None` if that cannot be checked
    /// here.
    pub fn is_signed_by(&self, issuer: &Self) -> Option<bool> {
        issuer.public_key.has_signed(&self.signature_algorithm, &self.signed, &self.signature)
    }

    pub fn is_ca(&self) -> bool {
        self.basic_constraints.is_some_and(|constraints| constraints.ca)
    }

    /// The first common name of the subject, which is the one that Mosquitto takes for the user's.
    pub fn common_name(&self) -> Option<&str> {
        self.subject.common_names().next()
    }

    /// The names it is valid for, for people: its alternative names, or else its common name.
    pub fn presented_names(&self) -> Vec<String> {
        match &self.alternative_names {
            Some(names) => names.iter().filter_map(AlternativeName::text).collect(),
            None => self.subject.common_names().map(str::to_owned).collect(),
        }
    }
}

impl AlternativeName {
    pub(super) fn new(name: &GeneralName<'_>) -> Self {
        match name {
            GeneralName::DNSName(name) => Self::Dns((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes).map_or(Self::Other, Self::Ip),
            GeneralName::RFC822Name(name) => Self::Email((*name).to_owned()),
            GeneralName::URI(uri) => Self::Uri((*uri).to_owned()),
            GeneralName::DirectoryName(name) => Self::Directory(DistinguishedName::new(name)),
            _ => Self::Other,
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Dns(name) | Self::Email(name) | Self::Uri(name) => Some(name.clone()),
            Self::Ip(address) => Some(address.to_string()),
            Self::Directory(name) => Some(name.to_string()),
            Self::Other => None,
        }
    }
}

/// `AB:CD:…`, at most the first eight bytes: enough to tell keys apart by eye.
pub fn short_key_id(id: &[u8]) -> String {
    id.iter().take(8).map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::chain::{Anchors, Purpose, Question, judge};
    use crate::pki::name::PeerName;
    use crate::pki::read;
    use crate::pki::revocation::RevocationList;
    use proptest::prelude::*;

    /// A certificate with something in every extension that is read.
    fn rich() -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned(), "::1".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(1));
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("lan".to_owned())],
            excluded_subtrees: vec![rcgen::GeneralSubtree::Rfc822Name("x@lan".to_owned())],
        });
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn judge_alone(der: &[u8]) {
        let name = PeerName::new("localhost");
        let question =
            Question { purpose: Purpose::Server, name: Some(&name), now: 0, check_dates: true, revocation: None };
        judge(&[der, der], &Anchors::new([der]), &question);
    }

    #[test]
    fn what_is_written_is_read() {
        let certificate = Certificate::parse(&rich()).unwrap();
        assert_eq!(certificate.presented_names(), ["localhost", "::1"]);
        assert_eq!(certificate.basic_constraints, Some(BasicConstraints { ca: true, path_length: Some(1) }));
        assert_eq!(certificate.extended_key_usage.as_ref().unwrap().names, ["serverAuth"]);
        assert!(certificate.is_self_signed());
        assert_eq!(certificate.subject_key_id.as_ref().map(Vec::len), Some(20));
    }

    #[test]
    fn every_truncation_is_malformed() {
        let der = rich();
        for length in 0..der.len() {
            assert_eq!(Certificate::parse(&der[..length]), Err(Malformed), "{length} bytes");
        }
        assert_eq!(Certificate::parse(&[&der[..], &[0]].concat()), Err(Malformed));
        assert_eq!(Certificate::parse(&vec![0x30; CERTIFICATE_LIMIT + 1]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            thread_local!(static RICH: Vec<u8> = rich());
            let mut der = RICH.with(Clone::clone);
            for (at, byte) in changes {
                let at = at.index(der.len());
                der[at] = byte;
            }
            judge_alone(&der);
            let _ = RevocationList::parse(&der);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            judge_alone(&bytes);
            let _ = RevocationList::parse(&bytes);
            let _ = read::parse(&bytes);
            let key = crate::pki::key::EncryptedKey::pkcs8(bytes.clone());
            let _ = (key.encryption(), key.decrypt(b"x"));
        }
    }
}
