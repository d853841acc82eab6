//! What a server offers that we share nothing with: ClientHellos written by hand, in versions and with
//! suites that rustls does not have. Nothing is agreed on; after the server's answer we hang up.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::Probe;
use crate::net::Stream;
use crate::pki::certificate::Certificate;
use crate::pki::signature::PublicKey;

/// Versions of TLS as the wire has them, the newest first.
const VERSIONS: [(u16, &str); 4] = [(0x0304, "TLS 1.3"), (0x0303, "TLS 1.2"), (0x0302, "TLS 1.1"), (0x0301, "TLS 1.0")];

const TLS_1_3: u16 = 0x0304;
const TLS_1_2: u16 = 0x0303;

/// The most suites that are found out one by one; each costs a connection.
const SUITE_LIMIT: usize = 6;

/// The most bytes of an answer that are read: a ServerHello and a chain of some certificates.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Record and handshake types (RFC 8446, 5.1 and 4).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;

/// Cipher suites by their number, with the names of OpenSSL, which `--ciphers` takes.
const SUITES: [(u16, &str); 63] = [
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0x1304, "TLS_AES_128_CCM_SHA256"),
    (0x1305, "TLS_AES_128_CCM_8_SHA256"),
    (0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"),
    (0xc030, "ECDHE-RSA-AES256-GCM-SHA384"),
    (0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"),
    (0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (0xccaa, "DHE-RSA-CHACHA20-POLY1305"),
    (0x009e, "DHE-RSA-AES128-GCM-SHA256"),
    (0x009f, "DHE-RSA-AES256-GCM-SHA384"),
    (0xc0ac, "ECDHE-ECDSA-AES128-CCM"),
    (0xc0ad, "ECDHE-ECDSA-AES256-CCM"),
    (0xc0ae, "ECDHE-ECDSA-AES128-CCM8"),
    (0xc0af, "ECDHE-ECDSA-AES256-CCM8"),
    (0xc023, "ECDHE-ECDSA-AES128-SHA256"),
    (0xc024, "ECDHE-ECDSA-AES256-SHA384"),
    (0xc027, "ECDHE-RSA-AES128-SHA256"),
    (0xc028, "ECDHE-RSA-AES256-SHA384"),
    (0xc009, "ECDHE-ECDSA-AES128-SHA"),
    (0xc00a, "ECDHE-ECDSA-AES256-SHA"),
    (0xc013, "ECDHE-RSA-AES128-SHA"),
    (0xc014, "ECDHE-RSA-AES256-SHA"),
    (0x0067, "DHE-RSA-AES128-SHA256"),
    (0x006b, "DHE-RSA-AES256-SHA256"),
    (0x0033, "DHE-RSA-AES128-SHA"),
    (0x0039, "DHE-RSA-AES256-SHA"),
    (0x009c, "AES128-GCM-SHA256"),
    (0x009d, "AES256-GCM-SHA384"),
    (0xc09c, "AES128-CCM"),
    (0xc09d, "AES256-CCM"),
    (0xc0a0, "AES128-CCM8"),
    (0xc0a1, "AES256-CCM8"),
    (0x003c, "AES128-SHA256"),
    (0x003d, "AES256-SHA256"),
    (0x002f, "AES128-SHA"),
    (0x0035, "AES256-SHA"),
    (0x0041, "CAMELLIA128-SHA"),
    (0x0084, "CAMELLIA256-SHA"),
    (0x000a, "DES-CBC3-SHA"),
    (0xc008, "ECDHE-ECDSA-DES-CBC3-SHA"),
    (0xc012, "ECDHE-RSA-DES-CBC3-SHA"),
    (0x0005, "RC4-SHA"),
    (0x0004, "RC4-MD5"),
    (0x00a8, "PSK-AES128-GCM-SHA256"),
    (0x00a9, "PSK-AES256-GCM-SHA384"),
    (0x00aa, "DHE-PSK-AES128-GCM-SHA256"),
    (0x00ab, "DHE-PSK-AES256-GCM-SHA384"),
    (0xccab, "PSK-CHACHA20-POLY1305"),
    (0xccac, "ECDHE-PSK-CHACHA20-POLY1305"),
    (0xccad, "DHE-PSK-CHACHA20-POLY1305"),
    (0x008c, "PSK-AES128-CBC-SHA"),
    (0x008d, "PSK-AES256-CBC-SHA"),
    (0x00ae, "PSK-AES128-CBC-SHA256"),
    (0x00af, "PSK-AES256-CBC-SHA384"),
    (0xc035, "ECDHE-PSK-AES128-CBC-SHA"),
    (0xc036, "ECDHE-PSK-AES256-CBC-SHA"),
    (0xc037, "ECDHE-PSK-AES128-CBC-SHA256"),
    (0xc038, "ECDHE-PSK-AES256-CBC-SHA384"),
    (0x0095, "RSA-PSK-AES256-CBC-SHA"),
];

/// Groups, the odd ones too: a server whose key is on a curve that is not offered does not answer at all.
const GROUPS: [u16; 9] = [0x001d, 0x0017, 0x0018, 0x0019, 0x0016, 0x001a, 0x001b, 0x001c, 0x0100];

/// Signature schemes, from Ed25519 down to SHA-1.
const SCHEMES: [u16; 15] = [
    0x0807, 0x0808, 0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601,
    0x0201,
];

/// What a server was found to offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// The newest first.
    pub versions: Vec<&'static str>,
    /// Of its newest version, in its order of preference.
    pub suites: Vec<String>,
    /// Its key, where it showed its certificate.
    pub key: Option<PublicKey>,
}

impl Offers {
    /// A suite among those that were found is one of ours: ECDHE with AES-GCM or ChaCha20.
    pub fn has_suite_of_ours(&self) -> bool {
        let is_ours = |suite: &String| {
            let is_modern = suite.contains("-GCM-") || suite.contains("_GCM_") || suite.contains("CHACHA20");
            is_modern
                && (suite.starts_with("TLS_") || suite.starts_with("ECDHE-ECDSA-") || suite.starts_with("ECDHE-RSA-"))
        };
        self.suites.iter().any(is_ours)
    }

    pub fn is_nothing(&self) -> bool {
        self.versions.is_empty()
    }

    /// It wants a key that both sides know in advance, and no certificates.
    pub fn only_pre_shared_keys(&self) -> bool {
        !self.suites.is_empty() && self.suites.iter().all(|suite| suite.contains("PSK-"))
    }
}

impl Probe<'_> {
    /// Finds out what the server offers, each version and suite by a connection of its own.
    pub async fn offers(&self) -> Offers {
        let mut offers = Offers::default();
        for (version, name) in VERSIONS {
            let Some(answer) = self.ask_hello(version, &all_suites()).await else { continue };
            if answer.version != version {
                continue;
            }
            if offers.versions.is_empty() {
                offers.suites = self.more_suites(version, answer.suite).await;
            }
            offers.versions.push(name);
            offers.key = offers.key.or(answer.key);
        }
        offers
    }

    async fn more_suites(&self, version: u16, first: u16) -> Vec<String> {
        let mut left = all_suites();
        let mut found = vec![suite_name(first)];
        let mut last = first;
        while found.len() < SUITE_LIMIT {
            left.retain(|suite| *suite != last);
            match self.ask_hello(version, &left).await {
                Some(answer) if answer.version == version && left.contains(&answer.suite) => last = answer.suite,
                _ => break,
            }
            found.push(suite_name(last));
        }
        found
    }

    async fn ask_hello(&self, version: u16, suites: &[u16]) -> Option<Answer> {
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random).ok()?;
        let name = self.endpoint().host().filter(|host| host.parse::<std::net::IpAddr>().is_err());
        let hello = client_hello(version, suites, name, random);
        let mut stream = self.open(None).await.ok()?;
        timeout(self.time_limit, exchange(&mut stream, &hello)).await.ok()?
    }
}

