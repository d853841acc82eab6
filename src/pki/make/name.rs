//! Whom a certificate is for: the subject, and the alternative names by kind.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rcgen::{CidrSubnet, DistinguishedName, DnType, GeneralSubtree, NameConstraints, SanType};

use crate::escape::escape_controls;
use crate::pki::certificate::AlternativeName;

/// X.520's upper bound for a common name, an organisation and a unit, in characters.
const ATTRIBUTE_LIMIT: usize = 64;
/// RFC 1035: a whole host name, and one label of it.
const HOST_LIMIT: usize = 253;
const LABEL_LIMIT: usize = 63;

/// Why some text is not a name that a certificate can carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    Empty,
    /// A common name, organisation or unit of more than 64 characters.
    TooLong(String),
    /// Control characters or, where only ASCII goes, others.
    Characters(String),
    /// Digits and dots, yet no address: `192.168.1.300`.
    NoAddress(String),
    /// `host:8883`: a certificate knows no port.
    Port(String),
    /// `mqtts://host`, where a host is wanted.
    Url(String),
    /// `fe80::1%eth0`: a certificate knows no interface.
    Zone(String),
    /// A name outside of ASCII; certificates hold its `xn--` form.
    NotAscii(String),
    Host(String),
    Uri(String),
    Email(String),
    Constraint(String),
    /// A kind of name that is read, but not written here.
    Unwritable,
}

/// The attributes of a subject that we write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    pub common_name: Option<String>,
    pub organization: Option<String>,
    pub unit: Option<String>,
}

impl Subject {
    pub fn common_name(name: impl Into<String>) -> Self {
        Self { common_name: Some(name.into()), ..Self::default() }
    }

    /// Whether a common name of this length is allowed at all.
    pub fn fits(common_name: &str) -> bool {
        common_name.chars().count() <= ATTRIBUTE_LIMIT
    }

    /// Whether a certificate can carry it.
    pub fn check(&self) -> Result<(), NameError> {
        self.to_rcgen().map(drop)
    }

    pub(super) fn to_rcgen(&self) -> Result<DistinguishedName, NameError> {
        let mut name = DistinguishedName::new();
        for (kind, value) in [
            (DnType::OrganizationName, &self.organization),
            (DnType::OrganizationalUnitName, &self.unit),
            (DnType::CommonName, &self.common_name),
        ] {
            if let Some(value) = value {
                check_attribute(value)?;
                name.push(kind, value.as_str());
            }
        }
        Ok(name)
    }
}

fn check_attribute(value: &str) -> Result<(), NameError> {
    match value {
        _ if value.trim().is_empty() => Err(NameError::Empty),
        _ if value.chars().any(char::is_control) => Err(NameError::Characters(value.to_owned())),
        _ if !Subject::fits(value) => Err(NameError::TooLong(value.to_owned())),
        _ => Ok(()),
    }
}

/// A host as users write it: a name, `*.lan`, an address, `[::1]`.
pub fn host(text: &str) -> Result<AlternativeName, NameError> {
    let owned = || text.to_owned();
    if text.contains("://") {
        return Err(NameError::Url(owned()));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse() {
        return Ok(AlternativeName::Ip(address));
    }
    if bare.contains('%') && bare.contains(':') {
        return Err(NameError::Zone(owned()));
    }
    if text.contains(':') {
        return Err(NameError::Port(owned()));
    }
    host_name(text).map(AlternativeName::Dns)
}

/// A URI, or text that is at least shaped like one: a scheme, a colon, something behind it.
fn uri(text: &str) -> Result<AlternativeName, NameError> {
    let (scheme, rest) = text.split_once(':').ok_or_else(|| NameError::Uri(text.to_owned()))?;
    let scheme_is_right = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if scheme_is_right && !rest.is_empty() && text.chars().all(|c| c.is_ascii_graphic()) {
        Ok(AlternativeName::Uri(text.to_owned()))
    } else {
        Err(NameError::Uri(text.to_owned()))
    }
}

fn email(text: &str) -> Result<AlternativeName, NameError> {
    let wrong = || NameError::Email(text.to_owned());
    let (mailbox, host) = text.rsplit_once('@').ok_or_else(wrong)?;
    let mailbox_is_right = !mailbox.is_empty() && mailbox.chars().all(|c| c.is_ascii_graphic() && c != '@');
    if !mailbox_is_right || host.starts_with('*') {
        return Err(wrong());
    }
    Ok(AlternativeName::Email(format!("{mailbox}@{}", host_name(host).map_err(|_| wrong())?)))
}

pub(super) fn to_rcgen(name: &AlternativeName) -> Result<SanType, NameError> {
    let ascii = |text: &str| text.try_into().map_err(|_| NameError::NotAscii(text.to_owned()));
    Ok(match name {
        AlternativeName::Dns(name) => SanType::DnsName(ascii(name)?),
        AlternativeName::Ip(address) => SanType::IpAddress(*address),
        AlternativeName::Uri(uri) => SanType::URI(ascii(uri)?),
        AlternativeName::Email(email) => SanType::Rfc822Name(ascii(email)?),
        AlternativeName::Directory(_) | AlternativeName::Other => return Err(NameError::Unwritable),
    })
}

/// `dns:`, `ip:`, `uri:` or `email:` and the name; without that, the kind is told by its look.
impl FromStr for AlternativeName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (kind, rest) = text.split_once(':').unwrap_or(("", text));
        match kind.to_ascii_lowercase().as_str() {
            "dns" => dns_or_digits(rest).map(Self::Dns),
            "ip" => rest.parse().map(Self::Ip).map_err(|_| NameError::NoAddress(rest.to_owned())),
            "uri" => uri(rest),
            "email" => email(rest),
            "urn" | "spiffe" => uri(text),
            _ if text.contains("://") => uri(text),
            _ if text.contains('@') => email(text),
            _ => host(text),
        }
    }
}

