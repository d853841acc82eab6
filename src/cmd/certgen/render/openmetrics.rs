//! When things expire, in the text format of OpenMetrics 1.0.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cmd::certgen::deadline::{Deadline, Expiring};
use crate::term::escape_controls;

/// Samples by family; those of one family stand together, and each set of labels once.
#[derive(Default)]
pub struct Metrics {
    certificates: BTreeMap<String, Option<i64>>,
    lists: BTreeMap<String, Option<i64>>,
    unreadable: BTreeMap<String, Option<i64>>,
}

impl Metrics {
    pub fn add(&mut self, deadline: &Deadline) {
        let place = label("target", &deadline.place);
        let (family, labels) = match &deadline.kind {
            Expiring::Certificate(serial) => {
                let labels = format!("{place},{},{}", label("subject", &deadline.name), label("serial", serial));
                (&mut self.certificates, labels)
            }
            Expiring::RevocationList => (&mut self.lists, format!("{place},{}", label("issuer", &deadline.name))),
        };
        // A file may hold several lists of one issuer. What is over first counts.
        let at = family.entry(labels).or_insert(deadline.at);
        *at = match (*at, deadline.at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    pub fn add_unreadable(&mut self, place: &str) {
        self.unreadable.insert(label("target", place), Some(1));
    }

    pub fn render(&self) -> String {
        let mut text = String::new();
        family(
            &mut text,
            ("moskit_certificate_not_after_timestamp_seconds", "When the certificate expires."),
            "seconds",
            &self.certificates,
        );
        family(
            &mut text,
            ("moskit_crl_next_update_timestamp_seconds", "When the revocation list must be replaced."),
            "seconds",
            &self.lists,
        );
        family(
            &mut text,
            ("moskit_expiry_unreadable", "1 for a target of which it is not known what expires."),
            "",
            &self.unreadable,
        );
        text.push_str("# EOF\n");
        text
    }
}

fn family(text: &mut String, (name, help): (&str, &str), unit: &str, samples: &BTreeMap<String, Option<i64>>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "# TYPE {name} gauge");
    if !unit.is_empty() {
        let _ = writeln!(text, "# UNIT {name} {unit}");
    }
    let _ = writeln!(text, "# HELP {name} {help}");
    for (labels, value) in samples {
        let value = value.map_or_else(|| "+Inf".to_owned(), |value| value.to_string());
        let _ = writeln!(text, "{name}{{{labels}}} {value}");
    }
}

/// `name="value"`. A control character is shown as elsewhere, and then backslash and quote are escaped.
fn label(name: &str, value: &str) -> String {
    let value = escape_controls(value).replace('\\', r"\\").replace('"', r#"\""#);
    format!("{name}=\"{value}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(place: &str, name: &str, at: i64) -> Deadline {
        let kind = Expiring::Certificate("0AFF".to_owned());
        Deadline { place: place.to_owned(), kind, name: name.to_owned(), at: Some(at) }
    }

    fn list(at: Option<i64>) -> Deadline {
        let name = "CN=Lab CA".to_owned();
        Deadline { place: "ca.crl".to_owned(), kind: Expiring::RevocationList, name, at }
    }

    #[test]
    fn families_stand_together_and_labels_once() {
        let mut metrics = Metrics::default();
        metrics.add(&certificate("b.crt", "CN=b", 2_000_000_000));
        metrics.add(&list(None));
        metrics.add(&certificate("a.crt", "CN=\"a\"\\\n", 1_900_000_000));
        metrics.add(&certificate("b.crt", "CN=b", 2_000_000_000));
        metrics.add(&list(Some(1_800_000_000)));
        metrics.add_unreadable("none.crt");
        assert_eq!(
            metrics.render(),
            "# TYPE moskit_certificate_not_after_timestamp_seconds gauge\n\
             # UNIT moskit_certificate_not_after_timestamp_seconds seconds\n\
             # HELP moskit_certificate_not_after_timestamp_seconds When the certificate expires.\n\
             moskit_certificate_not_after_timestamp_seconds\
             {target=\"a.crt\",subject=\"CN=\\\"a\\\"\\\\\\\\n\",serial=\"0AFF\"} 1900000000\n\
             moskit_certificate_not_after_timestamp_seconds{target=\"b.crt\",subject=\"CN=b\",serial=\"0AFF\"} 2000000000\n\
             # TYPE moskit_crl_next_update_timestamp_seconds gauge\n\
             # UNIT moskit_crl_next_update_timestamp_seconds seconds\n\
             # HELP moskit_crl_next_update_timestamp_seconds When the revocation list must be replaced.\n\
             moskit_crl_next_update_timestamp_seconds{target=\"ca.crl\",issuer=\"CN=Lab CA\"} 1800000000\n\
             # TYPE moskit_expiry_unreadable gauge\n\
             # HELP moskit_expiry_unreadable 1 for a target of which it is not known what expires.\n\
             moskit_expiry_unreadable{target=\"none.crt\"} 1\n\
             # EOF\n"
        );
    }
}
