//! A `ciphers` line as OpenSSL reads it, which knows more suites than moskit's broker speaks: is it a list at all, and can
//! the certificate's key serve any of it?

use crate::pki::signature::KeyKind;

/// The suites below TLS 1.3 that OpenSSL 3.0 knows (`openssl ciphers ALL:COMPLEMENTOFALL`).
const SUITES: &str = "\
    ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 DHE-DSS-AES256-GCM-SHA384 DHE-RSA-AES256-GCM-SHA384 \
    ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 DHE-RSA-CHACHA20-POLY1305 ECDHE-ECDSA-AES256-CCM8 \
    ECDHE-ECDSA-AES256-CCM DHE-RSA-AES256-CCM8 DHE-RSA-AES256-CCM ECDHE-ECDSA-ARIA256-GCM-SHA384 \
    ECDHE-ARIA256-GCM-SHA384 DHE-DSS-ARIA256-GCM-SHA384 DHE-RSA-ARIA256-GCM-SHA384 ADH-AES256-GCM-SHA384 \
    ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 DHE-DSS-AES128-GCM-SHA256 DHE-RSA-AES128-GCM-SHA256 \
    ECDHE-ECDSA-AES128-CCM8 ECDHE-ECDSA-AES128-CCM DHE-RSA-AES128-CCM8 DHE-RSA-AES128-CCM \
    ECDHE-ECDSA-ARIA128-GCM-SHA256 ECDHE-ARIA128-GCM-SHA256 DHE-DSS-ARIA128-GCM-SHA256 DHE-RSA-ARIA128-GCM-SHA256 \
    ADH-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384 DHE-RSA-AES256-SHA256 \
    DHE-DSS-AES256-SHA256 ECDHE-ECDSA-CAMELLIA256-SHA384 ECDHE-RSA-CAMELLIA256-SHA384 DHE-RSA-CAMELLIA256-SHA256 \
    DHE-DSS-CAMELLIA256-SHA256 ADH-AES256-SHA256 ADH-CAMELLIA256-SHA256 ECDHE-ECDSA-AES128-SHA256 \
    ECDHE-RSA-AES128-SHA256 DHE-RSA-AES128-SHA256 DHE-DSS-AES128-SHA256 ECDHE-ECDSA-CAMELLIA128-SHA256 \
    ECDHE-RSA-CAMELLIA128-SHA256 DHE-RSA-CAMELLIA128-SHA256 DHE-DSS-CAMELLIA128-SHA256 ADH-AES128-SHA256 \
    ADH-CAMELLIA128-SHA256 ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA DHE-RSA-AES256-SHA DHE-DSS-AES256-SHA \
    DHE-RSA-CAMELLIA256-SHA DHE-DSS-CAMELLIA256-SHA AECDH-AES256-SHA ADH-AES256-SHA ADH-CAMELLIA256-SHA \
    ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA DHE-RSA-AES128-SHA DHE-DSS-AES128-SHA DHE-RSA-CAMELLIA128-SHA \
    DHE-DSS-CAMELLIA128-SHA AECDH-AES128-SHA ADH-AES128-SHA ADH-CAMELLIA128-SHA RSA-PSK-AES256-GCM-SHA384 \
    DHE-PSK-AES256-GCM-SHA384 RSA-PSK-CHACHA20-POLY1305 DHE-PSK-CHACHA20-POLY1305 ECDHE-PSK-CHACHA20-POLY1305 \
    DHE-PSK-AES256-CCM8 DHE-PSK-AES256-CCM RSA-PSK-ARIA256-GCM-SHA384 DHE-PSK-ARIA256-GCM-SHA384 AES256-GCM-SHA384 \
    AES256-CCM8 AES256-CCM ARIA256-GCM-SHA384 PSK-AES256-GCM-SHA384 PSK-CHACHA20-POLY1305 PSK-AES256-CCM8 \
    PSK-AES256-CCM PSK-ARIA256-GCM-SHA384 RSA-PSK-AES128-GCM-SHA256 DHE-PSK-AES128-GCM-SHA256 DHE-PSK-AES128-CCM8 \
    DHE-PSK-AES128-CCM RSA-PSK-ARIA128-GCM-SHA256 DHE-PSK-ARIA128-GCM-SHA256 AES128-GCM-SHA256 AES128-CCM8 \
    AES128-CCM ARIA128-GCM-SHA256 PSK-AES128-GCM-SHA256 PSK-AES128-CCM8 PSK-AES128-CCM PSK-ARIA128-GCM-SHA256 \
    AES256-SHA256 CAMELLIA256-SHA256 AES128-SHA256 CAMELLIA128-SHA256 ECDHE-PSK-AES256-CBC-SHA384 \
    ECDHE-PSK-AES256-CBC-SHA SRP-DSS-AES-256-CBC-SHA SRP-RSA-AES-256-CBC-SHA SRP-AES-256-CBC-SHA \
    RSA-PSK-AES256-CBC-SHA384 DHE-PSK-AES256-CBC-SHA384 RSA-PSK-AES256-CBC-SHA DHE-PSK-AES256-CBC-SHA \
    ECDHE-PSK-CAMELLIA256-SHA384 RSA-PSK-CAMELLIA256-SHA384 DHE-PSK-CAMELLIA256-SHA384 AES256-SHA CAMELLIA256-SHA \
    PSK-AES256-CBC-SHA384 PSK-AES256-CBC-SHA PSK-CAMELLIA256-SHA384 ECDHE-PSK-AES128-CBC-SHA256 \
    ECDHE-PSK-AES128-CBC-SHA SRP-DSS-AES-128-CBC-SHA SRP-RSA-AES-128-CBC-SHA SRP-AES-128-CBC-SHA \
    RSA-PSK-AES128-CBC-SHA256 DHE-PSK-AES128-CBC-SHA256 RSA-PSK-AES128-CBC-SHA DHE-PSK-AES128-CBC-SHA \
    ECDHE-PSK-CAMELLIA128-SHA256 RSA-PSK-CAMELLIA128-SHA256 DHE-PSK-CAMELLIA128-SHA256 AES128-SHA CAMELLIA128-SHA \
    PSK-AES128-CBC-SHA256 PSK-AES128-CBC-SHA PSK-CAMELLIA128-SHA256 ECDHE-ECDSA-NULL-SHA ECDHE-RSA-NULL-SHA \
    AECDH-NULL-SHA NULL-SHA256 ECDHE-PSK-NULL-SHA384 ECDHE-PSK-NULL-SHA256 ECDHE-PSK-NULL-SHA RSA-PSK-NULL-SHA384 \
    RSA-PSK-NULL-SHA256 DHE-PSK-NULL-SHA384 DHE-PSK-NULL-SHA256 RSA-PSK-NULL-SHA DHE-PSK-NULL-SHA NULL-SHA NULL-MD5 \
    PSK-NULL-SHA384 PSK-NULL-SHA256 PSK-NULL-SHA \
    ";

