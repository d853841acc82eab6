//! Cipher suites by the names that OpenSSL gives them, which is what scripts and mosquitto.conf say.

use rustls::crypto::aws_lc_rs::cipher_suite as suite;
use rustls::{CipherSuite, SupportedCipherSuite};

use super::Version;

/// Every suite there is, best first, by OpenSSL's name.
const SUITES: [(&str, SupportedCipherSuite); 9] = [
    ("TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", suite::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES256-GCM-SHA384", suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-CHACHA20-POLY1305", suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-AES128-GCM-SHA256", suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
];

/// A choice of suites. `None` leaves a version with all of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suites {
    /// OpenSSL's cipher list, for TLS 1.2.
    pub tls12: Option<String>,
    /// OpenSSL's list of suites, for TLS 1.3.
    pub tls13: Option<String>,
}

/// A list that leaves no suite, or (TLS 1.3) names one that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCiphers {
    /// Whose suites the list is to choose.
    pub version: Version,
    pub list: String,
    /// The words of it that name nothing here.
    pub unknown: Vec<String>,
}

impl Suites {
    /// Whether we have any of these suites.
    pub fn check(&self) -> Result<(), UnknownCiphers> {
        self.resolve().map(drop)
    }

    /// The suites of both lists, in their order.
    pub(super) fn resolve(&self) -> Result<Vec<SupportedCipherSuite>, UnknownCiphers> {
        let all =
            |tls13: bool| SUITES.iter().filter(move |(_, suite)| is_tls13(suite) == tls13).map(|(_, suite)| *suite);
        let mut chosen = match &self.tls13 {
            Some(list) => tls13(list)?,
            None => all(true).collect(),
        };
        match &self.tls12 {
            Some(list) => chosen.extend(tls12(list)?),
            None => chosen.extend(all(false)),
        }
        Ok(chosen)
    }
}

pub(super) fn openssl_name(suite: CipherSuite) -> String {
    let known = SUITES.iter().find(|(_, known)| known.suite() == suite);
    known.map_or_else(|| format!("{suite:?}"), |(name, _)| (*name).to_owned())
}

fn is_tls13(suite: &SupportedCipherSuite) -> bool {
    matches!(suite, SupportedCipherSuite::Tls13(_))
}

/// Every word must be a suite, as in OpenSSL; the CCM suites are known there and missing here.
fn tls13(list: &str) -> Result<Vec<SupportedCipherSuite>, UnknownCiphers> {
    const NOT_HERE: [&str; 2] = ["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"];
    let mut chosen = Vec::new();
    let mut unknown = Vec::new();
    for word in list.split(':').filter(|word| !word.is_empty()) {
        match SUITES.iter().find(|(name, suite)| is_tls13(suite) && *name == word) {
            Some((_, suite)) => chosen.push(*suite),
            None if NOT_HERE.contains(&word) => {}
            None => unknown.push(word.to_owned()),
        }
    }
    if chosen.is_empty() || !unknown.is_empty() {
        return Err(UnknownCiphers { version: Version::Tls13, list: list.to_owned(), unknown });
    }
    Ok(chosen)
}

