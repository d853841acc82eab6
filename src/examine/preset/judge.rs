//! What of a service's wishes is missing in what was given.

use std::net::IpAddr;

use super::sas::Sas;
use super::{Connects, Given, Judgement, Preset};
use crate::diagnose::{AWS_AUTHORIZER, AWS_CERTIFICATE, Finding, shell, when};
use crate::mqtt::packet::{ProtocolVersion, QoS};
use crate::net::this_machine::is_this_machine;
use crate::term::Secret;

/// A token that ends so soon, in seconds, is no token for a session.
const SOON: i64 = 300;

/// The longest client id of AWS IoT Core, and of EMQX Serverless, in bytes.
const AWS_ID: usize = 128;
const EMQX_ID: usize = 1024;

/// The most slashes in a topic of AWS IoT Core, and the most levels in one of EMQX Serverless.
const AWS_SLASHES: usize = 7;
const EMQX_LEVELS: usize = 10;

/// The longest keep-alive that Azure IoT Hub counts: two thirds of the 1767 seconds after which its load balancer hangs up.
const AZURE_KEEP_ALIVE: u16 = 1177;

/// Where Microsoft's SDKs ask for a WebSocket.
const AZURE_PATH: &str = "/$iothub/websocket";

/// What is missing for `preset` in `given`.
pub fn judge(preset: Preset, given: &Given) -> Judgement {
    let mut judged = Judged { preset, given, way: Vec::new(), use_of_it: Vec::new() };
    match preset {
        Preset::Aws => judged.aws(),
        Preset::Azure => judged.azure(),
        Preset::HiveMq => judged.hivemq(),
        Preset::Emqx => judged.emqx(),
        Preset::RabbitMq => judged.rabbitmq(),
    }
    Judgement { preset, way: judged.way, use_of_it: judged.use_of_it }
}

/// What has been found so far.
struct Judged<'a> {
    preset: Preset,
    given: &'a Given,
    way: Vec<Finding>,
    use_of_it: Vec<Finding>,
}