/// Shown as OpenSSL shows it: `DNS:mqtt.lan`. It may be a stranger's text: what would control a terminal is an escape.
impl fmt::Display for AlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{}", escape_controls(name)),
            Self::Ip(address) => write!(f, "IP:{address}"),
            Self::Uri(uri) => write!(f, "URI:{}", escape_controls(uri)),
            Self::Email(email) => write!(f, "email:{}", escape_controls(email)),
            Self::Directory(name) => write!(f, "DirName:{name}"),
            Self::Other => f.write_str("a name of an unknown kind"),
        }
    }
}

/// The host name in `text`, in lower case and without the final dot. Labels are letters, digits, `-`
/// and, for the container networks that use it, `_`; the first may be `*`.
fn host_name(text: &str) -> Result<String, NameError> {
    let owned = || text.to_owned();
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if !text.is_ascii() {
        return Err(NameError::NotAscii(owned()));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let labels = name.strip_prefix("*.").unwrap_or(&name);
    if name.len() > HOST_LIMIT || !labels.split('.').all(is_label) {
        return Err(NameError::Host(owned()));
    }
    // No top-level domain is a number, so this was meant as an address.
    if labels.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(NameError::NoAddress(owned()));
    }
    Ok(name)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= LABEL_LIMIT
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// After an explicit `dns:` an address is allowed: old mbedTLS finds addresses only there.
fn dns_or_digits(text: &str) -> Result<String, NameError> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => host_name(text),
    }
}

/// Which names an authority may sign for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermittedNames(Vec<Subtree>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subtree {
    Dns(String),
    Email(String),
    Network(IpAddr, u8),
}

impl PermittedNames {
    /// From words like `.lan`, `192.168.0.0/16`, `@example.com`. A domain permits itself and all
    /// below it.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, NameError> {
        words.into_iter().map(Subtree::parse).collect::<Result<_, _>>().map(Self)
    }

    /// What X.509 says about a kind of name that is not mentioned is "anything goes". That is not what
    /// `--name-constraint .lan` asks for, so the kinds of host names that are not mentioned are excluded.
    pub(super) fn to_rcgen(&self) -> Option<NameConstraints> {
        if self.0.is_empty() {
            return None;
        }
        let mut excluded_subtrees = Vec::new();
        if !self.0.iter().any(|subtree| matches!(subtree, Subtree::Network(..))) {
            excluded_subtrees.push(GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 0)));
            excluded_subtrees.push(GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0; 16], 0)));
        }
        if !self.0.iter().any(|subtree| matches!(subtree, Subtree::Dns(_))) {
            excluded_subtrees.push(GeneralSubtree::DnsName(String::new()));
        }
        let permitted_subtrees = self.0.iter().map(Subtree::to_rcgen).collect();
        Some(NameConstraints { permitted_subtrees, excluded_subtrees })
    }
}

