//! Names in certificates: who a peer is asked to be, who it says it is, and who a CA may speak for.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use x509_parser::asn1_rs::{Any, Tag, oid};
use x509_parser::extensions::{GeneralName, NameConstraints};
use x509_parser::x509::X509Name;

use super::attribute_types::short_name;
use super::rfc2253;
use crate::escape::escape_controls;

/// Whom we asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerName {
    /// Lower case, without a final dot.
    Dns(String),
    Ip(IpAddr),
}

impl PeerName {
    /// The name in what a user gives as host: an address if it reads as one, without the interface behind `%` that only
    /// this machine knows.
    pub fn new(host: &str) -> Self {
        match without_zone(host).parse() {
            Ok(address) => Self::Ip(address),
            Err(_) => Self::Dns(host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()),
        }
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// `fe80::1%eth0` as `fe80::1`; everything else as it is.
pub fn without_zone(host: &str) -> &str {
    match host.split_once('%') {
        Some((address, _)) if address.parse::<Ipv6Addr>().is_ok() => address,
        _ => host,
    }
}

/// How a certificate answers to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// By its subjectAltName.
    AlternativeName,
    /// By its common name, for want of a subjectAltName.
    CommonName,
    No,
    /// An address that stands among the DNS names, where it means nothing.
    AddressAsDnsName,
}

/// One name of a subjectAltName.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlternativeName {
    Dns(String),
    Ip(IpAddr),
    Email(String),
    Uri(String),
    Directory(DistinguishedName),
    /// A kind, or bytes, that nobody here reads.
    Other,
}

/// The names that a certificate is for.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    pub subject: &'a DistinguishedName,
    /// `None` without a subjectAltName.
    pub alternatives: Option<&'a [AlternativeName]>,
}

/// Whether a certificate of `names` is one for `name`. The common name counts only without any subjectAltName.
pub fn matches(names: Names<'_>, name: &PeerName) -> Match {
    let Some(alternatives) = names.alternatives else {
        let fits = |common: &str| match name {
            PeerName::Dns(host) => dns_matches(common, host),
            PeerName::Ip(address) => common.parse() == Ok(*address),
        };
        return if names.subject.common_names().any(fits) { Match::CommonName } else { Match::No };
    };
    let fits = |alternative: &AlternativeName| match (alternative, name) {
        (AlternativeName::Dns(pattern), PeerName::Dns(host)) => dns_matches(pattern, host),
        (AlternativeName::Ip(presented), PeerName::Ip(asked)) => presented == asked,
        _ => false,
    };
    if alternatives.iter().any(fits) {
        return Match::AlternativeName;
    }
    let as_dns = |alternative: &AlternativeName| match (alternative, name) {
        (AlternativeName::Dns(text), PeerName::Ip(asked)) => text.parse() == Ok(*asked),
        _ => false,
    };
    if alternatives.iter().any(as_dns) { Match::AddressAsDnsName } else { Match::No }
}

/// RFC 6125: labels in any letter case; `*` stands for exactly one whole label, the first, and at
/// least two labels must follow it. A certificate's name has no final dot (RFC 5280, 4.2.1.6).
fn dns_matches(pattern: &str, host: &str) -> bool {
    if pattern.is_empty() || host.is_empty() || !pattern.is_ascii() {
        return false;
    }
    let Some(rest) = pattern.strip_prefix("*.") else {
        return !pattern.contains('*') && pattern.eq_ignore_ascii_case(host);
    };
    let Some((first, host_rest)) = host.split_once('.') else { return false };
    let enough_labels = rest.contains('.') && !rest.contains('*') && rest.split('.').all(|label| !label.is_empty());
    enough_labels && !first.is_empty() && rest.eq_ignore_ascii_case(host_rest)
}

/// The address in an iPAddress of 4 or 16 bytes.
pub(super) fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// A distinguished name. Two are equal as OpenSSL sees it: letter case and runs of spaces do not
/// count, nor does the string type.
#[derive(Clone, Debug)]
pub struct DistinguishedName {
    /// As it stands in the certificate.
    der: Vec<u8>,
    /// In the order of the encoding; each inner list is one set (`OU=a + CN=b`).
    sets: Vec<Vec<Attribute>>,
}

#[derive(Clone, Debug)]
struct Attribute {
    identifier: String,
    value: String,
    /// The bytes are the text, in UTF-8.
    is_plain: bool,
    is_common_name: bool,
}

