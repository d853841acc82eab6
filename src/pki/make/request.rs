//! Certificate signing requests (PKCS#10): made for somebody else to sign, and signed here.

use rcgen::CertificateParams;
use rustls_pki_types::CertificateDer;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::error::X509Error;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use super::name::to_rcgen;
use super::{Authority, Error, KeyPair, Leaf, Subject};
use crate::pki::certificate::AlternativeName;
use crate::pki::name::DistinguishedName;

/// What a request asks for, as far as we may grant it.
#[derive(Clone, Debug)]
pub struct Request {
    pub subject: DistinguishedName,
    pub names: Vec<AlternativeName>,
    /// What else it asks for, which is never granted: `CA:TRUE`, kinds of names that we do not write.
    pub refused: Vec<String>,
    public_key: Vec<u8>,
}

/// Why a request is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    Unreadable,
    /// Its signature is not by the key in it: damaged, or not made by the key's owner.
    Signature,
    /// Signed in a way that cannot be checked here.
    UnsupportedSignature,
}

impl Request {
    /// A new request, as DER.
    pub fn make(subject: &Subject, names: &[AlternativeName], key: &KeyPair) -> Result<Vec<u8>, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject.to_rcgen()?;
        params.subject_alt_names = names.iter().map(to_rcgen).collect::<Result<_, _>>()?;
        Ok(params.serialize_request(key.rcgen())?.der().to_vec())
    }

    /// Reads a request and checks that the owner of its key made it.
    pub fn read(der: &[u8]) -> Result<Self, RequestError> {
        let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| RequestError::Unreadable)?;
        if !rest.is_empty() {
            return Err(RequestError::Unreadable);
        }
        request.verify_signature().map_err(|error| match error {
            X509Error::SignatureUnsupportedAlgorithm => RequestError::UnsupportedSignature,
            _ => RequestError::Signature,
        })?;
        let info = &request.certification_request_info;
        let mut read = Self {
            subject: DistinguishedName::new(&info.subject),
            names: Vec::new(),
            refused: Vec::new(),
            public_key: info.subject_pki.raw.to_vec(),
        };
        for extension in request.requested_extensions().into_iter().flatten() {
            read.take(extension);
        }
        Ok(read)
    }

    /// The SubjectPublicKeyInfo that is to be certified.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Signs the request: its subject and key, everything else from `leaf`.
    pub fn sign(&self, authority: &Authority, leaf: &Leaf) -> Result<CertificateDer<'static>, Error> {
        // The subject is copied. That there is one decides whether the alternative names are critical.
        let stand_in = (!self.subject.is_empty()).then(|| "stand-in".to_owned());
        let leaf = Leaf { subject: Subject { common_name: stand_in, ..Subject::default() }, ..leaf.clone() };
        authority.sign_for(&leaf, Some(self.subject.der()), &self.public_key)
    }

    fn take(&mut self, extension: &ParsedExtension<'_>) {
        match extension {
            ParsedExtension::SubjectAlternativeName(names) => {
                for name in &names.general_names {
                    let name = AlternativeName::new(name);
                    match checked(&name) {
                        Some(name) => self.names.push(name),
                        None => self.refused.push(name.to_string()),
                    }
                }
            }
            ParsedExtension::BasicConstraints(constraints) if constraints.ca => {
                self.refused.push("CA:TRUE".to_owned());
            }
            // The profile that the signer chooses says what these are.
            ParsedExtension::BasicConstraints(_)
            | ParsedExtension::KeyUsage(_)
            | ParsedExtension::ExtendedKeyUsage(_)
            | ParsedExtension::SubjectKeyIdentifier(_) => {}
            ParsedExtension::UnsupportedExtension { oid } => self.refused.push(format!("extension {oid}")),
            _ => self.refused.push("an extension that only issuers set".to_owned()),
        }
    }
}

/// A name of a request, held to the same rules as one that a user types.
fn checked(name: &AlternativeName) -> Option<AlternativeName> {
    match name {
        AlternativeName::Directory(_) | AlternativeName::Other => None,
        name => name.to_string().parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::make::KeyType;

    #[test]
    fn a_request_is_read_as_it_was_made() {
        for kind in [KeyType::P256, KeyType::P384, KeyType::Rsa(2048), KeyType::Ed25519] {
            let key = KeyPair::generate(kind).unwrap();
            let names = ["mqtt.lan", "10.0.0.1", "::1", "urn:x:y", "a@b.lan"].map(|name| name.parse().unwrap());
            let subject = Subject {
                common_name: Some("dev1".into()),
                organization: Some("Lab".into()),
                unit: Some("R&D".into()),
            };
            let request = Request::read(&Request::make(&subject, &names, &key).unwrap()).unwrap();
            assert_eq!(request.names, names);
            assert_eq!(request.subject.to_string(), "O=Lab, OU=R&D, CN=dev1");
            assert_eq!(request.refused, [""; 0]);
            assert_eq!(request.public_key, key.public_key());
        }
    }

    #[test]
    fn a_request_that_was_changed_is_refused() {
        let key = KeyPair::generate(KeyType::P256).unwrap();
        let mut der = Request::make(&Subject::common_name("dev1"), &[], &key).unwrap();
        let at = der.windows(4).position(|bytes| bytes == b"dev1").unwrap();
        der[at] = b'x';
        assert_eq!(Request::read(&der).unwrap_err(), RequestError::Signature);
        assert_eq!(Request::read(b"nonsense").unwrap_err(), RequestError::Unreadable);
        der.push(0);
        assert_eq!(Request::read(&der).unwrap_err(), RequestError::Unreadable);
    }
}