/// OpenSSL's cipher list: names and keywords, `+` for both, `!` and `-` to take away. As there, a word
/// that names nothing is passed over as long as something remains.
fn tls12(list: &str) -> Result<Vec<SupportedCipherSuite>, UnknownCiphers> {
    let mut chosen: Vec<(&str, SupportedCipherSuite)> = Vec::new();
    let mut banned: Vec<&str> = Vec::new();
    let mut unknown = Vec::new();
    for word in list.split([':', ',', ' ', ';']).filter(|word| !word.is_empty()) {
        // Orders by strength, which the table is; security below level 2 is not to be had.
        if word == "@STRENGTH" || matches!(word, "@SECLEVEL=0" | "@SECLEVEL=1" | "@SECLEVEL=2") {
            continue;
        }
        // A command that is not followed here asks for more than is done; OpenSSL too refuses what it does not know.
        if word.starts_with('@') {
            let (list, unknown) = (list.to_owned(), vec![word.to_owned()]);
            return Err(UnknownCiphers { version: Version::Tls12, list, unknown });
        }
        let (action, pattern) = match word.split_at_checked(1) {
            Some((action @ ("!" | "-" | "+"), pattern)) => (action, pattern),
            _ => ("", word),
        };
        let named: Vec<_> = SUITES
            .into_iter()
            .filter(|(name, suite)| !is_tls13(suite) && pattern.split('+').all(|keyword| is_in(keyword, name)))
            .collect();
        if named.is_empty() && action.is_empty() {
            unknown.push(word.to_owned());
        }
        for (name, suite) in named {
            let at = chosen.iter().position(|(chosen, _)| *chosen == name);
            match (action, at) {
                ("", None) if !banned.contains(&name) => chosen.push((name, suite)),
                ("-" | "!", Some(at)) => drop(chosen.remove(at)),
                ("+", Some(at)) => {
                    let moved = chosen.remove(at);
                    chosen.push(moved);
                }
                _ => {}
            }
            if action == "!" {
                banned.push(name);
            }
        }
    }
    if chosen.is_empty() {
        return Err(UnknownCiphers { version: Version::Tls12, list: list.to_owned(), unknown });
    }
    Ok(chosen.into_iter().map(|(_, suite)| suite).collect())
}

/// Whether a keyword of OpenSSL's list grammar covers the suite of that name.
fn is_in(keyword: &str, name: &str) -> bool {
    let has = |part: &str| name.contains(part);
    match keyword {
        "ALL" | "DEFAULT" | "HIGH" | "ECDHE" | "EECDH" | "kECDHE" | "kEECDH" | "TLSv1.2" | "FIPS" => {
            keyword != "FIPS" || !has("CHACHA20")
        }
        "ECDSA" | "aECDSA" => has("ECDSA"),
        "RSA" | "aRSA" => has("-RSA-"),
        "AES" => has("AES"),
        "AESGCM" => has("GCM"),
        "AES128" => has("AES128"),
        "AES256" => has("AES256"),
        "CHACHA20" => has("CHACHA20"),
        "SHA256" => has("SHA256"),
        "SHA384" => has("SHA384"),
        exact => exact == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Result<Vec<String>, UnknownCiphers> {
        tls12(list).map(|suites| suites.iter().map(|suite| openssl_name(suite.suite())).collect())
    }

    #[test]
    fn suites_are_chosen_by_their_openssl_names_in_the_order_given() {
        assert_eq!(
            names("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384").unwrap(),
            ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"]
        );
    }

    #[test]
    fn keywords_add_join_and_take_away() {
        assert_eq!(names("DEFAULT:!aNULL:!eNULL:!LOW:!EXPORT:!SSLv2:@STRENGTH").unwrap().len(), 6);
        assert_eq!(names("ECDHE+AESGCM:!ECDSA:-AES128").unwrap(), ["ECDHE-RSA-AES256-GCM-SHA384"]);
        assert_eq!(names("!AES256:HIGH").unwrap().len(), 4);
        assert_eq!(names("CHACHA20+aRSA").unwrap(), ["ECDHE-RSA-CHACHA20-POLY1305"]);
    }

    #[test]
    fn a_list_that_leaves_nothing_tells_the_words_that_name_nothing() {
        let error = names("AES128-SHA:xyz").unwrap_err();
        assert_eq!(error.unknown, ["AES128-SHA", "xyz"]);
        assert_eq!(names("xyz:ECDHE-RSA-AES128-GCM-SHA256").unwrap().len(), 1);
        assert!(names("").is_err());
        assert_eq!(names("HIGH:@SECLEVEL=3").unwrap_err().unknown, ["@SECLEVEL=3"]);
    }

    #[test]
    fn every_word_of_a_tls13_list_must_be_a_suite() {
        assert_eq!(tls13("TLS_AES_128_GCM_SHA256").unwrap().len(), 1);
        assert_eq!(tls13("TLS_AES_128_GCM_SHA256:AES").unwrap_err().unknown, ["AES"]);
        assert!(tls13("TLS_AES_128_CCM_SHA256").is_err());
    }
}