/// The words of OpenSSL's list that choose suites by what they have in common.
const KEYWORDS: &str = "ADH AECDH AES AES128 AES256 AESCCM AESCCM8 AESGCM ALL aDSS aECDSA aNULL aPSK aRSA ARIA ARIA128 \
    ARIA256 CAMELLIA CAMELLIA128 CAMELLIA256 CBC CHACHA20 COMPLEMENTOFALL COMPLEMENTOFDEFAULT DEFAULT DH DHE DSS ECDH \
    ECDHE ECDSA EDH EECDH eNULL FIPS HIGH kDHE kDHEPSK kECDHE kECDHEPSK kEDH kEECDH kPSK kRSA kRSAPSK kSRP NULL PSK RSA \
    SHA SHA1 SHA256 SHA384 SRP SSLv3 SUITEB128 SUITEB128ONLY SUITEB128C2 SUITEB192 TLSv1 TLSv1.0 TLSv1.2";

/// The suites of TLS 1.3 that OpenSSL knows.
const SUITES_13: &str = "TLS_AES_128_CCM_8_SHA256 TLS_AES_128_CCM_SHA256 TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256";

/// What a list is to OpenSSL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// It chooses nothing: the broker does not start.
    Nothing,
    /// Words of it that name nothing, and are passed over.
    Suites { unknown: Vec<String> },
}