impl Judged<'_> {
    fn error(&mut self, id: &'static str, what: impl Into<String>, seen: impl Into<String>, fix: impl Into<String>) {
        self.way.push(Finding::error(id, what).evidence(seen).fix(fix));
    }

    fn warning(&mut self, id: &'static str, what: impl Into<String>, seen: impl Into<String>, fix: impl Into<String>) {
        self.way.push(Finding::warning(id, what).evidence(seen).fix(fix));
    }

    fn name(&self) -> &'static str {
        self.preset.name()
    }

    fn port(&self) -> String {
        self.given.port.map_or_else(|| "no port is given".to_owned(), |port| format!("port {port}"))
    }

    /// TLS is the only way in.
    fn tls(&mut self, fix: &str) {
        if !self.given.tls {
            let what = format!("{} takes connections with TLS only", self.name());
            self.error("preset.tls", what, "no option switches TLS on", fix);
        }
    }

    fn port_is_one_of(&mut self, ports: &[u16], fix: &str) {
        if self.given.port.is_some_and(|port| !ports.contains(&port)) {
            let what = format!("{} does not listen there for that", self.name());
            let way = if self.given.websocket.is_some() { " with --ws" } else { "" };
            self.error("preset.port", what, format!("{}{way}", self.port()), fix);
        }
    }

    /// An address carries no name to the server, and one server has many customers. That it is refused stands in the documentation
    /// of EMQX alone: it takes the name of the deployment and no other.
    fn server_name(&mut self) {
        let Some(host) = &self.given.host else { return };
        if host.parse::<IpAddr>().is_ok() {
            let seen = format!("{host} is an address, and TLS sends no name for one");
            let fix = "connect by the name that the service gives: -h NAME";
            if self.preset == Preset::Emqx {
                let what = "EMQX Serverless takes connections by the deployment's own name only";
                self.error("preset.sni", what, seen, fix);
            } else {
                let what =
                    format!("{} may tell its customers apart by the name in the TLS handshake (SNI)", self.name());
                self.warning("preset.sni", what, seen, fix);
            }
        } else if !self.is_of_the_vendor() {
            let what = format!("the host is none of {}'s own names", self.name());
            let evidence = format!("they end in {}", self.preset.endings().join(" or "));
            if self.preset == Preset::Emqx {
                self.warning(
                    "preset.host",
                    what,
                    evidence,
                    "use the name in the deployment's overview: it takes no other",
                );
            } else {
                let note = Finding::note("preset.host", what).evidence(evidence);
                self.way.push(note.fix("nothing, if it is a name of your own for it"));
            }
        }
    }

    /// The host is called as the vendor calls its own, and is no gateway or name of somebody else's.
    fn is_of_the_vendor(&self) -> bool {
        self.given.host.as_ref().is_some_and(|host| self.is_name_of_the_vendor(host))
    }

    fn is_name_of_the_vendor(&self, name: &str) -> bool {
        self.preset.endings().iter().any(|ending| name.to_ascii_lowercase().ends_with(ending))
    }

    /// Whether what is for a hub of that name is for the host: for the hub itself, and for a gateway of IoT Edge, whose name is its
    /// own, and which takes user names and tokens both of its hub and of itself.
    fn is_reached(&self, hub: &str) -> bool {
        let Some(host) = &self.given.host else { return true };
        host.eq_ignore_ascii_case(hub) || (!self.is_of_the_vendor() && self.is_name_of_the_vendor(hub))
    }

    fn no_qos_2(&mut self, what: &str) {
        if self.given.qos == QoS::ExactlyOnce {
            self.use_of_it.push(Finding::error("preset.qos", what).evidence("-q 2").fix("use QoS 1: -q 1"));
        }
    }

    fn keep_alive(&mut self, what: &str, fix: &str) {
        let seen = match self.given.keep_alive {
            0 => "-k 0, which is none".to_owned(),
            seconds => format!("-k {seconds}"),
        };
        self.use_of_it.push(Finding::warning("preset.keep-alive", what).evidence(seen).fix(fix));
    }

    fn login(&mut self) {
        let has_password = self.given.password.is_some() || self.given.password_is_to_come;
        if self.given.username.is_none() || !has_password {
            let what = format!("{} lets nobody in without user name and password", self.name());
            let missing = match (&self.given.username, has_password) {
                (None, true) => "no user name is given",
                (Some(_), false) => "no password is given",
                _ => "no login is given",
            };
            self.error("preset.login", what, missing, "-u NAME and --pw-file FILE or --pw-prompt");
        }
    }

    fn id_is_at_most(&mut self, bytes: usize) {
        if let Some(length) = self.given.id.as_ref().map(String::len).filter(|length| *length > bytes) {
            let what = format!("{} takes client ids of {bytes} bytes at most", self.name());
            let finding = Finding::error("preset.client-id", what).evidence(format!("that of -i has {length}"));
            // Whoever let another id in has said nothing of this one.
            let found = if self.given.connects == Connects::WithTheId { &mut self.way } else { &mut self.use_of_it };
            found.push(finding.fix("shorten it: -i ID"));
        }
    }

    /// The service may know a client by its id.
    fn own_id(&mut self, why: &str) {
        let (what, fix) = match (&self.given.id, self.given.connects) {
            (None, _) => ("no client id is given".to_owned(), "-i ID".to_owned()),
            (Some(_), Connects::Never | Connects::WithTheId) => return,
            (Some(id), Connects::WithAnotherId) => (
                "check connects with a client id of its own, which the service may refuse".to_owned(),
                format!("if it does, try with the id: moskit sub -d -i {} and the other options", shell::quoted(id)),
            ),
        };
        self.warning("preset.client-id", what, why, fix);
    }

    fn aws(&mut self) {
        let given = self.given;
        let offers = |name: &str| given.alpn.iter().any(|offered| offered == name);
        let is_custom = offers(AWS_AUTHORIZER) && !offers(AWS_CERTIFICATE);
        self.tls("--cafile AmazonRootCA1.pem --cert FILE --key FILE");
        if given.websocket.is_some() {
            self.port_is_one_of(&[443], "-p 443");
            self.warning(
                "preset.websocket",
                "AWS IoT Core wants a request for a WebSocket that is signed (SigV4), which moskit does not make, or a custom authorizer",
                "--ws",
                "leave out --ws, and use a client certificate: --cert FILE --key FILE",
            );
        } else {
            self.port_is_one_of(&[443, 8883], "-p 8883, or -p 443 --tls-alpn x-amzn-mqtt-ca");
            if given.port == Some(443) && !offers(AWS_CERTIFICATE) && !offers(AWS_AUTHORIZER) {
                let what = "on port 443 AWS IoT Core knows by ALPN that MQTT is spoken, unless its domain configuration names the protocol";
                let seen = if given.alpn.is_empty() {
                    "no --tls-alpn".to_owned()
                } else {
                    format!("--tls-alpn {}", given.alpn.join(","))
                };
                self.warning("preset.alpn", what, seen, "--tls-alpn x-amzn-mqtt-ca, or -p 8883");
            }
            if !given.certificate && !is_custom {
                let what = "AWS IoT Core knows a client by its certificate, unless its domain configuration names a custom authorizer";
                self.warning(
                    "preset.certificate",
                    what,
                    "no --cert and --key",
                    "--cert FILE --key FILE, as the console made them",
                );
            }
        }
        self.server_name();
        if is_custom && given.username.is_none() {
            self.warning(
                "preset.login",
                "ALPN mqtt asks for a custom authorizer, which judges a user name and password",
                "no user name is given",
                "-u NAME, or --tls-alpn x-amzn-mqtt-ca for a certificate",
            );
        }
        self.id_is_at_most(AWS_ID);
        self.own_id("the policy may allow one id only, often the name of the thing");
        self.no_qos_2("AWS IoT Core has no QoS 2: it does not answer it");
        let is_kept_to = (30..=1200).contains(&given.keep_alive);
        if !is_kept_to {
            self.keep_alive("AWS IoT Core keeps to a keep-alive of 30 to 1200 seconds, whatever is asked for", "-k 60");
        }
        if let Some(topic) = &given.topic
            && !topic.starts_with("$aws/rules/")
            && topic.matches('/').count() > AWS_SLASHES
        {
            let what = format!("AWS IoT Core takes topics with {AWS_SLASHES} slashes at most");
            let finding = Finding::error("preset.topic", what).evidence(format!("the topic {topic}"));
            self.use_of_it.push(finding.fix("use a topic with fewer levels: -t TOPIC"));
        }
    }

    fn azure(&mut self) {
        let given = self.given;
        self.tls("--tls-use-os-certs, or a mqtts:// URL");
        match (given.websocket_path(), given.port) {
            (None, Some(443)) => {
                let what = "on port 443 Azure IoT Hub speaks MQTT over WebSockets only";
                self.error("preset.websocket", what, "no --ws", format!("-p 8883, or --ws --ws-path '{AZURE_PATH}'"));
            }
            (None, _) => self.port_is_one_of(&[8883], "-p 8883"),
            (Some(path), _) => {
                self.port_is_one_of(&[443], "-p 443");
                if path != AZURE_PATH {
                    let what = format!("Microsoft's SDKs ask Azure IoT Hub for a WebSocket at {AZURE_PATH}");
                    self.warning(
                        "preset.websocket",
                        what,
                        format!("the path {path}"),
                        format!("--ws-path '{AZURE_PATH}'"),
                    );
                }
            }
        }
        if given.version.is_some_and(|version| version != ProtocolVersion::V311) {
            let what = "Azure IoT Hub speaks MQTT 3.1.1; its preview of MQTT 5 is deprecated";
            if given.version == Some(ProtocolVersion::V5) {
                self.warning("preset.version", what, "-V mqttv5, which a hub in preview mode takes", "-V mqttv311");
            } else {
                self.error("preset.version", what, "another -V", "-V mqttv311");
            }
        }
        self.server_name();
        self.azure_user();
        self.own_id("Azure IoT Hub takes the id of the device only");
        if !given.certificate {
            self.azure_password();
        }
        self.no_qos_2("Azure IoT Hub has no QoS 2: it ends the connection");
        if given.keep_alive == 0 || given.keep_alive > AZURE_KEEP_ALIVE {
            let what = format!("Azure IoT Hub counts {AZURE_KEEP_ALIVE} seconds of keep-alive at most");
            self.keep_alive(&what, "-k 60");
        }
        // A module has the topics of its device.
        let device = given.id.as_deref().and_then(|id| id.split('/').next()).unwrap_or("DEVICE");
        let Some(topic) = &given.topic else { return };
        let finding = if topic.starts_with(&format!("devices/{device}/")) || topic.starts_with("$iothub/") {
            if given.connects == Connects::Never {
                return;
            }
            Finding::warning(
                "preset.topic",
                "check waits for the message that it publishes, and Azure IoT Hub sends none back",
            )
            .fix("leave out -t, and try by hand: moskit pub -t TOPIC -q 1 -m TEXT")
        } else {
            Finding::error("preset.topic", "Azure IoT Hub has topics of its own, and takes no others")
                .fix(format!("-t devices/{device}/messages/events/"))
        };
        self.use_of_it.push(finding.evidence(format!("the topic {topic}")));
    }

    fn azure_user(&mut self) {
        let given = self.given;
        // A gateway does not say by its name which hub it is for.
        let hub =
            given.host.as_deref().filter(|host| self.is_name_of_the_vendor(host)).unwrap_or("HUB.azure-devices.net");
        let device = given.id.as_deref().unwrap_or("DEVICE");
        let fix = format!("-u {}", shell::quoted(&format!("{hub}/{device}/?api-version=2021-04-12")));
        let what = "the user name of Azure IoT Hub is HUB/DEVICE/?api-version=DATE";
        let Some(username) = &given.username else {
            self.error("preset.username", what, "no user name is given", fix);
            return;
        };
        let (path, query) = username.split_once('?').unwrap_or((username, ""));
        let (named_hub, named_device) = path.split_once('/').unwrap_or((path, ""));
        let (named_device, has_slash) =
            named_device.strip_suffix('/').map_or((named_device, false), |named_device| (named_device, true));
        let has_version = has_slash
            && query.split('&').filter_map(|field| field.strip_prefix("api-version=")).any(|date| !date.is_empty());
        let fault = if named_device.is_empty() {
            "no device stands in it"
        } else if !self.is_reached(named_hub) {
            let fault = "it begins with another name than the host's";
            // The host may be another name of the hub, or a gateway.
            if !self.is_of_the_vendor() {
                self.warning("preset.username", what, fault, fix);
                return;
            }
            fault
        } else if given.id.as_ref().is_some_and(|id| id != named_device) {
            "it names another device than -i"
        } else if !has_version {
            let what = "the user name of Azure IoT Hub should name a version of its API";
            self.warning("preset.username", what, "`/?api-version=` is missing in it", fix);
            return;
        } else {
            return;
        };
        self.error("preset.username", what, fault, fix);
    }

    fn azure_password(&mut self) {
        match &self.given.password {
            None if self.given.password_is_to_come => {}
            None => {
                let what = "Azure IoT Hub wants a SAS token as password, or a client certificate";
                self.error("preset.password", what, "neither is given", "--pw-file FILE with the token");
            }
            Some(password) => self.sas(password),
        }
    }

    /// Nothing of a token is shown but when it ends.
    fn sas(&mut self, password: &Secret) {
        let given = self.given;
        let fix = "make a token: az iot hub generate-sas-token -n HUB -d DEVICE";
        let sas = match Sas::read(password.expose()) {
            Ok(sas) => sas,
            Err(fault) => {
                let what = "the password is no SAS token, which Azure IoT Hub wants; a key is none yet";
                self.error("preset.password", what, fault, fix);
                return;
            }
        };
        if sas.expiry <= given.now {
            let what = format!("the SAS token has expired {}", when::from_now(sas.expiry, given.now));
            self.error("preset.token-expired", what, format!("it ended {}", when::date(sas.expiry)), fix);
        } else if sas.expiry - given.now < SOON {
            let what = format!("the SAS token expires {}", when::from_now(sas.expiry, given.now));
            self.warning("preset.token-expired", what, format!("it ends {}", when::date(sas.expiry)), fix);
        }
        if !sas.is_for(given.id.as_deref()) {
            let what = "the SAS token is for another device than -i";
            self.error("preset.password", what, "the resource in it (sr)", fix);
        } else if !self.is_reached(sas.hub()) {
            let what = "the SAS token is for another hub than the host";
            let seen = "the resource in it (sr)";
            // The host may be another name of the hub, or a gateway.
            if self.is_of_the_vendor() {
                self.error("preset.password", what, seen, fix);
            } else {
                self.warning("preset.password", what, seen, fix);
            }
        }
    }

    fn hivemq(&mut self) {
        self.tls("--tls-use-os-certs -p 8883, or a mqtts:// URL");
        match self.given.websocket_path() {
            None => self.port_is_one_of(&[8883], "-p 8883"),
            // Known from users only, so that it is no error.
            Some(path) => {
                if self.given.port.is_some_and(|port| port != 8884) || path != "/mqtt" {
                    let what = "HiveMQ Cloud has its WebSockets on port 8884 at /mqtt, as its users say";
                    let seen = format!("{}, the path {path}", self.port());
                    self.warning("preset.websocket", what, seen, "-p 8884 --ws-path /mqtt");
                }
            }
        }
        self.server_name();
        self.hivemq_login();
    }

    /// One way of three is chosen for a cluster: user name and password, a client certificate, or a token, which is a password.
    fn hivemq_login(&mut self) {
        let given = self.given;
        let has_password = given.password.is_some() || given.password_is_to_come;
        let fix = "-u NAME and --pw-file FILE or --pw-prompt, or --cert FILE --key FILE";
        match (given.username.is_some(), has_password) {
            _ if given.certificate => {}
            (true, true) => {}
            (false, true) => {
                let what = "HiveMQ Cloud wants a user name with the password, unless the password is a token (JWT)";
                self.warning("preset.login", what, "no user name is given", fix);
            }
            (has_name, false) => {
                let what = "HiveMQ Cloud lets nobody in without a password, a client certificate or a token (JWT)";
                let missing = if has_name { "no password is given" } else { "no login is given" };
                self.error("preset.login", what, missing, fix);
            }
        }
    }

    fn emqx(&mut self) {
        self.tls("--cafile FILE with the CA of the deployment's overview, -p 8883");
        match self.given.websocket_path() {
            None => self.port_is_one_of(&[8883], "-p 8883"),
            Some(path) => {
                self.port_is_one_of(&[8084], "-p 8084");
                if path != "/mqtt" {
                    let what = "EMQX has its WebSockets at /mqtt";
                    self.error("preset.websocket", what, format!("the path {path}"), "--ws-path /mqtt");
                }
            }
        }
        self.server_name();
        self.login();
        self.id_is_at_most(EMQX_ID);
        if let Some(topic) = &self.given.topic
            && topic.split('/').count() > EMQX_LEVELS
        {
            let what = format!("EMQX Serverless takes subscriptions of {EMQX_LEVELS} levels at most");
            // What is only published is not known to have that limit; check subscribes.
            let finding = match self.given.connects {
                Connects::Never => Finding::warning("preset.topic", what),
                _ => Finding::error("preset.topic", what),
            };
            self.use_of_it
                .push(finding.evidence(format!("the topic {topic}")).fix("use a topic with fewer levels: -t TOPIC"));
        }
    }

    fn rabbitmq(&mut self) {
        match (self.given.websocket_path(), self.given.port) {
            (None, Some(15_675 | 15_676)) => {
                let what = "that is the port of RabbitMQ's WebSockets, unless it is configured otherwise";
                self.warning("preset.websocket", what, self.port(), "--ws --ws-path /ws, or -p 1883");
            }
            (Some(path), _) if path != "/ws" => {
                let what = "RabbitMQ has its WebSockets at /ws, unless it is configured otherwise";
                self.warning("preset.websocket", what, format!("the path {path}"), "--ws-path /ws");
            }
            (Some(_), Some(1883 | 8883)) => {
                let what = "RabbitMQ has its WebSockets on 15675, unless it is configured otherwise";
                self.warning("preset.port", what, self.port(), "-p 15675, or -p 15676 with TLS");
            }
            (None, Some(5672 | 5671)) => {
                let what = "that is RabbitMQ's port for AMQP, unless it is configured otherwise";
                self.warning("preset.port", what, self.port(), "-p 1883, or -p 8883 with TLS");
            }
            _ => {}
        }
        self.rabbitmq_login();
        self.no_qos_2("RabbitMQ has no QoS 2");
    }

    fn rabbitmq_login(&mut self) {
        let given = self.given;
        let Some(username) = &given.username else {
            if !given.certificate {
                self.warning(
                    "preset.login",
                    "RabbitMQ asks for a login, unless it is configured otherwise",
                    "no user name is given",
                    "-u USER, or -u VHOST:USER for another virtual host than the default",
                );
            }
            return;
        };
        let (virtual_host, user) =
            username.rsplit_once(':').map_or((None, &**username), |(virtual_host, user)| (Some(virtual_host), user));
        if user.is_empty() || virtual_host == Some("") {
            let what = "the user name of RabbitMQ is USER or VHOST:USER, unless rabbitmq_mqtt is told to ignore colons (ignore_colons_in_username)";
            self.warning("preset.username", what, "nothing stands on one side of the colon", "-u VHOST:USER");
        } else if virtual_host.is_none() {
            let what = "no virtual host stands in the user name: RabbitMQ takes the one of the port or the certificate, or its default for MQTT";
            let note = Finding::note("preset.username", what).evidence("the user name has no colon");
            self.way.push(note.fix("nothing, if that is meant; else -u VHOST:USER"));
        }
        if user == "guest" && given.host.as_deref().is_some_and(|host| !is_this_machine(host)) {
            let what = "RabbitMQ lets the user guest in from its own machine only, unless it is configured otherwise";
            self.warning("preset.username", what, "-u guest", "make a user: rabbitmqctl add_user NAME");
        }
    }
}