impl Attribute {
    fn canonical(&self) -> (&str, String) {
        let words: Vec<_> = self.value.split_ascii_whitespace().collect();
        (&self.identifier, words.join(" ").to_lowercase())
    }

    /// `CN`, `O`, … or the object identifier.
    fn short_name(&self) -> &str {
        short_name(&self.identifier).unwrap_or(&self.identifier)
    }
}

impl DistinguishedName {
    pub(super) fn new(name: &X509Name<'_>) -> Self {
        let common_name = oid!(2.5.4.3);
        let sets = name.iter_rdn().map(|set| {
            let attribute = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| Attribute {
                identifier: attribute.attr_type().to_id_string(),
                value: string(attribute.attr_value()),
                is_plain: is_plain(attribute.attr_value()),
                is_common_name: *attribute.attr_type() == common_name,
            };
            set.iter().map(attribute).collect()
        });
        Self { der: name.as_raw().to_vec(), sets: sets.collect() }
    }

    /// The name in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The name in DER bytes that a TLS peer sent; `None` if they are no name.
    pub fn parse(der: &[u8]) -> Option<Self> {
        use x509_parser::asn1_rs::FromDer;
        X509Name::from_der(der).ok().map(|(_, name)| Self::new(&name))
    }

    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    pub fn common_names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.sets
            .iter()
            .flatten()
            .filter(|attribute| attribute.is_common_name)
            .map(|attribute| attribute.value.as_str())
    }

    /// The first common name, if its bytes are text as they stand. Whoever reads those bytes sees what we see: none
    /// of BMPString, UniversalString, or of another character set.
    pub fn plain_common_name(&self) -> Option<&str> {
        let first = self.sets.iter().flatten().find(|attribute| attribute.is_common_name)?;
        first.is_plain.then_some(first.value.as_str())
    }

    /// The name as OpenSSL writes it for RFC 2253. This is what Mosquitto makes a username of (`use_subject_as_username`).
    /// `None`: something in it is no text that it says it is.
    pub fn rfc2253(&self) -> Option<String> {
        use x509_parser::asn1_rs::FromDer;
        let (_, name) = X509Name::from_der(&self.der).ok()?;
        rfc2253::written(&name)
    }

    fn canonical(&self) -> Vec<Vec<(&str, String)>> {
        self.sets
            .iter()
            .map(|set| {
                let mut parts: Vec<_> = set.iter().map(Attribute::canonical).collect();
                parts.sort();
                parts
            })
            .collect()
    }

    /// Begins with all of `base`, as a directory subtree demands.
    fn is_below(&self, base: &Self) -> bool {
        self.canonical().starts_with(&base.canonical())
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der || self.canonical() == other.canonical()
    }
}

impl Eq for DistinguishedName {}

/// `CN=Lab CA, O=Lab`: in the order of the certificate. A name is the text of whoever asked for the certificate: what
/// would control a terminal is shown as an escape.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attribute) in self.sets.iter().flatten().enumerate() {
            let joint = if index == 0 { "" } else { ", " };
            write!(f, "{joint}{}={}", attribute.short_name(), escape_controls(&attribute.value))?;
        }
        Ok(())
    }
}

/// The text of an attribute, whichever of ASN.1's string types holds it.
fn is_plain(value: &Any<'_>) -> bool {
    match value.tag() {
        Tag::BmpString | Tag::UniversalString => false,
        Tag::TeletexString => value.data.is_ascii(),
        _ => str::from_utf8(value.data).is_ok(),
    }
}