impl Subtree {
    fn parse(word: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Constraint(word.to_owned());
        if let Some((address, bits)) = word.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_| wrong())?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(address)).ok_or_else(wrong)?;
            return Ok(Self::Network(masked(address, bits), bits));
        }
        if let Ok(address) = word.parse::<IpAddr>() {
            return Ok(Self::Network(address, width(address)));
        }
        if let Some(host) = word.strip_prefix('@') {
            return host_name(host).map(Self::Email).map_err(|_| wrong());
        }
        let domain = word.strip_prefix('.').unwrap_or(word);
        host_name(domain).ok().filter(|name| !name.starts_with('*')).map(Self::Dns).ok_or_else(wrong)
    }

    fn to_rcgen(&self) -> GeneralSubtree {
        match self {
            Self::Dns(domain) => GeneralSubtree::DnsName(domain.clone()),
            Self::Email(host) => GeneralSubtree::Rfc822Name(host.clone()),
            Self::Network(address, bits) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, *bits)),
        }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address of the network: the bits behind the prefix cleared, as OpenSSL's comparison needs them.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> String {
        text.parse::<AlternativeName>().unwrap().to_string()
    }

    #[test]
    fn the_kind_of_a_name_is_told_by_its_look_or_by_its_prefix() {
        for (text, shown) in [
            ("mqtt.lan", "DNS:mqtt.lan"),
            ("MQTT.Lan.", "DNS:mqtt.lan"),
            ("*.lan", "DNS:*.lan"),
            ("my_broker", "DNS:my_broker"),
            ("192.168.1.10", "IP:192.168.1.10"),
            ("::1", "IP:::1"),
            ("[fe80::1]", "IP:fe80::1"),
            ("urn:dev:mac:0024befffe804ff1", "URI:urn:dev:mac:0024befffe804ff1"),
            ("spiffe://lan/broker", "URI:spiffe://lan/broker"),
            ("ops@example.com", "email:ops@example.com"),
            ("dns:192.168.1.10", "DNS:192.168.1.10"),
            ("IP:10.0.0.1", "IP:10.0.0.1"),
            ("uri:tag:x", "URI:tag:x"),
        ] {
            assert_eq!(named(text), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_host_says_what_it_is() {
        let host = |text: &str| host(text).unwrap_err();
        assert_eq!(host("192.168.1.300"), NameError::NoAddress("192.168.1.300".into()));
        assert_eq!(host("mqtt.lan:8883"), NameError::Port("mqtt.lan:8883".into()));
        assert_eq!(host("mqtts://mqtt.lan"), NameError::Url("mqtts://mqtt.lan".into()));
        assert_eq!(host("fe80::1%eth0"), NameError::Zone("fe80::1%eth0".into()));
        assert_eq!(host("bücher.example"), NameError::NotAscii("bücher.example".into()));
        assert_eq!(host(""), NameError::Empty);
        for text in
            ["a b", "-x.lan", "x-.lan", "a..b", "*", "a.*.b", "x*.lan", ".lan", &"a".repeat(64), &"a.".repeat(140)]
        {
            assert_eq!(host(text), NameError::Host(text.into()));
        }
    }

    #[test]
    fn odd_addresses_and_uris_are_refused() {
        for text in ["uri:nothing", "uri:1a:x", "uri:a b:c", "email:@lan", "email:a@", "ip:mqtt.lan", "a@b@*.lan"] {
            assert!(text.parse::<AlternativeName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_subject_has_bounds() {
        assert!(Subject::common_name("x".repeat(64)).to_rcgen().is_ok());
        assert_eq!(Subject::common_name("x".repeat(65)).to_rcgen(), Err(NameError::TooLong("x".repeat(65))));
        assert_eq!(Subject::common_name(" ").to_rcgen(), Err(NameError::Empty));
        assert_eq!(Subject::common_name("a\nb").to_rcgen(), Err(NameError::Characters("a\nb".into())));
    }

    #[test]
    fn networks_are_masked_to_their_prefix() {
        assert_eq!(Subtree::parse("192.168.7.9/16"), Ok(Subtree::Network("192.168.0.0".parse().unwrap(), 16)));
        assert_eq!(Subtree::parse("fd00::1/8"), Ok(Subtree::Network("fd00::".parse().unwrap(), 8)));
        assert_eq!(Subtree::parse("10.0.0.1/0"), Ok(Subtree::Network("0.0.0.0".parse().unwrap(), 0)));
        for word in ["10.0.0.1/33", "x/8", "10.0.0.0/", "*.lan", "", "a b"] {
            assert_eq!(Subtree::parse(word), Err(NameError::Constraint(word.into())));
        }
    }
}
