//! Who may connect, publish and receive: anonymous rule, password file, ACL file.

use super::ListenerId;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub client_id: &'a str,
    pub username: Option<&'a str>,
    pub listener: ListenerId,
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Access {}

impl Access {
    /// Everybody may do everything.
    pub fn open() -> Self {
        Self::default()
    }

    /// Asked at CONNECT, and for every connected client after a reload; not asked for users that a certificate names.
    pub fn may_connect(&self, _who: Identity<'_>, _password: Option<&[u8]>) -> bool {
        true
    }

    /// Asked at PUBLISH and for wills.
    pub fn may_publish(&self, _who: Identity<'_>, _topic: &str) -> bool {
        true
    }

    /// Asked for each message and client at delivery.
    pub fn may_receive(&self, _who: Identity<'_>, _topic: &str) -> bool {
        true
    }
}