async fn exchange(stream: &mut Stream, hello: &[u8]) -> Option<Answer> {
    stream.write_all(hello).await.ok()?;
    stream.flush().await.ok()?;
    let mut input = Vec::new();
    loop {
        match read(&input) {
            Reply::Answer(answer) => return Some(answer),
            Reply::Refused => return None,
            Reply::Incomplete(partial) => {
                let mut part = [0; 4096];
                match stream.read(&mut part).await {
                    Ok(count) if count > 0 && input.len() < ANSWER_LIMIT => input.extend_from_slice(&part[..count]),
                    // A ServerHello is an answer, even if nothing follows.
                    _ => return partial,
                }
            }
        }
    }
}

fn all_suites() -> Vec<u16> {
    SUITES.iter().map(|(number, _)| *number).collect()
}

fn suite_name(number: u16) -> String {
    let known = SUITES.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("suite {number:#06x}"), |(_, name)| (*name).to_owned())
}

/// `content` behind its length in two bytes. All that is written here is shorter than 64 kB.
fn sized(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), content].concat()
}

fn numbers(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &sized(content)].concat()
}

/// A ClientHello in one record. In TLS 1.3 it brings no key share, so that the server's answer is a
/// HelloRetryRequest, which tells as much.
fn client_hello(version: u16, suites: &[u16], name: Option<&str>, random: [u8; 32]) -> Vec<u8> {
    let is_1_3 = version == TLS_1_3;
    let mut extensions = Vec::new();
    if let Some(name) = name {
        extensions.extend(extension(0, &sized(&[&[0], &sized(name.as_bytes())[..]].concat())));
    }
    extensions.extend(extension(10, &sized(&numbers(&GROUPS))));
    extensions.extend(extension(11, &[1, 0]));
    if version >= TLS_1_2 {
        extensions.extend(extension(13, &sized(&numbers(&SCHEMES))));
    }
    if is_1_3 {
        extensions.extend(extension(43, &[2, 3, 4]));
        extensions.extend(extension(45, &[1, 1]));
        extensions.extend(extension(51, &[0, 0]));
    }
    let legacy = version.min(TLS_1_2);
    let body =
        [&legacy.to_be_bytes()[..], &random, &[0], &sized(&numbers(suites)), &[1, 0], &sized(&extensions)].concat();
    let message = [&[1, 0][..], &sized(&body)].concat();
    [&[HANDSHAKE, 3, 1][..], &sized(&message)].concat()
}

