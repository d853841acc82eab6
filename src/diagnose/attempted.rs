//! What was tried when it failed, as far as the sentences need it.

use crate::mqtt::packet::{Connect, ProtocolVersion};
use crate::net::Endpoint;
use crate::net::tls;
use crate::net::websocket::{DEFAULT_PATH, Opening};
use crate::pki::chain::Purpose;
use crate::scram::Mechanism;

use super::chain::Scene;
use super::lists::either;
use super::shell;

/// What a CONNECT carried that its answer may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub version: ProtocolVersion,
    pub username: bool,
    pub password: bool,
    /// An id that the client chose.
    pub client_id: bool,
    pub will: bool,
    /// The login is by SCRAM, and so not in CONNECT.
    pub scram: Option<Mechanism>,
}

impl From<&Connect> for Sent {
    fn from(connect: &Connect) -> Self {
        Self {
            version: connect.version,
            username: connect.username.is_some(),
            password: connect.password.is_some(),
            client_id: !connect.client_id.is_empty(),
            will: connect.will.is_some(),
            scram: connect.properties.authentication_method().and_then(|method| Mechanism::named(&method)),
        }
    }
}

impl Sent {
    /// What speaks for a missing login: `no login was given`, or of a user name without a password the half that is missing.
    pub(super) fn lacks(self) -> Option<&'static str> {
        match (self.username, self.password) {
            (false, false) => Some("no login was given"),
            (false, true) => Some("no user name was given"),
            (true, false) => Some("no password was given"),
            (true, true) => None,
        }
    }

    /// How to give what [`Self::lacks`] names.
    pub(super) fn how_to_log_in(self) -> &'static str {
        match (self.username, self.password) {
            (false, false) => "give the login: -u NAME and --pw-file FILE or --pw-prompt",
            (false, true) => "give the user name: -u NAME",
            _ => "give the password: --pw-file FILE or --pw-prompt",
        }
    }
}

/// The protocol (ALPN) by which AWS IoT Core knows MQTT with a client certificate, and the one for a custom authorizer.
pub const AWS_CERTIFICATE: &str = "x-amzn-mqtt-ca";
pub const AWS_AUTHORIZER: &str = "mqtt";

/// What was tried when it failed.
#[derive(Clone, Copy, Debug)]
pub struct Attempted<'a> {
    pub endpoint: &'a Endpoint,
    /// The options of TLS, if it was used.
    pub tls: Option<&'a tls::Options>,
    /// What the WebSocket was asked for, if there was to be one.
    pub websocket: Option<&'a Opening>,
    /// Seconds since 1970.
    pub now: i64,
}

impl Attempted<'_> {
    /// What the sentences about the server's certificates need to know.
    pub fn scene<'a>(&'a self, trusted: &'a str) -> Scene<'a> {
        let folder = self.tls.and_then(|tls| tls.capath.as_deref());
        Scene { purpose: Purpose::Server, now: self.now, trusted, folder, file: None }
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

    /// A protocol was offered by which AWS IoT Core knows MQTT.
    pub(super) fn offers_alpn_of_aws(&self) -> bool {
        self.tls.is_some_and(|tls| tls.alpn.iter().any(|name| name == AWS_CERTIFICATE || name == AWS_AUTHORIZER))
    }

    /// AWS IoT Core was asked for MQTT on the port where it knows that by ALPN alone.
    pub(super) fn lacks_alpn_of_aws(&self) -> bool {
        self.is_aws() && self.port() == Some(443) && self.websocket.is_none() && !self.offers_alpn_of_aws()
    }

    /// The command that looks at the same place.
    pub(super) fn check_command(&self) -> String {
        let mut command = match self.endpoint {
            Endpoint::Tcp { host, port } => format!("moskit check -h {} -p {port}", shell::quoted(host)),
            Endpoint::Unix(path) => format!("moskit check --unix {}", shell::path(path)),
        };
        if let Some(tls) = self.tls {
            let files = [("--cafile", &tls.cafile), ("--capath", &tls.capath)];
            for (option, path) in files.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?))) {
                command = format!("{command} {option} {}", shell::path(path));
            }
            if tls.os_certificates {
                command += " --tls-use-os-certs";
            }
            if let Some((certificate, key)) = &tls.identity {
                command = format!("{command} --cert {} --key {}", shell::path(certificate), shell::path(key));
            }
        }
        if let Some(opening) = self.websocket {
            command += " --ws";
            if opening.path() != DEFAULT_PATH {
                command = format!("{command} --ws-path {}", shell::quoted(&opening.shown_path()));
            }
            // Their values may be secrets.
            for header in opening.headers() {
                command = format!("{command} --header {}=…", header.name());
            }
        }
        command
    }

    /// Where those lie who are trusted, to stand behind `in`: the file, the folder and the system's certificates, with an
    /// `or` between them.
    pub fn trusted(&self) -> String {
        let Some(tls) = self.tls else { return "what is trusted".to_owned() };
        let file = tls.cafile.iter().map(|file| format!("`{}`", file.display()));
        let folder = tls.capath.iter().map(|folder| format!("the folder `{}`", folder.display()));
        let system = tls.os_certificates.then(|| "the operating system's certificates".to_owned());
        either(&file.chain(folder).chain(system).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_trusted_are_all_named() {
        let endpoint = Endpoint::new("mqtt.lan", 8883).unwrap();
        let trusted = |cafile: Option<&str>, capath: Option<&str>, os_certificates| {
            let path = |text: Option<&str>| text.map(std::path::PathBuf::from);
            let tls =
                tls::Options { cafile: path(cafile), capath: path(capath), os_certificates, ..tls::Options::default() };
            Attempted { endpoint: &endpoint, tls: Some(&tls), websocket: None, now: 0 }.trusted()
        };
        assert_eq!(trusted(Some("ca.crt"), None, false), "`ca.crt`");
        assert_eq!(trusted(None, Some("certs"), false), "the folder `certs`");
        assert_eq!(trusted(None, None, true), "the operating system's certificates");
        assert_eq!(
            trusted(Some("ca.crt"), Some("certs"), true),
            "`ca.crt`, the folder `certs` or the operating system's certificates"
        );
    }
}
