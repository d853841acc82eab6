//! A distinguished name as OpenSSL writes it for RFC 2253, which is a user name for brokers with `use_subject_as_username`. So
//! no two names that differ may be written alike, whatever stands in them.

use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, Class, Tag, ToDer};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::attribute_types::short_name;

/// A value is no text of the type that it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable;

/// Last part first, special characters escaped, all but printable ASCII byte by byte; the DER of what is no text or stands under
/// a number without a name. `None`: a value cannot be read.
pub(super) fn written(name: &X509Name<'_>) -> Option<String> {
    let sets: Option<Vec<_>> = name
        .iter_rdn()
        .map(|set| {
            let mut parts = set.iter().map(part).collect::<Option<Vec<_>>>()?;
            parts.reverse();
            Some(parts.join("+"))
        })
        .collect();
    let mut sets = sets?;
    sets.reverse();
    Some(sets.join(","))
}

fn part(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let identifier = attribute.attr_type().to_id_string();
    let value = attribute.attr_value();
    let Some(name) = short_name(&identifier) else { return Some(format!("{identifier}={}", dump(value)?)) };
    match text(value).ok()? {
        Some(text) => Some(format!("{name}={}", escape(&text))),
        None => Some(format!("{name}={}", dump(value)?)),
    }
}

/// The characters of a value, in UTF-8. `None`: it is no string.
fn text(value: &Any<'_>) -> Result<Option<Vec<u8>>, Unreadable> {
    if value.class() != Class::Universal {
        return Ok(None);
    }
    let in_utf8 = |characters: Option<String>| characters.map(|text| Some(text.into_bytes())).ok_or(Unreadable);
    match value.tag() {
        Tag::Utf8String => in_utf8(str::from_utf8(value.data).ok().map(str::to_owned)),
        // Whatever the type allows, a byte is a character of Latin-1.
        Tag::NumericString | Tag::PrintableString | Tag::TeletexString | Tag::Ia5String => {
            in_utf8(Some(value.data.iter().copied().map(char::from).collect()))
        }
        Tag::BmpString => {
            let (units, rest) = value.data.as_chunks::<2>();
            let characters = units.iter().map(|unit| char::from_u32(u16::from_be_bytes(*unit).into())).collect();
            in_utf8(if rest.is_empty() { characters } else { None })
        }
        Tag::UniversalString => {
            let (units, rest) = value.data.as_chunks::<4>();
            let characters = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect();
            in_utf8(if rest.is_empty() { characters } else { None })
        }
        _ => Ok(None),
    }
}

/// `#` and the value in DER, in hexadecimal digits.
fn dump(value: &Any<'_>) -> Option<String> {
    let mut text = "#".to_owned();
    for byte in value.to_der_vec().ok()? {
        let _ = write!(text, "{byte:02X}"); // writing to a string cannot fail
    }
    Some(text)
}

/// RFC 2253, 2.4.
fn escape(value: &[u8]) -> String {
    let mut text = String::new();
    let last = value.len().saturating_sub(1);
    for (index, &byte) in value.iter().enumerate() {
        if !(b' '..=b'~').contains(&byte) {
            let _ = write!(text, "\\{byte:02X}"); // writing to a string cannot fail
            continue;
        }
        // To OpenSSL a `#` that is first and last is last.
        let special = matches!(byte, b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';')
            || (index == 0 && (byte == b' ' || byte == b'#' && last > 0))
            || (index == last && byte == b' ');
        if special {
            text.push('\\');
        }
        text.push(char::from(byte));
    }
    text
}

#[cfg(test)]
mod tests {
    use x509_parser::asn1_rs::FromDer;

    use super::*;

    /// A name with one part: the DER of an object identifier, then a tag and the bytes of the value.
    fn name(identifier: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, bytes: &[u8]| [&[tag, bytes.len() as u8], bytes].concat();
        let part = wrap(0x30, &[identifier, &wrap(tag, value)].concat());
        wrap(0x30, &wrap(0x31, &part))
    }

    /// The right column was printed by `openssl x509 -nameopt RFC2253`. Certificates with what is `None`, or of type 4 or 26, are
    /// none to OpenSSL.
    #[test]
    fn values_are_written_as_openssl_does() {
        const CN: &[u8] = b"\x06\x03\x55\x04\x03";
        const POSTAL_CODE: &[u8] = b"\x06\x03\x55\x04\x11";
        const OTHER: &[u8] = b"\x06\x04\x53\x04\x05\x06";
        /// Type of the part, tag and bytes of its value, how OpenSSL writes it.
        type Row = (&'static [u8], u8, &'static [u8], Option<&'static str>);
        let rows: [Row; 25] = [
            (CN, 12, "bücher".as_bytes(), Some("CN=b\\C3\\BCcher")),
            (CN, 12, b"a,b \"c\"", Some("CN=a\\,b \\\"c\\\"")),
            (CN, 12, b"t\x7fab", Some("CN=t\\7Fab")),
            (CN, 12, b"#x", Some("CN=\\#x")),
            (CN, 12, b"#", Some("CN=#")),
            (CN, 12, b" lead", Some("CN=\\ lead")),
            (CN, 12, b"trail ", Some("CN=trail\\ ")),
            (CN, 12, b" ", Some("CN=\\ ")),
            (CN, 12, b"eq=1", Some("CN=eq=1")),
            (CN, 12, b"", Some("CN=")),
            // UTF-8 in a string of another type is not taken for another name, nor what is no UTF-8.
            (CN, 12, b"a\xff", None),
            (CN, 12, "a\u{fffd}".as_bytes(), Some("CN=a\\EF\\BF\\BD")),
            (CN, 19, "ü".as_bytes(), Some("CN=\\C3\\83\\C2\\BC")),
            (CN, 22, b"\xfc", Some("CN=\\C3\\BC")),
            (CN, 20, b"\xfc", Some("CN=\\C3\\BC")),
            (CN, 30, b"\0a\0\xfc", Some("CN=a\\C3\\BC")),
            (CN, 28, b"\0\0\0a\0\x01\xf6\0", Some("CN=a\\F0\\9F\\98\\80")),
            (CN, 30, b"\0a\0", None),
            (CN, 30, b"\xd8\0\0a", None),
            (CN, 28, b"\0\x11\0\0", None),
            // What is no string does not pass for one.
            (CN, 3, b"\0ann", Some("CN=#030400616E6E")),
            (CN, 4, b"ann", Some("CN=#0403616E6E")),
            (CN, 26, b"ann", Some("CN=#1A03616E6E")),
            (POSTAL_CODE, 19, b"12345", Some("postalCode=12345")),
            (OTHER, 12, b"val", Some("2.3.4.5.6=#0C0376616C")),
        ];
        for (identifier, tag, value, expected) in rows {
            let der = name(identifier, tag, value);
            let (_, name) = X509Name::from_der(&der).unwrap();
            assert_eq!(written(&name).as_deref(), expected, "{tag} {value:?}");
        }
    }
}
