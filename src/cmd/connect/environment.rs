//! What the environment says of the broker where the command line does not, as `moskit broker --run` exports it. Only
//! moskit's own verbs read it, and login and CA only together with the host: what was exported for one broker must not
//! reach another.

use std::ffi::OsString;

use super::arg_error::ArgError;
use super::args::{ClientArgs, PasswordSource, Port};
use crate::net::authority::without_brackets;
use crate::os::text::OsStrExt;
use crate::term::Secret;

/// What is looked for.
pub const VARIABLES: &[&str] =
    &["MQTT_HOST", "MQTT_PORT", "MQTT_CAFILE", "MQTT_USERNAME", "MQTT_PASSWORD", "MOSQUITTO_PASSWORD"];

/// The variables as the pages of pub, sub, rr, check and qshape list them.
pub const MANUAL: &[(&str, &str)] = &[
    (
        "MQTT_HOST",
        "The broker, or several as -h takes them, where no option names one. Not under the mosquitto_* names.",
    ),
    ("MQTT_PORT", "Its port, 1 to 65535, where no option names a broker or a port. Not under the mosquitto_* names."),
    (
        "MQTT_CAFILE",
        "With MQTT_HOST: the CA file to trust, which switches TLS on. No effect beside a TLS option that names other CAs, or --no-tls. Not under the mosquitto_* names.",
    ),
    (
        "MQTT_USERNAME, MQTT_PASSWORD",
        "With MQTT_HOST: the login. No effect beside an option that gives a user name or a password. Not under the mosquitto_* names.",
    ),
    ("MOSQUITTO_PASSWORD", "The password, where -u is given without one. Not under the mosquitto_* names."),
    (
        "HTTPS_PROXY, ALL_PROXY",
        "Where --proxy is not given: the proxy, as --proxy has it, for connections with TLS and for all others; ALL_PROXY for TLS too, where HTTPS_PROXY is not set. \
         Without a scheme it is http://. In small letters each counts first. Never for this machine, which is localhost, a loopback address or a unix socket, by \
         what is typed. A password without TLS on such a way gets a warning. Not under the mosquitto_* names.",
    ),
    (
        "NO_PROXY",
        "Hosts that are reached without such a proxy, with commas or blanks between them: names, each with all names below it (example.org, .example.org), \
         addresses, networks (10.0.0.0/8), each with a port if only that is meant (lan:8883), or * for all.",
    ),
    ("SSLKEYLOGFILE", "The file of --tls-keylog, where the option is not given."),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "The certificates of the operating system, for --tls-use-os-certs, mqtts://, https:// proxies and token endpoints.",
    ),
];

/// Those of them that hold a secret, which a command that is run has no use for.
pub const SECRETS: &[&str] = &["MQTT_PASSWORD", "MOSQUITTO_PASSWORD"];

impl ClientArgs {
    /// Fills in what was not typed. `variable` looks up the environment.
    pub fn take_environment(&mut self, variable: impl Fn(&str) -> Option<OsString>) -> Result<(), ArgError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        if self.host.is_none() && self.embedded.is_none() {
            let host = variable("MQTT_HOST");
            // An IPv6 address as URLs have it.
            let inner = host.as_ref().and_then(|host| host.to_str()).map(|host| without_brackets(host).into());
            self.host = inner.or(host);
            self.take_port(variable("MQTT_PORT"))?;
            if self.host.is_some() {
                self.take_login_and_authority(variable);
            }
        }
        if self.username.is_some() && self.password.is_none() {
            self.password = variable("MOSQUITTO_PASSWORD").map(given);
        }
        Ok(())
    }

    fn take_port(&mut self, text: Option<OsString>) -> Result<(), ArgError> {
        if self.port.is_some() {
            return Ok(());
        }
        let Some(text) = text else {
            // A unix socket has a path and no port.
            let is_path = self.host.as_ref().is_some_and(|host| host.as_bytes().starts_with(b"/"));
            self.port = is_path.then_some(Port::OfSocket);
            return Ok(());
        };
        let port = text.to_str().and_then(|text| text.parse::<u16>().ok()).filter(|port| *port != 0);
        let text = text.to_string_lossy();
        let error = ArgError::plain(format!("Error: MQTT_PORT is not a port: '{text}'."));
        self.port = Some(port.map(Port::from).ok_or(error)?);
        Ok(())
    }

    fn take_login_and_authority(&mut self, variable: impl Fn(&str) -> Option<OsString>) {
        let tls = &mut self.tls;
        if !(tls.no_tls || tls.capath.is_some() || tls.os_certs || tls.psk.is_some()) && tls.cafile.is_none() {
            tls.cafile = variable("MQTT_CAFILE").map(Into::into);
        }
        if self.username.is_none() && self.password.is_none() {
            self.username = variable("MQTT_USERNAME");
            self.password = self.username.as_ref().and_then(|_| variable("MQTT_PASSWORD")).map(given);
        }
    }
}

fn given(password: OsString) -> PasswordSource {
    PasswordSource::Given(Secret::new(password.into_encoded_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::connect::args::Verb;
    use crate::cmd::connect::options;

    /// `MQTT_HOST` to the password, after `words` were typed with `variables` in the environment.
    fn taken(words: &str, variables: &[(&str, &str)]) -> ClientArgs {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        let mut args = options::read(Verb::Pub, false, &[], &words).unwrap();
        let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        args.take_environment(variable).unwrap();
        args
    }

    const BROKER: &[(&str, &str)] = &[
        ("MQTT_HOST", "lab"),
        ("MQTT_PORT", "7"),
        ("MQTT_CAFILE", "ca.crt"),
        ("MQTT_USERNAME", "me"),
        ("MQTT_PASSWORD", "secret"),
        ("MOSQUITTO_PASSWORD", "other"),
    ];

    fn password(args: &ClientArgs) -> Option<&[u8]> {
        match &args.password {
            Some(PasswordSource::Given(secret)) => Some(secret.expose()),
            _ => None,
        }
    }

    #[test]
    fn a_broker_is_reached_as_its_environment_says() {
        let args = taken("", BROKER);
        assert_eq!((args.host.as_deref(), args.port), (Some("lab".as_ref()), Some(Port::from(7))));
        assert_eq!(args.tls.cafile.as_deref(), Some("ca.crt".as_ref()));
        assert_eq!((args.username.as_deref(), password(&args)), (Some("me".as_ref()), Some(&b"secret"[..])));
        let args = taken("", &[("MQTT_HOST", "/run/mqtt.sock")]);
        assert_eq!(args.port, Some(Port::OfSocket));
    }

    #[test]
    fn what_is_typed_goes_before_it() {
        let args = taken("-u you", BROKER);
        assert_eq!((args.username.as_deref(), password(&args)), (Some("you".as_ref()), Some(&b"other"[..])));
        let args = taken("-u you -P mine -p 9 --capath d", BROKER);
        assert_eq!((password(&args), args.port, &args.tls.cafile), (Some(&b"mine"[..]), Some(Port::from(9)), &None));
        assert_eq!(taken("--no-tls", BROKER).tls.cafile, None);
    }

    #[test]
    fn nothing_meant_for_one_broker_reaches_another() {
        let args = taken("-h elsewhere", BROKER);
        assert_eq!((&args.port, &args.tls.cafile, &args.username, password(&args)), (&None, &None, &None, None));
        let args = taken("-L mqtt://elsewhere/a", BROKER);
        assert_eq!((&args.tls.cafile, &args.username), (&None, &None));
        assert_eq!(taken("", &BROKER[2..]).tls.cafile, None);
    }
}