/// What a server chose.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    version: u16,
    suite: u16,
    key: Option<PublicKey>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reply {
    Answer(Answer),
    /// An alert, or no TLS.
    Refused,
    /// More has to be read; this is known already.
    Incomplete(Option<Answer>),
}

/// Takes handshake messages out of their records.
fn read(input: &[u8]) -> Reply {
    let mut handshake = Vec::new();
    let mut rest = input;
    while let [kind, 3, _, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if *kind == ALERT && handshake.is_empty() {
            return Reply::Refused;
        }
        if *kind != HANDSHAKE {
            break;
        }
        let taken = length.min(after.len());
        handshake.extend_from_slice(&after[..taken]);
        rest = &after[taken..];
    }
    if matches!(input, [kind, ..] if *kind != HANDSHAKE && *kind != ALERT) {
        return Reply::Refused;
    }
    messages(&handshake)
}

fn messages(mut rest: &[u8]) -> Reply {
    let mut answer: Option<Answer> = None;
    while let [kind, high, middle, low, after @ ..] = rest {
        let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        let Some(body) = after.get(..length) else { return Reply::Incomplete(answer) };
        rest = &after[length..];
        match (*kind, &mut answer) {
            (SERVER_HELLO, None) => {
                let Some(hello) = server_hello(body) else { return Reply::Refused };
                // What follows in TLS 1.3 is encrypted.
                if hello.version == TLS_1_3 {
                    return Reply::Answer(hello);
                }
                answer = Some(hello);
            }
            (CERTIFICATE, Some(answer)) => {
                let certificate = first_certificate(body).and_then(|der| Certificate::parse(der).ok());
                let key = certificate.map(|certificate| certificate.public_key);
                return Reply::Answer(Answer { key, ..answer.clone() });
            }
            // Without a certificate, by a pre-shared key.
            (SERVER_HELLO_DONE, Some(answer)) => return Reply::Answer(answer.clone()),
            (_, None) => return Reply::Refused,
            _ => {}
        }
    }
    Reply::Incomplete(answer)
}

