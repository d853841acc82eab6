//! What expires: certificates and revocation lists.

use super::content::Item;
use crate::pki::certificate::Certificate;
use crate::pki::serial::Serial;

/// Something that expires.
pub struct Deadline {
    pub place: String,
    pub kind: Expiring,
    /// Whose certificate it is, or whose list.
    pub name: String,
    /// `None`: never.
    pub at: Option<i64>,
}

pub enum Expiring {
    /// With its serial number.
    Certificate(String),
    RevocationList,
}

impl Deadline {
    /// What it is, for people.
    pub fn what(&self) -> String {
        match self.kind {
            Expiring::Certificate(_) => self.name.clone(),
            Expiring::RevocationList => format!("revocation list of {}", self.name),
        }
    }

    /// That of a thing in a file, if it has one.
    pub fn of(place: &str, item: &Item) -> Option<Self> {
        match item {
            Item::Certificate(certificate) => Some(Self::of_certificate(place, certificate)),
            Item::RevocationList(list) => Some(Self {
                place: place.to_owned(),
                kind: Expiring::RevocationList,
                name: list.issuer.to_string(),
                at: list.next_update,
            }),
            _ => None,
        }
    }

    pub fn of_certificate(place: &str, certificate: &Certificate) -> Self {
        Self {
            place: place.to_owned(),
            kind: Expiring::Certificate(
                Serial::new(&certificate.serial).map_or_else(|_| String::new(), |it| it.to_string()),
            ),
            name: certificate.subject.to_string(),
            at: Some(certificate.not_after),
        }
    }
}