fn string(value: &Any<'_>) -> String {
    match value.tag() {
        Tag::TeletexString => value.data.iter().copied().map(char::from).collect(),
        Tag::BmpString => {
            let units: Vec<_> = value.data.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        Tag::UniversalString => value
            .data
            .chunks_exact(4)
            .map(|unit| u32::from_be_bytes([unit[0], unit[1], unit[2], unit[3]]))
            .map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        _ => String::from_utf8_lossy(value.data).into_owned(),
    }
}

/// The names that a CA may, or may not, vouch for (RFC 5280, 4.2.1.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraints {
    /// Restricts only names of the kinds that it lists.
    pub permitted: Vec<Subtree>,
    pub excluded: Vec<Subtree>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subtree {
    Dns(String),
    /// Address and mask, 8 or 32 bytes.
    Ip(Vec<u8>),
    Directory(DistinguishedName),
    Email(String),
    Uri(String),
    Other,
}

/// A name in a certificate that its CA may not vouch for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotPermitted(pub String);

impl Constraints {
    pub(super) fn new(constraints: &NameConstraints<'_>) -> Self {
        let subtrees = |subtrees: &Option<Vec<x509_parser::extensions::GeneralSubtree<'_>>>| {
            subtrees.iter().flatten().map(|subtree| Subtree::new(&subtree.base)).collect()
        };
        Self {
            permitted: subtrees(&constraints.permitted_subtrees),
            excluded: subtrees(&constraints.excluded_subtrees),
        }
    }

    /// Whether every one of `names` is allowed. The common name of what is no CA counts as a host name (or an
    /// address) where it could be taken for one: without a subjectAltName.
    pub fn check(&self, names: Names<'_>, is_ca: bool) -> Result<(), NotPermitted> {
        if !names.subject.is_empty() {
            self.check_name(&AlternativeName::Directory(names.subject.clone()))?;
        }
        match names.alternatives {
            Some(names) => names.iter().try_for_each(|name| self.check_name(name)),
            None if is_ca => Ok(()),
            None => names.subject.common_names().try_for_each(|common| match common.parse() {
                Ok(address) => self.check_name(&AlternativeName::Ip(address)),
                Err(_) if looks_like_a_host(common) => self.check_name(&AlternativeName::Dns(common.to_owned())),
                Err(_) => Ok(()),
            }),
        }
    }

    fn check_name(&self, name: &AlternativeName) -> Result<(), NotPermitted> {
        let not_permitted = || NotPermitted(name_text(name));
        if self.excluded.iter().any(|subtree| subtree.holds(name) != Some(false) && subtree.is_like(name)) {
            return Err(not_permitted());
        }
        let mut same_kind = self.permitted.iter().filter(|subtree| subtree.is_like(name)).peekable();
        if same_kind.peek().is_some() && !same_kind.any(|subtree| subtree.holds(name) == Some(true)) {
            return Err(not_permitted());
        }
        Ok(())
    }
}

fn name_text(name: &AlternativeName) -> String {
    match name {
        AlternativeName::Dns(name) | AlternativeName::Email(name) | AlternativeName::Uri(name) => name.clone(),
        AlternativeName::Ip(address) => address.to_string(),
        AlternativeName::Directory(name) => name.to_string(),
        AlternativeName::Other => "a name of an unknown kind".to_owned(),
    }
}

fn looks_like_a_host(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'*'))
}

impl Subtree {
    fn new(base: &GeneralName<'_>) -> Self {
        match base {
            GeneralName::DNSName(name) => Self::Dns((*name).to_owned()),
            GeneralName::IPAddress(bytes) => Self::Ip(bytes.to_vec()),
            GeneralName::DirectoryName(name) => Self::Directory(DistinguishedName::new(name)),
            GeneralName::RFC822Name(name) => Self::Email((*name).to_owned()),
            GeneralName::URI(uri) => Self::Uri((*uri).to_owned()),
            _ => Self::Other,
        }
    }

    /// Is about names of this kind.
    fn is_like(&self, name: &AlternativeName) -> bool {
        matches!(
            (self, name),
            (Self::Dns(_), AlternativeName::Dns(_))
                | (Self::Ip(_), AlternativeName::Ip(_))
                | (Self::Directory(_), AlternativeName::Directory(_))
                | (Self::Email(_), AlternativeName::Email(_))
                | (Self::Uri(_), AlternativeName::Uri(_))
                | (Self::Other, AlternativeName::Other)
        )
    }

    /// Whether `name` lies within; `None` where nobody here can tell, which nobody may build on.
    fn holds(&self, name: &AlternativeName) -> Option<bool> {
        match (self, name) {
            (Self::Dns(base), AlternativeName::Dns(name)) => Some(is_subdomain(name, base)),
            (Self::Ip(base), AlternativeName::Ip(address)) => Some(is_in_network(*address, base)),
            (Self::Directory(base), AlternativeName::Directory(name)) => Some(name.is_below(base)),
            _ => None,
        }
    }
}

/// `host.example.com` and `example.com` lie in `example.com`; only the former in `.example.com`.
fn is_subdomain(name: &str, base: &str) -> bool {
    // A wildcard lies where all that it stands for lies.
    let name = name.strip_prefix("*.").unwrap_or(name).trim_end_matches('.').to_ascii_lowercase();
    let base = base.trim_end_matches('.').to_ascii_lowercase();
    if base.is_empty() {
        return true;
    }
    match name.strip_suffix(base.as_str()) {
        Some("") => true,
        Some(rest) => base.starts_with('.') || rest.ends_with('.'),
        None => false,
    }
}

