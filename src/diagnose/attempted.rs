//! What was tried when it failed, as far as the sentences need it.

use crate::net::Endpoint;
use crate::net::tls;
use crate::pki::chain::Purpose;

use super::chain::Scene;

/// What was tried when it failed.
#[derive(Clone, Copy, Debug)]
pub struct Attempted<'a> {
    pub endpoint: &'a Endpoint,
    /// The options of TLS, if it was used.
    pub tls: Option<&'a tls::Options>,
    pub websocket: bool,
    /// Seconds since 1970.
    pub now: i64,
}

impl Attempted<'_> {
    /// What the sentences about the server's certificates need to know.
    pub(super) fn scene<'a>(&self, trusted: &'a str) -> Scene<'a> {
        Scene { purpose: Purpose::Server, now: self.now, trusted, file: None }
    }

    /// `localhost port 1883`, or the path of the socket.
    pub(super) fn place(&self) -> String {
        match self.endpoint {
            Endpoint::Tcp { host, port } => format!("{host} port {port}"),
            Endpoint::Unix(path) => path.display().to_string(),
        }
    }

    pub(super) fn port(&self) -> Option<u16> {
        match self.endpoint {
            Endpoint::Tcp { port, .. } => Some(*port),
            Endpoint::Unix(_) => None,
        }
    }

    pub(super) fn is_aws(&self) -> bool {
        self.endpoint.host().is_some_and(|host| host.ends_with(".amazonaws.com"))
    }

    /// What is trusted, for people: the file, the folder, or the system's certificates.
    pub(super) fn trusted(&self) -> String {
        let Some(tls) = self.tls else { return "what is trusted".to_owned() };
        match (&tls.cafile, &tls.capath) {
            (Some(file), _) => format!("`{}`", file.display()),
            (None, Some(folder)) => format!("the folder `{}`", folder.display()),
            (None, None) => "the operating system's certificates".to_owned(),
        }
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_joined_as_people_do() {
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&words[..0]), "nothing");
        assert_eq!(list(&words[..1]), "a");
        assert_eq!(list(&words[..2]), "a and b");
        assert_eq!(list(&words), "a, b and c");
    }
}