fn server_hello(body: &[u8]) -> Option<Answer> {
    let legacy = u16::from_be_bytes([*body.first()?, *body.get(1)?]);
    let session_id = usize::from(*body.get(34)?);
    let rest = body.get(35 + session_id..)?;
    let suite = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
    let mut extensions = rest.get(5..).unwrap_or_default();
    let mut version = legacy;
    while let [a, b, c, d, after @ ..] = extensions {
        let length = usize::from(u16::from_be_bytes([*c, *d]));
        let content = after.get(..length)?;
        if let (43, [high, low]) = (u16::from_be_bytes([*a, *b]), content) {
            version = u16::from_be_bytes([*high, *low]);
        }
        extensions = &after[length..];
    }
    Some(Answer { version, suite, key: None })
}

fn first_certificate(body: &[u8]) -> Option<&[u8]> {
    let length = usize::from(*body.get(3)?) << 16 | usize::from(*body.get(4)?) << 8 | usize::from(*body.get(5)?);
    body.get(6..6 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_hello_says_its_lengths_right() {
        let hello = client_hello(TLS_1_3, &[0x1301], Some("a.lan"), [7; 32]);
        assert_eq!(hello[..3], [22, 3, 1]);
        assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - 5);
        assert_eq!(usize::from(u16::from_be_bytes([hello[7], hello[8]])), hello.len() - 9);
        assert!(hello.windows(5).any(|part| part == b"a.lan"));
    }

    /// ServerHello of TLS 1.2 with AES128-SHA, and the end of the flight.
    fn server_flight() -> Vec<u8> {
        let body = [&[3, 3][..], &[9; 32], &[0, 0x00, 0x2f, 0, 0, 0]].concat();
        let hello = [&[SERVER_HELLO, 0][..], &sized(&body)].concat();
        let flight = [&hello[..], &[SERVER_HELLO_DONE, 0, 0, 0]].concat();
        [&[HANDSHAKE, 3, 3][..], &sized(&flight)].concat()
    }

    #[test]
    fn a_server_hello_tells_version_and_suite() {
        let expected = Answer { version: TLS_1_2, suite: 0x2f, key: None };
        assert_eq!(read(&server_flight()), Reply::Answer(expected));
        assert_eq!(suite_name(0x2f), "AES128-SHA");
        assert_eq!(suite_name(0xfafa), "suite 0xfafa");
    }

    #[test]
    fn every_beginning_of_an_answer_waits_for_more_and_nonsense_is_refused() {
        let flight = server_flight();
        for end in 0..flight.len() {
            assert!(matches!(read(&flight[..end]), Reply::Incomplete(_)), "{end}");
        }
        assert_eq!(read(&[21, 3, 1, 0, 2, 2, 70]), Reply::Refused);
        assert_eq!(read(b"HTTP/1.1 400"), Reply::Refused);
        assert_eq!(read(&[22, 3, 3, 0, 4, 11, 0, 0, 0]), Reply::Refused);
    }

    #[test]
    fn arbitrary_bytes_never_panic() {
        let mut state = 1_u32;
        for length in 0..2000_usize {
            let mut bytes = server_flight();
            for _ in 0..8 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let place = state as usize % bytes.len();
                bytes[place] = (state >> 16) as u8;
            }
            bytes.truncate(length % 60);
            let _ = read(&bytes);
        }
    }

    #[test]
    fn no_suite_is_there_twice() {
        let mut numbers = all_suites();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), SUITES.len());
    }
}