/// `base` is an address and a mask of the same length.
fn is_in_network(address: IpAddr, base: &[u8]) -> bool {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    if base.len() != 2 * octets.len() {
        return false;
    }
    let (network, mask) = base.split_at(octets.len());
    octets.iter().zip(network).zip(mask).all(|((octet, network), mask)| octet & mask == network & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_common_name_counts_and_only_as_text() {
        // SEQUENCE of one SET each; 2.5.4.3 is the common name, 2.5.4.10 the organization.
        let name = |parts: &[(u8, u8, &[u8])]| {
            let set = |(attribute, tag, value): &(u8, u8, &[u8])| {
                let pair = [&[6, 3, 0x55, 4, *attribute, *tag, value.len() as u8][..], value].concat();
                let sequence = [&[0x30, pair.len() as u8][..], &pair].concat();
                [&[0x31, sequence.len() as u8][..], &sequence].concat()
            };
            let sets = parts.iter().flat_map(set).collect::<Vec<_>>();
            DistinguishedName::parse(&[&[0x30, sets.len() as u8][..], &sets].concat()).unwrap()
        };
        const UTF8: u8 = 0x0c;
        let plain = |parts: &[(u8, u8, &[u8])]| name(parts).plain_common_name().map(str::to_owned);
        assert_eq!(plain(&[(3, UTF8, b"lowly"), (3, UTF8, b"admin")]).as_deref(), Some("lowly"));
        assert_eq!(plain(&[(10, UTF8, b"org"), (3, UTF8, "zo\u{eb}".as_bytes())]).as_deref(), Some("zo\u{eb}"));
        assert_eq!(plain(&[(10, UTF8, b"org")]), None);
        // BMPString, UniversalString, TeletexString beyond ASCII, bytes that are no UTF-8; the second does not step in.
        for (tag, value) in [(0x1e, &b"\0a"[..]), (0x1c, b"\0\0\0a"), (0x14, b"zo\xeb"), (UTF8, b"zo\xeb")] {
            assert_eq!(plain(&[(3, tag, value), (3, UTF8, b"admin")]), None, "{tag:#x}");
        }
    }

    #[test]
    fn a_star_stands_for_one_whole_first_label() {
        for (pattern, host, fits) in [
            ("mqtt.example.com", "mqtt.example.com", true),
            ("MQTT.Example.com", "mqtt.example.com", true),
            ("mqtt.example.com.", "mqtt.example.com", false),
            ("*.example.com", "mqtt.example.com", true),
            ("*.example.com", "a.mqtt.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.com", "example.com", false),
            ("*", "localhost", false),
            ("m*.example.com", "mqtt.example.com", false),
            ("a.*.com", "a.b.com", false),
            ("*.*.com", "a.b.com", false),
            ("", "", false),
            ("localhost", "localhost", true),
        ] {
            assert_eq!(dns_matches(pattern, host), fits, "{pattern} for {host}");
        }
    }

    #[test]
    fn a_host_that_reads_as_an_address_is_one() {
        assert_eq!(PeerName::new("192.168.1.10"), PeerName::Ip([192, 168, 1, 10].into()));
        assert_eq!(PeerName::new("::1"), PeerName::Ip(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(PeerName::new("::1%lo"), PeerName::Ip(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(PeerName::new("lan%lo"), PeerName::Dns("lan%lo".to_owned()));
        assert_eq!(PeerName::new("LAN.Example."), PeerName::Dns("lan.example".to_owned()));
    }

    #[test]
    fn subdomains_end_at_a_dot() {
        assert!(is_subdomain("a.example.com", "example.com"));
        assert!(is_subdomain("example.com", "example.com"));
        assert!(is_subdomain("a.example.com", ".example.com"));
        assert!(!is_subdomain("example.com", ".example.com"));
        assert!(!is_subdomain("badexample.com", "example.com"));
        assert!(is_subdomain("*.example.com", "example.com"));
    }

    #[test]
    fn networks_are_masked() {
        assert!(is_in_network([192, 168, 7, 9].into(), &[192, 168, 0, 0, 255, 255, 0, 0]));
        assert!(!is_in_network([192, 169, 7, 9].into(), &[192, 168, 0, 0, 255, 255, 0, 0]));
        assert!(!is_in_network([192, 168, 7, 9].into(), &[192, 168]));
    }
}
