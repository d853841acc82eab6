//! What a value holds that stands in a text or a table: PEM, DER, or one of both in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::der;
use super::item::Item;
use crate::pki::kind::Kind;
use crate::pki::section::PemText;

/// A value of a text, by the name that it has there.
#[derive(Debug, PartialEq, Eq)]
pub struct Value {
    pub name: String,
    /// `None` where it is written in a way that is not read here.
    pub bytes: Option<Zeroizing<Vec<u8>>>,
}

impl Value {
    pub fn new(name: impl Into<String>, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: Some(bytes) }
    }
}

/// The most values of one text; one more is read, by which it is seen that there are too many.
pub const VALUES_LIMIT: usize = 10_000;

/// The longest name of a value or a member of an archive, in bytes. Everything that stands there has it.
pub const NAME_LIMIT: usize = 1024;

/// Less than that is no certificate and no key in base64.
const SHORTEST_BASE64: usize = 60;

/// Below that a name like `api_key` says nothing.
const SHORTEST_BY_NAME: usize = 100;

const BEGIN: &[u8] = b"-----BEGIN ";

/// How many PEM sections begin in a text, wherever.
pub fn beginnings(text: &[u8]) -> usize {
    memchr::memmem::find_iter(text, BEGIN).count()
}

/// What `value` holds; nothing where it is something else. What cannot be read, and should be there by its own first bytes
/// or by its name, is damaged.
pub fn items(value: &Value) -> Vec<Item> {
    let Some(bytes) = &value.bytes else {
        return vec![Item::Unknown(Kind::Known("a value that is not read here", ""))];
    };
    let bytes = bytes.as_slice();
    if let Some(items) = pem_or_der(bytes) {
        return items;
    }
    let decoded = base64(bytes);
    if let Some(items) = decoded.as_deref().and_then(|bytes| pem_or_der(bytes)) {
        return items;
    }
    let is_promised = is_promised(&value.name, bytes.len());
    let begins_so = der::is_whole(bytes) || decoded.is_some_and(|bytes| der::is_whole(&bytes));
    if is_promised || begins_so { vec![Item::Damaged("value")] } else { Vec::new() }
}

/// PEM, even a damaged one, or DER.
fn pem_or_der(bytes: &[u8]) -> Option<Vec<Item>> {
    if beginnings(bytes) == 0 {
        return der::item(bytes).map(|item| vec![item]);
    }
    // The end of a text in C.
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let text = PemText::of(bytes);
    let is_damaged = text.broken.is_some() || !text.passed_over.is_empty();
    let mut items: Vec<_> = text.sections.into_iter().map(Item::of).collect();
    if is_damaged || items.is_empty() {
        items.push(Item::Damaged("PEM section"));
    }
    Some(items)
}

/// The bytes of a text that is base64 and nothing else, which may be cut into lines.
pub fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_of_it = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte) || byte.is_ascii_whitespace();
    if text.len() < SHORTEST_BASE64 || !text.iter().all(is_of_it) {
        return None;
    }
    let joined: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    STANDARD.decode(joined.as_slice()).ok().map(Zeroizing::new)
}

/// Whether a value of this name and length should be a certificate, a key, a request or a list.
fn is_promised(name: &str, length: usize) -> bool {
    if length == 0 {
        return false;
    }
    let surely = ["_der", "_pem", "_base64", ".crt", ".cer", ".pem", ".der", ".key", ".csr", ".crl", ".p12", ".pfx"];
    let words = ["ca", "cert", "certificate", "crt", "key", "chain", "crl", "p12", "pkcs12"];
    let lower = name.to_ascii_lowercase();
    surely.iter().any(|ending| lower.ends_with(ending))
        || (length >= SHORTEST_BY_NAME && lower.split(['_', '-', '.', '/']).any(|word| words.contains(&word)))
        || ["CA", "CERT", "KEY"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_should_be_there_is_damaged_and_what_need_not_is_nothing() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let der = made.cert.der().to_vec();
        let encoded = STANDARD.encode(&der);
        let pem = STANDARD.encode(made.cert.pem());
        for (name, bytes, count) in [
            ("x", der.clone(), 1),
            ("x", encoded.clone().into_bytes(), 1),
            ("x", pem.into_bytes(), 1),
            ("x", [made.cert.pem().as_bytes(), &[0]].concat(), 1),
            ("dev1_cert_der", der[..der.len() - 1].to_vec(), 1),
            ("CERT", b"MII".to_vec(), 1),
            ("x", der[..der.len() - 1].to_vec(), 0),
            ("api_key", b"0123456789abcdef".to_vec(), 0),
            ("ca_crt", vec![b'!'; 200], 1),
            ("x", b"\x30\x03\x02\x01\x07".to_vec(), 1),
            ("x", Vec::new(), 0),
            ("x.pem", b"a -----BEGIN CERTIFICATE-----".to_vec(), 1),
        ] {
            let value = Value::new(name, Zeroizing::new(bytes.clone()));
            assert_eq!(items(&value).len(), count, "{name} {bytes:?}");
        }
    }
}
