//! How long a new certificate lives, and what stacks will not take of it.

use super::dates::{DAY, date, instant};
use super::options::{Lifetime, NewKey};
use crate::diagnose::chain::too_long_for_apple;
use crate::pki::certificate::Certificate;
use crate::pki::make::{KeyType, Purpose, Validity};
use crate::term::Term;

impl Lifetime {
    /// The validity of a certificate made now. Unless asked for, it ends with its issuer's at the latest.
    pub fn validity(&self, now: i64, default_days: u32, issuer: Option<&Certificate>, term: &mut Term) -> Validity {
        let mut validity = self.span(now, default_days);
        let asked = self.not_after.is_some() || self.days.is_some();
        if let Some(issuer) = issuer.filter(|issuer| !asked && validity.not_after > issuer.not_after) {
            let lost = validity.not_after - issuer.not_after;
            validity.not_after = issuer.not_after;
            if lost > DAY {
                term.note(format_args!("warning: valid until {} only, when its CA expires", date(issuer.not_after)));
            }
        }
        if let Some(issuer) = issuer.filter(|issuer| validity.not_before < issuer.not_before) {
            term.note(format_args!("note: valid from {} only, when its CA begins", instant(issuer.not_before)));
        }
        validity
    }

    /// The validity without regard to an issuer, as for a root.
    pub fn span(&self, now: i64, default_days: u32) -> Validity {
        let days = i64::from(self.days.unwrap_or(default_days));
        Validity { not_before: now - self.backdate, not_after: self.not_after.unwrap_or(now + days * DAY) }
    }
}

/// Says so where a server's certificate lives too long. What lint says of it later is the same.
pub fn warn_of_long_life(validity: Validity, purpose: Purpose, term: &mut Term) {
    let lifetime = validity.not_after - validity.not_before;
    if purpose != Purpose::Client
        && let Some(words) = too_long_for_apple(lifetime)
    {
        term.note(format_args!("warning: {words}"));
    }
}

impl NewKey {
    /// Says which stacks cannot use the type.
    pub fn warn(&self, term: &mut Term) {
        if self.kind == KeyType::Ed25519 {
            term.note(
                "warning: Ed25519 works with OpenSSL 3 and rustls, but not with mbedTLS (ESP32), browsers or Java before 15",
            );
        }
    }
}