fn is_among(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

/// The words that add suites. Those that take away or order are not followed.
fn adding(list: &str) -> impl Iterator<Item = &str> {
    let words = list.split([':', ',', ' ', ';']).filter(|word| !word.is_empty());
    words.filter(|word| !word.starts_with(['!', '-', '+', '@']))
}

/// `ciphers`.
pub fn below_13(list: &str) -> List {
    let is_known = |word: &&str| is_among(SUITES, word) || word.split('+').all(|part| is_among(KEYWORDS, part));
    judged(adding(list), is_known)
}

/// `ciphers_tls1.3`.
pub fn of_13(list: &str) -> List {
    judged(list.split(':').filter(|word| !word.is_empty()), |word| is_among(SUITES_13, word))
}

fn judged<'a>(words: impl Iterator<Item = &'a str>, is_known: impl Fn(&&str) -> bool) -> List {
    let (known, unknown): (Vec<_>, Vec<_>) = words.partition(is_known);
    if known.is_empty() {
        List::Nothing
    } else {
        List::Suites { unknown: unknown.into_iter().map(str::to_owned).collect() }
    }
}

/// Whether no suite of `ciphers` can be used with a key of that kind, so that clients without TLS 1.3 fail. `false` where
/// it is not clear.
pub fn leave_out(list: &str, key: &KeyKind) -> bool {
    let wanted = match key {
        KeyKind::Rsa { .. } | KeyKind::RsaPss { .. } => "RSA",
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 | KeyKind::Ed25519 | KeyKind::Ed448 | KeyKind::Curve(_) => {
            "ECDSA"
        }
        KeyKind::Other(_) => return false,
    };
    let signed_by = |word: &str| -> Option<&str> {
        if is_among(SUITES, word) {
            return Some(match word {
                word if word.contains("ECDSA") => "ECDSA",
                word if word.contains("PSK")
                    || word.starts_with("SRP")
                    || word.starts_with("ADH")
                    || word.starts_with("AECDH") =>
                {
                    "none"
                }
                word if word.contains("DSS") => "DSS",
                _ => "RSA",
            });
        }
        let of_parts = |parts: &[&str]| word.split('+').any(|part| parts.contains(&part));
        match word {
            _ if of_parts(&["aECDSA", "ECDSA"]) => Some("ECDSA"),
            _ if of_parts(&["aRSA", "RSA", "kRSA"]) => Some("RSA"),
            _ => None,
        }
    };
    let known: Vec<_> = adding(list).filter(|word| below_13(word) != List::Nothing).map(signed_by).collect();
    !known.is_empty() && known.iter().all(|signed| signed.is_some_and(|signed| signed != wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As measured with Mosquitto 2.1.2.
    #[test]
    fn lists_are_read_as_openssl_reads_them() {
        for list in ["NOPE", "ECDHE-RSA-AES128-GCM-SHA", "TLS_AES_128_GCM_SHA256", "@STRENGTH", "!aNULL", ""] {
            assert_eq!(below_13(list), List::Nothing, "{list}");
        }
        for list in [
            "HIGH",
            "AES256-SHA",
            "DHE-RSA-AES256-GCM-SHA384",
            "DEFAULT:!ECDHE",
            "PSK",
            "ECDHE+AESGCM:!aNULL:@STRENGTH",
        ] {
            assert_eq!(below_13(list), List::Suites { unknown: Vec::new() }, "{list}");
        }
        assert_eq!(below_13("NOPE:HIGH"), List::Suites { unknown: vec!["NOPE".to_owned()] });
        assert_eq!(of_13("HIGH"), List::Nothing);
        assert_eq!(of_13("TLS_AES_128_GCM_SHA256:NOPE"), List::Suites { unknown: vec!["NOPE".to_owned()] });
    }

    #[test]
    fn a_key_needs_a_suite_of_its_kind() {
        let (rsa, ec) = (KeyKind::Rsa { bits: 2048 }, KeyKind::P256);
        let rows = [
            ("ECDHE-RSA-AES128-GCM-SHA256", false, true),
            ("ECDHE-ECDSA-AES128-GCM-SHA256:NOPE", true, false),
            ("AES256-SHA", false, true),
            ("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256", false, false),
            ("HIGH:!aRSA", false, false),
            ("ECDHE+aRSA", false, true),
            ("PSK-AES128-GCM-SHA256", true, true),
            ("NOPE", false, false),
        ];
        for (list, without_rsa, without_ec) in rows {
            assert_eq!((leave_out(list, &rsa), leave_out(list, &ec)), (without_rsa, without_ec), "{list}");
        }
    }
}
