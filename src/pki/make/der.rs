//! The little DER that is taken apart and put together by hand: certificates whose names must be
//! another's bytes, and those that are broken on purpose.

use x509_parser::der_parser::asn1_rs::{Any, FromDer};

pub const SEQUENCE: u8 = 0x30;
pub const BIT_STRING: u8 = 0x03;

/// One element: tag, definite length, content.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if content.len() < 0x80 {
        out.push(content.len() as u8);
    } else {
        let length = content.len().to_be_bytes();
        let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    }
    out.extend_from_slice(content);
    out
}

/// A sequence of elements that are DER already.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// A bit string of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

/// The content of the one element that `der` is.
pub fn content(der: &[u8]) -> Option<&[u8]> {
    let (rest, any) = Any::from_der(der).ok()?;
    rest.is_empty().then_some(any.data)
}

/// The elements inside a constructed element, each with its header.
pub fn parts(der: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = content(der)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (after, _) = Any::from_der(rest).ok()?;
        found.push(&rest[..rest.len() - after.len()]);
        rest = after;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(element(4, &[7; 3]), [4, 3, 7, 7, 7]);
        assert_eq!(element(4, &[0; 0x7f])[..2], [4, 0x7f]);
        assert_eq!(element(4, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(element(4, &[0; 0x1234])[..4], [4, 0x82, 0x12, 0x34]);
    }

    #[test]
    fn a_sequence_comes_apart_as_it_was_put_together() {
        let (one, two) = (element(2, &[1]), element(4, &[0; 200]));
        assert_eq!(parts(&sequence(&[&one, &two])).unwrap(), [one.as_slice(), two.as_slice()]);
        assert_eq!(parts(&[SEQUENCE, 5, 0]), None);
        assert_eq!(content(&[2, 1, 0, 9]), None, "bytes after the element");
    }
}
